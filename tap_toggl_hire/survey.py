"""The survey of `--test=shape`: the form of what this API sends, without a value.

One JSON document for an issue, from which this project makes a test. It is made of at
most 12 requests, none of which is retried; `shape` decides what it may name.
"""

from __future__ import annotations

import re
import typing as t
from collections import Counter
from http import HTTPStatus

from tap_toggl_hire.api.body import decode
from tap_toggl_hire.api.client import TAGS, Request
from tap_toggl_hire.checkup import MAX_REQUESTS, find_version, sampled
from tap_toggl_hire.errors import BadRequestError, TapError, UnavailableError
from tap_toggl_hire.records import EXTRA, id_of
from tap_toggl_hire.shape import (
    NOT_TRIED,
    order_of,
    paging_of,
    shape_of,
    with_names,
)
from tap_toggl_hire.streams import ListStream

if t.TYPE_CHECKING:
    from tap_toggl_hire.api.http import Response
    from tap_toggl_hire.api.pagination import Params
    from tap_toggl_hire.session import SessionTap
    from tap_toggl_hire.shape import Json, Schema

WRONG_ID = "0"
ERROR: Schema = {"properties": {"error": {"properties": {"type": {}}}}}
HEADERS = (
    *("content-type", "content-encoding", "date", "etag", "link", "retry-after"),
    *("deprecation", "sunset", "x-total-count"),
    *("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"),
    *("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
)
"""Names that are written; others only if `shape` says so."""


def survey(tap: SessionTap) -> Json:
    """Return the shape of what the API sends.

    Raises:
        TapError: If the API cannot be reached, rejects the key, or serves no JSON.
    """
    return _Survey(tap).document()


class _Survey:
    """The requests, and what was read."""

    def __init__(self, tap: SessionTap) -> None:
        self._tap = tap
        self._client = tap.session.client
        self._root = tap.session.settings.api_url.rstrip("/")
        self._page_size = tap.session.settings.page_size
        self._headers: list[Json] = []
        self._pages: dict[str, list[t.Any]] = {}  # the bodies of each list

    def document(self) -> Json:
        """Send the requests; return the document."""
        find_version(self._tap.session.workers, self._read_tags)
        for stream in self._tap.streams.values():
            if isinstance(stream, ListStream) and stream.path != TAGS.path:
                self._pages[stream.name] = [self._body(Request(stream.path))]
        query = {"limit": str(self._page_size), "order": "asc"}
        self._pages["candidates"] = self._candidates(query)
        rows = [row for page in self._pages["candidates"] for row in _rows(page)]
        ids = [id_of(row) for row in _rows(self._pages["candidates"][0])]
        details, statuses = self._details([key for key in ids if key is not None])
        filtered = self._filtered(query, rows)
        wrong_id = self._wrong_id()
        lists = self._lists()
        lists["candidates"]["paging"]["order"] = order_of(rows)
        version = self._client.found_version or ""
        is_version = re.fullmatch(r"v\d{1,3}(\.\d{1,3})?", version)
        return {
            "tap": f"{self._tap.name} {self._tap.plugin_version}",
            "api": version if is_version else "other",
            "requests": self._client.counts.requests,
            "resources": {
                **lists,
                "candidate_details": {
                    "statuses": statuses,
                    "body": self._shape_of_details(details, lists["candidates"]),
                },
            },
            "filter": {"job_opening_id": filtered},
            "wrong_id": wrong_id,
            "headers": self._shape_of_headers(),
        }

    # The requests

    def _read_tags(self) -> None:
        self._pages["tags"] = [self._body(TAGS)]

    def _sample(self, request: Request) -> Response:
        response = self._client.sample(request)
        self._headers.append({k.lower(): v for k, v in response.headers.items()})
        return response

    def _body(self, request: Request) -> t.Any:
        return self._decoded(self._sample(request), request.path)

    def _decoded(self, response: Response, path: str) -> t.Any:
        try:
            return decode(response.body)
        except ValueError:
            raise UnavailableError(
                f"GET {path} failed (a body that is not JSON): check api_url and "
                "api_version."
            ) from None

    def _candidates(self, query: Params) -> list[t.Any]:
        """Return the first two pages of the list of candidates."""
        first = self._body(Request("/candidates", params=query))
        paginator = self._client.paginator(query)
        if not isinstance(first, dict) or not self._left():
            return [first]
        try:
            paginator.advance(first)
        except TapError:  # a run does not follow this link either
            return [first]
        if paginator.finished:
            return [first]
        following = Request("/candidates", params=paginator.current_value)
        return [first, self._body(following)]

    def _filtered(self, query: Params, rows: list[t.Any]) -> str:
        """Try one filter; return which rows it leaves."""
        found = [row["job_opening_id"] for row in rows if _has(row, "job_opening_id")]
        if not found or not self._left():
            return NOT_TRIED
        wanted = str(found[0])
        params = {**query, "job_opening_id": wanted}
        try:
            page = self._body(Request("/candidates", params=params))
        except BadRequestError:
            return "rejected"
        self._pages["candidates filtered"] = [page]
        left = _rows(page)
        if all(_has(row, "job_opening_id") for row in left):
            matching = [row for row in left if str(row["job_opening_id"]) == wanted]
            if left == matching:
                return "matching rows only" if left else "no rows"
        return "other rows, too"

    def _wrong_id(self) -> Json | str:
        """Return the shape of the answer for an ID that no candidate has."""
        if not self._left():
            return NOT_TRIED
        response = self._sample(Request("/candidates", WRONG_ID))
        try:
            body = shape_of([decode(response.body)], ERROR)
        except ValueError:
            body = {"types": {"not JSON": 1}}
        return {"status": response.status, "body": body}

    def _details(self, ids: list[str]) -> tuple[list[t.Any], dict[str, int]]:
        """Return the details of some candidates, and how often each status came."""
        statuses = Counter[str]()
        bodies = []
        for candidate_id in sampled(ids, self._client.counts.requests):
            response = self._sample(Request("/candidates", candidate_id))
            statuses[str(response.status)] += 1
            if response.status == HTTPStatus.OK:
                bodies.append(self._decoded(response, "/candidates/{id}"))
        return bodies, dict(statuses)

    def _left(self) -> int:
        """Return the number of requests that are left; redirects take some."""
        return max(0, MAX_REQUESTS - self._client.counts.requests)

    # Their shapes

    def _lists(self) -> Json:
        """Return the shape and the paging of each list.

        The bodies of all lists are one place: a name that half of them have is written.
        """
        bodies = [body for pages in self._pages.values() for body in pages]
        common = shape_of(bodies, {}).get("fields", {})
        lists: Json = {}
        for name, pages in self._pages.items():
            stream = self._tap.streams.get(name)
            if stream is None:
                continue
            row = _declared(stream.schema)
            envelope = {field: {"items": row} for field in common}
            envelope |= {
                "data": {"items": row},
                "links": {"properties": {"next": {}}},
                "total": {},
            }
            schema = {"properties": envelope, "items": row}
            limit = self._page_size if name == "candidates" else None
            documented = [
                {**(body if isinstance(body, dict) else {}), "data": _rows(body)}
                for body in pages
            ]
            lists[name] = {
                "body": shape_of(pages, schema),
                "paging": paging_of(documented, self._root, limit),
            }
        return lists

    def _shape_of_headers(self) -> Json:
        shape = shape_of(self._headers, {"properties": {name: {} for name in HEADERS}})
        fields = shape.pop("fields").items()
        return shape | {"fields": {n: found for n, found in fields if found["types"]}}

    def _shape_of_details(self, bodies: list[t.Any], candidates: Json) -> Json:
        """Return the shape of details; what list rows may name, they may name, too."""
        schema = _declared(self._tap.streams["candidate_details"].schema)
        body = candidates["body"]
        rows = body.get("fields", {}).get("data", body).get("items", {})
        schema = with_names(schema, rows)
        if bodies and not any(_has(body, "id") for body in bodies):
            properties = schema["properties"] | {"data": schema}  # it is wrapped
            schema = {"properties": properties}
        return shape_of(bodies, schema)


def _rows(body: t.Any) -> list[t.Any]:
    """Return the rows of a list, wherever they are in the body."""
    if isinstance(body, list):
        return body
    values = [body.get("data"), *body.values()] if isinstance(body, dict) else []
    return next((value for value in values if isinstance(value, list)), [])


def _has(row: t.Any, name: str) -> bool:
    return isinstance(row, dict) and row.get(name) is not None


def _declared(schema: Schema) -> Schema:
    """Return a schema without the columns of the tap itself."""
    names = {
        name: field
        for name, field in schema["properties"].items()
        if name != EXTRA and not name.startswith("_sdc")
    }
    return {"properties": names}
