"""Times as they are read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tap_toggl_hire.times import moment


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
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - it says nothing
        moment(text)
