"""Lists of candidates, read to their end and checked against their `total`.

The list is sorted by `started_at` and has seek pagination: `after_id` names the last
candidate of the page before (API documentation: Pagination). It changes while it is
read. The candidate named by `after_id` may be deleted meanwhile, and what the API
answers then is not documented: an error, an empty page, or the list from its start.

So one reading proves nothing, unless it brought as many rows as the `total` says. A
list that is *short* of it is read a second time, with another page size, whose pages
end elsewhere; `outcome` says what one or both readings mean.

Functions that wait for a page raise TapError if the API fails or its links form a loop,
and StoppedError if the run is to stop.
"""

from __future__ import annotations

import enum
import typing as t
from collections import deque
from datetime import timedelta
from itertools import islice, pairwise

from tap_toggl_hire.api.pagination import loop_error, total_of
from tap_toggl_hire.clock import moment
from tap_toggl_hire.errors import (
    BadRequestError,
    NotFoundError,
    RequestError,
    TapError,
)
from tap_toggl_hire.records import id_of

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future
    from datetime import datetime

    from tap_toggl_hire.api.body import Body
    from tap_toggl_hire.api.client import Client
    from tap_toggl_hire.api.pagination import Params
    from tap_toggl_hire.api.workers import Workers
    from tap_toggl_hire.sync.ids import Ids
    from tap_toggl_hire.sync.scope import Query, Scope

T = t.TypeVar("T")
Json = dict[str, t.Any]

MAX_AHEAD = 20  # pages that are read ahead of the candidates
MAX_AHEAD_BYTES = 64 << 20  # of these pages, as received
MAX_STALE_PAGES = 3  # pages in a row without a new row, empty ones included
MAX_DISORDER = timedelta(minutes=1)
"""How much later than the row before it a row may have started, where the list goes
back in time."""


class End(enum.Enum):
    """How a reading ended."""

    LAST_PAGE = "the last page has no link to another"
    START_DATE = "a row started before the start date"
    NOTHING_NEW = "a page brought no new row: it is the other end's, or read again"
    LOST = "the API rejected the place to go on from"
    FAILED = "a page failed permanently"


WHOLE = {End.LAST_PAGE, End.START_DATE}
"""The ends of a reading that has nothing left to read."""
BROKEN = {End.LOST, End.FAILED}
"""The ends after which the reading from the other end of the list goes on alone."""


class Outcome(enum.Enum):
    """What the readings of a list mean."""

    COMPLETE = "every row was read"
    ACCEPTED = "shorter than its total, and a second reading lacks no row of the first"
    SHORT = "shorter than its total, and two readings disagree"
    FAILED = "a page failed permanently"

    @property
    def is_complete(self) -> bool:
        """Whether a candidate that was not read is missing from the list."""
        return self in {Outcome.COMPLETE, Outcome.ACCEPTED}


def outcome(
    total: int | None, count: int, end: End, *, lacks_none: bool | None = None
) -> Outcome | None:
    """Return what one or two readings of a list mean; None if it is to be read again.

    | total   | rows     | the last reading                        | outcome    |
    | ------- | -------- | --------------------------------------- | ---------- |
    | any     | any      | a page of it failed permanently         | `FAILED`   |
    | known   | reach it | any                                     | `COMPLETE` |
    | unknown | any      | whole                                   | `COMPLETE` |
    | else    |          | the first                               | read again |
    | known   | some     | the second: whole, lacks no row of both | `ACCEPTED` |
    | else    |          | the second                              | `SHORT`    |

    Args:
        total: The number of rows that the API states; None if it states none.
        count: The rows of all readings together.
        end: How the last reading ended; of one from both ends, the better end.
        lacks_none: Whether the second reading brought every row of the first; None
            after the first.
    """
    if end is End.FAILED:
        return Outcome.FAILED
    is_whole = end in WHOLE
    if is_whole if total is None else count >= total:
        return Outcome.COMPLETE
    if lacks_none is None:
        return None
    is_accepted = total is not None and count > 0 and is_whole and lacks_none
    return Outcome.ACCEPTED if is_accepted else Outcome.SHORT


class Row(t.NamedTuple):
    """A row of the list, parsed once."""

    id: str | None  # None where it has no usable ID
    started: datetime | None  # None where `started_at` is missing or malformed
    data: Json  # the row as it came


class Page(t.NamedTuple):
    """Rows that were read at once."""

    rows: list[Row]  # those that are new
    size: int = 0  # bytes as received
    repeats: bool = False  # whether there were rows that are not new


def parse_row(data: t.Any) -> Row:
    """Parse a row of the list."""
    row = data if isinstance(data, dict) else {}
    try:
        started = moment(row["started_at"])
    except (LookupError, TypeError, ValueError):
        started = None
    return Row(id_of(row), started, row)


class Source(t.NamedTuple):
    """What lists and details are read with."""

    client: Client  # the API
    workers: Workers  # make the requests


class Seen(t.Protocol):
    """Remembers which candidates a list has shown; the readings of a list share it."""

    def see(self, candidate_id: str) -> bool:
        """Note a candidate; return whether it is new."""


class Reading:
    """One reading of a list in one direction, with the next page requested ahead.

    A row that started before `since` ends it; such a list goes back in time.
    """

    def __init__(
        self, source: Source, params: Params, seen: Seen, since: datetime | None = None
    ) -> None:
        self.end: End | None = None  # None while there is more to read
        self.failure: RequestError | None = None  # of the page that failed permanently
        self.totals: list[int | None] = []  # what each page says of the number of rows
        self._source = source
        self._seen = seen
        self._since = since
        self._paginator = source.client.paginator(params)
        self._page_size = int(params["limit"])
        self._read = 0  # rows so far
        self._beyond: Params | None = None  # the query for what follows the last page
        self._stale_pages = 0
        self._requested: Future[Body] | None = None
        self._received: Body | None = None  # the next page, once it is read

    def ask(self) -> None:
        """Request the next page, without waiting for it."""
        read = self._source.client.candidates_page
        params = self._beyond or self._paginator.current_value
        self._requested = self._source.workers.submit(read, params, urgent=True)

    def peek(self) -> list[Row]:
        """Wait for the next page and return its rows; `take` returns them again."""
        return [parse_row(row) for row in self._next()["data"]]

    def take(self) -> Page:
        """Return the next page.

        Raises:
            RequestError: If the first page fails.
        """
        try:
            received, self._received = self._next(), None
        except RequestError as error:
            if not self.totals:
                raise
            # The candidate that after_id names may be gone.
            is_lost = isinstance(error, (BadRequestError, NotFoundError))
            lost = End.LOST if self._beyond is None else End.LAST_PAGE
            self.end = lost if is_lost else End.FAILED
            self.failure = None if is_lost else error
            return Page([])
        rows = [parse_row(row) for row in received["data"]]
        self._read += len(rows)
        if self._since is not None:
            rows = self._until(self._since, rows)
        if len(self.totals) == 1 and rows and not any(row.id for row in rows):
            raise TapError(NO_IDS)
        fresh = [row for row in rows if row.id is None or self._seen.see(row.id)]
        if self._beyond is not None:
            if fresh:
                raise TapError(LINK_ELSEWHERE)
            self.end = End.LAST_PAGE
            return Page([], received.size)
        self._check_progress(rows, fresh)
        if self.end is None:
            self._advance(received, rows)
        return Page(fresh, received.size, repeats=len(fresh) < len(rows))

    def _advance(self, received: Body, rows: list[Row]) -> None:
        """Go to the next page.

        A full page without a link ends the list only if the total says so: the link may
        be elsewhere. Else, what follows its last row is requested.
        """
        self._paginator.advance(received)
        if not self._paginator.finished:
            return
        total = self.totals[-1]
        is_end = total is not None and self._read >= total
        last = rows[-1].id if rows else None
        if is_end or last is None or len(rows) < self._page_size:
            self.end = End.LAST_PAGE
        else:
            self._beyond = {**self._paginator.current_value, "after_id": last}

    def leave(self) -> None:
        """Read no further."""
        if self._requested is not None:
            self._source.workers.ignore(self._requested)

    def _next(self) -> Body:
        if self._received is None:
            requested = t.cast("Future[Body]", self._requested)
            self._received = self._source.workers.result(requested)
            self._requested = None
            self.totals.append(total_of(self._received))
        return self._received

    def _until(self, since: datetime, rows: list[Row]) -> list[Row]:
        """Return the rows before the first one that is too old, which ends the reading.

        Raises:
            TapError: If the rows do not go back in time: the API ignores `order`.
        """
        # A page that repeats the start of the list may be later than the one before.
        times = [row.started for row in rows if row.started is not None]
        if any(later > time + MAX_DISORDER for time, later in pairwise(times)):
            raise TapError(UNORDERED)
        for place, row in enumerate(rows):
            if row.started is not None and row.started < since:
                self.end = End.START_DATE
                return rows[:place]
        return rows

    def _check_progress(self, rows: list[Row], fresh: list[Row]) -> None:
        """Note whether a page brought anything new; raise TapError for a loop."""
        is_stale = not any(row.id for row in fresh)
        self._stale_pages = self._stale_pages + 1 if is_stale else 0
        if self.end is None and rows and not fresh:
            self.end = End.NOTHING_NEW
        elif self._stale_pages == MAX_STALE_PAGES:
            raise loop_error()


class CandidateList:
    """One list, read to its end: from both ends where that is possible."""

    def __init__(
        self, source: Source, query: Query, page_size: int, seen: Seen
    ) -> None:
        self.outcome = Outcome.SHORT  # until it is read
        self.failure: RequestError | None = None  # of a page that failed permanently
        self.count = 0  # rows with an ID, so far
        self._source = source
        self._query = query
        self._page_size = page_size
        self._seen = seen
        # With a start date, from the newest candidate back to that date.
        self._order = "asc" if query.since is None else "desc"
        self._head = self._reading(page_size, self._order, seen)

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

    def pages(self) -> Iterator[Page]:
        """Yield the rows, each once, page by page.

        Raises:
            RequestError: If the first page fails.
        """
        first = self._head.peek()
        actual_page_size = len(first) or self._page_size
        readings = [self._head]
        if self._may_have_other_end(len(first)):
            readings.append(self._reading(self._page_size, "desc", self._seen))
            readings[-1].ask()
        yield from self._from_each_end(readings, first, actual_page_size)
        totals = [total for reading in readings for total in reading.totals]
        end = _better_end(readings) if self.failure is None else End.FAILED
        total = None if end is End.START_DATE else smallest(totals)
        found = outcome(total, self.count, end)
        if found is None:
            yield from self._again(totals, actual_page_size)
        else:
            self.outcome = found

    def _may_have_other_end(self, first: int) -> bool:
        """Return whether the list is long, and has a total that shows when ends met."""
        is_long = self.total is not None and self.total > 2 * first > 0
        return is_long and not self._query.since and self._source.workers.size > 1

    def _from_each_end(
        self, readings: list[Reading], first: list[Row], actual_page_size: int
    ) -> Iterator[Page]:
        """Read page by page, from each end in turn, until the ends have met.

        A second reading that begins where the first does is left out: the API
        ignores `order`.
        """
        going, paused = deque(readings), deque[Reading]()
        while going:
            reading = going.popleft()
            if not (reading is self._head or _is_other_end(reading, first)):
                readings.remove(reading)
                continue
            page = self._counted(reading.take())
            missing = (self.total or 0) - self.count
            has_met = page.repeats and missing <= 0 and len(readings) > 1
            if reading.end in BROKEN:  # the other end goes on alone, if there is one
                self.failure = self.failure or reading.failure
                if not going and paused:
                    paused[0].ask()
                    going, paused = paused, going
            elif reading.end is not None or has_met:  # nothing is left to read
                for other in going:
                    other.leave()
                going.clear()
            elif going and missing <= actual_page_size:
                paused.append(reading)  # the other end may bring the rest
            else:
                going.append(reading)
                reading.ask()
            yield page

    def _again(self, totals: list[int | None], actual_page_size: int) -> Iterator[Page]:
        """Read the list once more, with another page size."""
        actual_page_size = min(self._page_size, actual_page_size)
        other = actual_page_size // 2 + 1
        size = other if other != actual_page_size else actual_page_size + 1
        seen = _SeenAgain()
        again = self._reading(size, self._order, seen)
        again.ask()
        try:
            while again.end is None:
                page = again.take()
                if again.end is None:
                    again.ask()
                rows = [row for row in page.rows if row.id and self._seen.see(row.id)]
                yield self._counted(page._replace(rows=rows))
        except RequestError as error:  # its first page
            again.end, again.failure = End.FAILED, error
        self.failure = again.failure
        is_cut = again.end is End.START_DATE
        found = outcome(
            None if is_cut else smallest(totals + again.totals),
            self.count,
            again.end,
            lacks_none=len(seen.ids) == self.count,
        )
        self.outcome = found or Outcome.SHORT

    def _counted(self, page: Page) -> Page:
        self.count += sum(row.id is not None for row in page.rows)
        return page

    def _reading(self, size: int, order: str, seen: Seen) -> Reading:
        params = self._query.first_page(size, order=order)
        return Reading(self._source, params, seen, self._query.since)


class _SeenAgain:
    """What the second reading of a list has shown."""

    def __init__(self) -> None:
        self.ids: set[str] = set()

    def see(self, candidate_id: str) -> bool:
        is_new = candidate_id not in self.ids
        self.ids.add(candidate_id)
        return is_new


def _better_end(readings: list[Reading]) -> End:
    """Return how a list was read that was read from one end or from both."""
    ends = [reading.end or End.NOTHING_NEW for reading in readings]
    return next((end for end in ends if end in WHOLE), ends[0])


def _is_other_end(reading: Reading, first: list[Row]) -> bool:
    """Return whether a reading begins elsewhere than the list's first page."""
    if reading.totals:
        return True
    try:
        rows = reading.peek()
    except RequestError:
        return False
    return bool(rows) and rows[0].id != first[0].id


class ScopeLists:
    """All lists of a scope."""

    def __init__(self, source: Source, scope: Scope, page_size: int, ids: Ids) -> None:
        self.count = 0  # candidates that were listed, so far
        self._pages = self._read()
        self._ahead: deque[Page] = deque()
        self._lists = [
            CandidateList(source, query, page_size, ids) for query in scope.queries()
        ]

    def ask(self) -> None:
        """Request the first pages, without waiting for them."""
        for candidate_list in self._lists:
            candidate_list.ask()

    def first_ids(self) -> list[str]:
        """Wait for the first page of each list, and return the IDs on them."""
        pages = [candidate_list.first_page() for candidate_list in self._lists]
        return [row.id for page in pages for row in page if row.id is not None]

    @property
    def total(self) -> int | None:
        """The number of candidates, once each first page was read and says it."""
        totals = [candidate_list.total for candidate_list in self._lists]
        return None if None in totals else sum(filter(None, totals))

    def read_ahead(self) -> None:
        """Read a page for `pages`, unless many are ahead already."""
        size = sum(page.size for page in self._ahead)
        if len(self._ahead) < MAX_AHEAD and size < MAX_AHEAD_BYTES:
            self._ahead.extend(islice(self._pages, 1))

    def pages(self) -> Iterator[list[Row]]:
        """Yield the rows, page by page, of the lists in turn."""
        while self._ahead:
            yield self._ahead.popleft().rows
        for page in self._pages:
            yield page.rows

    def _read(self) -> Iterator[Page]:
        for page in round_robin(
            candidate_list.pages() for candidate_list in self._lists
        ):
            self.count += sum(row.id is not None for row in page.rows)
            yield page

    # Once read

    @property
    def are_complete(self) -> bool:
        """Whether a candidate that the lists lack is missing from them."""
        return all(each.outcome.is_complete for each in self._lists)

    @property
    def are_accepted(self) -> bool:
        """Whether a list is shorter than its total, and was accepted."""
        return any(each.outcome is Outcome.ACCEPTED for each in self._lists)

    @property
    def failure(self) -> RequestError | None:
        """The first failure of a page, if there is one."""
        failures = (each.failure for each in self._lists)
        return next(filter(None, failures), None)


def round_robin(
    iterables: Iterable[Iterable[T]], most: int | None = None
) -> Iterator[T]:
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


def smallest(totals: list[int | None]) -> int | None:
    """Return the smallest total; None where a page had none."""
    known = [total for total in totals if total is not None]
    return min(known) if known and len(known) == len(totals) else None


NO_IDS = (
    "No row on the first page of the list of candidates has a usable ID: this is a "
    "form of the API that the tap does not know. Check api_version, and report what "
    "tap-toggl-hire --test prints."
)
LINK_ELSEWHERE = (
    "The list of candidates goes on after a page without a link to the next one: the "
    "API's links are not where the tap looks for them (links.next). The rows that were "
    "read are emitted; no deletions are. Please report the version of the API and what "
    "tap-toggl-hire --test prints."
)
UNORDERED = (
    "The list of candidates is not sorted by start, the latest first, as the tap asks: "
    "the API ignores the parameter order, and with start_date the tap would stop too "
    "early. No deletions were emitted. Remove the setting start_date."
)
