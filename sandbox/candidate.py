"""A candidate: what the API knows, and what the list and the details show."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

Fields = dict[str, Any]

ROW_FIELDS = (
    *("id", "name", "email", "profile_url", "contact_info", "started_at"),
    *("finished_at", "points", "score", "rating", "hire_state", "category_id"),
    "job_opening_id",
)
"""The documented fields of a candidate in the list."""
DETAIL_FIELDS = ("tag_ids", "questions", "answers")
"""Fields that only the details have."""


class Key(NamedTuple):
    """A candidate's place in the list: by start; ties are in arbitrary order."""

    started: datetime
    tie: int
    id: str


@dataclass
class Candidate:
    """A candidate with everything that the API knows, shown or not."""

    fields: Fields
    key: Key
    submitted: bool
    archived: bool = False
    lock: Literal["never", "locked", "unlocked"] = "never"
    in_list: Fields = field(default_factory=dict)
    """What the list shows in place of `fields`."""
    in_details: Fields = field(default_factory=dict)
    """What the details show in place of `fields`."""
    held: Fields | None = None
    """The details of an earlier moment, where a replica still shows them."""
    revision: int = 0
    """The account's version at the last change."""

    @property
    def listed(self) -> bool:
        """Return whether the list of candidates shows it."""
        return self.submitted and not self.archived

    def row(self) -> Fields:
        """Return the candidate as the list shows it.

        If the candidate was locked on submission, its contact details never appear
        there: unlocking leaves no trace in the list.
        """
        row = {k: v for k, v in self.fields.items() if k not in DETAIL_FIELDS}
        if self.lock != "never":
            row["contact_info"] = None
        shown: Fields = copied(row | self.in_list)
        return shown

    def detail(self) -> Fields:
        """Return the candidate as its details show it."""
        if self.held is not None:
            held: Fields = copied(self.held)
            return held
        detail: Fields = copied(self.fields | self.in_details)
        if self.lock == "locked":
            detail["contact_info"] = None
            for answer in detail["answers"] or ():
                answer["text_answer"] = None
        return detail

    def answer_to(self, question_id: str) -> Fields:
        """Return the answer to a question. Raises KeyError without one."""
        for answer in self.fields["answers"]:
            if answer["question_id"] == question_id:
                shown: Fields = answer
                return shown
        raise KeyError(question_id)


def copied(value: Any) -> Any:
    """Return a deep copy of a JSON value."""
    if isinstance(value, dict):
        return {name: copied(item) for name, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list) else value


def sum_up(fields: Fields) -> None:
    """Set a candidate's points and score, from its answers and its questions."""
    points = sum(answer["points"] or 0 for answer in fields["answers"])
    most = sum(question["points"] or 0 for question in fields["questions"])
    fields["points"] = tidy(points)
    fields["score"] = tidy(round(100 * points / most, 6)) if most else 0


def tidy(points: float) -> float:
    """Return a whole number without a fraction, as most servers write JSON."""
    return int(points) if points == int(points) else points


def instant(text: str | None) -> datetime:
    """Return a time of the API for sorting; null sorts first."""
    if text is None:
        return datetime.min  # noqa: DTZ901
    when = datetime.fromisoformat(text)
    return when.astimezone(UTC).replace(tzinfo=None) if when.tzinfo else when
