"""Compare with an earlier commit and with fixed limits: is the tap slower or larger?"""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tools.bench import scale
from tools.bench.measure import ROOT, run
from tools.bench.programs import COMMAND, Programs
from tools.bench.sections import LATENCY, PAGE_SIZE, rounds
from tools.bench.server import Server, Workspace
from tools.bench.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tools.bench.measure import Cost

BASE = "1e9ed97"
"""The commit that the processor time of a first run is compared with."""
FIRST, LATER = 3_000, 10_000
SIZES = (10_000, 100_000)


def table(candidates: int = FIRST, turns: int = 5) -> Table:
    """Measure each yardstick once; the first one in several rounds."""
    found = Table("Yardstick", "measured", "at most")
    ratio = _first_run(candidates, turns)
    found.add(
        f"processor time of a first run of {candidates:,} candidates, of {BASE}",
        f"{ratio:.2f}",
        "1.00",
    )
    found.add(
        f"run without changes, {LATER:,} candidates at {1000 * LATENCY:.0f} ms, of its "
        "pages read one after the other, start-up aside",
        f"{_later_run():.2f}",
        "0.70",
    )
    growth = scale.measure(SIZES)
    small, large = SIZES
    for name, runs in (("first run", growth.first), ("later run", growth.later)):
        more = (runs[large].cost.memory - runs[small].cost.memory) * 2**20
        found.add(
            f"bytes of memory per candidate, {name}, {small:,} to {large:,}",
            f"{more / (large - small):.0f}",
            "300",
        )
    output = growth.first[small].output
    state = len(output.last_state)
    found.add("bytes of state per candidate", f"{state / small:.1f}", "24")
    share = (output.state_bytes - 3 * state) / output.record_bytes
    found.add("STATEs of a first run but three, of its RECORDs", f"{share:.1%}", "10 %")
    return found


def _first_run(candidates: int, turns: int) -> float:
    workspace = Workspace(candidates)
    with (
        tempfile.TemporaryDirectory() as folder,
        _installed(BASE) as base,
        Server(workspace.account) as server,
    ):
        contenders = {
            name: Programs(server, Path(folder), tap).tap
            for name, tap in (("new", COMMAND), ("base", base))
        }
        contenders["base"]()  # the sandbox encodes every candidate once
        cost = rounds(server, turns, contenders)
    return cost["new"].processor / cost["base"].processor


def _later_run() -> float:
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(Workspace(LATER).account) as server,
    ):
        programs = Programs(server, Path(folder))
        programs.tap()
        programs.remember()
        programs.tap()  # the sandbox caches every list
        discover = [*COMMAND, "--discover"]
        contenders: dict[str, Callable[[], Cost]] = {
            "tap": programs.tap,
            "start-up": partial(run, discover, Path(folder) / "discovery"),
        }
        cost = rounds(server, 3, contenders, LATENCY)
    pages = math.ceil(LATER / PAGE_SIZE) * LATENCY
    return (cost["tap"].wall - cost["start-up"].wall) / pages


@contextmanager
def _installed(commit: str) -> Iterator[tuple[str, ...]]:
    """Install the tap of a commit into a temporary environment; yield its command."""
    uv = str(Path(sys.executable).parent / "uv")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        archive = folder / "source.tar"
        git = ["git", "-C", str(ROOT), "archive", "--output", str(archive), commit]
        subprocess.run(git, check=True)
        (folder / "source").mkdir()
        unpack = ["tar", "-xf", str(archive), "-C", str(folder / "source")]
        subprocess.run(unpack, check=True)
        venv = folder / "venv"
        create = [uv, "--quiet", "venv", "--python", sys.executable, str(venv)]
        subprocess.run(create, check=True)
        install = [uv, "--quiet", "pip", "install", "--compile-bytecode", "--python"]
        subprocess.run([*install, str(venv), str(folder / "source")], check=True)
        yield (str(venv / "bin" / "tap-toggl-hire"),)
