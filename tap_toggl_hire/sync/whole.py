"""A whole list of candidates, proved complete by the `total` that the API tells.

What is short is read again: the list moves while it is read, an API may skip rows at
the borders of pages, or count candidates that it does not show.
"""

from __future__ import annotations

import math
import typing as t
from collections import deque

from tap_toggl_hire.errors import NotFoundError, RefusedError
from tap_toggl_hire.sync.ids import Ids, IdSet
from tap_toggl_hire.sync.listing import Listing, Row, total_of

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from tap_toggl_hire.api.client import Client
    from tap_toggl_hire.api.pagination import Params
    from tap_toggl_hire.api.workers import Workers

T = t.TypeVar("T")

LARGE = 20
"""Pages from which a list is read in parts."""
MOST_PARTS = 16
READINGS = 5
"""How often a list may be read: one that moves a lot may be short again."""


class WholeList:
    """Reads one list to its end, in parts where that is known to be possible.

    Args:
        client: The API.
        workers: Where requests are made.
        params: The query of the list, with `limit` and `order`.
        ids: Numbers the ids; None for a list of a few candidates.
        until: Where rows that started earlier end the list; None to read it whole.
        anchors: Ids in the list's order, behind which parts of it may begin.
    """

    def __init__(  # noqa: PLR0913 - what to read, and how
        self,
        client: Client,
        workers: Workers,
        params: Params,
        *,
        ids: Ids | None = None,
        until: datetime | None = None,
        anchors: Sequence[str] = (),
    ) -> None:
        self.total: int | None = None
        """Candidates that the API says there are; None where it did not say."""
        self.is_complete = True
        """Whether as many candidates came as the API said there are."""
        self.is_believed = False
        """Whether fewer came, and the same in two readings with two page sizes."""
        self._client = client
        self._workers = workers
        self._params = params
        self._ids = ids
        self._until = until
        self.read = self._new_set()
        """Ids of the candidates that came."""
        anchors = anchors[:MOST_PARTS]  # a state may name any number
        ends = set(anchors)
        self._head = self._listing(params, ends)
        self._parts = {
            anchor: self._listing({**params, "after_id": anchor}, ends)
            for anchor in anchors
        }
        self._ends = ends
        self._readings: list[tuple[int, int | None]] = []
        """Of each whole reading, which all have another page size: how many came, and
        the total."""

    def ask(self) -> WholeList:
        """Ask for the first page of each part, without waiting for them."""
        for listing in (self._head, *self._parts.values()):
            listing.ask()
        return self

    def start(self) -> None:
        """Wait for the first page, which tells the total.

        Raises:
            NotFoundError, RefusedError: As the API answered.
        """
        first = self._head.start()
        self.total = self._head.total
        if self.total is None:  # nothing would prove that the parts are the whole
            self._ends.clear()
        else:
            behind = {a for a, p in self._parts.items() if _is_behind(p, first)}
            self._ends &= behind
        self._parts = {a: p for a, p in self._parts.items() if a in self._ends}

    @property
    def is_cut(self) -> bool:
        """Whether the list was left where `until` says, so that its total is moot."""
        return any(listing.is_cut for listing in self._listings)

    @property
    def _listings(self) -> list[Listing]:
        return [self._head, *self._parts.values()]

    def pages(self) -> Iterator[list[Row]]:
        """Yield pages, of rows that did not come before."""
        self.start()
        yield from in_turn(self._listings)
        if not self._parts:
            self._readings.append((len(self.read), self.total))
        if self.total is not None and not self.is_cut:
            yield from self._again(self.total)

    def _again(self, total: int) -> Iterator[list[Row]]:
        """Read again what is short, with another page size each time."""
        for limit in page_sizes(int(self._params["limit"]))[len(self._readings) :]:
            if self._has_all(total):
                return
            if self._is_agreed():
                self.is_believed = True
                return
            ids = self._new_set()
            again = Listing(
                self._client, self._workers, {**self._params, "limit": limit}, ids
            )
            for rows in again.ask():
                yield [row for row in rows if row.id is None or row.id not in self.read]
                for row in rows:
                    if row.id is not None:
                        self.read.add(row.id)
            self._readings.append((len(ids), again.total))
            total = min(total, again.total or 0)
        self.is_believed = not self._has_all(total) and self._is_agreed()
        self.is_complete = self.is_believed or self._has_all(total)

    def _is_agreed(self) -> bool:
        """Return whether the last two readings brought the same, and all there is."""
        if len(self._readings) < 2:  # noqa: PLR2004
            return False
        one, other = self._readings[-2:]
        return one == other and one[0] == len(self.read) > 0

    def _has_all(self, total: int) -> bool:
        """Return whether all came, but for those that were deleted meanwhile."""
        if len(self.read) >= total:
            return True
        now = self._client.candidates_page({**self._params, "limit": "1"})
        return len(self.read) >= (total_of(now) or 0)

    def anchors(self) -> list[str]:
        """Choose where the next reading may begin parts; nowhere if it does not pay."""
        head = self._head
        if self._ids is None or head.total is None or self.is_cut:
            return []
        numbers = [number for one in self._listings for number in one.order]
        # Parts of whole pages, so that they take no more requests than the whole.
        pages = math.ceil(len(numbers) / max(head.page_size, 1))
        if pages < LARGE or head.params["order"] == "desc":
            return []
        size = head.page_size * math.ceil(pages / MOST_PARTS)
        return [self._ids[number] for number in numbers[size - 1 : -1 : size]]

    def _listing(self, params: Params, ends: set[str]) -> Listing:
        return Listing(
            self._client,
            self._workers,
            params,
            self.read,
            until=self._until,
            ends=ends,
        )

    def _new_set(self) -> IdSet | set[str]:
        return set() if self._ids is None else IdSet(self._ids)


def page_sizes(usual: int) -> list[str]:
    """Return different page sizes, whose pages have few borders in common."""
    shares = (usual // 2, 2 * usual // 3, usual // 3, usual // 4)
    sizes = [usual, *(share + 1 for share in shares if share)]
    larger = range(usual + 1, usual + READINGS)  # only where the usual one is small
    return [str(size) for size in dict.fromkeys((*sizes, *larger))][:READINGS]


def in_turn(iterables: Iterable[Iterable[T]]) -> Iterator[T]:
    """Yield one item of each, again and again: each asks for its next one meanwhile."""
    turns = deque(map(iter, iterables))
    while turns:
        iterator = turns.popleft()
        try:
            item = next(iterator)
        except StopIteration:
            continue
        turns.append(iterator)
        yield item


def _is_behind(part: Listing, first: list[Row]) -> bool:
    """Return whether a part begins behind its anchor, so that this is still there.

    Args:
        part: The part.
        first: The first page of the list, with which the API may begin instead.
    """
    try:
        rows = part.start()
    except (NotFoundError, RefusedError):
        return False
    return bool(rows and first) and rows[0].id != first[0].id
