"""Why and when a run ends before it has read everything."""

from __future__ import annotations

import math
import signal

import pytest

from tap_toggl_hire.errors import StoppedError
from tap_toggl_hire.stop import GRACE, Stop
from tests.support.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def stop(clock: FakeClock) -> Stop:
    return Stop(clock)


def test_run_without_limit_or_signal_never_stops(stop: Stop, clock: FakeClock) -> None:
    clock.now += 1e9
    stop.check()
    assert not stop.is_due
    assert stop.patience == math.inf
    assert not stop.is_urgent


def test_time_limit_counts_from_when_the_stop_was_made(
    stop: Stop, clock: FakeClock
) -> None:
    clock.now += 20
    stop.limit(0.5)
    clock.now += 9.5
    stop.check()
    clock.now += 0.5
    assert stop.is_due
    with pytest.raises(StoppedError) as raised:
        stop.check()
    assert raised.value.signum is None


def test_requests_in_flight_are_awaited_for_a_while_after_the_time_limit(
    stop: Stop, clock: FakeClock
) -> None:
    stop.limit(1)
    assert stop.patience == 60 + GRACE
    clock.now += 60
    assert stop.patience == GRACE == 5
    clock.now += 2
    assert stop.patience == 3
    clock.now += 20
    assert stop.patience == 0
    assert not stop.is_urgent  # what was read is emitted, however long that takes


def test_signal_stops_at_once_and_soon_emits_nothing_more(
    stop: Stop, clock: FakeClock
) -> None:
    clock.now += 20
    stop.limit(60)
    stop.signal(signal.SIGTERM)
    assert stop.is_due
    assert stop.patience == 0
    is_urgent = [stop.is_urgent]
    for seconds in (2.9, 0.1):
        clock.now += seconds
        is_urgent.append(stop.is_urgent)
    assert is_urgent == [False, False, True]
    with pytest.raises(StoppedError, match="Stopped by SIGTERM") as raised:
        stop.check()
    assert raised.value.signum == signal.SIGTERM
