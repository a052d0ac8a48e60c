"""Query parameters of `/candidates` that select candidates, without paging."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from sandbox.messages import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Test = Callable[[Mapping[str, Any]], bool]

HIRE_STATES = ("possible-hire", "rejected")


def number(query: Mapping[str, str], name: str) -> float | None:
    """Return the numeric parameter `name`; None if it is missing or empty.

    Empty counts as missing everywhere, after the documentation's own example
    `/categories?job_opening_id=`.
    """
    text = query.get(name)
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise Refused(400, "ValidationError") from None
    if not math.isfinite(value):
        raise Refused(400, "ValidationError")
    return value


def choice(query: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str | None:
    """Return the parameter `name`, one of `choices`; None if missing or empty."""
    text = query.get(name) or None
    if text is not None and text not in choices:
        raise Refused(400, "ValidationError")
    return text


@dataclass(frozen=True)
class Filters:
    """What a candidate must match; None and no tags match all.

    All filters are combined with AND, and so are the tags.
    """

    job_opening_id: str | None = None
    category_id: str | None = None
    tag_ids: frozenset[str] = frozenset()
    hire_state: str | None = None
    email: str | None = None
    min_score: float | None = None
    max_score: float | None = None
    min_rating: float | None = None
    max_rating: float | None = None

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> Filters:
        """Read a request's query; parameters of another name are ignored.

        Raises:
            Refused: for a value that the documentation does not allow.
        """
        tags = query.get("tag_ids", "").split(",")
        return cls(
            job_opening_id=query.get("job_opening_id") or None,
            category_id=query.get("category_id") or None,
            tag_ids=frozenset(tag for tag in tags if tag),
            hire_state=choice(query, "hire_state", HIRE_STATES),
            email=query.get("email") or None,
            min_score=number(query, "min_score"),
            max_score=number(query, "max_score"),
            min_rating=number(query, "min_rating"),
            max_rating=number(query, "max_rating"),
        )

    def tests(self) -> list[Test]:
        """Return a predicate over a candidate's fields for each filter set."""
        tests: list[Test] = []
        for name in ("job_opening_id", "category_id", "hire_state", "email"):
            wanted = getattr(self, name)
            if wanted is not None:
                tests.append(partial(_equals, name, wanted))
        if self.tag_ids:
            tests.append(lambda fields: self.tag_ids.issubset(fields["tag_ids"] or ()))
        for name in ("score", "rating"):
            low, high = getattr(self, f"min_{name}"), getattr(self, f"max_{name}")
            if low is not None or high is not None:
                ends = (
                    -math.inf if low is None else low,
                    math.inf if high is None else high,
                )
                tests.append(partial(_between, name, *ends))
        return tests


def _equals(name: str, wanted: str, fields: Mapping[str, Any]) -> bool:
    return bool(fields.get(name) == wanted)


def _between(name: str, low: float, high: float, fields: Mapping[str, Any]) -> bool:
    """Return whether a number lies in a range; null lies in none."""
    value = fields.get(name)
    return value is not None and low <= value <= high
