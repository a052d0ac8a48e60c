"""Times as the tap parses them, and the clock of the API."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tap_toggl_hire.clock import Clock, http_date, moment

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-31", datetime(2024, 1, 31, tzinfo=UTC)),
        ("2024-01-31T10:20:30", datetime(2024, 1, 31, 10, 20, 30, tzinfo=UTC)),
        ("2024-01-31T10:20:30Z", datetime(2024, 1, 31, 10, 20, 30, tzinfo=UTC)),
        ("2024-01-31 10:20:30+02:00", datetime(2024, 1, 31, 8, 20, 30, tzinfo=UTC)),
        (
            "2024-01-31T10:20:30.1234567-00:30",
            datetime(2024, 1, 31, 10, 50, 30, 123456, tzinfo=UTC),
        ),
    ],
)
def test_a_time_without_an_offset_is_utc(text: str, expected: datetime) -> None:
    assert moment(text) == expected
    assert moment(text).tzinfo is not None


@pytest.mark.parametrize("text", ["", "then", "2024-02-30", "10:20"])
def test_other_text_is_not_a_time(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - it has no message of its own
        moment(text)


@pytest.mark.parametrize(
    "text",
    [
        "Sat, 31 Jan 2026 12:00:00 GMT",
        "Saturday, 31-Jan-26 12:00:00 GMT",
        "Sat Jan 31 12:00:00 2026",
        "Sat, 31 Jan 2026 13:00:00 +0100",
    ],
)
def test_every_form_of_an_http_date_is_utc(text: str) -> None:
    assert http_date(text) == NOW


def clock() -> Clock:
    """Make a clock on a machine whose own is one minute past noon."""
    return Clock(logging.getLogger("tap-toggl-hire"), lambda: NOW)


def test_without_a_date_the_machine_s_clock_counts() -> None:
    assert clock().now() == NOW


@pytest.mark.parametrize("offset", [HOUR, -HOUR, timedelta(seconds=6)])
def test_a_date_corrects_the_clock(offset: timedelta) -> None:
    api = clock()
    api.correct(format_datetime(NOW + offset))
    assert api.now() == NOW + offset


@pytest.mark.parametrize("date", [None, "", "soon", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_date_that_is_not_usable_corrects_nothing(date: str | None) -> None:
    api = clock()
    api.correct(date)
    assert api.now() == NOW


def test_up_to_five_seconds_are_not_corrected() -> None:
    api = clock()
    api.correct(format_datetime(NOW + timedelta(seconds=5)))
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
