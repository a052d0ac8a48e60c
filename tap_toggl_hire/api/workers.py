"""Worker threads, the only place where the tap is concurrent.

Workers make requests and nothing else. Records, state and logs come from the main
thread, which takes the results in the order it needs.
"""

from __future__ import annotations

import threading
import typing as t
from collections import deque
from concurrent.futures import Future

if t.TYPE_CHECKING:
    from collections.abc import Callable

T = t.TypeVar("T")

Call = tuple[Future[t.Any], t.Callable[..., t.Any], tuple[t.Any, ...]]


class _Calls:
    """The calls that wait; an urgent one goes first."""

    def __init__(self) -> None:
        self._calls: deque[Call | None] = deque()
        self._is_filled = threading.Condition()

    def put(self, call: Call | None, *, urgent: bool = False) -> None:
        with self._is_filled:
            if urgent:
                self._calls.appendleft(call)
            else:
                self._calls.append(call)
            self._is_filled.notify()

    def get(self) -> Call | None:
        with self._is_filled:
            while not self._calls:
                self._is_filled.wait()
            return self._calls.popleft()

    def clear(self) -> None:
        with self._is_filled:
            self._calls.clear()


class Workers:
    """A fixed number of threads that run calls, in the order of their submission.

    The threads are daemons. A `ThreadPoolExecutor` joins its threads at exit, so a run
    that ends early (an error, a signal) would wait for responses it does not need.

    Args:
        size: Number of threads.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._calls = _Calls()
        self._threads: list[threading.Thread] = []

    def submit(
        self, function: Callable[..., T], *args: t.Any, urgent: bool = False
    ) -> Future[T]:
        """Run a call in a worker thread.

        Args:
            function: The function to call.
            *args: Its arguments.
            urgent: Whether it goes before the calls that wait. The pages of a list are,
                or they would wait for hundreds of details.

        Returns:
            The future result. A call that is cancelled before it starts is skipped.
        """
        if len(self._threads) < self.size:
            thread = threading.Thread(target=_work, args=(self._calls,), daemon=True)
            self._threads.append(thread)
            thread.start()
        future: Future[T] = Future()
        self._calls.put((future, function, args), urgent=urgent)
        return future

    def stop(self) -> None:
        """Drop the calls that have not started."""
        self._calls.clear()

    def __del__(self) -> None:
        for _ in self._threads:
            self._calls.put(None)


def _work(calls: _Calls) -> None:
    while (call := calls.get()) is not None:
        future, function, args = call
        if not future.set_running_or_notify_cancel():
            continue
        try:
            future.set_result(function(*args))
        except BaseException as error:  # noqa: BLE001 - raised where the result is read
            future.set_exception(error)
        del call, future, function, args  # hold no result while waiting for work
