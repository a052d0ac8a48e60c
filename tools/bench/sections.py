"""Benchmarks of single runs, one function per section.

Programs alternate within a round, so that other load on the machine affects all of
them; the results are medians over the rounds.
"""

from __future__ import annotations

import math
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from tools.bench.measure import Cost
from tools.bench.picture import Line, Panel, Picture, draw
from tools.bench.programs import Programs
from tools.bench.server import Server, Workspace
from tools.bench.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PAGE_SIZE = 100
CONCURRENCY = 8
LATENCY = 0.05
LATENCIES = (0.02, 0.05)
"""Latencies for later runs, which are so short that start-up matters."""
LARGEST = 0.6
"""Share of the largest job opening in a skewed workspace."""
RATE = 100.0
"""Requests per second that the API with a hidden limit serves."""


@dataclass(frozen=True)
class Scale:
    """Sizes of the measurements."""

    candidates: int
    rounds: int
    later: int
    """Number of candidates of the later run without changes."""


def first_run(scale: Scale) -> Table:
    """Compare a first run with the template, plain threads and arithmetic."""
    table = Table(
        f"First run, {scale.candidates:,} candidates with details",
        "no latency, s",
        "processor, s",
        "peak MiB",
        f"{1000 * LATENCY:.0f} ms, s",
        "processor, s",
    )
    with _serving(Workspace(scale.candidates)) as (server, programs):
        server.set()
        programs.threads()
        requests = server.served().requests
        contenders = {
            "tap-toggl-hire": programs.tap,
            "the SDK's template": programs.template,
            "plain threads": programs.threads,
        }
        quick = rounds(server, scale.rounds, contenders)
        slow = rounds(server, scale.rounds, contenders, LATENCY, once=(1,))
    for name in contenders:
        table.add(
            name,
            f"{quick[name].wall:.2f}",
            f"{quick[name].processor:.2f}",
            f"{quick[name].memory:.0f}",
            f"{slow[name].wall:.1f}",
            f"{slow[name].processor:.2f}",
        )
    ideal = requests * LATENCY / CONCURRENCY
    arithmetic = f"arithmetic: {requests:,} requests / {CONCURRENCY}"
    table.add(arithmetic, "", "", "", f"{ideal:.1f}", "")
    tap, template, threads = quick.values()
    table.ratio("processor", tap.processor / threads.processor, "plain threads")
    table.ratio("processor", tap.processor / template.processor, "the template")
    tap, template, _ = slow.values()
    at = f"time at {1000 * LATENCY:.0f} ms"
    table.ratio(at, tap.wall / ideal, "arithmetic")
    table.ratio(at, tap.wall / template.wall, "the template")
    return table


def later_run(scale: Scale) -> Table:
    """Compare a run without changes with reading the pages one by one."""
    table = Table(
        f"Later run without changes, {scale.later:,} candidates in 12 openings",
        "latency, ms",
        "time, s",
        "one at a time, s",
        "of it",
        "pages x latency, s",
        "of it",
    )
    for largest, openings in ((None, "alike"), (LARGEST, f"one has {LARGEST:.0%}")):
        workspace = Workspace(scale.later, largest=largest)
        with _serving(workspace) as (server, programs):
            server.set()
            programs.tap()
            programs.remember()
            programs.tap()  # the sandbox caches every list
            for latency in LATENCIES:
                contenders: dict[str, Callable[[], Cost]] = {
                    "tap": programs.tap,
                    "chain": partial(programs.tap, max_concurrency=1),
                }
                cost = rounds(server, scale.rounds, contenders, latency)
                tap, chain = cost["tap"].wall, cost["chain"].wall
                pages = math.ceil(scale.later / PAGE_SIZE) * latency
                table.add(
                    f"openings: {openings}",
                    f"{1000 * latency:.0f}",
                    f"{tap:.2f}",
                    f"{chain:.2f}",
                    f"**{tap / chain:.2f}**",
                    f"{pages:.1f}",
                    f"**{tap / pages:.2f}**",
                )
    return table


def rate_limit(scale: Scale) -> Table:
    """Measure a run against an API with a hidden rate limit."""
    table = Table(
        f"An API with an unannounced limit of {RATE:.0f} requests per second",
        "time, s",
        "requests",
        "refused",
        "ideal, s",
    )
    walls, shares = [], []
    with _serving(Workspace(scale.candidates)) as (server, programs):
        for _ in range(scale.rounds):
            server.set(rate=RATE, burst=RATE)
            wall = programs.tap().wall
            asked = server.served()
            walls.append(wall)
            shares.append(asked.refused / asked.requests)
            ideal = (asked.requests - asked.refused - RATE) / RATE
    table.add(
        f"tap-toggl-hire, {scale.candidates:,} candidates",
        f"{median(walls):.1f}",
        f"{asked.requests:,}",
        f"{median(shares):.1%}",
        f"{ideal:.1f}",
    )
    table.ratio("time", median(walls) / ideal, "the limit's ideal")
    return table


def growth(scale: Scale) -> Picture:
    """Draw how time grows with candidates and falls with concurrency."""
    counts = [scale.candidates * part // 4 for part in (1, 2, 3, 4)]
    ours = Line("tap-toggl-hire", "#c026d3")
    plain = Line("plain threads", "#64748b")
    template = Line("SDK's template", "#d97706")
    ideal = Line("arithmetic", "#94a3b8", is_dashed=True)
    for candidates in counts:
        with _serving(Workspace(candidates)) as (server, programs):
            server.set(latency=LATENCY)
            ours.add(candidates, programs.tap().wall)
            server.set(latency=LATENCY)
            plain.add(candidates, programs.threads().wall)
            requests = server.served().requests
            ideal.add(candidates, requests * LATENCY / CONCURRENCY)
            if candidates == counts[0]:  # slow, and linear
                server.set(latency=LATENCY)
                template.add(candidates, programs.template().wall)
    by_candidates = Panel(
        f"First run, {CONCURRENCY} requests at once",
        "candidates",
        [ours, plain, ideal],
    )
    ours = Line("tap-toggl-hire", "#c026d3")
    ideal = Line("arithmetic", "#94a3b8", is_dashed=True)
    with _serving(Workspace(counts[0])) as (server, programs):
        for concurrency in (1, 2, 4, 8, 16):
            server.set(latency=LATENCY)
            ours.add(concurrency, programs.tap(max_concurrency=concurrency).wall)
            ideal.add(concurrency, server.served().requests * LATENCY / concurrency)
    template.add(16, template.points[0][1])
    template.points[0] = (1, template.points[0][1])
    by_concurrency = Panel(
        f"First run, {counts[0]:,} candidates",
        "max_concurrency",
        [ours, ideal, template],
    )
    title = f"Seconds of a first run with {1000 * LATENCY:.0f} ms of latency"
    svg = draw(title, [by_candidates, by_concurrency])
    return Picture("speed.svg", "How a first run grows", svg)


@contextmanager
def _serving(workspace: Workspace) -> Iterator[tuple[Server, Programs]]:
    with tempfile.TemporaryDirectory() as folder, Server(workspace.account) as server:
        programs = Programs(server, Path(folder))
        programs.threads()  # the sandbox encodes every candidate once
        yield server, programs


def rounds(
    server: Server,
    rounds: int,
    contenders: Mapping[str, Callable[[], Cost]],
    latency: float = 0.0,
    once: tuple[int, ...] = (),
) -> dict[str, Cost]:
    """Run contenders alternately.

    Args:
        server: The sandbox.
        rounds: Number of runs of each.
        contenders: Functions to run, by name.
        latency: Latency of each response, in seconds.
        once: Positions of slow contenders that run only once.

    Returns:
        The median cost of each.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in contenders}
    for turn in range(rounds):
        for place, (name, contender) in enumerate(contenders.items()):
            if turn == 0 or place not in once:
                server.set(latency=latency)
                costs[name].append(contender())
    return {
        name: Cost(*map(median, zip(*found, strict=True)))
        for name, found in costs.items()
    }
