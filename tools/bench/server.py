"""Serve a sandbox from a separate process, so that its cost is not the tap's."""

from __future__ import annotations

import itertools
import multiprocessing
import random
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

from sandbox import Account, RateLimit, Sandbox
from sandbox.invented import some_moment, stamp

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection


@dataclass(frozen=True)
class Workspace:
    """The workspace that the sandbox serves."""

    candidates: int
    openings: int = 12
    tags: int = 20
    tagged: float = 0.3
    """Share of candidates that have a tag, one each."""
    largest: float | None = None
    """Share of candidates in the first opening; None spreads them evenly."""

    def account(self) -> Account:
        """Invent the account."""
        rng, account = random.Random(1), Account(seed=1)
        openings = [account.add_opening() for _ in range(self.openings)]
        for opening, _ in itertools.product(openings, range(3)):
            account.add_category(opening)
        tags = [account.add_tag() for _ in range(self.tags)]
        for _ in range(self.candidates):
            crowd = self.largest is not None and rng.random() < self.largest
            account.add_candidate(
                openings[0] if crowd else rng.choice(openings),
                started_at=stamp(rng, some_moment(rng, days=180)),
                tag_ids=[rng.choice(tags)] if rng.random() < self.tagged else [],
            )
        return account


class Served(NamedTuple):
    """Requests since `Server.set`."""

    requests: int
    refused: int
    max_in_flight: int


class Server:
    """Serve an account for as long as the `with` block lasts.

    Args:
        make: Function that creates the account, in the server's process.
    """

    def __init__(self, make: Callable[[], Account]) -> None:
        context = multiprocessing.get_context("spawn")
        self._control, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(make, theirs), daemon=True)

    def __enter__(self) -> Self:
        """Start the server, and wait until it serves."""
        self._process.start()
        self.url, self.key = self._control.recv()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server."""
        self._control.send(None)
        self._process.join()

    def set(
        self, *, latency: float = 0.0, rate: float | None = None, burst: float = 1.0
    ) -> None:
        """Begin a measurement.

        Args:
            latency: Seconds that every response takes.
            rate: Requests per second above which the API answers 429.
            burst: Number of requests that are served at once nevertheless.
        """
        self._control.send((latency, rate, burst))
        self._control.recv()

    def served(self) -> Served:
        """Return the requests since `set`."""
        self._control.send("served")
        return Served(*self._control.recv())


def _serve(make: Callable[[], Account], control: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the benchmark ends it
    with Sandbox(make()) as sandbox:
        sandbox.stats.keeps_log = False
        control.send((sandbox.url, sandbox.api_key))
        while (asked := control.recv()) is not None:
            stats = sandbox.stats
            if asked == "served":
                control.send((stats.requests, stats.refused, stats.max_in_flight))
                continue
            sandbox.latency, rate, burst = asked
            sandbox.rate_limit = RateLimit(rate, burst=burst) if rate else None
            stats.reset()
            control.send(None)
