"""When a STATE is due, and how many candidates it announces."""

from __future__ import annotations

import pytest

from tap_toggl_hire.sync.stretch import (
    CANDIDATES,
    GUESS,
    LIGHT,
    MARGIN,
    SAMPLE,
    SECONDS,
    SHARE,
    Written,
    is_due,
    is_enough,
)

LARGE = 17_000_000
"""Bytes of the state of a million candidates."""


@pytest.mark.parametrize(
    ("candidates", "seconds", "expected"),
    [
        (0, 0, False),
        (999.75, 29.9, False),
        (1000, 0, True),
        (0, 30, True),
    ],
)
def test_a_state_is_due_after_some_work_or_time(
    candidates: float, seconds: float, *, expected: bool
) -> None:
    assert is_due(Written(0, candidates), seconds, 0) is expected
    assert is_due(Written(1000, candidates), seconds, 100) is expected
    assert not is_due(Written(999, candidates), seconds, 100)


def test_a_large_state_waits_for_records() -> None:
    assert not is_due(Written(SHARE * LARGE - 1, 10**6), 10**4, LARGE)
    assert is_due(Written(SHARE * LARGE, 10**6), 0, LARGE)


def test_a_small_state_announces_a_thousand() -> None:
    assert not is_enough(CANDIDATES - LIGHT, Written(), 0)
    assert is_enough(CANDIDATES, Written(), 0)
    assert is_enough(CANDIDATES, Written(), int(CANDIDATES * GUESS / SHARE / MARGIN))
    assert not is_enough(
        CANDIDATES, Written(), int(CANDIDATES * GUESS / SHARE / MARGIN) + 1
    )


def test_the_average_counts_once_there_is_one() -> None:
    size = int(2 * CANDIDATES * GUESS / SHARE)
    few = Written(10**6, SAMPLE - 1)
    enough = Written(int(SAMPLE * GUESS * 4), SAMPLE)
    assert not is_enough(CANDIDATES, few, size)
    assert is_enough(CANDIDATES, enough, size)
    small = Written(SAMPLE, SAMPLE)
    assert not is_enough(10 * CANDIDATES, small, size)


@pytest.mark.parametrize("known", [0, 1_000, 100_000, 1_000_000])
@pytest.mark.parametrize("average", [300, 3_000])
def test_states_are_a_small_part_of_what_is_written(known: int, average: int) -> None:
    """Of a run that emits all candidates, each with records of some size."""
    state = 17 * known
    in_all, since, states, waiting = Written(), Written(), 1, 0
    for number in range(100_000):
        waiting += 1
        if is_enough(waiting, in_all, state):
            states += 1
            waiting = 0
        in_all = Written(average * (number + 1), number + 1)
        since = Written(since.bytes + average, since.candidates + 1)
        if is_due(since, 0.0, state):
            states += 1
            since = Written()
    assert (states - 2) * state <= 0.25 * in_all.bytes


def test_the_time_is_the_contract_s() -> None:
    assert (CANDIDATES, SECONDS, SHARE) == (1000, 30.0, 10)
