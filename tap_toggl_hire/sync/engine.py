"""One run over the candidates: list, plan, ask, plan, emit, note.

The engine carries out what `plan` and `absence` decide, and is the only one that
assigns the inventory. Before candidates are emitted, a STATE announces them; once
their records are out, the next STATE vouches for them. So whatever a run that is
killed left behind, the next one knows whom to look at.
"""

from __future__ import annotations

import time
import typing as t
from collections import deque
from dataclasses import dataclass, replace

from tap_toggl_hire.errors import NotServedError
from tap_toggl_hire.sync import absence, guard, plan, stretch
from tap_toggl_hire.sync.asking import Asker, Task
from tap_toggl_hire.sync.observation import Change, tags_of
from tap_toggl_hire.sync.plan import ANSWERS, UNKNOWN, Known, Plan, Presence
from tap_toggl_hire.sync.stretch import LIGHT, Written

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_toggl_hire.progress import Progress
    from tap_toggl_hire.records import Record
    from tap_toggl_hire.sync.finder import Finder, Source
    from tap_toggl_hire.sync.inventory import Inventory
    from tap_toggl_hire.sync.observation import Observer

UNREADABLE = (
    "The API lists a candidate, and answers 404 for it: only its row is extracted."
)


class Sink(t.Protocol):
    """Takes what the engine decides to emit."""

    @property
    def written(self) -> int:
        """Bytes of records so far."""

    def emit(self, change: Change, streams: frozenset[str]) -> None:
        """Write the records of a candidate."""

    def save(self) -> None:
        """Write a STATE."""


@dataclass
class Counts:
    """What a run did, for people and for `sync_runs`."""

    listed: int = 0
    created: int = 0
    updated: int = 0
    deleted: int = 0
    reverified: int = 0
    details: int = 0


class Engine:
    """Runs once over the candidates of a scope.

    Args:
        finder: Finds the candidates that there is something to do about.
        source: Where they come from.
        inventory: What the target holds; kept up to date.
        observer: Turns what the API sends into records and digests.
        sink: Takes what is emitted.
        progress: Told how far the run is.
        report: Warns of something, once.
    """

    def __init__(  # noqa: PLR0913 - all that a run touches
        self,
        *,
        finder: Finder,
        source: Source,
        inventory: Inventory,
        observer: Observer,
        sink: Sink,
        progress: Progress,
        report: Callable[..., None],
    ) -> None:
        self.counts = Counts()
        self.not_served: list[NotServedError] = []
        """Of candidates that the API fails to serve, while it serves others."""
        self.found_missing = False
        """Whether a candidate that the lists lack answered 200."""
        self._finder = finder
        self._source = source
        self._inventory = inventory
        self._observer = observer
        self._sink = sink
        self._progress = progress
        self._report = report
        self._asker = Asker(source.client, source.workers, progress.tick)
        self._queue: deque[Task] = deque()
        self._announced = 0
        """Tasks at the head of the queue that the last STATE announced."""
        self._waiting = 0.0
        self._gone: list[Task] = []
        self._asked_of_listed = 0
        self._most_answers = inventory.most_answers
        self._emitted = self._since = Written()
        self._saved = time.monotonic()

    def run(self) -> None:
        """Find the changes, and emit them.

        Raises:
            TapError: If the run cannot go on. What could be read was emitted.
        """
        try:
            self._work(self._finder.listed())
            self._work(self._finder.missing())
            self._ask_again()
            self._bury()
        finally:
            self.counts.listed = len(self._source.sweep.seen)
            self._revert()

    def rewrite(self, decide: Callable[[str, Known], Known]) -> None:
        """Change what is known of candidates, of all whom a decision changes."""
        for candidate_id, known in self._inventory.items():
            decided = decide(candidate_id, known)
            if decided != known:
                self._inventory[candidate_id] = decided

    # The loop

    def _work(self, pages: Iterator[list[Task]]) -> None:
        is_more = True
        while is_more or self._queue:
            if is_more and not self._is_enough():
                tasks = next(pages, None)
                is_more = tasks is not None
                for task in tasks or ():
                    self._queue.append(task)
                    self._waiting += 1 if task.asked else LIGHT
                    self._asker.add(task)
            is_full = not is_more or self._is_enough()
            if not self._announced and self._queue and is_full:
                self._announce()
            while self._announced and (is_full or self._is_ready()):
                self._complete(self._queue[0])
                self._progress.tick()
                is_full = not is_more or self._is_enough()
                if self._is_state_due():
                    self._announce()

    def _is_enough(self) -> bool:
        size = self._inventory.estimated_size
        return stretch.is_enough(self._waiting, self._emitted, size)

    def _is_state_due(self) -> bool:
        seconds = time.monotonic() - self._saved
        return stretch.is_due(self._since, seconds, self._inventory.estimated_size)

    def _is_ready(self) -> bool:
        answer = self._queue[0].answer
        return answer is None or answer.done()

    def _announce(self) -> None:
        """Write a STATE that tells of the candidates that follow."""
        for task in (*self._queue, *self._gone):
            self._inventory[task.id] = self._before(task)
            task.is_announced = True
        self._announced = len(self._queue)
        self._waiting = 0.0
        self._sink.save()
        self._since = Written()
        self._saved = time.monotonic()

    def _before(self, task: Task) -> Known:
        run, most = self._finder.run, self._most_answers
        if task.listed is None:
            return absence.before_asked(task.known, run, answers=most)
        return plan.before(task.known, task.listed, run, due=task.due, answers=most)

    def _complete(self, task: Task) -> None:
        """Do what is to be done about the task at the head of the queue."""
        answer = self._asker.wait(task)
        if isinstance(answer, NotServedError):
            self._give_up(task, answer)
        elif answer is None and (task.asked or task.listed is None):
            self._gone.append(task)
        elif task.listed is None:
            self._complete_missing(task, t.cast("Record", answer))
        else:
            self._complete_listed(task, answer)
        self._queue.popleft()
        self._announced -= 1
        self._progress.done += 1

    def _complete_listed(self, task: Task, answer: Record | None) -> None:
        details = read = None
        row = t.cast("Record", task.row)
        if answer is not None:
            self._asked_of_listed += 1
            details = self._observer.details(answer)
            told = tags_of(details)
            self._source.tags.learn(told or ())
            task.tags = told if task.tags is None else task.tags
        self._finder.observe_again(task)
        listed = t.cast("plan.Listed", task.listed)
        if details is not None and answer is not None:
            read = self._observer.read(row, task.tags, details, answer)
        decided = plan.plan(task.known, listed, read, self._finder.run, due=task.due)
        self._carry_out(task, decided, row, details)

    def _complete_missing(self, task: Task, answer: Record) -> None:
        self.found_missing = True
        run = self._finder.run
        if not task.due:
            self._carry_out(task, Plan(absence.found(task.known, run)), None, None)
            return
        details = self._observer.details(answer)
        row = self._observer.row_of(task.id, answer)
        task.tags = tags_of(details)
        listed = replace(self._observer.listed(row, task.tags), extra=None)
        read = self._observer.read(row, task.tags, details, answer)
        decided = absence.reverified(task.known, listed, read, run)
        self._carry_out(task, decided, row, details)

    def _carry_out(
        self, task: Task, decided: Plan, row: Record | None, details: Record | None
    ) -> None:
        """Emit what was decided, and note it."""
        answers = len((details or {}).get("questions") or ())
        if ANSWERS in decided.emit and answers > self._most_answers:
            self._most_answers = answers  # a STATE has to tell of them before
            self._announce()
        written = self._sink.written
        task.is_announced = False  # a run that stops in between leaves it as it is
        if decided.emit:
            held = task.known.answers
            change = Change(task.id, row, task.tags, details, decided.event, held)
            self._sink.emit(change, decided.emit)
        self._inventory[task.id] = decided.after
        self._count(task, decided, self._sink.written - written, is_gone=row is None)

    def _count(self, task: Task, decided: Plan, size: int, *, is_gone: bool) -> None:
        candidates = 1 if task.asked else LIGHT
        since, emitted = self._since, self._emitted
        self._since = Written(since.bytes + size, since.candidates + candidates)
        self._emitted = Written(emitted.bytes + size, emitted.candidates + candidates)
        counts = self.counts
        counts.reverified += task.due
        counts.details += task.asked and not is_gone
        if decided.emit:
            counts.deleted += is_gone
            counts.created += not is_gone and task.known is UNKNOWN
            counts.updated += not is_gone and task.known is not UNKNOWN

    def _give_up(self, task: Task, error: NotServedError) -> None:
        self.not_served.append(error)
        if len(self.not_served) == self._source.workers.size:
            raise error
        is_new = task.known is UNKNOWN
        self._inventory[task.id] = None if is_new else plan.not_served(task.known)
        task.is_announced = False

    # Deletions

    def _ask_again(self) -> None:
        """Ask once more for the listed candidates that answered 404.

        Raises:
            TapError: If there are so many that it is rather a fault.
        """
        again = [task for task in self._gone if task.listed is not None]
        for task in again:
            self._asker.add(task)
        for task in again:
            answer = self._asker.wait(task)
            if isinstance(answer, NotServedError):
                self._give_up(task, answer)
            elif answer is not None:
                self._complete_listed(task, answer)
            else:
                continue
            self._gone.remove(task)
        gone = [task for task in again if task in self._gone]
        self._check_listed(gone)
        for task in gone:
            if plan.is_unreadable(task.known):
                self._report(UNREADABLE)
                listed = t.cast("plan.Listed", task.listed)
                decided = plan.unreadable(task.known, listed, self._finder.run)
                task.asked = False
                self._carry_out(task, decided, task.row, None)
                self._gone.remove(task)

    def _check_listed(self, gone: list[Task]) -> None:
        new = [t for t in gone if t.known.presence is not Presence.UNREADABLE]
        asked = self._asked_of_listed + len(new)
        if guard.is_mass_of_listed(len(new), asked):
            raise guard.mass_of_listed(len(new), asked)

    def _bury(self) -> None:
        """Emit tombstones.

        Raises:
            TapError: If there are so many that it is rather a fault.
        """
        gone, known = len(self._gone), self._finder.known
        if guard.is_mass(gone, known) and not self._finder.run.full_table:
            raise guard.mass_deletion(gone, known)
        while self._gone:
            task = self._gone[-1]
            task.tags = None
            self._carry_out(
                task, absence.tombstone(task.known, self._finder.run), None, None
            )
            self._gone.pop()

    def _revert(self) -> None:
        """Take back what was announced, and is not emitted by this run any more."""
        for task in (*self._queue, *self._gone):
            if task.is_announced:
                is_new = task.known is UNKNOWN
                self._inventory[task.id] = None if is_new else task.known
