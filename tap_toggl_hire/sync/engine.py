"""One run over the candidates: list, plan, ask, plan, emit, note.

The engine carries out what `plan` and `absence` decide, and is the only one that
assigns the inventory. Before candidates are emitted, a STATE announces them
(`before`); once their records are out, the next STATE vouches for them (`after`). So
whatever a run that is killed left behind, the next one knows whom to look at.
"""

from __future__ import annotations

import time
import typing as t
from collections import deque
from dataclasses import dataclass, replace

from tap_toggl_hire.errors import NotServedError, TapError
from tap_toggl_hire.sync import absence, guard, plan, stretch
from tap_toggl_hire.sync.observation import Change, tags_of
from tap_toggl_hire.sync.plan import ANSWERS, FROM_DETAILS, UNKNOWN, Known, Listed
from tap_toggl_hire.sync.stretch import LIGHT, Written

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from tap_toggl_hire.api.client import Client
    from tap_toggl_hire.api.workers import Workers
    from tap_toggl_hire.progress import Progress
    from tap_toggl_hire.records import Record
    from tap_toggl_hire.sync.listing import Row
    from tap_toggl_hire.sync.observation import Observer
    from tap_toggl_hire.sync.plan import Plan, Run
    from tap_toggl_hire.sync.rotation import Rotation
    from tap_toggl_hire.sync.state import State
    from tap_toggl_hire.sync.sweep import Sweep
    from tap_toggl_hire.sync.tags import TagLists, Tags

AHEAD = 16
"""Details asked for ahead of the candidate that is waited for, per worker."""
MANY_VOLATILE = 100, 0.1
"""Candidates, and their share, that differ by unknown fields alone: beyond these, the
fields change by themselves."""

Answer = dict[str, t.Any] | NotServedError | None
"""What came of a request for a candidate; None: it is not there."""


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
class Source:
    """Where candidates come from."""

    client: Client
    workers: Workers
    sweep: Sweep
    tags: TagLists


@dataclass
class Counts:
    """What a run did, for people and for `sync_runs`."""

    listed: int = 0
    created: int = 0
    updated: int = 0
    deleted: int = 0
    reverified: int = 0
    details: int = 0


@dataclass(slots=True)
class Task:
    """A candidate that waits to be asked for, emitted or only noted."""

    id: str
    known: Known
    due: bool = False
    row: Record | None = None
    """None for one that the list lacks."""
    tags: Tags | None = None
    listed: Listed | None = None
    version: int = 0
    """Of the tags that it was compared with."""
    asked: bool = True
    answer: Future[Answer] | None = None
    is_announced: bool = False


class Engine:
    """Runs once over the candidates of a scope.

    Args:
        source: Where they come from.
        state: What is known; kept up to date.
        run: What the run selects.
        rotation: Whose turn it is to be re-verified.
        observer: Turns what the API sends into records and digests.
        sink: Takes what is emitted.
        progress: Told how far the run is.
        report: Warns of something, once.
    """

    def __init__(  # noqa: PLR0913 - all that a run depends on
        self,
        *,
        source: Source,
        state: State,
        run: Run,
        rotation: Rotation,
        observer: Observer,
        sink: Sink,
        progress: Progress,
        report: Callable[[str], None],
    ) -> None:
        self.counts = Counts()
        self.found_missing = False
        """Whether a candidate that the lists lack answered 200."""
        self._source = source
        self._state = state
        self._inventory = state.inventory
        self._run = run
        self._rotation = rotation
        self._observer = observer
        self._sink = sink
        self._progress = progress
        self._report = report
        self._queue: deque[Task] = deque()
        self._announced = 0
        """Tasks at the head of the queue that the last STATE announced."""
        self._unsent: deque[Task] = deque()
        self._in_flight = 0
        self._waiting = 0.0
        self._gone: list[Task] = []
        self._not_served: list[NotServedError] = []
        self._most_answers = state.inventory.most_answers
        self._asked_listed = 0
        self._known = 0
        self._emitted = Written()
        self._since = Written()
        self._saved = time.monotonic()

    def make_stale(self, stream: str) -> None:
        """Owe a stream to every candidate: it is written otherwise now."""
        for candidate_id, known in self._inventory.items():
            self._inventory[candidate_id] = plan.make_stale(known, stream)

    def forget_unlisted(self) -> None:
        """Note that ACTIVATE_VERSION marks whom a full table leaves out."""
        for candidate_id, known in self._inventory.items():
            if candidate_id not in self._source.sweep.seen:
                for stream in self._run.full_table:
                    known = plan.make_stale(known, stream)  # noqa: PLW2901
                self._inventory[candidate_id] = known

    def run(self) -> None:
        """Find the changes, and emit them.

        Raises:
            TapError: If the run is not complete. What could be read was emitted.
        """
        try:
            self._work(self._listed())
            self._work(self._missing())
            self._ask_again()
            self._bury()
        finally:
            self.counts.listed = len(self._source.sweep.seen)
            self._revert()
        self._end()

    # From the list and the inventory to tasks

    def _listed(self) -> Iterator[list[Task]]:
        sweep, tags = self._source.sweep, self._source.tags
        doubtful: list[Task] = []
        for rows in sweep.pages():
            self._progress.total = sweep.total
            tasks = [task for row in rows if (task := self._compare(row)) is not None]
            if not self._run.volatile:
                doubtful += [task for task in tasks if self._is_extra_only(task)]
                tasks = [task for task in tasks if not self._is_extra_only(task)]
            most, share = MANY_VOLATILE
            if len(doubtful) > max(most, share * (sweep.total or len(self._inventory))):
                self._run = replace(self._run, volatile=True)
                self._report(VOLATILE)
                tasks += doubtful
                doubtful = []
            yield tasks
        yield doubtful

    def _compare(self, data: Row) -> Task | None:
        """Make a task of a row; None where nothing is to be done."""
        if data.id is None:
            self._report(NO_ID)
            return None
        tags = self._source.tags
        row = self._observer.row(data.id, data.data)
        task = Task(
            data.id,
            self._inventory.get(data.id) or UNKNOWN,
            row=row,
            tags=tags.of(data.id),
            version=tags.version,
        )
        task.listed = self._observer.listed(row, task.tags)
        self._known += task.known is not UNKNOWN
        task.due = self._is_due(task.id, task.known)
        if not task.due and plan.settled(task.known, task.listed, self._run):
            self._progress.done += 1
            return None
        return task

    def _is_due(self, candidate_id: str, known: Known) -> bool:
        return bool(self._run.selected & FROM_DETAILS) and (
            known is not UNKNOWN
            and self._rotation.is_due(candidate_id, verified=known.verified)
        )

    def _is_extra_only(self, task: Task) -> bool:
        """Return whether a candidate is asked for because of unknown fields alone."""
        if task.listed is None or task.due or task.known is UNKNOWN:
            return False
        calm = replace(self._run, volatile=True)
        return plan.wants_details(
            task.known, task.listed, self._run
        ) and not plan.wants_details(task.known, task.listed, calm)

    def _missing(self) -> Iterator[list[Task]]:
        """Make tasks of the known candidates that the lists lack."""
        sweep = self._source.sweep
        waiting = [
            Task(candidate_id, known, asked=False)
            for candidate_id, known in self._inventory.items()
            if known.presence is plan.Presence.DELETED
            and candidate_id not in sweep.seen
        ]
        yield waiting
        if not sweep.is_complete:
            return
        tasks = [
            Task(candidate_id, known, due=self._is_due(candidate_id, known))
            for candidate_id, known in self._inventory.items()
            if candidate_id not in sweep.seen and self._is_asked(candidate_id, known)
        ]
        self._known += len(tasks)
        self._look_at_some([task for task in tasks if not task.due])
        yield tasks

    def _is_asked(self, candidate_id: str, known: Known) -> bool:
        sweep = self._source.sweep
        elsewhere = candidate_id in sweep.elsewhere or not sweep.is_elsewhere_complete
        due = self._is_due(candidate_id, known)
        return absence.absent(known, self._run, due=due, elsewhere=elsewhere)

    def _look_at_some(self, missing: list[Task]) -> None:
        """Ask for a few first, where so many are missing that it is rather a fault.

        Raises:
            TapError: If they are gone, or the list is short.
        """
        listed = [t for t in missing if t.known.presence is plan.Presence.LISTED]
        is_allowed = bool(self._run.full_table) and len(self._source.sweep.seen) > 0
        if not guard.is_mass(len(listed), self._known) or is_allowed:
            return
        futures = [
            self._source.workers.submit(self._source.client.candidate, task.id)
            for task in listed[: guard.FEW + 1]
        ]
        if any([future.result() is not None for future in futures]):  # noqa: C419
            raise guard.missing_alive(len(listed), self._known)
        raise guard.mass_deletion(len(listed), self._known)

    # From tasks to records

    def _work(self, pages: Iterator[list[Task]]) -> None:
        is_more = True
        while is_more or self._queue:
            if is_more and not self._is_enough():
                tasks = next(pages, None)
                is_more = tasks is not None
                self._add(tasks or ())
            if not self._announced and self._queue:
                if is_more and not self._is_enough():
                    continue
                self._announce()
            while self._announced and (
                not is_more or self._is_enough() or self._is_ready(self._queue[0])
            ):
                self._complete(self._queue[0])
                self._progress.tick()
                if self._is_state_due():
                    self._announce()

    def _add(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            if task.listed is not None:
                task.asked = plan.wants_details(
                    task.known, task.listed, self._run, due=task.due
                )
            self._queue.append(task)
            self._waiting += 1 if task.asked else LIGHT
            if task.asked:
                self._unsent.append(task)
        self._send()

    def _send(self) -> None:
        workers = self._source.workers
        while self._unsent and self._in_flight < AHEAD * workers.size:
            task = self._unsent.popleft()
            task.answer = workers.submit(self._ask, task.id)
            self._in_flight += 1

    def _ask(self, candidate_id: str) -> Answer:
        """Ask for a candidate, in a worker.

        One that the API does not serve, while it serves others, holds up no other: the
        run goes on, and fails at its end.
        """
        client = self._source.client
        try:
            return client.candidate(candidate_id)
        except NotServedError as error:
            if self._source.workers.size > 1 and client.is_serving():
                return error
            raise

    def _is_enough(self) -> bool:
        size = self._inventory.estimated_size
        return stretch.is_enough(self._waiting, self._emitted, size)

    def _is_state_due(self) -> bool:
        seconds = time.monotonic() - self._saved
        return stretch.is_due(self._since, seconds, self._inventory.estimated_size)

    @staticmethod
    def _is_ready(task: Task) -> bool:
        return task.answer is None or task.answer.done()

    def _announce(self) -> None:
        """Write a STATE that tells of the candidates that follow."""
        for task in self._queue:
            if task.listed is None:
                before = absence.before_asked(
                    task.known, self._run, answers=self._most_answers
                )
            else:
                before = plan.before(
                    task.known,
                    task.listed,
                    self._run,
                    due=task.due,
                    answers=self._most_answers,
                )
            self._inventory[task.id] = before
            task.is_announced = True
        self._announced = len(self._queue)
        self._waiting = 0.0
        self._save()

    def _save(self) -> None:
        self._sink.save()
        self._since = Written()
        self._saved = time.monotonic()

    def _complete(self, task: Task) -> None:
        """Do what is to be done about the task at the head of the queue."""
        answer = None if task.answer is None else self._wait(task.answer)
        if isinstance(answer, NotServedError):
            self._give_up(task, answer)
        elif task.asked and answer is None:
            self._gone.append(task)
        elif task.listed is None:
            self._complete_missing(task, answer)
        else:
            self._complete_listed(task, answer)
        self._queue.popleft()
        self._announced -= 1
        self._in_flight -= task.answer is not None
        self._progress.done += 1
        self._send()

    def _wait(self, future: Future[Answer]) -> Answer:
        while not future.done():
            try:
                future.exception(timeout=TICK)
            except TimeoutError:
                self._progress.tick()
        return future.result()

    def _complete_listed(self, task: Task, answer: t.Any) -> None:
        assert task.row is not None  # noqa: S101 - the list has it
        assert task.listed is not None  # noqa: S101
        details = seen = None
        if answer is not None:
            self._asked_listed += 1
            self.counts.details += 1
            details = self._observer.details(answer)
            self._source.tags.learn(tags_of(details) or ())
        if task.version != self._source.tags.version or task.tags is None:
            task.tags = self._source.tags.of(task.id)
            if task.tags is None and details is not None:
                task.tags = tags_of(details)
            task.listed = self._observer.listed(task.row, task.tags)
        if details is not None:
            seen = self._observer.read(task.row, task.tags, details, answer)
        decided = plan.plan(task.known, task.listed, seen, self._run, due=task.due)
        self.counts.reverified += task.due
        self._carry_out(task, decided, task.row, details)

    def _complete_missing(self, task: Task, answer: t.Any) -> None:
        if answer is None:  # it waits for tombstones
            self._gone.append(task)
            return
        self.found_missing = True
        self.counts.details += 1
        details = self._observer.details(answer)
        row = self._observer.row(task.id, answer)
        task.tags = tags_of(details)
        listed = self._observer.listed(row, task.tags)
        seen = self._observer.read(row, task.tags, details, answer)
        decided = absence.found(task.known, listed, seen, self._run, due=task.due)
        self.counts.reverified += task.due
        self._carry_out(task, decided, row, details)

    def _carry_out(
        self, task: Task, decided: Plan, row: Record | None, details: Record | None
    ) -> None:
        if decided.emit:
            answers = len((details or {}).get("questions") or ())
            if ANSWERS in decided.emit and answers > self._most_answers:
                self._most_answers = answers
                self._announce()
            written = self._sink.written
            self._sink.emit(
                Change(
                    task.id,
                    row,
                    task.tags,
                    details,
                    decided.event,
                    task.known.answers,
                ),
                decided.emit,
            )
            self._count(self._sink.written - written, 1 if task.asked else LIGHT)
            if row is None:
                self.counts.deleted += 1
            elif task.known is UNKNOWN:
                self.counts.created += 1
            else:
                self.counts.updated += 1
        self._inventory[task.id] = decided.after
        task.is_announced = False

    def _count(self, size: int, candidates: float) -> None:
        since, emitted = self._since, self._emitted
        self._since = Written(since.bytes + size, since.candidates + candidates)
        self._emitted = Written(emitted.bytes + size, emitted.candidates + candidates)

    def _give_up(self, task: Task, error: NotServedError) -> None:
        self._not_served.append(error)
        if len(self._not_served) == self._source.workers.size:
            raise error
        known = None if task.known is UNKNOWN else plan.not_served(task.known)
        self._inventory[task.id] = known
        task.is_announced = False

    # Deletions

    def _ask_again(self) -> None:
        """Ask once more for the listed candidates that answered 404.

        Raises:
            TapError: If there are so many that it is rather a fault.
        """
        again = [task for task in self._gone if task.listed is not None]
        self._gone = [task for task in self._gone if task.listed is None]
        for task in again:
            task.answer = self._source.workers.submit(self._ask, task.id)
        gone = []
        for task in again:
            assert task.answer is not None  # noqa: S101
            answer = self._wait(task.answer)
            if isinstance(answer, NotServedError):
                self._give_up(task, answer)
            elif answer is None:
                gone.append(task)
            else:
                self._complete_listed(task, answer)
        unreadable = plan.Presence.UNREADABLE
        new = [task for task in gone if task.known.presence is not unreadable]
        asked = self._asked_listed + len(new)
        if guard.is_mass_of_listed(len(new), asked) and not self._run.full_table:
            self._gone += again
            raise guard.mass_of_listed(len(new), asked)
        for task in gone:
            assert task.listed is not None  # noqa: S101
            if plan.is_unreadable(task.known):
                self._report(UNREADABLE)
                decided = plan.unreadable(task.known, task.listed, self._run)
                self._carry_out(task, decided, task.row, None)
            else:
                self._gone.append(task)

    def _bury(self) -> None:
        """Emit tombstones.

        Raises:
            TapError: If there are so many that it is rather a fault.
        """
        if not self._run.full_table and guard.is_mass(len(self._gone), self._known):
            raise guard.mass_deletion(len(self._gone), self._known)
        while self._gone:
            task = self._gone[-1]
            known = replace(
                task.known, answers=max(task.known.answers, self._promised(task))
            )
            decided = absence.tombstone(known, self._run)
            task.known = known
            task.tags = None
            self._carry_out(task, decided, None, None)
            self._gone.pop()

    def _promised(self, task: Task) -> int:
        known = self._inventory.get(task.id)
        return known.answers if known and not task.is_announced else 0

    def _revert(self) -> None:
        """Take back what was announced, and not emitted: nothing follows."""
        for task in (*self._queue, *self._gone):
            if task.is_announced:
                self._inventory[task.id] = (
                    None if task.known is UNKNOWN else task.known
                )

    # The end of a run

    def _end(self) -> None:
        """Note that the lists were read to their end.

        Raises:
            TapError: If something is missing.
        """
        sweep, tags, state = self._source.sweep, self._source.tags, self._state
        if not sweep.is_complete:
            raise guard.short_list(len(sweep.seen), sweep.total)
        if sweep.is_believed or tags.believed:
            self._report(BELIEVED)
        self._settle_scope()
        state.anchors = sweep.anchors
        state.tags = len(tags)
        if self._run.selected & FROM_DETAILS or not self._inventory.has_details:
            # Else whose turn it was is verified by the next run that reads details.
            self._inventory.clear_verified()
            state.turn = self._rotation.finished()
        if self._not_served:
            raise self._not_served[0]
        if not tags.is_complete:
            raise TapError(guard.SHORT_TAGS)

    def _settle_scope(self) -> None:
        if self._run.relation is not plan.Relation.SAME:
            for candidate_id, known in self._inventory.items():
                seen = candidate_id in self._source.sweep.seen
                settled = absence.settle_scope(known, self._run, seen=seen)
                if settled != known:
                    self._inventory[candidate_id] = settled


TICK = 1.0
"""Seconds of waiting after which progress may be told."""
NO_ID = "A candidate in the list has no id: it is left out."
UNREADABLE = (
    "The API lists a candidate, and says that it is not there: only its row is "
    "extracted."
)
BELIEVED = (
    "The API counts more candidates than it lists, the same in two readings with two "
    "page sizes: the list is believed."
)
VOLATILE = (
    "Unknown fields of many candidates changed at once, so perhaps by themselves: "
    "their rows are extracted, and their details with the re-verification. To leave "
    "such fields out, deselect the property extra of candidates."
)
