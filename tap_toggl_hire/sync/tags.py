"""Which candidate has which tag, read from the lists, not from the details.

The row of a candidate does not tell its tags, but `/candidates?tag_ids=` lists those
that have one (documentation: List candidates): a few requests a tag.
"""

from __future__ import annotations

import typing as t
from itertools import starmap

from tap_toggl_hire.errors import NotFoundError, RefusedError
from tap_toggl_hire.sync.listing import parsed
from tap_toggl_hire.sync.whole import WholeList, in_turn

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from tap_toggl_hire.api.client import Client
    from tap_toggl_hire.api.pagination import Params
    from tap_toggl_hire.api.workers import Workers
    from tap_toggl_hire.sync.listing import Row

Tags = tuple[str, ...]


class TagLists:
    """Reads who has which tag.

    Args:
        client: The API.
        workers: Where requests are made.
        params: The query that the lists share, with `limit` and `order`.
        known: How many tags there were: where `/tags` has fewer, it is asked twice.
        until: Where rows that started earlier end a list; None to read it whole.
    """

    def __init__(
        self,
        client: Client,
        workers: Workers,
        params: Params,
        *,
        known: int,
        until: datetime | None = None,
    ) -> None:
        self.version = 0
        """Grows whenever more was learned, so that what was compared is out of date."""
        self.is_complete = True
        """Whether the lists of all tags were read whole."""
        self.believed: list[str] = []
        """Tags whose lists are shorter than their total, for good."""
        self._client = client
        self._workers = workers
        self._params = params
        self._until = until
        self._known = known
        self._asked: dict[str, WholeList] = {}
        self._ids: set[str] = set()
        self._not_there: set[str] = set()
        self._members: dict[str, Tags] = {}
        self._shared: dict[Tags, Tags] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def ask(self) -> None:
        """Ask for the list of each tag, without waiting for them."""
        ids = _ids(self._client.tags)
        if len(ids) < self._known:
            ids |= _ids(self._client.reread_tags())
        self._ask(ids)

    def of(self, candidate_id: str) -> Tags | None:
        """Return the tags of a candidate, in one order; None where they are unknown."""
        return self._members.get(candidate_id, ()) if self.is_complete else None

    def learn(self, tag_ids: Iterable[str]) -> None:
        """Look for tags that a candidate's details name, and `/tags` lacked.

        A tag that is not there the second time is not looked for again.
        """
        missing = set(tag_ids) - self._ids - self._not_there
        if missing:
            self._ask(_ids(self._client.reread_tags()) - self._ids)
            self._not_there |= missing - self._ids
            if missing & self._ids:
                self.version += 1
                self.read()

    def read(self) -> None:
        """Read the lists that were asked for.

        Raises:
            NotFoundError, RefusedError: As the API answered for a tag that is there.
        """
        asked, self._asked = self._asked, {}
        for tag_id, rows in in_turn(starmap(self._read, asked.items())):
            for row in rows:
                self._add(row.id, tag_id)
        for tag_id, members in asked.items():
            self.is_complete = self.is_complete and members.is_complete
            if members.is_believed:
                self.believed.append(tag_id)

    def _read(self, tag_id: str, members: WholeList) -> Iterator[tuple[str, list[Row]]]:
        try:
            for rows in members.pages():
                yield tag_id, rows
        except (NotFoundError, RefusedError):
            if tag_id in _ids(self._client.reread_tags()):
                raise
            self._ids.discard(tag_id)  # it was deleted a moment ago

    def _ask(self, tag_ids: set[str]) -> None:
        filtered = self._params.get("tag_ids")
        for tag_id in sorted(tag_ids):
            both = f"{filtered},{tag_id}" if filtered else tag_id
            params = {**self._params, "tag_ids": both}
            members = WholeList(self._client, self._workers, params, until=self._until)
            self._asked[tag_id] = members.ask()
        self._ids |= tag_ids

    def _add(self, candidate_id: str | None, tag_id: str) -> None:
        if candidate_id is not None:
            tags = self._members.get(candidate_id, ())
            if tag_id not in tags:
                more = tuple(sorted({*tags, tag_id}))
                self._members[candidate_id] = self._shared.setdefault(more, more)


def _ids(rows: Iterable[t.Any]) -> set[str]:
    return {key for row in rows if (key := parsed(row).id) is not None}
