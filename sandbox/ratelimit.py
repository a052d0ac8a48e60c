"""A rate limit, and the `Retry-After` of refused requests."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Literal


@dataclass
class RateLimit:
    """At most `rate` requests per second; further requests get a 429.

    A token bucket of `burst` (default: one second's worth), or, with `window`
    seconds, fixed windows that hold `rate * window` requests each. Refused requests
    cost nothing.
    """

    rate: float
    burst: float | None = None
    window: float | None = None
    retry_after: Literal["seconds", "date", "none"] = "seconds"
    _level: float = field(default=math.inf, init=False, repr=False)
    _since: float = field(default=-math.inf, init=False, repr=False)

    def take(self, now: float) -> float | None:
        """Take one request at `now` (monotonic seconds).

        Returns:
            None if it may pass, else the seconds until one may.
        """
        if self.window is not None:
            full, elapsed = max(1, int(self.rate * self.window)), now - self._since
            if elapsed >= self.window:
                self._level, self._since, elapsed = full, now, 0.0
            wait = self.window - elapsed
        else:
            capacity = max(1.0, self.rate if self.burst is None else self.burst)
            refill = (now - self._since) * self.rate
            self._level, self._since = min(capacity, self._level + refill), now
            wait = (1 - self._level) / self.rate
        if self._level < 1:
            return wait
        self._level -= 1
        return None

    def headers(self, wait: float) -> tuple[tuple[str, str], ...]:
        """Return `Retry-After`, never earlier than `wait` seconds ahead."""
        if self.retry_after == "none":
            return ()
        if self.retry_after == "seconds":
            return (("Retry-After", str(math.ceil(wait))),)
        return (("Retry-After", http_date(wait)),)


def http_date(seconds_ahead: float) -> str:
    """Return the HTTP date some seconds ahead, rounded up to a whole second."""
    return formatdate(math.ceil(time.time() + seconds_ahead), usegmt=True)
