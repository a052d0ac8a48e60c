"""Stream maps, flattening, deselected properties and BATCH files, tombstones too."""

from __future__ import annotations

import gzip
import hashlib
import json
import typing as t
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sandbox import Account
from tests.streams.checks import (
    CANDIDATES,
    STREAMS,
    assert_holds,
    expected,
    history,
    settings,
    told_by,
)
from tests.support import Target, catalog, extract, run_tap

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox

Json = dict[str, t.Any]

CONTACT = ("full_name", "contact_email", "linkedin", "phone", "city", "country")


class Workspace:
    """A workspace that is read with some settings, and what its last run sent."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.account = box.account
        self.messages: list[Json] = []
        self.state: Json | None = None

    def extract(self, catalog: Json | None = None, **others: t.Any) -> None:
        config = settings(self.box, **others)
        self.messages = extract(config, self.state, catalog)
        states = [m["value"] for m in self.messages if m["type"] == "STATE"]
        self.state = states[-1] if states else None
        self.check()

    def check(self) -> None:
        """No record comes without its schema, and each has every column of it."""
        columns: dict[str, set[str]] = {}
        for message in self.messages:
            if message["type"] == "SCHEMA":
                columns[message["stream"]] = set(message["schema"]["properties"])
            elif message["type"] == "RECORD":
                assert message["stream"] in columns, "a RECORD without its SCHEMA"
                assert set(message["record"]) == columns[message["stream"]]

    def records(self, stream: str) -> list[Json]:
        return [
            message["record"]
            for message in self.messages
            if message["type"] == "RECORD" and message["stream"] == stream
        ]

    def schema(self, stream: str) -> Json:
        found = [
            message
            for message in self.messages
            if message["type"] == "SCHEMA" and message["stream"] == stream
        ]
        assert len(found) == 1
        return found[0]

    def delete(self, **fields: t.Any) -> str:
        """Delete a candidate that has these values."""
        gone = next(
            row["id"]
            for row in self.account.list_rows()
            if fields.items() <= row.items()
        )
        self.account.delete(gone)
        return str(gone)


@pytest.fixture
def workspace(sandbox: Callable[..., Sandbox]) -> Workspace:
    return Workspace(sandbox(Account.example(candidates=25)))


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


# Maps


def test_an_alias_a_hash_and_a_removed_property(workspace: Workspace) -> None:
    maps = {
        "candidates": {
            "__alias__": "people",
            "email": "md5(email)",
            "name": None,
            "passed": "bool(score >= 50)",
        }
    }
    workspace.extract(stream_maps=maps)
    assert workspace.records("candidates") == []
    people = {row["id"]: row for row in workspace.records("people")}
    assert set(people) == set(workspace.account.listed_ids())
    columns = set(workspace.schema("people")["schema"]["properties"])
    assert "name" not in columns
    for row in workspace.account.list_rows():
        mapped = people[row["id"]]
        assert set(mapped) == columns
        assert mapped["email"] == md5(row["email"])
        assert mapped["passed"] is (row["score"] >= 50)
    # The streams beside it are as they were.
    assert len(workspace.records("candidate_details")) == 25
    gone = workspace.delete()
    workspace.extract(stream_maps=maps)
    (tombstone,) = workspace.records("people")
    assert told_by(tombstone) == {"id": gone}
    assert workspace.records("candidates") == []


@pytest.mark.parametrize("rest", [{"email": None}, {"__else__": None}], ids=str)
def test_an_expression_takes_a_property_that_is_not_sent(
    workspace: Workspace, rest: Json
) -> None:
    rules = {"id": "id", "domain": "email.split('@')[-1]", **rest}
    workspace.extract(stream_maps={"candidates": rules})
    records = workspace.records("candidates")
    assert {row["domain"] for row in records} == {"example.com"}
    assert all("email" not in row for row in records)


FILTER = {"candidates": {"__filter__": "hire_state == 'rejected'"}}


def test_a_filter_leaves_records_out(workspace: Workspace) -> None:
    workspace.extract(stream_maps=FILTER)
    rejected = [
        row["id"]
        for row in workspace.account.list_rows()
        if row["hire_state"] == "rejected"
    ]
    assert [row["id"] for row in workspace.records("candidates")] == rejected
    assert 0 < len(rejected) < 25
    assert len(workspace.records("candidate_details")) == 25


@pytest.mark.parametrize(
    "rule",
    [
        "hire_state == 'rejected'",
        "score >= 0",  # which fails with null
        "rating is not None",
        "'@' in email",
        "record['contact_info'] or name",
    ],
)
def test_a_filter_lets_a_tombstone_pass(workspace: Workspace, rule: str) -> None:
    """It has nothing to be filtered by, and the row may be in the warehouse."""
    maps = {"candidates": {"__filter__": rule}}
    workspace.extract(stream_maps=maps)
    assert workspace.records("candidates")
    gone = workspace.delete(hire_state="rejected")
    workspace.extract(stream_maps=maps)
    assert [row["id"] for row in workspace.records("candidates")] == [gone]
    assert workspace.records("candidates")[0]["_sdc_deleted_at"]


@pytest.mark.parametrize(
    ("stream", "rule"),
    [
        ("candidate_details", "score >= 0"),
        ("candidate_answers", "question_points + 1 > 0"),
        ("candidate_history", "job_opening_id.isdigit()"),
    ],
)
def test_a_filter_of_a_child_that_fails_with_null_lets_a_tombstone_pass(
    workspace: Workspace, stream: str, rule: str
) -> None:
    maps = {stream: {"__filter__": rule}}
    workspace.extract(stream_maps=maps)
    before = len(workspace.records(stream))
    assert before >= 25
    gone = workspace.delete()
    questions = 8 if stream == "candidate_answers" else 1
    workspace.extract(stream_maps=maps)
    ids = [row.get("candidate_id", row.get("id")) for row in workspace.records(stream)]
    assert ids == [gone] * questions
    workspace.extract(stream_maps=maps)  # and no later run fails
    assert workspace.records(stream) == []


def test_no_expression_is_given_a_tombstone(workspace: Workspace) -> None:
    """It would take the nulls for what the candidate has."""
    maps = {
        stream: {"has_name": f"str({field} is not None)"}
        for stream, field in (
            ("candidates", "name"),
            ("candidate_details", "name"),
            ("candidate_answers", "question"),
        )
    }
    workspace.extract(stream_maps=maps)
    gone = workspace.delete()
    workspace.extract(stream_maps=maps)
    for stream in ("candidates", "candidate_details"):
        assert list(map(told_by, workspace.records(stream))) == [{"id": gone}]
    told = [told_by(row) for row in workspace.records("candidate_answers")]
    assert told == [{"candidate_id": gone, "position": place} for place in range(8)]


@pytest.mark.parametrize("rest", [{}, {"_sdc_deleted_at": None}], ids=["beside", "for"])
def test_a_column_that_is_mapped_from_the_mark_gets_it(
    workspace: Workspace, rest: Json
) -> None:
    maps = {"candidates": {"gone_at": "_sdc_deleted_at", **rest}}
    workspace.extract(stream_maps=maps)
    assert {row["gone_at"] for row in workspace.records("candidates")} == {None}
    gone = workspace.delete()
    workspace.extract(stream_maps=maps)
    (tombstone,) = workspace.records("candidates")
    assert tombstone["id"] == gone
    assert datetime.fromisoformat(tombstone["gone_at"]).tzinfo
    assert tombstone.get("_sdc_deleted_at", tombstone["gone_at"]) is not None


def test_else_null_keeps_what_is_named_alone(workspace: Workspace) -> None:
    maps = {
        "candidates": {
            "id": "id",
            "started_at": "started_at",
            "score": "score",
            "_sdc_deleted_at": "_sdc_deleted_at",
            "__else__": None,
        }
    }
    workspace.extract(stream_maps=maps)
    named = {"id", "started_at", "score", "_sdc_deleted_at"}
    assert set(workspace.schema("candidates")["schema"]["properties"]) == named
    assert all(set(row) == named for row in workspace.records("candidates"))
    gone = workspace.delete()
    workspace.extract(stream_maps=maps)
    (tombstone,) = workspace.records("candidates")
    assert told_by(tombstone) == {"id": gone}


@pytest.mark.parametrize(
    "rules",
    [{"id": "id", "score": "score", "__else__": None}, {"_sdc_deleted_at": None}],
    ids=["not named", "removed"],
)
def test_a_mark_that_the_map_leaves_out(workspace: Workspace, rules: Json) -> None:
    """No record has a field that its schema lacks; the key alone nulls the row."""
    workspace.extract(stream_maps={"candidates": rules})
    gone = workspace.delete()
    workspace.extract(stream_maps={"candidates": rules})
    assert [row["id"] for row in workspace.records("candidates")] == [gone]


@pytest.mark.parametrize(
    "others",
    [{}, {"grade": "str(int(score) + 1)"}],
    ids=["alone", "beside one that fails"],
)
def test_a_key_that_is_mapped_is_mapped_in_a_tombstone(
    workspace: Workspace, others: Json
) -> None:
    """Else the row stays, and the identifier that was to be hidden shows."""
    maps = {"candidates": {"id": "md5(id)", **others}}
    workspace.extract(stream_maps=maps)
    assert {row["id"] for row in workspace.records("candidates")} == {
        md5(key) for key in workspace.account.listed_ids()
    }
    gone = workspace.delete()
    workspace.extract(stream_maps=maps)
    (tombstone,) = workspace.records("candidates")
    assert tombstone["id"] == md5(gone)
    assert tombstone["_sdc_deleted_at"]


@pytest.mark.parametrize(
    "expression", ["name.upper()", "score / 2", "contact_info['city']", "int(points)"]
)
def test_an_expression_that_takes_no_null_does_not_hold_up_a_tombstone(
    workspace: Workspace, expression: str
) -> None:
    account = workspace.account
    for row in account.list_rows():
        account.set_contact_info(row["id"], city="Exampleville")
    for row in account.list_rows():
        if row["contact_info"] is None:  # locked; the expression would fail here
            account.delete(row["id"])
    maps = {"candidates": {"made": expression}}
    workspace.extract(stream_maps=maps)
    assert len(workspace.records("candidates")) == len(account.listed_ids())
    gone = workspace.delete()
    workspace.extract(stream_maps=maps)
    (tombstone,) = workspace.records("candidates")
    assert told_by(tombstone) == {"id": gone}


@pytest.mark.parametrize("keys", [["id"], ["id", "workspace"]])
def test_a_constant_is_in_a_tombstone_where_it_is_of_the_key(
    workspace: Workspace, keys: list[str]
) -> None:
    maps = {"candidates": {"workspace": "'north'", "__key_properties__": keys}}
    workspace.extract(stream_maps=maps)
    assert {row["workspace"] for row in workspace.records("candidates")} == {"north"}
    gone = workspace.delete()
    workspace.extract(stream_maps=maps)
    (tombstone,) = workspace.records("candidates")
    constant = {"workspace": "north"} if "workspace" in keys else {}
    assert told_by(tombstone) == {"id": gone, **constant}


def test_a_stream_that_is_removed_sends_nothing(workspace: Workspace) -> None:
    workspace.extract(stream_maps={"candidates": None})
    workspace.delete()
    before = {m["stream"] for m in workspace.messages if "stream" in m}
    workspace.extract(stream_maps={"candidates": None})
    after = {m["stream"] for m in workspace.messages if "stream" in m}
    assert before == after == set(STREAMS) - {"candidates"}
    assert workspace.records("candidate_details")


@pytest.mark.parametrize("nothing", [None, "__NULL__"])
@pytest.mark.parametrize("named", ["candidates", "candidate_details"])
def test_else_null_keeps_the_stream_that_is_named_alone(
    workspace: Workspace, named: str, nothing: str | None
) -> None:
    """A deletion brings no RECORD of a stream without its SCHEMA."""
    maps = {named: {"email": "md5(email)"}, "__else__": nothing}
    for expected_count in (25, 1, 0):
        workspace.extract(stream_maps=maps)
        assert {m["stream"] for m in workspace.messages if "stream" in m} == {named}
        assert len(workspace.records(named)) == expected_count
        if expected_count == 25:
            workspace.delete()


@pytest.mark.parametrize("kept", ["candidates", "candidate_answers", "tags"])
def test_a_map_of_a_stream_that_is_not_selected(
    workspace: Workspace, kept: str
) -> None:
    mapped = {"email": "md5(email)", "__filter__": "score >= 0"}
    maps = {
        stream: mapped
        for stream in ("candidates", "candidate_details")
        if stream != kept
    }
    chosen = catalog(settings(workspace.box), kept)
    workspace.extract(catalog=chosen, stream_maps=maps)
    assert {m["stream"] for m in workspace.messages if "stream" in m} == {kept}
    assert workspace.records(kept)
    workspace.delete()
    workspace.extract(catalog=chosen, stream_maps=maps)
    assert {m["stream"] for m in workspace.messages if "stream" in m} == {kept}


@pytest.mark.parametrize(
    ("stream", "rules", "trouble"),
    [
        ("candidates", {"made": "name.no_such()"}, "AttributeDoesNotExist"),
        ("candidates", {"__filter__": "contact_info['city']"}, ""),
        ("candidate_answers", {"made": "points + 1"}, "TypeError"),
        ("candidate_history", {"made": "nobody + 1"}, "NameNotDefined"),
        ("tags", {"made": "int(name)"}, "ValueError"),
    ],
)
def test_a_map_that_fails_names_the_setting_and_the_stream(
    sandbox: Callable[..., Sandbox], stream: str, rules: Json, trouble: str
) -> None:
    box = sandbox(Account.example(candidates=25))
    run = run_tap(settings(box, stream_maps={stream: rules}))
    assert run.returncode == 1
    error = run.stderr.splitlines()[-1]
    assert f"setting stream_maps for stream {stream} fails" in error
    assert trouble in error
    assert "report it" not in run.stderr
    assert "Traceback" not in run.stderr
    for row in box.account.list_rows():
        assert row["email"] not in run.stderr


@pytest.mark.parametrize(
    "maps",
    [
        {"candidates": {"made": "name +"}},
        {"candidates": {"id": None}},
        {"candidates": {"made": 5}},
        {"candidates": {"__else__": "?"}},
        {"__else__": "?"},
        {"candidates": "?"},
    ],
    ids=str,
)
def test_a_map_that_is_wrong_names_the_setting(
    sandbox: Callable[..., Sandbox], maps: Json
) -> None:
    box = sandbox()
    run = run_tap(settings(box, stream_maps=maps))
    assert run.returncode == 1
    assert "stream_maps" in run.stderr.splitlines()[-1]
    assert "Traceback" not in run.stderr
    assert box.stats.requests == 0


@pytest.mark.parametrize("expression", ["str(score)", "int(score)"])
def test_a_stream_that_goes_out_under_another_name_alone(
    workspace: Workspace, expression: str
) -> None:
    maps = {
        "candidates": None,
        "people": {"__source__": "candidates", "made": expression},
    }
    workspace.extract(stream_maps=maps)
    gone = workspace.delete()
    workspace.extract(stream_maps=maps)
    assert workspace.records("candidates") == []
    assert [row["id"] for row in workspace.records("people")] == [gone]


def test_maps_of_child_streams(workspace: Workspace) -> None:
    maps = {
        "candidate_answers": {
            "__alias__": "answers",
            "text_answer": None,
            "key": "candidate_id + '/' + str(position)",
            "__key_properties__": ["key"],
        }
    }
    workspace.extract(stream_maps=maps)
    assert workspace.schema("answers")["key_properties"] == ["key"]
    answers = expected(workspace.account)["candidate_answers"]
    keys = {row["key"] for row in workspace.records("answers")}
    assert keys == {f"{candidate_id}/{place}" for candidate_id, place in answers}
    gone = workspace.delete()
    workspace.extract(stream_maps=maps)
    tombstones = workspace.records("answers")
    assert {row["key"] for row in tombstones} == {
        f"{gone}/{place}" for place in range(8)
    }
    assert all(row["_sdc_deleted_at"] for row in tombstones)


# Flattening

FLAT: Json = {"flattening_enabled": True, "flattening_max_depth": 1}


def test_flattening(workspace: Workspace) -> None:
    workspace.extract(**FLAT)
    columns = set(workspace.schema("candidates")["schema"]["properties"])
    assert {f"contact_info__{name}" for name in CONTACT} <= columns
    assert "contact_info" not in columns
    rows = {row["id"]: row for row in workspace.records("candidates")}
    for row in workspace.account.list_rows():
        for name in CONTACT:
            value = (row["contact_info"] or {}).get(name)
            assert rows[row["id"]].get(f"contact_info__{name}") == value
    gone = workspace.delete()
    workspace.extract(**FLAT)
    for stream in ("candidates", "candidate_details"):
        (tombstone,) = workspace.records(stream)
        assert told_by(tombstone) == {"id": gone}


def test_flattening_and_a_map_together(workspace: Workspace) -> None:
    both = {
        **FLAT,
        "stream_maps": {"candidates": {"name": "name.upper()", "score": None}},
    }
    workspace.extract(**both)
    assert "score" not in workspace.schema("candidates")["schema"]["properties"]
    assert any(row.get("contact_info__city") for row in workspace.records("candidates"))
    gone = workspace.delete()
    workspace.extract(**both)
    (tombstone,) = workspace.records("candidates")
    assert told_by(tombstone) == {"id": gone}


# Properties


def without(chosen: Json, stream: str, *breadcrumb: str) -> Json:
    """Deselect a property in a catalog."""
    for entry in chosen["streams"]:
        if entry["tap_stream_id"] == stream:
            for one in entry["metadata"]:
                if tuple(one["breadcrumb"]) == breadcrumb:
                    one["metadata"]["selected"] = False
                    return chosen
    raise LookupError(breadcrumb)


@pytest.mark.parametrize("stream", ["candidates", "candidate_details"])
def test_properties_that_are_not_selected(workspace: Workspace, stream: str) -> None:
    chosen = catalog(settings(workspace.box), *CANDIDATES)
    without(chosen, stream, "properties", "email")
    without(chosen, stream, "properties", "contact_info", "properties", "phone")
    workspace.extract(catalog=chosen)
    records = workspace.records(stream)
    assert len(records) == 25
    assert not any("email" in row for row in records)
    assert not any("phone" in (row["contact_info"] or {}) for row in records)
    assert any((row["contact_info"] or {}).get("city") for row in records)
    gone = workspace.delete()
    workspace.extract(catalog=chosen)
    (tombstone,) = workspace.records(stream)
    assert told_by(tombstone) == {"id": gone}
    # What is not selected is a change all the same: the row is emitted again.
    changed = workspace.account.listed_ids()[0]
    workspace.account.set_field(changed, "email", "new@example.com")
    workspace.extract(catalog=chosen)
    assert [row["id"] for row in workspace.records(stream)] == [changed]


def test_a_mark_that_is_not_selected(workspace: Workspace) -> None:
    """The key alone still nulls the row."""
    chosen = catalog(settings(workspace.box), "candidates")
    without(chosen, "candidates", "properties", "_sdc_deleted_at")
    workspace.extract(catalog=chosen)
    gone = workspace.delete()
    workspace.extract(catalog=chosen)
    (tombstone,) = workspace.records("candidates")
    assert {name for name, value in tombstone.items() if value is not None} == {"id"}
    assert tombstone["id"] == gone


# BATCH files


class Batches:
    """A target that takes BATCH messages, as it takes RECORD messages."""

    def __init__(self, folder: Path) -> None:
        self.target = Target()
        self.config = {
            "encoding": {"format": "jsonl", "compression": "gzip"},
            "storage": {"root": folder.as_uri(), "prefix": "part-"},
            "batch_size": 40,
        }
        self._folder = folder

    def load(self, messages: list[Json]) -> None:
        assert "RECORD" not in {message["type"] for message in messages}
        for message in messages:
            if message["type"] != "BATCH":
                self.target.load([message])
                continue
            assert message["encoding"] == {"format": "jsonl", "compression": "gzip"}
            for url in message["manifest"]:
                path = Path(urlsplit(url).path)
                assert path.parent == self._folder
                assert path.name.startswith("part-")
                with gzip.open(path, "rt", encoding="utf-8") as lines:
                    records = [json.loads(line) for line in lines]
                assert records
                self.target.load(
                    {"type": "RECORD", "stream": message["stream"], "record": record}
                    for record in records
                )


def test_batch_files(sandbox: Callable[..., Sandbox], tmp_path: Path) -> None:
    box = sandbox(Account.example(candidates=130))
    batches = Batches(tmp_path)
    config = settings(box, batch_config=batches.config)

    messages = extract(config)
    batches.load(messages)
    assert_holds(batches.target, expected(box.account))
    assert len(history(batches.target, "created")) == 130
    assert messages[-1]["type"] == "STATE"

    # Changes and a tombstone, through files too, and nothing else.
    changed, gone = box.account.listed_ids()[100], box.account.listed_ids()[120]
    box.account.set_hire_state(changed, "rejected")
    box.account.set_field(changed, "name", "Another Name")
    box.account.delete(gone)
    batches.load(extract(config, batches.target.state))
    assert_holds(batches.target, expected(box.account), deleted=True)
    assert set(batches.target.deleted("candidates")) == {gone}
    assert len(batches.target.deleted("candidate_answers")) == 8

    # Nothing changed.
    messages = extract(config, batches.target.state)
    streams = {m["stream"] for m in messages if m["type"] == "BATCH"}
    assert not streams & set(CANDIDATES)


def test_a_state_beside_batch_files_vouches_for_files_alone(
    sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    """Taken up from any of its states, nothing is lost."""
    box = sandbox(Account.example(candidates=130))
    config = settings(box, batch_config=Batches(tmp_path).config)
    messages = extract(config)
    states = [n for n, m in enumerate(messages) if m["type"] == "STATE"]
    assert len(states) > 1
    for place in {states[0], states[len(states) // 2], states[-1]}:
        batches = Batches(tmp_path)
        batches.load(messages[: place + 1])
        batches.load(extract(config, batches.target.state))
        assert_holds(batches.target, expected(box.account))


def test_batch_files_through_the_command_line(
    sandbox: Callable[..., Sandbox], tmp_path: Path
) -> None:
    box = sandbox()
    batches = Batches(tmp_path)
    run = run_tap(settings(box, batch_config=batches.config))
    assert run.returncode == 0, run.stderr
    batches.load(run.messages)
    assert_holds(batches.target, expected(box.account))
