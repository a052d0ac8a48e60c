"""The part of the rotation that a run re-verifies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tap_toggl_hire.digests import Digests, Entry
from tap_toggl_hire.rotation import Rotation, arc

HOUR = 3600
DAY = 24 * HOUR
NO_PAUSES = 0, 0


@pytest.mark.parametrize("elapsed", [0, -3 * DAY])
def test_a_first_run_and_a_clock_that_goes_back_verify_nobody(elapsed: float) -> None:
    assert arc(elapsed, NO_PAUSES, 30 * DAY) == 0


@given(elapsed=st.floats(-400 * DAY, 400 * DAY))
def test_zero_days_is_never(elapsed: float) -> None:
    assert arc(elapsed, (DAY, HOUR), 0) == 0


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
    assert arc(elapsed, pauses, days * DAY) == pytest.approx(1 / runs)


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
        moved += arc(pause, (int(longest) + 1, 0), days * DAY)
        passed += pause


def test_each_has_one_turn_and_turns_are_even() -> None:
    digests = Digests()
    book = digests.book = {str(number): Entry() for number in range(10_000)}
    digests.verified_at = now = datetime(2026, 1, 1, tzinfo=UTC)
    turns = []
    for _ in range(10):
        now += timedelta(days=1)
        rotation = Rotation(digests, now, days=11)
        turns.append(
            {key for key, entry in book.items() if rotation.is_due(key, entry)}
        )
        rotation.finish()
    assert set.union(*turns) == set(book)
    assert sum(map(len, turns)) <= len(book) + 1  # 10 times a tenth is about 1
    assert all(900 < len(turn) < 1_100 for turn in turns)


def test_an_outage_is_no_pause_of_a_schedule() -> None:
    digests = Digests()
    digests.verified_at = now = datetime(2026, 1, 1, tzinfo=UTC)
    for hours, longest in [(1, 1), (24 * 21, 1), (48, 48), (1, 48)]:
        now += timedelta(hours=hours)
        Rotation(digests, now, days=30).finish()
        assert max(digests.pauses) == longest * HOUR
    for _ in range(3):  # and a pause that was is forgotten
        for _ in range(40):
            now += timedelta(hours=20)
            Rotation(digests, now, days=30).finish()
    assert digests.pauses == (20 * HOUR, 20 * HOUR)
