"""Which candidates there is something to do about: those listed, and those missing."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

import msgspec

from tap_toggl_hire.fields import MOST_NAMES
from tap_toggl_hire.sync import absence, guard, plan
from tap_toggl_hire.sync.asking import Task
from tap_toggl_hire.sync.plan import FROM_DETAILS, UNKNOWN, Known, Presence

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_toggl_hire.api.client import Client
    from tap_toggl_hire.api.workers import Workers
    from tap_toggl_hire.progress import Progress
    from tap_toggl_hire.records import Record
    from tap_toggl_hire.sync.inventory import Inventory
    from tap_toggl_hire.sync.listing import Row
    from tap_toggl_hire.sync.observation import Observer
    from tap_toggl_hire.sync.plan import Run
    from tap_toggl_hire.sync.rotation import Rotation
    from tap_toggl_hire.sync.sweep import Sweep
    from tap_toggl_hire.sync.tags import TagLists

MANY_VOLATILE = 100
SHARE_VOLATILE = 0.1
"""Where more candidates, and a larger share, differ by unknown fields alone, these
change by themselves."""
NO_ID = "A candidate in the list has no id: it is left out."
VOLATILE = (
    "Unknown fields of many candidates changed at once, perhaps by themselves (%s): "
    "their rows are extracted now, their details with the re-verification. To leave "
    "such fields out, deselect the property extra of stream candidates."
)


@dataclass
class Source:
    """Where candidates come from."""

    client: Client
    workers: Workers
    sweep: Sweep
    tags: TagLists


class Finder:
    """Compares what the API lists with the inventory.

    Args:
        source: Where candidates come from.
        inventory: What the target holds; only read.
        run: What the run selects.
        rotation: Whose turn it is to be re-verified.
        observer: Turns what the API sends into records and digests.
        progress: Told of the candidates about whom there is nothing to do.
        report: Warns of something, once.
    """

    def __init__(  # noqa: PLR0913 - all that is compared
        self,
        *,
        source: Source,
        inventory: Inventory,
        run: Run,
        rotation: Rotation,
        observer: Observer,
        progress: Progress,
        report: Callable[..., None],
    ) -> None:
        self.run = run
        """What the run selects, and whether unknown fields turned out volatile."""
        self.known = 0
        """Candidates of the inventory that this run looks for."""
        self.source = source
        self._inventory = inventory
        self._rotation = rotation
        self._observer = observer
        self._progress = progress
        self._report = report

    def listed(self) -> Iterator[list[Task]]:
        """Yield, page by page, the listed candidates to do something about.

        Those that differ by unknown fields alone wait until it is clear whether there
        are so many that the fields change by themselves.
        """
        sweep = self.source.sweep
        waiting: list[Task] = []
        for rows in sweep.pages():
            self._progress.total = sweep.total
            tasks = [task for row in rows if (task := self._compare(row)) is not None]
            if not self.run.volatile:
                alone = [task for task in tasks if self._is_extra_alone(task)]
                tasks = [task for task in tasks if task not in alone]
                waiting += alone
                share = SHARE_VOLATILE * (sweep.total or len(self._inventory))
                if len(waiting) > max(MANY_VOLATILE, share):
                    self.run = replace(self.run, volatile=True)
                    self._report(VOLATILE, self._names(waiting))
                    tasks += waiting
                    waiting = []
            yield [self._asked(task) for task in tasks]
        yield [self._asked(task) for task in waiting]

    def missing(self) -> Iterator[list[Task]]:
        """Yield the known candidates that the lists lack, if they came whole.

        Raises:
            TapError: If so many are missing that it is rather a fault.
        """
        sweep = self.source.sweep
        yield [  # deleted, and not told of in each stream
            Task(candidate_id, known, asked=False)
            for candidate_id, known in self._inventory.items()
            if known.presence is Presence.DELETED and candidate_id not in sweep.seen
        ]
        if sweep.is_complete:
            tasks = list(self._missing())
            self.known += len(tasks)
            self._look_at_some([task for task in tasks if not task.due])
            yield tasks

    def observe_again(self, task: Task, row: Record) -> None:
        """Compare a listed candidate with the tags that are known by now."""
        tags = self.source.tags.of(task.id) or task.tags
        if tags != task.tags or task.listed is None or task.listed.history is None:
            task.tags = tags
            task.listed = self._observer.listed(row, tags)

    def _compare(self, row: Row) -> Task | None:
        """Return a task for a row, None where nothing is to be done."""
        if row.id is None:
            self._report(NO_ID)
            return None
        known = self._inventory.get(row.id) or UNKNOWN
        self.known += known is not UNKNOWN
        record = self._observer.row(row.id, row.data)
        tags = self.source.tags.of(row.id)
        listed = self._observer.listed(record, tags)
        due = known is not UNKNOWN and self._is_read and self._is_due(row.id, known)
        if not due and plan.settled(known, listed, self.run):
            self._progress.done += 1
            return None
        packed = msgspec.json.encode(record)
        return Task(row.id, known, packed, tags, listed, due)

    def _asked(self, task: Task) -> Task:
        assert task.listed is not None  # noqa: S101 - the list has it
        task.asked = plan.wants_details(task.known, task.listed, self.run, due=task.due)
        return task

    def _is_extra_alone(self, task: Task) -> bool:
        """Return whether a candidate would be asked for because of unknown fields."""
        if task.listed is None or task.due or task.known is UNKNOWN:
            return False
        calm = replace(self.run, volatile=True)
        wanted, listed = plan.wants_details, task.listed
        return wanted(task.known, listed, self.run) and not wanted(
            task.known, listed, calm
        )

    def _names(self, tasks: list[Task]) -> str:
        names = {
            name
            for task in tasks
            if (row := task.row) is not None
            for name in self._observer.unknown_fields(row)
        }
        return ", ".join(sorted(names)[:MOST_NAMES])

    @property
    def _is_read(self) -> bool:
        return bool(self.run.selected & FROM_DETAILS)

    def _is_due(self, candidate_id: str, known: Known) -> bool:
        return self._rotation.is_due(candidate_id, verified=known.verified)

    def _missing(self) -> Iterator[Task]:
        sweep = self.source.sweep
        # Else they keep their turn for a run that reads details, as the listed do.
        is_turn = self._is_read or not self._inventory.has_details
        is_known = sweep.is_elsewhere_complete or self._are_few_listed_missing()
        for candidate_id, known in self._inventory.items():
            if candidate_id not in sweep.seen:
                due = is_turn and self._is_due(candidate_id, known)
                elsewhere = candidate_id in sweep.elsewhere or not is_known
                if absence.absent(known, self.run, due=due, elsewhere=elsewhere):
                    yield Task(candidate_id, known, due=due)

    def _are_few_listed_missing(self) -> bool:
        """Return whether it costs little to ask for all that the last scope had."""
        missing = (
            candidate_id
            for candidate_id, known in self._inventory.items()
            if known.presence is Presence.LISTED
            and candidate_id not in self.source.sweep.seen
        )
        return sum(1 for _ in missing) <= guard.FEW

    def _look_at_some(self, missing: list[Task]) -> None:
        """Ask for a few first, where very many are missing."""
        listed = [task for task in missing if task.known.presence is Presence.LISTED]
        is_allowed = bool(self.run.full_table)  # as the error says
        is_empty = len(self.source.sweep.seen) == 0
        if not guard.is_mass(len(listed), self.known) or (is_allowed and not is_empty):
            return
        futures = [
            self.source.workers.submit(self.source.client.candidate, task.id)
            for task in listed[: guard.FEW + 1]
        ]
        answers = [future.result() for future in futures]
        if any(answer is not None for answer in answers):
            raise guard.missing_alive(len(listed), self.known)
        if not is_allowed:
            raise guard.mass_deletion(len(listed), self.known)
