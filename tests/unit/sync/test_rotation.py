"""The part of the rotation that a run re-verifies."""

from __future__ import annotations

import json
import typing as t
from datetime import UTC, datetime, timedelta, timezone
from hashlib import blake2b

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tap_toggl_hire.sync.rotation import Rotation, Turn, arc

HOUR = 3600
DAY = 24 * HOUR
NO_PAUSES = 0, 0
START = datetime(2026, 1, 1, tzinfo=UTC)


# The arc


@pytest.mark.parametrize("elapsed", [0, -3 * DAY])
def test_a_first_run_and_a_clock_that_goes_back_verify_nothing(elapsed: float) -> None:
    assert arc(elapsed, NO_PAUSES, 30 * DAY) == 0
    assert arc(elapsed, (30 * DAY, 0), 30 * DAY) == 0


@given(elapsed=st.floats(-400 * DAY, 400 * DAY))
def test_zero_days_is_never(elapsed: float) -> None:
    assert arc(elapsed, (DAY, HOUR), 0) == 0


@pytest.mark.parametrize(
    ("elapsed", "pauses", "days", "runs"),
    [
        (1, NO_PAUSES, 30, 30 * DAY - 1),
        (DAY, NO_PAUSES, 30, 29),
        (HOUR, NO_PAUSES, 30, 719),
        (HOUR, (3 * DAY, HOUR), 30, 27 * 24),
        (HOUR, (HOUR, 3 * DAY), 30, 27 * 24),
        (29 * DAY, NO_PAUSES, 30, 1),
        (30 * DAY, NO_PAUSES, 30, 1),
        (31 * DAY, NO_PAUSES, 30, 1),
        (HOUR, (29 * DAY, 0), 30, 24),
        (HOUR, (30 * DAY - 1, 0), 30, 1),
        (0.5, (30 * DAY - 1, 0), 30, 2),
    ],
)
def test_it_keeps_the_longest_pause_in_reserve(
    elapsed: float, pauses: tuple[int, int], days: int, runs: int
) -> None:
    assert arc(elapsed, pauses, days * DAY) == pytest.approx(1 / runs)


@given(
    pauses=st.lists(st.floats(60, 5 * DAY), min_size=1, max_size=200),
    days=st.integers(1, 60),
)
def test_whatever_the_pauses_each_has_a_turn_in_time(
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


# Turns


def place_of(number: str) -> float:
    """Where an id is on the circle."""
    digest = blake2b(f'"{number}"'.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little") / 2**32


def turns(ids: list[str], days: int, pauses: list[timedelta]) -> list[set[str]]:
    """Whose turn it is in each of some runs."""
    now, turn = START, Turn(START)
    found = []
    for pause in pauses:
        now += pause
        rotation = Rotation(turn, now, days)
        found.append({key for key in ids if rotation.is_due(key, verified=False)})
        turn = rotation.finished().checked()
    return found


def test_each_has_one_turn_and_turns_are_even() -> None:
    ids = [str(number) for number in range(10_000)]
    found = turns(ids, 11, [timedelta(days=1)] * 10)
    assert set.union(*found) == set(ids)
    assert sum(map(len, found)) <= len(ids) + 1  # 10 times a tenth is about 1
    assert all(900 < len(turn) < 1_100 for turn in found)


def test_the_circle_closes() -> None:
    """A run behind which the circle begins again takes in both its ends."""
    ids = [str(number) for number in range(1_000)]
    found = turns(ids, 4, [timedelta(days=1)] * 9)
    assert all(300 < len(turn) < 370 for turn in found)
    assert found[:3] == found[3:6] == found[6:]


def test_an_arc_goes_on_where_the_circle_begins() -> None:
    rotation = Rotation(Turn(START, 0.75), START + timedelta(days=1), 3)
    half = sum(rotation.is_due(str(n), verified=False) for n in range(1_000))
    assert 450 < half < 550


def test_where_an_arc_ends_the_next_one_begins() -> None:
    """Whoever is just there has one turn, not two."""
    before = (place_of("100") - 0.25) % 1.0
    first = Rotation(Turn(START, before), START + timedelta(days=1), 5)
    assert not first.is_due("100", verified=False)
    second = Rotation(first.finished(), START + timedelta(days=2), 5)
    assert second.is_due("100", verified=False)


def test_a_turn_that_a_run_before_gave_is_not_given_again() -> None:
    rotation = Rotation(Turn(START), START + timedelta(days=40), 30)
    assert rotation.is_due("1", verified=False)
    assert not rotation.is_due("1", verified=True)


def test_nothing_is_due_in_a_first_run_or_never() -> None:
    later = START + timedelta(days=40)
    for rotation in (Rotation(Turn(), later, 30), Rotation(Turn(START), later, 0)):
        assert not any(rotation.is_due(str(n), verified=False) for n in range(50))


def test_the_place_of_an_id_is_the_same_for_good() -> None:
    """Another one would let candidates miss their turns."""
    place = place_of("100")
    now = START + timedelta(hours=1)
    for cursor, expected in (
        (place, True),
        (place + 1e-6, False),
        (place - 0.5, False),
    ):
        rotation = Rotation(Turn(START, cursor % 1.0), now, 30)
        assert rotation.is_due("100", verified=False) is expected


def test_an_outage_is_no_pause_of_a_schedule() -> None:
    now, turn = START, Turn(START)
    for hours, longest in [(1, 1), (24 * 21, 1), (20 * 24, 1), (48, 48), (1, 48)]:
        now += timedelta(hours=hours)
        turn = Rotation(turn, now, days=30).finished()
        assert max(turn.pauses) == longest * HOUR
        assert turn.at == now
    for _ in range(3):  # and a pause that was is forgotten
        for _ in range(40):
            now += timedelta(hours=20)
            turn = Rotation(turn, now, days=30).finished()
    assert turn.pauses == (20 * HOUR, 20 * HOUR)


def test_pauses_are_forgotten_after_two_weeks_at_the_earliest() -> None:
    for days, watched in ((3, 14), (30, 30)):
        turn = Turn(START, 0.0, (HOUR, 2 * HOUR), START)
        kept = Rotation(turn, START + timedelta(days=watched), days).finished()
        assert kept.since == START
        assert kept.pauses[0] == HOUR
        late = START + timedelta(days=watched, seconds=1)
        moved = Rotation(turn, late, days).finished()
        assert moved.since == late
        assert moved.pauses == (2 * HOUR, 0)  # so long a pause is an outage


def test_a_pause_is_rounded_up() -> None:
    now = START + timedelta(seconds=10.2)
    assert Rotation(Turn(START), now, 30).finished().pauses == (0, 11)


def test_a_pause_that_is_now_too_long_is_not_reckoned_with() -> None:
    """It was noted when there were more days for a turn."""
    turn = Turn(START, 0.0, (25 * DAY, 0))
    now = START + timedelta(hours=1)
    ids = [str(number) for number in range(2_000)]
    many = [key for key in ids if Rotation(turn, now, 30).is_due(key, verified=False)]
    assert len(many) < 10  # 1 of 719, not 1 of 120


def test_after_the_first_run_pauses_are_watched_from_then() -> None:
    first = Rotation(Turn(), START, 30).finished()
    assert first == Turn(START, 0.0, (0, 0), START)


# In the state

TIMES = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-3))]))
TURNS = st.builds(
    Turn,
    st.none() | TIMES,
    st.floats(0, 1),
    st.tuples(st.integers(0, 2**40), st.integers(0, 2**40)),
    st.none() | TIMES,
)


@given(TURNS)
def test_a_turn_comes_back_from_the_state(turn: Turn) -> None:
    # Targets on the Singer SDK cannot pass on a state with a float in it.
    value = json.loads(json.dumps(turn.dump()), parse_float=pytest.fail)
    assert Turn.load(value) == turn
    assert None not in value.values()


def test_an_empty_object_is_no_turn_yet() -> None:
    assert Turn.load({}) == Turn()


AT = START.isoformat()
GOOD = Turn(START, 0.5, (1, 2), START).dump()


NO_CURSORS: tuple[t.Any, ...] = ("", "x", "nan", "inf", "-0.1", "1.1", None, [])
NO_PAUSES_AT_ALL: tuple[t.Any, ...] = (
    *([1], [1, 2, 3], None, "", ["x", 1], [None, 1]),
)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"at": at} for at in ("then", "2026-01-01T00:00:00", 5, ["x"])),
        *({"since": at} for at in ("then", "2026-01-01T00:00:00", 5)),
        *({"cursor": cursor} for cursor in NO_CURSORS),
        *({"pauses": pauses} for pauses in NO_PAUSES_AT_ALL),
    ],
    ids=str,
)
def test_what_is_no_turn_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - it says nothing
        Turn.load({**GOOD, **wrong})


@pytest.mark.parametrize("name", GOOD)
def test_a_turn_that_lacks_something_is_refused(name: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - it says nothing
        Turn.load({key: value for key, value in GOOD.items() if key != name})
