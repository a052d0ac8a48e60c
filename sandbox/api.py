"""The API without a socket: from a request to its response."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from http import HTTPStatus
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from sandbox.differences import apply, invent
from sandbox.encoding import Encoder
from sandbox.filters import Filters, choice, number
from sandbox.messages import Answer, Refused, Request, encode, error, page
from sandbox.versions import as_documented

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sandbox.candidate import Key
    from sandbox.differences import Difference
    from sandbox.roster import Roster
    from sandbox.shapes import Shapes

DEFAULT_LIMIT = 100
LISTS: dict[str, Callable[[Roster], list[dict[str, Any]]]] = {
    "openings": lambda account: account.openings(),
    "tags": lambda account: account.tags(),
}
"""The rows of each list without parameters, by the kind of the request."""


class Api:
    """Respond to requests from an account.

    Args:
        account: what there is.
        api_key: the key that opens it.
        root_url: where the sandbox stands, for absolute links.
    """

    def __init__(self, account: Roster, api_key: str, root_url: str) -> None:
        self._account = account
        self._bearer = f"Bearer {api_key}"
        self._root_url = root_url
        self._encoder = Encoder(account)

    def knows(self, request: Request) -> bool:
        """Return whether the request has the key."""
        return request.headers.get("authorization") == self._bearer

    def answer(self, request: Request, shapes: Shapes) -> Answer:
        """Respond as documented or, where the documentation is silent, as `shapes`."""
        try:
            self._admit(request, shapes)
            with self._account.lock:
                return Answer(self._body(request, shapes))
        except Refused as refused:
            known = request.route.version in shapes.versions
            html = request.route.version is None or shapes.unknown_version == "html"
            if html and not known:
                return page(404, "404 page not found")
            if known and refused.status == HTTPStatus.NOT_FOUND and shapes.wrong_id:
                return _wrong_id(*shapes.wrong_id)
            return error(refused.status, refused.error_type)

    def _admit(self, request: Request, shapes: Shapes) -> None:
        """Raise Refused for requests that no endpoint accepts."""
        if request.route.version not in shapes.versions:
            raise Refused(404, "NotFoundError")
        if not self.knows(request):
            raise Refused(401, "UnauthorizedError")
        if request.method != "GET":
            raise Refused(405, "MethodNotAllowedError")

    def _body(self, request: Request, shapes: Shapes) -> bytes:
        match request.kind:
            case "candidates":
                return self._candidates(request, shapes)
            case "candidate":
                return self._candidate(request, shapes)
            case "opening":
                return self._opening(request, shapes)
            case "categories":
                return self._categories(request, shapes)
        if request.kind not in LISTS:
            raise Refused(404, "NotFoundError")
        return self._small_list(request, shapes, LISTS[request.kind](self._account))

    def _candidate(self, request: Request, shapes: Shapes) -> bytes:
        try:
            distortion = shapes.distortion(request.route.version)
            return self._encoder.detail(request.route.item_id, distortion)
        except KeyError:
            raise Refused(404, "NotFoundError") from None

    def _opening(self, request: Request, shapes: Shapes) -> bytes:
        distortion = shapes.distortion(request.route.version)
        for opening in self._account.openings():
            if opening["id"] == request.route.item_id:
                path = f"openings/{opening['id']}"
                return encode(distortion.apply(opening, path, "openings"))
        raise Refused(404, "NotFoundError")

    def _categories(self, request: Request, shapes: Shapes) -> bytes:
        categories = self._account.categories()
        if number(request.query, "job_opening_id") is not None:
            wanted = request.query["job_opening_id"]
            categories = [
                category
                for category in categories
                if category["job_opening_id"] == wanted
            ]
        return self._small_list(request, shapes, categories)

    def _candidates(self, request: Request, shapes: Shapes) -> bytes:
        """Return one page of the candidates: seek paging in the list's order."""
        distortion = shapes.distortion(request.route.version)
        query = as_documented(request.query) if distortion.made_up else request.query
        keys = self._found(Filters.parse(query), shapes)
        backwards = choice(query, "order", ("asc", "desc")) == "desc"
        limit = _limit(query, DEFAULT_LIMIT, shapes.max_limit, shapes)
        start, stop = 0, len(keys)
        if after_id := query.get("after_id"):
            anchor = self._account.place(after_id)
            if anchor is None:
                stop = _stop_at_dead_anchor(shapes, stop)
            elif backwards:
                stop = _seek(keys, anchor, shapes, bisect_left)
            else:
                start = _seek(keys, anchor, shapes, bisect_right)
        if backwards:
            shown = keys[max(start, stop - limit) : stop][::-1]
        else:
            shown = keys[start : min(stop, start + limit)]
        rows = [self._encoder.row(key.id, distortion) for key in shown]
        last_id = shown[-1].id if shown else ""
        rest = self._links(request, shapes, last_id, stop - start - limit)
        if shapes.total == "present":
            is_wrong = shapes.total_error_in == "all lists" or "tag_ids" in query
            rest["total"] = len(keys) + is_wrong * shapes.total_error
        return _collection(rows, rest, shapes.envelopes.get("candidates", ()))

    def _found(self, filters: Filters, shapes: Shapes) -> Sequence[Key]:
        """Return the places of the candidates that a list shows, in order."""
        keys = self._account.find(filters)
        most = shapes.first_candidates
        listed = self._account.find(Filters())
        if most is None or most >= len(listed):
            return keys
        return keys[: bisect_left(keys, listed[most])]

    def _small_list(
        self, request: Request, shapes: Shapes, items: list[dict[str, Any]]
    ) -> bytes:
        """Return a whole list, as documented, or a page of it (`page_small_lists`)."""
        rest: dict[str, Any] = {}
        total = len(items)
        if (most := shapes.page_small_lists) is not None:
            limit = _limit(request.query, most, most, shapes)
            if after_id := request.query.get("after_id"):
                ids = [item["id"] for item in items]
                if after_id in ids:
                    items = items[ids.index(after_id) + 1 :]
                else:
                    items = items[: _stop_at_dead_anchor(shapes, len(items))]
            left, items = len(items) - limit, items[:limit]
            last_id = items[-1]["id"] if items else ""
            rest = self._links(request, shapes, last_id, left)
        if shapes.total_of_small_lists:
            rest["total"] = total
        distort, kind = shapes.distortion(request.route.version).apply, request.kind
        rows = [encode(distort(item, f"{kind}/{item['id']}", kind)) for item in items]
        name = {"openings": "job_openings"}.get(kind, kind)
        return _collection(rows, rest, shapes.envelopes.get(name, ()))

    def _links(
        self, request: Request, shapes: Shapes, last_id: str, left: int
    ) -> dict[str, Any]:
        """Return the `links` of a page that ends with `last_id`; `left` rows follow.

        `left` is negative where the page is not even full.
        """
        more = left > 0 or (left == 0 and shapes.trailing_link)
        route = request.route
        base = {
            "absolute": f"{self._root_url}/{route.version}/{route.kind}",
            "path": f"/api/{route.version}/{route.kind}",
            "bare": f"/{route.kind}",
        }[shapes.next_link]
        query = urlencode({**request.query, "after_id": last_id}, safe=",")
        own = urlencode(request.query, safe=",")
        return shapes.links(f"{base}?{query}" if more else None, f"{base}?{own}")


def _limit(query: Mapping[str, str], usual: int, most: int, shapes: Shapes) -> int:
    """Return the number of records in a page."""
    asked = number(query, "limit")
    if asked is None:
        return min(usual, most)
    too_much = asked > most and shapes.over_limit == "refuse"
    if asked < 1 or asked != int(asked) or too_much:
        raise Refused(400, "ValidationError")
    return min(int(asked), most)


def _seek(
    keys: Sequence[Key],
    anchor: Key,
    shapes: Shapes,
    bisect: Callable[..., int],
) -> int:
    """Return where the page after, or before, an anchor begins."""
    if shapes.skip_ties:
        return bisect(keys, anchor.started, key=attrgetter("started"))
    return bisect(keys, anchor)


def _stop_at_dead_anchor(shapes: Shapes, stop: int) -> int:
    """Return where to stop if `after_id` names no candidate."""
    match shapes.dead_anchor:
        case "404":
            raise Refused(404, "NotFoundError")
        case "400":
            raise Refused(400, "ValidationError")
        case "empty":
            return 0
        case "restart":
            return stop


def _wrong_id(status: int, shape: Mapping[str, Any]) -> Answer:
    """Return an answer of a shape for an ID that does not exist."""
    if "not JSON" in shape["types"]:
        return page(status, "Not found")
    return Answer(encode(invent(shape, "wrong ID")), status)


def _collection(
    rows: list[bytes], rest: dict[str, Any], envelope: Sequence[Difference]
) -> bytes:
    """Return the body of a list, from its encoded rows and the fields beside them."""
    more = b"," + encode(rest)[1:] if rest else b"}"
    body = b'{"data":[' + b",".join(rows) + b"]" + more
    return encode(apply(envelope, json.loads(body), "list")) if envelope else body
