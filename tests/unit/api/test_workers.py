"""Calls run side by side; their results come in the order of the calls."""

from __future__ import annotations

import gc
import itertools
import threading
import typing as t
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_toggl_hire.api.workers import Workers

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONG = 30.0
"""Seconds after which a test that waits for nothing fails."""

Job = tuple[int, "Callable[[], int] | None"] | None


def wait_for(event: threading.Event, value: int) -> int:
    assert event.wait(LONG), "what this call waits for did not happen"
    return value


def fail(text: str) -> int:
    raise LookupError(text)


def test_a_result_comes_back() -> None:
    assert Workers(2).submit(divmod, 7, 2).result(LONG) == (3, 1)


@pytest.mark.parametrize("error", [LookupError("no"), KeyboardInterrupt("stop")])
def test_what_a_call_raises_comes_back_and_the_worker_goes_on(
    error: BaseException,
) -> None:
    def fails() -> None:
        raise error

    pool = Workers(1)
    with pytest.raises(type(error)) as raised:
        pool.submit(fails).result(LONG)
    assert raised.value is error
    assert pool.submit(int, "5").result(LONG) == 5


def test_what_was_not_begun_is_left_out_where_a_run_ends() -> None:
    pool, begun, go_on = Workers(1), threading.Event(), threading.Event()

    def call() -> int:
        begun.set()
        return wait_for(go_on, 1)

    under_way = pool.submit(call)
    waiting = [pool.submit(fail, "not begun") for _ in range(3)]
    assert begun.wait(LONG)
    pool.stop()
    go_on.set()
    assert under_way.result(LONG) == 1
    assert pool.submit(int, "5").result(LONG) == 5  # by the same worker
    assert not any(future.done() for future in waiting)


@pytest.mark.parametrize("size", [1, 3])
def test_no_more_calls_run_at_once_than_there_are_workers(size: int) -> None:
    pool = Workers(size)
    lock, running, most = threading.Lock(), 0, 0
    together = threading.Barrier(size)

    def call() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        together.wait(LONG)  # so many do run at once
        with lock:
            running -= 1

    for future in [pool.submit(call) for _ in range(4 * size)]:
        future.result(LONG)
    assert most == size


def test_a_cancelled_call_is_left_out() -> None:
    pool, go, ran = Workers(1), threading.Event(), threading.Event()
    first = pool.submit(wait_for, go, 1)
    second = pool.submit(ran.set)
    assert second.cancel()
    go.set()
    assert first.result(LONG) == 1
    assert pool.submit(int, "3").result(LONG) == 3
    assert not ran.is_set()


def test_workers_do_not_keep_the_process() -> None:
    pool, go = Workers(1), threading.Event()
    before = set(threading.enumerate())
    future = pool.submit(wait_for, go, 1)
    started = set(threading.enumerate()) - before
    assert [thread.daemon for thread in started] == [True]
    go.set()
    assert future.result(LONG) == 1


def test_workers_end_with_whoever_had_them() -> None:
    """Else a process that runs the tap often, as the tests do, fills with threads."""
    before = set(threading.enumerate())
    pool = Workers(3)
    for future in [pool.submit(int) for _ in range(6)]:
        future.result(LONG)
    started = set(threading.enumerate()) - before
    assert len(started) == 3
    del pool, future
    gc.collect()
    for thread in started:
        thread.join(timeout=2)
    assert not any(thread.is_alive() for thread in started)


# In order


def test_results_come_in_the_order_of_the_jobs_not_in_that_of_the_answers() -> None:
    """Each call waits for the one after it, so that the answers come backwards."""
    done = [threading.Event() for _ in range(4)]

    def call(place: int) -> int:
        if place < 3:
            wait_for(done[place + 1], 0)
        done[place].set()
        return place * 10

    jobs = [(place, partial(call, place)) for place in range(4)]
    results = [one for one in Workers(4).ordered(jobs, ahead=4) if one]
    assert results == [(0, 0), (1, 10), (2, 20), (3, 30)]


@given(
    jobs=st.lists(st.sampled_from(("call", "no call", "none")), max_size=30),
    size=st.integers(1, 4),
    ahead=st.integers(1, 9),
)
def test_every_job_has_its_result_once_and_no_more_start_than_ahead(
    jobs: list[str], size: int, ahead: int
) -> None:
    pulled = 0

    def source() -> Iterator[Job]:
        nonlocal pulled
        for number, kind in enumerate(jobs):
            if kind == "none":
                yield None
                continue
            pulled += 1
            yield number, partial(int, number) if kind == "call" else None

    got: list[tuple[int, int | None]] = []
    nones = 0
    for one in Workers(size).ordered(source(), ahead):
        if one is None:
            nones += 1
            continue
        got.append(one)
        assert pulled - len(got) < ahead
    assert got == [
        (number, number if kind == "call" else None)
        for number, kind in enumerate(jobs)
        if kind != "none"
    ]
    assert nones >= jobs.count("none")


def test_so_many_are_started_before_the_first_is_waited_for() -> None:
    pool, go, started = Workers(8), threading.Event(), threading.Semaphore(0)

    def call(number: int) -> int:
        started.release()
        return wait_for(go, number)

    pulled = []

    def source() -> Iterator[Job]:
        for number in itertools.count():
            pulled.append(number)
            yield number, partial(call, number)

    results = pool.ordered(source(), ahead=5)

    def answer_once_five_run() -> None:
        for _ in range(5):
            started.acquire(timeout=LONG)
        go.set()

    threading.Thread(target=answer_once_five_run).start()
    assert next(one for one in results if one) == (0, 0)
    assert pulled == [0, 1, 2, 3, 4]
    results.close()  # type: ignore[attr-defined]


def test_an_error_comes_after_all_results_before_it() -> None:
    """The second call has failed before the first answers."""
    pool, failed = Workers(2), threading.Event()

    def failing() -> int:
        failed.set()
        return fail("the second")

    jobs: list[Job] = [(0, lambda: wait_for(failed, 7)), (1, failing), (2, lambda: 9)]
    results = pool.ordered(jobs, ahead=3)
    assert next(one for one in results if one) == (0, 7)
    with pytest.raises(LookupError, match="the second"):
        next(one for one in results if one)


def test_a_job_without_a_call_keeps_its_place() -> None:
    go = threading.Event()
    jobs: list[Job] = [(0, lambda: wait_for(go, 1)), (1, None)]
    results = Workers(1).ordered(jobs, ahead=9)
    go.set()
    assert [one for one in results if one] == [(0, 1), (1, None)]


def test_none_hands_out_what_is_ready_and_waits_for_nothing() -> None:
    pool, go = Workers(1), threading.Event()
    jobs: list[Job] = [(0, None), (1, lambda: wait_for(go, 5)), None, (2, None)]
    results = pool.ordered(jobs, ahead=9)
    assert next(results) == (0, None)
    assert next(results) is None  # although the call is not done
    go.set()
    assert [one for one in results if one] == [(1, 5), (2, None)]


def test_while_it_waits_the_caller_gets_its_turn() -> None:
    go = threading.Event()
    jobs: list[Job] = [(0, lambda: wait_for(go, 5))]
    results = Workers(1, tick=0.001).ordered(jobs, ahead=1)
    assert [next(results) for _ in range(3)] == [None, None, None]
    go.set()
    assert next(one for one in results if one) == (0, 5)


def test_a_call_that_times_out_itself_is_no_tick() -> None:
    def late() -> int:
        raise TimeoutError("of the call's own")

    with pytest.raises(TimeoutError, match="of the call's own"):
        list(Workers(1).ordered([(0, late)], ahead=1))


def test_what_has_not_begun_when_the_caller_leaves_is_cancelled() -> None:
    pool, begun, go = Workers(1), threading.Event(), threading.Event()
    ran: list[int] = []

    def call(number: int) -> int:
        ran.append(number)
        begun.set()
        return wait_for(go, number)

    jobs: list[Job] = [(number, partial(call, number)) for number in range(3)]
    results = pool.ordered([*jobs, None], ahead=9)
    assert next(results) is None
    assert begun.wait(LONG)
    results.close()  # type: ignore[attr-defined]
    go.set()
    assert pool.submit(int, "1").result(LONG) == 1
    assert ran == [0]


def test_what_has_not_begun_when_a_call_fails_is_cancelled() -> None:
    pool, go = Workers(1), threading.Event()
    ran: list[int] = []

    def call(number: int) -> int:
        ran.append(number)
        return wait_for(go, number) if number else fail("the first")

    jobs: list[Job] = [(number, partial(call, number)) for number in range(3)]
    with pytest.raises(LookupError, match="the first"):
        list(pool.ordered(jobs, ahead=9))
    go.set()  # the second may have begun meanwhile, the third has not
    assert pool.submit(int, "1").result(LONG) == 1
    assert 2 not in ran
