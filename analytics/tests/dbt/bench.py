"""Measure a build of the models for 20,000 candidates with 300,000 answers.

    python -m analytics.tests.dbt.bench [postgres|duckdb] [FOLDER OF A DBT PROJECT]

Another folder, such as that of an earlier commit, is measured on the same tables. The
processor's time, of dbt and of PostgreSQL, says more than the clock on a busy machine.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import psutil

from analytics.tests.dbt.warehouses import PROJECT, InDuckDB, InPostgres, Warehouse
from analytics.tests.dbt.world import World
from tools.local.postgres import Postgres


def measure(warehouse: Warehouse, project: Path, server: int | None = None) -> None:
    """Fill a warehouse, build twice, and print what the second build took."""
    tables = World(1, candidates=20_000, questions=15).tables()
    warehouse.fill("toggl_hire", tables)
    for _ in range(2):
        start, used = time.monotonic(), _processor(server)
        warehouse.build(["toggl_hire"], project=project)
        took, used = time.monotonic() - start, _processor(server) - used
    answers = len(tables["candidate_answers"])
    sys.stdout.write(
        f"{warehouse.engine}: {answers:,} answers, {took:.1f} s, of which the "
        f"processor worked {used:.1f} s (load {os.getloadavg()[0]:.1f})\n"
    )


def _processor(server: int | None) -> float:
    """Processor seconds of all children, and of a server with its processes."""
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = own.ru_utime + own.ru_stime
    if server is not None:
        parent = psutil.Process(server)
        total += sum(parent.cpu_times()[:4])
        total += sum(sum(p.cpu_times()[:2]) for p in parent.children(recursive=True))
    return total


def main(engine: str = "postgres", project: str = str(PROJECT)) -> None:
    """Measure one engine."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if engine == "duckdb":
            measure(InDuckDB(folder), Path(project))
            return
        with Postgres() as server:
            measure(InPostgres(folder, server), Path(project), server.process_id)


if __name__ == "__main__":
    main(*sys.argv[1:])
