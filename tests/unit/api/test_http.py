"""One attempt: what is sent, what is read, where it may go, how long it may take."""

from __future__ import annotations

import gc
import gzip
import itertools
import socket
import ssl
import threading
import time
import typing as t
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from tap_toggl_hire.api import http
from tap_toggl_hire.api.http import LATE, Access, Transport, Watch, Watchdog
from tap_toggl_hire.api.throttle import Throttle
from tap_toggl_hire.clock import MACHINE
from tap_toggl_hire.errors import TapError, TransientError
from tests.support.clock import FakeClock
from tests.support.memory import memory_below
from tests.support.raw_server import always, raw_response

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tests.support.raw_server import RawRequest, RawServer

    Serve = Callable[..., RawServer]

KEY = "k3y-0f-the-w0rkspace"
TAGS = "/v2.1/tags"
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n"
ZIPPED = "Content-Encoding: gzip"
LONG = 30.0
"""Seconds after which a test fails."""


def transport(
    url: str, *, timeout: float = LONG, throttle: Throttle | None = None
) -> Transport:
    access = Access(
        url=url, key=KEY, user_agent="a test", timeout=timeout, connections=4
    )
    return Transport(access, throttle or Throttle(4, machine=MACHINE))


def closed_port() -> int:
    """Find a port on which no server listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


# What is sent


def test_request_has_the_key_and_no_header_without_use(serve: Serve) -> None:
    server = serve(always(raw_response({})))
    sender = transport(server.url + "/")
    assert server.connections == 0
    target = "/v2.1/candidates?limit=100&email=a%2Bb%40example.com"
    sender.send(target)
    (request,) = server.requests
    assert (request.method, request.target) == ("GET", f"/api{target}")
    assert request.headers == {
        "host": f"localhost:{server.port}",
        "authorization": f"Bearer {KEY}",
        "accept": "application/json",
        "accept-encoding": "gzip",
        "user-agent": "a test",
        "connection": "keep-alive",
    }


def test_connection_is_kept_and_cookies_are_not(serve: Serve) -> None:
    reply = always(raw_response({}, 200, "Set-Cookie: a=b; Path=/", closes=False))
    server = serve(reply, keeps_alive=True)
    sender = transport(server.url)
    for _ in range(3):
        sender.send(TAGS)
    assert server.connections == 1
    assert not any("cookie" in request.headers for request in server.requests)


def test_slashes_at_the_end_of_the_url_are_left_out() -> None:
    assert transport("http://localhost/APIX//").root == "http://localhost/APIX"


def test_as_many_connections_are_kept_as_requests_run_at_once(serve: Serve) -> None:
    count = 12
    together = threading.Barrier(count)

    def reply(_: RawRequest) -> list[bytes]:
        together.wait(LONG)
        return [raw_response({}, closes=False)]

    server = serve(reply, keeps_alive=True)
    access = Access(
        url=server.url, key=KEY, user_agent="a", timeout=LONG, connections=count
    )
    sender = Transport(access, Throttle(count, machine=MACHINE))
    for _ in range(2):
        with ThreadPoolExecutor(count) as pool:
            assert len([*pool.map(sender.send, [TAGS] * count)]) == count
    assert server.connections == count


def test_key_is_not_in_the_text_of_an_access() -> None:
    access = Access(url="u", key=KEY, user_agent="a", timeout=1, connections=1)
    assert KEY not in repr(access)


# What is read


@pytest.mark.parametrize(
    "pieces",
    [
        [raw_response(b'{"data": []}')],
        [CHUNKED, b"\r\n", b'5\r\n{"dat\r\n', b'7;more\r\na": []}\r\n0\r\n\r\n'],
        [b"HTTP/1.0 200 OK\r\n\r\n", b'{"data"', b": []}"],
        [b"HTTP/1.1 100 Continue\r\n\r\n", raw_response(b'{"data": []}')],
        [raw_response(gzip.compress(b'{"data": []}'), 200, ZIPPED)],
    ],
    ids=["length", "chunks", "until closed", "after 100", "compressed"],
)
def test_body_is_read_however_it_is_delimited(
    serve: Serve, pieces: list[bytes]
) -> None:
    response = transport(serve(always(*pieces)).url).send(TAGS)
    assert (response.status, response.body) == (200, b'{"data": []}')
    assert response.redirects == 0


def test_headers_and_the_time_of_the_start(serve: Serve) -> None:
    sender = transport(
        serve(always(raw_response({}, 429, "Retry-After: 7"))).url,
        throttle=Throttle(1, machine=FakeClock()),
    )
    for _ in range(2):  # the only slot is free again
        response = sender.send(TAGS)
        assert response.status == 429
        assert response.headers.get("retry-after") == "7"
        assert response.started == FakeClock().now


def test_error_that_quotes_the_key_does_not_pass_it_on(serve: Serve) -> None:
    body = {"error": {"type": f"Invalid.{KEY}"}}
    response = transport(serve(always(raw_response(body, 401))).url).send(TAGS)
    assert response.body == b'{"error": {"type": "Invalid.***"}}'


def test_body_of_more_than_64_mib_is_a_transient_failure(serve: Serve) -> None:
    fitting = gzip.compress(b" " * (64 << 10)) * 1024

    def reply(request: RawRequest) -> list[bytes]:
        body = fitting + (b"" if "fits" in request.target else gzip.compress(b" "))
        return [raw_response(body, 200, ZIPPED, closes=False)]

    sender = transport(serve(reply, keeps_alive=True).url)
    assert len(sender.send("/fits").body) == 64 << 20
    with pytest.raises(TransientError) as raised:
        sender.send("/does-not")
    assert str(raised.value) == "a body of more than 64 MiB; check page_size"
    assert sender.send("/fits").status == 200


def test_of_an_error_the_body_is_dropped_that_has_more_than_64_kib(
    serve: Serve,
) -> None:
    server = serve(always(raw_response(b" " * (65 << 10), 404)))
    response = transport(server.url).send(TAGS)
    assert (response.status, response.body) == (404, b"")


def test_tiny_chunks_take_no_more_memory_than_large_ones(serve: Serve) -> None:
    chunks = [b"1\r\n \r\n" * 1000] * 150
    reply = always(CHUNKED + b"\r\n", *chunks, b"0\r\n\r\n")
    sender = transport(serve(reply).url)
    with memory_below(8_000_000):
        assert sender.send(TAGS).body == b" " * 150_000


RESET = "connection refused or reset; check api_url"
TRUNCATED = "a truncated or malformed response"


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ([], RESET),
        ([b"certificate verify failed: hello"], RESET),
        ([OK, b"Content-Length: 9\r\n\r\n{}"], TRUNCATED),
        ([CHUNKED, b"\r\n9\r\n{}"], TRUNCATED),
        ([CHUNKED, b"\r\nnone\r\n{}"], TRUNCATED),
        ([raw_response(gzip.compress(b"{}")[:-1], 200, ZIPPED)], TRUNCATED),
    ],
    ids=["nothing", "not HTTP", "length", "chunk", "size of a chunk", "gzip"],
)
def test_truncated_response_is_a_transient_failure(
    serve: Serve, pieces: list[bytes], reason: str
) -> None:
    sender = transport(
        serve(always(*pieces)).url, throttle=Throttle(1, machine=MACHINE)
    )
    for _ in range(2):  # the only slot is free again
        with pytest.raises(TransientError) as raised:
            sender.send(TAGS)
        assert str(raised.value) == reason


def test_refused_connection_is_a_transient_failure() -> None:
    with pytest.raises(TransientError) as raised:
        transport(f"http://127.0.0.1:{closed_port()}/api").send(TAGS)
    assert str(raised.value) == RESET


def test_unresolved_host_is_a_transient_failure_that_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unresolved(*_: object, **__: object) -> t.NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", unresolved)
    with pytest.raises(TransientError) as raised:
        transport("http://api.example:8000/api").send(TAGS)
    assert str(raised.value) == "cannot resolve host api.example: check api_url"


# Redirects


def redirecting(status: int, location: str) -> Callable[[RawRequest], list[bytes]]:
    """Redirect to a place, which PORT leads to, and answer there."""

    def reply(request: RawRequest) -> list[bytes]:
        if "v2.2" in request.target:
            return [raw_response(b"moved")]
        _, _, port = request.headers["host"].partition(":")
        return [
            raw_response(b"", status, f"Location: {location.replace('PORT', port)}")
        ]

    return reply


@pytest.mark.parametrize(
    ("status", "location"),
    [
        (301, "/api/v2.2/tags?a=b"),
        (302, "http://localhost:PORT/api/v2.2/tags?a=b"),
        (303, "//LOCALHOST:PORT/api/v2.2/tags?a=b"),
        (307, "../v2.2/tags?a=b"),
        (308, "tags/../../v2.2/tags?a=b"),
    ],
)
def test_redirect_within_the_origin_is_followed(
    serve: Serve, status: int, location: str
) -> None:
    server = serve(redirecting(status, location))
    response = transport(server.url).send(TAGS)
    assert (response.body, response.redirects) == (b"moved", 1)
    assert server.requests[1].target == "/api/v2.2/tags?a=b"
    assert server.requests[1].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:PORT/api",
        "https://localhost:PORT/api",
        "http://localhost:1/api",
        "//elsewhere.example/api",
        "http://[::1/",
        "ftp://localhost:PORT/",
    ],
)
def test_redirect_to_another_origin_is_not_followed(
    serve: Serve, location: str
) -> None:
    server = serve(redirecting(302, location))
    with pytest.raises(TapError) as raised:
        transport(server.url).send(TAGS)
    assert str(raised.value) == (
        "The API redirects to another origin (scheme, host or port) than api_url: the "
        "API key was not sent there. Set api_url to the API's own origin."
    )
    assert len(server.requests) == 1


def test_redirects_in_circles_end(serve: Serve) -> None:
    server = serve(always(raw_response({}, 302, "Location: /api/v2.1/tags")))
    with pytest.raises(TapError) as raised:
        transport(server.url).send(TAGS)
    assert str(raised.value) == "The API redirects in circles: check api_url."
    assert len(server.requests) == http.MAX_REDIRECTS + 1
    # Without a location it is a response.
    assert transport(serve(always(raw_response({}, 302))).url).send(TAGS).status == 302


# Proxies


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "proxy", ["http://", "http://[", "http://proxy.invalid:99999", "gopher://a"]
)
def test_malformed_proxy_names_the_variables(
    monkeypatch: pytest.MonkeyPatch, proxy: str, scheme: str
) -> None:
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", proxy)
    with pytest.raises(TapError) as raised:
        transport(f"{scheme}://api.example/api").send(TAGS)
    assert str(raised.value) == (
        "The address of the proxy is malformed or of an unsupported kind: check the "
        "variables HTTPS_PROXY, HTTP_PROXY and ALL_PROXY."
    )
    assert not raised.value.is_transient


def test_proxy_that_does_not_answer_is_a_transient_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(TransientError) as raised:
        transport("http://api.example/api").send(TAGS)
    assert str(raised.value) == "no connection to the proxy"


def test_proxy_is_used(monkeypatch: pytest.MonkeyPatch, serve: Serve) -> None:
    proxy = serve(always(raw_response({})))
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
    assert transport("http://api.example/api").send(TAGS).status == 200
    assert proxy.requests[0].target == "http://api.example/api/v2.1/tags"


# Certificates


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A file in the environment that trusts the authority."""
    path = tmp_path / "bundle.pem"
    authority.cert_pem.write_to_path(str(path))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    return path


def tls(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.mark.usefixtures("bundle")
def test_server_with_a_valid_certificate_is_trusted(
    serve: Serve, authority: trustme.CA
) -> None:
    server = serve(always(raw_response({})), tls(authority.issue_cert("localhost")))
    assert transport(server.url).send(TAGS).status == 200


EXPIRED = datetime.now(UTC) - timedelta(1)


INVALID: dict[str, Callable[[trustme.CA], trustme.LeafCert]] = {
    "certificate has expired": lambda authority: authority.issue_cert(
        "localhost", not_before=EXPIRED - timedelta(9), not_after=EXPIRED
    ),
    "Hostname mismatch": lambda authority: authority.issue_cert("api.example"),
    "unable to get local issuer": lambda _: trustme.CA().issue_cert("localhost"),
}


@pytest.mark.usefixtures("bundle")
@pytest.mark.parametrize("reason", INVALID)
def test_invalid_certificate_stops_at_once(
    serve: Serve, authority: trustme.CA, reason: str
) -> None:
    server = serve(always(raw_response({})), tls(INVALID[reason](authority)))
    with pytest.raises(TapError) as raised:
        transport(server.url).send(TAGS)
    start, _, rest = str(raised.value).partition(reason)
    assert start == "The certificate of the host in api_url is invalid ("
    assert rest.partition(")")[2] == (
        ". If the certificate authority of a proxy or a company signs it, set "
        "REQUESTS_CA_BUNDLE to a file with the certificate of that authority."
    )
    assert not raised.value.is_transient
    assert not server.requests


def test_bundle_may_be_a_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    assert transport("https://localhost/api").root == "https://localhost/api"


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("content", [None, b"none"])
def test_bundle_that_is_not_usable_stops_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, name: str
) -> None:
    path = tmp_path / "bundle.pem"
    if content:
        path.write_bytes(content)
    monkeypatch.setenv(name, str(path))
    with pytest.raises(TapError) as raised:
        transport("https://localhost/api")
    assert str(raised.value) == (
        f"REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE) names {path}, which is not a readable "
        "file of certificates: correct the variable, or unset it."
    )
    transport("http://localhost/api")  # which needs no certificates


@pytest.mark.usefixtures("bundle")
def test_another_failure_of_tls_is_transient(serve: Serve) -> None:
    server = serve(always(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))  # no certificate
    with pytest.raises(TransientError, match="refused or reset"):
        transport(server.url).send(TAGS)


# The deadline

TIMEOUT = 0.15


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


def gzip_header() -> bytes:
    """The beginning of a gzip file, to which empty blocks can be added."""
    member = zlib.compressobj(wbits=31)
    return chunk(member.compress(b"") + member.flush(zlib.Z_FULL_FLUSH))


GZIP = CHUNKED + ZIPPED.encode() + b"\r\n\r\n"

TRICKLES: dict[str, tuple[bytes, bytes]] = {
    # how a response begins, and what is repeated endlessly
    "nothing": (b"", b""),
    "status line": (b"HTTP/1.1 200 O", b"K"),
    "header": (OK, b"x"),
    "headers": (OK, b"X: y\r\n"),
    "interim responses": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": (OK + b"Content-Length: 99999\r\n\r\n", b" "),
    "body until closed": (OK + b"\r\n", b" "),
    "size of a chunk": (CHUNKED + b"\r\n", b"0"),
    "extension of a chunk": (CHUNKED + b"\r\n5", b";x"),
    "chunks": (CHUNKED + b"\r\n", chunk(b" ")),
    "trailers": (CHUNKED + b"\r\n0\r\n", b"X: y\r\n"),
    "empty gzip blocks": (GZIP + gzip_header(), chunk(b"\0\0\0\xff\xff")),
    "body of an error": (b"HTTP/1.1 500 No\r\n\r\n", b" "),
}
FLOODS: dict[str, tuple[bytes, bytes]] = {
    "interim responses": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "extensions of chunks": (CHUNKED + b"\r\n", b"1;" + b"x" * 60_000 + b"\r\n \r\n"),
    "trailers": (CHUNKED + b"\r\n0\r\n", b"X: " + b"x" * 60_000 + b"\r\n"),
}


def assert_ends_in_time(send: Callable[[], object], timeout: float = TIMEOUT) -> None:
    started = time.monotonic()
    with pytest.raises(TransientError) as raised:
        send()
    assert str(raised.value) == LATE
    assert timeout <= time.monotonic() - started < LONG / 3


@pytest.mark.parametrize("part", TRICKLES)
def test_response_that_trickles_ends_in_time(serve: Serve, part: str) -> None:
    server: RawServer = serve(lambda _: server.trickle(*TRICKLES[part]))
    sender = transport(server.url, timeout=TIMEOUT)
    assert_ends_in_time(lambda: sender.send(TAGS))


@pytest.mark.parametrize("part", FLOODS)
def test_flood_without_content_ends_in_time(serve: Serve, part: str) -> None:
    first, piece = FLOODS[part]
    server = serve(lambda _: itertools.chain([first], itertools.repeat(piece)))
    sender = transport(server.url, timeout=TIMEOUT)
    assert_ends_in_time(lambda: sender.send(TAGS))


def test_connection_that_is_kept_is_watched_as_well(serve: Serve) -> None:
    def reply(request: RawRequest) -> Iterable[bytes]:
        if request.target.endswith("first"):
            return [raw_response({}, closes=False)]
        return server.trickle(OK, b"x")

    server: RawServer = serve(reply, keeps_alive=True)
    sender = transport(server.url, timeout=0.6)
    assert sender.send("/first").status == 200
    assert_ends_in_time(lambda: sender.send("/second"), 0.6)
    assert server.connections == 1
    assert sender.send("/first").status == 200  # with a new one


def test_tls_that_does_not_answer_ends_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        sender = transport(f"https://127.0.0.1:{port}/api", timeout=TIMEOUT)
        assert_ends_in_time(lambda: sender.send(TAGS))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_tunnel_of_a_proxy_that_trickles_ends_in_time(
    monkeypatch: pytest.MonkeyPatch, serve: Serve
) -> None:
    def reply(request: RawRequest) -> Iterable[bytes]:
        assert request.method == "CONNECT"
        return server.trickle(OK, b"X: y\r\n")

    server: RawServer = serve(reply)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
    sender = transport("https://api.example/api", timeout=TIMEOUT)
    assert_ends_in_time(lambda: sender.send(TAGS))
    gc.collect()  # ssl leaves a socket that was shut down before it speaks TLS


def send_late(watchdog: Watchdog, connection: socket.socket) -> None:
    with watchdog.watch() as watch:
        watch.socket = connection
        connection.recv(1)  # until the watchdog has looked


def test_request_that_has_ended_is_left_alone() -> None:
    """Its connection may serve the next request."""
    watchdog = Watchdog(0.05)
    (ours, theirs), (other, another) = socket.socketpair(), socket.socketpair()
    with ours, theirs, other, another:
        with watchdog.watch() as watch:
            watch.socket = ours
        with pytest.raises(TransientError, match=LATE):
            send_late(watchdog, other)
        assert not watch.is_late
        ours.send(b"x")
        assert theirs.recv(1) == b"x"


def test_watchdog_ends_with_the_last_request_and_starts_with_the_next() -> None:
    watchdog = Watchdog(0.05)
    before = set(threading.enumerate())
    for _ in range(2):
        with watchdog.watch(), watchdog.watch():
            (thread,) = set(threading.enumerate()) - before
            assert thread.daemon
        thread.join(LONG)
        assert not thread.is_alive()


def test_request_may_be_late_before_it_has_a_connection() -> None:
    watch = Watch(deadline=0)
    watch.end()
    assert watch.is_late
