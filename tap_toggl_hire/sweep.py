"""The sweep: the whole list of candidates, and who has which tag.

The list (`/candidates`) is sorted by when candidates started, and read with seek
pagination: each page is named by the last candidate of the page before. It moves
while it is read, and that candidate may be deleted meanwhile. So:

- a `Chain` follows one list from page to page and, where its anchor died, goes on
  from the candidate before;
- a `Sweep` reads several chains at once, gives each candidate once, and compares
  what came with the `total` that the API tells. What is short is read again.
"""

from __future__ import annotations

import math
import typing as t
from collections import deque

from tap_toggl_hire.errors import NotFoundError, RefusedError, TapError
from tap_toggl_hire.pagination import LOOP
from tap_toggl_hire.settings import moment

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from tap_toggl_hire.client import Client, Row
    from tap_toggl_hire.pagination import Params
    from tap_toggl_hire.workers import Workers

LARGE = 20
"""Pages from which a list is large."""
WORTHWHILE = 2
"""Pages per job opening from which it pays to read the openings side by side: each
may cost one page more."""
WORTH_HALVING = 4
"""Pages of one list from which it pays to read it from both ends."""


def row_id(row: object) -> str | None:
    """Find the id of a row; None if there is none by which to tell the row."""
    value = row.get("id") if isinstance(row, dict) else None
    is_id = type(value) is int or (isinstance(value, str) and value != "")
    return str(value) if is_id else None


class Chain:
    """One list of candidates, page after page, the next page read ahead.

    The first page is asked for at once.

    Args:
        client: The API.
        workers: Where requests are made.
        params: The query of the list.
        is_past: Tells of a row that it, and so all behind it, is not wanted.
    """

    def __init__(
        self,
        client: Client,
        workers: Workers,
        params: Params,
        is_past: Callable[[Row], bool],
    ) -> None:
        self.params = params
        self.total: int | None = None
        """What the API said on the first page."""
        self.read: dict[str, None] = {}
        """Ids read, in order."""
        self.is_cut = False
        """Whether a row was past what is wanted, so that `total` tells nothing."""
        self._client = client
        self._workers = workers
        self._is_past = is_past
        self._quota: int | None = None
        self._paginator = client.paginator(params)
        self._repeated_pages = 0
        self._last: Row = {}
        self._page: Future[Row] | None = None
        self._request_page()
        self._first: Row | None = None

    def start(self) -> int | None:
        """Wait for the first page.

        Returns:
            The total that it tells.
        """
        if self._first is None:
            self._first = self._answer()
            self.total = _total(self._first)
        return self.total

    def limit(self, pages: int) -> None:
        """Read so many pages at the most."""
        self._quota = pages

    def __iter__(self) -> Iterator[list[Row]]:
        self.start()
        page, self._first = self._first, None
        while page is not None:
            rows = self._wanted(page["data"])
            self._advance(page)
            yield rows
            page = None if self._page is None else self._answer()

    def _wanted(self, rows: list[Row]) -> list[Row]:
        wanted = []
        for row in rows:
            if self._is_past(row):
                self.is_cut = True
                break
            wanted.append(row)
        self.read.update((key, None) for row in wanted if (key := row_id(row)))
        if rows:
            self._last = rows[-1]
        return wanted

    def _advance(self, page: Row) -> None:
        self._page = None
        if self.is_cut:
            return
        self._paginator.advance(page)
        if self._paginator.finished:
            return
        if self._quota is not None:
            self._quota -= 1
            if self._quota <= 0:
                return
        self._request_page()

    def _request_page(self) -> None:
        self._page = self._workers.submit(
            self._client.candidates_page, self._paginator.current_value
        )

    def _answer(self) -> Row:
        """Wait for the page asked for, from a living anchor."""
        while True:
            assert self._page is not None  # noqa: S101
            anchor = self._paginator.current_value.get("after_id")
            refusal: Exception | None = None
            page: Row = {}
            try:
                page = self._page.result()
            except (NotFoundError, RefusedError) as error:
                refusal = error
            if refusal and anchor is None:
                raise refusal
            if not refusal and not self._is_doubtful(page):
                self._repeated_pages = 0
                return page
            if anchor is None:
                self._check_repetition(page)
                return page
            # What the API does when `after_id` names a deleted candidate is not
            # documented: an error, an empty page, or the list from its start.
            if self._client.candidate(anchor) is not None:
                if refusal:
                    raise refusal
                self._check_repetition(page)
                return page
            self._step_back(anchor)
            self._request_page()

    def _is_doubtful(self, page: Row) -> bool:
        rows = page["data"]
        if not rows:
            return self.total is None or len(self.read) < self.total
        return self._goes_back(rows[0]) or any(row_id(row) in self.read for row in rows)

    def _goes_back(self, row: Row) -> bool:
        """Tell whether a row comes before the last one that was read."""
        try:
            started, last = moment(row["started_at"]), moment(self._last["started_at"])
        except (LookupError, TypeError, ValueError):
            return False
        return started > last if self.params["order"] == "desc" else started < last

    def _check_repetition(self, page: Row) -> None:
        rows = page["data"]
        if rows and all(row_id(row) in self.read for row in rows):
            self._repeated_pages += 1
            if self._repeated_pages > 1:
                raise TapError(LOOP)
        else:
            self._repeated_pages = 0

    def _step_back(self, dead: str) -> None:
        """Go on behind the candidate that came before a dead one."""
        self.read.pop(dead, None)
        params = {
            k: v for k, v in self._paginator.current_value.items() if k != "after_id"
        }
        if self.read:
            params["after_id"] = next(reversed(self.read))
        self._paginator.rewind(params)


class Sweep:
    """Read all candidates of a selection.

    Args:
        client: The API.
        workers: Where requests are made.
        params: The query that all lists share: filters and the page size.
        opening_ids: The job openings of the selection; None for all.
        is_past: Tells of a row that it, and all behind it, is not wanted.
    """

    def __init__(
        self,
        client: Client,
        workers: Workers,
        params: Params,
        opening_ids: list[str] | None,
        is_past: Callable[[Row], bool],
    ) -> None:
        self._client = client
        self._workers = workers
        self._params = params
        self._opening_ids = opening_ids
        self._is_past = is_past
        self.total: int | None = None
        """Candidates that the API says there are; None where it did not say."""
        self.is_complete = True
        """Whether as many candidates came as the API said there are."""

    def tag_members(self, lists: dict[str, Chain]) -> dict[str, list[str]]:
        """Find out who has which tag.

        Args:
            lists: What `tag_lists` returned.

        Returns:
            For each candidate that has any, the ids of its tags, in one order.
        """
        for tag_id, chain in list(lists.items()):
            try:
                chain.start()
            except (NotFoundError, RefusedError):
                if any(row_id(row) == tag_id for row in self._client.rows("/tags")):
                    raise
                del lists[tag_id]  # it was deleted a moment ago
        tag_of = {chain: tag_id for tag_id, chain in lists.items()}
        members: dict[str, list[str]] = {}
        for chain, rows in self._whole([[chain] for chain in tag_of]):
            for row in rows:
                tags_of_row = members.setdefault(row_id(row) or "", [])
                if tag_of[chain] not in tags_of_row:
                    tags_of_row.append(tag_of[chain])
        if not self.is_complete:
            msg = (
                "The API's list of the candidates that have a tag is short. Nothing "
                "was extracted of candidates; run again later."
            )
            raise TapError(msg)
        for tags_of_row in members.values():
            tags_of_row.sort()
        return members

    def tag_lists(self, tag_ids: Iterable[str]) -> dict[str, Chain]:
        """Ask for the lists with `tag_ids`, one a tag, without waiting for them."""
        params = dict(self._params)
        if self._opening_ids is not None and len(self._opening_ids) == 1:
            params["job_opening_id"] = self._opening_ids[0]
        asked: dict[str, Chain] = {}
        filtered = params.get("tag_ids")
        for tag_id in sorted(set(tag_ids)):
            tags = f"{filtered},{tag_id}" if filtered else tag_id
            asked[tag_id] = self._chain({**params, "tag_ids": tags})
        return asked

    def pages(self, expected: int) -> Iterator[list[Row]]:
        """Read the list.

        Args:
            expected: Candidates that are expected, by which to tell whether it pays
                to read the list as several, side by side; the order is then that of
                each job opening's list. 0 keeps the order of the one list.

        Returns:
            Pages, of rows that did not come before. The first ones are asked for at
            once.
        """
        return self._fresh(self._lists(expected))

    def _fresh(self, lists: list[list[Chain]]) -> Iterator[list[Row]]:
        seen: set[str] = set()
        for _, rows in self._whole(lists):
            fresh = []
            for row in rows:
                key = row_id(row)
                if key is None or key not in seen:
                    fresh.append(row)
                if key is not None:
                    seen.add(key)
            yield fresh

    def first_page(self) -> list[Row]:
        """Read the first page of the (first) list, and nothing else."""
        params = dict(self._params)
        if self._opening_ids is not None:
            self._client.opening(self._opening_ids[0])
            params["job_opening_id"] = self._opening_ids[0]
        return t.cast("list[Row]", self._client.candidates_page(params)["data"])

    def _lists(self, expected: int) -> list[list[Chain]]:
        """The lists that make up the selection, each with the chains that read it."""
        if self._opening_ids is not None:
            # The list of an opening that is not there would just be empty.
            for opening in [
                self._workers.submit(self._client.opening, key)
                for key in self._opening_ids
            ]:
                opening.result()
            chains = [self._opening_chain(key) for key in self._opening_ids]
            totals = [chain.start() for chain in chains]
            self.total = sum(total or 0 for total in totals)
            return [[chain] for chain in chains]
        chain = self._chain(self._params)
        self.total = chain.start()
        if self.total is not None and self._workers.size > 1:
            parts = self._parts(self.total, min(expected, self.total))
            if parts:
                return parts
        return [[chain]]

    def _parts(self, total: int, expected: int) -> list[list[Chain]]:
        """Cut the list into those of the job openings; nothing if it does not pay."""
        page_size = int(self._params["limit"])
        pages = math.ceil(expected / page_size)
        if pages < LARGE:
            return []
        openings = [key for row in self._client.openings if (key := row_id(row))]
        if pages < WORTHWHILE * len(openings):
            return []
        parts = [self._opening_chain(key) for key in openings]
        if sum(part.start() or 0 for part in parts) != total:
            return []  # there are candidates of an opening that is not listed, say
        return [self._both_ends(part, pages, page_size) for part in parts]

    def _both_ends(self, part: Chain, pages: int, page_size: int) -> list[Chain]:
        """Read a list that would hold up the others from its other end, too."""
        part_pages = math.ceil((part.total or 0) / page_size)
        if (
            part_pages < WORTH_HALVING
            or part_pages * self._workers.size <= pages
            or part.params["order"] == "desc"  # which is read to a row, not to the end
        ):
            return [part]
        part.limit(part_pages - part_pages // 2)
        other_end = self._chain({**part.params, "order": "desc"})
        other_end.limit(part_pages // 2)
        return [part, other_end]

    def _whole(self, lists: list[list[Chain]]) -> Iterator[tuple[Chain, list[Row]]]:
        """Read lists side by side, and again those of which too little came.

        Yields:
            The first chain of a list, and rows of it.
        """
        turns = deque((chains[0], iter(chain)) for chains in lists for chain in chains)
        while turns:
            chain, pages = turns.popleft()
            if (rows := next(pages, None)) is not None:
                turns.append((chain, pages))
                yield chain, rows
        for chains in lists:
            params, total = chains[0].params, chains[0].total
            read = {key for chain in chains for key in chain.read}
            if total is None or len(read) >= total or any(c.is_cut for c in chains):
                continue
            # Candidates that were deleted meanwhile are no longer in the total.
            now = _total(self._client.candidates_page({**params, "limit": "1"}))
            if now is None or len(read) >= now:
                continue
            again = self._chain(params)
            for rows in again:
                yield chains[0], rows
            read.update(again.read)
            later = _total(self._client.candidates_page({**params, "limit": "1"}))
            if len(read) < min(total, again.total or 0, later or 0):
                self.is_complete = False

    def _opening_chain(self, opening_id: str) -> Chain:
        return self._chain({**self._params, "job_opening_id": opening_id})

    def _chain(self, params: Params) -> Chain:
        return Chain(self._client, self._workers, params, self._is_past)


def _total(page: Row) -> int | None:
    total = page.get("total")
    return int(total) if isinstance(total, (int, float)) else None
