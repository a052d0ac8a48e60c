"""Turn pages and the inventory into tasks. Pure: no requests."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import msgspec

from tap_toggl_hire.sync import plan
from tap_toggl_hire.sync.plan import NEW, Absence
from tap_toggl_hire.sync.rotation import due_time
from tap_toggl_hire.sync.tasks import DueTask, ListedTask, MissingTask

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from tap_toggl_hire.sync.inventory import Inventory
    from tap_toggl_hire.sync.lists import Row
    from tap_toggl_hire.sync.plan import Known
    from tap_toggl_hire.sync.tasks import Terms


class DueCandidate(t.NamedTuple):
    """A candidate whose re-verification is due."""

    time: datetime  # of the API, when it was due
    id: str


@dataclass
class Comparison:
    """Compares what the API shows with the inventory, which it only reads."""

    inventory: Inventory  # what the target holds
    terms: Terms  # what candidates are compared on
    without_id: int = 0  # list rows without a usable ID, which cannot be emitted

    def listed(self, rows: Iterable[Row]) -> list[ListedTask]:
        """Return the candidates of a page that are new, changed or not current."""
        terms, tasks = self.terms, []
        observer, tags_of, selection = terms.observer, terms.tags.of, terms.selection
        for row in rows:
            if row.id is None:
                self.without_id += 1
                continue
            known = self.inventory.get(row.id) or NEW
            record, tags = observer.row(row.id, row.data), tags_of(row.id)
            listed = observer.listed(record, tags)
            if not plan.is_settled(known, listed, selection):
                packed, version = msgspec.json.encode(record), terms.tags.version
                task = ListedTask(terms, row.id, known, packed, tags, listed, version)
                tasks.append(task)
        return tasks

    def missing(self, *, confirmed: bool) -> dict[Absence, list[MissingTask]]:
        """Return the known candidates that the lists lack, by what follows.

        Args:
            confirmed: Whether all are asked for, wherever they were last seen.
        """
        tasks: dict[Absence, list[MissingTask]] = {absence: [] for absence in Absence}
        ids = self.inventory.ids
        for candidate_id in (key for key in ids if not ids.is_listed(key)):
            known = self.inventory.get(candidate_id)
            if known is None:
                continue
            absence = plan.absence(known, self.terms.full_selection)
            if confirmed and absence is not Absence.TOMBSTONE:
                absence = Absence.ASK
            if absence is not Absence.LEAVE:
                tasks[absence].append(MissingTask(self.terms, candidate_id, known))
        return tasks

    def due(
        self, ids: Iterable[str], since: datetime, until: datetime, days: int
    ) -> Iterator[DueCandidate]:
        """Yield the candidates among some that are due to be re-verified.

        Those whose details this run has requested already are not, even if that failed.
        """
        inventory = self.inventory
        for candidate_id in ids:
            time = due_time(candidate_id, since, until, days)
            if time is None or inventory.ids.is_requested(candidate_id):
                continue
            known = inventory.get(candidate_id)
            if known is not None and plan.PRESENCE[known.presence].reverified:
                yield DueCandidate(time, candidate_id)

    def reverified(self, due: DueCandidate) -> DueTask | MissingTask:
        """Return the task of a candidate that is due."""
        known: Known = self.inventory.get(due.id) or NEW
        if self.inventory.ids.is_listed(due.id):
            return DueTask(self.terms, due.id, known, due.time)
        return MissingTask(self.terms, due.id, known, due.time)
