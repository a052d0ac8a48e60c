"""The pace of all requests of a run, over all threads.

One object limits the number of concurrent requests, the rate that the user set, the
waits that a 429 asks for and, after a 429, the rate that the API was seen to allow. It
also ends all requests once none can succeed.
"""

from __future__ import annotations

import threading
import typing as t
from datetime import timedelta

from tap_toggl_hire.errors import RateLimitError

if t.TYPE_CHECKING:
    from datetime import datetime

    from tap_toggl_hire.clock import Machine
    from tap_toggl_hire.errors import TapError

MAX_REFUSAL = 900.0
"""Seconds without a served request, waits included, for which 429 is tolerated."""
FIRST_BACKOFF = 1.0  # seconds to wait after a 429 without Retry-After
MAX_BACKOFF = 2.0  # seconds that this backoff grows to
MAX_SLEEP = 1.0
"""Seconds after which a waiting thread looks whether the run has failed."""
PROBE = 0.25  # seconds between requests after a wait, until one of them is served
SLOWDOWN = 0.8  # factor for a pace that turned out too fast
SEARCH_GROWTH = 2.0  # growth per second while the first pace is only an estimate
GENTLE_GROWTH = 1.005  # growth per second once a pace met 429: the limit is near
CALM = 20.0
"""Seconds without a 429 after which the gentle growth has doubled, and so on: the limit
may be gone."""
FIRST_PACE = 8.0  # least requests per second to search from
MARGIN = 1.01
"""The user's rate is kept where requests arrive, not only where they are sent."""


class Throttle:
    """Delay the start of each request until the limits allow it."""

    def __init__(
        self,
        max_concurrency: int,
        requests_per_second: float | None = None,
        *,
        machine: Machine,
    ) -> None:
        self._slots = threading.BoundedSemaphore(max_concurrency)
        rate = requests_per_second
        self._min_interval = MARGIN / rate if rate else 0.0
        self._machine = machine
        self._now = machine.monotonic
        self._lock = threading.Lock()
        self._failure: TapError | None = None
        self._next_start = 0.0
        self._resume_at = 0.0
        self._pace: float | None = None  # requests per second; None: no limit seen
        self._pace_at = 0.0
        self._growth = SEARCH_GROWTH
        self._slowed_at = -1.0
        self._cycle_start = self._now()
        self._served = 0  # since the start of the cycle
        self._refusals_in_a_row = 0
        self._limited_since: float | None = None  # nothing was served since then

    def acquire(self) -> float:
        """Wait until a request may start, and return the time; `release` must follow.

        Raises:
            TapError: If `stop` was called: the same error.
        """
        self._slots.acquire()
        try:
            while True:
                now, wait = self._try_to_start()
                if wait <= 0:
                    return now
                self._machine.sleep(min(wait, MAX_SLEEP))
        except BaseException:
            self._slots.release()
            raise

    def _try_to_start(self) -> tuple[float, float]:
        """Return the time, and the seconds to wait: not positive for a start."""
        with self._lock:
            if self._failure is not None:
                raise self._failure
            now = self._now()
            wait = max(self._next_start, self._resume_at) - now
            if wait <= 0:
                self._next_start = now + self._interval(now)
            return now, wait

    def release(self) -> None:
        """Note that a request has ended."""
        self._slots.release()

    def stop(self, failure: TapError) -> None:
        """Let `acquire` raise this from now on, in any thread; the first one counts."""
        with self._lock:
            self._failure = self._failure or failure

    def served(self) -> None:
        """Note that the API answered a request, with anything but 429."""
        with self._lock:
            now = self._now()
            self._served += 1
            # A response that arrives during a wait does not end it.
            self._limited_since = now if self._resume_at > now else None
            if self._refusals_in_a_row:
                self._refusals_in_a_row = 0
                self._next_start = now + self._interval(now)

    def limited(self, started: float, retry_after: float | None) -> float:
        """Note that the API answered 429: all requests wait, then go on more slowly.

        `started` is what `acquire` returned for the request. The result is the number
        of seconds until requests go on.

        Raises:
            RateLimitError: If nothing was served for too long by then.
        """
        with self._lock:
            now = self._now()
            is_first = started >= self._slowed_at  # not sent before the last slowdown
            if is_first:
                self._refusals_in_a_row += 1
            if retry_after is None or retry_after <= 0:
                backoff = FIRST_BACKOFF * 2.0 ** (self._refusals_in_a_row - 1)
                retry_after = min(backoff, MAX_BACKOFF)
            self._resume_at = max(self._resume_at, now + retry_after)
            if is_first:
                self._slow_down(now)
            if self._limited_since is None:
                self._limited_since = started
            wait = self._resume_at - now
            is_too_long = self._resume_at - self._limited_since > MAX_REFUSAL
        if is_too_long:
            until = self._machine.utcnow() + timedelta(seconds=wait)
            self.stop(_rate_limit_error(until))
            raise _rate_limit_error(until)
        return wait

    def _slow_down(self, now: float) -> None:
        # The wait belongs to what the API allowed: a burst and the wait for it.
        seen = self._served / max(self._resume_at - self._cycle_start, 0.001)
        if self._pace is None:
            self._pace = max(seen, FIRST_PACE)
        elif self._served:  # otherwise the API serves nothing, whatever the pace
            # The first refusal at a known pace ends the search.
            self._pace = max(seen, self._current_pace(now) * SLOWDOWN)
            self._growth = GENTLE_GROWTH
        self._pace_at = self._cycle_start = self._resume_at
        self._served = 0
        self._slowed_at = now

    def _current_pace(self, now: float) -> float:
        assert self._pace is not None  # noqa: S101
        calm = min(max(now - self._pace_at, 0.0), 600.0)  # after which no limit is left
        if self._growth == GENTLE_GROWTH:
            calm *= 1 + calm / CALM
        return float(self._pace * self._growth**calm)

    def _interval(self, now: float) -> float:
        if self._pace is None:
            return self._min_interval
        probe = PROBE if self._refusals_in_a_row else 0.0
        return max(self._min_interval, probe, 1.0 / self._current_pace(now))


def _rate_limit_error(until: datetime) -> RateLimitError:
    return RateLimitError(
        "The API limits the rate of requests (HTTP 429): it asks to be called again "
        f"at {until:%Y-%m-%d %H:%M:%S} UTC, which is more than "
        f"{MAX_REFUSAL / 60:.0f} minutes after the last served request. Run again "
        "after that time."
    )
