"""`pii`: personal data is kept, hashed or dropped in everything that is written."""

from __future__ import annotations

import json
import typing as t

import pytest

from tests.support.pipeline import make_account
from tests.support.streams import (
    ANSWERS,
    CANDIDATES,
    DETAILS,
    HISTORY,
    STATE_KEY,
    UPSERTED,
)

if t.TYPE_CHECKING:
    from sandbox import Account
    from tests.support.pipeline import MakePipeline, Pipeline

Json = dict[str, t.Any]

KEY = "k\u00e9y of the hashes"
MODES: dict[str, Json] = {
    "keep": {"pii": "keep"},
    "hash": {"pii": "hash", "pii_hash_key": KEY},
    "another key": {"pii": "hash", "pii_hash_key": KEY[::-1]},
    "drop": {"pii": "drop"},
    "drop tags": {"pii": "drop", "pii_tags": "drop"},
}

ADA: Json = {
    "id": "100",
    "name": "Ada Quell",
    "email": "ada.quell@example.com",
    "profile_url": "",
    "contact_info": {"city": "Nowhere", "phone": None},
    "questions": [
        {"id": 400, "question_type": "text", "content": "Why?", "points": 1},
        {"id": 401, "question_type": "text", "content": "How?", "points": 1},
    ],
    "answers": [
        {"question_id": "400", "points": 1, "text_answer": "Because I say so."},
        {"question_id": "401", "points": 0, "text_answer": ""},
    ],
}
NULL_CONTACT = dict.fromkeys(
    ("full_name", "contact_email", "linkedin", "phone", "city", "country")
)
WRITTEN: dict[str, Json] = {
    # What each mode makes of Ada Quell; null and the empty string stay.
    "keep": {
        "name": "Ada Quell",
        "email": "ada.quell@example.com",
        "profile_url": "",
        "contact_info": {**NULL_CONTACT, "city": "Nowhere"},
        "text_answers": ["Because I say so.", ""],
    },
    "hash": {
        "name": "1c49f8c479fcaca9f55a4904ef81bbcabc846875a73865cd4e0f9fb94e52b7a9",
        "email": "54419acdc489fb282c7796679656c55d03fc23428719d746e7bbaf8623cfc29e",
        "profile_url": "",
        "contact_info": {
            **NULL_CONTACT,
            "city": "b0a823d865c155605f08cb55a0ff842d310edf3d1214fd38b60989c2b127283e",
        },
        "text_answers": [None, ""],
    },
    "drop": {
        "name": None,
        "email": None,
        "profile_url": "",
        "contact_info": NULL_CONTACT,
        "text_answers": [None, ""],
    },
}
WRITTEN["drop tags"] = WRITTEN["drop"]


def account_with_ada(candidates: int = 0) -> Account:
    account = make_account(candidates)
    tag = account.tags()[0]["id"]
    account.add_candidate(account.openings()[0]["id"], **ADA, tag_ids=[tag])
    return account


def shown_of_ada(rows: t.Any) -> Json:
    """Return what rows of all streams have of her, by their `records` function."""
    [row] = (row for row in rows(CANDIDATES) if row["id"] == "100")
    [detail] = (row for row in rows(DETAILS) if row["id"] == "100")
    answers = [row for row in rows(ANSWERS) if row["candidate_id"] == "100"]
    names = ("name", "email", "profile_url", "contact_info")
    assert {name: row[name] for name in names} == {name: detail[name] for name in names}
    texts = [row["text_answer"] for row in answers]
    assert texts == [answer["text_answer"] for answer in detail["answers"]]
    return {**{name: row[name] for name in names}, "text_answers": texts}


@pytest.mark.parametrize("mode", WRITTEN)
def test_records_of_one_candidate_are_as_written_down(
    make_pipeline: MakePipeline, mode: str
) -> None:
    pipeline = make_pipeline(account_with_ada(), **MODES[mode])
    run = pipeline.run()
    assert shown_of_ada(run.records) == WRITTEN[mode]
    [details], [event] = run.records(DETAILS), run.records(HISTORY)
    tag_ids = None if mode == "drop tags" else [pipeline.account.tags()[0]["id"]]
    assert details["tag_ids"] == event["tag_ids"] == tag_ids


# Nothing personal is anywhere else


def personal_values(account: Account) -> set[str]:
    """Return every personal value of more than three characters."""
    values: set[str] = set()
    for candidate_id in account.listed_ids():
        detail = account.detail(candidate_id)
        values.update(detail[n] or "" for n in ("name", "email", "profile_url"))
        values.update((detail["contact_info"] or {}).values())
        values.update(answer["text_answer"] for answer in detail["answers"])
    return {value for value in values if value and len(value) > 3}


def values_in(text: str, values: set[str]) -> set[str]:
    """Return the values that are in a text, or in JSON in it."""
    escaped = {value: json.dumps(value, ensure_ascii=False)[1:-1] for value in values}
    return {v for v, escape in escaped.items() if v in text or escape in text}


@pytest.mark.parametrize("mode", ["hash", "drop"])
def test_no_personal_value_is_in_any_output(
    make_pipeline: MakePipeline, mode: str
) -> None:
    pipeline = make_pipeline(30, **MODES[mode])
    values = personal_values(pipeline.account)
    assert len(values) > 100
    run = pipeline.run_command_line()
    assert run.returncode == 0, run.stderr
    assert len(run.records(DETAILS)) == 30
    assert values_in(run.stdout + run.stderr, values) == set()
    assert KEY not in run.stdout + run.stderr


def test_kept_values_are_in_records_of_candidates_alone(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    values = personal_values(pipeline.account)
    email = pipeline.account.row(pipeline.ids[5])["email"]
    run = pipeline.run(candidate_filters={"email": email})
    [row] = run.records(CANDIDATES)
    assert row["email"] == email
    others = [m for m in run.messages if m.get("stream") not in UPSERTED]
    text = json.dumps(others, ensure_ascii=False) + caplog.text
    assert values_in(text, values) == set()
    assert email.partition("@")[0] not in text


@pytest.mark.parametrize("mode", ["hash", "drop"])
def test_state_does_not_reveal_values_that_are_not_kept(
    make_pipeline: MakePipeline, mode: str
) -> None:
    """With `drop`, it does not depend on them; with `hash`, only with the key."""
    inventories = []
    for name in ("One Name", "Another Name"):
        pipeline = make_pipeline(12, **MODES[mode])
        for candidate_id in pipeline.ids:
            pipeline.account.set_field(candidate_id, "name", name)
            pipeline.account.set_field(candidate_id, "contact_info", {"city": name})
        state = pipeline.run().states[-1]
        assert name not in json.dumps(state)
        assert KEY not in json.dumps(state, ensure_ascii=False)
        inventories.append(state[STATE_KEY]["candidates"])
    assert (inventories[0] == inventories[1]) is (mode == "drop")
    run = pipeline.extract(state={}, **MODES["another key"])
    assert run.states[-1][STATE_KEY]["candidates"] not in inventories


@pytest.mark.parametrize("mode", ["hash", "drop"])
def test_values_of_other_types_are_not_kept_either(
    pipeline: Pipeline, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The API may send a number or an object instead of a text."""
    canary = 4_711_004_711
    answer = {"question_id": "1", "text_answer": [canary], "new": canary}
    for name, value in (
        ("name", canary),
        ("email", {"address": canary}),
        ("contact_info", {"phone": canary, "new": canary}),
        ("answers", [answer]),
    ):
        pipeline.account.set_field(pipeline.ids[0], name, value)
    run = pipeline.run(**MODES[mode])
    assert len(run.records(CANDIDATES)) == 12
    assert str(canary) not in json.dumps(run.messages)
    assert str(canary) not in caplog.text
    assert "Field contact_info.new of candidates " in caplog.text


# Another mode


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("keep", "hash"),
        ("hash", "drop"),
        ("drop", "keep"),
        ("hash", "another key"),
        ("drop", "drop tags"),
    ],
)
def test_change_of_the_mode_rewrites_every_row(
    make_pipeline: MakePipeline, before: str, after: str
) -> None:
    pipeline = make_pipeline(account_with_ada(candidates=20))
    # One whose list row is the same in every mode; her details are not.
    same = pipeline.ids[7]
    for name, value in (("name", ""), ("email", None), ("profile_url", None)):
        pipeline.account.set_field(same, name, value)
    pipeline.account.set_field(same, "contact_info", None)
    pipeline.run(**MODES[before])
    run = pipeline.run(**MODES[after])
    for stream in UPSERTED:
        assert set(run.emitted(stream)) == {*pipeline.ids}
    if after in WRITTEN:
        target = pipeline.target
        assert (
            shown_of_ada(lambda stream: target.alive(stream).values())
            == (WRITTEN[after])
        )
    # It is not an event, unless the history loses its tags.
    tagged = [k for k in pipeline.ids if pipeline.account.detail(k)["tag_ids"]]
    events = [candidate_id for _, candidate_id in run.events()]
    assert sorted(events) == sorted(tagged if after == "drop tags" else [])
    assert not pipeline.run(**MODES[after]).candidate_records
