"""One run of the tap: the proof of the workspace, lists, candidates, `sync_runs`.

It is a loop of our own on the public surface of the SDK's streams. The SDK's loop would
sync a child stream once per candidate, with SCHEMA, log lines and a STATE each time.
"""

from __future__ import annotations

import typing as t

from tap_toggl_hire.api.client import ONE_RETRY
from tap_toggl_hire.errors import (
    OutputError,
    SettingError,
    StateError,
    StoppedError,
    TapError,
)
from tap_toggl_hire.messages import output_of
from tap_toggl_hire.progress import Progress
from tap_toggl_hire.records import EXTRA
from tap_toggl_hire.reemission import make_changed_streams_stale
from tap_toggl_hire.sink import CandidateSink, SingerState
from tap_toggl_hire.streams import (
    WITHOUT_ID,
    CandidateDetails,
    Candidates,
    CandidateStream,
    ListStream,
    SyncRuns,
)
from tap_toggl_hire.summary import Summary
from tap_toggl_hire.sync.candidates import CandidateRun
from tap_toggl_hire.sync.lists import ScopeLists, Source
from tap_toggl_hire.sync.observer import Observer
from tap_toggl_hire.sync.plan import CANDIDATES, HISTORY, UPSERTED, Selection
from tap_toggl_hire.sync.proofs import workspace_is_proved
from tap_toggl_hire.sync.tags import TagLists

if t.TYPE_CHECKING:
    from tap_toggl_hire.messages import MessageWriter, Output
    from tap_toggl_hire.records import Record
    from tap_toggl_hire.session import SessionTap
    from tap_toggl_hire.sync.state import State


class Run:
    """Runs the tap once."""

    def __init__(self, tap: SessionTap, state: State, writer: MessageWriter) -> None:
        """Prepare a run.

        Args:
            tap: Its streams, settings and state.
            state: What the state of the last run says; kept up to date.
            writer: Writes messages to stdout.
        """
        session = tap.session
        self._tap = tap
        self._session = session
        self._settings = session.settings
        self._state = state
        self._outputs = {
            name: output
            for name, stream in tap.streams.items()
            if (output := output_of(tap, stream)).is_selected
        }
        selected = [tap.streams[name] for name in self._outputs]
        self._list_streams = [s for s in selected if isinstance(s, ListStream)]
        of_candidates = [s for s in selected if isinstance(s, CandidateStream)]
        self._of_candidates = {
            stream: self._outputs[stream.name]
            for stream in sorted(of_candidates, key=CandidateStream.place)
        }
        # The SDK's type of a state has no key but `bookmarks`.
        value = t.cast("dict[str, t.Any]", tap.state)
        self._singer_state = SingerState(value, state, writer)
        for name in (HISTORY, SyncRuns.name):
            session.clock.follow(self._singer_state.value(name))
        self._sink = CandidateSink(self._of_candidates, self._singer_state, writer)
        self._source = Source(session.client, session.workers)
        self._progress = Progress(session.logger, session.machine)
        self._summary = Summary(session, tap.plugin_version)
        # The key belongs to the workspace of the state; without known candidates, there
        # is nothing to prove.
        self._is_proved = not state.inventory.has_living
        self._has_begun = False  # the first page of candidates was read, too

    def run(self) -> None:
        """Read and emit everything that is selected.

        Raises:
            TapError: If something could not be read. The state has what was emitted.
        """
        self._check_selection()
        failure: Exception | None = None
        try:
            self._read()
        except Exception as error:
            failure = error
            raise
        finally:
            self._session.workers.close()
            if self._may_write_end(failure):
                self._end(failure)

    def _check_selection(self) -> None:
        if not self._outputs:
            raise TapError(NOTHING_SELECTED)
        is_limited = self._settings.time_limit_minutes is not None
        for stream, output in self._of_candidates.items():
            if is_limited and output.is_full_table:
                raise SettingError(LIMITED_FULL_TABLE.format(stream.name))

    def _read(self) -> None:
        if not self._state.inventory.has_living:
            self._source.client.search = ONE_RETRY
        try:
            self._request_lists()
            lists = self._request_candidates()
            self._prove_workspace(lists)
            for stream in self._list_streams:
                self._read_list(stream)
            if lists is not None:
                self._read_candidates(lists)
        except StoppedError as stopped:
            if stopped.signum is not None or not self._has_begun:
                raise
            self._note_stop()

    def _note_stop(self) -> None:
        """Note that the time limit stopped the run."""
        self._summary.was_stopped = True
        minutes, total = self._settings.time_limit_minutes, self._progress.total
        done = ""
        if total is not None:
            so_far = min(self._progress.done, total)
            done = f" with {so_far:,} of {total:,} candidates done"
        self._session.logger.warning(STOPPED, f"{minutes:g}", done)

    # The workspace

    def _prove_workspace(self, lists: ScopeLists | None) -> None:
        """Raise StateError if the key seems to belong to another workspace."""
        first_ids = [] if lists is None else lists.first_ids()
        inventory = self._state.inventory
        if self._settings.confirm_mass_deletion:
            self._session.logger.warning(CONFIRMED)
        elif not workspace_is_proved(self._source, inventory, first_ids):
            raise StateError(UNPROVED)
        self._is_proved = self._has_begun = True

    # The lists

    def _request_lists(self) -> None:
        """Request the lists, without waiting for them.

        The openings in the settings are read first, once for all streams that need
        them. One that does not exist fails the run: its list of candidates would be
        empty.
        """
        ids = self._settings.job_opening_ids or ()
        workers, read = self._session.workers, self._session.client.opening
        if self._of_candidates or any(
            stream.is_of_openings for stream in self._list_streams
        ):
            for opening in [workers.submit(read, opening_id) for opening_id in ids]:
                workers.result(opening)
        for stream in self._list_streams:
            stream.ask()

    def _read_list(self, stream: ListStream) -> None:
        output = self._outputs[stream.name]
        if self._settings.emit_activate_version_messages and not stream.is_narrowed:
            output.version = self._tap.initialized_at
        output.write_schema()
        for record in stream.get_records(None):
            output.write(record)
        output.flush()
        # An empty list is more likely a fault than the deletion of everything.
        if output.version is not None and output.count:
            output.activate(output.version)

    # The candidates

    def _request_candidates(self) -> ScopeLists | None:
        """Request the first page of each list, if candidates are selected."""
        if not self._of_candidates:
            return None
        settings, ids = self._settings, self._state.inventory.ids
        lists = ScopeLists(self._source, settings.scope, settings.page_size, ids)
        lists.ask()
        return lists

    def _read_candidates(self, lists: ScopeLists) -> None:
        """Find the changes of candidates, and emit them."""
        settings, state, session = self._settings, self._state, self._session
        versioned = self._versioned()
        for output in versioned:
            output.version = self._tap.initialized_at
        for output in self._of_candidates.values():
            output.write_schema()
        make_changed_streams_stale(
            self._of_candidates, self._tap.config, settings, state, session.logger
        )
        tags = TagLists(
            self._source,
            settings.scope.shared,
            settings.page_size,
            state.inventory.ids,
            are_dropped=settings.drops_tags,
        )
        candidate_run = CandidateRun(
            source=self._source,
            state=state,
            scope=settings.scope,
            lists=lists,
            tags=tags,
            observer=self._observer(),
            selection=self._selection(),
            sink=self._sink,
            progress=self._progress,
            logger=session.logger,
            clock=session.clock,
            reverify_days=settings.reverify_days,
            confirmed=settings.confirm_mass_deletion,
        )
        self._summary.counts = candidate_run.counts
        try:
            candidate_run.run()
        finally:
            self._warn(candidate_run.comparison.without_id, lists, tags)
        if lists.count and not lists.are_accepted:
            for output in versioned:
                output.activate(self._tap.initialized_at)

    def _selection(self) -> Selection:
        """Return what the run selects."""
        outputs, scope = self._of_candidates, self._settings.scope
        full = {s.name for s, output in outputs.items() if output.is_full_table}
        return Selection(
            selected=frozenset(stream.name for stream in outputs),
            full_table=UPSERTED & full,
            narrowed=scope.is_narrowed,
            same_scope=self._state.scope == scope.key,
        )

    def _observer(self) -> Observer:
        streams = self._tap.streams.values()
        (candidates,) = (s for s in streams if isinstance(s, Candidates))
        (details,) = (s for s in streams if isinstance(s, CandidateDetails))
        emits_extra = candidates in self._of_candidates and any(
            EXTRA in stream_map.raw_schema["properties"]
            for stream_map in candidates.stream_maps
        )
        return Observer(candidates.redacted, details.redacted, emits_extra)

    def _versioned(self) -> list[Output]:
        """Return the outputs whose rows of other versions are gone after this run.

        Only a run that began without a state emits every candidate, and so every row.
        """
        settings, state = self._settings, self._state
        outputs = [o for s, o in self._of_candidates.items() if s.name in UPSERTED]
        is_versioned = (
            settings.emit_activate_version_messages
            and not settings.scope.is_narrowed
            and not len(state.inventory)
            and not state.scope
        )
        return outputs if is_versioned else []

    def _warn(self, without_id: int, lists: ScopeLists, tags: TagLists) -> None:
        """Log what was unusual about the candidates but is no failure."""
        logger = self._session.logger
        without_details = self._summary.counts.without_details
        if without_id:
            logger.warning(WITHOUT_ID, without_id, CANDIDATES)
        if lists.are_accepted or tags.are_accepted:
            logger.warning(ACCEPTED)
        if without_details:
            logger.warning(WITHOUT_DETAILS, f"{without_details:,}")

    # The end

    def _may_write_end(self, failure: Exception | None) -> bool:
        """Return whether the run may write its own record and the last STATE."""
        is_early = isinstance(failure, StoppedError) and not self._has_begun
        return self._is_proved and not is_early and not isinstance(failure, OutputError)

    def _end(self, failure: Exception | None) -> None:
        """Write the record of the run and the last STATE; log what was done."""
        self._session.fields.log_missing()
        record = self._summary.record(failure, self._outputs, self._state.inventory)
        try:
            self._write_record(record)
        except Exception as error:
            if not isinstance(error, OutputError):
                self._sink.save()
            raise
        self._sink.save()
        self._summary.log(failure, self._outputs, record)

    def _write_record(self, record: Record) -> None:
        output = self._outputs.get(SyncRuns.name)
        if output is None:
            return
        output.write_schema()
        output.write(record)
        output.flush()
        key = SyncRuns.replication_key
        self._singer_state.bookmark(SyncRuns.name, key, record)


NOTHING_SELECTED = (
    "The catalog selects no stream of this tap: select at least one (meltano select "
    "tap-toggl-hire --list --all shows them)."
)
LIMITED_FULL_TABLE = (
    "Setting time_limit_minutes cannot be combined with the replication method "
    "FULL_TABLE of stream {}, which starts over in every run: unset one of them."
)
STOPPED = "Reached time_limit_minutes (%s)%s. The next run continues from there."
UNPROVED = (
    "None of the known candidates that were checked exists in this workspace. Either "
    "the API key belongs to another workspace than the state, or all of these "
    "candidates were deleted. Nothing was extracted. Check api_key; if they were "
    "deleted, set confirm_mass_deletion to true for one run."
)
CONFIRMED = (
    "Setting confirm_mass_deletion is true: the protection against the API key of "
    "another workspace, and the limit on deletions, are off. Remove it after this run."
)
WITHOUT_DETAILS = (
    "The details of %s listed candidates were not found. Their list rows are emitted; "
    "every run requests their details again until it finds them."
)
ACCEPTED = (
    "The API reports more candidates than it lists. A second read with another page "
    "size found the same candidates, so the list is treated as complete."
)
