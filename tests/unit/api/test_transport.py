"""One attempt at a request: what goes out, what comes back, where it may go."""

from __future__ import annotations

import gzip
import tracemalloc
import typing as t

import pytest

from tap_toggl_hire.api import transport as wing
from tap_toggl_hire.api.throttle import Throttle
from tap_toggl_hire.api.transport import Access, Counts
from tap_toggl_hire.errors import AskedToWaitError, TapError, TransientError
from tests.support.hostile import answer, says
from tests.unit.api.asking import KEY, closed_port, transport

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.hostile import Asked
    from tests.unit.api.asking import Serve

TAGS = "/v2.1/tags"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


# What goes out


def test_what_is_sent(serve: Serve) -> None:
    server = serve(says(answer({})))
    transport(server.url).send("/v2.1/candidates?limit=100&email=a%2Bb%40example.com")
    (asked,) = server.asked
    assert asked.method == "GET"
    assert asked.target == ("/api/v2.1/candidates?limit=100&email=a%2Bb%40example.com")
    assert asked.headers == {
        "host": f"localhost:{server.port}",
        "authorization": f"Bearer {KEY}",
        "accept": "application/json",
        "accept-encoding": "gzip",
        "user-agent": "a test",
        "connection": "keep-alive",
    }


def test_a_slash_at_the_end_of_the_root_is_none_too_many(serve: Serve) -> None:
    server = serve(says(answer({})))
    transport(server.url + "/").send(TAGS)
    assert server.asked[0].target == "/api/v2.1/tags"


def test_nothing_is_sent_before_it_is_asked_for(serve: Serve) -> None:
    server = serve(says(answer({})))
    assert transport(server.url).counts.requests == 0
    assert server.connections == 0


def test_a_cookie_does_not_come_back(serve: Serve) -> None:
    server = serve(says(answer({}, 200, "Set-Cookie: a=b; Path=/")))
    sender = transport(server.url)
    sender.send(TAGS)
    sender.send(TAGS)
    assert "cookie" not in server.asked[1].headers


def test_a_connection_is_kept(serve: Serve) -> None:
    server = serve(says(answer({}, closes=False)), keeps_alive=True)
    sender = transport(server.url)
    for _ in range(3):
        sender.send(TAGS)
    assert len(server.asked) == 3
    assert server.connections == 1


def test_who_looks_at_the_access_sees_no_key() -> None:
    access = Access(url="u", key=KEY, user_agent="a", timeout=1, connections=1)
    assert KEY not in repr(access)


@pytest.mark.parametrize(
    ("url", "is_exposed"),
    [
        ("http://api.example/api", True),
        ("HTTP://api.example/api", True),
        ("https://api.example/api", False),
        ("http://localhost:8000/api", False),
        ("http://sandbox.localhost/api", False),
        ("http://127.0.0.1/api", False),
        ("http://127.1.2.3/api", False),
        ("http://[::1]:80/api", False),
        ("http://10.0.0.1/api", True),
        ("http://notlocalhost/api", True),
    ],
)
def test_whether_the_key_leaves_the_machine_in_the_clear(
    url: str, *, is_exposed: bool
) -> None:
    assert transport(url).is_exposed == is_exposed


# What comes back


@pytest.mark.parametrize(
    "piece_by_piece",
    [
        [answer(b'{"data": []}')],
        [CHUNKED, b'5\r\n{"dat\r\n', b'7;more\r\na": []}\r\n0\r\n\r\n'],
        [b"HTTP/1.0 200 OK\r\n\r\n", b'{"data"', b": []}"],
        [b"HTTP/1.1 100 Continue\r\n\r\n", answer(b'{"data": []}')],
        [answer(gzip.compress(b'{"data": []}'), 200, "Content-Encoding: gzip")],
    ],
    ids=["whole", "chunks", "to the end", "after 100", "compressed"],
)
def test_a_body_comes_whole(serve: Serve, piece_by_piece: list[bytes]) -> None:
    sender = transport(serve(says(*piece_by_piece)).url)
    assert sender.send(TAGS) == (200, b'{"data": []}', True, None)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": {"type": "ValidationError"}}, "ValidationError"),
        ({"error": {"type": "not-found.candidate_2"}}, "not-found.candidate_2"),
        ({"error": {"type": "a" * 80}}, "a" * 80),
        ({"error": {"type": "a" * 81}}, None),
        ({"error": {"type": ""}}, None),
        ({"error": {"type": "two words"}}, None),
        ({"error": {"type": "jane@example.com"}}, None),
        ({"error": {"type": "line\nbreak"}}, None),
        ({"error": {"type": "Ошибка"}}, None),
        ({"error": {"type": "٣"}}, None),
        ({"error": {"type": KEY}}, None),
        ({"error": {"type": f"Refused.{KEY}"}}, None),
        ({"error": {"type": KEY[3:9]}}, None),
    ],
)
def test_an_error_type_is_shown_if_it_is_a_plain_word(
    serve: Serve, body: object, kind: str | None
) -> None:
    answered = transport(serve(says(answer(body, 404))).url).send(TAGS)
    assert answered.status == 404
    assert answered.is_of_the_api
    assert answered.error_type == kind


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<h1>Not found</h1>",
        {},
        [],
        None,
        {"error": None},
        {"error": "NotFound"},
        {"error": {"type": None}},
        {"error": {"type": 5}},
        {"error": {"code": "NotFound"}},
        {"error": ["type"]},
    ],
)
def test_another_error_is_not_the_api_s(serve: Serve, body: object) -> None:
    answered = transport(serve(says(answer(body, 404))).url).send(TAGS)
    assert answered.status == 404
    assert not answered.is_of_the_api
    assert answered.error_type is None


def test_429_holds_all_requests_back(serve: Serve) -> None:
    server = serve(says(answer({}, 429, "Retry-After: 7")))

    def sleep(seconds: float) -> None:
        raise InterruptedError(seconds)

    throttle = Throttle(1, clock=lambda: 100.0, sleep=sleep)
    sender = transport(server.url, throttle=throttle)
    with pytest.raises(AskedToWaitError) as raised:
        sender.send(TAGS)
    assert raised.value.pause == 7
    assert (sender.counts.requests, sender.counts.refused) == (1, 1)
    with pytest.raises(InterruptedError, match="7"):  # the slot is free, the time not
        sender.send(TAGS)


def test_any_other_answer_is_a_sign_that_the_api_serves(serve: Serve) -> None:
    """A 500 too: it is no refusal of the pace."""
    told: list[str] = []

    class Told(Throttle):
        def answered(self) -> None:
            told.append("answered")
            super().answered()

    sender = transport(serve(says(answer({}, 500))).url, throttle=Told(1))
    assert sender.send(TAGS).status == 500
    assert told == ["answered"]


def test_counts_add_up() -> None:
    counts = Counts()
    counts.add(requests=2)
    counts.add(requests=1, refused=4)
    counts.add(retried=5)
    counts.add(retried=1)
    assert (counts.requests, counts.refused, counts.retried) == (3, 4, 6)


# How much of it


@pytest.mark.parametrize(
    ("status", "most"), [(200, 64 << 20), (500, 64 << 10), (404, 64 << 10)]
)
def test_no_answer_is_larger_than_may_be(serve: Serve, status: int, most: int) -> None:
    """A few kilobytes decode to as much as one likes."""
    fitting = gzip.compress(b" " * (64 << 10)) * (most >> 16)

    def reply(asked: Asked) -> list[bytes]:
        body = fitting + (b"" if "fits" in asked.target else gzip.compress(b" "))
        return [answer(body, status, "Content-Encoding: gzip", closes=False)]

    sender = transport(serve(reply, keeps_alive=True).url)
    content = sender.send("/fits").content
    assert content is not None
    assert len(content) == most
    assert sender.send("/does-not").content is None
    assert sender.send("/fits").content == content  # over a new connection


def test_tiny_pieces_take_no_more_memory_than_large_ones(serve: Serve) -> None:
    def reply(_: Asked) -> Iterator[bytes]:
        yield CHUNKED
        yield from [b"2\r\n  \r\n" * 1000] * 20
        yield b"0\r\n\r\n"

    sender = transport(serve(reply).url)
    tracemalloc.start()
    try:
        assert sender.send(TAGS).content == b" " * 40_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 500_000


# What goes wrong


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ([], "breaks off"),
        ([b"hello"], "breaks off"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"], "the answer breaks off"),
        ([CHUNKED, b"9\r\n{}"], "the answer breaks off"),
        ([CHUNKED, b"none\r\n{}"], "the answer breaks off"),
        ([answer(b"{}", 200, "Content-Encoding: gzip")], "the answer breaks off"),
    ],
)
def test_what_breaks_off_is_tried_again(
    serve: Serve, reply: list[bytes], words: str
) -> None:
    """And the place of the request is free: there is but one."""
    sender = transport(serve(says(*reply)).url, throttle=Throttle(1))
    for _ in range(2):
        with pytest.raises(TransientError, match=words):
            sender.send(TAGS)
    assert sender.counts.requests == 2


def test_a_connection_that_is_refused_is_tried_again() -> None:
    sender = transport(f"http://127.0.0.1:{closed_port()}/api")
    with pytest.raises(TransientError, match="refused or breaks off"):
        sender.send(TAGS)


IMPOSSIBLE = ("a..b", ".example", f"{'a' * 64}.example", "a\u200d.example", "%")


@pytest.mark.parametrize("proxied", [False, True])
@pytest.mark.parametrize("host", IMPOSSIBLE)
def test_a_host_that_cannot_be_one_is_the_setting_s_fault(
    monkeypatch: pytest.MonkeyPatch, serve: Serve, host: str, *, proxied: bool
) -> None:
    if proxied:
        proxy = serve(says(answer({})))
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    with pytest.raises(TapError, match="setting api_url"):
        transport(f"https://{host}/api").send(TAGS)


@pytest.mark.parametrize(
    "proxy",
    [
        "http://",
        "http://[",
        "http://:80",
        "http://proxy.invalid:99999",
        "http://proxy.invalid:port",
        "http://a..b:80",
        "gopher://proxy.invalid",
        "socks9://proxy.invalid",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_malformed_proxy_is_the_environment_s_fault(
    monkeypatch: pytest.MonkeyPatch, scheme: str, proxy: str
) -> None:
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", proxy)
    with pytest.raises(TapError, match="HTTPS_PROXY, HTTP_PROXY and ALL_PROXY"):
        transport(f"{scheme}://api.example/api").send(TAGS)


def test_a_proxy_that_does_not_connect_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(TransientError, match="the proxy does not connect"):
        transport("http://api.example/api").send(TAGS)


def test_a_proxy_is_asked_for_the_whole_address(
    monkeypatch: pytest.MonkeyPatch, serve: Serve
) -> None:
    proxy = serve(says(answer({})))
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
    assert transport("http://api.example/api").send(TAGS).status == 200
    assert proxy.asked[0].target == "http://api.example/api/v2.1/tags"


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location",
    [
        "/api/v2.2/tags?a=b",
        "http://localhost:PORT/api/v2.2/tags?a=b",
        "//LOCALHOST:PORT/api/v2.2/tags?a=b",
        "../v2.2/tags?a=b",
    ],
)
def test_a_redirect_at_home_is_followed(
    serve: Serve, status: int, location: str
) -> None:
    def reply(asked: Asked) -> list[bytes]:
        if "v2.2" in asked.target:
            return [answer({"moved": True})]
        where = location.replace("PORT", str(server.port))
        return [answer(b"moved", status, f"Location: {where}")]

    server = serve(reply)
    sender = transport(server.url)
    assert sender.send(TAGS).content == b'{"moved": true}'
    assert [one.target for one in server.asked] == [
        "/api/v2.1/tags",
        "/api/v2.2/tags?a=b",
    ]
    assert {one.headers["authorization"] for one in server.asked} == {f"Bearer {KEY}"}
    assert sender.counts.requests == 2


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
def test_a_redirect_elsewhere_is_not_followed(serve: Serve, location: str) -> None:
    def reply(_: Asked) -> list[bytes]:
        where = location.replace("PORT", str(server.port))
        return [answer({}, 302, f"Location: {where}")]

    server = serve(reply)
    with pytest.raises(TapError) as raised:
        transport(server.url).send(TAGS)
    assert str(raised.value) == wing.ELSEWHERE
    assert len(server.asked) == 1


def test_redirects_in_circles_end(serve: Serve) -> None:
    server = serve(says(answer({}, 302, "Location: /api/v2.1/tags")))
    with pytest.raises(TapError) as raised:
        transport(server.url).send(TAGS)
    assert str(raised.value) == wing.CIRCLES
    assert len(server.asked) == wing.MOST_REDIRECTS


def test_a_404_behind_a_redirect_says_nothing_of_what_was_asked_for(
    serve: Serve,
) -> None:
    def reply(asked: Asked) -> list[bytes]:
        if asked.target == "/login":
            return [answer({"error": {"type": "NotFound"}}, 404)]
        return [answer({}, 302, "Location: /login")]

    with pytest.raises(TapError) as raised:
        transport(serve(reply).url).send("/v2.1/candidates/5")
    assert str(raised.value) == wing.LOST


def test_a_redirect_without_a_place_is_an_answer(serve: Serve) -> None:
    assert transport(serve(says(answer({}, 302))).url).send(TAGS).status == 302
