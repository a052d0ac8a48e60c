"""What the Toggl Hire API has."""

from __future__ import annotations

import threading
import typing as t
from functools import cached_property
from itertools import chain

from tap_toggl_hire.api.pagination import LinksPaginator, LoopGuard, Params
from tap_toggl_hire.api.requester import Request, Requester
from tap_toggl_hire.api.version import find_version
from tap_toggl_hire.errors import NotFoundError, TapError, TransientError

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Iterator, Mapping

    from tap_toggl_hire.api.retry import Retry
    from tap_toggl_hire.api.transport import Counts, Transport

Row = dict[str, t.Any]


class Client:
    """Read the Toggl Hire API. Safe to use from several threads.

    Args:
        transport: Sends requests.
        version: The version to use; None to find one that the API knows.
        retry: How often, and after which pauses, a request is tried again.
        setting_of: The setting that a parameter of a request comes from, if any.
        logger: Where troubles are told.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        version: str | None,
        retry: Retry,
        setting_of: Mapping[str, str],
        logger: logging.Logger,
    ) -> None:
        self._transport = transport
        self._requester = Requester(transport, retry, setting_of, logger)
        self._asked_version = version
        self._logger = logger
        self._first: tuple[str, list[Row]] | None = None
        self._refusal: TapError | None = None
        self._first_lock = threading.Lock()
        self._tags: list[Row] | None = None
        self._openings: dict[str, Row] = {}

    @property
    def counts(self) -> Counts:
        """How many requests there were so far."""
        return self._transport.counts

    @property
    def version(self) -> str:
        """The version of the API that is used, found with the first request."""
        return self._first_list()[0]

    @property
    def found_version(self) -> str | None:
        """The version of the API that answered so far, if any did."""
        return self._first and self._first[0]

    @property
    def tags(self) -> list[Row]:
        """All tags of the workspace (`/tags`), as they were last read."""
        return self._first_list()[1] if self._tags is None else self._tags

    def reread_tags(self) -> list[Row]:
        """Read the tags again, which may have changed since."""
        self._tags = self.rows("/tags")
        return self._tags

    @cached_property
    def openings(self) -> list[Row]:
        """All job openings (`/openings`)."""
        return self.rows("/openings")

    def opening(self, opening_id: str) -> Row:
        """Read one job opening (`/openings/{id}`), once a run.

        Raises:
            TapError: If there is no such opening.
        """
        if opening_id in self._openings:
            return self._openings[opening_id]
        try:
            opening = self._item("/openings", opening_id)
        except NotFoundError:
            msg = (
                f"The workspace has no job opening {opening_id}, which setting "
                "job_opening_ids names: remove it there, or check the API key's "
                "workspace."
            )
            raise TapError(msg) from None
        return self._openings.setdefault(opening_id, opening)

    def categories(self, opening_id: str | None = None) -> list[Row]:
        """Read the categories (`/categories`), of one job opening or of all."""
        params = {} if opening_id is None else {"job_opening_id": opening_id}
        return self.rows("/categories", params)

    def candidate(self, candidate_id: str) -> Row | None:
        """Read one candidate with questions and answers (`/candidates/{id}`).

        Returns:
            The candidate; None if the API itself answers 404: it was deleted.

        Raises:
            NotServedError: If the API answers nothing, or another 404, which may be
                a proxy's; or if the id is one that cannot be asked for.
        """
        try:
            return self._item("/candidates", candidate_id)
        except NotFoundError:
            return None

    def candidates_page(self, params: Params) -> Row:
        """Read one page of the list of candidates (`/candidates`).

        Returns:
            The body: `data`, and as documented `links` and `total`.

        Raises:
            NotFoundError, RefusedError: As the API answered, which for a page with
                `after_id` may mean that this candidate was deleted.
        """
        return self._page("/candidates", params, self.version)

    def rows(self, path: str, params: Params | None = None) -> list[Row]:
        """Read a list to its end, following `links.next`.

        Not every list is documented to have pages, nor not to have them.
        """
        return [*chain.from_iterable(self.pages(path, params or {}))]

    def pages(self, path: str, params: Params) -> Iterator[list[Row]]:
        """Read a list page by page, following `links.next`."""
        return self._pages(path, params, self.version)

    def paginator(self, params: Params) -> LinksPaginator:
        """Make a paginator for a list that begins with this query."""
        return LinksPaginator(self._transport.root, params)

    def is_serving(self) -> bool:
        """Ask, once, whether the API serves anything: its tags."""
        try:
            self._requester.attempt(Request(version=self.version, path="/tags"))
        except TransientError:
            return False
        return True

    def _first_list(self) -> tuple[str, list[Row]]:
        """The version in use, and the tags, whose list was asked to find it."""
        with self._first_lock:
            if self._refusal is not None:  # to another thread: nothing will answer
                raise self._refusal
            if self._first is None:
                try:
                    self._first = self._find_version()
                except TapError as error:
                    self._refusal = error
                    raise
            return self._first

    def _find_version(self) -> tuple[str, list[Row]]:
        if self._transport.is_exposed:
            self._logger.warning(
                "The API key crosses the network without encryption, since api_url "
                "begins with http://: set it to an address with https://."
            )
        return find_version(
            self._asked_version,
            lambda version: [*chain.from_iterable(self._pages("/tags", {}, version))],
            self._logger,
        )

    def _pages(self, path: str, params: Params, version: str) -> Iterator[list[Row]]:
        paginator, guard = self.paginator(params), LoopGuard()
        seen: set[str] = set()
        while not paginator.finished:
            page = self._page(path, paginator.current_value, version)
            rows = set(map(repr, page["data"]))
            guard.check(is_new=not rows <= seen)
            seen |= rows
            yield page["data"]
            paginator.advance(page)

    def _page(self, path: str, params: Params, version: str) -> Row:
        page: Row = self._requester.get(
            Request(version=version, path=path, params=params)
        )
        return page

    def _item(self, path: str, item_id: str) -> Row:
        item: Row = self._requester.get(
            Request(version=self.version, path=path, item=item_id)
        )
        return item
