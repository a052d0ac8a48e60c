"""One run over the candidates: list, plan, ask, plan, emit, note.

The engine carries out what `plan` and `absence` decide, and is the only one that
assigns the inventory. Before candidates are emitted, a STATE announces them; once
their records are out, the next STATE vouches for them. So whatever a run that is
killed left behind, the next one knows whom to look at.
"""

from __future__ import annotations

import typing as t
from collections import deque
from dataclasses import replace

from tap_toggl_hire.errors import NotServedError
from tap_toggl_hire.sync import absence, plan
from tap_toggl_hire.sync.asking import Asker, Task
from tap_toggl_hire.sync.counts import Counts
from tap_toggl_hire.sync.gone import Gone
from tap_toggl_hire.sync.observation import Change, tags_of
from tap_toggl_hire.sync.plan import ANSWERS, Known, Plan

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_toggl_hire.progress import Progress
    from tap_toggl_hire.records import Record
    from tap_toggl_hire.sync.finder import Finder
    from tap_toggl_hire.sync.inventory import Inventory
    from tap_toggl_hire.sync.observation import Observer
    from tap_toggl_hire.sync.stretch import Stretch

MOST_NOT_SERVED = 8
"""Candidates that the API may fail to serve: each takes half a minute of tries."""
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


class Engine:
    """Runs once over the candidates of a scope.

    Args:
        finder: Finds the candidates that there is something to do about.
        inventory: What the target holds; kept up to date.
        observer: Turns what the API sends into records and digests.
        sink: Takes what is emitted.
        progress: Told how far the run is.
        report: Warns of something, once.
        stretch: Tells when a STATE is due.
    """

    def __init__(  # noqa: PLR0913 - all that a run touches
        self,
        *,
        finder: Finder,
        inventory: Inventory,
        observer: Observer,
        sink: Sink,
        progress: Progress,
        report: Callable[..., None],
        stretch: Stretch,
    ) -> None:
        self.counts = Counts()
        self.not_served: list[NotServedError] = []
        """Of candidates that the API fails to serve, while it serves others."""
        self.found_missing = False
        """Whether a candidate that the lists lack answered 200."""
        self._finder = finder
        self._source = source = finder.source
        self._inventory = inventory
        self._observer = observer
        self._sink = sink
        self._progress = progress
        self._report = report
        self._asker = Asker(source.client, source.workers, progress.tick)
        self._queue: deque[Task] = deque()
        self._announced = 0
        """Tasks at the head of the queue that the last STATE announced."""
        self._stretch = stretch
        self._gone = Gone()
        self._asked_of_listed = 0
        self._most_answers = inventory.most_answers

    def run(self) -> None:
        """Find the changes, and emit them.

        Raises:
            TapError: If the run cannot go on. What could be read was emitted.
        """
        try:
            self._work(self._finder.listed())
            self._work(self._finder.missing())
            self._settle_gone()
        finally:
            self.counts.listed = len(self._source.sweep.seen)
            self._revert()

    def rewrite(self, decide: Callable[[str, Known], Known]) -> None:
        """Change what is known of candidates, of all whom a decision changes."""
        for candidate_id, known in self._inventory.items():
            if (decided := decide(candidate_id, known)) != known:
                self._inventory[candidate_id] = decided

    def _work(self, pages: Iterator[list[Task]]) -> None:
        is_more = True
        while is_more or self._queue:
            if is_more and not self._is_enough():
                tasks = next(pages, None)
                is_more = tasks is not None
                for task in tasks or ():
                    self._queue.append(task)
                    self._stretch.wait(asked=task.asked)
                    self._asker.add(task)
            is_full = not is_more or self._is_enough()
            if not self._announced and self._queue and is_full:
                self._announce()
            while self._announced and (is_full or self._is_ready()):
                self._complete(self._queue[0])
                self._progress.tick()
                is_full = not is_more or self._is_enough()
                if self._stretch.is_due(self._inventory.estimated_size):
                    self._announce()

    def _is_enough(self) -> bool:
        return self._stretch.is_enough(self._inventory.estimated_size)

    def _is_ready(self) -> bool:
        answer = self._queue[0].answer
        return answer is None or answer.done()

    def _announce(self) -> None:
        """Write a STATE that tells of the candidates that follow."""
        for task in (*self._queue, *self._gone):
            self._inventory[task.id] = self._before(task)
            task.is_announced = True
        self._announced = len(self._queue)
        self._sink.save()
        self._stretch.begin()

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
            self._gone.add(task)
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
        self._finder.observe_again(task, row)
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
        self._stretch.emit(self._sink.written - written, asked=task.asked)
        self.counts.add(task, decided, is_gone=row is None)

    def _give_up(self, task: Task, error: NotServedError) -> None:
        self.not_served.append(error)
        if len(self.not_served) == MOST_NOT_SERVED:
            raise error
        self._inventory[task.id] = task.previous and absence.not_served(task.known)
        task.is_announced = False

    def _settle_gone(self) -> None:
        """Do what is to be done about those that answered 404."""
        run = self._finder.run
        for task, answer in self._gone.asked_again(self._asker):
            if isinstance(answer, NotServedError):
                self._give_up(task, answer)
            else:
                self._complete_listed(task, answer)
        for task in self._gone.unreadable(self._asked_of_listed):
            self._report(UNREADABLE)
            task.asked = False
            listed = t.cast("plan.Listed", task.listed)
            decided = absence.unreadable(task.known, listed, run)
            self._carry_out(task, decided, task.row, None)
        for task in self._gone.deleted(self._finder.known, run):
            task.tags = None
            self._carry_out(task, absence.tombstone(task.known, run), None, None)

    def _revert(self) -> None:
        """Take back what was announced, and is not emitted by this run any more."""
        for task in (*self._queue, *self._gone):
            if task.is_announced:
                self._inventory[task.id] = task.previous
