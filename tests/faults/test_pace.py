"""The pace against hidden limits, in a simulation whose time is made up."""

from __future__ import annotations

import heapq
import itertools
import math
import random
import threading
import time
import typing as t
from collections import deque
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import settings as rules
from hypothesis import strategies as st

from sandbox import Account, Fault, RateLimit, Sandbox
from tap_toggl_hire.api.throttle import Throttle
from tests.faults.trials import Clock, Strikes, assert_true, attempt, settings
from tests.support import run_tap

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.messages import Answer, Request

    Start = Callable[..., Sandbox]


class Limit(t.Protocol):
    """What refuses requests that come too fast."""

    def take(self, now: float) -> float | None:
        """Let a request pass (None), or tell the seconds until one may."""


class SlidingWindow:
    """At most so many requests in any stretch of some seconds."""

    def __init__(self, rate: float, window: float) -> None:
        self._most = int(rate * window)
        self._window = window
        self._taken: deque[float] = deque()

    def take(self, now: float) -> float | None:
        while self._taken and self._taken[0] <= now - self._window:
            self._taken.popleft()
        if len(self._taken) < self._most:
            self._taken.append(now)
            return None
        return self._taken[0] + self._window - now


class NoLimit:
    def take(self, now: float) -> None:
        """Let everything pass."""


class Hold(BaseException):
    """Thrown by the throttle's `sleep`: whoever waits is asked again later."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class Simulation:
    """Workers with a throttle, an API with a limit, and time from event to event.

    The throttle is the real one. Where it would sleep, the worker leaves it, and comes
    again when the time is over; so one thread plays all workers.

    Args:
        limit: Of the API.
        workers: How many requests may be under way.
        latency: Seconds from a request to its answer.
        retry_after: Whether a refusal tells whole seconds.
        ceiling: The setting `requests_per_second`.
        seed: Of the small differences in latency.

    Attributes:
        now: The time.
        started: When each request was sent.
        served: When each request that passed arrived.
        refused: When each of the others did.
        resumes: When, after each refusal, requests may start again.
        max_in_flight: The most that were ever under way.
    """

    def __init__(  # noqa: PLR0913
        self,
        limit: Limit,
        *,
        workers: int = 8,
        latency: float = 0.02,
        retry_after: bool = True,
        ceiling: float | None = None,
        seed: int = 0,
    ) -> None:
        self.limit = limit
        self.now = 1000.0
        self.started: list[float] = []
        self.served: list[float] = []
        self.refused: list[float] = []
        self.resumes: list[float] = []
        self.max_in_flight = 0
        self._workers = workers
        self._latency = latency
        self._retry_after = retry_after
        self._rng = random.Random(seed)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._in_flight = 0
        self._left = 0
        self.throttle = Throttle(
            workers, ceiling, clock=lambda: self.now, sleep=self._hold
        )

    def run(self, requests: int) -> float:
        """Have so many requests served; the seconds that it took."""
        began, self._left = self.now, requests
        for _ in range(self._workers):
            self._later(0.0, self._next_request)
        while self._events:
            self.now, _, event = heapq.heappop(self._events)
            event()
        return self.now - began

    @property
    def refused_share(self) -> float:
        return len(self.refused) / len(self.started)

    @staticmethod
    def _hold(seconds: float) -> t.NoReturn:
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
            started = self.throttle.acquire()
        except Hold as hold:
            self._later(max(hold.seconds, 1e-9), self._try)
            return
        self._in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self._in_flight)
        self.started.append(self.now)
        way = self._latency / 2 + self._rng.uniform(0, 0.001)
        self._later(way, lambda: self._arrive(started, way))

    def _arrive(self, started: float, way: float) -> None:
        wait = self.limit.take(self.now)
        (self.served if wait is None else self.refused).append(self.now)
        self._later(way, lambda: self._answer(started, wait))

    def _answer(self, started: float, wait: float | None) -> None:
        self._in_flight -= 1
        self.throttle.release()
        if wait is None:
            self.throttle.answered()
            self._next_request()
            return
        told = float(math.ceil(wait)) if self._retry_after else None
        pause = self.throttle.refused(started, told)
        self.resumes.append(self.now + pause)
        self._try()


# The ceiling of the settings


@given(
    ceiling=st.floats(0.5, 300),
    workers=st.integers(1, 8),
    latency=st.floats(0.001, 0.5),
    limited=st.booleans(),
    seed=st.integers(0, 9),
)
@rules(max_examples=60)
def test_the_ceiling_is_never_exceeded(
    ceiling: float,
    workers: int,
    latency: float,
    limited: bool,  # noqa: FBT001
    seed: int,
) -> None:
    """In no stretch of time are there more requests than it allows, and one."""
    limit: Limit = RateLimit(ceiling * 0.7) if limited else NoLimit()
    simulation = Simulation(
        limit, workers=workers, latency=latency, ceiling=ceiling, seed=seed
    )
    took = simulation.run(150)
    earliest = -math.inf  # when the requests so far would be allowed to start at all
    for number, at in enumerate(simulation.started):
        earliest = max(earliest, at - number / ceiling)
        assert number <= (at - earliest) * ceiling + 1e-6
    for one, other in itertools.pairwise(simulation.started):
        assert other - one >= 1 / ceiling - 1e-9
    assert simulation.max_in_flight <= workers
    if not limited:
        slowest = max(150 / ceiling, 150 * (latency + 0.002) / workers)
        assert took <= 1.1 * slowest + 2 * (latency + 0.002)


def test_without_limit_and_ceiling_nothing_holds_up() -> None:
    simulation = Simulation(NoLimit(), workers=8, latency=0.05)
    assert simulation.run(800) <= 800 * 0.052 / 8 + 0.1


# What a hidden limit leaves


def ideal(limit: tuple[str, float, float], requests: int, latency: float) -> float:
    """Seconds that somebody needs who knows the limit."""
    kind, rate, depth = limit
    by_limit = (requests - depth) / rate
    if kind == "fixed":
        by_limit = (math.ceil(requests / (rate * depth)) - 1) * depth
    if kind == "sliding":
        by_limit = (requests - rate * depth) / rate
    return max(by_limit, requests * latency / 8)


def made(limit: tuple[str, float, float]) -> Limit:
    kind, rate, depth = limit
    if kind == "bucket":
        return RateLimit(rate, burst=depth)
    if kind == "fixed":
        return RateLimit(rate, window=depth)
    return SlidingWindow(rate, depth)


FULL_BUCKETS = [
    ("bucket", float(rate), float(rate)) for rate in (5, 10, 20, 40, 80, 120, 200)
]
OTHERS = [
    *(("bucket", float(rate), rate / 2) for rate in (10, 40, 120, 200)),
    *(("bucket", float(rate), max(1.0, rate / 10)) for rate in (5, 20, 60, 120)),
    *(("bucket", float(rate), 1.0) for rate in (5, 10, 20, 40)),
    *(("fixed", rate, window) for rate, window in ((5.0, 1.0), (40.0, 1.0))),
    *(("fixed", rate, window) for rate, window in ((10.0, 10.0), (4.0, 30.0))),
    *(("sliding", rate, window) for rate, window in ((20.0, 1.0), (80.0, 1.0))),
]


@pytest.mark.parametrize("retry_after", [True, False])
@pytest.mark.parametrize("latency", [0.01, 0.1])
@pytest.mark.parametrize("requests", [640, 2000])
@pytest.mark.parametrize("limit", FULL_BUCKETS)
def test_a_limit_that_saves_up_a_second(
    limit: tuple[str, float, float], requests: int, latency: float, *, retry_after: bool
) -> None:
    simulation = Simulation(made(limit), latency=latency, retry_after=retry_after)
    took = simulation.run(requests)
    assert simulation.refused_share <= 0.08
    assert took <= 1.3 * ideal(limit, requests, latency)


LOST = 4.0
"""Seconds that finding any limit may cost: three refusals, of which each costs a
second (so a limit tells it in whole seconds), and the search."""


@pytest.mark.parametrize("latency", [0.01, 0.1])
@pytest.mark.parametrize("requests", [640, 2000])
@pytest.mark.parametrize("limit", OTHERS)
def test_any_other_limit(
    limit: tuple[str, float, float], requests: int, latency: float
) -> None:
    """One that saves up less turns each refusal into lost time."""
    simulation = Simulation(made(limit), latency=latency)
    took = simulation.run(requests)
    assert simulation.refused_share <= 0.08
    assert took <= 1.3 * ideal(limit, requests, latency) + LOST


@pytest.mark.parametrize("latency", [0.01, 0.1])
@pytest.mark.parametrize(
    "limit",
    [
        *(("fixed", rate, 5.0) for rate in (5.0, 20.0)),
        *(("fixed", rate, 10.0) for rate in (5.0, 20.0)),
        ("sliding", 20.0, 10.0),
    ],
)
def test_a_long_window_that_tells_nothing(
    limit: tuple[str, float, float], latency: float
) -> None:
    """Without Retry-After, the end of a window has to be guessed, a few times.

    The eight requests under way at the end of each of six windows are 7.5 % alone.
    """
    simulation = Simulation(made(limit), latency=latency, retry_after=False)
    took = simulation.run(640)
    assert simulation.refused_share <= 0.09
    assert took <= 1.3 * ideal(limit, 640, latency) + 2 * LOST


@given(
    rate=st.floats(5, 200),
    depth=st.floats(0.5, 1.0),
    latency=st.floats(0.002, 0.2),
    workers=st.integers(1, 8),
    seed=st.integers(0, 99),
)
@rules(max_examples=40)
def test_any_bucket_of_half_a_second_or_more(
    rate: float, depth: float, latency: float, workers: int, seed: int
) -> None:
    limit = "bucket", rate, max(1.0, rate * depth)
    simulation = Simulation(made(limit), workers=workers, latency=latency, seed=seed)
    took = simulation.run(1000)
    slowest = max(ideal(limit, 1000, latency), 1000 * (latency + 0.001) / workers)
    assert simulation.refused_share <= 0.08
    assert took <= 1.3 * slowest + LOST


# Refusals


@given(
    rate=st.floats(2, 100),
    burst=st.floats(1, 50),
    latency=st.floats(0.002, 0.3),
    retry_after=st.booleans(),
)
@rules(max_examples=60)
def test_nothing_starts_before_the_time_that_was_asked_for(
    rate: float,
    burst: float,
    latency: float,
    retry_after: bool,  # noqa: FBT001
) -> None:
    simulation = Simulation(
        RateLimit(rate, burst=burst), latency=latency, retry_after=retry_after
    )
    told: list[tuple[float, float]] = []
    refused = simulation.throttle.refused

    def note(started: float, seconds: float | None) -> float:
        pause = refused(started, seconds)
        assert pause >= (seconds or 0) - 1e-9
        told.append((simulation.now, simulation.now + pause))
        return pause

    simulation.throttle.refused = note  # type: ignore[assignment, method-assign]
    simulation.run(200)
    for since, until in told:
        assert not [at for at in simulation.started if since < at < until - 1e-9]


def test_a_wave_of_refusals_is_one() -> None:
    """Requests that were under way when the first refusal came tell nothing new."""
    alone, wave = Simulation(NoLimit()), Simulation(NoLimit())
    for simulation, count in ((alone, 1), (wave, 8)):
        throttle = simulation.throttle
        starts = []
        for _ in range(count):
            starts.append(throttle.acquire())
            simulation.now += 0.001
        for started in starts:
            throttle.release()
            simulation.now += 0.001
            assert throttle.refused(started, 1.0) >= 1.0
        simulation.now += 1.0
        simulation.started.clear()
        simulation.run(20)
    gaps = [
        [later - one for one, later in itertools.pairwise(simulation.started)]
        for simulation in (alone, wave)
    ]
    assert sum(gaps[1]) == pytest.approx(sum(gaps[0]), rel=0.1)


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    simulation = Simulation(NoLimit())
    throttle = simulation.throttle
    first, second = throttle.acquire(), throttle.acquire()
    throttle.release()
    assert throttle.refused(first, 60.0) == 60.0
    simulation.now += 1
    throttle.release()
    assert throttle.refused(second, 2.0) == pytest.approx(59.0)


def test_guesses_grow_and_begin_anew_once_the_api_answers() -> None:
    simulation = Simulation(NoLimit(), workers=1)
    throttle = simulation.throttle

    def pause() -> float:
        while True:
            try:
                started = throttle.acquire()
            except Hold as hold:
                simulation.now += hold.seconds
                continue
            simulation.now += 0.01
            throttle.release()
            return throttle.refused(started, None)

    pauses = [pause() for _ in range(6)]
    assert pauses == sorted(pauses)
    assert pauses[0] <= 1.0
    assert pauses[-1] >= 2 * pauses[0]
    throttle.answered()
    assert pause() == pauses[0]


def test_a_limit_that_is_gone_is_noticed() -> None:
    """At 20 a second, the rest would take longer than six minutes."""
    simulation = Simulation(RateLimit(20), latency=0.05)
    simulation.run(600)
    simulation.limit = NoLimit()
    assert simulation.run(8000) <= 120


def test_a_limit_that_becomes_tighter_is_kept() -> None:
    simulation = Simulation(RateLimit(80), latency=0.05)
    simulation.run(1000)
    simulation.limit = RateLimit(10)
    simulation.started.clear()
    simulation.refused.clear()
    took = simulation.run(600)
    assert simulation.refused_share <= 0.08
    assert took <= 1.3 * 59 + LOST


def test_whoever_stops_waiting_leaves_no_slot_taken() -> None:
    """A signal, or the end of the run, may end a wait."""
    simulation = Simulation(NoLimit(), workers=1)
    throttle = simulation.throttle
    started = throttle.acquire()
    throttle.release()
    throttle.refused(started, 5.0)
    for _ in range(3):
        with pytest.raises(Hold):
            throttle.acquire()
    simulation.now += 5
    throttle.acquire()


def test_no_more_are_under_way_than_allowed() -> None:
    """With real threads and real time."""
    throttle = Throttle(3)
    lock = threading.Lock()
    now, most = 0, 0

    def work() -> None:
        nonlocal now, most
        for _ in range(30):
            throttle.acquire()
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.0005)
            with lock:
                now -= 1
            throttle.release()

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 3


# Whole runs


class Detour(Fault):
    """Sends each request round by a redirect, once."""

    def __init__(self) -> None:
        super().__init__(
            "redirect", location="", match=lambda one: "moved" not in one.query
        )

    def answer(self, request: Request, ordinary: Callable[[], Answer]) -> Answer:
        query = urlencode({**request.query, "moved": "1"})
        self._extra = {"location": f"{request.path}?{query}"}
        return super().answer(request, ordinary)


@pytest.mark.parametrize("trouble", [None, "redirects", "failures"])
def test_the_ceiling_counts_every_request(
    sandbox: Start, clock: Clock, trouble: str | None
) -> None:
    """Tries and redirects are requests too."""
    box = sandbox(Account.example(candidates=60, tags=2, questions=1))
    if trouble == "redirects":
        box.faults = [Detour()]
    if trouble == "failures":
        box.faults = [Strikes("close", match="candidate", times=5)]
    times: list[float] = []
    box.on_request = lambda _: times.append(clock())
    config = settings(box, max_concurrency=1, requests_per_second=10)
    trial = attempt(config).good()
    assert_true(trial.messages, box.account)
    # All in all: a request that is long on its way may arrive shortly before the next.
    assert times[-1] - times[0] >= (len(times) - 1) / 10 - 0.5


def test_a_run_against_a_limit(sandbox: Start) -> None:
    """In real time, in which the limit costs two seconds."""
    account = Account.example(candidates=300, openings=2, tags=1, questions=1)
    box = sandbox(account, rate_limit=RateLimit(150))
    run = run_tap(settings(box, page_size=100, max_concurrency=8))
    assert run.returncode == 0
    assert_true(run.messages, account)
    stats = box.stats
    assert stats.refused <= 0.08 * stats.requests
    served = [one.at for one in stats.log if one.status == 200]
    assert len(served) == stats.requests - stats.refused
    assert served[-1] - served[0] <= 1.3 * (len(served) - 150) / 150 + LOST


@pytest.mark.slow
@pytest.mark.parametrize(
    "limit",
    [
        RateLimit(80),
        RateLimit(60, burst=20, retry_after="date"),
        RateLimit(100, retry_after="none"),
        RateLimit(40, window=5),
    ],
)
def test_a_long_run_against_a_limit(sandbox: Start, limit: RateLimit) -> None:
    account = Account.example(candidates=640, openings=3, tags=3, questions=1)
    box = sandbox(account, rate_limit=limit)
    run = run_tap(settings(box, page_size=100, max_concurrency=8))
    assert run.returncode == 0
    assert_true(run.messages, account)
    stats = box.stats
    assert stats.refused <= 0.08 * stats.requests
    served = [one.at for one in stats.log if one.status == 200]
    burst = limit.rate if limit.burst is None else limit.burst
    if limit.window:
        full = limit.rate * limit.window
        fastest = (math.ceil(len(served) / full) - 1) * limit.window
    else:
        fastest = (len(served) - burst) / limit.rate
    assert served[-1] - served[0] <= 1.3 * fastest + (LOST if limit.burst else 0)
