"""Which candidate has which tag, from lists rather than details.

A list row does not have the candidate's tags, but `/candidates?tag_ids=` lists the
candidates that have a tag (API documentation: List candidates): a few requests per tag.

Three places name tags: `/tags`, the state (the tags of the run before) and details of
listed candidates. The list of each is read, so an incomplete answer of `/tags` changes
nothing. Where `/tags` does not name a tag, its list says whether it still exists; one
that does not is *forgotten*, although details may go on naming it.

Details are compared with the lists. If most of them contradict the lists, the API
ignores the filter: tags are *unknown* from then on, as they are where a list could not
be read.
"""

from __future__ import annotations

import typing as t
from array import array

from tap_toggl_hire.errors import (
    BadRequestError,
    NotFoundError,
    RequestError,
    TapError,
)
from tap_toggl_hire.sync.lists import CandidateList, Outcome, parse_row, round_robin
from tap_toggl_hire.sync.plan import is_most
from tap_toggl_hire.sync.scope import Query

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_toggl_hire.records import Record
    from tap_toggl_hire.sync.change import TagIds
    from tap_toggl_hire.sync.ids import Ids
    from tap_toggl_hire.sync.lists import Page, Source


class TagLists:
    """The tags of the candidates of a scope, as their lists and details show them."""

    def __init__(
        self,
        source: Source,
        query: Query,
        page_size: int,
        ids: Ids,
        *,
        are_dropped: bool,
    ) -> None:
        """Prepare to read.

        Args:
            source: What the lists are read with.
            query: The list of all candidates of the scope, to which a tag is added.
            page_size: Rows to ask for per page.
            ids: The positions of candidates: an array takes less memory than a dict.
            are_dropped: Whether tags are personal data that is dropped (setting
                `pii_tags`): no candidate has any then.
        """
        self.known: set[str] = set()  # the tags that exist
        self.are_unknown = False  # in this run, or from some moment of it on
        self.are_contradicted = False  # by most details: the API ignores the filter
        self.are_accepted = False  # a list is shorter than its total, and was accepted
        self.version = 0  # changes with everything that is learned after `read`
        self._forgotten: set[str] = set()  # tags that are named, and do not exist
        self._unread: set[str] = set()  # tags that the end of the run left unread
        self._source = source
        self._query = query
        self._page_size = page_size
        self._are_dropped = are_dropped
        self._members = _Members(ids)
        self._total: int | None = None  # the length of the list without a tag
        self._compared = self._contradicted = 0  # details of listed candidates

    def read(self, remembered: Iterable[str], total: int | None) -> Iterator[None]:
        """Read the list of each tag; yield before and after each page.

        Args:
            remembered: The tags that the state knows.
            total: The length of the list without a tag; None if the API states none.
        """
        if self._are_dropped:
            return
        self._total = total
        workers, client = self._source.workers, self._source.client
        rows = workers.result(workers.submit(lambda: client.tags, urgent=True))
        shown = {row.id for row in map(parse_row, rows) if row.id is not None}
        yield from self._read(shown, are_shown=True)
        yield from self._read({*remembered} - shown, are_shown=False)

    def of(self, candidate_id: str) -> TagIds | None:
        """Return the tags that the lists show of a candidate; None where unknown."""
        return None if self.are_unknown else self._members.tags_of(candidate_id)

    def in_details(self, details: Record) -> TagIds | None:
        """Return the tags that details name, as far as they exist.

        None where they say nothing: they lack the field, or an item of it is no ID.
        """
        if self._are_dropped:
            return ()
        tag_ids = details["tag_ids"]
        if tag_ids is None or not all(tag_ids):
            return None
        return tuple(sorted({*tag_ids} - self._forgotten))

    def known_in_details(self, details: Record) -> TagIds | None:
        """Return the tags that the details of a candidate outside the lists name.

        Only those that `/tags` shows or that some candidate has by its list: no list
        is read to see whether the others exist. None as for `in_details`.
        """
        named = self.in_details(details)
        if named is None:
            return None
        return tuple(tag_id for tag_id in named if tag_id in self.known)

    def contradict(self, candidate_id: str, details: Record) -> bool:
        """Compare the details of a listed candidate with the lists.

        The lists of tags that only details name are read first.
        """
        named = self.in_details(details)
        if named is None or self.are_unknown:
            return False
        new = {*named} - self.known
        try:
            self._learn(new)
        except TapError as error:
            self._source.workers.stop.fail(error)
            self._unread |= new
        if not self._unread.isdisjoint(named):
            return True  # cannot be compared any more: the next run reads it again
        is_contradiction = self.of(candidate_id) not in {None, self.in_details(details)}
        self._compared += 1
        self._contradicted += is_contradiction
        if is_most(self._contradicted, self._compared):
            self.distrust()
        return is_contradiction

    def distrust(self) -> None:
        """Treat tags as unknown, since details contradict the lists."""
        self.are_contradicted = True
        self._lose()

    def samples(self, count: int) -> list[str]:
        """Return some candidates that have a tag by the lists, spread over them."""
        tagged = self._members.tagged()
        return tagged[:: -(-len(tagged) // count) or 1]

    def _learn(self, tag_ids: set[str]) -> None:
        if tag_ids:
            self.version += 1
            for _ in self._read(tag_ids, are_shown=False):
                pass

    def _lose(self) -> None:
        self.are_unknown = True
        self.version += 1

    # The lists

    def _read(self, tag_ids: set[str], *, are_shown: bool) -> Iterator[None]:
        """Read the lists of some tags; `/tags` shows them, or something else does."""
        self.known |= tag_ids
        pages = (self._pages(tag_id, is_shown=are_shown) for tag_id in sorted(tag_ids))
        # The pages of many tags at the same time would take much memory.
        for _ in round_robin(pages, self._source.workers.size):
            yield

    def _pages(self, tag_id: str, *, is_shown: bool) -> Iterator[Page | None]:
        candidates = self._list(tag_id)
        candidates.ask()
        yield None  # while the first pages of the next lists are requested
        try:
            candidates.first_page()
            if not is_shown and self._is_unfiltered(candidates):
                self._forget(tag_id)
                return
            yield from candidates.pages()
        except RequestError as error:  # of the first page
            is_rejected = isinstance(error, (BadRequestError, NotFoundError))
            if is_rejected and not is_shown:
                self._forget(tag_id)
            else:
                self._lose()
            return
        if not candidates.outcome.is_complete:
            self._lose()
        elif not candidates.count and not is_shown:
            self._forget(tag_id)
        else:
            self.are_accepted |= candidates.outcome is Outcome.ACCEPTED

    def _is_unfiltered(self, candidates: CandidateList) -> bool:
        """Return whether the API answers an unknown tag with all candidates."""
        return self._total is not None and candidates.total == self._total

    def _forget(self, tag_id: str) -> None:
        self.known.discard(tag_id)
        self._forgotten.add(tag_id)

    def _list(self, tag_id: str) -> CandidateList:
        params = dict(self._query.params)
        joined = f"{params['tag_ids']},{tag_id}" if "tag_ids" in params else tag_id
        query = Query((*{**params, "tag_ids": joined}.items(),), self._query.since)
        seen = _HaveTag(self._members, tag_id)
        return CandidateList(self._source, query, self._page_size, seen)


class _Members:
    """Which candidate has which tags, by position; few combinations of tags exist."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._combinations: list[TagIds] = [()]
        self._places: dict[TagIds, int] = {(): 0}
        self._of = array("I")  # by position, the place of its combination

    def tags_of(self, candidate_id: str) -> TagIds:
        position = self._ids.find(candidate_id)
        if position is None or position >= len(self._of):
            return ()
        return self._combinations[self._of[position]]

    def tagged(self) -> list[str]:
        return [key for key, place in zip(self._ids, self._of, strict=False) if place]

    def add(self, candidate_id: str, tag_id: str) -> bool:
        """Note that a candidate has a tag; return whether that is new."""
        position = self._ids.position(candidate_id)
        self._of.extend([0] * (position + 1 - len(self._of)))
        tags = self._combinations[self._of[position]]
        if tag_id in tags:
            return False
        more = tuple(sorted({*tags, tag_id}))
        if more not in self._places:
            self._places[more] = len(self._combinations)
            self._combinations.append(more)
        self._of[position] = self._places[more]
        return True


class _HaveTag(t.NamedTuple):
    """The candidates that the list of a tag has shown: no set of IDs for each tag."""

    members: _Members
    tag_id: str

    def see(self, candidate_id: str) -> bool:
        return self.members.add(candidate_id, self.tag_id)
