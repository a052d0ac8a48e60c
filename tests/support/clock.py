"""A clock whose pauses take no time, and chance that repeats."""

from __future__ import annotations

import random
import threading
import typing as t
from datetime import UTC, datetime, timedelta

from tap_toggl_hire.clock import Machine

if t.TYPE_CHECKING:
    from collections.abc import Callable

START = datetime(2026, 3, 1, tzinfo=UTC)


class FakeClock(Machine):
    """Time that passes only where a thread sleeps, or a test says so.

    Threads that sleep at the same time sleep together: a pause of all workers counts
    once.

    Args:
        utc: The time at first.

    Attributes:
        now: Seconds, as of `monotonic`.
        pauses: The seconds of each `sleep`, in order.
        on_pause: Called with the seconds of each pause.
    """

    def __init__(self, utc: datetime = START) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []
        self.on_pause: Callable[[float], object] = lambda _: None
        self._random = random.Random(0)
        self._lock = threading.Lock()
        self.set(utc)

    def set(self, utc: datetime) -> None:
        """Let the time jump; seconds of `monotonic` go on."""
        self._zero = utc - timedelta(seconds=self.now)

    def utcnow(self) -> datetime:
        """Return the time, in UTC."""
        return self._zero + timedelta(seconds=self.now)

    def monotonic(self) -> float:
        """Return the seconds that have passed."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass, a little more than asked for, as `time.sleep` does."""
        wake_up = self.now + seconds + 1e-6
        self.pauses.append(seconds)
        self.on_pause(seconds)
        with self._lock:
            self.now = max(self.now, wake_up)

    def uniform(self, low: float, high: float) -> float:
        """Return the next number of a sequence that is always the same."""
        return self._random.uniform(low, high)
