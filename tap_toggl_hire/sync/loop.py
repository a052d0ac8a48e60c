"""One run over the candidates: announce, fetch, plan, emit, commit.

1. Candidates that the lists show: new, changed, or not current in a selected stream.
2. Known candidates that complete lists lack: they are asked for.
3. Candidates that are due to be re-verified.
4. Tombstones, once every candidate was asked for and the limit on deletions is checked.

The loop carries out what `plan` decides, and is the only place that changes the
inventory. A STATE announces the candidates that may be emitted next, before the first
of them is emitted; the next STATE commits what was emitted by then.
"""

from __future__ import annotations

import time
import typing as t
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import islice

from tap_toggl_hire.errors import (
    ForbiddenError,
    NotFoundError,
    RequestError,
    TapError,
    UnauthorizedError,
    UnavailableError,
)
from tap_toggl_hire.sync import plan
from tap_toggl_hire.sync.changes import Change, Task, answers_of, tags_of
from tap_toggl_hire.sync.plan import ANSWERS, FROM_DETAILS, HISTORY, NEW, Plan, Streams

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future
    from datetime import datetime

    from tap_toggl_hire.progress import Progress
    from tap_toggl_hire.records import Record
    from tap_toggl_hire.sync.changes import Changes, Json
    from tap_toggl_hire.sync.lists import ScopeLists, Source
    from tap_toggl_hire.sync.state import State

ANNOUNCED = 10_000  # candidates that a STATE announces, at least
AHEAD = 256
"""Requests for details that are sent ahead of the candidate in turn, at least."""
SECONDS, FETCHED = 30.0, 1_000
"""Seconds of work, or candidates with details, after which a STATE is due."""
SHARE = 10  # a STATE waits for records of so many times its own size
UNCHANGED = 1_000
"""Bytes of records that details stand for which were read and differ in nothing: else a
re-verification that is killed would begin again."""
MARGIN = 1.25  # spare candidates in an announcement, as records differ in size
MOST_FAILURES = 8
"""Failures in a row, with no candidate served in between, that end a run early."""

SHORT_LIST = (
    "The list of candidates is shorter than its total, differently in two readings. "
    "Everything that was listed is extracted, and no deletions were emitted. Run again "
    "later."
)
UNKNOWN_TAGS = (
    "The tags of candidates are unknown in this run: details name a tag that /tags "
    "lacks, or the list of a tag is short. Everything else is extracted; "
    "candidate_history got no rows. Run again later."
)
MASS_DELETION = (
    "{gone:,} of {known:,} known candidates are not found. This looks like a mistake, "
    "such as the API key of another workspace. No deletions were emitted. If they were "
    "deleted, set confirm_mass_deletion to true for one run."
)
NO_DETAILS = (
    "The details of {missing:,} of {asked:,} candidates were not found, although the "
    "list shows them: GET /candidates/{{id}} seems to be gone in this version of the "
    "API. Their list rows are extracted. Check api_version."
)
FORBIDDEN = (
    "The API rejects the key for every candidate (HTTP 403): check api_key, and the "
    "rights of the user who made it."
)
EMPTY_LIST = (
    "The list of candidates is empty, but the %s of %s missing candidates that were "
    "asked for still exist. No deletions were emitted."
)
LEFT_SELECTION = (
    "%s candidates left the selection of the settings and were not asked for. "
    "Deletions among them are found by re-verification, or by the next run without "
    "narrowing."
)


class Sink(t.Protocol):
    """Takes what the loop decides to emit."""

    @property
    def written(self) -> int:
        """Bytes of records so far."""

    def emit(self, change: Change, streams: Streams) -> None:
        """Write the records of a candidate."""

    def save(self) -> int:
        """Write a STATE; return its size in bytes."""


@dataclass
class Counts:
    """What a run did, for the log and for `sync_runs`."""

    listed: int = 0
    created: int = 0
    updated: int = 0
    deleted: int = 0
    reverified: int = 0
    without_details: int = 0
    details_read: int = 0


class Checkpoint:
    """When a STATE is due, and how many candidates it announces."""

    def __init__(self, sink: Sink, clock: Callable[[], float] = time.monotonic) -> None:
        self._sink = sink
        self._clock = clock
        self._emitted = 0
        self._at_first = sink.written
        self.begin(0)

    def begin(self, state_size: int) -> None:
        """Begin the interval after a STATE of so many bytes."""
        self._state_size = state_size
        self._bytes = self._sink.written
        self._fetched = 0
        self._unchanged = 0
        self._begun = self._clock()

    def add(self, *, emitted: bool, fetched: bool) -> None:
        """Count a candidate, emitted or not, whose details may have been read."""
        self._emitted += emitted
        self._fetched += fetched
        self._unchanged += fetched and not emitted

    def is_due(self) -> bool:
        """Return whether a STATE is due."""
        has_worked = self._fetched >= FETCHED or self._clock() - self._begun >= SECONDS
        written = self._sink.written - self._bytes + UNCHANGED * self._unchanged
        return has_worked and written >= SHARE * self._state_size

    @property
    def announced(self) -> int:
        """The number of candidates that last until the next STATE may be due."""
        average = (self._sink.written - self._at_first) / max(self._emitted, 1)
        needed = MARGIN * SHARE * self._state_size / average if average else 0
        return max(ANNOUNCED, round(needed))


@dataclass(kw_only=True)
class Loop:
    """Runs once over the candidates of a scope."""

    source: Source  # the API, and the workers
    state: State  # what is known; kept up to date
    lists: ScopeLists  # the lists of candidates
    changes: Changes  # compares what the API shows with the inventory
    sink: Sink  # takes what is emitted
    progress: Progress  # logs how far the run is
    logger: logging.Logger  # for warnings
    now: datetime  # the time of the run, on the API's clock
    reverify_days: int  # the period of re-verification; 0 for none
    confirmed: bool  # whether any number of candidates may be deleted
    counts: Counts = field(default_factory=Counts)  # what the run did
    needed_confirmation: bool = False  # whether `confirmed` made a difference

    def __post_init__(self) -> None:
        self._inventory = self.state.inventory
        self._run = self.changes.run
        self._tags = self.changes.tags
        self._observer = self.changes.observer
        self._checkpoint = Checkpoint(self.sink)
        self._queue: deque[Task] = deque()
        self._unsent: deque[Task] = deque()
        self._early: dict[str, Future[Json]] = {}
        self._in_flight = 0
        self._gone: list[Task] = []
        self._failures: list[RequestError] = []
        self._failures_in_a_row = 0
        self._is_ending = False
        self._turn_ends = False  # every candidate that was due was asked for
        self._asked_of_listed = 0
        self._most_answers = self._inventory.most_answers
        self._known = len(self._inventory.ids())  # before this run adds new ones

    def run(self) -> None:
        """Read, emit and commit everything.

        Raises:
            TapError: If the run is not complete. What could be read was emitted.
        """
        try:
            self._look_at_suspect()
            self._work(self._listed())
            is_known = self.lists.is_complete and not self._is_ending
            missing = self._missing() if is_known else None
            if missing is not None:
                self._work([missing])
                self._reverify()
                self._delete()
        finally:
            self.counts.listed = self.lists.count
            self._revert()
        self._fail_if_incomplete()

    # The phases

    def _look_at_suspect(self) -> None:
        """Look at one tagged candidate, where `/tags` has fewer tags than before.

        Else a response of `/tags` that lacks tags would cost a request per candidate
        that has one of them.
        """
        task = self.changes.suspect() if len(self._tags) < self.state.tags else None
        if task is None:
            return
        self._early[task.id] = self._send(task)
        try:
            body = self.source.wait(self._early[task.id])
        except RequestError:
            return  # dealt with if it turns out to be due
        self._tags.learn(tags_of(self._observer.details(body)) or ())

    def _listed(self) -> Iterator[list[Task]]:
        for rows in self.lists.pages():
            self.progress.total = self.lists.total
            tasks = self.changes.of_page(rows)
            self.progress.done += len(rows) - len(tasks)
            yield tasks

    def _missing(self) -> list[Task] | None:
        """Return the missing candidates to ask for; None if the list is a mistake."""
        missing = self.changes.missing()
        self._gone = missing[plan.Absence.TOMBSTONE]  # proved by an earlier run
        few, tasks = missing[plan.Absence.ASK_IF_FEW], missing[plan.Absence.ASK]
        if len(few) <= plan.FEW_LEFT:
            tasks = tasks + few
        else:
            self.logger.info(LEFT_SELECTION, f"{len(few):,}")
            for task in few:
                left = replace(task.known, presence=plan.Presence.OUT_OF_SCOPE)
                self._inventory[task.id] = left
        is_most = plan.is_most(len(tasks), self._known)
        return None if is_most and self._is_empty_by_mistake(tasks) else tasks

    def _is_empty_by_mistake(self, tasks: list[Task]) -> bool:
        """Return whether the list is empty, but its candidates exist.

        Some of them are asked for, spread over the inventory.
        """
        step = len(tasks) / plan.SAMPLE
        sample = [tasks[int(step * number)] for number in range(plan.SAMPLE)]
        for task in sample:
            self._send(task)
        for task in sample:
            if isinstance(self._response(task), RequestError):
                return False
        if self.lists.count:
            return False
        self.logger.warning(EMPTY_LIST, plan.SAMPLE, f"{len(tasks):,}")
        return True

    def _reverify(self) -> None:
        """Re-fetch the candidates that are due."""
        # Else no run that selects details would re-verify these candidates.
        is_fit = self._run.selected & FROM_DETAILS or not self._inventory.has_details
        if self.reverify_days and is_fit and not self._is_ending:
            reached = self.state.reverified_until or self.now
            # After a longer pause all are due, once: a killed run would begin again.
            since = max(reached, self.now - timedelta(days=self.reverify_days))
            self._work(self.changes.due(since, self.now, self.reverify_days))
            self._turn_ends = not self._is_ending

    def _delete(self) -> None:
        """Emit the tombstones; raise TapError if there are too many of them."""
        if self._is_ending:
            return
        before = [task.known.presence for task in self._gone]
        proved = len(before) - before.count(plan.Presence.DELETED)
        if plan.is_most(proved, self._known):
            if not self.confirmed:
                raise TapError(MASS_DELETION.format(gone=proved, known=self._known))
            self.needed_confirmation = True
        plans = [(task, plan.plan_gone(task.known, self._run)) for task in self._gone]
        self._gone = []
        if any(decided.emit for _, decided in plans):
            for task, decided in plans:
                self._inventory[task.id] = plan.intent(task.known, decided.emit, 0)
            self._checkpoint.begin(self.sink.save())
        for task, decided in plans:
            self._emit(task, decided, Change(task.id, is_deleted=True))
            self.counts.deleted += bool(decided.emit)
        if self._turn_ends:
            self._reach(self.now)

    # Tasks, one after the other

    def _work(self, pages: Iterable[list[Task]]) -> None:
        """Carry out tasks in their order, with requests sent ahead."""
        source = iter(pages)
        is_more = True
        while True:
            while is_more and len(self._queue) < self._checkpoint.announced:
                tasks = next(source, None)
                is_more = tasks is not None
                self._queue += tasks or ()
                self._unsent += (task for task in tasks or () if task.is_asked)
                self._send_ahead()
            if not self._queue:
                return
            self.source.check()
            body = self._response(self._queue[0])
            self._complete(self._queue.popleft(), body)
            if self._failures_in_a_row >= MOST_FAILURES:
                self._drain()
                return
            if self._queue and self._checkpoint.is_due():
                self._announce()
            self.progress.done += 1
            self.progress.tick()

    def _send_ahead(self) -> None:
        most = max(AHEAD, 2 * self.source.workers.size)
        while self._unsent and self._in_flight < most:
            self._send(self._unsent.popleft())

    def _send(self, task: Task) -> Future[Json]:
        if task.response is None:
            task.response = self._early.pop(task.id, None) or (
                self.source.workers.submit(self.source.client.candidate, task.id)
            )
            self._in_flight += 1
        return task.response

    def _response(self, task: Task) -> Json | RequestError | None:
        """Wait for the details of a candidate; None where they are not fetched."""
        if task.response is None:
            return None
        try:
            return self.source.wait(task.response)  # type: ignore[no-any-return]
        except RequestError as error:
            return error

    def _complete(self, task: Task, body: Json | RequestError | None) -> None:
        """Do what is to be done about a task, given its details."""
        if body is not None:
            self._count_response(task, body)
        if isinstance(body, RequestError):
            self._not_served(task, body)
        elif body is None or (task.listed is not None and task.due is None):
            self._show(task, body)
        elif task.listed is None:
            self._carry_out(task, *self._plan_found(task, body))
        else:
            self._reverified(task, body)
        if task.due is not None and not self._is_ending:
            self._reach(task.due)

    def _count_response(self, task: Task, body: Json | RequestError) -> None:
        task.response = None
        self._in_flight -= 1
        self._send_ahead()
        self._inventory.mark_fetched(task.id)
        if not isinstance(body, RequestError) or isinstance(body, NotFoundError):
            self._failures_in_a_row = 0
            self._asked_of_listed += task.listed is not None
        if not isinstance(body, RequestError):
            self.counts.details_read += 1
            self.counts.reverified += task.due is not None

    def _not_served(self, task: Task, error: RequestError) -> None:
        """Decide about a candidate whose details were not found, or failed."""
        if not isinstance(error, NotFoundError):
            self._failures.append(error)
            self._failures_in_a_row += 1
        elif task.listed is None:
            self._gone.append(task)
        else:
            self.counts.without_details += 1
        if task.listed is not None:
            decided = plan.plan_without_details(task.known, task.listed, self._run)
            self._carry_out(task, decided, task.row, None)
        elif not isinstance(error, NotFoundError):
            self._inventory[task.id] = task.known  # and not what was announced

    def _show(self, task: Task, body: Json | None) -> None:
        """Plan and emit a listed candidate."""
        row = t.cast("Record", task.row)
        details = None if body is None else self._details(body)
        self._refresh(task)  # with the tags of the details
        read = None
        if body is not None and details is not None:
            read = self._observer.read(row, task.tags, details, body)
        listed = t.cast("plan.Listed", task.listed)
        decided = plan.plan_listed(task.known, listed, read, self._run)
        self._carry_out(task, decided, row, details)

    def _reverified(self, task: Task, body: Json) -> None:
        """Plan and emit the details of a listed candidate."""
        details = self._details(body)
        read = self._observer.read(None, self._tags.of(task.id), details, body)
        decided = plan.plan_reverified(task.known, read, self._run)
        self._carry_out(task, decided, None, details)

    def _plan_found(self, task: Task, body: Json) -> tuple[Plan, Record, Record]:
        """Return the plan, the list row and the details of a missing candidate."""
        details = self._observer.details(body)
        row = self._observer.row_of(task.id, body)
        task.tags = tags_of(details)
        listed = replace(self._observer.listed(row, task.tags), extra=None)
        read = self._observer.read(row, task.tags, details, body)
        return plan.plan_found(task.known, listed, read, self._run), row, details

    def _details(self, body: Json) -> Record:
        """Make a record of details, and look up tags that `/tags` lacked."""
        details: Record = self._observer.details(body)
        self._tags.learn(tags_of(details) or ())
        return details

    def _refresh(self, task: Task) -> None:
        """Compare a listed candidate with the tags that were learned meanwhile."""
        if task.packed is not None and task.tags_version != self._tags.version:
            task.tags_version = self._tags.version
            task.tags = self._tags.of(task.id)
            row = t.cast("Record", task.row)
            task.listed = self._observer.listed(row, task.tags)

    # Emission

    def _carry_out(
        self, task: Task, decided: Plan, row: Record | None, details: Record | None
    ) -> None:
        """Announce what is not announced yet, emit, and note it."""
        answers = answers_of(details) if details and ANSWERS in decided.emit else 0
        if not decided.emit <= task.announced or answers > task.answers:
            self._most_answers = max(self._most_answers, answers)
            self._inventory[task.id] = plan.intent(task.known, decided.emit, answers)
            self._announce()
        self._emit(task, decided, Change(task.id, row, task.tags, details))
        if decided.emit:
            self.counts.created += task.known is NEW
            self.counts.updated += task.known is not NEW

    def _emit(self, task: Task, decided: Plan, change: Change) -> None:
        if decided.emit:
            change.event, change.answers_held = decided.event, task.known.answers
            self.sink.emit(change, decided.emit)
        fetched = change.details is not None
        self._checkpoint.add(emitted=bool(decided.emit), fetched=fetched)
        self._inventory[task.id] = decided.after

    def _announce(self) -> None:
        """Write a STATE that commits what was emitted and announces what follows."""
        for task in islice(self._queue, self._checkpoint.announced):
            self._refresh(task)
            streams = task.may_emit(self._run)
            if self._has_new_history(task):
                streams |= {HISTORY}
            task.announced, task.answers = streams, self._most_answers
            announced = plan.intent(task.known, streams, self._most_answers)
            self._inventory[task.id] = announced
        self._checkpoint.begin(self.sink.save())

    def _has_new_history(self, task: Task) -> bool:
        """Return whether the lists lack a candidate that is known to have changed.

        To announce all of them would write false events if the run dies, and a STATE
        for each would be too much: those are announced whose details are there.
        """
        response = task.response
        if task.listed is not None or response is None or not response.done():
            return False
        if HISTORY not in self._run.selected or response.exception() is not None:
            return False
        decided, _, _ = self._plan_found(task, response.result())
        return HISTORY in decided.emit

    def _reach(self, time_reached: datetime) -> None:
        """Note how far re-verification has come.

        It waits for the deletions that it found: should the run die before their
        tombstones are out, the next run asks for these candidates again.
        """
        waiting = (task.due for task in self._gone if task.due is not None)
        reached = min([time_reached, *waiting])
        before = self.state.reverified_until or reached
        self.state.reverified_until = max(reached, before)

    # The end

    def _drain(self) -> None:
        """End the run early: emit what was already read, leave the rest as it was."""
        self._is_ending = True
        self._unsent.clear()
        left = []
        while self._queue:
            task = self._queue.popleft()
            if task.is_asked and (task.response is None or not task.response.done()):
                left.append(task)
            else:
                self._complete(task, self._response(task))
        self._queue += left

    def _revert(self) -> None:
        """Take back what was announced and is not emitted by this run any more."""
        for task in (*self._queue, *self._gone):
            if task.announced:
                self._inventory[task.id] = None if task.known is NEW else task.known
        self._queue.clear()

    def _fail_if_incomplete(self) -> None:
        """Raise the first reason that the run is not complete, if there is one."""
        missing, asked = self.counts.without_details, self._asked_of_listed
        if self._failures:
            # One candidate may be the only one that is requested in a run.
            is_forbidden = all(isinstance(f, ForbiddenError) for f in self._failures)
            is_for_all = asked == missing and len(self._failures) >= MOST_FAILURES
            if is_forbidden and is_for_all:
                raise UnauthorizedError(FORBIDDEN)
            failure = self._failures[0]
            # Malformed details are one candidate's, unless the API serves no others.
            failure.is_transient |= (
                self._is_ending and type(failure) is UnavailableError
            )
            raise failure
        if not self.lists.is_complete:
            raise TapError(SHORT_LIST, is_transient=True)
        if plan.is_most(missing, asked):
            raise TapError(NO_DETAILS.format(missing=missing, asked=asked))
        if self._tags.are_unknown:
            raise TapError(UNKNOWN_TAGS, is_transient=True)
