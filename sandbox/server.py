"""The HTTP server: an event loop in a separate thread."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
import time
from email.utils import format_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qsl, unquote

import httptools

from sandbox.api import Api
from sandbox.messages import Answer, Request, Route, error
from sandbox.shapes import Shapes
from sandbox.stats import Stats
from sandbox.versions import DOCUMENTED

try:
    import uvloop as loops
except ImportError:  # it is quicker, and not there on every platform
    loops = asyncio  # type: ignore[misc]

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from types import TracebackType

    from sandbox.account import Account
    from sandbox.faults import Fault
    from sandbox.ratelimit import RateLimit

HOST = "127.0.0.1"
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class Sandbox:
    """The Toggl Hire API on this machine, for the duration of a `with` block.

    Everything except the account, the key and the port may change while it runs.

    Args:
        account: what it serves.
        api_key: the one key that it takes.
        shapes: its choices where nothing is documented.
        latency: seconds that every response takes.
        rate_limit: refuses requests over it with 429.
        port: to listen on; 0 is any free one.
        versions: in place of those of `shapes`; all except v2.1 are invented.
        now: the API's clock, an aware time in UTC; each response then has a `Date`
            header. None: no header, so that a test may change the client's clock.

    Attributes:
        faults: the first fault that affects a request counts.
        on_request: called with each request before its response is made, in the
            server's thread and without a lock. `stop` raises its exceptions again.
        stats: the requests.
    """

    def __init__(  # noqa: PLR0913
        self,
        account: Account,
        api_key: str = "sandbox-key",
        *,
        shapes: Shapes | None = None,
        latency: float = 0.0,
        rate_limit: RateLimit | None = None,
        port: int = 0,
        versions: tuple[str, ...] | None = None,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self.account = account
        self.api_key = api_key
        self.shapes = shapes or Shapes()
        if versions is not None:
            self.shapes.versions = versions
            later = (version for version in versions if version != DOCUMENTED)
            self.shapes.made_up_versions = tuple(later)
        self.latency = latency
        self.rate_limit = rate_limit
        self.now = now
        self.faults: list[Fault] = []
        self.on_request: Callable[[Request], object] | None = None
        self.stats = Stats()
        self.connections: set[Connection] = set()
        self._failure: Exception | None = None
        self._socket = socket.create_server((HOST, port), backlog=1024)
        self.url = f"http://{HOST}:{self._socket.getsockname()[1]}/api"
        self._api = Api(account, api_key, self.url)
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        try:
            self.stop()
        except Exception:
            if exception is None:  # otherwise the block's own exception counts
                raise

    def start(self) -> None:
        """Serve in a thread. Requests may arrive immediately."""
        self._loop = loops.new_event_loop()
        self._server = self._loop.run_until_complete(
            self._loop.create_server(lambda: Connection(self), sock=self._socket)
        )
        self._thread.start()

    def stop(self) -> None:
        """Abort all connections, free the port, and wait until that is done.

        Raises:
            Exception: the first one that `on_request` raised.
        """
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._socket.close()
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def answer(self, request: Request) -> Answer:
        """Count a request and return its response; the server calls this."""
        self.stats.arrived(request, with_key=self._api.knows(request))
        try:
            if self.on_request is not None:
                self.on_request(request)
            answer = self._made(request)
        except Exception as exception:  # noqa: BLE001 - `stop` raises it
            self._failure = self._failure or exception
            answer = error(500, "SandboxError")
        self.stats.answered(request, answer.sent_status)
        answer.delay += self.latency
        answer.headers = (*answer.headers, *self.shapes.headers)
        if self.now is not None:
            date = format_datetime(self.now(), usegmt=True)
            answer.headers = (*answer.headers, ("Date", date))
        return answer

    def _made(self, request: Request) -> Answer:
        limit = self.rate_limit
        wait = limit.take(request.at) if limit else None
        if limit and wait is not None:
            return error(429, "TooManyRequestsError", limit.headers(wait))

        def ordinary() -> Answer:
            return self._api.answer(request, self.shapes)

        for fault in tuple(self.faults):
            if fault.strikes(request):
                return fault.answer(request, ordinary)
        return ordinary()

    def _run(self) -> None:
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        await asyncio.sleep(0)  # a connection just accepted joins the others
        for connection in tuple(self.connections):
            connection.abort()
        await asyncio.sleep(0)  # lets them end


class Connection(asyncio.Protocol):
    """One client's connection, one request at a time: clients do not pipeline."""

    transport: asyncio.Transport

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: dict[str, str] = {}
        self._waiting: asyncio.TimerHandle | None = None

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Add the connection to the open ones."""
        self.transport = transport  # type: ignore[assignment]
        self._sandbox.connections.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        """Drop a response whose client is gone."""
        self._sandbox.connections.discard(self)
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
            self._sandbox.stats.done()

    def data_received(self, data: bytes) -> None:
        """Parse; anything other than HTTP ends the connection."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.close()

    # httptools calls these

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._target, self._headers = b"", {}

    def on_url(self, part: bytes) -> None:
        """Collect its target, or a part of it."""
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect one of its headers."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_message_complete(self) -> None:
        """Respond to a complete request, immediately or later."""
        sandbox = self._sandbox
        path, _, query = self._target.decode("latin-1").partition("?")
        path = unquote(path)
        request = Request(
            method=self._parser.get_method().decode(),
            path=path,
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers=self._headers,
            route=Route.of(path),
            number=sandbox.stats.requests + 1,
            at=time.monotonic(),
        )
        answer = sandbox.answer(request)
        keep = self._parser.should_keep_alive()
        if answer.delay > 0:
            self._waiting = self._loop.call_later(
                answer.delay, self._deliver, answer, keep
            )
        else:
            self._deliver(answer, keep)

    # The response

    def abort(self) -> None:
        """Reset the TCP connection."""
        with contextlib.suppress(OSError):
            linger = struct.pack("ii", 1, 0)
            connected = self.transport.get_extra_info("socket")
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.transport.abort()

    def _deliver(self, answer: Answer, keep: bool) -> None:  # noqa: FBT001
        self._waiting = None
        self._sandbox.stats.done()
        if answer.delivery == "reset":
            self.abort()
        elif answer.delivery == "close":
            self.transport.close()
        else:
            cut = answer.delivery == "cut"
            half = answer.body[: len(answer.body) // 2]
            keep = keep and not cut
            self.transport.write(_head(answer, keep) + (half if cut else answer.body))
            if not keep:
                self.transport.close()


def _head(answer: Answer, keep: bool) -> bytes:  # noqa: FBT001
    """Return the status line and the headers."""
    lines = [f"HTTP/1.1 {answer.status} {_PHRASES.get(answer.status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    lines.append(f"Content-Length: {len(answer.body)}")
    if not keep:
        lines.append("Connection: close")
    return "\r\n".join((*lines, "", "")).encode("latin-1")
