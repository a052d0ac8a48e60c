"""The threads that make requests.

They make requests and nothing else: records and states come from the main thread, which
takes the results in the order it needs. Log lines about retries and rate limits come
from these threads, too.
"""

from __future__ import annotations

import itertools
import queue
import threading
import typing as t
from concurrent.futures import Future
from contextlib import suppress

if t.TYPE_CHECKING:
    from collections.abc import Callable

T = t.TypeVar("T")

Call = tuple[Future[t.Any], t.Callable[..., t.Any], tuple[t.Any, ...]]
Calls = queue.PriorityQueue[tuple[int, int, Call | None]]
"""By priority, lowest first, and by number; without a call, a thread ends."""


class Workers:
    """A fixed number of threads that run calls, in the order of their submission.

    The threads are daemons. A `ThreadPoolExecutor` joins its threads at exit, so a run
    that ends early (an error, a signal) would wait for responses that it does not need.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._calls: Calls = queue.PriorityQueue()
        self._numbers = itertools.count()
        self._threads: list[threading.Thread] = []

    def submit(
        self, function: Callable[..., T], *args: t.Any, urgent: bool = False
    ) -> Future[T]:
        """Run a call in a worker thread, unless its future is cancelled before.

        An urgent call overtakes those that wait. The pages of a list are urgent:
        otherwise they would wait for hundreds of details.
        """
        if len(self._threads) < self.size:
            thread = threading.Thread(target=_work, args=(self._calls,), daemon=True)
            self._threads.append(thread)
            thread.start()
        future: Future[T] = Future()
        call = (future, function, args)
        self._calls.put((0 if urgent else 1, next(self._numbers), call))
        return future

    def stop(self) -> None:
        """Drop the calls that have not started."""
        with suppress(queue.Empty):
            while True:
                self._calls.get_nowait()

    def __del__(self) -> None:
        for _ in self._threads:
            self._calls.put((2, next(self._numbers), None))


def _work(calls: Calls) -> None:
    while (call := calls.get()[2]) is not None:
        future, function, args = call
        if not future.set_running_or_notify_cancel():
            continue
        try:
            future.set_result(function(*args))
        except BaseException as error:  # noqa: BLE001 - raised where the result is read
            future.set_exception(error)
        del call, future, function, args  # hold no result while waiting for work
