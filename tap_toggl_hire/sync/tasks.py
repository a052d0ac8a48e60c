"""The work on one candidate, given what the API answers to a request for its details.

There are three kinds of work, with the same methods: a candidate that the lists show,
one that they lack, and a listed one that is due for re-verification.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

import msgspec

from tap_toggl_hire.errors import NotFoundError, RequestError
from tap_toggl_hire.sync import plan
from tap_toggl_hire.sync.change import Change
from tap_toggl_hire.sync.inventory import digest
from tap_toggl_hire.sync.observer import is_torn
from tap_toggl_hire.sync.plan import FROM_DETAILS, HISTORY

if t.TYPE_CHECKING:
    from datetime import datetime

    from tap_toggl_hire.records import Record
    from tap_toggl_hire.sync.change import TagIds
    from tap_toggl_hire.sync.observer import Json, Observer
    from tap_toggl_hire.sync.plan import (
        Details,
        Known,
        Listed,
        Plan,
        Selection,
        Streams,
    )
    from tap_toggl_hire.sync.tags import TagLists

DetailsResponse = t.Union["Json", RequestError, None]
"""What the API answered: a body, or an error. None if nothing was asked."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a run compares candidates on."""

    observer: Observer  # makes records and digests
    tags: TagLists  # the tags of candidates
    full_selection: Selection  # what the run selects, history included

    @property
    def selection(self) -> Selection:
        """What can be emitted now: no history while tags are unknown."""
        full = self.full_selection
        if not self.tags.are_unknown:
            return full
        return replace(full, selected=full.selected - {HISTORY})

    def read(self, candidate_id: str, details: Record, *, is_torn: bool) -> Details:
        """Digest the details of a listed candidate, compared with the lists of tags."""
        contradicts = self.tags.contradict(candidate_id, details)
        are_unknown = self.tags.are_unknown
        return self.observer.read(
            details,
            is_torn=is_torn,
            contradicts_tags=contradicts,
            tags=self.tags.in_details(details) if are_unknown else None,
        )


@dataclass(slots=True)
class Decision:
    """What is done about a candidate."""

    id: str  # the candidate
    known: Known  # what the inventory said before any announcement of this run
    plan: Plan  # what is emitted, and what is known then
    change: Change  # what its records are made of
    answers: int = 0  # rows of `candidate_answers` that its details make
    due: datetime | None = None  # when it was due, if it is re-verified


class Task(t.Protocol):
    """The work on one candidate."""

    id: str  # the candidate
    known: Known  # what the inventory said before any announcement of this run

    @property
    def due(self) -> datetime | None:
        """When it was due, if it is re-verified."""

    @property
    def size(self) -> int:
        """The bytes that it takes while it waits, beside a few hundred."""

    def wants_details(self) -> bool:
        """Return whether its details are to be requested."""

    def decide(self, response: DetailsResponse) -> Decision:
        """Return what is done, given the details if they were requested."""


@dataclass(slots=True, eq=False)
class ListedTask:
    """A candidate that the lists show: new, changed, or not current."""

    terms: Terms
    id: str
    known: Known
    packed: bytes  # its record of `candidates` as JSON, since thousands may wait
    tags: TagIds | None  # its tags; None where they are unknown
    listed: Listed  # what the list shows, given these tags
    tags_version: int  # of the tag lists at that moment
    due: None = None

    @property
    def size(self) -> int:
        """The bytes of its row."""
        return len(self.packed)

    def wants_details(self) -> bool:
        """Return whether its details are to be requested."""
        self._refresh()
        return plan.wants_details(self.known, self.listed, self.terms.selection)

    def may_emit(self) -> Streams:
        """Return the streams that may be emitted, before the details are known."""
        self._refresh()
        return plan.may_emit(self.known, self.listed, self.terms.selection)

    def decide(self, response: DetailsResponse) -> Decision:
        """Return what is done, given the details if they were requested."""
        row, details, read = self._row(), None, None
        if isinstance(response, dict):
            details = self.terms.observer.details.of(response)
            torn = is_torn(row, details, response)
            read = self.terms.read(self.id, details, is_torn=torn)
        self._refresh()  # with the tags that the details named
        selection = self.terms.selection
        if isinstance(response, RequestError):
            decided = plan.plan_without_details(self.known, self.listed, selection)
        else:
            decided = plan.plan_listed(self.known, self.listed, read, selection)
        return _decision(self, decided, row, self.tags, details)

    def _row(self) -> Record:
        return t.cast("Record", msgspec.json.decode(self.packed))

    def _refresh(self) -> None:
        """Compare with the tags that were learned meanwhile."""
        tags = self.terms.tags
        if self.tags_version != tags.version:
            self.tags_version, self.tags = tags.version, tags.of(self.id)
            self.listed = self.terms.observer.listed(self._row(), self.tags)


@dataclass(slots=True, eq=False)
class MissingTask:
    """A known candidate that the lists lack: archived, out of scope, or deleted."""

    terms: Terms
    id: str
    known: Known
    due: datetime | None = None  # when it was due, if it is re-verified
    size = 0

    def wants_details(self) -> bool:
        """Return whether its details are to be requested: in any case."""
        return True

    def decide(self, response: DetailsResponse) -> Decision:
        """Return what is done, given the details."""
        if isinstance(response, NotFoundError):
            return self.delete()
        if not isinstance(response, dict):  # a failure decides nothing
            return _decision(self, plan.Plan(self.known))
        observer = self.terms.observer
        details = observer.details.of(response)
        row = observer.row_in(self.id, details)
        tags = self.terms.tags.known_in_details(details)
        # Unknown fields of details are not those of a list row.
        listed = replace(observer.listed(row, tags), extra=None)
        read = observer.read(details, is_torn=False, contradicts_tags=False)
        decided = plan.plan_found(self.known, listed, read, self.terms.selection)
        return _decision(self, decided, row, tags, details)

    def delete(self) -> Decision:
        """Return what is done about a candidate that is known to be deleted."""
        decided = plan.plan_gone(self.known, self.terms.selection)
        return _decision(self, decided, is_deleted=True)


@dataclass(slots=True, eq=False)
class DueTask:
    """A listed candidate whose details are due for re-verification."""

    terms: Terms
    id: str
    known: Known
    due: datetime  # the time of the API at which it was due
    size = 0

    def wants_details(self) -> bool:
        """Return whether its details are to be requested."""
        return bool(self.terms.full_selection.selected & FROM_DETAILS)

    def decide(self, response: DetailsResponse) -> Decision:
        """Return what is done, given the details if they were requested."""
        if not isinstance(response, dict):
            return _decision(self, plan.plan_not_reverified(self.known))
        observer = self.terms.observer
        details = observer.details.of(response)
        torn = digest(observer.row_part(details)) != self.known.row
        read = self.terms.read(self.id, details, is_torn=torn)
        decided = plan.plan_reverified(self.known, read, self.terms.selection)
        return _decision(self, decided, details=details)


def _decision(  # noqa: PLR0913
    task: Task,
    decided: Plan,
    row: Record | None = None,
    tags: TagIds | None = None,
    details: Record | None = None,
    *,
    is_deleted: bool = False,
) -> Decision:
    held = task.known.answers if is_deleted else task.known.committed_answers
    event, answers = decided.event, len((details or {}).get("questions") or ())
    change = Change(task.id, row, tags, details, event, held, is_deleted)
    return Decision(task.id, task.known, decided, change, answers, task.due)
