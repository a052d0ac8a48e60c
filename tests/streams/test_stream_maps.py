"""Stream maps, flattening and BATCH files through runs, tombstones included.

What becomes of one record is tested in `tests/unit/test_projection.py`.
"""

from __future__ import annotations

import hashlib
import typing as t

import pytest

from sandbox import Account
from tests.faults.trials import attempt
from tests.streams.checks import (
    Start,
    Workspace,
    assert_holds,
    candidate_of,
    expected,
    history,
    key_of,
    of,
)
from tests.support import settings
from tests.support.streams import ANSWERS, CANDIDATES, DETAILS, FAMILY, HISTORY

if t.TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, t.Any]

FLAT: Json = {"flattening_enabled": True, "flattening_max_depth": 1}
CONTACT = ("full_name", "contact_email", "linkedin", "phone", "city", "country")


@pytest.fixture
def workspace(sandbox: Start) -> Workspace:
    return Workspace(sandbox(Account.example(candidates=25)))


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def test_an_alias_an_expression_and_a_removed_property(workspace: Workspace) -> None:
    """An alias, an expression, a removed property; and a tombstone under the alias."""
    rules = {
        "__alias__": "people",
        "email": "md5(email)",
        "name": None,
        "passed": "bool(score >= 50)",
    }
    workspace.extract(stream_maps={CANDIDATES: rules})
    people = {row["id"]: row for row in workspace.records("people")}
    assert set(people) == set(workspace.account.listed_ids())
    assert "name" not in workspace.schema("people")["schema"]["properties"]
    for row in workspace.account.list_rows():
        assert people[row["id"]]["email"] == md5(row["email"])
        assert people[row["id"]]["passed"] is (row["score"] >= 50)
    assert len(workspace.records(DETAILS)) == 25  # other streams are as they were
    gone = workspace.delete()
    workspace.extract(stream_maps={CANDIDATES: rules})
    (tombstone,) = workspace.records("people")
    assert key_of(tombstone) == {"id": gone}
    assert workspace.records(CANDIDATES) == []


TOMBSTONES: dict[str, tuple[str, Json]] = {
    # Each map would fail on nulls, or exclude them, if a tombstone went through it.
    "a filter": (CANDIDATES, {"__filter__": "hire_state == 'rejected'"}),
    "a filter of answers": (ANSWERS, {"__filter__": "question_points + 1 > 0"}),
    "a filter of history": (HISTORY, {"__filter__": "job_opening_id.isdigit()"}),
    "an expression": (CANDIDATES, {"made": "score / 2"}),
    "an expression of details": (DETAILS, {"made": "name.upper()"}),
    "an expression of answers": (ANSWERS, {"made": "question.upper()"}),
}


@pytest.mark.parametrize("what", TOMBSTONES)
def test_a_tombstone_passes_a_map(workspace: Workspace, what: str) -> None:
    stream, rules = TOMBSTONES[what]
    maps = {stream: rules}
    workspace.extract(stream_maps=maps)
    assert workspace.records(stream)
    gone = workspace.delete(hire_state="rejected")
    workspace.extract(stream_maps=maps)
    rows = workspace.records(stream)
    assert {candidate_of(row) for row in rows} == {gone}
    if stream == ANSWERS:
        keys = [{"candidate_id": gone, "position": place} for place in range(8)]
        assert [key_of(row) for row in rows] == keys
    elif stream != HISTORY:
        assert [key_of(row) for row in rows] == [{"id": gone}]
    workspace.extract(stream_maps=maps)
    assert workspace.records(stream) == []


@pytest.mark.parametrize(
    ("stream", "rules", "reason"),
    [
        (CANDIDATES, {"__filter__": "contact_info['city']"}, ""),
        (ANSWERS, {"made": "points + 1"}, "TypeError"),
        ("tags", {"made": "int(name)"}, "ValueError"),
    ],
)
def test_a_failing_expression_names_the_setting_and_the_stream(
    workspace: Workspace, stream: str, rules: Json, reason: str
) -> None:
    trial = attempt(settings(workspace.box, stream_maps={stream: rules}))
    start = f"Setting stream_maps: an expression for stream {stream} failed"
    assert trial.sentence.startswith(start)
    assert reason in trial.sentence
    for row in workspace.account.list_rows():
        assert row["email"] not in trial.sentence


def test_flattening_and_a_map_together(workspace: Workspace) -> None:
    both = {
        **FLAT,
        "stream_maps": {CANDIDATES: {"name": "name.upper()", "score": None}},
    }
    workspace.extract(**both)
    columns = set(workspace.schema(CANDIDATES)["schema"]["properties"])
    assert {f"contact_info__{name}" for name in CONTACT} <= columns
    assert not {"contact_info", "score"} & columns
    rows = {row["id"]: row for row in workspace.records(CANDIDATES)}
    for row in workspace.account.list_rows():
        assert rows[row["id"]]["name"] == row["name"].upper()
        for name in CONTACT:
            value = (row["contact_info"] or {}).get(name)
            assert rows[row["id"]][f"contact_info__{name}"] == value
    gone = workspace.delete()
    workspace.extract(**both)
    for stream in (CANDIDATES, DETAILS):
        (tombstone,) = workspace.records(stream)
        assert key_of(tombstone) == {"id": gone}


# BATCH files


def test_batch_files(sandbox: Start, tmp_path: Path) -> None:
    batches = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": tmp_path.as_uri(), "prefix": "part-"},
        "batch_size": 40,
    }
    workspace = Workspace(
        sandbox(Account.example(candidates=130)), batch_config=batches
    )
    account = workspace.account
    assert of(workspace.extract(), "RECORD") == []
    assert workspace.messages[-1]["type"] == "STATE"
    assert_holds(workspace.target, expected(account))
    assert len(history(workspace.target, "created")) == 130
    assert all(path.name.startswith("part-") for path in tmp_path.iterdir())
    # Changes and a tombstone, and nothing else.
    account.set_field(account.listed_ids()[100], "name", "Another Name")
    gone = workspace.delete()
    workspace.extract()
    assert_holds(workspace.target, expected(account), deleted=True)
    assert set(workspace.target.deleted(CANDIDATES)) == {gone}
    workspace.extract()
    assert not {m["stream"] for m in of(workspace.messages, "BATCH")} & set(FAMILY)
