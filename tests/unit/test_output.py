"""The messages of one stream, and the state that vouches for them."""

from __future__ import annotations

import gzip
import json
import logging
import typing as t
from copy import deepcopy

import pytest
from singer_sdk.helpers._batch import BatchConfig
from singer_sdk.singerlib import (
    ActivateVersionMessage,
    Message,
    RecordMessage,
    SchemaMessage,
)

from tap_toggl_hire import output as output_module
from tap_toggl_hire.errors import SettingError
from tap_toggl_hire.output import BatchOutput, Output
from tap_toggl_hire.sink import CandidateSink
from tap_toggl_hire.sync.observation import Change
from tap_toggl_hire.sync.plan import (
    ANSWERS,
    CANDIDATES,
    DETAILS,
    HISTORY,
    STREAMS,
    Known,
)
from tap_toggl_hire.sync.state import DIGESTS_KEY, State
from tap_toggl_hire.tap import TapTogglHire
from tests.support.memory import candidate, row_of

if t.TYPE_CHECKING:
    from pathlib import Path

    from tap_toggl_hire.bases import CandidateStream

Json = dict[str, t.Any]
Any = t.Any

DELETED_AT = "_sdc_deleted_at"
AT = "2026-02-01T00:00:00+00:00"
TOMBSTONE = {"id": "5", DELETED_AT: AT}


def tap(
    maps: Json | None = None,
    deselect: t.Iterable[tuple[str, ...]] = (),
    **config: t.Any,
) -> TapTogglHire:
    """A tap in which all is selected but some streams and properties."""
    settings = {"api_key": "a-key", "stream_maps": deepcopy(maps or {}), **config}
    catalog = TapTogglHire(config=settings).catalog_dict
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            place = (stream["tap_stream_id"], *entry["breadcrumb"])
            selected = place not in set(deselect)
            entry["metadata"]["selected"] = selected
    return TapTogglHire(config=settings, catalog=catalog)


class Stage:
    """The output of a stream, and what it wrote."""

    def __init__(self, name: str, maps: Json | None = None, **more: t.Any) -> None:
        self.tap = tap(maps, **more)
        self.stream: Any = self.tap.streams[name]
        self.written: list[Message] = []
        self.output = Output(self.stream, self.written.append, maps or {})

    @property
    def records(self) -> list[Json]:
        return [m.record for m in self.written if isinstance(m, RecordMessage)]

    @property
    def schema(self) -> SchemaMessage:
        (schema,) = (m for m in self.written if isinstance(m, SchemaMessage))
        return schema


def row(number: int = 5, **changes: t.Any) -> Json:
    stream: Any = tap().streams[CANDIDATES]
    made: Json = stream.conform(row_of(candidate(number, **changes)))
    return {**made, DELETED_AT: None}


ROW = row()


def test_a_schema_is_written_once_and_before_all() -> None:
    stage = Stage(CANDIDATES)
    for _ in range(3):
        stage.output.write_schema()
    assert stage.schema.stream == CANDIDATES
    assert list(stage.schema.key_properties or ()) == ["id"]
    assert stage.schema.bookmark_properties == ["started_at"]
    assert "$schema" not in stage.schema.schema
    assert len(stage.written) == 1
    plain = Stage("tags")
    plain.output.write_schema()
    assert plain.schema.bookmark_properties is None


def test_every_record_has_every_column_of_its_schema() -> None:
    stage = Stage(CANDIDATES)
    stage.output.write_schema()
    stage.output.write(ROW)
    stage.output.write({"id": "6"})
    stage.output.write_tombstone(TOMBSTONE)
    columns = list(stage.schema.schema["properties"])
    assert [list(record) for record in stage.records] == [columns] * 3
    whole, empty, gone = stage.records
    assert whole == ROW
    assert {name for name, value in empty.items() if value is not None} == {"id"}
    assert {n: v for n, v in gone.items() if v is not None} == TOMBSTONE
    assert stage.output.count == 3


def test_deselected_properties_are_left_out() -> None:
    out = [
        (CANDIDATES, "properties", "name"),
        (CANDIDATES, "properties", "contact_info", "properties", "phone"),
    ]
    stage = Stage(CANDIDATES, deselect=out)
    stage.output.write_schema()
    stage.output.write(row(contact_info={"phone": "1", "city": "Nowhere"}))
    stage.output.write_tombstone(TOMBSTONE)
    first, gone = stage.records
    assert "name" not in first
    assert "phone" not in first["contact_info"]
    assert "phone" not in str(stage.schema.schema["properties"])
    assert gone["contact_info"] is None
    assert "name" not in gone


def test_a_stream_that_is_not_selected_writes_nothing() -> None:
    for stage in (
        Stage(CANDIDATES, deselect=[(CANDIDATES,)]),
        Stage(CANDIDATES, {CANDIDATES: None}),
        Stage(CANDIDATES, {"__else__": None}),
    ):
        assert not stage.output.is_selected
        stage.output.write_schema()
        stage.output.write(ROW)
        stage.output.write_tombstone(TOMBSTONE)
        stage.output.activate(5)
        stage.output.flush()
        assert stage.written == []
    assert Stage(CANDIDATES).output.is_selected


# Stream maps

MAPS = {
    CANDIDATES: {
        "initial": "name[0]",
        "gone_at": DELETED_AT,
        "rating": "rating * 2",
        "email": None,
    }
}


def test_expressions_are_for_records_and_never_for_tombstones() -> None:
    stage = Stage(CANDIDATES, MAPS)
    stage.output.write_schema()
    stage.output.write(row(rating=2))
    stage.output.write_tombstone(TOMBSTONE)
    columns = list(stage.schema.schema["properties"])
    first, gone = stage.records
    assert list(first) == list(gone) == columns
    assert "email" not in first
    assert (first["initial"], first["rating"]) == ("C", 4)
    assert {n: v for n, v in gone.items() if v is not None} == {
        **TOMBSTONE,
        "gone_at": AT,
    }


def test_a_filter_is_for_records_and_never_for_tombstones() -> None:
    stage = Stage(CANDIDATES, {CANDIDATES: {"__filter__": "rating > 1"}})
    stage.output.write(row(rating=1))
    stage.output.write(row(6, rating=2))
    stage.output.write_tombstone(TOMBSTONE)
    assert [record["id"] for record in stage.records] == ["6", "5"]


def test_an_expression_that_fails_names_setting_and_stream_and_no_value() -> None:
    stage = Stage(CANDIDATES, {CANDIDATES: {"initial": "email[0]"}})
    with pytest.raises(SettingError) as caught:
        stage.output.write(row(email=None, name="Zo\u00eb"))
    assert "stream_maps" in str(caught.value)
    assert CANDIDATES in str(caught.value)
    assert "Zo\u00eb" not in str(caught.value)
    assert stage.written == []


def test_a_key_that_is_made_of_other_columns_tells_of_no_deletion(
    caplog: pytest.LogCaptureFixture,
) -> None:
    maps = {CANDIDATES: {"key": "md5(email)", "__key_properties__": ["key"]}}
    stage = Stage(CANDIDATES, maps)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            stage.output.write_tombstone(TOMBSTONE)
    assert stage.records == []
    assert len([m for m in caplog.messages if "Deletions cannot be told" in m]) == 1


def test_a_key_that_is_made_of_the_key_tells_of_deletions() -> None:
    maps = {CANDIDATES: {"id": "'x' + id", "__alias__": "people"}}
    stage = Stage(CANDIDATES, maps)
    stage.output.write_schema()
    stage.output.write(ROW)
    stage.output.write_tombstone(TOMBSTONE)
    assert stage.schema.stream == "people"
    assert [record["id"] for record in stage.records] == ["x5", "x5"]


def test_a_stream_may_be_mapped_to_several() -> None:
    maps = {
        CANDIDATES: {"email": None},
        "others": {"__source__": CANDIDATES, "name": None},
    }
    stage = Stage(CANDIDATES, maps)
    stage.output.write_schema()
    stage.output.write(ROW)
    stage.output.write_tombstone(TOMBSTONE)
    names = [m.stream for m in stage.written if isinstance(m, RecordMessage)]
    assert sorted(names) == sorted([CANDIDATES, "others"] * 2)
    assert stage.output.count == 2


def test_flattened_records_have_every_column_too() -> None:
    stage = Stage(CANDIDATES, flattening_enabled=True, flattening_max_depth=2)
    stage.output.write_schema()
    stage.output.write(row(contact_info=None))
    stage.output.write(row(contact_info={"phone": "1"}))
    stage.output.write_tombstone(TOMBSTONE)
    columns = list(stage.schema.schema["properties"])
    assert "contact_info__phone" in columns
    assert [list(record) for record in stage.records] == [columns] * 3
    assert [one["contact_info__phone"] for one in stage.records] == [None, "1", None]


# Versions


def test_records_carry_the_version_that_is_activated() -> None:
    stage = Stage(CANDIDATES)
    stage.output.version = 5
    stage.output.write(ROW)
    stage.output.activate(5)
    record, activation = stage.written
    assert isinstance(record, RecordMessage)
    assert isinstance(activation, ActivateVersionMessage)
    assert record.version == activation.version == 5
    assert activation.stream == CANDIDATES


# Fingerprints


def fingerprint(maps: Json | None = None, **more: t.Any) -> set[str]:
    made = Stage(CANDIDATES, maps, **more).output.fingerprint()
    assert len(set(made)) == len(made)
    return set(made)


def test_a_fingerprint_tells_of_each_column() -> None:
    whole = fingerprint()
    assert fingerprint() == whole
    less = fingerprint(deselect=[(CANDIDATES, "properties", "name")])
    assert less < whole
    assert len(whole) - len(less) == 1


@pytest.mark.parametrize(
    ("maps", "more"),
    [
        ({CANDIDATES: {"name": "name[0]"}}, {}),
        ({CANDIDATES: {"new": "name"}}, {}),
        ({CANDIDATES: {"__filter__": "rating > 1"}}, {}),
        ({CANDIDATES: {"__alias__": "people"}}, {}),
        ({"others": {"__source__": CANDIDATES}}, {}),
        ({}, {"flattening_enabled": True, "flattening_max_depth": 2}),
    ],
    ids=str,
)
def test_a_fingerprint_tells_of_what_is_written_otherwise(
    maps: Json, more: Json
) -> None:
    assert not fingerprint(maps, **more) <= fingerprint()


def test_a_fingerprint_is_not_of_what_is_for_people() -> None:
    one, other = Stage(CANDIDATES).output, Stage(CANDIDATES).output
    schema = other._projections[0].schema
    schema["properties"]["name"]["description"] = "Another text."
    assert one.fingerprint() == other.fingerprint()
    schema["properties"]["name"]["type"] = ["integer"]
    assert one.fingerprint() != other.fingerprint()


# Files


def batches(tmp_path: Path, name: str = CANDIDATES) -> tuple[BatchOutput, list[Any]]:
    config = BatchConfig.from_dict(
        {
            "encoding": {"format": "jsonl", "compression": "gzip"},
            "storage": {"root": tmp_path.as_uri()},
        }
    )
    written: list[Any] = []
    stream: Any = tap().streams[name]
    return BatchOutput(stream, written.append, {}, config), written


def in_files(messages: list[Any]) -> list[Json]:
    return [
        json.loads(line)
        for message in messages
        for path in message.manifest
        for line in gzip.open(path.removeprefix("file://"), "rt", encoding="utf-8")
    ]


def test_records_wait_for_a_file(tmp_path: Path) -> None:
    output, written = batches(tmp_path)
    output.write(ROW)
    output.write_tombstone(TOMBSTONE)
    assert written == []
    assert output.written > 200
    output.flush()
    output.flush()
    first, gone = in_files(written)
    assert first == ROW
    assert {n: v for n, v in gone.items() if v is not None} == TOMBSTONE
    assert {message.stream for message in written} == {CANDIDATES}
    assert len(written) == 1
    output.activate(5)
    assert len(written) == 1


def test_a_file_that_is_large_does_not_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output_module, "LARGEST_FILE", 2)
    output, written = batches(tmp_path)
    for _ in range(5):
        output.write(ROW)
    assert len(in_files(written)) == 4
    output.flush()
    assert len(in_files(written)) == 5


# The sink


class Scene:
    """The sink on a tap, and the messages that it wrote."""

    def __init__(self, *, state: Json | None = None, selected: t.Any = STREAMS) -> None:
        self.tap = t.cast("Any", tap())
        if state is not None:
            self.tap.load_state(state)
        self.messages: list[Any] = []
        self.known = State()
        streams: dict[str, CandidateStream] = {
            name: self.tap.streams[name] for name in STREAMS
        }
        self.outputs = {
            name: Output(self.tap.streams[name], self.messages.append, {})
            for name in STREAMS
            if name in selected
        }
        self.tap.state_writer.write_state = lambda state: self.messages.append(
            deepcopy(state)
        )
        self.sink = CandidateSink(self.tap, self.known, streams, self.outputs)

    def change(self, number: int = 5, event: str = "created", **more: t.Any) -> Change:
        one = candidate(number, **more)
        stream: Any = self.tap.streams[CANDIDATES]
        details: Any = self.tap.streams[DETAILS]
        row = {**stream.treated(row_of(one)), "id": str(number)}
        return Change(str(number), row, ("7",), details.treated(one), event, 3)

    @property
    def records(self) -> list[tuple[str, Json]]:
        return [
            (m.stream, m.record) for m in self.messages if isinstance(m, RecordMessage)
        ]


def test_a_candidate_is_written_to_the_streams_that_are_emitted() -> None:
    scene = Scene()
    scene.sink.emit(scene.change(), frozenset({CANDIDATES, HISTORY}))
    assert [name for name, _ in scene.records] == [CANDIDATES, HISTORY]
    event = scene.records[1][1]
    assert (event["event"], event["tag_ids"], event["rating"]) == ("created", ["7"], 0)


def test_rows_of_answers_that_are_no_more_are_tombstones() -> None:
    scene = Scene()
    scene.sink.emit(scene.change(), frozenset({ANSWERS}))
    assert [
        (record["position"], record[DELETED_AT] is None) for _, record in scene.records
    ] == [(0, True), (1, False), (2, False)]


def test_one_that_is_gone_is_a_tombstone_in_each_stream() -> None:
    scene = Scene()
    scene.sink.emit(Change("5", event="deleted", answers_held=2), frozenset(STREAMS))
    names = [name for name, _ in scene.records]
    assert names == [CANDIDATES, DETAILS, ANSWERS, ANSWERS, HISTORY]
    for name, record in scene.records:
        assert record["candidate_id" if name in {ANSWERS, HISTORY} else "id"] == "5"
        assert name == HISTORY or record[DELETED_AT] is not None
        assert record.get("name") is None
    assert scene.records[-1][1]["event"] == "deleted"


def test_a_state_has_the_latest_start_for_people() -> None:
    scene = Scene(selected={CANDIDATES, DETAILS})
    scene.known.inventory["5"] = Known(row=1)
    for number in (5, 7, 6):
        scene.sink.emit(scene.change(number), frozenset({CANDIDATES}))
    scene.sink.save()
    bookmarks = scene.messages[-1]["bookmarks"]
    assert set(bookmarks) == {CANDIDATES, DETAILS}
    assert {one["replication_key_value"] for one in bookmarks.values()} == {
        scene.change(7).row["started_at"]  # type: ignore[index]
    }
    assert bookmarks[CANDIDATES][DIGESTS_KEY] == scene.known.dump()
    assert DIGESTS_KEY not in bookmarks[DETAILS]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2030-01-01T00:00:00+00:00", "2030-01-01T00:00:00+00:00"),
        ("2020-01-01T00:00:00+00:00", "2026-01-01T00:05:00+00:00"),
        ("then", "2026-01-01T00:05:00+00:00"),
        (5, "2026-01-01T00:05:00+00:00"),
    ],
)
def test_the_start_of_the_state_before_counts(before: t.Any, after: str) -> None:
    bookmark = {"replication_key": "started_at", "replication_key_value": before}
    scene = Scene(state={"bookmarks": {CANDIDATES: bookmark}})
    scene.sink.emit(scene.change(), frozenset({CANDIDATES}))
    scene.sink.save()
    bookmarks = scene.messages[-1]["bookmarks"]
    assert bookmarks[CANDIDATES]["replication_key_value"] == after


def test_without_any_start_there_is_no_bookmark() -> None:
    scene = Scene()
    scene.sink.emit(Change("5", event="deleted"), frozenset({CANDIDATES}))
    scene.sink.save()
    assert set(scene.messages[-1]["bookmarks"][CANDIDATES]) == {DIGESTS_KEY}


def test_what_waits_for_a_file_is_written_before_the_state(tmp_path: Path) -> None:
    scene = Scene()
    output, written = batches(tmp_path)
    output._write = scene.messages.append
    scene.outputs[CANDIDATES] = output
    before = scene.sink.written
    scene.sink.emit(scene.change(), frozenset({CANDIDATES}))
    assert scene.sink.written - before == output.written > 0
    scene.sink.save()
    batch, state = scene.messages
    assert len(in_files([batch])) == 1
    assert "bookmarks" in state
    assert written == []
