"""Where the engine's decisions become messages: records of each stream, and STATE."""

from __future__ import annotations

import contextlib
import typing as t

from tap_toggl_hire.output import BatchOutput
from tap_toggl_hire.sync.plan import CANDIDATES, STREAMS
from tap_toggl_hire.times import moment

if t.TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tap_toggl_hire.output import Output
    from tap_toggl_hire.sync.observation import Change
    from tap_toggl_hire.tap import TapTogglHire

DIGESTS_KEY = "digests"
"""Where the state of candidates is, under `bookmarks.candidates`."""


class CandidateSink:
    """Writes the records of candidates, and the state that vouches for them.

    Args:
        tap: Its streams, state and writers.
        outputs: By stream.
    """

    def __init__(self, tap: TapTogglHire, outputs: Mapping[str, Output]) -> None:
        self._tap = tap
        self._outputs = {name: outputs[name] for name in STREAMS}
        self._bookmark = self._read_bookmark()

    @property
    def written(self) -> int:
        """Bytes of records so far, those in files too."""
        files = sum(
            output.written
            for output in self._outputs.values()
            if isinstance(output, BatchOutput)
        )
        return files + self._tap.message_writer.record_bytes

    def emit(self, change: Change, streams: frozenset[str]) -> None:
        """Write the records of a candidate to some streams."""
        for name in STREAMS:
            if name in streams:
                output, stream = self._outputs[name], self._tap.candidate_streams[name]
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
        for name, output in self._outputs.items():
            if output.is_selected and self._bookmark:
                bookmarks.setdefault(name, {}).update(
                    replication_key="started_at",
                    replication_key_value=self._bookmark[1],
                )
        bookmarks.setdefault(CANDIDATES, {})[DIGESTS_KEY] = self._tap.known.dump()
        self._tap.state_writer.write_state(self._tap.state)

    def _read_bookmark(self) -> tuple[datetime, str] | None:
        # It is there for people: one that is no time is replaced.
        state = self._tap.state.get("bookmarks", {}).get(CANDIDATES, {})
        text = state.get("replication_key_value")
        with contextlib.suppress(ValueError):
            if isinstance(text, str):
                return moment(text), text
        return None
