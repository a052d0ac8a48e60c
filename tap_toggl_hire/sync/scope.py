"""The scope of a run: which candidates the settings select.

`start_date`, `job_opening_ids` and `candidate_filters` narrow it. A candidate outside
the scope is not deleted, so the state remembers the scope of the last complete run.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - a dataclass names it
from hashlib import blake2b

import msgspec

if t.TYPE_CHECKING:
    from tap_toggl_hire.api.pagination import Params

ALL = "all"  # the key of the scope that selects every candidate


@dataclass(frozen=True)
class Query:
    """One list of candidates (API documentation: List candidates)."""

    # the query of its first page, `limit` and `order` apart
    params: tuple[tuple[str, str], ...]
    # rows that started earlier end the list; None reads it to its end. The API has no
    # parameter for it
    since: datetime | None

    def first_page(self, limit: int, *, order: str = "asc") -> Params:
        """Return the query of the first page."""
        return {**dict(self.params), "limit": str(limit), "order": order}


@dataclass(frozen=True)
class Scope:
    """The candidates that the settings select; all of them by default."""

    # only candidates that started at or after it, in UTC
    start_date: datetime | None = None
    job_opening_ids: tuple[str, ...] | None = None  # only candidates of these openings
    # `candidate_filters` as sent to the API, in the order of their names
    filters: tuple[tuple[str, str], ...] = ()

    @property
    def is_narrowed(self) -> bool:
        """Whether it leaves candidates out."""
        return self != Scope()

    @property
    def key(self) -> str:
        """A short name for the state: equal for equal scopes, without personal data.

        An e-mail address may be among the filters, so the name is a hash.
        """
        if not self.is_narrowed:
            return ALL
        ids = None if self.job_opening_ids is None else sorted(self.job_opening_ids)
        start = self.start_date and self.start_date.isoformat()
        text = msgspec.json.encode([start, ids, self.filters])
        return blake2b(text, digest_size=8).hexdigest()

    @property
    def shared(self) -> Query:
        """The list of all its candidates, whatever their opening."""
        return Query(self.filters, self.start_date)

    def queries(self) -> list[Query]:
        """Return the lists that make up the scope: one per opening, if it has any."""
        if self.job_opening_ids is None:
            return [self.shared]
        return [
            Query((*self.filters, ("job_opening_id", opening_id)), self.start_date)
            for opening_id in self.job_opening_ids
        ]
