"""The part of the rotation that a run re-verifies."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tap_toggl_hire.changes import _arc

HOUR = 3600
DAY = 24 * HOUR
NO_PAUSES = 0, 0


@pytest.mark.parametrize("elapsed", [0, -3 * DAY])
def test_a_first_run_and_a_clock_that_goes_back_verify_nobody(elapsed: float) -> None:
    assert _arc(elapsed, NO_PAUSES, 30 * DAY) == 0


@given(elapsed=st.floats(-400 * DAY, 400 * DAY))
def test_zero_days_is_never(elapsed: float) -> None:
    assert _arc(elapsed, (DAY, HOUR), 0) == 0


@pytest.mark.parametrize(
    ("elapsed", "pauses", "days", "runs"),
    [
        (DAY, NO_PAUSES, 30, 29),
        (HOUR, NO_PAUSES, 30, 719),
        (HOUR, (3 * DAY, HOUR), 30, 27 * 24),
        (HOUR, (HOUR, 3 * DAY), 30, 27 * 24),
        (29 * DAY, NO_PAUSES, 30, 1),
        (31 * DAY, NO_PAUSES, 30, 1),
        (HOUR, (29 * DAY, 0), 30, 24),
    ],
)
def test_it_keeps_the_longest_pause_in_reserve(
    elapsed: int, pauses: tuple[int, int], days: int, runs: int
) -> None:
    assert _arc(elapsed, pauses, days * DAY) == pytest.approx(1 / runs)


@given(
    pauses=st.lists(st.floats(60, 5 * DAY), min_size=1, max_size=200),
    days=st.integers(1, 60),
)
def test_whatever_the_pauses_everybody_has_a_turn_in_time(
    pauses: list[float], days: int
) -> None:
    """Once the longest pause is known, as far as there are that many."""
    longest = max(pauses)
    assume(longest < days * DAY - 1)
    moved = passed = 0.0
    for pause in pauses:
        if passed + pause > days * DAY:
            assert moved >= 1 - 1e-9
            break
        moved += _arc(pause, (int(longest) + 1, 0), days * DAY)
        passed += pause
