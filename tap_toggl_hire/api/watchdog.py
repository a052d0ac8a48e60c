"""A deadline for a whole request.

The timeout of a socket is for each read. A status line, a header, an interim answer
(1xx), a chunk extension or a compressed block without content can trickle in for ever
without reaching it, all of them inside the libraries. So a thread shuts down the
sockets of requests that are late, which ends whatever reads from them.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import typing as t

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from urllib3 import HTTPConnectionPool, HTTPResponse

LONGEST_TICK = 1.0
"""Seconds between two looks at the requests under way."""
TICKS = 16
"""Looks within the time that a request has, if that is short."""


class Watch:
    """One request under way.

    Args:
        deadline: When it must be over, on the monotonic clock.
    """

    __slots__ = ("connection", "deadline", "is_late", "socket")

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.is_late = False
        self.connection: HTTPConnection | None = None
        self.socket: socket.socket | None = None

    def end(self) -> None:
        """Shut down its socket; again each time, as it may have got another."""
        self.is_late = True
        sock = self.socket
        if sock is None and self.connection is not None:
            sock = self.connection.sock
        if sock is not None:
            with contextlib.suppress(OSError):  # it is closed already
                sock.shutdown(socket.SHUT_RDWR)


class Watchdog:
    """End requests that take too long. Its thread lives while there are requests.

    Args:
        timeout: Seconds that a request may take.
    """

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._tick = min(timeout / TICKS, LONGEST_TICK)
        self._watches: set[Watch] = set()
        self._lock = threading.Lock()
        self._is_running = False

    @contextlib.contextmanager
    def watch(self) -> Iterator[Watch]:
        """Watch the request that this thread sends, over a `WatchedAdapter`."""
        watch = Watch(time.monotonic() + self._timeout)
        _under_way.watch = watch
        with self._lock:
            self._watches.add(watch)
            if not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, daemon=True).start()
        try:
            yield watch
        finally:
            with self._lock:  # so nobody shuts down what comes after
                self._watches.discard(watch)

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


class WatchedAdapter(HTTPAdapter):
    """Send requests to one origin, over connections that their watch knows."""

    _pool: HTTPConnectionPool | None = None

    def get_connection_with_tls_context(
        self, *args: t.Any, **kwargs: t.Any
    ) -> HTTPConnectionPool:
        """Find the pool, whose connections are watched, with the first request.

        To find it anew, `requests` takes the URL apart and looks for the certificates
        on the disk: a tenth of the time that a request takes of the processor.
        """
        if self._pool is None:
            pool: HTTPConnectionPool
            pool = super().get_connection_with_tls_context(*args, **kwargs)  # type: ignore[assignment]
            made = pool.ConnectionCls
            if not issubclass(made, _WatchedConnection):
                pool.ConnectionCls = type("Watched", (_WatchedConnection, made), {})
            self._pool = pool
        return self._pool


class _WatchedConnection(HTTPConnection):
    """Tells the watch of the request under way what is to be shut down."""

    def connect(self) -> None:
        _under_way.watch.connection = self  # its socket changes: a tunnel, then TLS
        super().connect()

    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # as urllib3's
        # Kept apart, since a connection that is not kept alive forgets its socket.
        _under_way.watch.socket = self.sock
        return super().getresponse()


_under_way = threading.local()
"""In each thread, the watch of its request."""
