"""`pii`: personal data kept, hashed or gone, in all that leaves the tap."""

from __future__ import annotations

import hashlib
import hmac
import json
import typing as t

import pytest

from sandbox import Account, Fault
from tests.streams.checks import (
    CANDIDATES,
    assert_holds,
    expected,
    history,
    loaded,
    settings,
)
from tests.support import Target, extract, run_tap

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox import Sandbox

Json = dict[str, t.Any]
Rows = dict[t.Any, Json]

KEY = "a k\u00e9y"
MODES: dict[str, Json] = {
    "keep": {"pii": "keep"},
    "hash": {"pii": "hash", "pii_hash_key": KEY},
    "drop": {"pii": "drop"},
}
HIDING = ["hash", "drop"]
PERSONAL = ("name", "email", "profile_url")


def personal_values(account: Account) -> set[str]:
    """Every personal value that there is, and that is more than a letter or two."""
    values: set[str] = set()
    for candidate_id in account.listed_ids():
        detail = account.detail(candidate_id)
        values.update(detail[name] or "" for name in PERSONAL)
        values.update((detail["contact_info"] or {}).values())
        values.update(one["text_answer"] for one in detail["answers"] or ())
    return {value for value in values if value and len(value) > 3}


def strings(value: t.Any) -> Iterator[str]:
    """Every string in a JSON value, the names of fields too."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def found(values: set[str], texts: t.Iterable[str]) -> set[str]:
    haystack = "\x00".join(texts)
    return {value for value in values if value in haystack}


def hidden(rows: dict[str, Rows], mode: str, key: str = KEY) -> dict[str, Rows]:
    """The rows as they should be in a mode."""
    if mode == "keep":
        return rows
    return {
        stream: {
            place: _hidden_row(stream, row, key if mode == "hash" else None)
            for place, row in table.items()
        }
        for stream, table in rows.items()
    }


def _hidden_row(stream: str, row: Json, key: str | None) -> Json:
    row = json.loads(json.dumps(row))
    if stream in ("candidates", "candidate_details"):
        row |= {name: _hidden(row[name], key) for name in PERSONAL}
        contact_info = row["contact_info"] or {}
        for name, value in contact_info.items():
            contact_info[name] = _hidden(value, key)
    for answer in row.get("answers") or ():
        answer["text_answer"] = _hidden(answer["text_answer"], None)
    if stream == "candidate_answers":
        row["text_answer"] = _hidden(row["text_answer"], None)
    return row


def _hidden(value: str | None, key: str | None) -> str | None:
    """Hashed; without a key, dropped."""
    if not value:
        return value
    if key is None:
        return None
    return hmac.new(key.encode(), value.encode(), hashlib.sha256).hexdigest()


def account() -> Account:
    return Account.example(candidates=30)


@pytest.mark.parametrize("mode", HIDING)
def test_no_personal_value_is_in_any_output(
    sandbox: Callable[..., Sandbox], mode: str
) -> None:
    box = sandbox(account())
    values = personal_values(box.account)
    assert len(values) > 100
    run = run_tap(settings(box, **MODES[mode]))
    assert run.returncode == 0, run.stderr
    assert found(values, strings(run.messages)) == set()
    assert found(values, run.stdout.splitlines()) == set()
    assert found(values, run.stderr.splitlines()) == set()
    assert KEY not in run.stdout + run.stderr
    # And what is there is right.
    assert_holds(loaded(run.messages), hidden(expected(box.account), mode))


def test_kept_values_are_in_records_alone(sandbox: Callable[..., Sandbox]) -> None:
    box = sandbox(account())
    values = personal_values(box.account)
    run = run_tap(settings(box))
    assert run.returncode == 0
    records = [m for m in run.messages if m["type"] == "RECORD"]
    others = [m for m in run.messages if m["type"] != "RECORD"]
    assert found(values, strings(records)) == values
    assert found(values, strings(others)) == set()
    assert found(values, run.stderr.splitlines()) == set()
    history_records = [m for m in records if m["stream"] == "candidate_history"]
    assert len(history_records) == 30
    assert found(values, strings(history_records)) == set()
    assert_holds(loaded(run.messages), expected(box.account))


@pytest.mark.parametrize("mode", ["hash", "keep"])
def test_a_run_that_fails_shows_nothing_either(
    sandbox: Callable[..., Sandbox], mode: str
) -> None:
    """It fails halfway, and what the API says of it holds a candidate's data."""
    box = sandbox(account())
    email = box.account.list_rows()[0]["email"]
    refusal = Fault("status", status=403, error_type=email, match="candidate", after=20)
    box.faults = [refusal]
    values = personal_values(box.account)
    run = run_tap(settings(box, **MODES[mode]))
    assert run.returncode == 1
    assert "check setting api_key" in run.stderr.splitlines()[-1]
    assert found(values, run.stderr.splitlines()) == set()
    states = [m for m in run.messages if m["type"] == "STATE"]
    assert states
    assert found(values, strings(states)) == set()


@pytest.mark.parametrize("mode", HIDING)
def test_the_state_depends_on_no_hidden_value(
    sandbox: Callable[..., Sandbox], mode: str
) -> None:
    """With `drop`, whoever has the state can guess at nothing: not even with all
    else known. With `hash`, only who has the key can."""
    books = []
    for name in ("One Name", "Another Name"):
        box = sandbox(Account.example(candidates=12))
        for candidate_id in box.account.listed_ids():
            box.account.set_field(candidate_id, "name", name)
            box.account.set_field(candidate_id, "contact_info", {"full_name": name})
        target = loaded(extract(settings(box, **MODES[mode])))
        assert target.state is not None
        books.append(target.state["bookmarks"]["candidates"]["digests"]["inventory"])
    assert (books[0] == books[1]) is (mode == "drop")
    another_key = extract(settings(box, pii="hash", pii_hash_key="another"))
    state = loaded(another_key).state
    assert state is not None
    assert state["bookmarks"]["candidates"]["digests"]["inventory"] not in books


@pytest.mark.parametrize(
    ("before", "after"),
    [
        *(("keep", "hash"), ("keep", "drop"), ("hash", "drop"), ("hash", "keep")),
        *(("drop", "keep"), ("drop", "hash")),
    ],
)
def test_another_mode_rewrites_every_row(
    sandbox: Callable[..., Sandbox], before: str, after: str
) -> None:
    box = sandbox(account())
    target = Target()
    target.load(extract(settings(box, **MODES[before]), target.state))
    assert_holds(target, hidden(expected(box.account), before))
    messages = extract(settings(box, **MODES[after]), target.state)
    target.load(messages)
    assert_holds(target, hidden(expected(box.account), after))
    # It is no event.
    assert len(target.alive("candidate_history")) == 30
    assert set(history(target, "created")) == set(box.account.listed_ids())
    # And once is enough.
    messages = extract(settings(box, **MODES[after]), target.state)
    streams = {m["stream"] for m in messages if m["type"] == "RECORD"}
    assert not streams & set(CANDIDATES)


@pytest.mark.parametrize("mode", HIDING)
def test_answers_of_whom_nothing_else_is_known_are_rewritten_too(
    sandbox: Callable[..., Sandbox], mode: str
) -> None:
    """Another mode changes nothing in their row of the list."""
    box = sandbox(account())
    one = box.account.listed_ids()[7]
    box.account.set_field(one, "name", "")
    for name in ("email", "profile_url", "contact_info"):
        box.account.set_field(one, name, None)
    assert any(answer["text_answer"] for answer in box.account.detail(one)["answers"])
    target = loaded(extract(settings(box, pii="keep")))
    target.load(extract(settings(box, **MODES[mode]), target.state))
    assert_holds(target, hidden(expected(box.account), mode))


def test_another_key_rewrites_every_hash(sandbox: Callable[..., Sandbox]) -> None:
    box = sandbox(account())
    target = loaded(extract(settings(box, **MODES["hash"])))
    config = settings(box, pii="hash", pii_hash_key="another")
    target.load(extract(config, target.state))
    assert_holds(target, hidden(expected(box.account), "hash", "another"))


@pytest.mark.parametrize("mode", HIDING)
def test_tombstones_need_no_personal_data(
    sandbox: Callable[..., Sandbox], mode: str
) -> None:
    box = sandbox(account())
    config = settings(box, **MODES[mode])
    target = loaded(extract(config))
    gone = box.account.listed_ids()[3]
    box.account.delete(gone)
    target.load(extract(config, target.state))
    assert set(target.deleted("candidates")) == {gone}
    assert_holds(target, hidden(expected(box.account), mode), deleted=True)


@pytest.mark.parametrize("mode", HIDING)
def test_a_field_of_another_type_is_hidden_too(
    sandbox: Callable[..., Sandbox], mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The API may send a number, or an object, where a text was."""
    box = sandbox(Account.example(candidates=2))
    one = box.account.listed_ids()[0]
    canary = 4_711_004_711
    box.account.set_field(one, "name", canary)
    box.account.set_field(one, "email", {"address": canary})
    box.account.set_field(one, "contact_info", {"phone": canary, "new": canary})
    box.account.set_field(
        one, "answers", [{"question_id": "1", "text_answer": [canary], "new": canary}]
    )
    messages = extract(settings(box, **MODES[mode]))
    assert len(loaded(messages).alive("candidates")) == 2
    assert str(canary) not in json.dumps(messages)
    assert str(canary) not in caplog.text
    assert "new of candidates" in caplog.text  # it was told of


def test_an_email_that_is_filtered_for_is_in_records_alone(
    sandbox: Callable[..., Sandbox],
) -> None:
    box = sandbox(account())
    row = box.account.list_rows()[5]
    config = settings(box, candidate_filters={"email": row["email"]})
    run = run_tap(config)
    assert run.returncode == 0
    assert [r["id"] for r in run.records("candidates")] == [row["id"]]
    others = [m for m in run.messages if m["type"] != "RECORD"]
    local, _, _ = row["email"].partition("@")
    assert local not in json.dumps(others)
    assert local not in run.stderr
