"""Worker threads: the one place where the tap is concurrent.

Workers make requests and nothing else. Whoever asks gets a future, and the main
thread takes the results in the order that suits it: records, state and logs all
come from there.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import typing as t
from concurrent.futures import Future

if t.TYPE_CHECKING:
    from collections.abc import Callable

T = t.TypeVar("T")

Call = tuple[Future[t.Any], t.Callable[..., t.Any], tuple[t.Any, ...]]
Calls = queue.SimpleQueue[Call | None]


class Workers:
    """A fixed number of threads that run calls in the order they were submitted.

    They are daemons: where a run ends early (an error, a signal), it does not wait
    for answers that nobody will read.

    Args:
        size: How many threads, so how many calls at once.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._calls: Calls = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def submit(self, function: Callable[..., T], *args: t.Any) -> Future[T]:
        """Run a call in a worker.

        Args:
            function: What to call.
            *args: What to call it with.

        Returns:
            The future result; cancelled, the call is left out.
        """
        if len(self._threads) < self.size:
            thread = threading.Thread(target=_work, args=(self._calls,), daemon=True)
            self._threads.append(thread)
            thread.start()
        future: Future[T] = Future()
        self._calls.put((future, function, args))
        return future

    def stop(self) -> None:
        """Leave out the calls that no worker has begun."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._calls.get_nowait()

    def __del__(self) -> None:
        for _ in self._threads:
            self._calls.put(None)


def _work(calls: Calls) -> None:
    while (call := calls.get()) is not None:
        future, function, args = call
        if not future.set_running_or_notify_cancel():
            continue
        try:
            future.set_result(function(*args))
        except BaseException as error:  # noqa: BLE001 - raised where the result is read
            future.set_exception(error)
        del call, future, function, args  # hold no result while waiting for work
