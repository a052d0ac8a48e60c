"""Worker threads: they make requests, and nothing else of a run happens in them.

Who may touch what:

| what | main thread | worker threads | held together by |
| --- | --- | --- | --- |
| records, inventory, state, stdout | all of it | nothing | no worker has a reference |
| futures | waits for results | set them | `Future` |
| the queue of calls | puts, drops | take | the condition of `_Queue` |
| `Client`: version, tags | reads | read, find | a lock for each |
| `Client`: openings | asks first, for all | look up later | the main thread waits |
| counts of requests, the throttle | reads | write | a lock for each |
| the clock's offset | reads | write | one assignment |
| the stop | sets, reads | read | a flag that is never unset |
| the log | writes | client and clock write | `logging` |
"""

from __future__ import annotations

import contextlib
import threading
import typing as t
from collections import deque
from concurrent.futures import Future

from tap_toggl_hire.api.body import Body

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tap_toggl_hire.stop import Stop

T = t.TypeVar("T")

TICK = 0.5  # seconds after which a wait looks at the stop
MAX_WAITING = 64 << 20
"""Bytes of bodies that may wait to be taken. Beyond that, no request is
sent that was not submitted as urgent."""


class Workers:
    """A fixed number of threads that run calls, in the order of their submission.

    The threads are daemons. A `ThreadPoolExecutor` joins its threads at exit, so a run
    that ends early (an error, a signal) would wait for responses it does not need.
    """

    def __init__(self, size: int, stop: Stop) -> None:
        self.size = size
        self.stop = stop
        self.threads: list[threading.Thread] = []  # they end after `close`
        self._queue = _Queue()

    def submit(
        self,
        function: Callable[..., T],
        *args: t.Any,
        urgent: bool = False,
        last: bool = False,
    ) -> Future[T]:
        """Run a call in a worker thread.

        An urgent call goes before those that wait. The pages of a list are urgent, or
        they would wait for hundreds of details.

        Raises:
            StoppedError: If the run is to stop, unless this is a last request that it
                needs to end.
        """
        if not last:
            self.stop.check()
        if self._queue.is_closed:  # at the end of a run before this one
            self._queue, self.threads = _Queue(), []
        if len(self.threads) < self.size:
            thread = threading.Thread(target=_work, args=(self._queue,), daemon=True)
            self.threads.append(thread)
            thread.start()
        future: Future[T] = Future()
        self._queue.put((future, function, args), urgent=urgent)
        return future

    def result(self, future: Future[T]) -> T:
        """Wait for a call, and take its result or raise its error.

        Raises:
            StoppedError: If the run is to stop, and the call takes too long.
        """
        if not future.done():
            self._queue.promote(future)
        while not future.done():
            timeout = min(TICK, self.stop.patience)
            if not timeout:
                raise self.stop.error()
            with contextlib.suppress(TimeoutError):
                future.exception(timeout)
        result = future.result()
        if isinstance(result, Body):
            self._queue.taken(result.size)
        return result

    def ignore(self, future: Future[Body]) -> None:
        """Count the result of a call no longer: it is not going to be taken."""
        if not future.cancel():
            future.add_done_callback(self._queue.ignored)

    def drop(self) -> None:
        """Cancel the calls that have not started."""
        self._queue.clear()

    def close(self) -> None:
        """Cancel the calls that have not started, and let the threads end."""
        self.drop()
        self._queue.close()


Call = tuple[Future[t.Any], t.Callable[..., t.Any], tuple[t.Any, ...]]


class _Queue:
    """Calls that wait for a thread, and how much of their results waits to be taken."""

    def __init__(self) -> None:
        self._urgent: deque[Call] = deque()
        self._ordinary: deque[Call] = deque()
        self._waiting = 0  # bytes of results that were not taken yet
        self.is_closed = False
        self._changed = threading.Condition()

    def put(self, call: Call, *, urgent: bool) -> None:
        with self._changed:
            (self._urgent if urgent else self._ordinary).append(call)
            self._changed.notify()

    def get(self) -> Call | None:
        """Wait for a call that may start; None once the queue is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self.is_closed or self._may_start())
            calls = self._urgent or self._ordinary
            return calls.popleft() if calls else None

    def _may_start(self) -> bool:
        return bool(self._urgent or (self._ordinary and not self._is_full()))

    def _is_full(self) -> bool:
        return self._waiting > MAX_WAITING

    def promote(self, future: Future[t.Any]) -> None:
        """Let a call start however much waits.

        The main thread takes nothing of that while it waits for this call.
        """
        with self._changed:
            for call in self._ordinary:
                if call[0] is future:
                    self._ordinary.remove(call)
                    self._urgent.append(call)
                    self._changed.notify()
                    return

    def ignored(self, future: Future[Body]) -> None:
        """Count the bytes of a body that is not going to be taken."""
        if not future.cancelled() and future.exception() is None:
            self.taken(future.result().size)

    def received(self, size: int) -> None:
        """Count the bytes of a body that waits to be taken."""
        with self._changed:
            self._waiting += size

    def taken(self, size: int) -> None:
        """Count the bytes of a body that waits no more."""
        with self._changed:
            was_full = self._is_full()
            self._waiting -= size
            if was_full and not self._is_full():
                self._changed.notify_all()

    def clear(self) -> None:
        with self._changed:
            for future, _, _ in (*self._urgent, *self._ordinary):
                future.cancel()
            self._urgent.clear()
            self._ordinary.clear()

    def close(self) -> None:
        with self._changed:
            self.is_closed = True
            self._changed.notify_all()


def _work(queue: _Queue) -> None:
    while (call := queue.get()) is not None:
        future, function, args = call
        if not future.set_running_or_notify_cancel():
            continue
        try:
            result = function(*args)
        except BaseException as error:  # noqa: BLE001 - raised where the result is read
            future.set_exception(error)
        else:
            if isinstance(result, Body):
                queue.received(result.size)
            future.set_result(result)
            del result
        del call, future, function, args  # hold no result while waiting for work
