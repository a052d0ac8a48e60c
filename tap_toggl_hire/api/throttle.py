"""The pace of all requests of a run, over all threads.

One object decides when a request may start: at most so many under way at once,
never above the ceiling that the user set, never before the time that the API
asked for with 429 and, once it has answered 429, no faster than the pace that it
was seen to allow.
"""

from __future__ import annotations

import threading
import time
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable

GUESSED_PAUSE = 1.0
"""Seconds to wait after a 429 that does not say how long."""
LONGEST_GUESS = 2.0
"""Seconds that the guess grows to while the API keeps answering 429."""
PROBE = 0.25
"""Seconds between requests after a pause, until one of them is answered."""
SLOWDOWN = 0.8
"""What is left of a pace that turned out too fast."""
SEARCH_GROWTH = 2.0
"""Growth per second while the first pace is only an estimate."""
GENTLE_GROWTH = 1.005
"""Growth per second once a pace was refused: the limit is near."""
CALM = 20.0
"""Seconds without a refusal after which gentle growth has doubled, and so on: the
limit may be gone."""
FIRST_PACE = 8.0
"""Requests per second to search from, where hardly any were served at first."""
MARGIN = 1.01
"""The ceiling is kept where requests arrive, not only where they are sent."""


class Throttle:
    """Let each request start when it may.

    Args:
        max_concurrency: The most requests under way at once.
        requests_per_second: A ceiling; None for no ceiling.
        clock: Seconds, only ever growing.
        sleep: Waits for so many seconds.
    """

    def __init__(
        self,
        max_concurrency: int,
        requests_per_second: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._slots = threading.BoundedSemaphore(max_concurrency)
        self._shortest = MARGIN / requests_per_second if requests_per_second else 0.0
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next_start = 0.0
        self._resume_at = 0.0
        self._pace: float | None = None  # requests per second; None: no limit seen
        self._pace_at = 0.0
        self._growth = SEARCH_GROWTH
        self._slowed_at = -1.0
        self._cycle_start = clock()
        self._answered = 0
        self._refusals_in_a_row = 0

    def acquire(self) -> float:
        """Wait until a request may start; `release` must follow.

        Returns:
            The time of the start, for `refused`.
        """
        self._slots.acquire()
        try:
            while True:
                with self._lock:
                    now = self._clock()
                    wait = max(self._next_start, self._resume_at) - now
                    if wait <= 0:
                        self._next_start = now + self._interval(now)
                        return now
                self._sleep(wait)
        except BaseException:
            self._slots.release()
            raise

    def release(self) -> None:
        """Tell that a request is no longer under way."""
        self._slots.release()

    def answered(self) -> None:
        """Tell that the API served a request."""
        with self._lock:
            self._answered += 1
            if self._refusals_in_a_row:
                self._refusals_in_a_row = 0
                now = self._clock()
                self._next_start = now + self._interval(now)

    def refused(self, started: float, retry_after: float | None) -> float:
        """Tell that the API answered 429: all requests pause, then go on slower.

        Args:
            started: What `acquire` returned for this request.
            retry_after: Seconds that the API asked to wait; None if it did not say.

        Returns:
            Seconds until requests go on.
        """
        with self._lock:
            now = self._clock()
            news = started >= self._slowed_at  # not sent before the last slowdown
            if news:
                self._refusals_in_a_row += 1
            if retry_after is None or retry_after <= 0:
                guess = GUESSED_PAUSE * 2.0 ** (self._refusals_in_a_row - 1)
                retry_after = min(guess, LONGEST_GUESS)
            self._resume_at = max(self._resume_at, now + retry_after)
            if news:
                self._slow_down(now)
            return self._resume_at - now

    def _slow_down(self, now: float) -> None:
        # The pause belongs to what the API allowed: a burst and the wait for it.
        seen = self._answered / max(self._resume_at - self._cycle_start, 0.001)
        if self._pace is None:
            self._pace = max(seen, FIRST_PACE)
        elif self._answered:  # else the API serves nobody, whatever the pace
            # Where the first refusal at a known pace comes, the search is over.
            self._pace = max(seen, self._current_pace(now) * SLOWDOWN)
            self._growth = GENTLE_GROWTH
        self._pace_at = self._cycle_start = self._resume_at
        self._answered = 0
        self._slowed_at = now

    def _current_pace(self, now: float) -> float:
        assert self._pace is not None  # noqa: S101
        calm = min(max(now - self._pace_at, 0.0), 600.0)  # which makes it no limit
        if self._growth == GENTLE_GROWTH:
            calm *= 1 + calm / CALM
        return float(self._pace * self._growth**calm)

    def _interval(self, now: float) -> float:
        if self._pace is None:
            return self._shortest
        probe = PROBE if self._refusals_in_a_row else 0.0
        return max(self._shortest, probe, 1.0 / self._current_pace(now))
