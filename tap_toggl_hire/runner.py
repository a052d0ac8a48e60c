"""One run of the tap: the lists, the candidates, the last state, the last words.

It is a loop of our own, on the public surface of the SDK's streams. The SDK's would
sync a child stream once for each parent, with SCHEMA, log lines and a state each time.
"""

from __future__ import annotations

import time
import typing as t
from datetime import UTC, datetime

from tap_toggl_hire.bases import CandidateStream, ListStream
from tap_toggl_hire.candidate_run import CandidateRun
from tap_toggl_hire.errors import TapError
from tap_toggl_hire.output import BatchOutput, Output
from tap_toggl_hire.records import as_text
from tap_toggl_hire.sink import CandidateSink
from tap_toggl_hire.streams import SyncRuns
from tap_toggl_hire.sync.counts import Counts
from tap_toggl_hire.sync.plan import STREAMS

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from singer_sdk import Stream, Tap

    from tap_toggl_hire.session import Session
    from tap_toggl_hire.sync.state import State


class Runner:
    """Runs the tap once.

    Args:
        tap: Its streams, state and writers.
        session: Settings, API, workers.
        known: What the state knows of candidates.
    """

    def __init__(self, tap: Tap, session: Session, known: State) -> None:
        self._tap = tap
        self._session = session
        self._known = known
        self._outputs = {
            name: output
            for name, stream in tap.streams.items()
            if (output := _output(tap, stream)).is_selected
        }
        self._streams = {
            name: stream
            for name, stream in tap.streams.items()
            if isinstance(stream, CandidateStream)
        }
        self._of_candidates = {
            name: self._outputs[name] for name in STREAMS if name in self._outputs
        }
        self._sink = CandidateSink(tap, known, self._streams, self._of_candidates)
        self._started = datetime.now(UTC)
        self._clock = time.monotonic()
        self._candidates: CandidateRun | None = None

    def run(self) -> None:
        """Read everything that is selected.

        Raises:
            TapError: If something could not be read. The state vouches for the rest.
        """
        failure: str | None = "The run was stopped."
        try:
            self._read()
            failure = None
        except TapError as error:
            failure = str(error)
            raise
        except Exception as error:
            failure = f"Unexpected {type(error).__name__}."
            raise
        finally:
            self._finish(failure)

    def _read(self) -> None:
        lists = [
            stream
            for name, stream in self._tap.streams.items()
            if isinstance(stream, ListStream) and name in self._outputs
        ]
        for stream in lists:
            if stream.is_whole:  # else they share requests for the openings of settings
                stream.ask()
        for stream in lists:
            self._read_list(stream)
        if self._of_candidates:
            self._candidates = CandidateRun(
                self._session,
                self._known,
                streams=self._streams,
                outputs=self._of_candidates,
                sink=self._sink,
                version=self._tap.initialized_at,
            )
            self._candidates.run()

    def _read_list(self, stream: ListStream) -> None:
        output = self._outputs[stream.name]
        if self._session.settings.emit_activate_version_messages:
            output.version = self._tap.initialized_at
        output.write_schema()
        for record in stream.get_records(None):
            output.write(record)
        output.flush()
        if output.version is not None and stream.is_whole:
            output.activate(output.version)

    def _finish(self, failure: str | None) -> None:
        """Write the record of the run and the last state; tell what was done."""
        self._session.workers.stop()
        try:
            output = self._outputs.get(SyncRuns.name)
            if output is not None:
                output.write_schema()
                output.write(self._record(failure))
                output.flush()
            if self._candidates is not None:
                self._sink.save()
            elif self._tap.state:
                self._tap.state_writer.write_state(self._tap.state)
        except TapError:  # the target reads no more
            if failure is None:
                raise
        if failure is None:
            self._tell()

    @property
    def _counts(self) -> Counts:
        return Counts() if self._candidates is None else self._candidates.counts

    def _record(self, failure: str | None) -> dict[str, t.Any]:
        session, counts = self._session, self._counts
        asked = session.client.counts
        narrowing = session.settings.narrowing()
        return {
            "started_at": self._started.isoformat(),
            "finished_at": datetime.now(UTC).isoformat(),
            "outcome": "complete" if failure is None else "failed",
            "message": failure,
            "tap_version": self._tap.plugin_version,
            "api_version": session.client.found_version,
            "scope": as_text(narrowing) if narrowing else None,
            "requests": asked.requests,
            "requests_refused": asked.refused,
            "requests_retried": asked.retried,
            "candidates_listed": counts.listed,
            "candidates_created": counts.created,
            "candidates_updated": counts.updated,
            "candidates_deleted": counts.deleted,
            "candidates_reverified": counts.reverified,
            "details_read": counts.details,
            "unknown_fields": _told(session.fields.unknown),
            "unfit_fields": _told(session.fields.unfit),
        }

    def _tell(self) -> None:
        counts, asked = self._counts, self._session.client.counts
        self._session.logger.info(
            "%s candidates: %s new, %s changed, %s deleted, %s re-verified; "
            "%s requests, %s refused, in %.0f s.",
            *(
                f"{number:,}"
                for number in (
                    *(counts.listed, counts.created, counts.updated, counts.deleted),
                    *(counts.reverified, asked.requests, asked.refused),
                )
            ),
            time.monotonic() - self._clock,
        )


def _output(tap: Tap, stream: Stream) -> Output:
    maps = dict(tap.config.get("stream_maps") or {})
    config = stream.get_batch_config(stream.config)
    if config is None:
        return Output(stream, tap.write_message, maps)
    return BatchOutput(stream, tap.write_message, maps, config)


def _told(fields: Mapping[str, int]) -> str | None:
    return as_text(dict(sorted(fields.items()))) if fields else None
