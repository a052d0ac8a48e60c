"""What the tests of the streams share: a workspace that is read again and again."""

from __future__ import annotations

import logging
import sys
import typing as t

from click.testing import CliRunner

from tap_toggl_hire.errors import TapError
from tap_toggl_hire.tap import TapTogglHire
from tests.support import KEYS, Target, catalog, extract, settings
from tests.support.streams import (
    CORE,
    DELETED_AT,
    HISTORY,
    HISTORY_FIELDS,
    LISTS,
    STREAMS,
    SYNC_RUNS,
)
from tests.support.tap import records
from tests.support.truth import truth, unsigned

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from sandbox import Account, Sandbox, Shapes

Json = dict[str, t.Any]
Rows = dict[t.Any, Json]
Start = t.Callable[..., "Sandbox"]
"""The fixture `sandbox`."""

ALL = (*STREAMS, SYNC_RUNS)


class Workspace:
    """A workspace that is extracted again and again, into one target."""

    def __init__(self, box: Sandbox, *selected: str, **config: t.Any) -> None:
        self.box = box
        self.account = box.account
        self.messages: list[Json] = []
        self.target = Target()
        self.state: Json | None = None
        self._selected = selected or ALL
        self._config = config

    def extract(self, *without: str, **config: t.Any) -> list[Json]:
        """Run the tap, with properties deselected: `stream.property`."""
        self.box.stats.reset()
        chosen = deselected(catalog(settings(self.box), *self._selected), *without)
        merged = settings(self.box, **{**self._config, **config})
        self.messages = extract(merged, self.state, chosen)
        assert_columns(self.messages)
        # Streams that a map has renamed have no key here.
        self.target.load(m for m in self.messages if m.get("stream", "tags") in KEYS)
        self.state = self.target.state
        return self.messages

    def records(self, stream: str) -> list[Json]:
        """The records of the last run."""
        return records(self.messages, stream)

    def schema(self, stream: str) -> Json:
        """The SCHEMA message of the last run."""
        return next(m for m in of(self.messages, "SCHEMA") if m["stream"] == stream)

    @property
    def emitted(self) -> set[str]:
        """The candidate streams of which the last run emitted records."""
        return {m["stream"] for m in of(self.messages, "RECORD")} - {*LISTS, SYNC_RUNS}

    def rate(self, candidate_id: str) -> None:
        """Change a rating, which the list shows."""
        rating = self.account.row(candidate_id)["rating"]
        self.account.rate(candidate_id, 3 - rating)

    def delete(self, **fields: t.Any) -> str:
        """Delete a candidate with these values."""
        rows = self.account.list_rows()
        gone = next(row["id"] for row in rows if fields.items() <= row.items())
        self.account.delete(gone)
        return str(gone)


def of(messages: Iterable[Json], kind: str) -> list[Json]:
    return [message for message in messages if message["type"] == kind]


def deselected(chosen: Json, *names: str) -> Json:
    """Deselect properties in a catalog."""
    left = set(names)
    for entry in chosen["streams"]:
        for one in entry["metadata"]:
            name = ".".join((entry["tap_stream_id"], *one["breadcrumb"][1:]))
            if one["breadcrumb"] and name in left:
                one["metadata"]["selected"] = False
                left.remove(name)
    assert not left, left
    return chosen


def assert_columns(messages: Iterable[Json]) -> None:
    """One SCHEMA per stream, before its records, which have every column of it."""
    columns: dict[str, set[str]] = {}
    for message in messages:
        stream = message.get("stream", "")
        if message["type"] == "SCHEMA":
            assert stream not in columns, f"two SCHEMA messages of {stream}"
            columns[stream] = set(message["schema"]["properties"])
        elif message["type"] == "RECORD":
            assert set(message["record"]) == columns[stream], stream


def loaded(*runs: Iterable[Json]) -> Target:
    """A target that took the messages of some runs."""
    target = Target()
    for messages in runs:
        target.load(messages)
    return target


def expected(
    account: Account,
    shapes: Shapes | None = None,
    *,
    only: Iterable[str] | None = None,
    version: str = "v2.1",
) -> dict[str, Rows]:
    """Return the rows that a target should hold, of some candidates or of all."""
    wanted = None if only is None else set(only)
    return {
        stream: {
            key: {**row, DELETED_AT: None}
            for key, row in table.items()
            if stream in LISTS
            or wanted is None
            or (key[0] if isinstance(key, tuple) else key) in wanted
        }
        for stream, table in truth(account, shapes, version=version).items()
    }


def assert_holds(
    target: Target,
    rows: dict[str, Rows],
    streams: Iterable[str] = CORE,
    *,
    deleted: bool = False,
) -> None:
    """Compare tables with what they should hold, and maybe rows marked as deleted."""
    for stream in streams:
        alive = {key: _unsigned(row) for key, row in target.alive(stream).items()}
        assert alive == rows[stream], stream
        assert deleted or not target.deleted(stream), stream


def _unsigned(row: Json) -> Json:
    """A row without the part of `extra` that changes by itself."""
    return {**row, "extra": unsigned(row["extra"])}


def history(target: Target, event: str) -> dict[str, Json]:
    """The rows of an event by candidate, at most one each."""
    rows = [row for row in target.alive(HISTORY).values() if row["event"] == event]
    by_candidate = {row["candidate_id"]: row for row in rows}
    assert len(by_candidate) == len(rows)
    return by_candidate


def in_history(account: Account, candidate_id: str) -> Json:
    """What a row of `candidate_history` says of a candidate as it is now."""
    detail = account.detail(candidate_id)
    fields = {name: detail.get(name) for name in HISTORY_FIELDS}
    return {**fields, "tag_ids": sorted(detail["tag_ids"])}


def without_event(row: Json) -> Json:
    """The fields of a row of `candidate_history` that are the candidate's."""
    return {name: row[name] for name in (*HISTORY_FIELDS, "tag_ids")}


def key_of(tombstone: Json) -> Json:
    """The key of a tombstone, which has nothing else but its mark."""
    assert tombstone[DELETED_AT]
    values = {name: value for name, value in tombstone.items() if value is not None}
    del values[DELETED_AT]
    return values


def candidate_of(record: Json) -> str:
    return str(record.get("candidate_id", record.get("id")))


def details_requested(box: Sandbox) -> list[str]:
    """The candidates whose details were requested, in order."""
    return [one.route.item_id for one in box.stats.log if one.kind == "candidate"]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]


def command(*arguments: str) -> t.Any:
    """Run the command line in this process; return what CliRunner does."""
    excepthook = sys.excepthook
    try:
        return CliRunner().invoke(TapTogglHire.get_singer_command(), arguments)
    finally:  # the SDK changes both, for a process of its own
        sys.excepthook = excepthook
        logging.captureWarnings(capture=False)


def rejection(*arguments: str) -> str:
    """Run the command line in this process; return the sentence it fails with."""
    ended = command(*arguments)
    assert isinstance(ended.exception, TapError), repr(ended.exception)
    assert ended.stdout == ""
    assert "\n" not in str(ended.exception)
    return str(ended.exception)
