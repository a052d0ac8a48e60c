"""What needs attention: what is new in sentences, and what stays in one line.

Each item begins at a moment: a wait that is longer than usual, when it reached its
limit; retention, on its due date; the drift of a field, with the first run that saw it.
New is what began within some days before the last look. So the alarm ends, although
somebody still waits.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_SAID = 3
"""Sentences above the table on the page."""
MOST_FIELDS = 5
"""Fields that a sentence names."""
RETENTION = {
    "rejected": "rejected (delete them in Toggl Hire)",
    "undecided": "undecided (decide first)",
}


class Attention(NamedTuple):
    """What needs attention.

    Attributes:
        new: a sentence each.
        standing: what is not new, in one line; None if nothing is.
    """

    new: list[str]
    standing: str | None


def attention(waiting: dict[str, Any], drift: Sequence[dict[str, Any]]) -> Attention:
    """Say what is new and what stays.

    Args:
        waiting: the figures of the section `waiting`.
        drift: of the figures of data health.
    """
    openings = waiting["openings"]
    new = [
        *(_drift(one) for one in drift if one["is_new"]),
        *_undecided(waiting["undecided"]),
        *(sentence for opening in openings for sentence in _opening(opening)),
        *_retention(waiting["retention"]),
    ]
    old = [
        *(_old_drift(one) for one in drift if not one["is_new"]),
        *_old_waits(openings),
        *_old(waiting),
    ]
    return Attention(new, f"As before: {listed(old)}." if old else None)


def _drift(drift: dict[str, Any]) -> str:
    names, workspace = named(drift["fields"]), drift["workspace"]
    api = f"API of {workspace}" if workspace else "API"
    is_one = len(drift["fields"]) == 1
    columns = "column is" if is_one else "columns are"
    since = f"Since {day(drift['since'])} the {api}"
    if drift["problem"] == "missing":
        return f"{since} does not send {names}: the {columns} null."
    values = drift["occurrences"]
    noun = "value" if values == 1 else "values"
    return (
        f"{since} sends {names} in a form that the tap cannot read ({values:,} {noun} "
        f"in the last run that saw {'it' if is_one else 'them'}): the {columns} null "
        "there."
    )


def _old_drift(drift: dict[str, Any]) -> str:
    names, workspace = named(drift["fields"]), drift["workspace"]
    where = f" in {workspace}" if workspace else ""
    what = {"missing": "missing", "mismatched": "in a form that the tap cannot read"}
    return f"{names}{where} {what[drift['problem']]} since {day(drift['since'])}"


def named(fields: Sequence[str]) -> str:
    """Name the first of some fields, and count the others."""
    names = [f"`{field}`" for field in fields[:MOST_FIELDS]]
    more = len(fields) - MOST_FIELDS
    return listed([*names, f"{more} more"] if more > 0 else names)


def _opening(opening: dict[str, Any]) -> Iterator[str]:
    parts = [*_decisions(opening), *_grading(opening)]
    if parts:
        yield f"{opening['opening']}: {'; '.join(parts)}."


def _decisions(opening: dict[str, Any]) -> Iterator[str]:
    number, new = opening["beyond_usual"], opening["beyond_usual_new"]
    if not new:
        return
    longest = days(opening["beyond_usual_longest_days"])
    if new == number:
        yield (
            f"{_candidates(new)} been waiting longer than usual for a decision, the "
            f"longest for {longest}"
        )
    else:
        yield (
            f"{_candidates(new)} now been waiting longer than usual for a decision "
            f"({number} in all, the longest for {longest})"
        )


def _candidates(number: int) -> str:
    return "1 candidate has" if number == 1 else f"{number:,} candidates have"


def _grading(opening: dict[str, Any]) -> Iterator[str]:
    if opening["is_ungraded_new"]:
        number, oldest = opening["ungraded"], opening["ungraded_oldest_days"]
        verb = "answer has" if number == 1 else "answers have"
        yield (
            f"{number:,} {verb} been waiting for a grader, the oldest for "
            f"{days(oldest)}"
        )


def _undecided(undecided: dict[str, Any]) -> Iterator[str]:
    if undecided["is_new"]:
        yield _too_many(undecided)


def _too_many(undecided: dict[str, Any]) -> str:
    return (
        f"{undecided['candidates']:,} of {undecided['of']:,} have no decision; the "
        f"longest wait is {days(undecided['longest_days'])}."
    )


def _retention(retention: dict[str, Any]) -> Iterator[str]:
    new = {state: retention[f"{state}_new"] for state in RETENTION}
    parts = [f"{count:,} {RETENTION[state]}" for state, count in new.items() if count]
    number = sum(new.values())
    if number:
        of = "1 candidate" if number == 1 else f"{number:,} candidates"
        yield f"Retention has ended for {of}: {listed(parts)}."


def _old_waits(openings: Sequence[dict[str, Any]]) -> Iterator[str]:
    counts = [
        (one["beyond_usual"] or 0) - (one["beyond_usual_new"] or 0) for one in openings
    ]
    number, places = sum(counts), sum(map(bool, counts))
    if number:
        of = "1 opening" if places == 1 else f"{places} openings"
        noun = "candidate" if number == 1 else "candidates"
        yield f"{number:,} {noun} in {of} waiting longer than usual for a decision"


def _old(waiting: dict[str, Any]) -> Iterator[str]:
    undecided, retention = waiting["undecided"], waiting["retention"]
    ungraded = sum(
        one["ungraded"]
        for one in waiting["openings"]
        if one["is_ungraded_beyond_usual"] and not one["is_ungraded_new"]
    )
    if ungraded:
        noun = "answer" if ungraded == 1 else "answers"
        yield f"{ungraded:,} {noun} waiting for a grader"
    if undecided["candidates"] and not undecided["is_new"]:
        yield _too_many(undecided).rstrip(".")
    for state, what in RETENTION.items():
        number = retention[state] - retention[f"{state}_new"]
        if number:
            yield f"retention has ended for {number:,} {what}"


def listed(texts: Sequence[str]) -> str:
    """Join texts with commas and an "and"."""
    *first, last = texts
    return f"{', '.join(first)} and {last}" if first else last


def day(text: str) -> str:
    """A date in words."""
    return f"{date.fromisoformat(text):%-d %B %Y}"


def days(number: float) -> str:
    """A number of days in words."""
    return "1 day" if number == 1 else f"{number:g} days"
