"""Where records of candidates and states go: the streams' outputs, and stdout."""

from __future__ import annotations

import typing as t

from singer_sdk.singerlib import StateMessage

from tap_toggl_hire.clock import moment
from tap_toggl_hire.messages import BatchOutput
from tap_toggl_hire.sync.state import KEY

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_toggl_hire.messages import MessageWriter, Output
    from tap_toggl_hire.records import Record
    from tap_toggl_hire.streams import CandidateStream
    from tap_toggl_hire.sync.change import Change
    from tap_toggl_hire.sync.plan import Streams
    from tap_toggl_hire.sync.state import State


class SingerState:
    """The state as Singer has it: bookmarks for readers, and the tap's own key."""

    def __init__(
        self, value: dict[str, t.Any], state: State, writer: MessageWriter
    ) -> None:
        self._value = value  # the one that the SDK's tap has
        self._state = state
        self._writer = writer

    def bookmark(self, stream: str, key: str | None, record: Record) -> None:
        """Note the largest replication key value that a stream emitted."""
        value = record.get(key) if key else None
        bookmark = self._value.setdefault("bookmarks", {}).setdefault(stream, {})
        if value and not _is_later(bookmark.get("replication_key_value"), value):
            bookmark["replication_key"] = key
            bookmark["replication_key_value"] = value

    def value(self, stream: str) -> str:
        """Return the largest replication key value that a stream emitted, or ""."""
        bookmark = self._value.get("bookmarks", {}).get(stream, {})
        return str(bookmark.get("replication_key_value", ""))

    def write(self) -> int:
        """Write a STATE; return the size of its columns in bytes."""
        # The SDK's StateWriter would keep the text of a large state a second time.
        self._value.pop(KEY, None)
        self._value[KEY] = self._state.dump()
        self._writer.write_message(StateMessage(self._value))
        return sum(map(len, self._value[KEY]["candidates"].values()))


class CandidateSink:
    """Writes the records of candidates to the selected streams, and STATE."""

    def __init__(
        self,
        outputs: Mapping[CandidateStream, Output],
        state: SingerState,
        writer: MessageWriter,
    ) -> None:
        self._outputs = outputs
        self._state = state
        self._writer = writer
        self._files = [o for o in outputs.values() if isinstance(o, BatchOutput)]

    @property
    def written(self) -> int:
        """Bytes of records so far, those in BATCH files too."""
        return self._writer.record_bytes + sum(files.written for files in self._files)

    def emit(self, change: Change, streams: Streams) -> None:
        """Write the records of a candidate to some streams."""
        for stream, output in self._outputs.items():
            if stream.name not in streams:
                continue
            for record, is_tombstone in stream.emitted(change):
                if is_tombstone:
                    output.write_tombstone(record)
                else:
                    output.write(record)
                self._state.bookmark(stream.name, stream.replication_key, record)

    def save(self) -> int:
        """Write the records that wait for BATCH files, and a STATE; return its size."""
        for output in self._outputs.values():
            output.flush()
        return self._state.write()


def _is_later(bookmark: t.Any, value: str) -> bool:
    try:
        return moment(bookmark) >= moment(value)
    except (TypeError, ValueError):  # missing, or not a time
        return False
