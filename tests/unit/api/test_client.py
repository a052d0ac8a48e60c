"""Resources, versions, the retry policy, and what the user reads."""

from __future__ import annotations

import logging
import threading
import typing as t
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import cycle, islice

import pytest
from hypothesis import given
from hypothesis import settings as rules
from hypothesis import strategies as st

from tap_toggl_hire import errors
from tap_toggl_hire.api import client
from tap_toggl_hire.api.client import (
    JITTER,
    NO_RETRY,
    PAUSES,
    VERSIONS,
    Client,
    Request,
    Retry,
)
from tap_toggl_hire.clock import Clock
from tap_toggl_hire.errors import (
    BadRequestError,
    NotFoundError,
    PaymentRequiredError,
    RequestError,
    TapError,
)
from tap_toggl_hire.stop import Stop
from tests.support.http import (
    FakeTransport,
    error,
    html,
    in_turn,
    page,
    response,
    routes,
)
from tests.support.memory import memory_below

if t.TYPE_CHECKING:
    from tap_toggl_hire.api.http import Response
    from tests.support.http import Reply

LOGGER = logging.getLogger("tap-toggl-hire")
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
TAGS = page({"id": "1", "name": "a"})
SETTINGS = {"limit": "page_size", "email": "candidate_filters.email"}
AGAIN = "Run again later: the next run continues from the last state."


class Api:
    """A client of a fake API, and what it did."""

    def __init__(
        self, reply: Reply, version: str | None = None, **retry: t.Any
    ) -> None:
        self.transport = FakeTransport(reply)
        self.transport.clock.set(NOW)
        self.pauses = self.transport.clock.pauses
        self.clock = Clock(LOGGER, self.transport.clock)
        self.stop = Stop(self.transport.clock)
        self.client = Client(
            t.cast("t.Any", self.transport),
            version=version,
            retry=Retry(**retry),
            setting_of=SETTINGS,
            clock=self.clock,
            stop=self.stop,
            logger=LOGGER,
        )

    def rows(self, path: str, **params: str) -> list[t.Any]:
        """Read a list to its end."""
        return [row for page in self.client.pages(path, params) for row in page]

    @property
    def targets(self) -> list[str]:
        """What was requested."""
        return self.transport.targets


def serving(responses: dict[str, Response] | None = None, **options: t.Any) -> Api:
    """Make a client of an API that answers by target, in version v2.1."""
    return Api(routes({"/v2.1/tags": TAGS, **(responses or {})}), **options)


def serving_candidate(*responses: Response | Exception) -> Api:
    """Make a client of an API whose candidate answers with each of these in turn."""
    answer = in_turn(*responses)
    return Api(lambda target: TAGS if target.endswith("/tags") else answer())


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


GOOD = response({"id": "100", "questions": []})

# Resources


def test_tags_are_read_with_the_first_request_and_once() -> None:
    tags = [{"id": "1"}]
    api = Api(lambda _: page(*tags))
    assert api.client.tags == [{"id": "1"}]
    tags.append({"id": "2"})
    assert api.client.tags == [{"id": "1"}]
    assert api.targets == ["/v2.1/tags"]


def test_version_costs_one_request_however_many_pages_of_tags_there_are() -> None:
    """`--test` makes few requests."""
    api = serving(
        {
            "/v2.1/tags": page({"id": "1"}, after="1"),
            "/v2.1/tags?after_id=1": page({"id": "2"}),
        }
    )
    assert api.client.found_version is None
    assert api.client.version == "v2.1"
    assert api.targets == ["/v2.1/tags"]
    assert api.client.tags == [{"id": "1"}, {"id": "2"}]
    assert api.targets == ["/v2.1/tags", "/v2.1/tags?after_id=1"]


def test_resources_that_are_read_once_and_those_that_are_read_on_demand() -> None:
    body = {"data": [{"id": "1"}], "links": {"next": "?after_id=1"}, "total": 9}
    api = serving(
        {
            "/v2.1/openings": page({"id": "5"}),
            "/v2.1/openings/5": response({"id": "5", "name": "Pilot"}),
            "/v2.1/categories": page({"id": "1"}, {"id": "2"}),
            "/v2.1/categories?job_opening_id=5": page({"id": "2"}),
            "/v2.1/candidates?limit=1": response(body),
            "/v2.1/candidates/100": GOOD,
        }
    )
    for _ in range(2):
        assert api.client.opening("5") == {"id": "5", "name": "Pilot"}
    once = ["/v2.1/tags", "/v2.1/openings/5"]
    assert api.targets == once
    assert api.rows("/openings") == [{"id": "5"}]
    assert api.rows("/categories") == [{"id": "1"}, {"id": "2"}]
    assert api.rows("/categories", job_opening_id="5") == [{"id": "2"}]
    assert api.client.candidates_page({"limit": "1"}) == body
    assert api.client.candidate("100") == {"id": "100", "questions": []}
    pages = api.client.paginator({"limit": "5"})
    pages.advance({"links": {"next": "https://api.example/x?after_id=1"}})
    assert pages.current_value == {"limit": "5", "after_id": "1"}


def test_unknown_opening_names_the_setting() -> None:
    with pytest.raises(TapError) as raised:
        serving().client.opening("5")
    assert str(raised.value) == (
        "The workspace has no job opening 5: remove it from the setting "
        "job_opening_ids, or check which workspace the API key belongs to."
    )
    assert not isinstance(raised.value, RequestError)


def test_list_is_read_to_its_end() -> None:
    first = "/v2.1/openings?limit=1"
    api = serving(
        {
            first: page({"id": "1"}, after="1"),
            f"{first}&after_id=1": page({"id": "2"}, after="2"),
            f"{first}&after_id=2": page(),
        }
    )
    assert api.rows("/openings", limit="1") == [{"id": "1"}, {"id": "2"}]
    pages = [*api.client.pages("/openings", {"limit": "1"})]
    assert pages == [[{"id": "1"}], [{"id": "2"}], []]


@pytest.mark.parametrize("rows", [[], [{"id": "1"}], [{"id": "1"}, {"id": "2"}]])
def test_pages_without_new_rows_are_a_loop(rows: list[object]) -> None:
    """Each link is new, so that only the rows show it."""
    numbers, repeated = iter(range(1000)), cycle(rows)
    api = Api(lambda _: page(*islice(repeated, 1), after=str(next(numbers))))
    with pytest.raises(TapError, match="form a loop") as raised:
        api.rows("/openings")
    assert raised.value.is_transient
    assert len(api.targets) == 1 + len(rows) + 3


# Requests


@pytest.mark.parametrize(
    ("item", "params", "target", "text"),
    [
        ("", {}, "", ""),
        (
            "",
            {"email": "a+b@c", "tag_ids": "1,2"},
            "?email=a%2Bb%40c&tag_ids=1%2C2",
            "",
        ),
        ("1-Az_9", {}, "/1-Az_9", "/1-Az_9"),
        ("a/b?c#d e%2e..ä", {}, "/a%2Fb%3Fc%23d%20e%252e..%C3%A4", "/{id}"),
    ],
)
def test_request_target_has_any_id_and_its_label_a_plain_one(
    item: str, params: dict[str, str], target: str, text: str
) -> None:
    request = Request("/candidates", item or None, params=params)
    assert request.target("v2") == f"/v2/candidates{target}"
    assert str(request) == f"GET /candidates{text}"


@pytest.mark.parametrize("item", ["", ".", ".."])
def test_id_that_would_be_another_url_is_not_requested(item: str) -> None:
    api = serving_candidate(GOOD)
    with pytest.raises(RequestError) as raised:
        api.client.candidate(item)
    assert str(raised.value) == (
        f"Invalid ID '{item}': it would change the path of GET /candidates/{{id}}. Ask "
        "the support of Toggl Hire for another ID."
    )
    assert api.targets == ["/v2.1/tags"]


def test_body_of_another_shape_is_not_what_was_requested() -> None:
    tags, candidate = Request("/tags"), Request("/candidates", "1")
    assert tags.matches({"data": []})
    wrong: list[object] = [{"data": None}, {"id": "1"}, ["data"]]
    for body in wrong:
        assert not tags.matches(body)
    assert candidate.matches({"id": "1"})
    assert candidate.matches({"id": 1})
    assert not candidate.matches({"id": "2"})
    assert not candidate.matches(None)


@pytest.mark.parametrize(
    "body", [{"data": {"id": "100", "name": "Ada Quell"}}, {"id": "new-100"}], ids=str
)
def test_object_in_another_form_fails_at_once(body: t.Any) -> None:
    api = serving_candidate(response(body))
    with pytest.raises(RequestError, match="form of the API") as raised:
        api.client.candidate("100")
    assert not raised.value.is_transient
    assert api.pauses == []


# Versions


@pytest.mark.parametrize(
    ("version", "advice"),
    [
        (
            "v2.2",
            "using v2.2. Set api_version to v2.2 to pin it and to avoid this warning.",
        ),
        (
            "v2",
            (
                "using v2, which is always the latest version and cannot be pinned. "
                "Set api_version to v2 to avoid this warning."
            ),
        ),
    ],
)
@pytest.mark.parametrize(
    "gone", [error(404), error(410), html(404), html(410)._replace(redirects=1)]
)
def test_version_that_is_not_found_leads_to_the_next_one_at_once(
    caplog: pytest.LogCaptureFixture, gone: Response, version: str, advice: str
) -> None:
    tags = {f"/{name}/tags": gone for name in VERSIONS}
    api = serving({**tags, f"/{version}/tags": page({"id": "9"})})
    assert api.client.tags == [{"id": "9"}]
    assert api.client.version == api.client.found_version == version
    assert len(api.targets) == 1 + VERSIONS.index(version)
    assert not api.pauses
    (message,) = messages(caplog)
    assert message == f"The API does not serve version v2.1; {advice}"


@pytest.mark.parametrize(
    ("setting", "versions"), [(None, "v2.1 or v2.2 or v2"), ("v9", "v9")]
)
def test_if_no_version_is_served_the_search_is_repeated_and_fails(
    setting: str | None, versions: str, caplog: pytest.LogCaptureFixture
) -> None:
    api = Api(lambda _: html(404), setting)
    for _ in range(2):  # the second time without a request
        with pytest.raises(TapError) as raised:
            api.rows("/categories")
        assert str(raised.value) == (
            f"The API does not serve {versions} (HTTP 404 or 410): check api_url and "
            "api_version."
        )
        assert not raised.value.is_transient
    assert len(api.pauses) == len(PAUSES)
    searched = [f"/{name}/tags" for name in ([setting] if setting else VERSIONS)]
    assert api.targets == searched * (len(PAUSES) + 1)
    assert messages(caplog) == ["Retrying GET /tags (no version of the API found)."]


def test_search_that_succeeds_later_goes_on() -> None:
    answer = in_turn(*[html(404)] * 3, error(500), TAGS)
    api = Api(lambda _: answer())
    assert api.client.version == "v2.1"
    assert len(api.pauses) == 2


def test_first_response_of_the_api_corrects_the_clock() -> None:
    """The response of a proxy does not, and neither does an error."""
    ahead = NOW + timedelta(hours=2)
    date = format_datetime(ahead)
    answer = in_turn(html(200, Date=date), error(503, Date=date), TAGS)
    for reply, expected in (
        (answer, NOW),
        (lambda: TAGS._replace(headers={"Date": date}), ahead),
    ):
        api = Api(lambda _, reply=reply: reply())  # type: ignore[misc]
        assert api.client.version == "v2.1"
        assert api.clock.now() == pytest.approx(expected, abs=timedelta(seconds=6))


# Transient failures

FOREIGN = "without the API's error object; check api_url"
TRANSIENT: list[tuple[Response | Exception, str]] = [
    (error(500), "HTTP 500"),
    (html(503), "HTTP 503"),
    (error(408), "HTTP 408"),
    (error(425), "HTTP 425"),
    (html(404), f"HTTP 404 {FOREIGN}"),
    (html(410), f"HTTP 410 {FOREIGN}"),
    (error(404)._replace(redirects=1), "HTTP 404 after a redirect; check api_url"),
    (errors.TransientError("connection reset"), "connection reset"),
    (html(200), "a body that is not JSON"),
    (response(b""), "a body that is not JSON"),
    (response({"error": {"type": "No"}}), "a body that is not what the API documents"),
]
MALFORMED = {reason for _, reason in TRANSIENT if "body" in reason}


@pytest.mark.parametrize(("failure", "reason"), TRANSIENT)
def test_transient_failure_is_retried_and_then_final(
    caplog: pytest.LogCaptureFixture, failure: Response | Exception, reason: str
) -> None:
    api = serving_candidate(failure, failure, GOOD, *[failure] * 6, GOOD)
    assert api.client.candidate("100")["id"] == "100"
    assert len(api.pauses) == api.client.counts.retried == 2
    assert messages(caplog) == [f"Retrying GET /candidates/{{id}} ({reason})."]

    with pytest.raises(errors.UnavailableError) as raised:
        api.client.candidate("100")
    assert str(raised.value) == (
        f"GET /candidates/100 failed 6 times (last: {reason}). {AGAIN}"
    )
    assert raised.value.is_transient is (reason not in MALFORMED)  # one candidate's
    assert api.client.candidate("100")["id"] == "100"  # other requests go on


def test_id_that_is_not_a_plain_word_is_not_logged() -> None:
    with pytest.raises(errors.UnavailableError, match=r"/\{id\} failed 6 times"):
        serving_candidate(error(500)).client.candidate("zoe@example.com")


@pytest.mark.parametrize("jitter", [1 - JITTER, 1.0, 1 + JITTER])
def test_pauses_grow_over_at_least_20_seconds(jitter: float) -> None:
    assert len(PAUSES) >= 5
    pauses = [Retry().pause(failures, None, jitter) or 0 for failures in range(1, 6)]
    assert pauses == sorted(pauses)
    assert sum(pauses) >= 20
    assert pauses[0] <= 1.25
    assert Retry().pause(6, None, jitter) is None


def test_each_pause_has_a_jitter_of_its_own() -> None:
    """So threads whose requests failed together do not move in step."""
    api = serving_candidate(error(500))
    with pytest.raises(errors.UnavailableError):
        api.client.candidate("100")
    shares = [pause / plain for pause, plain in zip(api.pauses, PAUSES, strict=True)]
    assert len(set(shares)) == len(PAUSES)
    assert min(shares) >= 1 - JITTER
    assert max(shares) <= 1 + JITTER


@pytest.mark.parametrize(("header", "least"), [("40", 40), ("99999", 120), ("-5", 0)])
def test_retry_after_of_a_5xx_is_honoured_up_to_a_limit(
    header: str, least: float
) -> None:
    api = serving_candidate(error(503, Retry_After=header), GOOD)
    api.client.candidate("100")
    (pause,) = api.pauses
    assert least <= pause <= max(least, 1.25)


def test_run_that_is_to_stop_makes_no_further_attempt_or_page() -> None:
    api = serving({"/v2.1/openings": page({"id": "1"}, after="1")})
    pages = api.client.pages("/openings", {})
    assert next(pages) == [{"id": "1"}]
    failing = serving_candidate(error(500))
    _ = failing.client.version
    for each in (api, failing):
        each.stop.signal(15)
    with pytest.raises(errors.StoppedError):
        next(pages)
    with pytest.raises(errors.StoppedError):
        failing.client.candidate("100")
    assert failing.targets == ["/v2.1/tags", "/v2.1/candidates/100"]


def test_run_that_is_to_stop_does_not_repeat_a_request_after_429() -> None:
    api = serving_candidate(error(429), GOOD)
    _ = api.client.version
    api.stop.signal(15)
    with pytest.raises(errors.StoppedError):
        api.client.candidate("100")
    assert api.targets == ["/v2.1/tags", "/v2.1/candidates/100"]


def test_same_warning_is_logged_once_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    api = serving_candidate(*[error(500), error(429), GOOD] * 3)
    began = api.transport.clock.now
    for moment, logged in ((0, 2), (59.9, 2), (64, 4)):
        api.transport.clock.now = began + moment
        api.client.candidate("100")
        assert len(messages(caplog)) == logged


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (error(500), f"GET /tags failed (HTTP 500). {AGAIN}"),
        (
            error(429, Retry_After="40"),
            "The API limits the rate of requests (HTTP 429): run again in 40 seconds.",
        ),
    ],
)
def test_without_retries_the_first_failure_is_final(
    failure: Response, message: str
) -> None:
    api = Api(lambda _: failure, **NO_RETRY._asdict())
    with pytest.raises(TapError) as raised:
        api.rows("/openings")
    assert str(raised.value) == message
    assert raised.value.is_transient
    assert api.targets == ["/v2.1/tags"]


# 429


def test_all_requests_wait_for_as_long_as_a_429_says(
    caplog: pytest.LogCaptureFixture,
) -> None:
    api = serving_candidate(*[error(429, Retry_After="40")] * 10, GOOD)
    began = api.transport.clock.now
    api.client.candidate("100")
    assert api.transport.clock.now - began == pytest.approx(400, abs=5)
    # It is not a failed attempt.
    assert (api.client.counts.rate_limited, api.client.counts.retried) == (10, 0)
    logged = 400 // 80  # one a minute at most, and there is a wait every 40 seconds
    assert messages(caplog) == ["HTTP 429: all requests wait for 40 s."] * logged


def test_date_in_retry_after_is_a_time_of_the_api() -> None:
    """The machine's clock is an hour slow."""
    theirs = NOW + timedelta(hours=1)
    tags = TAGS._replace(headers={"Date": format_datetime(theirs)})
    date = format_datetime(theirs + timedelta(seconds=20))
    answer = in_turn(tags, error(429, Retry_After=date), GOOD)
    api = Api(lambda _: answer())
    began = api.transport.clock.now
    api.client.candidate("100")
    assert api.transport.clock.now - began == pytest.approx(20, abs=1)


@pytest.mark.parametrize(("header", "requests"), [("86400", 1), ("600", 2)])
def test_429_for_too_long_ends_the_run_and_says_until_when(
    header: str, requests: int
) -> None:
    api = serving_candidate(error(429, Retry_After=header))
    with pytest.raises(errors.RateLimitError) as raised:
        api.client.candidate("100")
    until = NOW + requests * timedelta(seconds=int(header))
    assert str(raised.value) == (
        "The API limits the rate of requests (HTTP 429): it asks to be called again "
        f"at {until:%Y-%m-%d %H:%M:%S} UTC, which is more than 15 minutes after the "
        "last served request. Run again after that time."
    )
    assert raised.value.is_transient
    with pytest.raises(errors.RateLimitError):  # every other request fails at once
        api.rows("/openings")
    assert len(api.targets) == 1 + requests


# Permanent failures


def test_401_is_final_for_every_request() -> None:
    api = serving_candidate(error(401, "Unauthorized"), GOOD)
    for _ in range(2):
        with pytest.raises(errors.UnauthorizedError) as raised:
            api.client.candidate("100")
        assert str(raised.value) == (
            "The API rejects the API key (GET /candidates/100: HTTP 401, "
            "Unauthorized): check the setting api_key, which belongs to one workspace."
        )
        assert not raised.value.is_transient
    assert len(api.targets) == 2


def test_403_is_about_one_resource_or_for_a_list_about_the_key() -> None:
    api = serving_candidate(error(403), GOOD)
    with pytest.raises(errors.ForbiddenError) as raised:
        api.client.candidate("100")
    assert str(raised.value) == (
        "GET /candidates/100 is forbidden (HTTP 403, SomeError): check what the key in "
        "api_key may read."
    )
    assert api.client.candidate("100")
    listing = serving({"/v2.1/openings": error(403)})
    for _ in range(2):
        with pytest.raises(
            errors.UnauthorizedError, match=r"/openings: .*403.*api_key"
        ):
            listing.rows("/openings")
    assert listing.targets == ["/v2.1/tags", "/v2.1/openings"]


def test_400_names_the_settings_behind_the_parameters() -> None:
    api = serving_candidate(error(400, "ValidationError"))
    for names, named in (
        ((), "api_version"),
        (("limit", "order"), "page_size"),
        (("limit", "email"), "page_size and candidate_filters.email"),
    ):
        with pytest.raises(BadRequestError) as raised:
            api.client.candidates_page(dict.fromkeys(names, "5"))
        assert str(raised.value) == (
            "The API rejects GET /candidates (HTTP 400, ValidationError): check "
            f"{named}."
        )
    with pytest.raises(BadRequestError):  # it leads to no other version
        Api(lambda _: error(400)).client.version  # noqa: B018
    assert not api.pauses


@pytest.mark.parametrize("status", [404, 410])
def test_not_found_of_the_api_is_final(status: int) -> None:
    api = serving_candidate(error(status, "NotFoundError"))
    with pytest.raises(NotFoundError, match=f"/100 .*{status}, NotFoundError"):
        api.client.candidate("100")
    with pytest.raises(NotFoundError):
        api.client.candidates_page({"after_id": "7"})
    assert not api.pauses


@pytest.mark.parametrize("status", [204, 302, 418, 451])
def test_any_other_status_is_final_for_one_request(status: int) -> None:
    api = serving_candidate(html(status), GOOD)
    with pytest.raises(RequestError, match=f"/100 failed .HTTP {status}.") as raised:
        api.client.candidate("100")
    assert not isinstance(raised.value, NotFoundError)
    assert not raised.value.is_transient
    assert api.client.candidate("100")


def test_payment_required_is_final_for_one_request_and_not_for_a_later_run() -> None:
    api = serving_candidate(error(402), GOOD)
    with pytest.raises(PaymentRequiredError, match="/100 is not allowed any more"):
        api.client.candidate("100")
    assert PaymentRequiredError.is_transient
    assert api.client.candidate("100")


KINDS = ("", "a" * 81, "zoe@example.com", "two words", "line\nbreak", "٣")


def test_error_type_is_shown_if_it_is_a_plain_word() -> None:
    shown = {kind: f", {kind}" for kind in ("not-found.candidate_2", "a" * 80)}
    for kind, text in {**shown, **dict.fromkeys(KINDS, "")}.items():
        with pytest.raises(RequestError) as raised:
            serving_candidate(error(418, kind)).client.candidate("100")
        assert f"(HTTP 418{text}):" in str(raised.value)


# Counts


def test_requests_are_counted_by_endpoint_with_retries_and_redirects() -> None:
    reset = errors.TransientError("connection reset")
    api = serving_candidate(error(500), error(429), reset, GOOD._replace(redirects=2))
    api.client.candidate("100")
    counts = api.client.counts
    assert counts.by_endpoint == {"/tags": 1, "/candidates/{id}": 6}
    assert (counts.requests, counts.rate_limited, counts.retried) == (7, 1, 2)


# Retry-After


RETRY_AFTER: dict[float | None, tuple[str, ...]] = {
    7: (" 7 ",),
    0.5: ("0.5",),
    366 * 86400: ("9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"),
    None: ("", "soon", "-5", "1e3", "\u0667"),
    20: (
        "Sat, 31 Jan 2026 12:00:20 GMT",
        "Saturday, 31-Jan-26 12:00:20 GMT",
        "Sat Jan 31 12:00:20 2026",
    ),
    -60: ("Sat, 31 Jan 2026 11:59:00 GMT",),
}


@pytest.mark.parametrize("seconds", RETRY_AFTER)
def test_retry_after_is_read_as_seconds_or_a_date(seconds: float | None) -> None:
    for header in RETRY_AFTER[seconds]:
        assert client.retry_after(header, NOW) == seconds


DATES = st.datetimes().map(lambda when: f"Thu, {when:%d %b %Y %X} -2359")


@given(st.text(max_size=40) | (st.integers() | st.floats()).map(str) | DATES)
@rules(max_examples=200)
def test_any_retry_after_can_be_waited_for(header: str) -> None:
    seconds = client.retry_after(header, NOW)
    assert seconds is None or seconds <= threading.TIMEOUT_MAX


# Bodies


def test_size_of_a_response_is_that_of_its_json() -> None:
    assert (
        serving_candidate(response(b'{"id": "100"}')).client.candidate("100").size == 13
    )


def test_body_of_too_many_values_takes_little_memory() -> None:
    body = b'{"data": [%s]}' % b",".join([b"{}"] * 4_000_001)
    api = serving_candidate(response(body))
    with (
        memory_below(1_000_000),
        pytest.raises(errors.UnavailableError, match=r"than 4,000,000 JSON values"),
    ):
        api.rows("/openings")
