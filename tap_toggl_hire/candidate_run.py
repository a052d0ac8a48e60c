"""Everything about candidates of one run, put together and handed to the engine."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from tap_toggl_hire.activation import Activation
from tap_toggl_hire.errors import StateError, TapError
from tap_toggl_hire.privacy import fingerprint
from tap_toggl_hire.progress import Progress
from tap_toggl_hire.records import EXTRA
from tap_toggl_hire.sync import guard, workspace
from tap_toggl_hire.sync.absence import settle_scope
from tap_toggl_hire.sync.counts import Counts
from tap_toggl_hire.sync.engine import Engine
from tap_toggl_hire.sync.finder import Finder, Source
from tap_toggl_hire.sync.observation import Observer
from tap_toggl_hire.sync.plan import (
    CANDIDATES,
    DETAILS,
    FROM_DETAILS,
    UPSERTED,
    Known,
    Relation,
    Run,
    make_stale,
)
from tap_toggl_hire.sync.rotation import Rotation
from tap_toggl_hire.sync.scope import widest
from tap_toggl_hire.sync.sweep import Sweep
from tap_toggl_hire.sync.tags import TagLists

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_toggl_hire.bases import CandidateStream
    from tap_toggl_hire.output import Output
    from tap_toggl_hire.session import Session
    from tap_toggl_hire.sync.engine import Sink
    from tap_toggl_hire.sync.state import State


class CandidateRun:
    """Everything about candidates of one run, put together and handed to the engine.

    Args:
        session: Settings, API, workers.
        state: What is known of candidates.
        streams: Those of candidates, by name.
        outputs: Of those that are selected.
        sink: Takes the records and the state.
        version: Of this run, for ACTIVATE_VERSION.
    """

    def __init__(  # noqa: PLR0913 - all that a run touches
        self,
        session: Session,
        state: State,
        *,
        streams: Mapping[str, CandidateStream],
        outputs: Mapping[str, Output],
        sink: Sink,
        version: int,
    ) -> None:
        self.counts = Counts()
        self._session = session
        self._settings = session.settings
        self._state = state
        self._streams = streams
        self._outputs = outputs
        self._selected = frozenset(outputs)
        self._sink = sink
        self._activation = Activation(session.settings, version, state, outputs)

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
        for output in self._outputs.values():
            output.write_schema()
        engine, source, rotation = self._engine(run)
        self.counts = engine.counts
        for name in self._rewritten():
            engine.rewrite(partial(_make_stale, name))
        engine.run()
        if not source.sweep.is_complete:
            raise guard.short_list(len(source.sweep.seen), source.sweep.total)
        self._settle(engine, run, source, rotation)
        state.last_scope = scope
        state.scopes = widest(scope, earlier)
        if engine.not_served:
            raise engine.not_served[0]
        if not source.tags.is_complete:
            raise TapError(guard.SHORT_TAGS)
        self._activation.send(engine, run, source.sweep.seen)

    def _settle(
        self, engine: Engine, run: Run, source: Source, rotation: Rotation
    ) -> None:
        """Note that the lists came whole: where candidates are, whose turn is next."""
        state, sweep = self._state, source.sweep
        if sweep.is_believed or source.tags.believed:
            self._session.warn_once(guard.BELIEVED)
        state.anchors = sweep.anchors
        state.page_size = str(self._settings.page_size)
        state.tags = len(source.tags)
        # Else whose turn it was is verified by the next run that reads details.
        is_turned = self._selected & FROM_DETAILS or not state.inventory.has_details
        if is_turned:
            state.turn = rotation.finished()
        is_cleared = is_turned and state.inventory.has_verified
        if run.relation is not Relation.SAME or is_cleared:

            def settle(candidate_id: str, known: Known) -> Known:
                known = settle_scope(known, run, seen=candidate_id in sweep.seen)
                return replace(known, verified=False) if is_cleared else known

            engine.rewrite(settle)

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
        if self._settings.job_opening_ids is None:  # else each of them must be there
            present = workspace.signs(self._session.client.openings)
            if workspace.is_foreign(state.workspace, present):
                raise StateError(workspace.FOREIGN)
            state.workspace = present[: workspace.MOST_SIGNS] or state.workspace
        state.keep_part(self._settings.part)

    def _run(self) -> Run:
        state, scope = self._state, self._settings.scope
        return Run(
            self._selected,
            # Also of candidates where it is not selected: so the guard asks for it.
            frozenset(
                name
                for name in UPSERTED
                if self._streams[name].replication_method == REPLICATION_FULL_TABLE
            ),
            scope.relation(state.last_scope),
            covers_all=all(scope.covers(other) for other in state.scopes),
            volatile=state.is_upgraded,
        )

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
            self._session.logger.warning(
                "Stream %s has columns or expressions that it had not before: all "
                "%s candidates are emitted again%s.",
                name,
                f"{known:,}",
                f", which takes {known:,} requests" if name in FROM_DETAILS else "",
            )
        return rewritten

    def _engine(self, run: Run) -> tuple[Engine, Source, Rotation]:
        session, state, settings = self._session, self._state, self._settings
        is_told = CANDIDATES in self._selected and any(
            EXTRA in one.raw_schema["properties"]
            for one in self._streams[CANDIDATES].stream_maps
        )
        sweep = Sweep(
            session.client,
            session.workers,
            state.inventory.ids,
            page_size=settings.page_size,
            scope=settings.scope,
            filters=settings.candidate_filters,
            last=state.last_scope,
            is_mine=settings.part.has,
        )
        tags = TagLists(
            session.client,
            session.workers,
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
        source = Source(session.client, session.workers, sweep, tags)
        rotation = Rotation(state.turn, datetime.now(UTC), settings.reverify_days)
        observer = Observer(
            self._streams[CANDIDATES].treated,
            self._streams[DETAILS].treated,
            privacy=fingerprint(settings.pii, settings.pii_hash_key),
            compares_extra=is_told,
        )
        progress = Progress(session.logger)
        finder = Finder(
            source=source,
            inventory=state.inventory,
            run=run,
            rotation=rotation,
            observer=observer,
            progress=progress,
            report=session.warn_once,
        )
        engine = Engine(
            finder=finder,
            inventory=state.inventory,
            observer=observer,
            sink=self._sink,
            progress=progress,
            report=session.warn_once,
            stretch=session.stretch(),
        )
        return engine, source, rotation


def _make_stale(stream: str, candidate_id: str, known: Known) -> Known:  # noqa: ARG001
    return make_stale(known, stream)
