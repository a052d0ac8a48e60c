"""What a run has to do: pages and the inventory become tasks. Pure, no requests.

Personal data are redacted first, so that neither a digest nor a record has them where
the settings say so.
"""

from __future__ import annotations

import typing as t
from concurrent.futures import Future  # noqa: TC003 - a dataclass names it
from dataclasses import dataclass

import msgspec

from tap_toggl_hire.records import EXTRA
from tap_toggl_hire.sync import plan
from tap_toggl_hire.sync.inventory import digest
from tap_toggl_hire.sync.plan import FROM_DETAILS, NEVER, NEW, Details, Listed, Run
from tap_toggl_hire.sync.rotation import due_time

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from tap_toggl_hire.records import Record
    from tap_toggl_hire.sync.inventory import Inventory
    from tap_toggl_hire.sync.lists import Row
    from tap_toggl_hire.sync.plan import Known, Streams
    from tap_toggl_hire.sync.tags import TagLists, Tags

Json = dict[str, t.Any]

HISTORY_FIELDS = (
    "job_opening_id",
    "category_id",
    "hire_state",
    "rating",
    "points",
    "score",
)
"""Fields of the list row that `candidate_history` has; `tag_ids` is the other."""
ONLY_IN_DETAILS = {"tag_ids", "questions", "answers"}
"""Fields of `/candidates/{id}` that a list row lacks."""
CHUNK = 1000  # tasks of re-verification that are made at once


@dataclass(slots=True)
class Change:
    """What is emitted of a candidate, for each stream to make records of."""

    id: str  # the candidate
    # A record of `candidates`; None for a deleted candidate, and where only details are
    # emitted
    row: Record | None = None
    tags: Tags | None = None  # its tags; None where they are unknown
    # A record of `candidate_details`, if the details were fetched
    details: Record | None = None
    event: str | None = None  # of `candidate_history`; "deleted" for a tombstone
    answers_held: int = 0  # the largest number of answer rows that the target may hold
    is_deleted: bool = False  # whether it is deleted: every stream emits tombstones


@dataclass(slots=True, eq=False)
class Task:
    """A candidate that has to be asked for, emitted, or only noted."""

    id: str  # the candidate
    known: Known  # what the inventory said before any announcement of this run
    # its record of `candidates` as JSON, since thousands may wait; None for one that
    # the lists lack, or whose details alone are due
    packed: bytes | None = None
    tags: Tags | None = None  # its tags; None where they are unknown
    tags_version: int = 0  # of the tag lists, when `listed` was made
    # what the list shows; None for one that the lists lack
    listed: Listed | None = None
    is_asked: bool = True  # whether its details are fetched
    # when it was due to be re-verified, if it is a task of re-verification
    due: datetime | None = None
    announced: Streams = frozenset()  # the streams that the last STATE announced for it
    answers: int = 0  # the number of answer rows that the last STATE announced for it
    response: Future[Json] | None = None  # the request for its details, once it is sent

    @property
    def row(self) -> Record | None:
        """The record of `candidates`."""
        return None if self.packed is None else msgspec.json.decode(self.packed)

    def may_emit(self, run: Run) -> Streams:
        """Return the streams that may be emitted, before its details are known."""
        if self.listed is None:
            return plan.may_emit_missing(self.known, run)
        if self.due is not None:
            return run.selected & FROM_DETAILS
        return plan.may_emit(self.known, self.listed, run)


@dataclass(frozen=True)
class Observer:
    """Turns what the API sends into records and digests."""

    # makes a record of `candidates`, with personal data redacted
    to_row: Callable[[Json], Record]
    details: Callable[[Json], Record]  # makes a record of `candidate_details`, likewise
    compares_extra: bool  # whether the unknown fields of list rows are emitted

    def row(self, candidate_id: str, data: Json) -> Record:
        """Make a record of `candidates` from a list row."""
        return {**self.to_row(data), "id": candidate_id}

    def row_of(self, candidate_id: str, body: Json) -> Record:
        """Make a record of `candidates` from `/candidates/{id}`."""
        data = {name: body[name] for name in body.keys() - ONLY_IN_DETAILS}
        return self.row(candidate_id, data)

    def listed(self, row: Record, tags: Tags | None) -> Listed:
        """Digest a record of `candidates`, and the candidate's tags."""
        extra = row.pop(EXTRA)  # a digest apart: see plan.Listed
        of_row, of_extra = digest(row), digest(extra) if extra else NEVER
        row[EXTRA] = extra
        fields = [row[name] for name in HISTORY_FIELDS]
        return Listed(
            row=of_row,
            tags=None if tags is None else digest(tags) if tags else NEVER,
            extra=of_extra if self.compares_extra else None,
            history=None if tags is None else digest([fields, tags]),
        )

    def read(
        self, row: Record | None, tags: Tags | None, details: Record, body: Json
    ) -> Details:
        """Digest details, and compare them with the list row and the tags.

        Where tags are unknown, details with tags are torn: a tag that is taken away
        later would not make a difference. A field that the body of `/candidates/{id}`
        lacks altogether does not make it one of another moment.
        """
        own_tags = tags_of(details)
        torn = any(
            details[name] != value
            for name, value in (row or {}).items()
            if name in body and name in details and name != EXTRA
        )
        torn = torn or own_tags not in {None, tags}
        return Details(digest(details), answers_of(details), torn)


def answers_of(details: Record) -> int:
    """Return the number of rows of `candidate_answers`, null questions included."""
    return len(details["questions"] or ())


def tags_of(details: Mapping[str, t.Any]) -> Tags | None:
    """Return the tags in details, sorted; None if they have no list of tags."""
    tag_ids = details["tag_ids"]
    return None if tag_ids is None else tuple(sorted(set(filter(None, tag_ids))))


@dataclass
class Changes:
    """Compares what the API shows with the inventory, which it only reads."""

    inventory: Inventory  # what the target holds
    run: Run  # what the run selects
    observer: Observer  # turns what the API sends into records and digests
    tags: TagLists  # which candidate has which tag
    without_id: int = 0  # list rows without a usable ID, which cannot be emitted

    def of_page(self, rows: Iterable[Row]) -> list[Task]:
        """Return the candidates of a page that are new, changed or not current."""
        tasks = []
        for row in rows:
            if row.id is None:
                self.without_id += 1
                continue
            known = self.inventory.get(row.id) or NEW
            record = self.observer.row(row.id, row.data)
            tags = self.tags.of(row.id)
            listed = self.observer.listed(record, tags)
            if not plan.is_settled(known, listed, self.run):
                is_asked = plan.wants_details(known, listed, self.run)
                packed = msgspec.json.encode(record)
                version = self.tags.version
                task = Task(row.id, known, packed, tags, version, listed, is_asked)
                tasks.append(task)
        return tasks

    def missing(self) -> dict[plan.Absence, list[Task]]:
        """Return the known candidates that the lists lack, by what follows."""
        tasks: dict[plan.Absence, list[Task]] = {what: [] for what in plan.Absence}
        for candidate_id, known in self.inventory.items(is_listed=False):
            absence = plan.absence(known, self.run)
            if absence is not plan.Absence.LEAVE:
                tasks[absence].append(Task(candidate_id, known))
        return tasks

    def due(self, since: datetime, until: datetime, days: int) -> Iterator[list[Task]]:
        """Yield the candidates that are due to be re-verified, in that order.

        Without a stream that needs details, only candidates that the lists lack are
        asked for, since these may be deleted.
        """
        inventory = self.inventory
        which = None if self.run.selected & FROM_DETAILS else False
        due = sorted(
            (time, candidate_id)
            for candidate_id, known in inventory.items(is_listed=which)
            if plan.PRESENCE[known.presence].reverified
            and not inventory.is_fetched(candidate_id)
            and (time := due_time(candidate_id, since, until, days)) is not None
        )
        for start in range(0, len(due), CHUNK):
            yield [self._due(*one) for one in due[start : start + CHUNK]]

    def _due(self, time: datetime, candidate_id: str) -> Task:
        known = self.inventory.get(candidate_id) or NEW
        is_listed = self.inventory.is_listed(candidate_id)
        listed = plan.unchanged(known) if is_listed else None
        return Task(candidate_id, known, listed=listed, due=time)

    def suspect(self) -> Task | None:
        """Return a listed candidate whose tags seem to be gone, if there is one."""
        for candidate_id, known in self.inventory.items():
            is_listed = known.presence is plan.Presence.LISTED
            if is_listed and known.tags != NEVER and not self.tags.of(candidate_id):
                return Task(candidate_id, known)
        return None
