"""A server that sends what a test makes it send, byte by byte if need be."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import typing as t

if t.TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator, Mapping

TICK = 0.01
"""Seconds between two pieces of what trickles."""


class RawRequest(t.NamedTuple):
    """A request: path and query, and headers by name in small letters."""

    method: str
    target: str
    headers: Mapping[str, str]


Reply = t.Callable[[RawRequest], "Iterable[bytes]"]


class RawServer:
    """Serve each connection in a thread of its own.

    Args:
        reply: Makes the pieces of a response; what it raises ends the connection.
        tls: For TLS.
        keeps_alive: Whether a connection serves more than one request.
    """

    def __init__(
        self,
        reply: Reply,
        tls: ssl.SSLContext | None = None,
        *,
        keeps_alive: bool = False,
    ) -> None:
        self.requests: list[RawRequest] = []
        self.connections = 0
        self.stopped = threading.Event()
        self._reply = reply
        self._tls = tls
        self._keeps_alive = keeps_alive
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        """The setting `api_url`."""
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}/api"

    def __enter__(self) -> t.Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def trickle(self, *pieces: bytes) -> Iterator[bytes]:
        """Send the first piece, then the others again and again, without an end."""
        first, *others = pieces
        yield first
        while not self.stopped.wait(TICK):
            yield from others

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # it is stopped
            while True:
                connection, _ = self._socket.accept()
                self.connections += 1
                threading.Thread(
                    target=self._talk, args=(connection,), daemon=True
                ).start()

    def _talk(self, connection: socket.socket) -> None:
        # The client has enough, or speaks no HTTP.
        with contextlib.suppress(OSError, ValueError):
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rb") as stream:
                while request := _read(stream):
                    self.requests.append(request)
                    for piece in self._reply(request):
                        connection.sendall(piece)
                    if not self._keeps_alive:
                        break


def raw_response(
    body: object = None, status: int = 200, *headers: str, closes: bool = True
) -> bytes:
    """Make a response: a body of bytes as they are, anything else as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Some Reason", f"Content-Length: {len(content)}"]
    if closes:
        lines.append("Connection: close")
    return "\r\n".join([*lines, *headers, "", ""]).encode() + content


def always(*pieces: bytes) -> Callable[[RawRequest], Iterable[bytes]]:
    """Make a reply to every request."""
    return lambda _: pieces


def _read(stream: t.BinaryIO) -> RawRequest | None:
    head = []
    while line := stream.readline().strip().decode("latin-1"):
        head.append(line)
    if not head:
        return None
    method, target, _ = head[0].split(" ")
    pairs = (line.split(": ", 1) for line in head[1:])
    return RawRequest(method, target, {name.lower(): value for name, value in pairs})
