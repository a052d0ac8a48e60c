"""Asked until there is an answer that counts, and a sentence where there is none."""

from __future__ import annotations

import gzip
import tracemalloc
import typing as t

import pytest

from tap_toggl_hire.api.requester import Request
from tap_toggl_hire.api.throttle import Throttle
from tap_toggl_hire.errors import (
    AskedToWaitError,
    KeyRefusedError,
    NotFoundError,
    NotServedError,
    RefusedError,
    TapError,
    TransientError,
)
from tests.support.hostile import answer, says
from tests.unit.api.asking import (
    HTML,
    PAUSES,
    Pauses,
    closed_port,
    error,
    page,
    requester,
)

if t.TYPE_CHECKING:
    from tests.support.hostile import Asked, Reply
    from tests.unit.api.asking import Serve

LIST = Request(version="v2.1", path="/candidates", params={"limit": "5"})
ITEM = Request(version="v2.1", path="/candidates", item="100")
GOOD = page({"id": "1"})
ZIPPED = "Content-Encoding: gzip"


def in_turn(*answers: bytes) -> Reply:
    """Give each answer once, the last one again and again."""
    left = list(answers)

    def reply(_: Asked) -> list[bytes]:
        return [left.pop(0) if len(left) > 1 else left[0]]

    return reply


# What is asked for


@pytest.mark.parametrize(
    ("request_", "target", "endpoint"),
    [
        (Request(version="v2", path="/tags"), "/v2/tags", "/tags"),
        (LIST, "/v2.1/candidates?limit=5", "/candidates"),
        (ITEM, "/v2.1/candidates/100", "/candidates/{id}"),
        (
            Request(version="v2", path="/openings", item="a/b?c#d e%2e..ä"),
            "/v2/openings/a%2Fb%3Fc%23d%20e%252e..%C3%A4",
            "/openings/{id}",
        ),
        (
            Request(version="v2", path="/x", params={"email": "a+b@c", "t": "1,2"}),
            "/v2/x?email=a%2Bb%40c&t=1%2C2",
            "/x",
        ),
    ],
)
def test_its_target(request_: Request, target: str, endpoint: str) -> None:
    assert request_.target == target
    assert request_.endpoint == endpoint


@pytest.mark.parametrize("item", ["", ".", ".."])
def test_an_id_that_would_be_another_address_is_not_asked_for(
    serve: Serve, item: str
) -> None:
    server = serve(says(answer(GOOD)))
    with pytest.raises(NotServedError) as raised:
        requester(server.url).get(Request(version="v2", path="/tags", item=item))
    assert f"/tags/{{id}} with the odd id '{item}'" in str(raised.value)
    assert not server.asked


@pytest.mark.parametrize("item", ["...", ".a", "0"])
def test_any_other_id_is(serve: Serve, item: str) -> None:
    server = serve(says(answer({"id": item})))
    request = Request(version="v2", path="/tags", item=item)
    assert requester(server.url).get(request) == {"id": item}


@pytest.mark.parametrize(
    ("request_", "body", "is_met"),
    [
        (LIST, {"data": []}, True),
        (LIST, {"data": {}}, False),
        (LIST, {"data": None}, False),
        (LIST, {"id": "100"}, False),
        (LIST, [], False),
        (LIST, None, False),
        (LIST, "data", False),
        (ITEM, {"id": "100"}, True),
        (ITEM, {"id": 100}, True),
        (ITEM, {"id": "101"}, False),
        (ITEM, {"data": []}, False),
        (ITEM, ["id"], False),
    ],
)
def test_what_meets_it(request_: Request, body: object, *, is_met: bool) -> None:
    assert request_.is_met_by(body) == is_met


# Again, and again


TROUBLES: dict[str, tuple[bytes, str]] = {
    # what comes, and how the user reads of it
    "500": (error(500), "it answers 500"),
    "503 of a proxy": (answer(b"<h1>Busy</h1>", 503), "it answers 503"),
    "no JSON": (answer(b"<h1>Hello</h1>"), "the answer is no JSON"),
    "nothing": (answer(b""), "the answer is no JSON"),
    "another shape": (
        answer({"error": {"type": "No"}}),
        "the answer is not what the API's documentation says",
    ),
    "cut": (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "the answer breaks off"),
}


@pytest.mark.parametrize("what", TROUBLES)
def test_what_passes_is_tried_again(
    serve: Serve, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    pauses = Pauses()
    bad, words = TROUBLES[what]
    server = serve(in_turn(bad, bad, answer(GOOD)))
    asks = requester(server.url, pauses)
    assert asks.get(LIST) == GOOD
    assert len(pauses) == 2
    assert asks._transport.counts.retried == 2
    assert [one.getMessage() for one in caplog.records] == [
        f"Trying /candidates again: {words}."
    ]


@pytest.mark.parametrize("what", TROUBLES)
def test_what_does_not_pass_is_a_sentence(serve: Serve, what: str) -> None:
    bad, words = TROUBLES[what]
    server = serve(says(bad))
    with pytest.raises(NotServedError) as raised:
        requester(server.url).get(LIST)
    assert str(raised.value) == (
        f"The API does not serve /candidates: {words}, {len(PAUSES) + 1} times in a "
        "row. What was read so far is in the state; run again later."
    )
    assert len(server.asked) == len(PAUSES) + 1


def test_nothing_listens() -> None:
    with pytest.raises(
        NotServedError, match=r"see api_url, and the network\), 3 times"
    ):
        requester(f"http://127.0.0.1:{closed_port()}/api").get(LIST)


def test_the_same_trouble_is_told_once_a_minute(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(
        in_turn(*[error(500), error(429), answer(GOOD)] * 3, error(500), answer(GOOD))
    )
    now = 0.0
    throttle = Throttle(1, sleep=lambda _: None, clock=far())
    asks = requester(server.url, throttle=throttle, clock=lambda: now)
    asks.get(LIST)
    asks.get(LIST)
    assert len(caplog.records) == 2  # one of each kind
    now = 59.9
    asks.get(LIST)
    assert len(caplog.records) == 2
    now = 60
    asks.get(LIST)
    assert [one.getMessage()[:6] for one in caplog.records] == [
        "Trying",
        "The AP",
        "Trying",
    ]


def far() -> t.Callable[[], float]:
    """A clock on which every look is a day later."""
    days = iter(range(1, 10**6))
    return lambda: next(days) * 86_400.0


def test_429_is_no_failure_however_often(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(in_turn(*[answer({}, 429, "Retry-After: 40")] * 20, answer(GOOD)))
    pauses = Pauses()
    throttle = Throttle(1, sleep=lambda _: None, clock=far())
    asks = requester(server.url, pauses, throttle=throttle)
    assert asks.get(LIST) == GOOD
    assert not pauses
    assert asks._transport.counts.refused == 20
    assert asks._transport.counts.retried == 0
    assert [one.getMessage() for one in caplog.records] == [
        "The API asks to slow down (429): waiting 40 s."
    ]


# Which one it was about


def broken(*rows: bytes) -> bytes:
    return answer(b'{"data": [%s]}' % b", ".join(rows))


@pytest.mark.parametrize("value", [b"NaN", b"1e400", b'"M\xfcller"'])
def test_the_row_for_which_a_page_is_no_json_is_named(
    serve: Serve, value: bytes
) -> None:
    bad = broken(b'{"id": "7", "a": 1}', b'{"id": "8", "a": %s}' % value)
    with pytest.raises(NotServedError) as raised:
        requester(serve(says(bad)).url).get(LIST)
    assert str(raised.value).startswith(
        "The API does not serve /candidates: the answer is no JSON because of the row "
        "with id 8, 3 times in a row."
    )


def test_a_row_without_a_plain_id_is_not(serve: Serve) -> None:
    bad = broken(b'{"id": "jane@example.com", "a": NaN}')
    with pytest.raises(NotServedError, match="is no JSON, 3 times"):
        requester(serve(says(bad)).url).get(LIST)


@pytest.mark.parametrize("bad", [error(500), answer(b'{"id": "100", "a": NaN}')])
def test_of_an_item_its_id_is_named(serve: Serve, bad: bytes) -> None:
    with pytest.raises(NotServedError) as raised:
        requester(serve(says(bad)).url).get(ITEM)
    assert "/candidates/{id}: " in str(raised.value)
    assert " for id 100, 3 times in a row" in str(raised.value)


def test_unless_it_is_an_odd_one(serve: Serve) -> None:
    odd = Request(version="v2", path="/candidates", item="jane@example.com")
    with pytest.raises(NotServedError) as raised:
        requester(serve(says(error(500))).url).get(odd)
    assert "it answers 500, 3 times" in str(raised.value)


# For good


def test_an_answer_that_is_too_large_is_not_asked_for_again(serve: Serve) -> None:
    piece = gzip.compress(b" " * (1 << 20))
    server = serve(says(answer(piece * 65, 200, ZIPPED)))
    pauses = Pauses()
    with pytest.raises(NotServedError) as raised:
        requester(server.url, pauses).get(LIST)
    assert str(raised.value) == (
        "The API does not serve /candidates: its answer is larger than 64 MiB. Check "
        "page_size and api_url."
    )
    assert not pauses


@pytest.mark.parametrize("value", ["{}", "[]", "0"])
def test_nor_is_one_of_too_many_values(serve: Serve, value: str) -> None:
    """Each takes little of the answer, and much memory."""
    body = '{"data": [' + ",".join([value] * 4_000_001) + "]}"
    server = serve(says(answer(gzip.compress(body.encode(), 1), 200, ZIPPED)))
    pauses = Pauses()
    tracemalloc.start()
    try:
        with pytest.raises(NotServedError) as raised:
            requester(server.url, pauses).get(LIST)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert str(raised.value) == (
        "The API does not serve /candidates: its answer has more than 4,000,000 "
        "values. Check page_size and api_url."
    )
    assert not pauses
    assert peak < 3 * len(body)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 418])
def test_what_no_try_mends_is_not_tried_again(serve: Serve, status: int) -> None:
    pauses = Pauses()
    server = serve(says(error(status, "TheirWord")))
    with pytest.raises(TapError, match=f"{status}, TheirWord") as raised:
        requester(server.url, pauses).get(LIST)
    assert ("/candidates" in str(raised.value)) == (status not in {401, 403})
    assert len(server.asked) == 1
    assert not pauses


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_was_refused_is_not_sent_again(serve: Serve, status: int) -> None:
    server = serve(in_turn(answer(GOOD), error(status), answer(GOOD)))
    asks = requester(server.url)
    assert asks.get(LIST) == GOOD
    for _ in range(3):
        with pytest.raises(KeyRefusedError, match=f"{status}, SomeError"):
            asks.get(LIST)
    assert len(server.asked) == 2


def test_a_400_names_the_settings_in_the_query(serve: Serve) -> None:
    names = {"limit": "page_size", "email": "candidate_filters.email"}
    asks = requester(serve(says(error(400))).url, setting_of=names)
    with pytest.raises(RefusedError, match=r"check page_size\.$"):
        asks.get(LIST)


@pytest.mark.parametrize("path", ["/candidates", "/openings"])
def test_of_an_item_only_the_api_s_own_404_counts(serve: Serve, path: str) -> None:
    request = Request(version="v2", path=path, item="5")
    with pytest.raises(NotFoundError):
        requester(serve(says(error(404))).url).get(request)
    pauses = Pauses()
    with pytest.raises(NotServedError) as raised:
        requester(serve(says(HTML)).url, pauses).get(request)
    words = f"serve {path}/{{id}}: it answers 404, but not in the API's own words for"
    assert words in str(raised.value)
    assert len(pauses) == len(PAUSES)


def test_of_a_list_any_404_counts(serve: Serve) -> None:
    with pytest.raises(NotFoundError):
        requester(serve(says(HTML)).url).get(LIST)


# Once


def test_an_attempt_is_one(serve: Serve) -> None:
    server = serve(says(error(500)))
    with pytest.raises(TransientError):
        requester(server.url).attempt(LIST)
    assert len(server.asked) == 1
    with pytest.raises(AskedToWaitError):
        requester(serve(says(error(429))).url).attempt(LIST)
