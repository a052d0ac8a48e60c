"""`pii`: personal data is kept, hashed or dropped in everything that is emitted."""

from __future__ import annotations

import hashlib
import hmac
import json
import typing as t

import pytest

from sandbox import Account
from tests.streams.checks import (
    Rows,
    Start,
    Workspace,
    assert_holds,
    expected,
    loaded,
    of,
    warnings,
)
from tests.support import run_tap, settings
from tests.support.streams import (
    ANSWERS,
    CANDIDATES,
    DETAILS,
    HISTORY,
    STATE_KEY,
    UPSERTED,
)

Json = dict[str, t.Any]

KEY = "k\u00e9y of the hashes"
MODES: dict[str, Json] = {
    "keep": {"pii": "keep"},
    "hash": {"pii": "hash", "pii_hash_key": KEY},
    "drop": {"pii": "drop"},
    "another key": {"pii": "hash", "pii_hash_key": KEY[::-1]},
    "without tags": {"pii": "drop", "pii_tags": "drop"},
}
PERSONAL = ("name", "email", "profile_url")


def personal_values(account: Account) -> set[str]:
    """Every personal value of more than three characters."""
    values: set[str] = set()
    for candidate_id in account.listed_ids():
        detail = account.detail(candidate_id)
        values.update(detail[name] or "" for name in PERSONAL)
        values.update((detail["contact_info"] or {}).values())
        values.update(one["text_answer"] for one in detail["answers"] or ())
    return {value for value in values if value and len(value) > 3}


def found(values: set[str], *texts: object) -> set[str]:
    """The values that are in texts, or in messages."""
    made = (
        x if isinstance(x, str) else json.dumps(x, ensure_ascii=False) for x in texts
    )
    haystack = "\x00".join(made)
    escaped = {value: json.dumps(value, ensure_ascii=False)[1:-1] for value in values}
    return {v for v, text in escaped.items() if v in haystack or text in haystack}


def hidden(rows: dict[str, Rows], mode: str) -> dict[str, Rows]:
    """The rows as they are in a mode."""
    config = MODES[mode]
    if mode == "keep":
        return rows
    return {
        stream: {key: _hidden_row(stream, row, config) for key, row in table.items()}
        for stream, table in rows.items()
    }


def _hidden_row(stream: str, row: Json, config: Json) -> Json:
    row = json.loads(json.dumps(row))
    key = config.get("pii_hash_key")
    if stream in (CANDIDATES, DETAILS):
        row |= {name: _hidden(row[name], key) for name in PERSONAL}
        contact_info = row["contact_info"] or {}
        for name, value in contact_info.items():
            contact_info[name] = _hidden(value, key)
    if "pii_tags" in config and "tag_ids" in row:
        row["tag_ids"] = None
    for answer in row.get("answers") or ():
        answer["text_answer"] = answer["text_answer"] and None
    if stream == ANSWERS:
        row["text_answer"] = row["text_answer"] and None
    return row


def _hidden(value: str | None, key: str | None) -> str | None:
    if not value or key is None:
        return value if value == "" else None
    return hmac.new(key.encode(), value.encode(), hashlib.sha256).hexdigest()


@pytest.fixture
def workspace(sandbox: Start) -> Workspace:
    return Workspace(sandbox(Account.example(candidates=30)))


@pytest.mark.parametrize("mode", ["hash", "without tags"])
def test_no_personal_value_is_in_any_output(sandbox: Start, mode: str) -> None:
    box = sandbox(Account.example(candidates=30))
    values = personal_values(box.account)
    assert len(values) > 100
    run = run_tap(settings(box, **MODES[mode]))
    assert run.returncode == 0, run.stderr
    assert found(values, run.stdout, run.stderr) == set()
    assert KEY not in run.stdout + run.stderr
    assert_holds(loaded(run.messages), hidden(expected(box.account), mode))
    tags = [row["tag_ids"] for row in run.records(HISTORY)]
    assert (set(map(repr, tags)) == {"None"}) is (mode == "without tags")


def test_kept_values_are_in_records_alone(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    values = personal_values(workspace.account)
    email = workspace.account.list_rows()[5]["email"]
    messages = workspace.extract(candidate_filters={"email": email})
    (row,) = workspace.records(CANDIDATES)
    assert row["email"] == email
    others = [m for m in messages if m.get("stream") not in UPSERTED]
    assert found(values, others, caplog.text) == set()
    assert email.partition("@")[0] not in json.dumps(others) + caplog.text


@pytest.mark.parametrize("mode", ["hash", "drop"])
def test_the_state_does_not_reveal_hidden_values(sandbox: Start, mode: str) -> None:
    """With `drop`, it does not depend on them; with `hash`, only with the key."""
    inventories = []
    for name in ("One Name", "Another Name"):
        workspace = Workspace(sandbox(Account.example(candidates=12)), **MODES[mode])
        for one in workspace.account.listed_ids():
            workspace.account.set_field(one, "name", name)
            workspace.account.set_field(one, "contact_info", {"full_name": name})
        workspace.extract()
        assert workspace.state
        assert name not in json.dumps(workspace.state)
        assert KEY not in json.dumps(workspace.state, ensure_ascii=False)
        inventories.append(workspace.state[STATE_KEY]["candidates"])
    assert (inventories[0] == inventories[1]) is (mode == "drop")
    other = Workspace(workspace.box, **MODES["another key"])
    other.extract()
    assert other.state
    assert other.state[STATE_KEY]["candidates"] not in inventories


@pytest.mark.parametrize(
    ("before", "after"),
    [
        *(("keep", "hash"), ("hash", "drop"), ("drop", "keep")),
        *(("hash", "another key"), ("drop", "without tags")),
    ],
)
def test_another_treatment_rewrites_every_row(
    workspace: Workspace, before: str, after: str
) -> None:
    account = workspace.account
    one = account.listed_ids()[7]  # whose list row the treatment does not change
    account.set_field(one, "name", "")
    for name in ("email", "profile_url", "contact_info"):
        account.set_field(one, name, None)
    assert any(answer["text_answer"] for answer in account.detail(one)["answers"])
    for mode in (before, after):
        workspace.extract(**MODES[mode])
        assert_holds(workspace.target, hidden(expected(account), mode))
    assert workspace.emitted - {HISTORY} == set(UPSERTED)
    # It is not an event, unless the history loses its tags.
    tagged = [one for one in account.listed_ids() if account.detail(one)["tag_ids"]]
    rows = [row["candidate_id"] for row in workspace.records(HISTORY)]
    assert sorted(rows) == sorted(tagged if after == "without tags" else [])
    workspace.extract(**MODES[after])
    assert workspace.emitted == set()


@pytest.mark.parametrize("days", [30, 0])
def test_candidates_that_keep_the_old_treatment_are_counted(
    workspace: Workspace, days: int, caplog: pytest.LogCaptureFixture
) -> None:
    workspace.extract(pii="keep", reverify_days=days)
    for one in workspace.account.listed_ids()[:3]:
        workspace.account.archive(one)
    workspace.extract(pii="keep", reverify_days=days)
    caplog.clear()
    workspace.extract(pii="drop", reverify_days=days)
    (line,) = (line for line in warnings(caplog) if "former treatment" in line)
    assert line.startswith("3 candidates are not in the list")
    assert ("reverify_days is 0" in line) is (days == 0)
    caplog.clear()
    workspace.extract(pii="drop", reverify_days=days)
    assert warnings(caplog) == []


@pytest.mark.parametrize("mode", ["hash", "drop"])
def test_mismatched_values_are_hidden_too(
    workspace: Workspace, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The API may send a number or an object instead of a text."""
    one = workspace.account.listed_ids()[0]
    canary = 4_711_004_711
    answer = {"question_id": "1", "text_answer": [canary], "new": canary}
    for name, value in (
        ("name", canary),
        ("email", {"address": canary}),
        ("contact_info", {"phone": canary, "new": canary}),
        ("answers", [answer]),
    ):
        workspace.account.set_field(one, name, value)
    workspace.extract(**MODES[mode])
    assert len(of(workspace.messages, "RECORD")) > 30
    assert str(canary) not in json.dumps(workspace.messages)
    assert str(canary) not in caplog.text
    assert "Field contact_info.new of candidates " in caplog.text
