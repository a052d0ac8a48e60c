"""Lists of candidates, read to their end and checked against their `total`.

The list is sorted by `started_at` and has seek pagination: `after_id` names the last
candidate of the page before (API documentation: Pagination). It changes while it is
read. The candidate named by `after_id` may be deleted meanwhile, and what the API
answers then is not documented: an error, an empty page, or the list from its start.
An error, a page without new rows, or a `total` larger than the number of rows makes a
reading *short*. It is repeated once, with another page size, whose pages end elsewhere.

Whatever waits for a page raises TapError if the API fails or its links form a loop, and
StoppedError if the run is to stop.
"""

from __future__ import annotations

import typing as t
from collections import deque
from itertools import islice

from tap_toggl_hire.api.pagination import loop_error, total_of
from tap_toggl_hire.clock import moment
from tap_toggl_hire.errors import (
    BadRequestError,
    NotFoundError,
    RequestError,
    UnavailableError,
)
from tap_toggl_hire.records import id_of

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future
    from datetime import datetime

    from tap_toggl_hire.api.client import Client
    from tap_toggl_hire.api.pagination import Params
    from tap_toggl_hire.api.workers import Workers
    from tap_toggl_hire.sync.scope import Part, Query, Scope

T = t.TypeVar("T")
Json = dict[str, t.Any]
See = t.Callable[[str], bool]  # marks an ID as seen; returns whether it was not yet

MOST_AHEAD = 20  # pages that are read ahead, at most
MOST_BARREN_PAGES = 3  # pages in a row without a new row that are taken for a loop


class Row(t.NamedTuple):
    """A row of the list, parsed once."""

    id: str | None  # None where it has no usable ID
    started: datetime | None  # None where `started_at` is missing or malformed
    data: Json  # the row as it came


def parse_row(data: t.Any) -> Row:
    """Parse a row of the list."""
    row = data if isinstance(data, dict) else {}
    try:
        started = moment(row["started_at"])
    except (LookupError, TypeError, ValueError):
        started = None
    return Row(id_of(row), started, row)


class Source(t.NamedTuple):
    """What lists are read with."""

    client: Client  # the API
    workers: Workers  # make the requests
    # waits for a request; raises StoppedError if the run is stopped
    wait: Callable[[Future[t.Any]], t.Any]
    check: Callable[[], None]  # raises StoppedError if the run is stopped


class Reading:
    """One reading of a list in one direction, with the next page requested ahead.

    The readings from both ends of a list share `see`. A row that started before `since`
    ends a reading.
    """

    def __init__(
        self, source: Source, params: Params, see: See, since: datetime | None = None
    ) -> None:
        self.totals: list[int | None] = []  # what each page says of the number of rows
        self.is_over = False  # there is nothing more to read, for whatever reason
        self.has_ended = False  # at the regular end of the list, or at `since`
        self.is_cut = False  # at `since`, so that the total counts more rows
        self.met_seen = False  # the last page had a candidate that was seen before
        self._source = source
        self._see = see
        self._since = since
        self._paginator = source.client.paginator(params)
        self._barren = 0
        self._next: Future[Json] | None = None
        self._page: Json | None = None

    def ask(self) -> Reading:
        """Request the next page, without waiting for it."""
        read = self._source.client.candidates_page
        params = self._paginator.current_value
        self._next = self._source.workers.submit(read, params, urgent=True)
        return self

    def peek(self) -> list[Row]:
        """Wait for the next page and return its rows; `take` returns them again."""
        if self._page is None:
            request = t.cast("Future[Json]", self._next)
            page = self._source.wait(request)
            self._page = {**page, "data": [parse_row(row) for row in page["data"]]}
            self.totals.append(total_of(page))
        return self._page["data"]  # type: ignore[no-any-return]

    def take(self) -> list[Row]:
        """Return the rows of the next page that were not seen before."""
        try:
            rows = self.peek()
        except RequestError as error:
            if isinstance(error, UnavailableError) or not self.totals:
                raise
            self.is_over = True  # the candidate that after_id names is gone
            return []
        page, self._page = self._page, None
        fresh = self._fresh(rows)
        if not self.is_over:
            self._paginator.advance(page)
            self.is_over = self.has_ended = self._paginator.finished
        return fresh

    def _fresh(self, rows: list[Row]) -> list[Row]:
        """Return the new rows, and note whether the reading is over."""
        fresh = []
        for row in rows:
            if self._since and row.started and row.started < self._since:
                self.is_over = self.has_ended = self.is_cut = True
                break
            if row.id is None or self._see(row.id):
                fresh.append(row)
        self.met_seen = len(fresh) < len(rows) and not self.is_cut
        self._barren = 0 if any(row.id for row in fresh) else self._barren + 1
        # After a deleted anchor, some APIs begin the list anew.
        if rows and not fresh:
            self.is_over = True
        elif self._barren == MOST_BARREN_PAGES:
            raise loop_error()
        return fresh


class CandidateList:
    """One list, read to its end: from both ends where that is possible."""

    def __init__(self, source: Source, query: Query, page_size: int, see: See) -> None:
        # Once read: whether every candidate of the list was seen; and whether it is
        # shorter than its total, the same in two readings.
        self.is_complete = self.is_accepted = False
        self._source = source
        self._query = query
        self._page_size = page_size
        self._see = see
        self._count = 0
        # With a start date, from the newest candidate back to that date.
        self._order = "asc" if query.since is None else "desc"
        self._head = self._reading(page_size, self._order, self._see)

    def ask(self) -> None:
        """Request the first page, without waiting for it."""
        self._head.ask()

    def first_page(self) -> list[Row]:
        """Wait for the first page, and return its rows."""
        return self._head.peek()

    @property
    def total(self) -> int | None:
        """What the first page says of the number of rows, once it is read."""
        return self._head.totals[0] if self._head.totals else None

    def pages(self) -> Iterator[list[Row]]:
        """Yield the rows, each once, page by page."""
        first = self._head.peek()
        granted = len(first) or self._page_size
        tail = self._tail(len(first))
        readings = deque([self._head, *([tail] if tail else [])])
        has_ended = is_over = False
        while readings and not is_over:
            reading = readings.popleft()
            if reading is tail and not self._is_reversed(tail, first):
                tail = None
                continue
            rows = self._counted(reading.take())
            met = tail is not None and reading.met_seen
            has_ended = reading.has_ended or met
            is_over = reading.is_over or met
            # The page that the other end waits for may bring the rest.
            missing = (self.total or 0) - self._count
            if not is_over and not (readings and missing <= granted):
                readings.append(reading.ask())
            yield rows
        totals = self._head.totals + (tail.totals if tail else [])
        total = None if self._head.is_cut else smallest(totals)
        self.is_complete = has_ended if total is None else self._count >= total
        if not self.is_complete:
            yield from self._again(totals, granted)

    def _tail(self, first: int) -> Reading | None:
        """Return a reading from the other end, if the total can prove that they met."""
        is_long = self.total is not None and self.total > 2 * first > 0
        if not is_long or self._query.since or self._source.workers.size == 1:
            return None
        return self._reading(self._page_size, "desc", self._see).ask()

    def _is_reversed(self, tail: Reading, first: list[Row]) -> bool:
        """Return whether the other end is one: an API may not know the order."""
        try:
            rows = tail.peek()
        except (BadRequestError, NotFoundError):
            return len(tail.totals) > 0
        return len(tail.totals) > 1 or (bool(rows) and rows[0].id != first[0].id)

    def _again(self, totals: list[int | None], granted: int) -> Iterator[list[Row]]:
        """Read the list once more, with another page size."""
        before = self._count
        ids: set[str] = set()
        granted = min(self._page_size, granted)
        other = granted // 2 + 1
        size = other if other != granted else granted + 1
        again = self._reading(size, self._order, seen_in(ids)).ask()
        while not again.is_over:
            rows = [row for row in again.take() if row.id and self._see(row.id)]
            if not again.is_over:
                again.ask()
            yield self._counted(rows)
        total = None if again.is_cut else smallest(totals + again.totals)
        if total is None:
            self.is_complete = again.has_ended
            return
        is_same = again.has_ended and len(ids) == before == self._count
        self.is_complete = self._count >= total or is_same
        self.is_accepted = self._count < total and is_same

    def _counted(self, rows: list[Row]) -> list[Row]:
        self._count += sum(row.id is not None for row in rows)
        return rows

    def _reading(self, size: int, order: str, see: See) -> Reading:
        params = self._query.first_page(size, order=order)
        return Reading(self._source, params, see, self._query.since)


class ScopeLists:
    """All lists of a scope, without the candidates of other parts."""

    def __init__(
        self, source: Source, scope: Scope, part: Part, page_size: int, see: See
    ) -> None:
        self.count = 0  # candidates that were listed, so far
        self._pages = self._read()
        self._ahead: deque[list[Row]] = deque()
        self._part = part
        self._lists = [
            CandidateList(source, query, page_size, see) for query in scope.queries()
        ]

    def ask(self) -> None:
        """Request the first pages, without waiting for them."""
        for one in self._lists:
            one.ask()

    def first_ids(self) -> Iterator[str]:
        """Yield the IDs on the first page of each list."""
        for one in self._lists:
            for row in one.first_page():
                if row.id is not None:
                    yield row.id

    @property
    def total(self) -> int | None:
        """The number of candidates, once each first page was read and says it."""
        totals = [one.total for one in self._lists]
        return None if None in totals else sum(filter(None, totals))

    def read_ahead(self) -> None:
        """Read a page for `pages`, unless many are ahead already."""
        if len(self._ahead) < MOST_AHEAD:
            self._ahead.extend(islice(self._pages, 1))

    def pages(self) -> Iterator[list[Row]]:
        """Yield the rows of this part, page by page, of the lists in turn."""
        while self._ahead:
            yield self._ahead.popleft()
        yield from self._pages

    def _read(self) -> Iterator[list[Row]]:
        for page in in_turn(one.pages() for one in self._lists):
            rows = [row for row in page if row.id is None or self._part.has(row.id)]
            self.count += sum(row.id is not None for row in rows)
            yield rows

    @property
    def is_complete(self) -> bool:
        """Once read: whether every list is complete."""
        return all(one.is_complete for one in self._lists)

    @property
    def is_accepted(self) -> bool:
        """Once read: whether a list is shorter than its total, and was accepted."""
        return any(one.is_accepted for one in self._lists)


def in_turn(iterables: Iterable[Iterable[T]], most: int | None = None) -> Iterator[T]:
    """Yield one item of each, in turn: each requests its next page meanwhile.

    With `most`, no more of them at the same time: the others wait until one has ended.
    """
    waiting = map(iter, iterables)
    turns = deque(islice(waiting, most))
    while turns:
        iterator = turns.popleft()
        try:
            item = next(iterator)
        except StopIteration:
            turns.extend(islice(waiting, 1))
            continue
        turns.append(iterator)
        yield item


def seen_in(ids: set[str]) -> See:
    """Return what marks IDs as seen in a set."""
    return lambda key: not (key in ids or ids.add(key))  # type: ignore[func-returns-value]


def smallest(totals: list[int | None]) -> int | None:
    """Return the smallest total; None where a page had none."""
    known = [total for total in totals if total is not None]
    return min(known) if known and len(known) == len(totals) else None
