"""Which candidate has which tag, from lists rather than details.

A list row does not have the candidate's tags, but `/candidates?tag_ids=` lists the
candidates that have a tag (API documentation: List candidates): a few requests per tag.
"""

from __future__ import annotations

import typing as t

from tap_toggl_hire.errors import BadRequestError, NotFoundError
from tap_toggl_hire.sync.lists import CandidateList, Source, in_turn, parse_row
from tap_toggl_hire.sync.scope import Query

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_toggl_hire.sync.lists import Row

Tags = tuple[str, ...]
"""Tag IDs, sorted."""

TAG_IDS = "tag_ids"


class TagLists:
    """Reads which candidates have which tag.

    Args:
        source: What lists are read with.
        query: The list of all candidates of the scope.
        page_size: Rows to ask for per page.
        is_dropped: Whether tags are personal data that is dropped: then no candidate
            has any, and nothing is read.
    """

    def __init__(
        self, source: Source, query: Query, page_size: int, *, is_dropped: bool
    ) -> None:
        self.version = 0
        """Changes with everything that is learned after `read`."""
        self.are_unknown = False
        """Whether a tag is missing from `/tags`, or the list of a tag is short."""
        self.is_accepted = False
        """Whether the list of a tag is shorter than its total, and was accepted."""
        self._source = source
        self._query = query
        self._page_size = page_size
        self._is_dropped = is_dropped
        self._asked: dict[str, CandidateList] = {}
        self._ids: set[str] = set()
        self._looked_up: set[str] = set()
        self._members: dict[str, Tags] = {}
        self._shared: dict[Tags, Tags] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def ask(self) -> None:
        """Request the list of each tag, without waiting for them."""
        if not self._is_dropped:
            self._ask(_ids(self._source.client.tags))

    def read(self) -> None:
        """Read the lists that were requested.

        Raises:
            TapError: If the API fails.
        """
        asked, self._asked = self._asked, {}
        for tag_id, rows in in_turn(self._pages(*item) for item in asked.items()):
            for row in rows:
                self._add(row.id, tag_id)
        for tag_id, members in asked.items():
            self.is_accepted = self.is_accepted or members.is_accepted
            if tag_id in self._ids and not members.is_complete:
                self.are_unknown = True

    def of(self, candidate_id: str) -> Tags | None:
        """Return the tags of a candidate; None where they are unknown."""
        return None if self.are_unknown else self._members.get(candidate_id, ())

    def learn(self, tag_ids: Iterable[str]) -> None:
        """Look up the tags of a candidate's details that `/tags` lacked.

        `/tags` is read once more. If a tag is still missing, all tags are unknown.

        Raises:
            TapError: If the API fails.
        """
        missing = set(tag_ids) - self._ids - self._looked_up
        if not missing or self._is_dropped:
            return
        self._looked_up |= missing
        self.version += 1
        self._ask(_ids(self._source.client.reread_tags()) - self._ids)
        self.read()
        if missing - self._ids:
            self.are_unknown = True

    def _pages(
        self, tag_id: str, members: CandidateList
    ) -> Iterator[tuple[str, list[Row]]]:
        try:
            for rows in members.pages():
                yield tag_id, rows
        except (NotFoundError, BadRequestError):
            if tag_id in _ids(self._source.client.reread_tags()):
                raise
            self._ids.discard(tag_id)  # it was deleted a moment ago

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


def _ids(rows: Iterable[t.Any]) -> set[str]:
    return {key for row in rows if (key := parse_row(row).id) is not None}
