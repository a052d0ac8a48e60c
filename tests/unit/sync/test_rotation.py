"""When a candidate's details are due to be re-fetched."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

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
    assert due_time(candidate_id, due, due + turn - DAY / 9, days) is None
    rounding = timedelta(microseconds=2)
    again = due_time(candidate_id, due, due + turn + rounding, days)
    assert again is not None
    assert abs(again - due - turn) <= rounding


@given(
    st.sampled_from(IDS),
    TIMES,
    st.lists(st.timedeltas(timedelta(0), 9 * DAY), max_size=9),
)
def test_no_run_is_left_out_however_the_runs_are_spread(
    candidate_id: str, begin: datetime, pauses: list[timedelta]
) -> None:
    """Each run begins at the time that the last one reached."""
    reached, found = begin, 0
    for pause in pauses:
        now = reached + pause
        found += due_time(candidate_id, reached, now, 10) is not None
        reached = now
    turns = (reached - begin) / (10 * DAY)
    assert found in {int(turns), int(turns) + 1}


def test_due_times_are_spread_evenly() -> None:
    days = [START + day * DAY for day in range(11)]
    counts = [
        sum(due_time(i, since, now, 10) is not None for i in IDS)
        for since, now in itertools.pairwise(days)
    ]
    assert sum(counts) == len(IDS)
    assert all(70 < count < 130 for count in counts)


def test_after_a_long_pause_all_are_due_in_their_order() -> None:
    due = [due_time(i, START, START + 100 * DAY, 10) for i in IDS]
    assert all(time is not None and time <= START + 10 * DAY for time in due)


def test_zero_days_turn_it_off() -> None:
    assert due_time("1", START, START + 1000 * DAY, 0) is None


def test_the_place_of_a_candidate_never_changes() -> None:
    """Another one would let candidates miss a turn."""
    expected = datetime(2026, 1, 18, 0, 31, 33, 176507, tzinfo=UTC)
    assert due_time("100", START, START + 30 * DAY, 30) == expected


def test_a_stored_time_far_in_the_future_counts_as_now() -> None:
    for stored in (START - 400 * DAY, START, START + DAY):
        assert effective(stored, START) == stored
    far = datetime(9999, 1, 1, tzinfo=UTC)
    for other in (None, START + DAY + timedelta(microseconds=1), far):
        assert effective(other, START) == START
