"""One attempt at a request, safe against whatever answers.

The only place that knows the API key. The key goes to the origin of `api_url` alone:
no redirect is followed elsewhere. No answer takes longer than the deadline, nor more
memory than the limit.
"""

from __future__ import annotations

import ipaddress
import re
import threading
import typing as t
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from tap_toggl_hire.api import retry
from tap_toggl_hire.api.body import ENCODING, receive
from tap_toggl_hire.api.certificates import tls_failure
from tap_toggl_hire.api.decoding import error_type
from tap_toggl_hire.api.pagination import origin
from tap_toggl_hire.api.watchdog import Watchdog, WatchedAdapter
from tap_toggl_hire.errors import AskedToWaitError, TapError, TransientError

if t.TYPE_CHECKING:
    from tap_toggl_hire.api.throttle import Throttle

MOST_REDIRECTS = 5

IMPOSSIBLE = "The host in api_url cannot be one: check setting api_url."
LOST = "The API redirects to an address that is not there (404): check api_url."
ELSEWHERE = (
    "The API redirects to another origin (scheme, host or port) than api_url: the API "
    "key was not sent there. Set api_url to the API's own origin."
)
CIRCLES = "The API redirects in circles: check api_url."


@dataclass(frozen=True, kw_only=True)
class Access:
    """How the API is reached.

    Attributes:
        url: Root of the API, without the version.
        key: Of the workspace.
        user_agent: The User-Agent header.
        timeout: Seconds that one request may take.
        connections: The most connections to keep open.
    """

    url: str
    key: str = field(repr=False)
    user_agent: str
    timeout: float
    connections: int


class Answer(t.NamedTuple):
    """What the API answered, other than 429."""

    status: int
    content: bytes | None
    """The body; None if it is larger than an answer may be."""
    is_of_the_api: bool
    """Of an error: whether the body is the API's error object, not a proxy's page."""
    error_type: str | None
    """The API's `error.type`, if that is a plain word without the key."""


class Counts:
    """How many requests there were, for whoever reads it while threads count."""

    def __init__(self) -> None:
        self.requests = 0
        """Sent, hops of redirects and further tries included."""
        self.refused = 0
        """Of these, answered with 429."""
        self.retried = 0
        """Failed for a moment, and tried again."""
        self._lock = threading.Lock()

    def add(self, *, requests: int = 0, refused: int = 0, retried: int = 0) -> None:
        """Count some more."""
        with self._lock:
            self.requests += requests
            self.refused += refused
            self.retried += retried


class Transport:
    """Send requests, each once. Safe to use from several threads.

    Args:
        access: How the API is reached.
        throttle: Lets each request start when it may.
    """

    def __init__(self, access: Access, throttle: Throttle) -> None:
        self.root = access.url.rstrip("/")
        self.counts = Counts()
        self._is_possible = _has_possible_host(self.root)
        self._key = access.key
        self._timeout = access.timeout
        self._throttle = throttle
        self._watchdog = Watchdog(access.timeout)
        # The adapter is what a session sends with. A session would look at the
        # environment's proxies and certificates for every request, and prepare
        # each anew: a third of the processor time of a run.
        self._adapter = WatchedAdapter(
            pool_connections=1, pool_maxsize=access.connections
        )
        with requests.Session() as session:
            self._options: dict[str, t.Any] = dict(
                session.merge_environment_settings(
                    self.root, {}, stream=True, verify=None, cert=None
                )
            )
        self._headers = requests.structures.CaseInsensitiveDict(
            {
                **requests.utils.default_headers(),
                "Accept": "application/json",
                "Accept-Encoding": ENCODING,
                "Authorization": f"Bearer {access.key}",
                "User-Agent": access.user_agent,
            }
        )

    @property
    def is_exposed(self) -> bool:
        """Whether the key leaves this machine without encryption."""
        parts = urlsplit(self.root)
        return parts.scheme == "http" and not _is_here(parts.hostname or "")

    def send(self, target: str) -> Answer:
        """Ask the API once, and follow redirects at home.

        Args:
            target: Version, path and query, such as `/v2.1/candidates?limit=100`.

        Raises:
            TransientError: Where it failed for a moment; AskedToWaitError for 429.
            TapError: Where it failed for good.
        """
        if not self._is_possible:
            raise TapError(IMPOSSIBLE)
        url = self.root + target
        for hops in range(MOST_REDIRECTS):
            started, response, content = self._exchange(url)
            location = response.headers.get("Location")
            if response.is_redirect and location is not None:
                url = self._at_home(url, location)
                continue
            status = response.status_code
            if status == requests.codes.too_many_requests:
                self.counts.add(refused=1)
                pause = self._throttle.refused(
                    started, retry.retry_after(response.headers)
                )
                raise AskedToWaitError(pause)
            self._throttle.answered()
            if hops and status == requests.codes.not_found:
                raise TapError(LOST)  # of what was asked for, it proves nothing
            if status == requests.codes.ok:
                return Answer(status, content, is_of_the_api=True, error_type=None)
            kind = error_type(content or b"")
            return Answer(status, content, kind is not None, self._shown(kind))
        raise TapError(CIRCLES)

    def _exchange(self, url: str) -> tuple[float, requests.Response, bytes | None]:
        """Send one request and read its answer, within the deadline.

        Returns:
            When it started, the answer, and its body, None if that is too large.
        """
        request = requests.PreparedRequest()
        request.method = "GET"
        request.url = url
        request.headers = self._headers
        started = self._throttle.acquire()
        try:
            self.counts.add(requests=1)
            with self._watchdog.watch() as watch:
                try:
                    response = self._adapter.send(
                        request, timeout=self._timeout, **self._options
                    )
                    content = receive(response.raw)
                except Exception as error:
                    if watch.is_late:  # whatever the shutdown looks like from here
                        raise TransientError(retry.LATE) from error
                    raise
        except (requests.RequestException, HTTPError, OSError, UnicodeError) as error:
            raise self._failure(error) from error
        finally:
            self._throttle.release()
        if watch.is_late:  # what was read may end where the socket was shut down
            raise TransientError(retry.LATE)
        return started, response, content

    def _failure(self, error: Exception) -> TransientError | TapError:
        verify = self._options["verify"]
        is_tls = urlsplit(self.root).scheme == "https"
        bundle = verify if is_tls and isinstance(verify, str) else None
        return tls_failure(error, bundle) or retry.of_exception(error)

    def _at_home(self, url: str, location: str) -> str:
        """Follow a redirect.

        Raises:
            TapError: If it leads to another origin.
        """
        try:
            url = urljoin(url, location)
            is_home = origin(url) == origin(self.root)
        except ValueError:
            is_home = False
        if not is_home:
            raise TapError(ELSEWHERE)
        return url

    def _shown(self, kind: str | None) -> str | None:
        """Return an `error.type` that may be shown: an API may send anything in it."""
        if kind is None or not re.fullmatch(r"[A-Za-z0-9._-]{1,80}", kind):
            return None
        return None if kind in self._key or self._key in kind else kind


def _has_possible_host(url: str) -> bool:
    """Return whether a URL's host could be one; whether it is, a resolver knows."""
    try:
        return bool((parse_url(url).host or "").encode("idna"))
    except (HTTPError, UnicodeError):
        return False


def _is_here(host: str) -> bool:
    """Return whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
