"""The candidates of one run: read, decided, emitted and committed, in three phases.

1. Candidates that the lists show: new, changed, or not current in a selected stream.
   They are announced before their details are read.
2. Known candidates that complete lists lack: archived, out of scope, or deleted.
3. Candidates that are due for re-verification, in order of their due time.

What phases 2 and 3 bring is kept until a STATE is due: such a portion is announced
exactly by one STATE, emitted, tombstones last, and closed by another. A phase begins
only if the ones before it were whole. `plan` decides; `fetch` requests; `checkpoint`
changes the inventory; `deletions` says which tombstones may be written.
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
    from collections.abc import Collection, Iterator

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
FEW_AHEAD = 20
"""Requests ahead in phases 2 and 3: what a quota may cost of the deletions at most."""
MOMENT = timedelta(milliseconds=1)  # before a candidate is due


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
        self._confirmed = confirmed
        self._reached = self._now  # by re-verification; what is open apart
        self._is_portion_open = False  # emitted, and not closed by a STATE yet

    def run(self) -> None:
        """Read, emit and commit everything.

        Raises:
            TapError: If the run is not complete. What could be read was emitted.
        """
        self._read_tags()
        self._reached = rotation.effective(self._state.reverified_until, self._now)
        self._state.reverified_until = self._reached
        phases = (self._read_listed, self._read_missing, self._reverify)
        try:
            self.is_finished = all(phase() for phase in phases)
        finally:
            self.counts.listed = self._lists.count
            self._state.distrusts_tags = self._tags.are_contradicted
            self._checkpoint.revert()
        deletions = self._deletions
        if deletions.proved and not deletions.failure:
            counts = deletions.count, deletions.unasked, deletions.known
            self._logger.warning(WITHHELD, *counts)
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
        return not any(self._open_decisions()) and not self._has_ended()

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
        missing = self.comparison.missing(confirmed=self._confirmed)
        deleted = (task.delete() for task in missing[Absence.TOMBSTONE])
        self._deletions.proved_before(deleted)
        tasks = missing[Absence.ASK] + self._left_scope(missing[Absence.ASK_IF_FEW])
        if plan.is_most(len(tasks), self._deletions.known):
            tasks = self._without_sample(tasks)
        self._ask_for(tasks)
        self._end_phase()
        return self._is_whole()

    def _without_sample(self, tasks: list[MissingTask]) -> list[MissingTask]:
        """Ask for a sample of the missing candidates; return those to ask for next."""
        self._deletions.suspect(len(tasks))
        sample = spread(tasks, plan.SAMPLE)
        alive = self._ask_for(sample)
        if alive == plan.SAMPLE and not self._lists.count:
            self._logger.warning(EMPTY_LIST, plan.SAMPLE, f"{len(tasks):,}")
            return []
        self._deletions.judge(alive)
        self._stop_if_most_are_deleted()
        chosen = frozenset(sample)
        return [task for task in tasks if task not in chosen]

    def _ask_for(self, tasks: list[MissingTask]) -> int:
        """Ask for missing candidates; return how many of them exist."""
        alive = 0
        for task, response in self._fetch.in_order([tasks], FEW_AHEAD):
            if response is UNREQUESTED:
                break
            alive += isinstance(response, dict)
            self._deletions.asked()
            self._take(task, response)
        return alive

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

    # 3. Re-verification

    def _reverify(self) -> bool:
        if not self._reverify_days:
            return True
        due = self._due()
        if due and self._is_portion_open:
            self._checkpoint.save()
        tasks = map(self.comparison.reverified, due)
        batches = iter(lambda: list(islice(tasks, CHUNK)), [])
        for task, response in self._fetch.in_order(batches, FEW_AHEAD):
            if response is UNREQUESTED:
                break
            self.counts.reverified += isinstance(response, dict)
            if isinstance(response, NotFoundError) and isinstance(task, DueTask):
                self.counts.without_details += 1
            self._take(task, response)
        if not self._has_ended():
            self._reached = self._now
        self._end_phase()
        return self._is_whole()

    def _due(self) -> list[DueCandidate]:
        """Return the candidates that are due, in order of their due time."""
        days = self._reverify_days
        # After a longer pause all are due, once: a killed run would begin again.
        since = max(self._reached, self._now - timedelta(days=days))
        due: list[DueCandidate] = []
        ids = iter(self._inventory.ids)
        while chunk := list(islice(ids, CHUNK)):
            if self._stop.is_due:
                return []
            due += self.comparison.due(chunk, since, self._now, days)
        return sorted(due)

    # What phases 2 and 3 bring

    def _take(self, task: DueTask | MissingTask, response: DetailsResponse) -> None:
        """Decide about a candidate, and keep what is to be emitted."""
        decision = task.decide(response)
        self._count(decision, response)
        if decision.change.is_deleted:
            self._deletions.add(decision)
        elif decision.plan.emit:
            self._kept.add(decision)
        else:
            self._checkpoint.commit(decision)
        if self._has_ended():  # some between were not read
            return
        if task.due is not None and _is_answer(response):
            self._reached = task.due
        self._prove_deletions()
        if self._is_portion_due() and not self._deletions.waiting:
            self._emit_portion()
            self._checkpoint.save()
            self._is_portion_open = False

    def _prove_deletions(self) -> None:
        """Prove the deletions that wait, once nothing is in flight.

        Until then, no further request is sent ahead: at most 20 answers come between
        the first that waits and its proof.
        """
        if self._deletions.waiting and not self._fetch.in_flight:
            self._deletions.prove()
            self._stop_if_most_are_deleted()
        self._fetch.holds_back = bool(self._deletions.waiting)

    def _stop_if_most_are_deleted(self) -> None:
        if self._deletions.failure is not None:
            self._stop.fail(self._deletions.failure)

    def _is_portion_due(self) -> bool:
        checkpoint, kept = self._checkpoint, self._kept
        return kept.is_full or checkpoint.is_due(kept.size) or checkpoint.is_late()

    def _end_phase(self) -> None:
        """Emit the last portion of a phase."""
        self._fetch.holds_back = False
        self._deletions.prove()
        self._stop_if_most_are_deleted()
        self._emit_portion()

    def _emit_portion(self) -> None:
        """Announce what is kept and what is proved by one STATE, and emit it."""
        for decision in self._deletions.release():
            self._kept.add(decision)
        self._is_portion_open |= bool(self._kept.decisions)
        self._note_reached()
        self._emit_kept()
        self._note_reached()

    def _note_reached(self) -> None:
        """Note how far re-verification has come: to before the first that is open.

        Should the run die before its records are out, the next run reads it again.
        """
        due = [decision.due for decision in self._open_decisions()]
        before = [time - MOMENT for time in due if time is not None]
        reached = min([self._reached, *before])
        last = self._state.reverified_until or reached
        self._state.reverified_until = max(reached, last)

    def _open_decisions(self) -> Iterator[Decision]:
        """Yield what is not emitted yet, and is to be."""
        deletions = self._deletions
        return chain(self._kept.decisions, deletions.proved, deletions.waiting)

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
            except Exception as error:
                self._checkpoint.leave(decision)  # some of its records may be out
                if not isinstance(error, SettingError):
                    raise
                self._stop.fail(error)  # of an expression of stream_maps
                return
            self.counts.deleted += is_deleted
            self.counts.created += not is_deleted and decision.known == NEW
            self.counts.updated += not is_deleted and decision.known != NEW
        self._checkpoint.commit(decision)

    def _count(self, decision: Decision, response: DetailsResponse) -> None:
        if _is_answer(response):
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
        dead = self._endpoint.failure or TapError(NO_DETAILS)
        for failure in (
            self._deletions.failure,
            self._failure_of_details(),
            self._lists.failure,
            dead if self._endpoint.is_dead else None,
            self._stop.failure,
        ):
            if failure is not None:
                raise failure
        if self._stop.is_due and not self.is_finished:
            return
        if not self._lists.are_complete:
            raise TapError(SHORT_LIST, is_transient=True)
        if self._tags.are_unknown:
            if HISTORY in self._terms.full_selection.selected:
                raise TapError(UNKNOWN_TAGS, is_transient=True)
            self._logger.warning(UNKNOWN_TAGS)

    def _failure_of_details(self) -> TapError | None:
        failures, is_dead = self._fetch.failures, self._endpoint.is_dead
        if not failures:
            return None
        if is_dead and all(isinstance(f, ForbiddenError) for f in failures):
            return UnauthorizedError(FORBIDDEN)
        failure = failures[0]
        # Malformed details are one candidate's, unless the API serves no others.
        failure.is_transient |= is_dead and type(failure) is UnavailableError
        return failure


def _is_answer(response: DetailsResponse) -> bool:
    """Return whether the API answered a request for details; a failure is none."""
    return isinstance(response, (dict, NotFoundError))


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
WITHHELD = (
    "%s candidates are not found, and %s others that the list lacks were not checked: "
    "together most of the %s known ones. No deletions of them were emitted. The next "
    "run checks again; if they were deleted, set confirm_mass_deletion to true for one "
    "run."
)
