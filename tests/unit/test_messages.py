"""Whole lines on stdout, and the messages of one stream."""

from __future__ import annotations

import errno
import gzip
import io
import json
import logging
import os
import sys
import typing as t
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import pytest
from singer_sdk.singerlib import (
    ActivateVersionMessage,
    Message,
    RecordMessage,
    SchemaMessage,
    StateMessage,
)

from tap_toggl_hire.errors import OutputError, SettingError
from tap_toggl_hire.messages import BatchOutput, MessageWriter, Output, output_of
from tests.unit.small_tap import PERSON, TOMBSTONE, small_tap

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Json = dict[str, t.Any]


class Pipe(io.RawIOBase):
    """The other end of stdout.

    Attributes:
        arrived: The bytes that were written to it.
        error: Raised by the next write.
    """

    def __init__(self) -> None:
        super().__init__()
        self.arrived = b""
        self.error: OSError | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: t.Any) -> int:
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        self.arrived += bytes(data)
        return len(data)


@contextmanager
def stdout() -> Iterator[Pipe]:
    """Replace stdout; no fixture, since pytest replaces it after them."""
    pipe = Pipe()
    buffer = io.BufferedWriter(pipe, buffer_size=1 << 20)
    with redirect_stdout(io.TextIOWrapper(buffer)):
        yield pipe


def test_records_are_buffered_until_a_state() -> None:
    writer = MessageWriter()
    record = {"id": "1", "name": "two\nlines, \u201cquoted\u201d \U0001f642"}
    with stdout() as pipe:
        for _ in range(2):
            writer.write_message(RecordMessage(stream="labels", record=record))
        assert pipe.arrived == b""
        writer.write_message(StateMessage({"bookmarks": {}}))
        lines = pipe.arrived.splitlines(keepends=True)
    assert [json.loads(line) for line in lines] == [
        {"type": "RECORD", "stream": "labels", "record": record},
        {"type": "RECORD", "stream": "labels", "record": record},
        {"type": "STATE", "value": {"bookmarks": {}}},
    ]
    assert writer.record_bytes == 2 * len(lines[0])


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.EPIPE, "The target closed the pipe: see its log for the reason."),
        (errno.ENOSPC, "The messages cannot be written: No space left on device."),
    ],
)
def test_unwritable_stdout_is_reported(number: int, sentence: str) -> None:
    with stdout() as pipe:
        pipe.error = OSError(number, os.strerror(number))
        with pytest.raises(OutputError) as caught:
            MessageWriter().write_message(StateMessage({}))
    assert str(caught.value) == sentence
    assert caught.value.is_transient


class Collector(MessageWriter):
    """Keep messages."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[Message] = []

    def write_message(self, message: Message) -> None:
        self.messages.append(message)


class Stage:
    """The output of a stream, and the messages that it wrote."""

    def __init__(
        self, rules: Json | None = None, stream: str = "people", **config: t.Any
    ) -> None:
        if rules is not None:
            config["stream_maps"] = {stream: rules}
        writer = Collector()
        tap = small_tap(config, message_writer=writer)
        self.written = writer.messages
        self.output = output_of(tap, tap.streams[stream])

    @property
    def records(self) -> list[Json]:
        return [
            message.record
            for message in self.written
            if isinstance(message, RecordMessage)
        ]


@pytest.mark.parametrize(
    ("stream", "bookmark"), [("people", ["started_at"]), ("labels", None)]
)
def test_schema_is_written_once(stream: str, bookmark: list[str] | None) -> None:
    stage = Stage(stream=stream)
    for _ in range(3):
        stage.output.write_schema()
    (schema,) = stage.written
    assert isinstance(schema, SchemaMessage)
    assert schema.stream == stream
    assert list(schema.key_properties or ()) == ["id"]
    properties = schema.bookmark_properties
    assert (None if properties is None else list(properties)) == bookmark
    assert stage.output.is_full_table is (bookmark is None)
    assert "$schema" not in schema.schema


def test_records_and_tombstones_are_counted() -> None:
    stage = Stage()
    before = datetime.now(UTC)
    stage.output.write(PERSON)
    stage.output.write(PERSON)
    stage.output.write_tombstone(TOMBSTONE)
    tombstone = {**dict.fromkeys(PERSON), **TOMBSTONE}
    assert stage.records == [PERSON, PERSON, tombstone]
    assert stage.output.count == 3
    for message in stage.written:
        assert isinstance(message, RecordMessage)
        assert message.version is None
        assert message.time_extracted is not None
        assert before <= message.time_extracted <= datetime.now(UTC)
    assert type(stage.output) is Output  # without batch_config, no files


def test_records_carry_the_version_that_is_activated() -> None:
    stage = Stage()
    stage.output.version = 5
    stage.output.write(PERSON)
    stage.output.activate(5)
    record, activation = stage.written
    assert isinstance(record, RecordMessage)
    assert isinstance(activation, ActivateVersionMessage)
    assert record.version == activation.version == 5
    assert activation.stream == "people"


def test_stream_without_an_output_writes_nothing() -> None:
    stage = Stage(stream_maps={"people": None})
    assert not stage.output.is_selected
    stage.output.write_schema()
    stage.output.write(PERSON)
    stage.output.write_tombstone(TOMBSTONE)
    stage.output.activate(5)
    assert stage.written == []
    assert Stage().output.is_selected


@pytest.mark.parametrize(
    ("maps", "is_filtered"),
    [
        ({}, False),
        ({"people": {"initial": "name[0]"}}, False),
        ({"people": {"__filter__": "rating > 1"}}, True),
        ({"p*": {"__filter__": "rating > 1"}}, True),
        ({"copy": {"__source__": "people", "__filter__": "rating > 1"}}, True),
        ({"other": {"__filter__": "rating > 1"}}, False),
    ],
)
def test_filter_of_a_stream_map_is_known(maps: Json, is_filtered: bool) -> None:
    assert Stage(stream_maps=maps).output.is_filtered is is_filtered


def test_messages_carry_the_name_of_each_output() -> None:
    copy = {"__source__": "people"}
    stage = Stage(stream_maps={"people": {"__alias__": "persons"}, "copy": copy})
    stage.output.write_schema()
    stage.output.write(PERSON)
    stage.output.activate(5)
    names = [message.to_dict()["stream"] for message in stage.written]
    assert names == ["persons", "copy"] * 3
    assert stage.output.count == 1


def test_failing_expression_is_reported_without_values() -> None:
    stage = Stage({"initial": "int(name)"})
    with pytest.raises(SettingError) as caught:
        stage.output.write({**PERSON, "name": "Zo\u00eb"})
    assert "Zo\u00eb" in str(caught.value.__cause__)
    assert str(caught.value) == (
        "Setting stream_maps: an expression for stream people failed on a record "
        "(ValueError). Expressions have to accept nulls."
    )
    assert stage.written == []


def test_key_made_of_other_columns_is_reported_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    maps = {
        "people": {"key": "md5(name)", "__key_properties__": ["key"]},
        "copy": {"__source__": "people"},
    }
    stage = Stage(stream_maps=maps)
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            stage.output.write_tombstone(TOMBSTONE)
    assert [message.to_dict()["stream"] for message in stage.written] == ["copy"] * 2
    (message,) = caplog.messages
    assert message == (
        "Deletions in stream people are not emitted: setting stream_maps computes its "
        "key from columns that a tombstone does not have."
    )


# Files


def stage_of_files(folder: Path, batch_size: int, form: str = "jsonl") -> Stage:
    encoding = {"format": form, "compression": "gzip"}
    storage = {"root": folder.as_uri()}
    config = {"encoding": encoding, "storage": storage, "batch_size": batch_size}
    return Stage(batch_config=config)


@pytest.fixture
def files(tmp_path: Path) -> Stage:
    """An output whose files hold two records."""
    return stage_of_files(tmp_path, batch_size=2)


def in_files(messages: Iterable[t.Any]) -> list[Json]:
    return [
        json.loads(line)
        for message in messages
        for path in message.manifest
        for line in gzip.open(path.removeprefix("file://"), "rt", encoding="utf-8")
    ]


def test_records_are_held_back_until_a_flush(files: Stage) -> None:
    assert isinstance(files.output, BatchOutput)
    files.output.write(PERSON)
    assert files.written == []
    assert files.output.written > 100
    files.output.flush()
    files.output.flush()
    (batch,) = files.written
    assert batch.to_dict()["stream"] == "people"
    assert batch.to_dict()["encoding"] == {"format": "jsonl", "compression": "gzip"}
    (path,) = batch.to_dict()["manifest"]
    assert Path(path).name.startswith("tap-small--people-")
    assert in_files(files.written) == [PERSON]


def test_format_without_its_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    stage = stage_of_files(tmp_path, batch_size=1, form="parquet")
    with pytest.raises(
        OutputError,
        match=r"needs the package pyarrow.* install tap-toggl-hire\[parquet\]",
    ):
        stage.output.write(PERSON)


def test_folder_that_cannot_be_written_is_named_with_its_setting(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "batches"
    stage = stage_of_files(folder, batch_size=1)
    with pytest.raises(OutputError) as raised:
        stage.output.write(PERSON)
    assert "Setting batch_config" in str(raised.value)
    assert folder.as_uri() in str(raised.value)
    assert not raised.value.is_transient


def test_secrets_in_the_url_of_the_folder_are_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": "s3://user:password@bucket/folder?token=secret"},
        "batch_size": 1,
    }
    monkeypatch.setattr(
        "singer_sdk.batch.Batcher.get_batches", mock.Mock(side_effect=ValueError)
    )
    with pytest.raises(OutputError) as raised:
        Stage(batch_config=config).output.write(PERSON)
    assert "to s3://bucket/folder (ValueError)" in str(raised.value)


def test_file_of_large_records_is_written_before_it_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = {**PERSON, "name": "a" * 4_000}
    size = len(json.dumps(record, separators=(",", ":")))
    monkeypatch.setattr("tap_toggl_hire.messages.MAX_BUFFERED_BYTES", 3 * size)
    stage = stage_of_files(tmp_path, batch_size=1000)
    assert isinstance(stage.output, BatchOutput)
    files = []
    for _ in range(8):
        stage.output.write(record)
        files.append(len(stage.written))
    assert files == [0, 0, 1, 1, 1, 2, 2, 2]
    assert len(in_files(stage.written)) == 6
    assert stage.output.written == 8 * size


def test_full_file_is_written_at_once_and_has_no_version(files: Stage) -> None:
    for _ in range(2):
        files.output.write(PERSON)
        files.output.write_tombstone(TOMBSTONE)
    files.output.activate(5)
    tombstone = {**dict.fromkeys(PERSON), **TOMBSTONE}
    first, second = files.written
    assert in_files([first]) == in_files([second]) == [PERSON, tombstone]
