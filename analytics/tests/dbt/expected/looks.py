"""What the runs of the tap saw of an account, one after the other."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tests.support.truth import truth

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox import Account

Row = dict[str, Any]
Rows = dict[Any, Row]


@dataclass(frozen=True)
class Look:
    """What a run saw."""

    at: datetime
    rows: dict[str, Rows]

    @classmethod
    def now(cls, account: Account, at: datetime) -> Look:
        """Look at an account."""
        return cls(at.replace(tzinfo=None), truth(account))

    def state(self, candidate_id: str) -> Row | None:
        """A candidate as the list has it; None where there is none."""
        row = self.rows["candidates"].get(candidate_id)
        return row and {**row, "hire_state": row["hire_state"] or None}


class Looks:
    """All looks at an account, and what can be told from them."""

    def __init__(self, looks: Sequence[Look]) -> None:
        self.all = looks
        self.first, self.last = looks[0], looks[-1]
        seen = [look.rows["candidates"].keys() for look in looks]
        self.erased = set().union(*seen) - seen[-1]
        self.openings = self._names("job_openings")
        self.categories = self._names("categories")

    @cached_property
    def answers(self) -> list[Row]:
        """All questions shown, with their answers, as the last look has them."""
        return list(self.last.rows["candidate_answers"].values())

    @cached_property
    def by_question(self) -> dict[str, list[Row]]:
        return _grouped(self.answers, "question_id")

    @cached_property
    def by_candidate(self) -> dict[str, list[Row]]:
        return _grouped(self.answers, "candidate_id")

    def states(self, candidate_id: str) -> list[tuple[Look, Row]]:
        pairs = [(look, look.state(candidate_id)) for look in self.all]
        return [(look, row) for look, row in pairs if row is not None]

    def changes(self, candidate_id: str) -> list[Look]:
        """The looks that saw something of the history differ."""

        def told(pair: tuple[Look, Row]) -> list[Any]:
            look, row = pair
            names = (
                *("job_opening_id", "category_id", "hire_state"),
                *("rating", "points", "score"),
            )
            tags = look.rows["candidate_details"][candidate_id]["tag_ids"]
            return [sorted(tags), *(row[name] for name in names)]

        groups = groupby(self.states(candidate_id), told)
        return [next(group)[0] for _, group in groups]

    def stays(self, candidate_id: str) -> Iterator[tuple[tuple[Any, Any], list[Look]]]:
        """Where a candidate was, place after place, and the looks that saw it."""
        states = self.states(candidate_id)
        for place, group in groupby(
            states, lambda pair: (pair[1]["job_opening_id"], pair[1]["category_id"])
        ):
            yield place, [look for look, _ in group]

    def decision(self, candidate_id: str) -> tuple[str, datetime | None]:
        (_, before), *later = self.states(candidate_id)
        if before["hire_state"]:
            return "decided before", None
        for look, row in later:
            moved = row["category_id"] not in {None, before["category_id"]}
            if row["hire_state"] or moved:
                return "decided", look.at
            before = row
        return "waiting", None

    def place(self, opening: str | None, category: str | None) -> Row:
        return {
            "job_opening_id": opening,
            "job_opening": self.openings.get(opening),
            "category_id": category,
            "category": self.categories.get(category),
        }

    def _names(self, stream: str) -> dict[str | None, str]:
        """The last name of each, deleted ones too."""
        return {
            key: row["name"]
            for look in self.all
            for key, row in look.rows[stream].items()
        }


def naive(moment: str | None) -> Any:
    """A time of the API, as the models have it."""
    if moment is None:
        return None
    return datetime.fromisoformat(moment).astimezone(UTC).replace(tzinfo=None)


def days(earlier: datetime, later: datetime) -> float:
    """Days from one time to another."""
    return (later - earlier) / timedelta(days=1)


def _grouped(rows: list[Row], name: str) -> dict[str, list[Row]]:
    groups = defaultdict(list)
    for row in rows:
        groups[row[name]].append(row)
    return groups
