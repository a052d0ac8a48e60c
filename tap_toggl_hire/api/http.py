"""One attempt at a request.

The only place that sends the API key, and only to the origin of `api_url`. No response
takes more time than the deadline or more memory than the limit, whatever the server
sends.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.exceptions import HTTPError, NameResolutionError, ReadTimeoutError

from tap_toggl_hire.api.body import MAX_BODY, MAX_ERROR_BODY, read_body
from tap_toggl_hire.api.pagination import same_origin
from tap_toggl_hire.errors import TapError, TransientError

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPResponse

    from tap_toggl_hire.api.throttle import Throttle

REDIRECTS = {301, 302, 303, 307, 308}
MAX_REDIRECTS = 4
LATE = "no complete response within request_timeout"


@dataclass(frozen=True, kw_only=True)
class Access:
    """How the API is reached."""

    url: str  # root of the API, without the version
    key: str = field(repr=False)  # of the workspace
    user_agent: str
    timeout: float  # seconds of one request, from connect to the last byte
    connections: int  # maximum number of connections to keep open


class Response(t.NamedTuple):
    """A complete response."""

    status: int
    headers: Mapping[str, str]  # their names are case-insensitive
    body: bytes  # decoded; empty if that of an error is too large
    started: float = 0.0  # when the throttle let the request start
    redirects: int = 0  # number of redirects before it


class Transport:
    """Send requests, each of them once. Thread-safe.

    Raises:
        TapError: If the environment names certificates that are not usable.
    """

    def __init__(self, access: Access, throttle: Throttle) -> None:
        self.root = access.url.rstrip("/")
        self.throttle = throttle
        self._key = access.key.encode()
        self._timeout = access.timeout
        self._watchdog = Watchdog(access.timeout)
        self._adapter = _WatchedAdapter(1, access.connections)
        # A session sends with this adapter, but looks at the environment's proxies and
        # certificates for every request: a third of the processor time of a run.
        options = requests.Session().merge_environment_settings(
            self.root, {}, stream=True, verify=None, cert=None
        )
        self._options: dict[str, t.Any] = dict(options)
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "Authorization": f"Bearer {access.key}",
            "Connection": "keep-alive",
            "User-Agent": access.user_agent,
        }
        if urlsplit(self.root).scheme == "https":
            _check_bundle(self._options["verify"])

    def send(self, target: str) -> Response:
        """Send one request, such as `/v2.1/tags`; follow redirects within the origin.

        Raises:
            TransientError: If there is no complete response.
            TapError: If another attempt cannot succeed.
        """
        url = self.root + target
        for redirects in range(MAX_REDIRECTS + 1):
            response = self._exchange(url, redirects)
            location = response.headers.get("Location")
            if location is None or response.status not in REDIRECTS:
                return response
            moved = same_origin(url, location)
            if moved is None:
                raise TapError(
                    "The API redirects to another origin (scheme, host or port) than "
                    "api_url: the API key was not sent there. Set api_url to the API's "
                    "own origin."
                )
            url = moved
        raise TapError("The API redirects in circles: check api_url.")

    def _exchange(self, url: str, redirects: int) -> Response:
        request = requests.PreparedRequest()
        request.method = "GET"
        request.url = url
        request.headers = self._headers  # type: ignore[assignment] # copied faster
        started = self.throttle.acquire()
        try:
            with self._watchdog.watch():
                raw: BaseHTTPResponse = self._adapter.send(  # type: ignore[assignment]
                    request, timeout=self._timeout, **self._options
                )
                body = self._read(raw)
                return Response(raw.status, raw.headers, body, started, redirects)
        except (requests.RequestException, HTTPError, OSError, UnicodeError) as error:
            raise _failure(error, url) from error
        finally:
            self.throttle.release()

    def _read(self, response: BaseHTTPResponse) -> bytes:
        is_ok = response.status == requests.codes.ok
        body = read_body(response, MAX_BODY if is_ok else MAX_ERROR_BODY)
        if not is_ok:
            return (body or b"").replace(self._key, b"***")  # it may quote the request
        if body is None:
            raise TransientError(
                f"a body of more than {MAX_BODY >> 20} MiB; check page_size"
            )
        return body


def _failure(error: Exception, url: str) -> TransientError | TapError:
    """Translate an exception of `requests` or `urllib3`.

    Its own text is not passed on, since it quotes the URL.
    """
    reason = re.search(r"certificate verify failed: ([^(]*[^( ])", str(error))
    if reason and isinstance(error, requests.exceptions.SSLError):
        return TapError(
            f"The certificate of the host in api_url is invalid ({reason[1]}). If the "
            "certificate authority of a proxy or a company signs it, set "
            "REQUESTS_CA_BUNDLE to a file with the certificate of that authority."
        )
    if isinstance(error, ValueError):  # a malformed address; api_url was checked before
        return TapError(
            "The address of the proxy is malformed or of an unsupported kind: check "
            "the variables HTTPS_PROXY, HTTP_PROXY and ALL_PROXY."
        )
    return TransientError(_reason(error, url))


def _reason(error: Exception, url: str) -> str:
    """Return a phrase that says why there is no complete response."""
    if isinstance(error, requests.exceptions.ProxyError):
        return "no connection to the proxy"
    if isinstance(error, (requests.exceptions.Timeout, ReadTimeoutError)):
        return LATE
    cause = error.args[0] if error.args else None
    if isinstance(getattr(cause, "reason", None), NameResolutionError):
        return f"cannot resolve host {urlsplit(url).hostname}: check api_url"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "connection refused or reset; check api_url"
    return "a truncated or malformed response"


def _check_bundle(bundle: object) -> None:
    """Reject certificates of the environment that are not usable."""
    if not isinstance(bundle, str):
        return
    kind = "capath" if Path(bundle).is_dir() else "cafile"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(**{kind: bundle})
    except OSError as error:  # ssl.SSLError is one
        raise TapError(
            f"REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE) names {bundle}, which is not a "
            "readable file of certificates: correct the variable, or unset it."
        ) from error


MAX_TICK = 1.0  # seconds between two looks at the requests in flight
TICKS = 16  # looks within a short timeout


@dataclass(eq=False, slots=True)
class Watch:
    """One request in flight, with its deadline on the real monotonic clock.

    A socket knows no other time, so it is not the clock of `Machine`.
    """

    deadline: float
    is_late: bool = False
    connection: HTTPConnection | None = None
    socket: socket.socket | None = None

    def end(self) -> None:
        """Shut down its socket. It may have another one by the next call."""
        self.is_late = True
        sock = self.socket or getattr(self.connection, "sock", None)
        if sock is not None:
            with contextlib.suppress(OSError):  # it is closed already
                sock.shutdown(socket.SHUT_RDWR)


class Watchdog:
    """End requests that take longer than a number of seconds.

    The timeout of a socket is for each read: a status line, a header, an interim
    response (1xx), a chunk extension or an empty compressed block can trickle in
    endlessly without reaching it, inside the libraries. So a thread, which lives while
    there are requests, shuts down the sockets of late ones, which ends every read from
    them. A timer per request would cost a tenth of the time of a first run.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._tick = min(timeout / TICKS, MAX_TICK)
        self._watches: set[Watch] = set()
        self._lock = threading.Lock()
        self._is_running = False

    @contextlib.contextmanager
    def watch(self) -> Iterator[Watch]:
        """Watch the request that this thread sends; raise TransientError if it is late.

        A socket that was shut down may raise, or look like the end of a body without
        Content-Length.
        """
        watch = Watch(time.monotonic() + self._timeout)
        _in_flight.watch = watch
        with self._lock:
            self._watches.add(watch)
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, daemon=True).start()
        try:
            yield watch
        except Exception:
            if not watch.is_late:
                raise
        finally:
            with self._lock:  # so that the next request of a socket is left alone
                self._watches.discard(watch)
        if watch.is_late:
            raise TransientError(LATE)

    def _run(self) -> None:
        while True:
            time.sleep(self._tick)
            with self._lock:
                if not self._watches:
                    self._is_running = False
                    return
                now = time.monotonic()
                for watch in self._watches:
                    if now >= watch.deadline:
                        watch.end()


class _WatchedAdapter(HTTPAdapter):
    """Send requests to one origin over connections that their watch knows."""

    _pool: HTTPConnectionPool | None = None

    def get_connection_with_tls_context(
        self, *args: t.Any, **kwargs: t.Any
    ) -> HTTPConnectionPool:
        """Find the pool once: a tenth of the processor time of a request."""
        if self._pool is None:
            pool: HTTPConnectionPool
            pool = super().get_connection_with_tls_context(*args, **kwargs)  # type: ignore[assignment]
            base = pool.ConnectionCls
            if not issubclass(base, _WatchedConnection):
                pool.ConnectionCls = type("Watched", (_WatchedConnection, base), {})
            self._pool = pool
        return self._pool

    def build_response(self, _: t.Any, resp: t.Any) -> t.Any:
        """Return the response unwrapped: wrapping takes as long as decoding."""
        return resp


class _WatchedConnection(HTTPConnection):
    """Give its socket to the watch of the request in flight."""

    def connect(self) -> None:
        _in_flight.watch.connection = self  # its socket changes: a tunnel, then TLS
        super().connect()

    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # as urllib3's
        # Kept apart, since a connection that is not kept alive forgets its socket.
        _in_flight.watch.socket = self.sock
        return super().getresponse()


_in_flight = threading.local()  # in each thread, the watch of its request
