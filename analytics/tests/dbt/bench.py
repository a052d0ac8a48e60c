"""Measure the models for 20,000 candidates with 300,000 answers.

    python -m analytics.tests.dbt.bench [postgres|duckdb] [FOLDERS OF DBT PROJECTS]

Other projects, such as that of an earlier commit, take turns with this one on the same
tables, and a ratio compares this one with each. Processor time says more than the clock
of a busy machine: the least of three runs, apart for dbt and for PostgreSQL. DuckDB
runs in dbt.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
from pathlib import Path

import psutil

from analytics.tests.dbt.warehouses import (
    MARTS,
    PERSONAL,
    PROJECT,
    InDuckDB,
    InPostgres,
    Warehouse,
)
from analytics.tests.dbt.world import World
from tools.local.postgres import Postgres

RUNS = 3


def measure(
    warehouse: Warehouse, projects: list[Path], server: int | None = None
) -> None:
    """Build the models of each project in turn, and print what they took."""
    warehouse.fill("toggl_hire", World(1, candidates=20_000, questions=15).tables())
    least = dict.fromkeys(projects, (float("inf"), float("inf")))
    for project in projects * RUNS:
        for schema in (MARTS, PERSONAL):
            warehouse.execute(f"drop schema if exists {schema} cascade")
        dbt, engine = _dbt_seconds(), _server_seconds(server)
        warehouse.dbt("run", project=project, toggl_hire_schemas=["toggl_hire"])
        used = (_dbt_seconds() - dbt, _server_seconds(server) - engine)
        before = least[project]
        least[project] = (min(used[0], before[0]), min(used[1], before[1]))
    write = sys.stdout.write
    own = least[PROJECT][1]
    for project, (dbt, engine) in least.items():
        ratio = f", ratio {own / engine:.2f}" if engine else ""
        write(f"{project}: dbt {dbt:.1f} s, server {engine:.1f} s{ratio}\n")
    write(f"load {os.getloadavg()[0]:.1f}\n")


def _dbt_seconds() -> float:
    """Processor seconds of all children that have ended."""
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime


def _server_seconds(server: int | None) -> float:
    """Processor seconds of a server with its processes."""
    if server is None:
        return 0
    parent = psutil.Process(server)
    running = sum(sum(p.cpu_times()[:2]) for p in parent.children(recursive=True))
    return float(sum(parent.cpu_times()[:4]) + running)


def main(engine: str = "postgres", *others: str) -> None:
    """Measure one engine."""
    projects = [PROJECT, *(Path(other) for other in others)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if engine == "duckdb":
            measure(InDuckDB(folder), projects)
            return
        with Postgres() as server:
            warehouse = InPostgres(folder, server)
            # Its own upkeep comes at any time.
            warehouse.execute("alter system set autovacuum = off")
            warehouse.execute("select pg_reload_conf()")
            measure(warehouse, projects, server.process_id)


if __name__ == "__main__":
    main(*sys.argv[1:])
