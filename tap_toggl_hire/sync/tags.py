"""Which candidate has which tag, from lists rather than details.

A list row does not have the candidate's tags, but `/candidates?tag_ids=` lists the
candidates that have a tag (API documentation: List candidates): a few requests per tag.
"""

from __future__ import annotations

import typing as t
from collections import deque

from tap_toggl_hire.errors import BadRequestError, NotFoundError
from tap_toggl_hire.sync.lists import CandidateList, Source, in_turn, parse_row
from tap_toggl_hire.sync.scope import Query

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tap_toggl_hire.api.client import Client
    from tap_toggl_hire.sync.lists import Row

Tags = tuple[str, ...]  # tag IDs, sorted

TAG_IDS = "tag_ids"


class TagLists:
    """Reads which candidates of a list have which tag.

    Where tags are personal data that is dropped, no candidate has any, and nothing is
    read.
    """

    def __init__(
        self, source: Source, query: Query, page_size: int, *, is_dropped: bool
    ) -> None:
        self.version = 0  # changes with everything that is learned after `read`
        self._source = source
        self._query = query
        self._page_size = page_size
        self._is_dropped = is_dropped
        self._asked: dict[str, CandidateList] = {}
        self._read: dict[str, CandidateList] = {}
        self._are_unknown: bool | None = None
        self._ids: set[str] = set()
        self._looked_up: set[str] = set()
        self._members: dict[str, Tags] = {}
        self._shared: dict[Tags, Tags] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def ask(self) -> None:
        """Request the list of each tag, without waiting for them."""
        if not self._is_dropped:
            self._ask(self._ids_of(lambda client: client.tags))

    def read(self) -> Iterator[None]:
        """Read the lists that were requested; yield after each page."""
        asked, self._asked = self._asked, {}
        self._read |= asked
        for tag_id, rows in in_turn(self._pages(*item) for item in asked.items()):
            for row in rows:
                self._add(row.id, tag_id)
            yield

    @property
    def are_unknown(self) -> bool:
        """Whether a tag is missing from `/tags`, or the list of a tag is short."""
        if self._are_unknown is None:
            lists = (self._read[tag_id] for tag_id in self._ids)
            self._are_unknown = not all(members.is_complete for members in lists)
        return self._are_unknown

    @property
    def is_accepted(self) -> bool:
        """Whether the list of a tag is shorter than its total, and was accepted."""
        return any(members.is_accepted for members in self._read.values())

    def of(self, candidate_id: str) -> Tags | None:
        """Return the tags of a candidate; None where they are unknown."""
        return None if self.are_unknown else self._members.get(candidate_id, ())

    def learn(self, tag_ids: Iterable[str]) -> None:
        """Look up the tags of a candidate's details that `/tags` lacked.

        `/tags` is read once more. If a tag is still missing, all tags are unknown.
        """
        missing = set(tag_ids) - self._ids - self._looked_up
        if not missing or self._is_dropped:
            return
        self._looked_up |= missing
        self.version += 1
        self._ask(self._ids_of(lambda client: client.reread_tags()) - self._ids)
        deque(self.read(), maxlen=0)
        is_missing = bool(missing - self._ids)
        self._are_unknown = self._are_unknown or is_missing or None

    def _pages(
        self, tag_id: str, members: CandidateList
    ) -> Iterator[tuple[str, list[Row]]]:
        try:
            for rows in members.pages():
                yield tag_id, rows
        except (NotFoundError, BadRequestError):
            if tag_id in self._ids_of(lambda client: client.reread_tags()):
                raise
            self._ids.discard(tag_id)  # it was deleted a moment ago

    def _ids_of(self, read: Callable[[Client], list[t.Any]]) -> set[str]:
        request = self._source.workers.submit(read, self._source.client, urgent=True)
        rows = map(parse_row, self._source.wait(request))
        return {row.id for row in rows if row.id is not None}

    def _ask(self, tag_ids: set[str]) -> None:
        params = dict(self._query.params)
        for tag_id in sorted(tag_ids):
            joined = f"{params[TAG_IDS]},{tag_id}" if TAG_IDS in params else tag_id
            query = Query((*{**params, TAG_IDS: joined}.items(),), self._query.since)
            one = CandidateList(self._source, query, self._page_size)
            self._asked[tag_id] = one.ask()
        self._ids |= tag_ids

    def _add(self, candidate_id: str | None, tag_id: str) -> None:
        if candidate_id is not None:
            tags = self._members.get(candidate_id, ())
            if tag_id not in tags:
                more = tuple(sorted({*tags, tag_id}))
                # Few combinations exist: each is kept once.
                self._members[candidate_id] = self._shared.setdefault(more, more)
