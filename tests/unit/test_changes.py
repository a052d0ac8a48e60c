"""The part of the rotation that a run re-verifies."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_toggl_hire.changes import _arc

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def arc(elapsed: timedelta, days: int) -> float:
    return _arc(NOW - elapsed, NOW, days)


def test_a_first_run_verifies_nobody() -> None:
    assert _arc(None, NOW, 30) == 0


@pytest.mark.parametrize("elapsed", [timedelta(0), timedelta(days=-3)])
def test_a_clock_that_stands_or_goes_back_verifies_nobody(elapsed: timedelta) -> None:
    assert arc(elapsed, 30) == 0


@given(elapsed=st.timedeltas(-timedelta(days=400), timedelta(days=400)))
def test_zero_days_is_never(elapsed: timedelta) -> None:
    assert arc(elapsed, 0) == 0


@pytest.mark.parametrize(
    ("hours", "days", "runs"),
    [(24, 30, 30), (1, 30, 720), (24 * 7, 30, 4), (24 * 29, 30, 1), (24 * 31, 30, 1)],
)
def test_it_divides_the_rotation_by_the_runs_that_fit(
    hours: int, days: int, runs: int
) -> None:
    assert arc(timedelta(hours=hours), days) == pytest.approx(1 / runs)


@given(
    elapsed=st.timedeltas(timedelta(seconds=1), timedelta(days=400)),
    days=st.integers(1, 400),
)
def test_runs_at_equal_times_verify_everybody_in_the_days_and_evenly(
    elapsed: timedelta, days: int
) -> None:
    part = arc(elapsed, days)
    assert 0 < part <= 1
    runs = math.ceil(1 / part - 1e-9)
    assert runs == 1 or runs * elapsed <= timedelta(days=days)
    # Nobody is read much more often than that: at most twice in the days.
    assert part <= max(2 * elapsed / timedelta(days=days), 1 if runs == 1 else 0)


@given(
    elapsed=st.timedeltas(timedelta(seconds=1), timedelta(days=400)),
    days=st.integers(1, 400),
)
def test_runs_at_any_times_verify_as_fast_as_time_passes(
    elapsed: timedelta, days: int
) -> None:
    passed = elapsed / timedelta(days=days)
    assert arc(elapsed, days) >= min(passed, 1) - 1e-9
