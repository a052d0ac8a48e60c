"""One list of candidates, page after page.

The list (`/candidates`) is sorted by when candidates started, and read with seek
pagination (documentation: Pagination): each page is named by the last candidate of the
page before. That candidate may be deleted meanwhile. What the API does then is not
documented: an error, an empty page, or the list from its start.
"""

from __future__ import annotations

import typing as t
from array import array
from collections import deque

from tap_toggl_hire.api.pagination import LoopGuard
from tap_toggl_hire.errors import NotFoundError, RefusedError, TapError
from tap_toggl_hire.records import id_of
from tap_toggl_hire.times import moment

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from concurrent.futures import Future
    from datetime import datetime

    from tap_toggl_hire.api.client import Client
    from tap_toggl_hire.api.pagination import Params
    from tap_toggl_hire.api.workers import Workers
    from tap_toggl_hire.sync.ids import IdSet

Json = dict[str, t.Any]

MOST_DEAD = 5
"""Anchors in a row that may be dead: more are no deletions, but a fault."""


class Row(t.NamedTuple):
    """A row of the list, parsed once."""

    id: str | None
    """None where there is none by which to tell the row."""
    started: datetime | None
    data: Json


def parsed(data: t.Any) -> Row:
    """Parse a row of the list."""
    row = data if isinstance(data, dict) else {}
    try:
        started = moment(row["started_at"])
    except (LookupError, TypeError, ValueError):
        started = None
    return Row(id_of(row), started, row)


class Listing:
    """Reads one list, or a part of it, the next page ahead.

    Args:
        client: The API.
        workers: Where requests are made.
        params: The query of the list.
        read: Gets the ids that are read; parts of one list share it.
        until: Where rows that started earlier end the list; None to read it whole.
        ends: Ids of candidates behind which other parts go on.
    """

    def __init__(  # noqa: PLR0913 - what to read, and how far
        self,
        client: Client,
        workers: Workers,
        params: Params,
        read: IdSet | set[str],
        *,
        until: datetime | None = None,
        ends: Collection[str] = (),
    ) -> None:
        self.params = params
        self.read = read
        self.order = array("I")
        """For each new row, its place in `read` where that numbers ids."""
        self.total: int | None = None
        """What the API said on the first page."""
        self.page_size = 0
        """Rows on the first page: the API may cut a large limit down in silence."""
        self.is_cut = False
        """Whether a row was past `until`, so that `total` tells nothing."""
        self._client = client
        self._workers = workers
        self._until = until
        self._ends = ends
        self._paginator = client.paginator(params)
        self._recent: deque[str] = deque(maxlen=MOST_DEAD + 1)
        self._last: datetime | None = None
        self._dead = 0
        self._is_barren = False
        self._guard = LoopGuard()
        self._page: Future[Json] | None = None
        self._first: Json | None = None

    def ask(self) -> Listing:
        """Ask for the first page, without waiting for it."""
        self._page = self._request()
        return self

    def start(self) -> list[Row]:
        """Wait for the first page, which tells the total.

        Returns:
            Its rows.

        Raises:
            NotFoundError, RefusedError: As the API answered.
        """
        if self._first is None:
            self._first = self._answer()
            self.total = total_of(self._first)
            self.page_size = len(self._first["data"])
        return self._first["data"]  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[list[Row]]:
        """Yield pages; of their rows, those that were not read before."""
        self.start()
        page = self._first
        while page is not None:
            fresh = self._take(page["data"])
            is_last = self._advance(page)
            yield fresh
            page = None if is_last else self._answer()

    def _take(self, rows: list[Row]) -> list[Row]:
        fresh = []
        before = len(self.read)
        for row in rows:
            if self._until and row.started and row.started < self._until:
                self.is_cut = True
                break
            if row.id is not None:
                self._recent.append(row.id)
            if row.id is None or self._is_new(row.id):
                fresh.append(row)
        if rows:
            self._last = rows[-1].started or self._last
        self._is_barren = len(self.read) == before
        return fresh

    def _is_new(self, candidate_id: str) -> bool:
        """Note that a candidate came; return whether it did not before."""
        if isinstance(self.read, set):
            size = len(self.read)
            self.read.add(candidate_id)
            return len(self.read) > size
        number = self.read.add(candidate_id)
        if number is not None:
            self.order.append(number)
        return number is not None

    def _advance(self, page: Json) -> bool:
        """Ask for the next page; return whether there is none."""
        self._page = None
        if self.is_cut or any(row.id in self._ends for row in page["data"]):
            return True
        if self._is_barren and page["data"] and self._ends:
            return True  # where its end is gone, it has met the next part
        self._guard.check(is_new=not self._is_barren)
        self._paginator.advance(page)
        if self._paginator.finished:
            return True
        self._page = self._request()
        return False

    def _request(self) -> Future[Json]:
        return self._workers.submit(self._read_page, self._paginator.current_value)

    def _read_page(self, params: Params) -> Json:
        page = self._client.candidates_page(params)
        return {**page, "data": [parsed(row) for row in page["data"]]}

    def _answer(self) -> Json:
        """Wait for the page asked for, from a living anchor.

        Raises:
            TapError: If too many anchors in a row are dead.
        """
        while True:
            assert self._page is not None  # noqa: S101 - it was asked for
            refusal: Exception | None = None
            page: Json = {}
            try:
                page = self._page.result()
            except (NotFoundError, RefusedError) as error:
                refusal = error
            anchor = self._paginator.current_value.get("after_id")
            if refusal and not self._recent:
                raise refusal
            if (refusal or self._is_doubtful(page)) and anchor:  # a link's may be ""
                if self._client.candidate(anchor) is None:
                    self._step_back(anchor)
                    continue
                if refusal:
                    raise refusal
            self._dead = 0
            return page

    def _is_doubtful(self, page: Json) -> bool:
        """Return whether a page looks as if its anchor were dead."""
        rows: list[Row] = page["data"]
        if not rows:
            is_part = "after_id" in self.params  # whose share of the total is unknown
            return not is_part and (self.total is None or len(self.read) < self.total)
        return rows[0].id in self.read or self._goes_back(rows[0])

    def _goes_back(self, row: Row) -> bool:
        """Return whether a row comes before the last one that was read."""
        if row.started is None or self._last is None:
            return False
        if self.params["order"] == "desc":
            return row.started > self._last
        return row.started < self._last

    def _step_back(self, dead: str) -> None:
        """Go on behind the candidate that came before a dead one."""
        self._dead += 1
        if self._dead > MOST_DEAD:
            msg = (
                "The API says that the last candidates of its own list are not there, "
                "one after the other. Nothing was taken for deleted; run again later."
            )
            raise TapError(msg)
        if self._recent and self._recent[-1] == dead:
            self._recent.pop()
        params = {
            name: value
            for name, value in self._paginator.current_value.items()
            if name != "after_id"
        }
        if self._recent:
            params["after_id"] = self._recent[-1]
        self._paginator.rewind(params)
        self._page = self._request()


def total_of(page: Json) -> int | None:
    """Return how many candidates the API says that a list has, if it says so."""
    total = page.get("total")
    return int(total) if isinstance(total, (int, float)) else None
