"""The sweep: all candidates of a scope, each once, and whether that is all there are.

Where the scope is another than that of the last complete run, and leaves something
out, the lists of the last one are read too: a candidate that neither has may be
deleted, one that only the last has is not.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace
from datetime import datetime

from tap_toggl_hire.errors import NotFoundError, RefusedError
from tap_toggl_hire.sync.ids import IdSet
from tap_toggl_hire.sync.plan import Relation
from tap_toggl_hire.sync.scope import both, queries
from tap_toggl_hire.sync.whole import WholeList, in_turn

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_toggl_hire.api.client import Client
    from tap_toggl_hire.api.pagination import Params
    from tap_toggl_hire.api.workers import Workers
    from tap_toggl_hire.sync.ids import Ids
    from tap_toggl_hire.sync.listing import Row
    from tap_toggl_hire.sync.scope import Filters, Query, Scope


class Sweep:
    """Reads the lists of candidates of a run.

    Args:
        client: The API.
        workers: Where requests are made.
        ids: Numbers the ids.
        page_size: Candidates asked for with one request.
        scope: Of this run.
        filters: Of this scope, as they are sent to the API.
        last: The scope of the last complete run; None for none.
        is_mine: Returns whether an id falls into this run's part.
    """

    def __init__(  # noqa: PLR0913 - what to read
        self,
        client: Client,
        workers: Workers,
        ids: Ids,
        *,
        page_size: int,
        scope: Scope,
        filters: Filters,
        last: Scope | None,
        is_mine: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self.seen = IdSet(ids)
        """Ids that the lists of the scope have."""
        self.elsewhere = IdSet(ids)
        """Ids that only the lists of the last scope have."""
        self.is_complete = True
        """Whether the lists of the scope came whole."""
        self.is_elsewhere_complete = True
        """Whether those of the last scope did, where they are read."""
        self.is_believed = False
        """Whether one is shorter than its total, for good."""
        self.total: int | None = None
        """Candidates that the API says there are in the scope, if it says so."""
        self.anchors: list[str] = []
        """Behind which the next sweep may begin parts of the list."""
        self._client = client
        self._workers = workers
        self._ids = ids
        self._page_size = page_size
        self._scope = scope
        self._start = _moment(scope.start_date)
        self._filters = filters
        self._is_mine = is_mine
        self._others = self._of_last(last)
        self._lists: dict[Query, WholeList] = {}

    def _of_last(self, last: Scope | None) -> list[Query]:
        """Return the lists of the last scope, where they are to be read, too."""
        if last is None or self._scope.relation(last) is not Relation.OTHER:
            return []
        filters = last.readable_filters
        if filters is None:
            self.is_elsewhere_complete = False
            return []
        return queries(last, filters)

    def ask(self, anchors: Sequence[str]) -> None:
        """Ask for the first page of each list, without waiting for them.

        Args:
            anchors: Ids in the list's order, behind which it may be read at the same
                time.

        Raises:
            TapError: If a job opening of the scope is not there.
        """
        # The list of an opening that is not there would just be empty.
        openings = [
            self._workers.submit(self._client.opening, key)
            for key in self._scope.job_opening_ids or ()
        ]
        for opening in openings:
            opening.result()
        mine = queries(self._scope, self._filters)
        usable = () if openings or self._workers.size == 1 else anchors
        for query in both(mine, self._others):
            self._lists[query] = WholeList(
                self._client,
                self._workers,
                query.params(self._page_size),
                ids=self._ids,
                until=_moment(query.start_date),
                anchors=usable if query.start_date is None else (),
            ).ask()

    @property
    def shared_params(self) -> Params:
        """The query that all lists of the scope share."""
        mine = queries(self._scope, self._filters)
        one = mine[0] if len(mine) == 1 else replace(mine[0], job_opening_id=None)
        return one.params(self._page_size)

    def pages(self) -> Iterator[list[Row]]:
        """Yield pages of the rows that are in the scope and in this run's part."""
        mine = {q.job_opening_id: q for q in queries(self._scope, self._filters)}
        listed = {
            query: query.filters == tuple(sorted(self._filters.items()))
            and query.job_opening_id in mine
            for query in self._lists
        }
        totals = []
        for query, whole in self._lists.items():
            if listed[query]:
                whole.start()
                totals.append(whole.total)
        self.total = None if None in totals else sum(filter(None, totals))
        yield from in_turn(
            [self._read(w, is_mine=listed[q]) for q, w in self._lists.items()]
        )
        for query, whole in self._lists.items():
            if listed[query]:
                self.is_complete = self.is_complete and whole.is_complete
                self.is_believed = self.is_believed or whole.is_believed
            else:
                self.is_elsewhere_complete &= whole.is_complete
        if len(self._lists) == 1:
            self.anchors = next(iter(self._lists.values())).anchors()

    def _read(self, whole: WholeList, *, is_mine: bool) -> Iterator[list[Row]]:
        try:
            for rows in whole.pages():
                yield [row for row in rows if self._is_listed(row, is_mine=is_mine)]
        except (NotFoundError, RefusedError):
            if is_mine:
                raise
            self.is_elsewhere_complete = False  # of what the settings no longer name

    def _is_listed(self, row: Row, *, is_mine: bool) -> bool:
        """Note that a row came; return whether it is to be looked at."""
        if row.id is None:
            return is_mine
        if not self._is_mine(row.id):
            return False
        is_past = self._start and row.started and row.started < self._start
        if is_mine and not is_past:
            return self.seen.add(row.id) is not None
        self.elsewhere.add(row.id)
        return False


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
