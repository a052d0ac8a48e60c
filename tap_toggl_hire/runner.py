"""One run of the tap: the lists, the candidates, the last state, the last words.

It is a loop of our own, on the public surface of the SDK's streams. The SDK's would
sync a child stream once for each parent, with SCHEMA, log lines and a state each time.
"""

from __future__ import annotations

import time
import typing as t
from datetime import UTC, datetime

from tap_toggl_hire.errors import StateError, TapError
from tap_toggl_hire.output import BatchOutput, Output
from tap_toggl_hire.privacy import fingerprint
from tap_toggl_hire.progress import Progress
from tap_toggl_hire.records import EXTRA, as_text
from tap_toggl_hire.sink import CandidateSink
from tap_toggl_hire.streams import ListStream, SyncRuns
from tap_toggl_hire.sync import workspace
from tap_toggl_hire.sync.engine import Counts, Engine, Source
from tap_toggl_hire.sync.observation import Observer
from tap_toggl_hire.sync.plan import (
    CANDIDATES,
    FROM_DETAILS,
    STREAMS,
    UPSERTED,
    Relation,
    Run,
)
from tap_toggl_hire.sync.rotation import Rotation
from tap_toggl_hire.sync.scope import widest
from tap_toggl_hire.sync.sweep import Sweep
from tap_toggl_hire.sync.tags import TagLists

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_toggl_hire.tap import TapTogglHire


class Runner:
    """Runs the tap once.

    Args:
        tap: Its settings, streams, state and client.
    """

    def __init__(self, tap: TapTogglHire) -> None:
        self._tap = tap
        self._outputs = {name: _output(tap, name) for name in tap.streams}
        self._sink = CandidateSink(tap, self._outputs)
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
        for name, stream in self._tap.streams.items():
            if isinstance(stream, ListStream) and self._outputs[name].is_selected:
                self._read_list(stream)
        if any(self._outputs[name].is_selected for name in STREAMS):
            self._candidates = CandidateRun(self._tap, self._outputs, self._sink)
            self._candidates.run()

    def _read_list(self, stream: ListStream) -> None:
        output = self._outputs[stream.name]
        if self._tap.settings.emit_activate_version_messages:
            output.version = self._tap.initialized_at
        output.write_schema()
        for record in stream.get_records(None):
            output.write(record)
        output.flush()
        if output.version is not None and stream.is_whole:
            output.activate(output.version)

    def _finish(self, failure: str | None) -> None:
        """Write the record of the run and the last state; tell what was done."""
        try:
            output = self._outputs[SyncRuns.name]
            if output.is_selected:
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
        tap, counts = self._tap, self._counts
        asked = tap.client.counts
        narrowing = tap.settings.narrowing()
        return {
            "started_at": self._started.isoformat(),
            "finished_at": datetime.now(UTC).isoformat(),
            "outcome": "complete" if failure is None else "failed",
            "message": failure,
            "tap_version": tap.plugin_version,
            "api_version": tap.client.found_version,
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
            "unknown_fields": _told(tap.fields.unknown),
            "unfit_fields": _told(tap.fields.unfit),
        }

    def _tell(self) -> None:
        counts, asked = self._counts, self._tap.client.counts
        self._tap.logger.info(
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


class CandidateRun:
    """Everything about candidates of one run, put together and handed to the engine.

    Args:
        tap: Its settings, streams, state and client.
        outputs: By stream.
        sink: Takes the records and the state.
    """

    def __init__(
        self, tap: TapTogglHire, outputs: Mapping[str, Output], sink: CandidateSink
    ) -> None:
        self.counts = Counts()
        self._tap = tap
        self._settings = tap.settings
        self._state = tap.known
        self._outputs = {name: outputs[name] for name in STREAMS}
        self._selected = {n for n, output in self._outputs.items() if output.is_selected}
        self._sink = sink

    def run(self) -> None:
        """Find the changes of candidates, and emit them.

        Raises:
            TapError: If the run is not complete. What could be read was emitted.
        """
        state, scope = self._state, self._settings.scope
        self._check_workspace()
        earlier = [*filter(None, [state.last_scope]), *state.scopes]
        run = self._run()
        state.scopes = widest(state.last_scope, [*state.scopes, scope])
        self._set_versions()
        for output in self._outputs.values():
            output.write_schema()
        engine = self._engine(run)
        self.counts = engine.counts
        for name in self._rewritten():
            engine.make_stale(name)
        engine.run()
        self._activate(engine)
        state.last_scope = scope
        state.scopes = widest(scope, earlier)
        state.page_size = str(self._settings.page_size)

    def _check_workspace(self) -> None:
        """Refuse a state of another workspace, or of another part.

        Raises:
            StateError: If it is.
        """
        state, part = self._state, str(self._settings.part)
        if not state.is_new and state.part not in {part, None}:
            msg = (
                f"The state is of part {state.part or '1/1'}, while setting part is "
                f"{part or 'not set'}. Use the state of this part; for another number "
                "of parts, make a state from the warehouse (see docs/state.md)."
            )
            raise StateError(msg)
        present = workspace.signs(self._tap.client.openings)
        if workspace.is_foreign(state.workspace, present):
            raise StateError(workspace.FOREIGN)
        state.keep_part(self._settings.part)
        if present:
            state.workspace = present[: workspace.MOST_SIGNS]

    def _run(self) -> Run:
        state, scope = self._state, self._settings.scope
        full_table = {
            name
            for name in self._selected & UPSERTED
            if self._tap.streams[name].replication_method == "FULL_TABLE"
        }
        return Run(
            frozenset(self._selected),
            frozenset(full_table),
            scope.relation(state.last_scope),
            covers_all=all(scope.covers(other) for other in state.scopes),
            volatile=state.is_upgraded,
        )

    def _set_versions(self) -> None:
        """Let records carry the version that ACTIVATE_VERSION tells at the end.

        A full table has one of its own run. A first load has one of its own, too,
        over all the runs that it takes.
        """
        state, version = self._state, self._tap.initialized_at
        is_versioned = self._settings.emit_activate_version_messages and not any(
            isinstance(output, BatchOutput) for output in self._outputs.values()
        )
        if not is_versioned:
            state.load_version = 0
        elif state.is_new and not self._settings.is_narrowed:
            state.load_version = version
        for name in self._selected & UPSERTED if is_versioned else ():
            is_full = self._tap.streams[name].replication_method == "FULL_TABLE"
            own = version if is_full else state.load_version
            self._outputs[name].version = own or None

    def _rewritten(self) -> list[str]:
        """Return the streams that write more, or something else, than before."""
        rewritten = []
        for name in sorted(self._selected & UPSERTED):
            before = self._state.columns.get(name)
            present = self._outputs[name].fingerprint()
            if before and not set(present) <= set(before):
                rewritten.append(name)
            self._state.columns[name] = present
        for name in rewritten:
            known = len(self._state.inventory)
            self._tap.logger.warning(
                "Stream %s has columns or expressions that it had not before: all "
                "%s candidates are emitted again%s.",
                name,
                f"{known:,}",
                f", which takes {known:,} requests" if name in FROM_DETAILS else "",
            )
        return rewritten

    def _engine(self, run: Run) -> Engine:
        tap, state, settings = self._tap, self._state, self._settings
        privacy = fingerprint(settings.pii, settings.pii_hash_key)
        is_told = CANDIDATES in self._selected and any(
            EXTRA in one.raw_schema["properties"]
            for one in tap.streams[CANDIDATES].stream_maps
        )
        sweep = Sweep(
            tap.client,
            tap.workers,
            state.inventory.ids,
            page_size=settings.page_size,
            scope=settings.scope,
            filters=settings.candidate_filters,
            last=state.last_scope,
            is_mine=settings.part.has,
        )
        tags = TagLists(
            tap.client,
            tap.workers,
            sweep.shared_params,
            until=settings.start_date,
            known=state.tags,
        )
        is_as_before = run.relation is Relation.SAME and state.page_size == str(
            settings.page_size
        )
        tags.ask()
        sweep.ask(state.anchors if is_as_before else ())
        tags.read()
        return Engine(
            source=Source(tap.client, tap.workers, sweep, tags),
            state=state,
            run=run,
            rotation=Rotation(state.turn, datetime.now(UTC), settings.reverify_days),
            observer=Observer(
                tap.candidate_row,
                tap.candidate_details,
                privacy=privacy,
                compares_extra=is_told,
            ),
            sink=self._sink,
            progress=Progress(tap.logger),
            report=tap.warn_once,
        )

    def _activate(self, engine: Engine) -> None:
        """Let the target mark the rows of candidates that are gone."""
        if engine.found_missing or self._settings.is_narrowed:
            return
        for name in self._selected:
            if (version := self._outputs[name].version) is not None:
                self._outputs[name].activate(version)
        engine.forget_unlisted()
        self._state.load_version = 0


def _output(tap: TapTogglHire, name: str) -> Output:
    stream = tap.streams[name]
    maps = tap.stream_maps
    config = stream.get_batch_config(stream.config)
    if config is None:
        return Output(stream, tap.write_message, maps)
    return BatchOutput(stream, tap.write_message, maps, config)


def _told(fields: Mapping[str, int]) -> str | None:
    return as_text(dict(sorted(fields.items()))) if fields else None
