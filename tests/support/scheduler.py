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
    """

    def __init__(self, size: int, stop: Stop, seed: object) -> None:
        super().__init__(size, stop)
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
        return future

    def result(self, future: Future[T]) -> T:
        """Answer requests until this one is answered."""
        while not future.done():
            self._answer_one()
        return future.result()

    def drop(self) -> None:
        """Cancel the calls that have not started."""
        for future, _, _ in (*self._urgent, *self._ordinary):
            future.cancel()
        self._urgent.clear()
        self._ordinary.clear()

    def _answer_one(self) -> None:
        in_flight = (self._urgent + self._ordinary)[: self.size]
        call = self._rng.choice(in_flight)
        (self._urgent if call in self._urgent else self._ordinary).remove(call)
        future, function, args = call
        try:
            future.set_result(function(*args))
        except Exception as error:  # noqa: BLE001 - raised where the result is read
            future.set_exception(error)
