"""Where records of candidates and states go."""

from __future__ import annotations

import json
import typing as t

import pytest

from tap_toggl_hire.messages import output_of
from tap_toggl_hire.sink import CandidateSink, SingerState
from tap_toggl_hire.streams import CandidateStream
from tap_toggl_hire.sync.change import Change
from tap_toggl_hire.sync.plan import (
    ANSWERS,
    CANDIDATE_STREAMS,
    CANDIDATES,
    DETAILS,
    HISTORY,
    Known,
)
from tap_toggl_hire.sync.state import KEY, State
from tap_toggl_hire.tap import TapTogglHire
from tests.unit.sync.observed import details_of, observer, row_of

if t.TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, t.Any]

ALL = frozenset(CANDIDATE_STREAMS)
DELETED = Change("1", event="deleted", answers_held=2, is_deleted=True)


def created(candidate_id: str = "1", **fields: t.Any) -> Change:
    """Return the change of a new candidate."""
    shown = details_of(candidate_id, **fields)
    row = observer().row(candidate_id, row_of(shown))
    return Change(candidate_id, row, (), observer().details.of(shown), "created")


class Written:
    """A sink over the tap's own streams, and what it has written.

    Attributes:
        value: The state as the SDK's tap has it.
    """

    def __init__(
        self, capsys: pytest.CaptureFixture[bytes], value: Json, **config: t.Any
    ) -> None:
        tap = TapTogglHire(config={"api_key": "key-of-a-test", **config})
        self.value, self.state = value, State()
        self.singer_state = SingerState(value, self.state, tap.message_writer)
        streams = [s for s in tap.streams.values() if isinstance(s, CandidateStream)]
        outputs = {
            stream: output_of(tap, stream)
            for stream in sorted(streams, key=CandidateStream.place)
        }
        self.sink = CandidateSink(outputs, self.singer_state, tap.message_writer)
        self._capsys = capsys

    def lines(self) -> list[bytes]:
        """Return the lines that are new, once a STATE has flushed them."""
        return self._capsys.readouterr().out.splitlines(keepends=True)

    def messages(self) -> list[Json]:
        """Return the messages that are new."""
        return [json.loads(line) for line in self.lines()]


@pytest.fixture
def written(capsysbinary: pytest.CaptureFixture[bytes]) -> Written:
    """Return a sink that begins without a state."""
    return Written(capsysbinary, {})


def test_records_go_to_their_streams_in_order_before_the_state(
    written: Written,
) -> None:
    written.sink.emit(created(), ALL)
    written.sink.save()
    *records, state = written.messages()
    assert [(message["type"], message["stream"]) for message in records] == [
        ("RECORD", CANDIDATES),
        ("RECORD", DETAILS),
        ("RECORD", ANSWERS),
        ("RECORD", ANSWERS),
        ("RECORD", HISTORY),
    ]
    assert state["type"] == "STATE"


def test_streams_that_are_not_due_get_no_record(written: Written) -> None:
    written.sink.emit(created(), frozenset({CANDIDATES, HISTORY}))
    written.sink.save()
    *records, _ = written.messages()
    assert [message["stream"] for message in records] == [CANDIDATES, HISTORY]


def test_deletion_writes_the_key_of_each_row(written: Written) -> None:
    written.sink.emit(DELETED, frozenset({CANDIDATES, DETAILS, ANSWERS}))
    written.sink.save()
    *records, _ = written.messages()
    tombstones = [
        {
            name: value
            for name, value in message["record"].items()
            if value is not None and name != "_sdc_deleted_at"
        }
        for message in records
    ]
    assert tombstones == [
        {"id": "1"},
        {"id": "1"},
        {"candidate_id": "1", "position": 0},
        {"candidate_id": "1", "position": 1},
    ]
    assert all(message["record"]["_sdc_deleted_at"] for message in records)


def test_bytes_of_records_are_counted(written: Written) -> None:
    written.sink.emit(created(), ALL)
    written.sink.save()
    *records, _ = written.lines()
    assert written.sink.written == sum(map(len, records)) > 0


def test_files_of_records_are_written_before_the_state(
    capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    files = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": tmp_path.as_uri()},
    }
    written = Written(capsysbinary, {}, batch_config=files)
    written.sink.emit(created(), frozenset({CANDIDATES}))
    size = written.sink.written
    assert size > 0
    assert [*tmp_path.iterdir()] == []
    written.sink.save()
    assert [message["type"] for message in written.messages()] == ["BATCH", "STATE"]
    assert len([*tmp_path.iterdir()]) == 1
    assert written.sink.written == size


# The state


def test_state_of_the_tap_lies_beside_the_bookmarks(written: Written) -> None:
    written.state.inventory["1"] = Known()
    written.sink.emit(created(), frozenset({CANDIDATES}))
    size = written.sink.save()
    *_, message = written.messages()
    state = message["value"]
    assert list(state) == ["bookmarks", KEY]
    loaded = State.load(state[KEY])
    assert dict(loaded.inventory.items()) == {"1": Known()}
    assert size == sum(map(len, state[KEY]["candidates"].values()))


def test_each_state_has_what_is_known_then(written: Written) -> None:
    written.sink.save()
    written.state.inventory["1"] = Known()
    written.sink.save()
    first, second = (message["value"][KEY] for message in written.messages())
    assert len(State.load(first).inventory) == 0
    assert len(State.load(second).inventory) == 1


EARLY, LATE = "2026-01-05T09:00:00+00:00", "2026-01-06T09:00:00+01:00"


def test_bookmark_is_the_largest_value_of_the_replication_key(
    written: Written,
) -> None:
    for started_at in (EARLY, LATE, EARLY):
        written.sink.emit(created(started_at=started_at), frozenset({CANDIDATES}))
    assert written.value["bookmarks"] == {
        CANDIDATES: {"replication_key": "started_at", "replication_key_value": LATE}
    }


def test_bookmark_compares_times_not_texts(written: Written) -> None:
    """An offset puts a later text before an earlier one."""
    for value in ("2026-01-05T23:30:00-02:00", "2026-01-06T00:30:00+00:00"):
        written.singer_state.bookmark(CANDIDATES, "started_at", {"started_at": value})
    bookmark = written.value["bookmarks"][CANDIDATES]
    assert bookmark["replication_key_value"] == "2026-01-05T23:30:00-02:00"


@pytest.mark.parametrize("malformed", [None, 5, "yesterday"])
def test_malformed_bookmark_is_replaced(
    capsysbinary: pytest.CaptureFixture[bytes], malformed: t.Any
) -> None:
    value = {"bookmarks": {CANDIDATES: {"replication_key_value": malformed}}}
    written = Written(capsysbinary, value)
    written.singer_state.bookmark(CANDIDATES, "started_at", {"started_at": EARLY})
    bookmark = written.value["bookmarks"][CANDIDATES]
    assert bookmark["replication_key_value"] == EARLY


def test_record_without_a_replication_key_value_leaves_the_bookmark(
    written: Written,
) -> None:
    written.singer_state.bookmark(CANDIDATES, "started_at", {"started_at": EARLY})
    written.sink.emit(DELETED, frozenset({CANDIDATES}))
    written.sink.emit(created(), frozenset({ANSWERS}))
    assert written.value["bookmarks"] == {
        CANDIDATES: {"replication_key": "started_at", "replication_key_value": EARLY},
        ANSWERS: {},
    }
