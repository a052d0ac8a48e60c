"""A clock for throttles and retries, whose pauses take no time."""

from __future__ import annotations

import threading
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable


class FakeClock:
    """Time that passes only where a thread sleeps.

    Threads that sleep at the same time sleep together: a pause of all workers counts
    once.

    Attributes:
        now: Seconds, as of `time.monotonic`.
        pauses: The seconds of each `sleep`, in order.
        on_pause: Called with the seconds of each pause.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []
        self.on_pause: Callable[[float], object] = lambda _: None
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass, a little more than asked for, as `time.sleep` does."""
        wake_up = self.now + seconds + 1e-6
        self.pauses.append(seconds)
        self.on_pause(seconds)
        with self._lock:
            self.now = max(self.now, wake_up)
