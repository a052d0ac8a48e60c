"""Seek pagination over `links.next` (API documentation: Pagination).

The documentation says to use the URL in `links.next`, whose `after_id` is the last
record of the previous page. It does not say what the URL looks like, nor how the last
page ends. A link that is null, empty or missing ends the list. A link may be an
absolute URL, a path, or a path without the version: only its query is used, so no link
leads to another host, and parameters that it leaves out (a filter, for example) keep
their values.
"""

from __future__ import annotations

import typing as t
from urllib.parse import parse_qsl, urljoin, urlsplit

from singer_sdk.pagination import BaseAPIPaginator

from tap_toggl_hire.errors import TapError

Params = dict[str, str]  # the query of a request


class LinksPaginator(BaseAPIPaginator[Params]):
    """Follow `links.next` to the last page, without leaving the origin of `root`."""

    def __init__(self, root: str, params: Params) -> None:
        super().__init__(params)
        self._root = root
        self._visited = {_key(params)}

    def advance(self, response: t.Any) -> None:
        """Go to the next page; the decoded body of this one replaces its response."""
        super().advance(response)

    def get_next(self, response: t.Any) -> Params | None:
        """Return the query of the page after a decoded one; None after the last.

        A link to another origin or to a visited page is a TapError.
        """
        links = response.get("links")
        link = links.get("next") if isinstance(links, dict) else None
        if not isinstance(link, str) or not link:
            return None
        url = same_origin(self._root, link)
        if url is None:
            raise TapError(
                "The API's link to the next page leads to another origin (scheme, "
                "host or port) than api_url, and was not followed. Set api_url to the "
                "API's own origin."
            )
        query = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
        params = {**self.current_value, **query}
        if _key(params) in self._visited:
            raise loop_error()
        self._visited.add(_key(params))
        return params


def same_origin(base: str, link: str) -> str | None:
    """Resolve a link against a URL; None if it leads to another origin."""
    try:
        url = urljoin(base, link)
        return url if _origin(url) == _origin(base) else None
    except ValueError:  # it is not a URL
        return None


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname, parts.port or default


def total_of(page: dict[str, t.Any]) -> int | None:
    """Return the `total` of a page: the length of the whole list, if stated."""
    total = page.get("total")
    return int(total) if isinstance(total, (int, float)) else None


def loop_error() -> TapError:
    """Return the error for pages that lead back to pages that were already read."""
    return TapError(
        "The API's links to the next page form a loop: they lead back to rows that "
        "were already read. No deletions were emitted. Run again later.",
        is_transient=True,
    )


def _key(params: Params) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(params.items()))
