"""Workers without threads: one seed decides in which order requests are answered."""

from __future__ import annotations

import random
import typing as t
from concurrent.futures import Future

from tap_toggl_hire.api.workers import Workers

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tap_toggl_hire.stop import Stop

T = t.TypeVar("T")
Call = tuple[Future[t.Any], t.Callable[..., t.Any], tuple[t.Any, ...]]


class Scheduler(Workers):
    """Sends requests while the run waits for one of them.

    As many as there would be threads are in flight; a seed says which of them is
    answered next. So the same seed gives the same run, and another one a run in which
    responses overtake each other in another way.

    Args:
        size: The number of requests in flight.
        stop: Why and when the run is to end.
        seed: Decides which request is answered next.

    Attributes:
        most_waiting: The largest number of calls that waited to be answered.
    """

    def __init__(self, size: int, stop: Stop, seed: object = 0) -> None:
        super().__init__(size, stop)
        self.most_waiting = 0
        self._urgent: list[Call] = []
        self._ordinary: list[Call] = []
        self._rng = random.Random(str(seed))

    def submit(
        self,
        function: Callable[..., T],
        *args: t.Any,
        urgent: bool = False,
        last: bool = False,
    ) -> Future[T]:
        """Let a call wait for its turn."""
        if not last:
            self.stop.check()
        future: Future[T] = Future()
        (self._urgent if urgent else self._ordinary).append((future, function, args))
        waiting = len(self._urgent) + len(self._ordinary)
        self.most_waiting = max(self.most_waiting, waiting)
        return future

    def result(self, future: Future[T]) -> T:
        """Answer requests until this one is answered, or the run has to stop."""
        while not future.done():
            if not self.stop.patience:
                raise self.stop.error()
            self._answer_one()
        return future.result()

    def drop(self) -> None:
        """Cancel the calls that have not started."""
        calls = self._urgent + self._ordinary
        for future, _, _ in calls[self.size :]:
            future.cancel()
        self._urgent, self._ordinary = calls[: self.size], []

    def _answer_one(self) -> None:
        in_flight = (self._urgent + self._ordinary)[: self.size]
        call = self._rng.choice(in_flight)
        (self._urgent if call in self._urgent else self._ordinary).remove(call)
        future, function, args = call
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(function(*args))
        except Exception as error:  # noqa: BLE001 - raised where the result is read
            future.set_exception(error)
