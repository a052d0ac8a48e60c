"""Measure how a run grows with the number of candidates."""

from __future__ import annotations

import json
import math
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import linear_regression
from typing import TYPE_CHECKING, NamedTuple

from tools.bench.crowd import Crowd
from tools.bench.measure import Cost, Output, extract
from tools.bench.picture import Line, Panel, Picture, draw
from tools.bench.server import Server
from tools.bench.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SIZES = (10_000, 30_000, 100_000)
QUICK = (1_000, 3_000)
MILLION = 1_000_000
MB = 1_000_000
SHARE = 10
"""All STATEs together may take one byte per this many bytes of RECORDs."""
TAP = (sys.executable, "-m", "tap_toggl_hire")


class Run(NamedTuple):
    """Cost and output of a run."""

    cost: Cost
    output: Output


@dataclass(frozen=True)
class Growth:
    """First runs and runs without changes, by number of candidates."""

    first: dict[int, Run]
    later: dict[int, Run]


def measure(sizes: Iterable[int] = SIZES) -> Growth:
    """Run the tap twice for each size, all streams selected, without latency."""
    growth = Growth({}, {})
    for size in sizes:
        with (
            tempfile.TemporaryDirectory() as name,
            Server(partial(Crowd, size)) as server,
        ):
            folder = Path(name)
            config, state = folder / "config.json", folder / "state.json"
            config.write_text(
                json.dumps({"api_url": server.url, "api_key": server.key})
            )
            command = [*TAP, "--config", str(config)]
            growth.first[size] = Run(*extract(command, folder))
            state.write_bytes(growth.first[size].output.last_state)
            command += ["--state", str(state)]
            growth.later[size] = Run(*extract(command, folder))
    return growth


def tables(growth: Growth) -> list[Table]:
    """Return cost and output by size, with the exponent of the growth."""
    return [
        _table("First run, all streams, one question per candidate", growth.first),
        _table("Later run without changes", growth.later),
    ]


def _table(title: str, runs: dict[int, Run]) -> Table:
    table = Table(title, *(f"{size:,}" for size in runs), "grows as")

    def add(name: str, figure: Callable[[Run], float], digits: int = 1) -> None:
        figures = {size: figure(run) for size, run in runs.items()}
        table.add(
            name,
            *(f"{value:,.{digits}f}" for value in figures.values()),
            f"N^{exponent(figures):.2f}",
        )

    add("processor, s", lambda run: run.cost.processor)
    add("peak, MiB", lambda run: run.cost.memory, 0)
    add("RECORDs, MB", lambda run: run.output.record_bytes / MB, 3)
    add("STATEs", lambda run: run.output.states, 0)
    add("STATEs, MB", lambda run: run.output.state_bytes / MB, 3)
    add("the last STATE, MB", lambda run: len(run.output.last_state) / MB, 3)
    return table


def exponent(figures: dict[int, float]) -> float:
    """Return the exponent e of a growth as N^e: the slope of the logarithms."""
    sizes = [math.log(size) for size in figures]
    return linear_regression(sizes, list(map(math.log, figures.values()))).slope


def picture(growth: Growth) -> Picture:
    """Draw processor time, memory and STATE by number of candidates."""
    ours, pale = "#c026d3", "#94a3b8"
    processor = [Line("first run", ours), Line("later run", pale)]
    peak = [Line("first run", ours), Line("later run", pale)]
    states = [Line("all STATEs", ours), Line("RECORDs / 10", pale, is_dashed=True)]
    for size, run in growth.first.items():
        processor[0].add(size, run.cost.processor)
        peak[0].add(size, run.cost.memory)
        states[0].add(size, run.output.state_bytes / MB)
        states[1].add(size, run.output.record_bytes / SHARE / MB)
    for size, run in growth.later.items():
        processor[1].add(size, run.cost.processor)
        peak[1].add(size, run.cost.memory)
    panels = [
        Panel("Processor, s", "candidates", processor),
        Panel("Memory at the peak, MiB", "candidates", peak),
        Panel("STATE messages of the first run, MB", "candidates", states),
    ]
    svg = draw("How a run grows with the number of candidates", panels)
    return Picture("scale.svg", "Processor, memory and STATE by candidates", svg)
