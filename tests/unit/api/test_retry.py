"""What fails for a moment is tried again; what fails for good becomes a sentence."""

from __future__ import annotations

import threading
import time
import typing as t
from email.utils import formatdate

import pytest
import requests
import time_machine
from hypothesis import given
from hypothesis import settings as rules
from hypothesis import strategies as st
from urllib3.exceptions import (
    DecodeError,
    LocationParseError,
    ProxySchemeUnknown,
    ReadTimeoutError,
)

from tap_toggl_hire.api import retry
from tap_toggl_hire.api.retry import Retry, of_exception, of_status, retry_after
from tap_toggl_hire.errors import (
    AskedToWaitError,
    KeyRefusedError,
    NoLongerError,
    NotFoundError,
    RefusedError,
    TapError,
    TransientError,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable


def fails(*errors: Exception) -> Callable[[], str]:
    """Raise each of these in turn, and succeed in the end."""
    left = list(errors)

    def attempt() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return attempt


LOST = "the connection is refused or breaks off (see api_url, and the network)"


def ignore(_: object) -> None:
    """Do nothing."""


def trouble(number: int) -> TransientError:
    return TransientError(f"trouble {number}")


# How often, and after which pauses


def test_what_succeeds_is_not_tried_again() -> None:
    pauses: list[float] = []
    failures: list[TransientError] = []
    assert Retry(sleep=pauses.append).run(fails(), failures.append) == "done"
    assert not pauses
    assert not failures


def test_each_failure_but_the_last_is_told_and_has_its_pause() -> None:
    log: list[object] = []
    troubles = [trouble(number) for number in range(4)]
    again = Retry((1, 2, 4), log.append)
    with pytest.raises(TransientError) as raised:
        again.run(fails(*troubles), log.append)
    assert raised.value is troubles[-1]
    assert log[::2] == troubles[:-1]
    pauses = t.cast("list[float]", log[1::2])
    for pause, base in zip(pauses, (1, 2, 4), strict=True):
        assert 0.75 * base <= pause <= 1.25 * base
    assert again.tries == 4


def test_the_last_try_counts() -> None:
    attempt = fails(*map(trouble, range(3)))
    assert Retry((1, 1, 1), ignore).run(attempt, ignore) == "done"


def test_what_fails_for_good_is_raised_at_once() -> None:
    pauses: list[float] = []
    with pytest.raises(NotFoundError):
        Retry(sleep=pauses.append).run(fails(NotFoundError()), ignore)
    assert not pauses


def test_to_be_asked_to_wait_is_no_failure() -> None:
    """However often; the throttle waits, so there is no pause either."""
    told: list[object] = []
    waits = [AskedToWaitError(1)] * 1000
    attempt = fails(*waits, trouble(1), *waits, trouble(2))
    assert Retry((1, 1), told.append).run(attempt, told.append) == "done"
    assert len(told) == 4


def test_the_pauses_grow_differ_and_take_long_enough() -> None:
    """At least five further tries over at least twenty seconds."""
    pauses: list[float] = []
    for _ in range(50):
        with pytest.raises(TransientError):
            Retry(sleep=pauses.append).run(fails(*[trouble(0)] * 9), ignore)
    runs = [pauses[start : start + 5] for start in range(0, len(pauses), 5)]
    assert len(runs) == 50
    for run in runs:
        assert run == sorted(run)
        assert sum(run) >= 20
        for pause, base in zip(run, retry.PAUSES, strict=True):
            assert 0.75 * base <= pause <= 1.25 * base
    firsts = [run[0] for run in runs]
    assert min(firsts) < 0.9
    assert max(firsts) > 1.1


def test_unless_told_otherwise_it_sleeps() -> None:
    started = time.monotonic()
    Retry((0.02,)).run(fails(trouble(1)), ignore)
    assert time.monotonic() - started >= 0.015


# What an exception means


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (requests.exceptions.ProxyError(), "the proxy does not connect"),
        (requests.exceptions.ConnectTimeout(), retry.LATE),
        (requests.exceptions.ReadTimeout(), retry.LATE),
        (ReadTimeoutError(None, None, None), retry.LATE),  # type: ignore[arg-type]
        (requests.exceptions.SSLError(), LOST),
        (requests.exceptions.ConnectionError(), LOST),
        (requests.exceptions.ChunkedEncodingError(), "the answer breaks off"),
        (DecodeError(), "the answer breaks off"),
        (OSError(), "the answer breaks off"),
    ],
)
def test_what_an_exception_means_for_a_moment(error: Exception, words: str) -> None:
    judged = of_exception(error)
    assert isinstance(judged, TransientError)
    assert str(judged) == words


@pytest.mark.parametrize(
    "error",
    [
        requests.exceptions.InvalidProxyURL("secret"),
        requests.exceptions.InvalidURL("secret"),
        requests.exceptions.InvalidSchema("secret"),
        LocationParseError("secret"),
        ProxySchemeUnknown("secret"),
        UnicodeError("secret"),
    ],
)
def test_what_an_exception_means_for_good(error: Exception) -> None:
    judged = of_exception(error)
    assert isinstance(judged, TapError)
    assert str(judged) == (
        "The address of the proxy is malformed, or of a kind that is not supported: "
        "check the variables HTTPS_PROXY, HTTP_PROXY and ALL_PROXY."
    )


# What a status means


@pytest.mark.parametrize("status", [408, 425, 500, 501, 502, 503, 504, 520, 599])
def test_a_status_that_may_pass(status: int) -> None:
    judged = of_status(status, "Some", "/tags", ["page_size"])
    assert isinstance(judged, TransientError)
    assert str(judged) == f"it answers {status}"


@pytest.mark.parametrize(
    ("status", "kind", "sentence"),
    [
        (
            401,
            "UnauthorizedError",
            (
                "The API refuses the key (401, UnauthorizedError): check setting "
                "api_key, and that it belongs to the workspace."
            ),
        ),
        (
            403,
            None,
            (
                "The API refuses the key (403): check setting api_key, and that it "
                "belongs to the workspace."
            ),
        ),
        (
            418,
            "Teapot",
            "The API answers 418, Teapot for /tags: check api_url and api_version.",
        ),
        (302, None, "The API answers 302 for /tags: check api_url and api_version."),
        (499, None, "The API answers 499 for /tags: check api_url and api_version."),
    ],
)
def test_a_status_that_stays(status: int, kind: str | None, sentence: str) -> None:
    judged = of_status(status, kind, "/tags", [])
    assert type(judged) is (KeyRefusedError if status in {401, 403} else TapError)
    assert str(judged) == sentence


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ([], "check api_version."),
        (["page_size"], "check page_size."),
        (["page_size", "start_date"], "check page_size and start_date."),
    ],
)
def test_a_400_names_the_settings_that_had_a_part(
    settings: list[str], named: str
) -> None:
    judged = of_status(400, "ValidationError", "/candidates", settings)
    assert isinstance(judged, RefusedError)
    assert str(judged) == (
        "The API refuses the request to /candidates (400, ValidationError): " + named
    )


@pytest.mark.parametrize(
    ("status", "kind"), [(404, NotFoundError), (410, NoLongerError)]
)
def test_what_is_not_there(status: int, kind: type[TapError]) -> None:
    assert type(of_status(status, None, "/tags", [])) is kind


# Retry-After


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("0", 0),
        ("0.5", 0.5),
        ("86399", 86399),
        ("86401", 86400),
        ("9" * 400, 86400),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1e3", None),
        ("7.", None),
        ("\u0667", None),
    ],
)
def test_seconds(header: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": header}) == seconds


def test_no_header() -> None:
    assert retry_after({}) is None


def test_a_date() -> None:
    with time_machine.travel(1_700_000_000, tick=False):
        for ahead, seconds in ((20, 20), (-60, -60), (10**6, 86400)):
            header = formatdate(time.time() + ahead, usegmt=True)
            assert retry_after({"Retry-After": header}) == seconds


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
@pytest.mark.parametrize(
    "form", ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%c"]
)
def test_each_form_of_a_date_is_in_greenwich_time(
    monkeypatch: pytest.MonkeyPatch, form: str, zone: str
) -> None:
    """RFC 9110, section 5.6.7: three forms, all of them in UTC."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        header = time.strftime(form, time.gmtime(time.time() + 120))
        seconds = retry_after({"Retry-After": header})
        assert seconds == pytest.approx(120, abs=2)
    finally:
        monkeypatch.undo()
        time.tzset()


@given(
    st.one_of(
        st.text(max_size=40),
        st.integers().map(str),
        st.integers(0, 400).map(lambda digits: "9" * digits),
        st.floats().map(str),
        st.datetimes().map(lambda when: when.strftime("%a, %d %b %Y %H:%M:%S GMT")),
        st.datetimes().map(lambda when: when.strftime("%a, %d %b %Y %H:%M:%S -0000")),
    )
)
@rules(max_examples=300)
def test_any_retry_after_is_a_time_that_can_be_waited_for(header: str) -> None:
    seconds = retry_after({"Retry-After": header})
    assert seconds is None or seconds <= threading.TIMEOUT_MAX
