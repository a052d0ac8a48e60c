"""No request takes longer than it may, whatever trickles in, and wherever."""

from __future__ import annotations

import gc
import gzip
import itertools
import socket
import threading
import time
import typing as t
import zlib

import pytest

from tap_toggl_hire.api.requester import Request
from tap_toggl_hire.api.retry import LATE
from tap_toggl_hire.api.watchdog import Watch, Watchdog
from tap_toggl_hire.errors import TransientError
from tests.support.hostile import answer
from tests.unit.api.asking import Pauses, requester, transport

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.support.hostile import Asked, Hostile
    from tests.unit.api.asking import Serve

TIMEOUT = 0.15
PATIENT = 0.6
"""Seconds that are enough for an answer, busy as this machine may be."""
LONG = 30.0

TAGS = "/v2.1/tags"
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n"
ZIPPED = CHUNKED + b"Content-Encoding: gzip\r\n\r\n"


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


def opened() -> bytes:
    """The beginning of a gzip file, to which empty blocks can be added."""
    member = zlib.compressobj(wbits=31)
    return chunk(member.compress(b"") + member.flush(zlib.Z_FULL_FLUSH))


TRICKLES: dict[str, tuple[bytes, bytes]] = {
    # what comes: what it begins with, and what comes again and again
    "nothing": (b"", b""),
    "a status line": (b"HTTP/1.1 2", b"0"),
    "a reason": (b"HTTP/1.1 200 O", b"K"),
    "a header": (OK, b"x"),
    "headers": (OK, b"X: y\r\n"),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a body": (OK + b"Content-Length: 99999\r\n\r\n", b" "),
    "a body without a length": (OK + b"\r\n", b" "),
    "a chunk's size": (CHUNKED + b"\r\n", b"0"),
    "a chunk's extension": (CHUNKED + b"\r\n5", b";x"),
    "chunks": (CHUNKED + b"\r\n", chunk(b" ")),
    "trailers": (CHUNKED + b"\r\n0\r\n", b"X: y\r\n"),
    "empty compressed blocks": (ZIPPED + opened(), chunk(b"\0\0\0\xff\xff")),
    "empty compressed members": (ZIPPED, chunk(gzip.compress(b""))),
    "an error's body": (b"HTTP/1.1 500 No\r\n\r\n", b" "),
    "a refusal's body": (b"HTTP/1.1 429 No\r\n\r\n", b" "),
}


def assert_ends_in_time(ask: Callable[[], object]) -> None:
    started = time.monotonic()
    with pytest.raises(TransientError) as raised:
        ask()
    assert str(raised.value) == LATE
    assert TIMEOUT <= time.monotonic() - started < LONG / 3


@pytest.mark.parametrize("what", TRICKLES)
def test_what_trickles_ends(serve: Serve, what: str) -> None:
    def reply(_: Asked) -> Iterable[bytes]:
        return server.trickle(*TRICKLES[what])

    server: Hostile = serve(reply)
    sender = transport(server.url, timeout=TIMEOUT)
    assert_ends_in_time(lambda: sender.send(TAGS))


@pytest.mark.parametrize(
    ("first", "piece"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
        (CHUNKED + b"\r\n", b"1;" + b"x" * 60_000 + b"\r\n \r\n"),
        (CHUNKED + b"\r\n0\r\n", b"X: " + b"x" * 60_000 + b"\r\n"),
        (ZIPPED + opened(), chunk(b"\0\0\0\xff\xff" * 10_000)),
        (ZIPPED, chunk(gzip.compress(b"") * 3000)),
    ],
    ids=["interim", "extensions", "trailers", "blocks", "members"],
)
def test_what_floods_without_content_ends(
    serve: Serve, first: bytes, piece: bytes
) -> None:
    def reply(_: Asked) -> Iterator[bytes]:
        return itertools.chain([first], itertools.repeat(piece))

    sender = transport(serve(reply).url, timeout=TIMEOUT)
    assert_ends_in_time(lambda: sender.send(TAGS))


def test_a_connection_that_is_kept_is_watched_as_well(serve: Serve) -> None:
    def reply(asked: Asked) -> Iterable[bytes]:
        if asked.target.endswith("first"):
            return [answer({}, closes=False)]
        return server.trickle(OK, b"x")

    server: Hostile = serve(reply, keeps_alive=True)
    sender = transport(server.url, timeout=PATIENT)
    assert sender.send("/first").status == 200
    assert_ends_in_time(lambda: sender.send("/second"))
    assert server.connections == 1
    assert sender.send("/first").status == 200  # over a new one


def test_a_server_that_takes_no_connection() -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)  # noqa: FBT003 - it has no name
            one.connect_ex(busy.getsockname())
        sender = transport(
            f"http://127.0.0.1:{busy.getsockname()[1]}/api", timeout=TIMEOUT
        )
        assert_ends_in_time(lambda: sender.send(TAGS))
        for one in waiting:
            one.close()


def test_a_server_that_speaks_no_tls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        sender = transport(f"https://127.0.0.1:{port}/api", timeout=TIMEOUT)
        assert_ends_in_time(lambda: sender.send(TAGS))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_proxy_that_does_not_come_to_an_end(
    monkeypatch: pytest.MonkeyPatch, serve: Serve
) -> None:
    def reply(asked: Asked) -> Iterable[bytes]:
        assert asked.method == "CONNECT"
        return server.trickle(OK, b"X: y\r\n")

    server: Hostile = serve(reply)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
    sender = transport("https://api.example/api", timeout=TIMEOUT)
    assert_ends_in_time(lambda: sender.send(TAGS))
    gc.collect()  # ssl leaves a socket that was shut down before it speaks TLS


def test_what_is_late_is_tried_again(serve: Serve) -> None:
    def reply(_: Asked) -> Iterable[bytes]:
        return server.trickle(OK, b"x") if len(server.asked) == 1 else [answer(page)]

    page: dict[str, t.Any] = {"data": []}
    server: Hostile = serve(reply)
    pauses = Pauses()
    asks = requester(server.url, pauses, timeout=PATIENT)
    assert asks.get(Request(version="v2.1", path="/tags")) == page
    assert len(pauses) == 1


def test_a_body_that_ends_with_the_shutdown_is_not_believed(serve: Serve) -> None:
    """One without a length seems whole, though it is cut."""

    def reply(_: Asked) -> Iterator[bytes]:
        yield OK + b'\r\n{"data": []}'
        server.stopped.wait(LONG)

    server: Hostile = serve(reply)
    sender = transport(server.url, timeout=TIMEOUT)
    assert_ends_in_time(lambda: sender.send(TAGS))


# The watchdog alone


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(LONG)
    with ours, theirs:
        yield ours, theirs


def test_who_reads_reads_the_end(pair: tuple[socket.socket, socket.socket]) -> None:
    with Watchdog(TIMEOUT).watch() as watch:
        watch.socket = pair[0]
        assert pair[0].recv(1) == b""
    assert watch.is_late


def test_what_is_over_is_left_alone(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    dog = Watchdog(TIMEOUT)
    with dog.watch() as watch:
        watch.socket = ours
    other, _ = socket.socketpair()
    with other, _, dog.watch() as another:
        another.socket = other
        assert other.recv(1) == b""  # so it has looked meanwhile
    assert not watch.is_late
    ours.send(b"x")
    assert theirs.recv(1) == b"x"


def test_its_thread_ends_with_the_last_request_and_comes_with_the_next() -> None:
    dog = Watchdog(TIMEOUT)
    before = set(threading.enumerate())
    for _ in range(2):
        with dog.watch(), dog.watch():
            (thread,) = set(threading.enumerate()) - before
            assert thread.daemon
        thread.join(LONG)
        assert not thread.is_alive()


def test_a_long_time_is_looked_at_once_a_second() -> None:
    assert Watchdog(600)._tick == 1
    assert Watchdog(1.6)._tick == pytest.approx(0.1)


def test_a_watch_without_a_socket_and_one_whose_socket_is_closed(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    watch = Watch(0)
    watch.end()
    assert watch.is_late
    watch.socket = pair[0]
    pair[0].close()
    watch.end()
