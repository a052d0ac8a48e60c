"""The resources of the Toggl Hire API, its version, and the retry policy.

Transient failures are retried, permanent ones become errors for the user:

| response | meaning |
| --- | --- |
| 200 with the documented shape | the result |
| 429 | the throttle delays all requests; not counted as an attempt |
| 5xx, 408, 425, no response, a malformed body | retried |
| 404, 410 with the API's error object (documentation: Errors) | `NotFoundError` |
| 404, 410 without it, or after a redirect: a proxy's | retried |
| 401, and 403 for a list | `UnauthorizedError`; no request starts after it |
| 403 for one resource | `ForbiddenError` |
| 402 for one resource | `PaymentRequiredError` |
| 400 | `BadRequestError` |
| any other status | `RequestError` |

Until a version of the API has answered, any 404 or 410 means that it does not serve
this version.
"""

from __future__ import annotations

import re
import threading
import typing as t
from collections import Counter
from itertools import chain
from urllib.parse import quote, urlencode

import requests

from tap_toggl_hire.api.body import (
    MAX_VALUES,
    Body,
    decode,
    error_type,
    has_too_many_values,
)
from tap_toggl_hire.api.pagination import LinksPaginator, Params, loop_error
from tap_toggl_hire.clock import http_date
from tap_toggl_hire.errors import (
    BadRequestError,
    ForbiddenError,
    NotFoundError,
    PaymentRequiredError,
    RateLimitError,
    RequestError,
    TapError,
    TooManyRequestsError,
    TransientError,
    UnauthorizedError,
    UnavailableError,
)

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from tap_toggl_hire.api.http import Response, Transport
    from tap_toggl_hire.clock import Clock
    from tap_toggl_hire.stop import Stop

T = t.TypeVar("T")
Json = dict[str, t.Any]

LATEST = "v2"  # always the latest version, which cannot be pinned
VERSIONS = ("v2.1", "v2.2", LATEST)
"""Tried in this order: the documented one, its successor, the latest."""
NOT_FOUND = {404, 410}
TRANSIENT = {408, 425}  # statuses to retry, beside 5xx
PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)  # seconds before each further attempt
JITTER = 0.25
"""Share by which a pause is longer or shorter, so that threads do not move in step."""
MAX_PAUSE = 120.0  # of `Retry.longest`
MAX_RETRY_AFTER = 366 * 86400.0  # maximum seconds that a Retry-After is taken for
MAX_STALE_PAGES = 3
"""Pages in a row without a new row, empty ones included, that are a loop."""
WARNING_INTERVAL = 60.0  # seconds between two warnings of the same kind


class Retry(t.NamedTuple):
    """When a failed request is retried."""

    pauses: Sequence[float] = PAUSES
    """Seconds before each further attempt, so there is one attempt more."""
    after_429: bool = True  # whether a request is also repeated after a 429
    longest: float = MAX_PAUSE
    """Maximum seconds for which a Retry-After of a 5xx, 408 or 425 is honoured."""

    def pause(
        self, failures: int, retry_after: float | None, jitter: float
    ) -> float | None:
        """Return the seconds until the next attempt; None after the last one.

        Args:
            failures: Attempts that failed so far.
            retry_after: Seconds that the last response asked for.
            jitter: A factor by chance, within `JITTER` of 1.
        """
        if failures > len(self.pauses):
            return None
        pause = self.pauses[failures - 1] * jitter
        return max(pause, min(retry_after or 0, self.longest))


NO_RETRY = Retry(pauses=(), after_429=False)
ONE_RETRY = Retry(pauses=(2.0,), longest=5.0)
"""Of a first run, until the API has served something: its address may be misspelt."""


class RequestCounts:
    """Counts of requests. Thread-safe."""

    def __init__(self) -> None:
        self.by_endpoint: Counter[str] = Counter()  # sent, redirects included
        self.rate_limited = 0  # of these, answered with 429
        self.retried = 0  # failed attempts that another one followed
        self._lock = threading.Lock()

    @property
    def requests(self) -> int:
        """Requests sent, including redirects and retries."""
        return self.by_endpoint.total()

    def add(
        self, endpoint: str, *, sent: int = 0, rate_limited: int = 0, retried: int = 0
    ) -> None:
        """Add to the counts of an endpoint."""
        with self._lock:
            self.by_endpoint[endpoint] += sent
            self.rate_limited += rate_limited
            self.retried += retried


class Request(t.NamedTuple):
    """A page of a list or, with `item`, the one object of it that has this ID."""

    path: str
    item: str | None = None
    params: Mapping[str, str] = {}

    @property
    def endpoint(self) -> str:
        """The path without IDs."""
        return self.path if self.item is None else f"{self.path}/{{id}}"

    def __str__(self) -> str:
        """For messages, with an ID that is a plain word."""
        is_loggable = self.item and re.fullmatch("[A-Za-z0-9_-]{1,64}", self.item)
        return f"GET {self.path}/{self.item}" if is_loggable else f"GET {self.endpoint}"

    def target(self, version: str) -> str:
        """Return version, path and query.

        Raises:
            RequestError: If the ID would change the path.
        """
        if self.item in {"", ".", ".."}:
            raise RequestError(
                f"Invalid ID '{self.item}': it would change the path of {self}. Ask "
                "the support of Toggl Hire for another ID."
            )
        item = "" if self.item is None else f"/{quote(self.item, safe='')}"
        query = f"?{urlencode(self.params)}" if self.params else ""
        return f"/{version}{self.path}{item}{query}"

    def matches(self, body: object) -> bool:
        """Return whether a body has the documented shape."""
        if not isinstance(body, dict):
            return False
        if self.item is None:
            return isinstance(body.get("data"), list)
        return str(body.get("id")) == self.item

    def has_other_form(self, body: object) -> bool:
        """Return whether a body has an object in a form that no retry changes.

        It is wrapped, as in `{"data": {...}}`, or has another ID than was asked for.
        """
        if self.item is None or not isinstance(body, dict):
            return False
        found = [body, *(part for part in body.values() if isinstance(part, dict))]
        return any(type(part.get("id")) in {int, str} for part in found)


TAGS = Request("/tags")
"""Every workspace has this list, so that a 404 for it is about the version."""


class Client:
    """Read the Toggl Hire API. Thread-safe.

    Without a version, one is searched for. The first response corrects the clock.
    `setting_of` has the settings behind parameters of the API, for messages. `search`
    is the retry policy of the search for the version, which may be shorter.

    Every method raises what the table above says, as a TapError.
    """

    def __init__(  # noqa: PLR0913 - what a run consists of
        self,
        transport: Transport,
        *,
        version: str | None,
        retry: Retry,
        setting_of: Mapping[str, str],
        clock: Clock,
        stop: Stop,
        logger: logging.Logger,
    ) -> None:
        self.counts = RequestCounts()
        self.found_version: str | None = None
        self._transport = transport
        self._versions = VERSIONS if version is None else (version,)
        self.search = self._retry = retry
        self._setting_of = setting_of
        self._clock = clock
        self._machine = clock.machine
        self._stop = stop
        self._logger = logger
        self._lock = threading.RLock()  # the search for the version logs, too
        self._tags_lock = threading.Lock()
        self._first_page: Json | None = None
        self._tags: list[Json] | None = None
        self._openings: dict[str, Json] = {}
        self._warned: dict[str, float] = {}

    # Resources

    @property
    def tags(self) -> list[Json]:
        """All tags of the workspace (`/tags`), read once in a run."""
        with self._tags_lock:
            if self._tags is None:
                self._tags = [*chain.from_iterable(self.pages_of_tags())]
            return self._tags

    def pages_of_tags(self) -> Iterator[list[Json]]:
        """Read `/tags` page by page; the search for the version reads the first."""
        _ = self.version
        return self.pages("/tags", {}, first=self._first_page)

    def opening(self, opening_id: str) -> Json:
        """Read one job opening (`/openings/{id}`), once in a run."""
        if opening_id not in self._openings:
            try:
                self._openings[opening_id] = self._get(Request("/openings", opening_id))
            except NotFoundError:
                raise TapError(
                    f"The workspace has no job opening {opening_id}: remove it from "
                    "the setting job_opening_ids, or check which workspace the "
                    "API key belongs to."
                ) from None
        return self._openings[opening_id]

    def candidate(self, candidate_id: str) -> Body:
        """Read one candidate with questions and answers (`/candidates/{id}`)."""
        return self._get(Request("/candidates", candidate_id))

    def candidates_page(self, params: Params) -> Body:
        """Read one page of the list of candidates: `data`, `links` and `total`.

        Raises:
            NotFoundError, BadRequestError: For a page with `after_id`, maybe because
                this candidate was deleted.
        """
        return self._get(Request("/candidates", params=params))

    def sample(self, request: Request) -> Response:
        """Send a request; return its response, whatever the form of its body.

        The first sample has to be that of `TAGS`, which finds the version. The status
        is 200, or a rejection (4xx) of a request for one object.
        """

        def attempt() -> Response:
            version, response = self.found_version, None
            if version is None:
                version, response = self._served()
            response = response or self._send(request, version)
            status = response.status
            is_rejected = status // 100 == 4 and status != requests.codes.unauthorized  # noqa: PLR2004
            if status != requests.codes.ok and not (request.item and is_rejected):
                raise self._error(request, response)
            _check_values(response.body)
            if self.found_version is None:
                self.found_version = version
                self._use(version, response)
            return response

        return self._retried(request, attempt, self._retry)

    def pages(
        self, path: str, params: Params, *, first: Json | None = None
    ) -> Iterator[list[Json]]:
        """Read a list page by page; `first` is its first page, if that was read.

        The documentation does not say which lists have pages.
        """
        paginator = self.paginator(params)
        seen: set[str] = set()
        stale_pages = 0
        while not paginator.finished:
            request = Request(path, params=paginator.current_value)
            page, first = first or self._get(request), None
            rows = {repr(row) for row in page["data"]}
            stale_pages = stale_pages + 1 if rows <= seen else 0
            if stale_pages == MAX_STALE_PAGES:
                raise loop_error()
            seen |= rows
            yield page["data"]
            self._stop.check()
            paginator.advance(page)

    def paginator(self, params: Params) -> LinksPaginator:
        """Return a paginator for a list that begins with this query."""
        return LinksPaginator(self._transport.root, params)

    # The version of the API

    @property
    def version(self) -> str:
        """The version in use, found with the first request."""
        with self._lock:
            if self.found_version is None:
                try:
                    self.found_version = self._retried(
                        TAGS, self._find_version, self.search
                    )
                except TapError as error:
                    self._transport.throttle.stop(error)
                    raise
            return self.found_version

    def _find_version(self) -> str:
        """Find the version that is served; keep its first page of tags."""
        version, response = self._served()
        self._first_page = self._body(TAGS, response)
        self._use(version, response)
        return version

    def _use(self, version: str, response: Response) -> None:
        """Use a version that has answered: correct the clock, and log a later one."""
        self._clock.correct(response.headers.get("Date"))
        if version != self._versions[0]:
            self._warn_of(version)

    def _served(self) -> tuple[str, Response]:
        """Try each version; return the one that is served, with its response."""
        for version in self._versions:
            response = self._send(TAGS, version)
            if response.status not in NOT_FOUND:
                return version, response
        final = TapError(
            f"The API does not serve {' or '.join(self._versions)} (HTTP 404 or 410): "
            "check api_url and api_version."
        )
        raise TransientError("no version of the API found", final=final)

    def _warn_of(self, version: str) -> None:
        """Log that the first version is not served, and how to pin this one."""
        if version == LATEST:
            self._logger.warning(
                "The API does not serve version %s; using %s, which is always the "
                "latest version and cannot be pinned. Set api_version to %s to avoid "
                "this warning.",
                *(self._versions[0], version, version),
            )
        else:
            self._logger.warning(
                "The API does not serve version %s; using %s. Set api_version to %s to "
                "pin it and to avoid this warning.",
                *(self._versions[0], version, version),
            )

    # The retry policy

    def _get(self, request: Request) -> Body:
        """Send a request until a response counts."""
        version = self.version

        def attempt() -> Body:
            return self._body(request, self._send(request, version))

        return self._retried(request, attempt, self._retry)

    def _retried(self, request: Request, attempt: Callable[[], T], retry: Retry) -> T:
        """Call until there is a result, or no attempt is left.

        A run that is to stop makes no further attempt.
        """
        failures = 0
        while True:
            try:
                return attempt()
            except TooManyRequestsError:
                self._stop.check()
                continue  # the throttle waits, with all requests
            except TransientError as failure:
                failures += 1
                jitter = self._machine.uniform(1 - JITTER, 1 + JITTER)
                pause = retry.pause(failures, failure.retry_after, jitter)
                if pause is None:
                    times = f"{failures} times (last: " if retry.pauses else "("
                    raise failure.final or UnavailableError(
                        f"{request} failed {times}{failure}). Run again later: the "
                        "next run continues from the last state.",
                        is_transient=not failure.lasts,
                    ) from failure
                self._stop.check()
                self.counts.add(request.endpoint, retried=1)
                self._warn("retry", "Retrying GET %s (%s).", request.endpoint, failure)
            self._machine.sleep(pause)

    def _send(self, request: Request, version: str) -> Response:
        """Make one attempt; return the response, with any status but 429."""
        throttle, endpoint = self._transport.throttle, request.endpoint
        try:
            response = self._transport.send(request.target(version))
        except TransientError:
            self.counts.add(endpoint, sent=1)
            raise
        is_limited = response.status == requests.codes.too_many_requests
        self.counts.add(endpoint, sent=1 + response.redirects, rate_limited=is_limited)
        if is_limited:
            wait = throttle.limited(response.started, self._retry_after(response))
            if not self._retry.after_429:
                raise RateLimitError(
                    "The API limits the rate of requests (HTTP 429): run again in "
                    f"{wait:.0f} seconds."
                )
            self._warn("429", "HTTP 429: all requests wait for %.0f s.", wait)
            raise TooManyRequestsError("HTTP 429")
        throttle.served()
        return response

    def _body(self, request: Request, response: Response) -> Body:
        """Return the body of a response that counts."""
        if response.status != requests.codes.ok:
            raise self._error(request, response)
        _check_values(response.body)
        is_item = request.item is not None  # others may well be served
        try:
            fields = decode(response.body)
        except ValueError as error:
            raise TransientError("a body that is not JSON", lasts=is_item) from error
        if not request.matches(fields) and request.has_other_form(fields):
            raise RequestError(
                f"{request} answers with another ID, or wraps the object: this is a "
                "form of the API that the tap does not know. Check api_version, and "
                "report what tap-toggl-hire --test prints."
            )
        if not request.matches(fields):
            reason = "a body that is not what the API documents"
            raise TransientError(reason, lasts=is_item)
        return Body(fields, len(response.body))

    def _error(self, request: Request, response: Response) -> TransientError | TapError:
        """Return the error for a response that is neither 200 nor 429."""
        status = response.status
        kind = error_type(response.body)
        if status >= requests.codes.server_error or status in TRANSIENT:
            after = self._retry_after(response)
            return TransientError(f"HTTP {status}", retry_after=after)
        if status in NOT_FOUND and (kind is None or response.redirects):
            where = "without the API's error object"
            if response.redirects:
                where = "after a redirect"
            return TransientError(f"HTTP {status} {where}; check api_url")
        is_loggable = kind and re.fullmatch(r"[A-Za-z0-9._-]{1,80}", kind)
        code = f"HTTP {status}, {kind}" if is_loggable else f"HTTP {status}"
        if status == requests.codes.unauthorized or (
            status == requests.codes.forbidden and request.item is None
        ):
            rejected = UnauthorizedError(
                f"The API rejects the API key ({request}: {code}): check the setting "
                "api_key, which belongs to one workspace."
            )
            self._transport.throttle.stop(rejected)
            return rejected
        if status == requests.codes.bad_request:
            names = [self._setting_of.get(name) for name in request.params]
            settings = " and ".join(filter(None, names)) or "api_version"
            return BadRequestError(
                f"The API rejects {request} ({code}): check {settings}."
            )
        return _refused(request, status, code)

    def _retry_after(self, response: Response) -> float | None:
        return retry_after(response.headers.get("Retry-After", ""), self._clock.now())

    def _warn(self, kind: str, message: str, *args: object) -> None:
        """Log a warning, at most one of each kind per minute."""
        now = self._machine.monotonic()
        with self._lock:
            if now - self._warned.get(kind, -WARNING_INTERVAL) < WARNING_INTERVAL:
                return
            self._warned[kind] = now
        self._logger.warning(message, *args)


def _check_values(body: bytes) -> None:
    if has_too_many_values(body):
        raise TransientError(
            f"a body of more than {MAX_VALUES:,} JSON values; check page_size"
        )


def _refused(request: Request, status: int, code: str) -> RequestError:
    """Return the error for a status that is about one resource."""
    if status == requests.codes.forbidden:
        return ForbiddenError(
            f"{request} is forbidden ({code}): check what the key in api_key may read."
        )
    if status == requests.codes.payment_required and request.item is not None:
        return PaymentRequiredError(
            f"{request} is not allowed any more ({code}): check what the plan of the "
            "workspace includes. The next run continues."
        )
    kind_of_error = NotFoundError if status in NOT_FOUND else RequestError
    return kind_of_error(f"{request} failed ({code}): check api_url and api_version.")


def retry_after(value: str, now: datetime) -> float | None:
    """Return the seconds of a Retry-After header (RFC 9110, section 10.2.3).

    They are negative for a date in the past, and None if it is neither date nor number.
    """
    value = value.strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        return min(float(value), MAX_RETRY_AFTER)
    date = http_date(value)
    return None if date is None else min((date - now).total_seconds(), MAX_RETRY_AFTER)
