"""Times as the tap parses them, and the clock of the API."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tap_toggl_hire.clock import Clock, http_date, moment
from tests.support.clock import FakeClock

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_time_without_an_offset_is_utc() -> None:
    at = datetime(2024, 1, 31, 10, 20, 30, tzinfo=UTC)
    for text, expected in (
        ("2024-01-31", datetime(2024, 1, 31, tzinfo=UTC)),
        ("2024-01-31T10:20:30", at),
        ("2024-01-31T10:20:30Z", at),
        ("2024-01-31 12:20:30+02:00", at),
        ("2024-01-31T09:50:30.1234567-00:30", at.replace(microsecond=123456)),
    ):
        assert moment(text) == expected
        assert moment(text).tzinfo is not None


@pytest.mark.parametrize("text", ["", "then", "2024-02-30", "10:20"])
def test_other_text_is_not_a_time(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - it has no message of its own
        moment(text)


def test_every_form_of_an_http_date_is_utc() -> None:
    for text in (
        "Sat, 31 Jan 2026 12:00:00 GMT",
        "Saturday, 31-Jan-26 12:00:00 GMT",
        "Sat Jan 31 12:00:00 2026",
        "Sat, 31 Jan 2026 13:00:00 +0100",
    ):
        assert http_date(text) == NOW


def clock() -> Clock:
    """Make a clock on a machine whose own clock shows noon."""
    return Clock(logging.getLogger("tap-toggl-hire"), FakeClock(NOW))


@pytest.mark.parametrize("offset", [HOUR, -HOUR, timedelta(seconds=6)])
def test_date_corrects_the_clock(offset: timedelta) -> None:
    api = clock()
    assert api.now() == NOW
    api.correct(format_datetime(NOW + offset))
    assert api.now() == NOW + offset


UNUSABLE = (None, "", "soon", "Fri, 31 Dec 9999 23:59:59 GMT")


@pytest.mark.parametrize("date", [*UNUSABLE, "Sat, 31 Jan 2026 12:00:05 GMT"])
def test_neither_an_unusable_date_nor_up_to_five_seconds_correct_the_clock(
    date: str | None,
) -> None:
    api = clock()
    api.correct(date)
    assert api.now() == NOW


@pytest.mark.parametrize(("hours", "logged"), [(24, 0), (25, 1), (-60, 1)])
def test_more_than_a_day_is_logged(
    caplog: pytest.LogCaptureFixture, hours: int, logged: int
) -> None:
    clock().correct(format_datetime(NOW + hours * HOUR))
    assert len(caplog.records) == logged
    for record in caplog.records:
        assert record.levelname == "WARNING"
        assert f"from the API's by {abs(hours) / 24:.1f} days" in record.getMessage()
