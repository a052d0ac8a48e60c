"""Which candidates the settings take in, and how two such scopes compare.

A candidate that a later scope leaves out is not deleted. So the state remembers the
scope of the last complete run, and others that candidates were read with.
"""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from tap_toggl_hire.sync.plan import Relation

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Filters = dict[str, str]
"""Filters as they are sent to the API."""


@dataclass(frozen=True)
class Scope:
    """The candidates that a run looks at; all of them by default."""

    start_date: str | None = None
    """In UTC, so that texts compare as times do."""
    job_opening_ids: tuple[str, ...] | None = None
    filters: str | None = None
    """As JSON; of an e-mail address, which is personal, a digest."""

    @classmethod
    def of(
        cls,
        *,
        start_date: str | None = None,
        job_opening_ids: Iterable[str] | None = None,
        filters: Mapping[str, str] | None = None,
    ) -> Scope:
        """Make the scope of some settings."""
        hidden = dict(filters or {})
        if _EMAIL in hidden:
            address = f"candidate_filters.email:{hidden[_EMAIL]}"
            hidden[_EMAIL] = sha256(address.encode()).hexdigest()[:16]
        ids = None if job_opening_ids is None else tuple(sorted(set(job_opening_ids)))
        return cls(
            start_date=start_date,
            job_opening_ids=ids,
            filters=_written(hidden),
        )

    def checked(self) -> Scope:
        """Return this scope, as `of` would have made it.

        Raises:
            ValueError: If it cannot be one.
        """
        if self.start_date and datetime.fromisoformat(self.start_date).tzinfo is None:
            raise ValueError
        filters = json.loads(self.filters or "{}")
        if not isinstance(filters, dict) or not all(
            isinstance(value, str) for value in filters.values()
        ):
            raise ValueError
        return replace(self, filters=_written(filters))

    @property
    def readable_filters(self) -> Filters | None:
        """The filters; None where an e-mail address is one, which is not known."""
        filters: Filters = json.loads(self.filters or "{}")
        return None if _EMAIL in filters else filters

    def covers(self, other: Scope) -> bool:
        """Return whether every candidate of the other scope is in this one."""
        return (
            (
                self.start_date is None
                or (
                    other.start_date is not None and self.start_date <= other.start_date
                )
            )
            and (
                self.job_opening_ids is None
                or (
                    other.job_opening_ids is not None
                    and set(self.job_opening_ids) >= set(other.job_opening_ids)
                )
            )
            and self.filters in {None, other.filters}
        )

    def relation(self, last: Scope | None) -> Relation:
        """Return how it stands to the scope of the last complete run, None for none."""
        if self == last:
            return Relation.SAME
        if last is None or self.covers(last):
            return Relation.WIDER
        return Relation.OTHER


def _written(filters: Filters) -> str | None:
    return json.dumps(filters, sort_keys=True) if filters else None


_EMAIL = "email"

MOST_PARTS = 256


@dataclass(frozen=True)
class Part:
    """Some of the candidates, by a stable digest of their ids.

    Attributes:
        number: Which part, from 1.
        parts: Of how many.
    """

    number: int = 1
    parts: int = 1

    def __str__(self) -> str:
        return f"{self.number}/{self.parts}" if self.parts > 1 else ""

    @classmethod
    def parse(cls, text: str) -> Part:
        """Read a part such as `2/4`.

        Raises:
            ValueError: If it is none.
        """
        match = re.fullmatch(r"([1-9][0-9]{0,2})/([1-9][0-9]{0,2})", text)
        if match is None or not int(match[1]) <= int(match[2]) <= MOST_PARTS:
            raise ValueError
        return cls(int(match[1]), int(match[2]))

    def has(self, candidate_id: str) -> bool:
        """Return whether a candidate falls into this part."""
        if self.parts == 1:
            return True
        digested = sha256(candidate_id.encode()).digest()
        return int.from_bytes(digested[:8], "big") % self.parts == self.number - 1


EVERYBODY = Part()


def widest(last: Scope | None, scopes: Iterable[Scope]) -> list[Scope]:
    """Return those of some scopes that neither the last one nor another covers."""
    left: list[Scope] = []
    for scope in scopes:
        others = left if last is None else [last, *left]
        if not any(other.covers(scope) for other in others):
            left = [other for other in left if not scope.covers(other)]
            left.append(scope)
    return left


@dataclass(frozen=True)
class Query:
    """One list of candidates that is read for a scope."""

    job_opening_id: str | None
    filters: tuple[tuple[str, str], ...]
    start_date: str | None
    """Where the list may end; None to read it whole."""

    def params(self, page_size: int) -> dict[str, str]:
        """Return what is asked for, page by page."""
        params = {
            **dict(self.filters),
            "limit": str(page_size),
            # With a start date, the newest first, as far back as it says.
            "order": "asc" if self.start_date is None else "desc",
        }
        if self.job_opening_id is not None:
            params["job_opening_id"] = self.job_opening_id
        return params


def queries(scope: Scope, filters: Filters) -> list[Query]:
    """Return the lists that make up a scope.

    Args:
        scope: The scope.
        filters: Its filters, as they are sent to the API.
    """
    fixed = tuple(sorted(filters.items()))
    ids = (None,) if scope.job_opening_ids is None else scope.job_opening_ids
    return [Query(job_opening_id, fixed, scope.start_date) for job_opening_id in ids]


def both(present: list[Query], last: list[Query]) -> list[Query]:
    """Return the lists to read for two scopes, each no longer than one of them needs.

    Those of the present scope come first, in their order; where the last one needs
    more of the same list, it is read further back.
    """
    back = {_name(query): query.start_date for query in last}
    joined = []
    for query in present:
        start = query.start_date
        if _name(query) in back:
            other = back.pop(_name(query))
            start = None if start is None or other is None else min(start, other)
        joined.append(replace(query, start_date=start))
    return joined + [query for query in last if _name(query) in back]


def _name(query: Query) -> tuple[object, ...]:
    return query.job_opening_id, query.filters
