"""When a candidate's details are due to be re-fetched."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_toggl_hire.sync.rotation import due_time, effective

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
IDS = [str(number) for number in range(1_000)]
TIMES = st.datetimes(
    datetime(2020, 1, 1),  # noqa: DTZ001 - the strategy adds the zone
    datetime(2040, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(st.text(min_size=1), TIMES, st.integers(1, 400))
def test_each_candidate_is_due_once_per_turn(
    candidate_id: str, since: datetime, days: int
) -> None:
    turn = timedelta(days=days)
    due = due_time(candidate_id, since, since + turn, days)
    assert due is not None
    assert since < due <= since + turn
    just_before = due - timedelta(microseconds=1)
    assert due_time(candidate_id, since, just_before, days) is None
    nearly_a_turn_later = due + turn - DAY / 9
    assert due_time(candidate_id, due, nearly_a_turn_later, days) is None
    rounding = timedelta(microseconds=2)
    next_due = due_time(candidate_id, due, due + turn + rounding, days)
    assert next_due is not None
    assert abs(next_due - due - turn) <= rounding


@given(
    st.sampled_from(IDS),
    TIMES,
    st.lists(st.timedeltas(timedelta(0), 9 * DAY), max_size=9),
)
def test_runs_in_any_rhythm_reverify_a_candidate_once_per_turn(
    candidate_id: str, begin: datetime, pauses: list[timedelta]
) -> None:
    """Each run begins at the time that the last one reached."""
    reached, times_due = begin, 0
    for pause in pauses:
        now = reached + pause
        times_due += due_time(candidate_id, reached, now, 10) is not None
        reached = now
    turns = (reached - begin) / (10 * DAY)
    assert times_due in {int(turns), int(turns) + 1}


def test_due_times_are_spread_evenly() -> None:
    days = [START + day * DAY for day in range(11)]
    counts = [
        sum(due_time(key, since, now, 10) is not None for key in IDS)
        for since, now in itertools.pairwise(days)
    ]
    assert sum(counts) == len(IDS)
    assert all(70 < count < 130 for count in counts)


def test_every_candidate_is_due_once_after_a_long_pause() -> None:
    due = [due_time(key, START, START + 100 * DAY, 10) for key in IDS]
    assert all(time is not None and time <= START + 10 * DAY for time in due)


def test_zero_days_turn_reverification_off() -> None:
    assert due_time("1", START, START + 1000 * DAY, 0) is None


def test_place_of_a_candidate_is_the_same_in_every_version() -> None:
    """Another one would let candidates miss a turn."""
    expected = datetime(2026, 1, 18, 0, 31, 33, 176507, tzinfo=UTC)
    assert due_time("100", START, START + 30 * DAY, 30) == expected


@pytest.mark.parametrize("stored", [START - 400 * DAY, START, START + DAY])
def test_time_reached_is_kept_up_to_a_day_in_the_future(stored: datetime) -> None:
    assert effective(stored, START) == stored


@pytest.mark.parametrize(
    "stored",
    [
        None,
        START + DAY + timedelta(microseconds=1),
        datetime(9999, 1, 1, tzinfo=UTC),
    ],
)
def test_time_further_in_the_future_counts_as_now(stored: datetime | None) -> None:
    assert effective(stored, START) == START
