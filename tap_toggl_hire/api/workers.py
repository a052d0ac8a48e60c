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
from collections import deque
from concurrent.futures import Future

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = t.TypeVar("T")
K = t.TypeVar("K")

Call = tuple[Future[t.Any], t.Callable[..., t.Any], tuple[t.Any, ...]]
Calls = queue.SimpleQueue[Call | None]

TICK = 1.0
"""Seconds after which a caller that waits for a result gets a chance to act."""


class Workers:
    """A fixed number of threads that run calls in the order they were submitted.

    They are daemons: where a run ends early (an error, a signal), it does not wait
    for answers that nobody will read.

    Args:
        size: How many threads, so how many calls at once.
        tick: Seconds after which a caller that waits for a result gets its turn.
    """

    def __init__(self, size: int, tick: float = TICK) -> None:
        self.size = size
        self._tick = tick
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

    def ordered(
        self,
        jobs: Iterable[tuple[K, Callable[[], T] | None] | None],
        ahead: int,
    ) -> Iterator[tuple[K, T | None] | None]:
        """Run jobs at once, and yield their results in the order of the jobs.

        Args:
            jobs: Pairs of a key and a call; without a call, there is nothing to
                wait for. None is no job, but a moment to hand out what is ready.
            ahead: How many jobs to start before the first result is waited for.

        Yields:
            Pairs of a key and the call's result. None after each tick of waiting, so
            that the caller can do what is due.

        Raises:
            Exception: What a call raised, once all results before it are out.
        """
        started: deque[tuple[K, Future[T] | None]] = deque()
        try:
            for job in jobs:
                if job is not None:
                    key, call = job
                    started.append((key, call and self.submit(call)))
                while started and (len(started) >= ahead or _is_ready(started[0][1])):
                    yield from self._finish(*started.popleft())
                if job is None:
                    yield None
            while started:
                yield from self._finish(*started.popleft())
        finally:
            for _, future in started:
                if future is not None:
                    future.cancel()

    def _finish(
        self, key: K, future: Future[T] | None
    ) -> Iterator[tuple[K, T | None] | None]:
        while future is not None and not future.done():
            try:
                future.exception(timeout=self._tick)
            except TimeoutError:
                yield None
        yield key, None if future is None else future.result()

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


def _is_ready(future: Future[t.Any] | None) -> bool:
    return future is None or future.done()
