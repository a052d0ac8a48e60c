"""When each request may start."""

from __future__ import annotations

import itertools
import threading

import pytest

from tap_toggl_hire.api import throttle as module
from tap_toggl_hire.api.throttle import Throttle
from tap_toggl_hire.errors import RateLimitError, TapError
from tests.support.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def throttle_at(
    clock: FakeClock, size: int = 8, ceiling: float | None = None
) -> Throttle:
    return Throttle(size, ceiling, machine=clock)


def starts(throttle: Throttle, clock: FakeClock, count: int) -> list[float]:
    """Seconds from now to the start of each of some requests, one after the other."""
    began, times = clock.now, []
    for _ in range(count):
        times.append(throttle.acquire() - began)
        throttle.release()
    return times


def refuse(throttle: Throttle, retry_after: float | None = None) -> float:
    """Start a request, which the API answers with 429."""
    pause = throttle.limited(throttle.acquire(), retry_after)
    throttle.release()
    return pause


def serve(throttle: Throttle, count: int = 1) -> None:
    for _ in range(count):
        throttle.acquire()
        throttle.served()
        throttle.release()


# Concurrency


def test_without_a_limit_all_requests_start_at_once(clock: FakeClock) -> None:
    assert starts(throttle_at(clock), clock, 1000) == [0.0] * 1000
    assert not clock.pauses


@pytest.mark.parametrize("size", [1, 3])
def test_no_more_requests_are_in_flight_than_allowed(
    clock: FakeClock, size: int
) -> None:
    throttle = throttle_at(clock, size)
    for _ in range(size):
        throttle.acquire()
    began = threading.Event()

    def another() -> None:
        throttle.acquire()
        began.set()

    thread = threading.Thread(target=another, daemon=True)
    thread.start()
    assert not began.wait(0.05)
    throttle.release()
    assert began.wait(30)
    thread.join()


def test_exception_while_waiting_frees_the_slot(clock: FakeClock) -> None:
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    clock.on_pause = interrupted
    throttle = throttle_at(clock, 1)
    refuse(throttle, 5)
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            throttle.acquire()
    clock.now += 6
    throttle.acquire()


# The rate of the user


@pytest.mark.parametrize("ceiling", [0.5, 10.0, 400.0])
def test_rate_limit_is_respected_and_used(clock: FakeClock, ceiling: float) -> None:
    """Requests that a calm time did not use are not saved for later."""
    throttle = throttle_at(clock, ceiling=ceiling)
    refuse(throttle, 1)
    clock.now += 10_000
    serve(throttle)
    times = starts(throttle, clock, 101)
    assert 0.98 * ceiling < 100 / (times[-1] - times[0]) < ceiling
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert min(gaps) >= 1 / ceiling


# 429


@pytest.mark.parametrize("asked", [0.5, 7.0, 900.0])
def test_all_requests_wait_as_long_as_the_api_asks(
    clock: FakeClock, asked: float
) -> None:
    throttle = throttle_at(clock)
    assert refuse(throttle, asked) == asked
    assert starts(throttle, clock, 1)[0] >= asked


def test_shorter_wait_does_not_cut_a_longer_one(clock: FakeClock) -> None:
    throttle = throttle_at(clock)
    first, second = throttle.acquire(), throttle.acquire()
    assert throttle.limited(first, 30) == 30
    clock.now += 1
    assert throttle.limited(second, 2) == 29
    assert starts(throttle, clock, 1)[0] >= 29


@pytest.mark.parametrize("asked", [None, 0.0, -60.0])
def test_without_retry_after_the_wait_grows(
    clock: FakeClock, asked: float | None
) -> None:
    throttle = throttle_at(clock)
    assert [refuse(throttle, asked) for _ in range(4)] == [1, 2, 2, 2]
    serve(throttle)
    assert refuse(throttle, asked) == 1


def test_refusals_of_one_burst_count_as_one(clock: FakeClock) -> None:
    """They were sent before the first response."""
    throttle = throttle_at(clock)
    burst = [throttle.acquire() for _ in range(8)]
    clock.now += 0.02
    assert [throttle.limited(started, None) for started in burst] == [1.0] * 8
    assert throttle._refusals_in_a_row == 1


def test_after_a_wait_requests_start_one_by_one_until_one_is_served(
    clock: FakeClock,
) -> None:
    throttle = throttle_at(clock)
    serve(throttle, 1000)
    clock.now += 1
    refuse(throttle, 5)
    times = starts(throttle, clock, 4)
    assert times == pytest.approx([5, 5.25, 5.5, 5.75], abs=0.001)
    throttle.served()
    later = starts(throttle, clock, 3)
    assert later[-1] < 0.1


# Requests that no longer start


def test_429_for_15_minutes_without_a_served_request_is_final(clock: FakeClock) -> None:
    throttle = throttle_at(clock)
    for _ in range(10):
        refuse(throttle, 600)
        serve(throttle)
    refuse(throttle, 600)
    refuse(throttle, 299)
    with pytest.raises(RateLimitError):
        refuse(throttle, 2)
    with pytest.raises(RateLimitError):
        throttle.acquire()


def test_response_that_comes_during_the_wait_does_not_begin_the_15_minutes_anew(
    clock: FakeClock,
) -> None:
    throttle = throttle_at(clock)
    began = clock.now
    refuse(throttle, 600)
    throttle.served()  # sent before
    with pytest.raises(RateLimitError):
        refuse(throttle, 301)
    assert clock.now - began <= 601


def test_time_without_requests_is_not_part_of_the_15_minutes(clock: FakeClock) -> None:
    """A target may take half an hour for its rows."""
    throttle = throttle_at(clock)
    serve(throttle)
    clock.now += 1800
    assert refuse(throttle, 600) == 600


def test_failure_ends_waits_and_lets_no_request_start(clock: FakeClock) -> None:
    failures = [TapError("first"), TapError("second")]

    def fail(_: float) -> None:
        for failure in failures:
            throttle.stop(failure)

    clock.on_pause = fail
    throttle = throttle_at(clock, 1)
    refuse(throttle, 600)
    began = clock.now
    for _ in range(2):  # the slot is free again
        with pytest.raises(TapError, match="first"):
            throttle.acquire()
    assert clock.now - began < 2


# The pace


def pace(throttle: Throttle, clock: FakeClock, count: int) -> float:
    """Requests per second that start, as of now."""
    times = starts(throttle, clock, count + 1)
    return count / (times[-1] - times[0])


def slowed(
    clock: FakeClock, served: int = 100, seconds: float = 4, asked: float = 6
) -> Throttle:
    """A throttle that was refused after some requests in some time."""
    throttle = throttle_at(clock)
    serve(throttle, served)
    clock.now += seconds
    refuse(throttle, asked)
    clock.now += asked
    serve(throttle)
    return throttle


@pytest.mark.parametrize(
    ("served", "later", "expected"),
    # The search starts low if hardly any was served, and doubles each second.
    [(300, 0, 30), (1, 0, module.FIRST_PACE), (100, 3, 80)],
)
def test_first_pace_is_what_was_served_including_the_wait(
    clock: FakeClock, served: int, later: float, expected: float
) -> None:
    throttle = slowed(clock, served)
    clock.now += later
    assert pace(throttle, clock, 2) == pytest.approx(expected, rel=0.2)


def test_short_wait_counts_as_long_as_it_is(clock: FakeClock) -> None:
    throttle = slowed(clock, served=100, seconds=0, asked=0.25)
    assert throttle._pace == pytest.approx(400, rel=0.001)


def test_pace_holds_from_the_first_served_request_on(clock: FakeClock) -> None:
    assert starts(slowed(clock), clock, 1)[0] == pytest.approx(0.1, rel=0.2)


def test_refused_pace_shrinks_and_grows_gently(clock: FakeClock) -> None:
    throttle = slowed(clock)
    clock.now += 1  # twenty a second
    serve(throttle, 5)
    began = throttle._current_pace(clock.now)
    refuse(throttle, 1)
    clock.now += 1
    serve(throttle)
    now = throttle._current_pace(clock.now)
    assert now == pytest.approx(began * module.SLOWDOWN, rel=0.05)
    clock.now += 10
    assert now < throttle._current_pace(clock.now) < now * 1.1
    clock.now += 90
    after = throttle._current_pace(clock.now)
    clock.now += 100
    assert throttle._current_pace(clock.now) > 4 * after  # the limit may be gone


def test_what_was_served_at_a_pace_counts_more_than_the_estimate(
    clock: FakeClock,
) -> None:
    throttle = slowed(clock)
    for _ in range(1000):
        throttle.served()
    clock.now += 1
    refuse(throttle, 1)
    assert throttle._pace == pytest.approx(1001 / 2, rel=0.1)


def test_while_the_api_serves_nothing_the_pace_stays(clock: FakeClock) -> None:
    throttle = slowed(clock)
    refuse(throttle, 1)
    before = throttle._pace
    for _ in range(5):
        refuse(throttle, 1)
    assert throttle._pace == before


def test_after_a_long_calm_there_is_no_limit(clock: FakeClock) -> None:
    throttle = slowed(clock)
    clock.now += 10_000
    assert starts(throttle, clock, 100)[-1] < 0.001
