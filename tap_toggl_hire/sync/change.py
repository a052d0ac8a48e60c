"""What is emitted of one candidate, and what its records have in common."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from tap_toggl_hire.records import Record

TagIds = tuple[str, ...]  # tag IDs, sorted

HISTORY_FIELDS = (
    "job_opening_id",
    "category_id",
    "hire_state",
    "rating",
    "points",
    "score",
)
"""Fields of the list row that are compared for `candidate_history`, beside `tag_ids`.

They are digested. One more field changes the digest of every candidate, so that the
next run writes a row `updated` for each.
"""
HISTORY_COLUMNS = (*HISTORY_FIELDS, "finished_at")
"""Fields of the list row that `candidate_history` has, beside `tag_ids`."""
ONLY_IN_DETAILS = {"tag_ids", "questions", "answers"}
"""Fields of `/candidates/{id}` that a list row lacks."""


@dataclass(slots=True)
class Change:
    """What is emitted of a candidate, for each stream to make records of."""

    id: str  # the candidate
    # A record of `candidates`; None for a deleted candidate, and where only details are
    # emitted
    row: Record | None = None
    tags: TagIds | None = None  # its tags; None where they are unknown
    # A record of `candidate_details`, if the details were read
    details: Record | None = None
    event: str | None = None  # of `candidate_history`; "deleted" for a tombstone
    answers_held: int = 0  # the largest number of answer rows that the target may hold
    is_deleted: bool = False  # whether it is deleted: every stream emits tombstones
