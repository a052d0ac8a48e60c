"""One request to the API, right and safe.

The only place that talks HTTP and the only one that knows the API key. The key goes
to the origin of `api_url` alone: no redirect and no link is followed elsewhere.
What fails for a moment is tried again; what fails for good becomes a sentence,
without response bodies, which hold candidates' data.
"""

from __future__ import annotations

import email.utils
import json
import random
import re
import threading
import time
import typing as t
from datetime import UTC
from functools import cached_property
from urllib.parse import quote, urlencode, urljoin

import msgspec
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, ReadTimeoutError

from tap_toggl_hire.api.pagination import LOOP, LinksPaginator, Params, origin
from tap_toggl_hire.errors import (
    NoLongerError,
    NotFoundError,
    NotServedError,
    RefusedError,
    TapError,
)

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator, Mapping

    from tap_toggl_hire.api.throttle import Throttle

Json = t.Any
Row = dict[str, t.Any]

VERSIONS = ("v2.1", "v2.2", "v2")
"""Tried in this order: the documented one, the current one, the vendor's latest."""

PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before each further try of a request that failed for a moment."""
JITTER = 0.25
"""Share by which a pause is longer or shorter, so that workers do not march."""
TRANSIENT_STATUSES = {408, 425}
"""Beside 5xx: the server, or a proxy before it, asks to come again."""
LONGEST_PAUSE = 86400.0
"""The most seconds that a Retry-After is believed."""
MOST_REDIRECTS = 5
LARGEST_PIECE = 1 << 16
"""Bytes of a body that are read at once."""
WARNING_INTERVAL = 60.0
"""Seconds between two log lines on the same kind of trouble."""


class Counts:
    requests = 0
    refused = 0
    retried = 0


class Client:
    """Read the Toggl Hire API.

    Safe to use from several threads.

    Args:
        api_key: Key of the workspace.
        api_url: Root of the API, without the version.
        api_version: The version to use; None to find one that the API knows.
        timeout: Seconds that one request may take.
        user_agent: The User-Agent header.
        throttle: Lets each request start when it may.
        max_connections: The most connections to keep open.
        setting_of: The setting that a parameter of a request comes from, if any.
        logger: Where troubles are told.
        sleep: Waits for so many seconds before a request is tried again.
    """

    def __init__(  # noqa: PLR0913 - each is a setting
        self,
        *,
        api_key: str,
        api_url: str,
        api_version: str | None,
        timeout: float,
        user_agent: str,
        throttle: Throttle,
        max_connections: int,
        setting_of: Mapping[str, str],
        logger: logging.Logger,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._root = api_url.rstrip("/")
        self._asked_version = api_version
        self._timeout = timeout
        self._throttle = throttle
        self._setting_of = setting_of
        self._logger = logger
        self._sleep = sleep
        self._openings: dict[str, Row] = {}
        self.counts = Counts()
        self.found_version: str | None = None
        self._told: dict[str, float] = {}
        self._told_lock = threading.Lock()
        # The adapter is what a session sends with. A session would look at the
        # environment's proxies and certificates for every request, and prepare
        # each anew: a third of the processor time of a run.
        self._adapter = HTTPAdapter(pool_connections=1, pool_maxsize=max_connections)
        with requests.Session() as session:
            self._send_options: dict[str, t.Any] = dict(
                session.merge_environment_settings(
                    self._root, {}, stream=True, verify=None, cert=None
                )
            )
            self._template = session.prepare_request(
                requests.Request(
                    "GET",
                    self._root,
                    headers={
                        "Accept": "application/json",
                        "Authorization": f"Bearer {api_key}",
                        "User-Agent": user_agent,
                    },
                    # Not the environment's .netrc, which would replace the key.
                    auth=lambda request: request,
                ),
            )

    # What the API has

    @cached_property
    def tags(self) -> list[Row]:
        """All tags of the workspace (`/tags`)."""
        return self._first_list[1]

    def reread_tags(self) -> list[Row]:
        return self.rows("/tags")

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
        path = f"/openings/{quote(opening_id, safe='')}"
        try:
            opening = self._object(path, expected_id=opening_id)
            return self._openings.setdefault(opening_id, opening)
        except NotFoundError:
            msg = (
                f"The workspace has no job opening {opening_id}, which setting "
                "job_opening_ids names: remove it there, or check the API key's "
                "workspace."
            )
            raise TapError(msg) from None

    def categories(self, opening_id: str | None = None) -> list[Row]:
        """Read the categories (`/categories`), of one job opening or of all."""
        params = {} if opening_id is None else {"job_opening_id": opening_id}
        return self.rows("/categories", params)

    def candidate(self, candidate_id: str) -> Row | None:
        """Read one candidate with questions and answers (`/candidates/{id}`).

        Returns:
            The candidate; None if the API answers 404: it was deleted.
        """
        try:
            return self._object(
                f"/candidates/{quote(candidate_id, safe='')}", expected_id=candidate_id
            )
        except NotFoundError:
            return None

    def is_serving(self) -> bool:
        """Ask, once, whether the API serves anything: its tags."""
        try:
            self._attempt(f"{self._root}/{self.version}/tags", "/tags", {})
        except (_TransientError, _AskedToWaitError):
            return False
        return True

    def candidates_page(self, params: Params) -> Row:
        """Read one page of the list of candidates (`/candidates`).

        Returns:
            The body: `data`, and as documented `links` and `total`.

        Raises:
            NotFoundError, RefusedError: As the API answered, which for a page with
                `after_id` may mean that this candidate was deleted.
        """
        return self._page("/candidates", params)

    def rows(self, path: str, params: Params | None = None) -> list[Row]:
        """Read a list to its end, following `links.next`.

        Not every list is documented to have pages, nor not to have them.
        """
        return [row for page in self.pages(path, params or {}) for row in page["data"]]

    def paginator(self, params: Params) -> LinksPaginator:
        """Make a paginator for a list that begins with this query."""
        return LinksPaginator(self._root, params)

    # The version

    @property
    def version(self) -> str:
        """The version of the API that is used."""
        return self._first_list[0]

    @cached_property
    def _first_list(self) -> tuple[str, list[Row]]:
        """The version in use, and the tags, whose list was asked to find it.

        A workspace always has a list of tags, so a 404 speaks of the version.
        """
        versions = VERSIONS if self._asked_version is None else (self._asked_version,)
        for version in versions:
            try:
                rows = [
                    row
                    for page in self.pages("/tags", {}, version)
                    for row in page["data"]
                ]
            except (NotFoundError, NoLongerError):
                continue
            if version != versions[0]:
                self._logger.warning(
                    "The API no longer knows version %s; %s was taken. To pin it and "
                    "to be rid of this warning, set api_version to %s.",
                    versions[0],
                    version,
                    version,
                )
            self.found_version = version
            return version, rows
        if self._asked_version is None:
            tried = ", ".join(versions)
            msg = (
                f"The API answers 404 or 410 for each known version ({tried}): check "
                "api_url."
            )
        else:
            msg = (
                f"The API answers 404 for version {self._asked_version}: set "
                "api_version to one that it knows, or unset it."
            )
        raise TapError(msg)

    # Requests

    def pages(
        self, path: str, params: Params, version: str | None = None
    ) -> Iterator[Row]:
        paginator = self.paginator(params)
        seen: list[list[Row]] = []
        while not paginator.finished:
            page = self._page(path, paginator.current_value, version)
            if page["data"] in seen:  # under a new address
                raise TapError(LOOP)
            seen.append(page["data"])
            yield page
            paginator.advance(page)

    def _page(self, path: str, params: Params, version: str | None = None) -> Row:
        return self._get(path, params, _is_page, version)

    def _object(self, path: str, expected_id: str) -> Row:
        def is_object(body: Json) -> bool:
            return isinstance(body, dict) and str(body.get("id")) == expected_id

        return self._get(path, {}, is_object)

    def _get(
        self,
        path: str,
        params: Params,
        is_valid: Callable[[Json], bool],
        version: str | None = None,
    ) -> Row:
        """Ask until there is an answer that counts."""
        url = f"{self._root}/{version or self.version}{path}"
        if params:
            url += "?" + urlencode(params)
        endpoint = (
            re.sub(r"(?<=/)[^/]+$", "{id}", path) if path.count("/") > 1 else path
        )
        failures = 0
        while True:
            try:
                body = self._attempt(url, endpoint, params)
                if is_valid(body):
                    return t.cast("Row", body)
                trouble = "the answer is not what the API's documentation says"
            except _AskedToWaitError:
                continue  # the throttle waits, with all requests
            except _TransientError as error:
                trouble = str(error)
            if failures == len(PAUSES):
                msg = (
                    f"The API does not serve {endpoint}: {trouble}, {failures + 1} "
                    "times in a row. What was read so far is in the state; run again "
                    "later."
                )
                raise NotServedError(msg)
            pause = PAUSES[failures] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
            failures += 1
            self._tell("retry", "Trying %s again: %s.", endpoint, trouble)
            self._sleep(pause)

    def _attempt(self, url: str, endpoint: str, params: Params) -> Json:
        """Send once.

        Returns:
            The decoded body.

        Raises:
            _TransientError: What fails for a moment.
            _AskedToWaitError: Where the API answers 429.
            TapError: What fails for good.
        """
        try:
            started, response, content = self._send(url)
        except (requests.RequestException, HTTPError) as error:
            raise _TransientError(_trouble(error)) from error

        status = response.status_code
        if status == requests.codes.too_many_requests:
            pause = self._throttle.refused(started, _retry_after(response.headers))
            self._tell("429", "The API asks to slow down (429): waiting %.0f s.", pause)
            raise _AskedToWaitError
        self._throttle.answered()
        if status == requests.codes.ok:
            try:
                return _decode(content)
            except ValueError as error:
                raise _TransientError("the answer is no JSON") from error
        if status >= requests.codes.server_error or status in TRANSIENT_STATUSES:
            raise _TransientError(f"it answers {status}")
        raise self._failure(status, _error_type(content), endpoint, params)

    def _send(self, url: str) -> tuple[float, requests.Response, bytes]:
        """Send one request and read its answer, following redirects at home.

        Returns:
            When the last request started, its answer, and the body of this.
        """
        for hops in range(MOST_REDIRECTS):
            request = requests.PreparedRequest()
            request.method = "GET"
            request.url = url
            request.headers = self._template.headers
            request.hooks = self._template.hooks
            started = self._throttle.acquire()
            deadline = time.monotonic() + self._timeout
            try:
                response = self._adapter.send(
                    request, timeout=self._timeout, **self._send_options
                )
                content = self._receive(response, deadline)
            finally:
                self._throttle.release()
            location = response.headers.get("Location")
            if not response.is_redirect or location is None:
                if hops and response.status_code == requests.codes.not_found:
                    raise TapError(LOST)  # of what was asked for, it proves nothing
                return started, response, content
            try:
                url = urljoin(url, location)
                is_home = origin(url) == origin(self._root)
            except ValueError:
                is_home = False
            if not is_home:
                msg = (
                    "The API redirects to another origin (scheme, host or port) than "
                    "api_url: the API key was not sent there. Set api_url to the "
                    "API's own origin."
                )
                raise TapError(msg)
        msg = "The API redirects in circles: check api_url."
        raise TapError(msg)

    @staticmethod
    def _receive(response: requests.Response, deadline: float) -> bytes:
        """Read a body, piece by piece as they arrive.

        The timeout of a socket is for each piece. A body that trickles in would never
        reach it.
        """
        pieces = []
        while piece := response.raw.read1(LARGEST_PIECE, decode_content=True):
            pieces.append(piece)
            if time.monotonic() > deadline:
                response.close()
                raise requests.ReadTimeout
        return b"".join(pieces)

    def _failure(
        self, status: int, kind: str | None, endpoint: str, params: Params
    ) -> TapError:
        if kind and kind in str(self._template.headers["Authorization"]):
            kind = None  # an API that repeats the key
        told = f"{status}, {kind}" if kind else str(status)
        if status in {401, 403}:
            return TapError(
                f"The API refuses the key ({told}): check setting api_key, and that "
                "it belongs to the workspace."
            )
        if status == requests.codes.bad_request:
            settings = [self._setting_of[n] for n in params if n in self._setting_of]
            return RefusedError(
                f"The API refuses the request to {endpoint} ({told}): check "
                f"{' and '.join(settings) or 'api_version'}."
            )
        message = (
            f"The API answers {told} for {endpoint}: check api_url and api_version."
        )
        kinds = {404: NotFoundError, 410: NoLongerError}
        return kinds.get(status, TapError)(message)

    def _tell(self, kind: str, message: str, *args: object) -> None:
        """Log a trouble, though not each time: there may be thousands."""
        now = time.monotonic()
        with self._told_lock:
            if now - self._told.get(kind, -WARNING_INTERVAL) < WARNING_INTERVAL:
                return
            self._told[kind] = now
        self._logger.warning(message, *args)


LOST = "The API redirects to an address that is not there (404): check api_url."


class _TransientError(Exception):
    """A request failed for a moment; the text says how."""


class _AskedToWaitError(Exception):
    """The API answered 429."""


def _is_page(body: Json) -> bool:
    return isinstance(body, dict) and isinstance(body.get("data"), list)


def _decode(content: bytes) -> Json:
    """Decode JSON.

    JSON allows half a surrogate pair, which is no text, and the character NUL, which
    PostgreSQL takes in none. Both become U+FFFD, the replacement character.

    Raises:
        ValueError: If it is no JSON.
    """
    try:
        body = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError):
        body = None
    if body is not None and b"\\u0000" not in content:
        return body
    try:
        text = json.dumps(_printable(json.loads(content)), ensure_ascii=False)
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError from error


def _printable(value: Json) -> Json:
    if isinstance(value, dict):
        return {_printable(name): _printable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_printable(item) for item in value]
    if isinstance(value, str):
        text = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return text.replace("\0", "\ufffd")
    return value


def _trouble(error: requests.RequestException | HTTPError) -> str:
    """Name a failed request, without the text of the error, which quotes the URL."""
    if isinstance(error, requests.exceptions.SSLError):
        return "the TLS connection fails (certificate?)"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy does not connect"
    if isinstance(error, (requests.exceptions.Timeout, ReadTimeoutError)):
        return "it does not answer within request_timeout"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "the connection is refused or breaks off (see api_url, and the network)"
    return "the answer breaks off"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a Retry-After header asks for: a number, or a date (RFC 9110)."""
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        return min(float(value), LONGEST_PAUSE)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:  # HTTP dates are in Greenwich time
        moment = moment.replace(tzinfo=UTC)
    return min(moment.timestamp() - time.time(), LONGEST_PAUSE)


def _error_type(content: bytes) -> str | None:
    """The `error.type` of an error body (documentation: Errors), if it is a word."""
    try:
        kind = _decode(content)["error"]["type"]
    except (ValueError, LookupError, TypeError):
        return None
    return kind if isinstance(kind, str) and re.fullmatch(r"\w{1,80}", kind) else None
