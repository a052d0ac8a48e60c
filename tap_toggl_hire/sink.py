"""Where the engine's decisions become messages: records of each stream, and STATE."""

from __future__ import annotations

import contextlib
import typing as t

from tap_toggl_hire.output import BatchOutput
from tap_toggl_hire.sync.plan import CANDIDATES
from tap_toggl_hire.sync.state import DIGESTS_KEY
from tap_toggl_hire.times import moment

if t.TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from singer_sdk import Tap

    from tap_toggl_hire.bases import CandidateStream
    from tap_toggl_hire.output import Output
    from tap_toggl_hire.sync.observation import Change
    from tap_toggl_hire.sync.state import State
    from tap_toggl_hire.writer import MessageWriter


class CandidateSink:
    """Writes the records of candidates, and the state that vouches for them.

    Args:
        tap: Its state and writers.
        known: What is known of candidates.
        streams: Those of candidates, by name.
        outputs: Of those that are selected.
    """

    def __init__(
        self,
        tap: Tap,
        known: State,
        streams: Mapping[str, CandidateStream],
        outputs: Mapping[str, Output],
    ) -> None:
        self._tap = tap
        self._writer = t.cast("MessageWriter", tap.message_writer)
        self._known = known
        self._streams = streams
        self._outputs = outputs
        self._bookmark = self._read_bookmark()

    @property
    def written(self) -> int:
        """Bytes of records so far, those in files too."""
        files = sum(
            output.written
            for output in self._outputs.values()
            if isinstance(output, BatchOutput)
        )
        return files + self._writer.record_bytes

    def emit(self, change: Change, streams: frozenset[str]) -> None:
        """Write the records of a candidate to some streams."""
        for name, output in self._outputs.items():
            if name in streams:
                stream = self._streams[name]
                for record in stream.records(change):
                    output.write(record)
                for record in stream.tombstones(change):
                    output.write_tombstone(record)
        started = change.row and change.row["started_at"]
        if started and (self._bookmark is None or moment(started) > self._bookmark[0]):
            self._bookmark = moment(started), started

    def save(self) -> None:
        """Write a STATE, and before it whatever waits for a file."""
        for output in self._outputs.values():
            output.flush()
        bookmarks = self._tap.state.setdefault("bookmarks", {})
        for name in self._outputs:
            if self._bookmark:
                bookmarks.setdefault(name, {}).update(
                    replication_key="started_at",
                    replication_key_value=self._bookmark[1],
                )
        bookmarks.setdefault(CANDIDATES, {})[DIGESTS_KEY] = self._known.dump()
        self._tap.state_writer.write_state(self._tap.state)

    def _read_bookmark(self) -> tuple[datetime, str] | None:
        # It is there for people: one that is no time is replaced.
        state = self._tap.state.get("bookmarks", {}).get(CANDIDATES, {})
        text = state.get("replication_key_value")
        with contextlib.suppress(ValueError):
            if isinstance(text, str):
                return moment(text), text
        return None
