"""Calls run concurrently, in the order of their submission."""

from __future__ import annotations

import itertools
import threading
from unittest import mock

import pytest

from tap_toggl_hire.api import workers
from tap_toggl_hire.api.body import Body
from tap_toggl_hire.api.workers import Workers
from tap_toggl_hire.clock import MACHINE, Machine
from tap_toggl_hire.errors import StoppedError
from tap_toggl_hire.stop import Stop

LONG = 30.0
"""Seconds after which a test fails."""


@pytest.mark.parametrize("error", [LookupError("no"), KeyboardInterrupt("stop")])
def test_exception_is_raised_with_the_result_and_the_worker_goes_on(
    error: BaseException,
) -> None:
    pool = Workers(1, Stop(MACHINE))
    with pytest.raises(type(error)) as raised:
        pool.submit(mock.Mock(side_effect=error)).result(LONG)
    assert raised.value is error
    assert pool.submit(divmod, 7, 2).result(LONG) == (3, 1)


def test_calls_that_have_not_started_are_dropped_or_cancelled() -> None:
    pool, begun, go_on = Workers(1, Stop(MACHINE)), threading.Event(), threading.Event()

    def call() -> bool:
        begun.set()
        return go_on.wait(LONG)

    under_way = pool.submit(call)
    never = mock.Mock()
    waiting = [pool.submit(never) for _ in range(3)]
    assert begun.wait(LONG)
    pool.drop()
    cancelled = pool.submit(never)
    assert cancelled.cancel()
    go_on.set()
    assert under_way.result(LONG)
    assert pool.submit(int, "5").result(LONG) == 5  # by the same worker
    assert all(future.cancelled() for future in waiting)
    never.assert_not_called()


@pytest.mark.parametrize("size", [1, 3])
def test_no_more_calls_run_at_once_than_there_are_workers(size: int) -> None:
    pool = Workers(size, Stop(MACHINE))
    lock, running, most = threading.Lock(), 0, 0
    together = threading.Barrier(size)

    def call() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait(LONG)  # they do run at once
        with lock:
            running -= 1

    for future in [pool.submit(call) for _ in range(4 * size)]:
        future.result(LONG)
    assert most == size


def test_threads_end_once_closed_and_do_not_keep_the_process_alive() -> None:
    """A process that runs the tap often, as tests do, would fill with threads."""
    pool = Workers(3, Stop(MACHINE))
    for future in [pool.submit(int) for _ in range(6)]:
        future.result(LONG)
    assert [thread.daemon for thread in pool.threads] == [True] * 3
    assert all(thread.is_alive() for thread in pool.threads)
    pool.close()
    for thread in pool.threads:
        thread.join(LONG)
    assert not any(thread.is_alive() for thread in pool.threads)


def test_call_in_flight_is_finished_after_close_and_no_other_is_made() -> None:
    pool, begun, go_on = Workers(1, Stop(MACHINE)), threading.Event(), threading.Event()

    def call() -> bool:
        begun.set()
        return go_on.wait(LONG)

    in_flight, never = pool.submit(call), mock.Mock()
    waiting = pool.submit(never)
    assert begun.wait(LONG)
    pool.close()
    go_on.set()
    assert in_flight.result(LONG)
    assert waiting.cancelled()
    never.assert_not_called()


def test_calls_after_close_are_made_by_new_threads() -> None:
    """A program may read a stream after a run."""
    pool = Workers(2, Stop(MACHINE))
    pool.submit(int).result(LONG)
    pool.close()
    assert [pool.submit(int).result(LONG) for _ in range(3)] == [0, 0, 0]
    assert len(pool.threads) == 2


def test_urgent_calls_overtake_others_and_otherwise_the_order_is_kept() -> None:
    pool, go_on, order = Workers(1, Stop(MACHINE)), threading.Event(), list[str]()
    pool.submit(go_on.wait, LONG)
    calls = ("first", False), ("page", True), ("second", False), ("next page", True)
    futures = [pool.submit(order.append, name, urgent=urgent) for name, urgent in calls]
    go_on.set()
    for future in futures:
        future.result(LONG)
    assert order == ["page", "next page", "first", "second"]


# The end of a run


def test_call_submitted_after_a_stop_is_rejected_unless_it_is_a_last_one() -> None:
    stop = Stop(MACHINE)
    pool = Workers(1, stop)
    stop.signal(15)
    with pytest.raises(StoppedError):
        pool.submit(int)
    assert pool.submit(divmod, 7, 2, last=True).result(LONG) == (3, 1)


def test_result_waits_for_a_call_in_flight_no_longer_than_the_stop_allows() -> None:
    stop, go_on = Stop(MACHINE), threading.Event()
    pool = Workers(1, stop)
    done, in_flight = pool.submit(int, "5"), pool.submit(go_on.wait, LONG)
    done.result(LONG)
    stop.signal(15)
    assert pool.result(done) == 5
    with pytest.raises(StoppedError):
        pool.result(in_flight)
    go_on.set()


def test_result_notices_a_stop_that_comes_while_it_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers, "TICK", 0.001)
    seconds = itertools.count()

    class EverLater(Machine):
        def monotonic(self) -> float:
            return float(next(seconds))

    stop, go_on = Stop(EverLater()), threading.Event()
    stop.limit(1)
    pool = Workers(1, stop)
    in_flight = pool.submit(go_on.wait, LONG)
    with pytest.raises(StoppedError):
        pool.result(in_flight)
    assert next(seconds) > 60
    go_on.set()


# Responses that wait


def test_calls_start_until_more_bytes_wait_than_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers, "MAX_WAITING", 10)
    pool = Workers(1, Stop(MACHINE))
    assert pool.submit(Body, {}, 4).result(LONG).size == 4
    assert pool.submit(Body, {}, 6).result(LONG).size == 6
    # It may start while 10 bytes wait.
    assert pool.submit(Body, {}, 1).result(LONG).size == 1
    held_back = pool.submit(int, "5")
    assert pool.submit(int, "6", urgent=True).result(LONG) == 6
    assert not held_back.done()


def test_no_call_starts_while_too_many_bytes_wait_but_urgent_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers, "MAX_WAITING", 10)
    pool = Workers(1, Stop(MACHINE))
    large = pool.submit(Body, {}, 11)
    held_back = pool.submit(int, "5")
    assert pool.submit(int, "6", urgent=True).result(LONG) == 6
    assert not held_back.running()
    assert not held_back.done()
    assert pool.result(large).size == 11
    assert held_back.result(LONG) == 5


def test_call_that_is_held_back_starts_once_its_result_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever waits for it takes no other response meanwhile."""
    monkeypatch.setattr(workers, "MAX_WAITING", 10)
    stop = Stop(MACHINE)
    stop.limit(LONG / 60)
    pool = Workers(1, stop)
    pool.submit(Body, {}, 11).result(LONG)  # done, but not taken
    first, second = pool.submit(divmod, 7, 2), pool.submit(divmod, 9, 2)
    assert pool.result(second) == (4, 1)
    assert not first.done()
    assert pool.result(first) == (3, 1)


def test_body_that_is_not_taken_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "MAX_WAITING", 10)
    pool = Workers(1, Stop(MACHINE))
    go_on = threading.Event()
    done, in_flight = pool.submit(Body, {}, 11), pool.submit(go_on.wait, LONG)
    pool.ignore(done)
    waiting = pool.submit(Body, {}, 11)
    pool.ignore(waiting)
    go_on.set()
    in_flight.result(LONG)
    assert waiting.cancelled()
    assert pool.submit(int, "5").result(LONG) == 5
