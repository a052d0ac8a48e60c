"""The candidates of one run: read, decided, emitted and committed, in three phases.

1. Candidates that the lists show: new, changed, or not current in a selected stream.
   They are announced before their details are read.
2. Known candidates that complete lists lack: archived, out of scope, or deleted.
3. Candidates that are due for re-verification, in order of their due time.

What phases 2 and 3 bring is kept until the end of the phase, announced exactly by one
STATE, and emitted, tombstones last. A phase begins only if the ones before it were
whole. `plan` decides; `fetch` requests; `checkpoint` changes the inventory.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain, islice

from tap_toggl_hire.errors import (
    ForbiddenError,
    NotFoundError,
    RateLimitError,
    SettingError,
    TapError,
    UnauthorizedError,
    UnavailableError,
)
from tap_toggl_hire.sync import plan, rotation
from tap_toggl_hire.sync.checkpoint import Checkpoint
from tap_toggl_hire.sync.comparison import Comparison
from tap_toggl_hire.sync.deletions import Deletions
from tap_toggl_hire.sync.fetch import UNREQUESTED, Fetch
from tap_toggl_hire.sync.kept import Kept
from tap_toggl_hire.sync.plan import HISTORY, NEW, Absence, Presence
from tap_toggl_hire.sync.proofs import Endpoint, spread, tags_are_right
from tap_toggl_hire.sync.tasks import DueTask, Terms

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from tap_toggl_hire.clock import Clock
    from tap_toggl_hire.progress import Progress
    from tap_toggl_hire.sink import CandidateSink
    from tap_toggl_hire.sync.comparison import DueCandidate
    from tap_toggl_hire.sync.lists import ScopeLists, Source
    from tap_toggl_hire.sync.observer import Observer
    from tap_toggl_hire.sync.plan import Selection
    from tap_toggl_hire.sync.scope import Scope
    from tap_toggl_hire.sync.state import State
    from tap_toggl_hire.sync.tags import TagLists
    from tap_toggl_hire.sync.tasks import (
        Decision,
        DetailsResponse,
        ListedTask,
        MissingTask,
    )

CHUNK = 1_000  # candidates that are looked at between two looks at the stop


@dataclass
class RunCounts:
    """What a run did with candidates, for the log and for `sync_runs`."""

    listed: int = 0
    created: int = 0
    updated: int = 0
    deleted: int = 0
    reverified: int = 0
    without_details: int = 0
    details_read: int = 0


class CandidateRun:
    """Reads and emits the candidates of a scope once."""

    def __init__(  # noqa: PLR0913 - what a run over candidates consists of
        self,
        *,
        source: Source,
        state: State,
        scope: Scope,
        lists: ScopeLists,
        tags: TagLists,
        observer: Observer,
        selection: Selection,
        sink: CandidateSink,
        progress: Progress,
        logger: logging.Logger,
        clock: Clock,
        reverify_days: int,
        confirmed: bool,
    ) -> None:
        """Prepare a run.

        Args:
            source: The API, and the workers.
            state: What is known; kept up to date.
            scope: The candidates that the settings select.
            lists: The lists of these candidates.
            tags: The lists of their tags.
            observer: Turns what the API sends into records and digests.
            selection: What the run selects.
            sink: Takes what is emitted.
            progress: Logs how far the run is.
            logger: For warnings.
            clock: The API's clock.
            reverify_days: The period of re-verification; 0 for none.
            confirmed: Whether any number of candidates may be deleted.
        """
        self.counts = RunCounts()
        self.is_finished = False  # no phase was skipped or cut short
        self.comparison = Comparison(state.inventory, Terms(observer, tags, selection))
        self._source = source
        self._state = state
        self._scope = scope
        self._lists = lists
        self._tags = tags
        self._terms = self.comparison.terms
        self._sink = sink
        self._progress = progress
        self._logger = logger
        self._now = clock.now()
        self._reverify_days = reverify_days
        self._stop = source.workers.stop
        self._inventory = state.inventory
        self._checkpoint = Checkpoint(self._inventory, sink, clock.machine)
        self._endpoint = Endpoint(source, self._inventory)
        self._fetch = Fetch(
            source, self._inventory.ids, self._checkpoint, self._endpoint
        )
        self._kept = Kept()
        known = len(self._inventory.living())
        self._deletions = Deletions(self._endpoint, known, confirmed=confirmed)

    def run(self) -> None:
        """Read, emit and commit everything.

        Raises:
            TapError: If the run is not complete. What could be read was emitted.
        """
        self._read_tags()
        reached = self._state.reverified_until
        self._state.reverified_until = rotation.effective(reached, self._now)
        phases = (self._read_listed, self._read_missing, self._reverify)
        try:
            self.is_finished = all(phase() for phase in phases)
        finally:
            self.counts.listed = self._lists.count
            self._state.distrusts_tags = self._tags.are_contradicted
            self._checkpoint.revert()
        try:
            self._raise_first_failure()
        except TapError as error:
            quota = self._stop.failure
            if isinstance(quota, RateLimitError) and quota is not error:
                self._logger.warning(str(quota))
            raise
        if self._stop.is_due and not self.is_finished:
            raise self._stop.error()
        self._state.scope = self._scope.key

    def _is_whole(self) -> bool:
        """Return whether everything was read so far, and what was kept is emitted."""
        is_kept = bool(self._kept.decisions or self._deletions.waiting)
        return not is_kept and not self._has_ended()

    def _has_ended(self) -> bool:
        """Return whether no further details are read in this run."""
        return self._fetch.has_ended_early or self._endpoint.is_dead

    # Before: which candidate has which tag

    def _read_tags(self) -> None:
        """Read the lists of tags, and pages of candidates meanwhile."""
        # The lists of tags are not narrowed to openings.
        is_of_openings = self._scope.job_opening_ids is not None
        total = None if is_of_openings else self._lists.total
        for _ in self._tags.read(self._state.tags, total):
            self._stop.check()
            self._lists.read_ahead()
            self._progress.tick()
        self._state.tags = self._tags.known
        # Where the API ignores the filter, the lists would cost a request for every
        # candidate, in every run.
        if self._state.distrusts_tags and not tags_are_right(self._source, self._terms):
            self._tags.distrust()

    # 1. Candidates that the lists show

    def _read_listed(self) -> bool:
        for task, response in self._fetch.in_order(self._pages()):
            decision = task.decide(response)
            self._count(decision, response)
            if isinstance(response, NotFoundError):
                self.counts.without_details += 1
            covered = self._checkpoint.covers(decision)
            is_first = not (covered or self._checkpoint.has_announced(decision.id))
            if covered:
                self._emit(decision)
            else:  # it needs more than was announced
                self._kept.add(decision)
            if is_first or self._is_state_due():
                self._emit_kept(self._fetch.ahead)
        self._emit_kept()
        return self._lists.are_complete and self._is_whole()

    def _is_state_due(self) -> bool:
        """Return whether a STATE is to announce what is kept, and what is ahead."""
        is_due = self._checkpoint.is_due(self._kept.size)
        return self._kept.is_full or (is_due and bool(self._fetch.ahead))

    def _pages(self) -> Iterator[list[ListedTask]]:
        for rows in self._lists.pages():
            tasks = self.comparison.listed(rows)
            self._progress.total = self._lists.total
            self._progress.done += len(rows) - len(tasks)
            self._progress.tick()
            yield tasks

    # 2. Candidates that the lists lack

    def _read_missing(self) -> bool:
        missing = self.comparison.missing()
        tasks = missing[Absence.ASK] + self._left_scope(missing[Absence.ASK_IF_FEW])
        unanswered = len(tasks)
        sampled: list[tuple[MissingTask, DetailsResponse]] = []
        if plan.is_most(len(tasks), self._deletions.known):
            sample = spread(tasks, plan.SAMPLE)
            sampled = list(self._fetch.in_order([sample]))
            if self._is_empty_by_mistake(sampled, len(tasks)):
                return False
            tasks = [task for task in tasks if task not in sample]
        for task, response in chain(sampled, self._fetch.in_order([tasks])):
            if response is UNREQUESTED:
                break
            self._keep(task, response)
            unanswered -= 1
        proved_before = [task.delete() for task in missing[Absence.TOMBSTONE]]
        self._end_phase(unanswered, proved_before)
        return self._is_whole()

    def _left_scope(self, tasks: list[MissingTask]) -> list[MissingTask]:
        """Return candidates that left a narrower scope, if they are few enough to ask.

        Else it is noted that they left.
        """
        if len(tasks) <= plan.FEW_LEFT:
            return tasks
        self._logger.info(LEFT_SCOPE, f"{len(tasks):,}")
        for task in tasks:
            left = replace(task.known, presence=Presence.OUT_OF_SCOPE)
            self._inventory[task.id] = left
        return []

    def _is_empty_by_mistake(
        self, sampled: list[tuple[MissingTask, DetailsResponse]], missing: int
    ) -> bool:
        """Return whether the list is empty, but its candidates exist."""
        are_alive = all(isinstance(response, dict) for _, response in sampled)
        if not are_alive or self._lists.count or len(sampled) < plan.SAMPLE:
            return False
        self._logger.warning(EMPTY_LIST, plan.SAMPLE, f"{missing:,}")
        return True

    # 3. Re-verification

    def _reverify(self) -> bool:
        if not self._reverify_days:
            return True
        tasks = map(self.comparison.reverified, self._due())
        batches = iter(lambda: list(islice(tasks, CHUNK)), [])
        reached = self._state.reverified_until or self._now
        for task, response in self._fetch.in_order(batches):
            if response is UNREQUESTED:
                break
            self.counts.reverified += isinstance(response, dict)
            if isinstance(response, NotFoundError) and isinstance(task, DueTask):
                self.counts.without_details += 1
            self._keep(task, response)
            if not self._has_ended():  # else, those between were not read
                reached = task.due or reached
            self._note_reached(reached)
            if self._checkpoint.is_due(kept=0):
                self._checkpoint.save()
        self._end_phase(unanswered=0)
        if not self._has_ended():
            reached = self._now
        self._note_reached(reached)
        return self._is_whole()

    def _note_reached(self, reached: datetime) -> None:
        """Note how far re-verification has come, unless something of it waits.

        Should the run die before its records are out, the next run reads it again.
        """
        if not self._kept.decisions and not self._deletions.waiting:
            last = self._state.reverified_until or reached
            self._state.reverified_until = max(reached, last)

    def _due(self) -> list[DueCandidate]:
        """Return the candidates that are due, in order of their due time."""
        reached = self._state.reverified_until or self._now
        days = self._reverify_days
        # After a longer pause all are due, once: a killed run would begin again.
        since = max(reached, self._now - timedelta(days=days))
        due: list[DueCandidate] = []
        ids = iter(self._inventory.ids)
        while chunk := list(islice(ids, CHUNK)):
            if self._stop.is_due:
                return []
            due += self.comparison.due(chunk, since, self._now, days)
        return sorted(due)

    # What phases 2 and 3 bring

    def _keep(self, task: DueTask | MissingTask, response: DetailsResponse) -> None:
        """Decide about a candidate, and keep what is to be emitted."""
        decision = task.decide(response)
        self._count(decision, response)
        if decision.change.is_deleted:
            self._deletions.add(decision)
        elif decision.plan.emit:
            self._kept.add(decision)
        else:
            self._checkpoint.commit(decision)
        if self._kept.is_full:
            self._emit_kept()

    def _end_phase(
        self, unanswered: int, proved_before: Sequence[Decision] = ()
    ) -> None:
        """Emit what a phase brought: changes first, tombstones last.

        Args:
            unanswered: Missing candidates that the phase did not come to ask for.
            proved_before: Deletions that an earlier run has proved.

        Raises:
            TapError: If there are too many deletions: none of them is emitted.
        """
        try:
            self._deletions.check()
            for decision in (*proved_before, *self._deletions.release(unanswered)):
                self._kept.add(decision)
        finally:
            self._emit_kept()

    def _emit_kept(self, ahead: Collection[ListedTask] = ()) -> None:
        """Announce what is kept, and what is ahead, by one STATE; emit what is kept."""
        kept = self._kept.decisions
        if ahead or any(decision.plan.emit for decision in kept):
            self._checkpoint.announce(kept, ahead)
        # If a signal leaves no time for all, the next run reads the rest again.
        while kept and not self._stop.is_urgent:
            self._emit(self._kept.take())

    # What all phases share

    def _emit(self, decision: Decision) -> None:
        """Write the records of a candidate, and commit them."""
        emit, is_deleted = decision.plan.emit, decision.change.is_deleted
        if emit:
            try:
                self._sink.emit(decision.change, emit)
            except SettingError as error:  # of an expression of stream_maps
                self._checkpoint.leave(decision)
                self._stop.fail(error)
                return
            self.counts.deleted += is_deleted
            self.counts.created += not is_deleted and decision.known == NEW
            self.counts.updated += not is_deleted and decision.known != NEW
        self._checkpoint.commit(decision)

    def _count(self, decision: Decision, response: DetailsResponse) -> None:
        if isinstance(response, (dict, NotFoundError)):
            is_unchanged = decision.change.is_deleted or not decision.plan.emit
            self._checkpoint.answered(is_unchanged=is_unchanged)
        self.counts.details_read += isinstance(response, dict)
        self._progress.done += 1
        self._progress.tick()

    # The end

    def _raise_first_failure(self) -> None:
        """Raise the first reason that the run is not complete, if there is one.

        A stop is not a failure.
        """
        failures, is_dead = self._fetch.failures, self._endpoint.is_dead
        if (
            failures
            and is_dead
            and all(isinstance(f, ForbiddenError) for f in failures)
        ):
            raise UnauthorizedError(FORBIDDEN)
        if failures:
            failure = failures[0]
            # Malformed details are one candidate's, unless the API serves no others.
            failure.is_transient |= is_dead and type(failure) is UnavailableError
            raise failure
        if self._lists.failure is not None:
            raise self._lists.failure
        if is_dead:
            raise self._endpoint.failure or TapError(NO_DETAILS)
        if self._stop.failure is not None:
            raise self._stop.failure
        if self._stop.is_due and not self.is_finished:
            return
        if not self._lists.are_complete:
            raise TapError(SHORT_LIST, is_transient=True)
        if self._tags.are_unknown:
            if HISTORY in self._terms.full_selection.selected:
                raise TapError(UNKNOWN_TAGS, is_transient=True)
            self._logger.warning(UNKNOWN_TAGS)


SHORT_LIST = (
    "The list of candidates has fewer rows than its total, and two reads disagree. "
    "Everything that was listed is emitted; no deletions are. Run again later."
)
UNKNOWN_TAGS = (
    "The tags of candidates are unknown in this run: a list of a tag was not read to "
    "its end, or the details of most candidates contradict the lists of tags. "
    "Everything else is emitted; no rows were emitted for candidate_history. Run again "
    "later, or deselect candidate_history if this happens in every run."
)
NO_DETAILS = (
    "GET /candidates/{id} does not work: none of the candidates that should exist is "
    "found. List rows are emitted; no deletions are. Check api_version, and run again."
)
FORBIDDEN = (
    "The API rejects the key for every candidate (HTTP 403): check api_key, and the "
    "rights of the user who made it."
)
EMPTY_LIST = (
    "The list of candidates is empty, but %s of %s missing candidates were checked and "
    "exist. No deletions were emitted."
)
LEFT_SCOPE = (
    "%s candidates no longer match the filters; their details were not requested. "
    "Deletions among them are found by re-verification, or by the next run without "
    "narrowing."
)
