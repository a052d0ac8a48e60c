"""Seek pagination over `links.next`.

The documentation (Pagination) says to follow the URL in `links.next`, whose
`after_id` names the last record of the page before. It does not say what the URL
looks like, nor how the last page ends. All shapes are taken: a link that is null,
empty or missing ends the list; a link may be an absolute URL, a path, or a path
without the version, since only its query is used. So a link can lead to no other
host, and what it leaves out of the query (a filter, say) stays as it was.
"""

from __future__ import annotations

import typing as t
from urllib.parse import parse_qsl, urlsplit

from singer_sdk.pagination import BaseAPIPaginator

from tap_toggl_hire.errors import TapError

Params = dict[str, str]
"""The query of a request."""


LOOP = (
    "The API's link to the next page comes back to a page that was already read: its "
    "pages form a loop. Nothing was taken for deleted; try again later."
)


MOST_STALE_PAGES = 3
"""Pages in a row without a new row, empty ones included, that are a loop."""


class LoopGuard:
    """Stop at pages that bring nothing new, whatever their links say.

    An API that forms a new link each time would else be read for ever.
    """

    def __init__(self) -> None:
        self._stale = 0

    def check(self, *, is_new: bool) -> None:
        """Take note of a page.

        Args:
            is_new: Whether it has a row that no page before it had.

        Raises:
            TapError: If it is one too many that has not.
        """
        self._stale = 0 if is_new else self._stale + 1
        if self._stale == MOST_STALE_PAGES:
            raise TapError(LOOP)


class LinksPaginator(BaseAPIPaginator[Params]):
    """Follow `links.next` to the last page, once round and no further.

    Args:
        root: A URL of the API's, whose scheme, host and port no link may leave.
        params: The query of the first page.
    """

    def __init__(self, root: str, params: Params) -> None:
        super().__init__(params)
        self._scheme = urlsplit(root).scheme
        self._origin = origin(root)
        self._visited = {_key(params)}

    def advance(self, response: t.Any) -> None:
        """Go to the next page.

        Args:
            response: The decoded body of a page, where the SDK has the response.
        """
        super().advance(response)

    def get_next(self, response: t.Any) -> Params | None:
        """Find the query of the next page.

        Args:
            response: The decoded body of a page.

        Returns:
            The query, or None on the last page.

        Raises:
            TapError: If the link leads to another origin, or to a page that was
                read before.
        """
        links = response.get("links")
        link = links.get("next") if isinstance(links, dict) else None
        if not isinstance(link, str) or not link:
            return None
        try:
            parts = urlsplit(link)
            if parts.netloc and not parts.scheme:  # a link to a host: //host/path
                parts = parts._replace(scheme=self._scheme)
            target = origin(parts.geturl())
        except ValueError:
            target = None
        if target not in {("", None, None), self._origin}:
            msg = (
                "The API's link to the next page leads to another origin "
                "(scheme, host or port) than api_url: it was not followed. "
                "Set api_url to the API's own origin."
            )
            raise TapError(msg)
        params = {
            **self.current_value,
            **dict(parse_qsl(parts.query, keep_blank_values=True)),
        }
        key = _key(params)
        if key in self._visited:
            raise TapError(LOOP)
        self._visited.add(key)
        return params

    def rewind(self, params: Params) -> None:
        """Go on from another place of the list.

        Args:
            params: The query of the page to read next, which may have been read.
        """
        self._value = params


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port of a URL; all empty for a path.

    Raises:
        ValueError: If it is no URL.
    """
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, parts.port or default


def _key(params: Params) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(params.items()))
