"""The sweep: the whole list of candidates, and who has which tag.

The list (`/candidates`) is sorted by when candidates started, and read with seek
pagination: each page is named by the last candidate of the page before. It moves
while it is read, and that candidate may be deleted meanwhile. So:

- a `Chain` follows one list from page to page and, where its anchor died, goes on
  from the candidate before;
- a `Sweep` reads several chains at once, gives each candidate once, and compares
  what came with the `total` that the API tells. What is short is read again.

The pages of one list cannot be asked for at once, as each names the next. But where
the run before has left anchors, ids of candidates all along the list, a chain begins
behind each of them, and ends where it meets the next.
"""

from __future__ import annotations

import math
import typing as t
from collections import deque

from tap_toggl_hire.api.pagination import LOOP
from tap_toggl_hire.errors import NotFoundError, RefusedError, TapError
from tap_toggl_hire.settings import moment

if t.TYPE_CHECKING:
    from collections.abc import (
        Callable,
        Collection,
        Iterable,
        Iterator,
        Mapping,
        Sequence,
    )
    from concurrent.futures import Future

    from tap_toggl_hire.api.client import Client, Row
    from tap_toggl_hire.api.pagination import Params
    from tap_toggl_hire.api.workers import Workers

LARGE = 20
"""Pages from which a list is read in parts."""
MOST_PARTS = 16
REREADS = 3
"""How often a short list is read again: one that moves a lot may be short again."""


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
        ends: Ids of candidates behind which other chains go on.
    """

    def __init__(
        self,
        client: Client,
        workers: Workers,
        params: Params,
        is_past: Callable[[Row], bool],
        ends: Collection[str] = (),
    ) -> None:
        self.params = params
        self.total: int | None = None
        """What the API said on the first page."""
        self.page_size = 0
        """Rows on the first page: the API may cut a large limit down in silence."""
        self.read: dict[str, None] = {}
        """Ids read, in order."""
        self.is_cut = False
        """Whether a row was past what is wanted, so that `total` tells nothing."""
        self._client = client
        self._workers = workers
        self._is_past = is_past
        self._ends = ends
        self._paginator = client.paginator(params)
        self._repeated_pages = 0
        self._last: Row = {}
        self._page: Future[Row] | None = None
        self._request_page()
        self._first: Row | None = None

    def start(self) -> list[Row]:
        """Wait for the first page, which tells the total.

        Returns:
            Its rows.

        Raises:
            NotFoundError, RefusedError: As the API answered.
        """
        if self._first is None:
            self._first = self._answer()
            self.total = _total(self._first)
            self.page_size = len(self._first["data"])
        return t.cast("list[Row]", self._first["data"])

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
        if self.is_cut or any(row_id(row) in self._ends for row in page["data"]):
            return
        self._paginator.advance(page)
        if not self._paginator.finished:
            self._request_page()

    def _request_page(self) -> None:
        self._page = self._workers.submit(
            self._client.candidates_page, self._paginator.current_value
        )

    def _answer(self) -> Row:
        """Wait for the page asked for, from a living anchor."""
        while True:
            assert self._page is not None  # noqa: S101
            anchor = self._paginator.current_value.get("after_id") or None
            refusal: Exception | None = None
            page: Row = {}
            try:
                page = self._page.result()
            except (NotFoundError, RefusedError) as error:
                refusal = error
            if refusal and not self.read:
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
            is_part = "after_id" in self.params  # whose share of the total is unknown
            return not is_part and (self.total is None or len(self.read) < self.total)
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
        self.seen: set[str] = set()
        """Ids of the candidates that came."""
        self.is_complete = True
        """Whether as many candidates came as the API said there are."""
        self.anchors: dict[str, list[str]] = {}
        """Where the chains of the next sweep of the same selection may begin, by the
        page size for which these are ends of pages."""

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

    def pages(self, anchors: Mapping[str, Sequence[str]]) -> Iterator[list[Row]]:
        """Read the list. The first pages are asked for at once.

        Args:
            anchors: By page size, ids of candidates, in the list's order, behind which
                it may be read at the same time; without any, it is read in its order.

        Returns:
            Pages, of rows that did not come before.
        """
        return self._fresh(self._lists(anchors.get(self._params["limit"], ())))

    def _fresh(self, lists: list[list[Chain]]) -> Iterator[list[Row]]:
        for _, rows in self._whole(lists):
            fresh = []
            for row in rows:
                key = row_id(row)
                if key is None or key not in self.seen:
                    fresh.append(row)
                if key is not None:
                    self.seen.add(key)
            yield fresh
        if self._opening_ids is None:
            self.anchors = {self._params["limit"]: self._find_anchors(lists[0])}

    def first_page(self) -> list[Row]:
        """Read the first page of the (first) list, and nothing else."""
        params = dict(self._params)
        if self._opening_ids is not None:
            self._client.opening(self._opening_ids[0])
            params["job_opening_id"] = self._opening_ids[0]
        return t.cast("list[Row]", self._client.candidates_page(params)["data"])

    def _lists(self, anchors: Sequence[str]) -> list[list[Chain]]:
        """The lists that make up the selection, each with the chains that read it."""
        if self._opening_ids is not None:
            # The list of an opening that is not there would just be empty.
            for opening in [
                self._workers.submit(self._client.opening, key)
                for key in self._opening_ids
            ]:
                opening.result()
            chains = [
                self._chain({**self._params, "job_opening_id": key})
                for key in self._opening_ids
            ]
            for chain in chains:
                chain.start()
            self.total = sum(chain.total or 0 for chain in chains)
            return [[chain] for chain in chains]
        if self._workers.size == 1:
            anchors = ()
        ends = set(anchors)
        head = self._chain(self._params, ends)
        parts = {
            anchor: self._chain({**self._params, "after_id": anchor}, ends)
            for anchor in anchors
        }
        first = head.start()
        self.total = head.total
        if self.total is None:  # nothing would prove that the parts are the whole
            ends.clear()
        else:
            ends -= {a for a, part in parts.items() if not _is_behind(part, first)}
        return [[head, *(part for anchor, part in parts.items() if anchor in ends)]]

    def _find_anchors(self, chains: list[Chain]) -> list[str]:
        """Choose where the next sweep may begin chains; nowhere if it does not pay."""
        head = chains[0]
        if head.total is None or head.is_cut or head.params["order"] == "desc":
            return []
        ids = list(dict.fromkeys(key for chain in chains for key in chain.read))
        # Parts of whole pages, so that they take no more requests than the whole.
        pages = math.ceil(len(ids) / max(head.page_size, 1))
        if pages < LARGE:
            return []
        size = head.page_size * math.ceil(pages / MOST_PARTS)
        return ids[size - 1 : -1 : size]

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
            for _ in range(REREADS):
                # Candidates that were deleted meanwhile are no longer in the total.
                now = self._total_now(params)
                if len(read) >= min(total, now):
                    break
                again = self._chain(params)
                for rows in again:
                    yield chains[0], rows
                read.update(again.read)
                total = min(total, again.total or 0)
            else:
                if len(read) < min(total, self._total_now(params)):
                    self.is_complete = False

    def _total_now(self, params: Params) -> int:
        return _total(self._client.candidates_page({**params, "limit": "1"})) or 0

    def _chain(self, params: Params, ends: Collection[str] = ()) -> Chain:
        return Chain(self._client, self._workers, params, self._is_past, ends)


def _is_behind(part: Chain, first: list[Row]) -> bool:
    """Tell whether a chain begins behind its anchor, so that this is still there.

    Args:
        part: The chain.
        first: The first page of the list, with which the API may begin instead.
    """
    try:
        rows = part.start()
    except (NotFoundError, RefusedError):
        return False
    return bool(rows and first) and row_id(rows[0]) != row_id(first[0])


def _total(page: Row) -> int | None:
    total = page.get("total")
    return int(total) if isinstance(total, (int, float)) else None
