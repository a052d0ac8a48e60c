"""Measure many workspaces: `python -m tools.bench.workspaces 50`.

Each has 200 candidates. docs/performance.md has the figures.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil

from orchestration.loading import Project
from sandbox import Account, Sandbox
from tools.bench.table import Table
from tools.local import meltano
from tools.local.postgres import Postgres

CANDIDATES = 200


def main() -> None:
    """Load all workspaces twice, and print the cost."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench.workspaces")
    parser.add_argument("workspaces", type=int, nargs="?", default=10)
    parser.add_argument("--at-once", type=int, default=2)
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres = stack.enter_context(Postgres())
        os.environ["TARGET_POSTGRES_SQLALCHEMY_URL"] = postgres.url()
        meltano.Project(folder, {})  # creates its files
        lines = ["workspaces:"]
        sandboxes = []
        for number in range(given.workspaces):
            account = Account.example(CANDIDATES, seed=number + 1)
            sandbox = stack.enter_context(Sandbox(account))
            sandboxes.append(sandbox)
            os.environ[f"KEY_{number}"] = sandbox.api_key
            lines += [
                f"  - name: w{number}",
                f"    key_variable: KEY_{number}",
                f"    settings: {{api_url: '{sandbox.url}'}}",
            ]
        file = folder / "workspaces.yml"
        file.write_text("\n".join(lines))
        command = str(meltano.CHECKOUT / ".venv" / "bin" / "meltano")
        project = Project(folder, command, file)
        table = Table(
            f"{given.workspaces} workspaces, {given.at_once} at once",
            *("requests per run", "processor time per run, s", "elapsed time, all, s"),
            *("processes per run", "MiB per run, peak"),
        )
        for name in ("first run", "run without changes"):
            table.add(name, *_round(project, sandboxes, given.at_once))
    print(table)


def _round(project: Project, sandboxes: list[Sandbox], at_once: int) -> list[str]:
    """Load every workspace once; return the cells of a row."""
    for sandbox in sandboxes:
        sandbox.stats.reset()
    names = list(project.workspaces().loads)
    peak = Peak()
    before, started = _processor(), time.monotonic()
    with peak, ThreadPoolExecutor(at_once) as threads:
        list(threads.map(project.load, names))
    clock, processor = time.monotonic() - started, _processor() - before
    requests = sum(sandbox.stats.requests for sandbox in sandboxes)
    return [
        f"{requests / len(names):.0f}",
        f"{processor / len(names):.1f}",
        f"{clock:.0f}",
        f"{peak.processes}",
        f"{peak.memory / 2**20:.0f}",
    ]


def _processor() -> float:
    """Return the processor time of ended children: Meltano, tap and target."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Peak:
    """Sample the peak number of processes of one run, and their memory.

    Attributes:
        processes: Number of processes of one run.
        memory: Bytes of all its processes; shared pages count once per process.
    """

    def __init__(self) -> None:
        self.processes = self.memory = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.2):
            for run in psutil.Process().children():
                with suppress(psutil.Error):
                    if "el" in run.cmdline():
                        family = [run, *run.children(recursive=True)]
                        memory = sum(one.memory_info().rss for one in family)
                        self.processes = max(self.processes, len(family))
                        self.memory = max(self.memory, memory)


if __name__ == "__main__":
    main()
