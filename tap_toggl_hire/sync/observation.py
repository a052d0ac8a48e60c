"""What the API showed of a candidate: as records for the streams, as digests to plan.

Personal data are treated here, before anything is compared, emitted or noted.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import msgspec

from tap_toggl_hire.fields import plain
from tap_toggl_hire.records import EXTRA
from tap_toggl_hire.sync.inventory import digest
from tap_toggl_hire.sync.plan import Details, Listed

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_toggl_hire.records import Record
    from tap_toggl_hire.sync.tags import Tags

Json = dict[str, t.Any]

HISTORY_FIELDS = (
    "job_opening_id",
    "category_id",
    "hire_state",
    "rating",
    "points",
    "score",
)
"""Fields of the list row whose changes make the history; `tag_ids` is the other."""
ONLY_IN_DETAILS = {"tag_ids", "questions", "answers"}
"""Fields of `/candidates/{id}` that the list row has not."""


@dataclass(slots=True)
class Change:
    """What is emitted of a candidate, for each stream to make records of.

    Attributes:
        id: The candidate.
        row: A record of `candidates`; None for one that is gone.
        tags: Its tags, None where they are unknown.
        details: A record of `candidate_details`, where it was read.
        event: Of `candidate_history`.
        answers_held: The most rows of `candidate_answers` that the target may hold.
    """

    id: str
    row: Record | None = None
    tags: Tags | None = None
    details: Record | None = None
    event: str | None = None
    answers_held: int = 0


class Observer:
    """Turns what the API sends into records and digests.

    Args:
        to_row: Makes a record of `candidates`, personal data treated.
        to_details: Makes a record of `candidate_details`, the same way.
        privacy: Tells one treatment of personal data from another: what is emitted
            depends on it even where the row has none.
        compares_extra: Whether unknown fields of a row are emitted, and so compared.
    """

    def __init__(
        self,
        to_row: Callable[[Json], Record],
        to_details: Callable[[Json], Record],
        *,
        privacy: str,
        compares_extra: bool,
    ) -> None:
        self._to_row = to_row
        self._to_details = to_details
        self._privacy = privacy
        self._compares_extra = compares_extra

    def row(self, candidate_id: str, data: Json) -> Record:
        """Make a record of `candidates`."""
        return {**self._to_row(data), "id": candidate_id}

    def row_of(self, candidate_id: str, answer: Json) -> Record:
        """Make a record of `candidates` of what only `/candidates/{id}` shows."""
        data = {name: answer[name] for name in answer.keys() - ONLY_IN_DETAILS}
        return self.row(candidate_id, data)

    def listed(self, row: Record, tags: Tags | None) -> Listed:
        """Digest a record of `candidates`, and the candidate's tags."""
        key = row["id"]
        declared = {name: value for name, value in row.items() if name != EXTRA}
        history = None
        if tags is not None:
            history = digest([[row[name] for name in HISTORY_FIELDS], tags], key)
        extra = None
        if self._compares_extra:
            extra = 0 if row[EXTRA] is None else digest(row[EXTRA], key)
        return Listed(history, digest([self._privacy, declared], key), extra)

    def unknown_fields(self, row: Record) -> list[str]:
        """Return the names in a row's column `extra`, those that are plain words."""
        return (
            [] if row[EXTRA] is None else [*map(plain, msgspec.json.decode(row[EXTRA]))]
        )

    def details(self, answer: Json) -> Record:
        """Make a record of `candidate_details`."""
        return self._to_details(answer)

    def read(
        self, row: Record, tags: Tags | None, details: Record, answer: Json
    ) -> Details:
        """Digest details, and see whether they are of the moment of their row.

        Args:
            row: A record of `candidates`.
            tags: The tags of the candidate, None where they are unknown.
            details: What `details` made of the answer.
            answer: The answer of `/candidates/{id}`. A field that it lacks altogether
                says nothing of its moment.
        """
        told = {
            name: value
            for name, value in details.items()
            if name != EXTRA or value is not None
        }
        is_torn = any(
            details[name] != value
            for name, value in row.items()
            if name in answer and name in details and name != EXTRA
        )
        tags_told = tags_of(details)
        is_torn = is_torn or (None not in (tags, tags_told) and tags != tags_told)
        return Details(
            digest(msgspec.Raw(msgspec.json.encode(told)), row["id"]),
            len(details["questions"] or ()),
            is_torn,
        )


def tags_of(details: Mapping[str, t.Any]) -> Tags | None:
    """Return the tags that details tell, in one order; None if they tell none."""
    tag_ids = details["tag_ids"]
    return None if tag_ids is None else tuple(sorted(set(filter(None, tag_ids))))
