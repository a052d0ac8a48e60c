"""Which candidate has which tag, from lists rather than details.

A list row does not have the candidate's tags, but `/candidates?tag_ids=` lists the
candidates that have a tag (API documentation: List candidates): a few requests per tag.
"""

from __future__ import annotations

import typing as t
from array import array
from collections import deque
from dataclasses import dataclass
from functools import partial

from tap_toggl_hire.errors import BadRequestError, NotFoundError
from tap_toggl_hire.sync.lists import CandidateList, in_turn, parse_row
from tap_toggl_hire.sync.scope import Query

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tap_toggl_hire.api.client import Client
    from tap_toggl_hire.sync.lists import Row, Source

Tags = tuple[str, ...]  # tag IDs, sorted


@dataclass
class TagLists:
    """Reads which candidates of a list have which tag."""

    source: Source  # what the lists are read with
    query: Query  # the list of all candidates of the scope
    page_size: int  # rows to ask for per page
    number: Callable[[str], int]  # an array by number takes less memory than a dict
    is_dropped: bool  # tags are personal data that is dropped: nothing is read
    version: int = 0  # changes with everything that is learned after `read`
    are_unknown: bool = False  # a tag is missing from /tags, or its list is short
    is_accepted: bool = False  # a list is shorter than its total, and was accepted

    def __post_init__(self) -> None:
        self._ids: set[str] = set()
        self._looked_up: set[str] = set()
        self._members = array("I")  # by number, the place of its tags in `_shared`
        self._shared: list[Tags] = [()]  # few combinations exist
        self._places: dict[Tags, int] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def read(self) -> Iterator[None]:
        """Read the tags, and the list of each; yield before and after each page."""
        if not self.is_dropped:
            yield from self._read(self._ids_of(lambda client: client.tags))

    def of(self, candidate_id: str) -> Tags | None:
        """Return the tags of a candidate; None where they are unknown."""
        number = self.number(candidate_id)
        place = self._members[number] if number < len(self._members) else 0
        return None if self.are_unknown else self._shared[place]

    def learn(self, tag_ids: Iterable[str]) -> None:
        """Look up the tags of a candidate's details that `/tags` lacked.

        `/tags` is read once more. If a tag is still missing, all tags are unknown.
        """
        missing = set(tag_ids) - self._ids - self._looked_up
        if not missing or self.is_dropped:
            return
        self._looked_up |= missing
        self.version += 1
        found = self._ids_of(lambda client: client.reread_tags()) - self._ids
        deque(self._read(found), maxlen=0)
        self.are_unknown |= bool(missing - self._ids)

    def _read(self, tag_ids: set[str]) -> Iterator[None]:
        self._ids |= tag_ids
        lists = {tag_id: self._list(tag_id) for tag_id in sorted(tag_ids)}
        pages = (self._pages(*item) for item in lists.items())
        # The pages of many tags at the same time would take much memory.
        for _ in in_turn(pages, self.source.workers.size):
            yield
        for tag_id, members in lists.items():
            self.is_accepted |= members.is_accepted
            self.are_unknown |= tag_id in self._ids and not members.is_complete

    def _pages(self, tag_id: str, members: CandidateList) -> Iterator[list[Row]]:
        members.ask()
        yield []  # while the first pages of the next lists are requested
        try:
            yield from members.pages()
        except (NotFoundError, BadRequestError):
            if tag_id in self._ids_of(lambda client: client.reread_tags()):
                raise
            self._ids.discard(tag_id)  # it was deleted a moment ago

    def _ids_of(self, read: Callable[[Client], list[t.Any]]) -> set[str]:
        request = self.source.workers.submit(read, self.source.client, urgent=True)
        rows = map(parse_row, self.source.wait(request))
        return {row.id for row in rows if row.id is not None}

    def _list(self, tag_id: str) -> CandidateList:
        params = dict(self.query.params)
        joined = f"{params['tag_ids']},{tag_id}" if "tag_ids" in params else tag_id
        query = Query((*{**params, "tag_ids": joined}.items(),), self.query.since)
        see = partial(self._add, tag_id)  # no set of IDs for each tag
        return CandidateList(self.source, query, self.page_size, see)

    def _add(self, tag_id: str, candidate_id: str) -> bool:
        """Note that a candidate has a tag; return whether that is new."""
        number = self.number(candidate_id)
        self._members.extend([0] * (number + 1 - len(self._members)))
        tags = self._shared[self._members[number]]
        is_new = tag_id not in tags
        if is_new:
            more = tuple(sorted({*tags, tag_id}))
            place = self._places.setdefault(more, len(self._shared))
            self._shared += [more] if place == len(self._shared) else []
            self._members[number] = place
        return is_new
