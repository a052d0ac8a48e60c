"""When a STATE is due, and how many candidates it announces."""

from __future__ import annotations

import pytest

from tap_toggl_hire.sync.stretch import (
    CANDIDATES,
    FIRST,
    GUESS,
    LIGHT,
    MARGIN,
    SAMPLE,
    SECONDS,
    SHARE,
    Stretch,
)

LARGE = 17_000_000
"""Bytes of the state of a million candidates."""


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def written(count: int, size: int, clock: Clock | None = None) -> Stretch:
    """A stretch in which so many candidates, of so many bytes each, are out."""
    stretch = Stretch(clock or Clock())
    for _ in range(count):
        stretch.emit(size, asked=True)
    return stretch


def waiting(stretch: Stretch, count: int) -> Stretch:
    for _ in range(count):
        stretch.wait(asked=True)
    return stretch


@pytest.mark.parametrize(
    ("candidates", "seconds", "expected"),
    [(0, 0, False), (999, 29.9, False), (1000, 0, True), (0, 30, True)],
)
def test_a_state_is_due_after_some_work_or_time(
    candidates: int, seconds: float, *, expected: bool
) -> None:
    clock = Clock()
    stretch = written(candidates, 1, clock)
    clock.now += seconds
    assert stretch.is_due(0) is expected
    stretch.begin()
    assert not stretch.is_due(0)


def test_candidates_without_details_count_less() -> None:
    stretch = Stretch(Clock())
    for number in range(1, int(CANDIDATES / LIGHT) + 1):
        stretch.wait(asked=False)
        if number < FIRST / LIGHT:
            assert not stretch.is_enough(0)
        stretch.emit(1, asked=False)
        assert stretch.is_due(0) is (number == CANDIDATES / LIGHT)


def test_the_first_stretches_are_short() -> None:
    """Each is as long as all before it, until they are of full length."""
    stretch, lengths = Stretch(Clock()), []
    for _ in range(6):
        stretch.begin()
        waits = 0
        while not stretch.is_enough(0):
            stretch.wait(asked=True)
            waits += 1
        lengths.append(waits)
        for _ in range(waits):
            stretch.emit(1, asked=True)
    assert lengths == [FIRST, FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST, CANDIDATES]


def test_a_large_state_waits_for_records() -> None:
    stretch = written(CANDIDATES, LARGE // 100)
    assert stretch.is_due(LARGE)
    assert not stretch.is_due(LARGE + LARGE // 100)


def test_a_small_state_announces_few() -> None:
    assert not waiting(Stretch(Clock()), FIRST - 1).is_enough(0)
    enough = waiting(Stretch(Clock()), FIRST)
    size = int(FIRST * GUESS / SHARE / MARGIN)
    assert enough.is_enough(0)
    assert enough.is_enough(size)
    assert not enough.is_enough(size + 1)
    enough.begin()
    assert not enough.is_enough(0)


def test_the_average_counts_once_there_is_one() -> None:
    size = int(2 * CANDIDATES * GUESS / SHARE)
    few = waiting(written(SAMPLE - 1, 10**6), CANDIDATES)
    assert not few.is_enough(size)
    enough = waiting(written(SAMPLE, int(GUESS * 4)), CANDIDATES)
    assert enough.is_enough(size)
    enough.begin()  # it is of the whole run
    assert waiting(enough, CANDIDATES).is_enough(size)
    assert not waiting(written(SAMPLE, 1), 10 * CANDIDATES).is_enough(size)


def test_while_nothing_is_written_no_state_is_small_enough_but_none() -> None:
    stretch = waiting(written(SAMPLE, 0), CANDIDATES)
    assert stretch.is_enough(0)
    assert not stretch.is_enough(1)


@pytest.mark.parametrize("known", [0, 1_000, 20_000])
@pytest.mark.parametrize("average", [300, 3_000])
def test_states_are_a_small_part_of_what_is_written(known: int, average: int) -> None:
    """Of a run that emits all candidates, each with records of some size."""
    size, stretch, states = 17 * known, Stretch(Clock()), 0
    for _ in range(20_000):
        stretch.wait(asked=True)
        stretch.emit(average, asked=True)
        if stretch.is_enough(size) or stretch.is_due(size):
            states += 1
            stretch.begin()
    assert states * size <= 0.1 * 20_000 * average
    assert states >= 1


def test_a_byte_too_few_is_too_few() -> None:
    stretch = written(CANDIDATES - 1, 1)
    stretch.emit(0, asked=True)
    assert not stretch.is_due(CANDIDATES // SHARE)
    assert stretch.is_due(CANDIDATES // SHARE - 1)


def test_the_time_is_the_contract_s() -> None:
    assert (CANDIDATES, SECONDS, SHARE) == (1000, 30.0, 10)
    assert 0 < LIGHT < 1 < MARGIN
