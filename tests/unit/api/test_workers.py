"""Calls run side by side; their results come in the order of the calls."""

from __future__ import annotations

import gc
import threading
import typing as t

import pytest

from tap_toggl_hire.api.workers import Workers

if t.TYPE_CHECKING:
    from collections.abc import Callable

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
