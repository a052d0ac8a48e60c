"""What the throttle makes of limits that it does not know, in simulated time."""

from __future__ import annotations

import heapq
import itertools
import math
import random
import typing as t

import pytest

from sandbox import RateLimit
from tap_toggl_hire.api.throttle import Throttle
from tap_toggl_hire.clock import Machine

if t.TYPE_CHECKING:
    from collections.abc import Callable

NO_LIMIT = RateLimit(math.inf)
WORKERS = 8
"""Maximum number of concurrent requests."""


class Hold(BaseException):
    """Raised by the throttle's `sleep`: the worker comes back later."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class Simulation(Machine):
    """Workers with a throttle, an API with a limit, and time from event to event.

    Where the throttle would sleep, the worker leaves it, and comes back when the time
    is over; so one thread plays all workers.

    Args:
        limit: Of the API.
        latency: Seconds from a request to its response.
        retry_after: Whether a 429 has the header, in whole seconds.
    """

    def __init__(
        self,
        limit: RateLimit,
        *,
        latency: float = 0.02,
        retry_after: bool = True,
    ) -> None:
        self.limit = limit
        self.now = 1000.0
        self.started = 0
        self.refused = 0
        self._latency = latency
        self._retry_after = retry_after
        self._rng = random.Random(0)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._left = 0
        self._throttle = Throttle(WORKERS, machine=self)

    def run(self, requests: int) -> float:
        """Have so many requests served; return the seconds that it took."""
        began, self._left = self.now, requests
        self.started, self.refused = 0, 0
        for _ in range(WORKERS):
            self._later(0.0, self._next_request)
        while self._events:
            self.now, _, event = heapq.heappop(self._events)
            event()
        return self.now - began

    @property
    def limited_share(self) -> float:
        return self.refused / self.started

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> t.NoReturn:
        raise Hold(seconds)

    def _later(self, seconds: float, event: Callable[[], None]) -> None:
        number = next(self._numbers)
        heapq.heappush(self._events, (self.now + seconds, number, event))

    def _next_request(self) -> None:
        if self._left:
            self._left -= 1
            self._try()

    def _try(self) -> None:
        try:
            started = self._throttle.acquire()
        except Hold as hold:
            self._later(max(hold.seconds, 1e-9), self._try)
            return
        self.started += 1
        way = self._latency / 2 + self._rng.uniform(0, 0.001)
        self._later(way, lambda: self._arrive(started, way))

    def _arrive(self, started: float, way: float) -> None:
        wait = self.limit.take(self.now)
        self._later(way, lambda: self._respond(started, wait))

    def _respond(self, started: float, wait: float | None) -> None:
        self._throttle.release()
        if wait is None:
            self._throttle.served()
            self._next_request()
            return
        self.refused += 1
        header = float(math.ceil(wait)) if self._retry_after else None
        self._throttle.limited(started, header)
        self._try()


# What a hidden limit allows, and what the throttle makes of it

LOST = 4.0
"""Seconds that finding any limit may cost: three refusals of a second each, and the
search."""
LIMITS: dict[tuple[str, float, float], tuple[bool, float]] = {
    # kind, requests per second, burst or window: Retry-After, seconds lost
    ("bucket", 5.0, 5.0): (True, 0),
    ("bucket", 40.0, 40.0): (True, 0),
    ("bucket", 200.0, 200.0): (True, 0),
    ("bucket", 80.0, 80.0): (False, 0),
    ("bucket", 120.0, 60.0): (True, LOST),
    ("bucket", 60.0, 6.0): (True, LOST),
    ("bucket", 20.0, 1.0): (True, LOST),
    ("fixed", 40.0, 1.0): (True, LOST),
    ("fixed", 4.0, 30.0): (True, LOST),
    # Without Retry-After, the end of a long window is guessed a few times.
    ("fixed", 20.0, 10.0): (False, 2 * LOST),
}


@pytest.mark.parametrize("latency", [0.01, 0.1])
@pytest.mark.parametrize(("kind", "rate", "depth"), LIMITS)
def test_hidden_limit_costs_few_refusals_and_little_time(
    kind: str, rate: float, depth: float, latency: float
) -> None:
    retry_after, lost = LIMITS[kind, rate, depth]
    is_bucket = kind == "bucket"
    limit = RateLimit(rate, depth) if is_bucket else RateLimit(rate, window=depth)
    simulation = Simulation(limit, latency=latency, retry_after=retry_after)
    took = simulation.run(640)
    assert simulation.limited_share <= (0.08 if retry_after else 0.09)
    # The seconds that it takes if the limit is known.
    windows = math.ceil(640 / (rate * depth)) - 1
    by_limit = (640 - depth) / rate if is_bucket else windows * depth
    assert took <= 1.3 * max(by_limit, 640 * latency / 8) + lost


def test_without_a_limit_requests_are_as_fast_as_the_api() -> None:
    simulation = Simulation(NO_LIMIT, latency=0.05)
    assert simulation.run(800) <= 800 * 0.052 / 8 + 0.1


def test_limit_that_is_gone_is_noticed() -> None:
    """At 20 per second, the rest would take longer than six minutes."""
    simulation = Simulation(RateLimit(20), latency=0.05)
    simulation.run(600)
    simulation.limit = NO_LIMIT
    assert simulation.run(8000) <= 120
