"""Measure the whole pipeline: the tap, target-postgres, PostgreSQL and Meltano.

Needs the plugins that `make plugins` installs.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil

from tools.bench.measure import ROOT, Cost, extract
from tools.bench.programs import TAP, catalog
from tools.bench.server import Server, Workspace
from tools.bench.table import Table
from tools.local.meltano import Project
from tools.local.postgres import Postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

TARGET = ROOT / ".meltano/loaders/target-postgres/venv/bin/target-postgres"
SCHEMA = "toggl_hire"
MB = 1_000_000
CONFIG = {
    "default_target_schema": SCHEMA,
    "activate_version": True,
    "add_record_metadata": True,
    "hard_delete": False,
    "sanitize_null_text_characters": True,
}
"""As in `meltano.yml`, except for the compared settings."""
QUICK = {"validate_records": False, "use_copy": True}
SETTINGS: dict[str, dict[str, bool]] = {
    "the target's defaults": {},
    "`validate_records: false`": {"validate_records": False},
    "`use_copy: true`": {"use_copy": True},
    "both, as in `meltano.yml`": QUICK,
}
DESELECTED: dict[str, tuple[str, ...]] = {
    "all streams": (),
    "without `candidate_details`": ("candidate_details",),
    "without `candidate_answers`": ("candidate_answers",),
    "without both": ("candidate_answers", "candidate_details"),
}


class Load(NamedTuple):
    """Seconds of a load: `clock` elapsed, the others processor time."""

    clock: float
    tap: float
    target: float
    postgres: float
    stored: float
    """MB in the schema of the database, including indexes."""


class Pipeline:
    """Load a sandbox into PostgreSQL.

    Args:
        server: The sandbox.
        postgres: The database server.
        folder: Folder for temporary files.
    """

    def __init__(self, server: Server, postgres: Postgres, folder: Path) -> None:
        self._server = server
        self._postgres = postgres
        self._folder = folder

    def load(self, settings: dict[str, bool], deselected: tuple[str, ...] = ()) -> Load:
        """Run `tap | target-postgres` into an empty schema.

        Args:
            settings: Settings of the target, beside `CONFIG`.
            deselected: Streams to leave out.

        Raises:
            RuntimeError: If one of the two fails, with the end of its log.
        """
        self._empty()
        into = {**CONFIG, **settings, "sqlalchemy_url": self._postgres.url()}
        target = [str(TARGET), "--config", self._file("target", into)]
        processor, started = self._processor(), time.perf_counter()
        first = self._start("tap", self._tap(deselected), stdout=subprocess.PIPE)
        second = self._start(
            "target", target, stdin=first.stdout, stdout=subprocess.DEVNULL
        )
        if first.stdout:
            first.stdout.close()  # so that the tap notices the target's end
        for name, process in (("target", second), ("tap", first)):
            if process.wait():
                raise RuntimeError((self._folder / f"{name}.log").read_text()[-2000:])
        return Load(
            time.perf_counter() - started,
            self._cost("tap").processor,
            self._cost("target").processor,
            self._processor() - processor,
            self._stored() / MB,
        )

    def written(self, deselected: tuple[str, ...]) -> float:
        """Return the MB of RECORD messages of the tap, without some streams."""
        self._server.set()
        _, output = extract(self._tap(deselected), self._folder)
        return output.record_bytes / MB

    def through_meltano(self) -> tuple[float, float, float]:
        """Run `meltano run` into an empty schema.

        Returns:
            Elapsed seconds; seconds of processor time, including tap and target;
            seconds of processor time of PostgreSQL.
        """
        self._empty()
        settings = {
            "TAP_TOGGL_HIRE_API_KEY": self._server.key,
            "TAP_TOGGL_HIRE_API_URL": self._server.url,
            "TARGET_POSTGRES_SQLALCHEMY_URL": self._postgres.url(),
        }
        with tempfile.TemporaryDirectory() as folder:
            project = Project(Path(folder), settings)
            project.meltano("state", "list")  # sets up the system database
            postgres, before = self._processor(), children()
            started = time.perf_counter()
            project.run("tap-toggl-hire", "target-postgres")
            clock = time.perf_counter() - started
        return clock, children() - before, self._processor() - postgres

    def _tap(self, deselected: tuple[str, ...]) -> list[str]:
        source = {"api_url": self._server.url, "api_key": self._server.key}
        streams = catalog(lambda stream: stream not in deselected)
        config = self._file("config", source)
        chosen = self._file("catalog", streams)
        return [sys.executable, *TAP, "--config", config, "--catalog", chosen]

    def _empty(self) -> None:
        self._server.set()
        with self._postgres.connect() as connection:
            connection.execute(f"drop schema if exists {SCHEMA} cascade".encode())

    def _stored(self) -> int:
        query = (
            "select sum(pg_total_relation_size(oid)) from pg_class "
            f"where relkind = 'r' and relnamespace = '{SCHEMA}'::regnamespace"
        )
        with self._postgres.connect() as connection:
            found = connection.execute(query.encode()).fetchone()
        return int(found[0]) if found else 0

    def _processor(self) -> float:
        """Return the processor time of PostgreSQL, including closed connections."""
        server = psutil.Process(self._postgres.process_id)
        own = server.cpu_times()
        living = []
        for child in server.children():
            with suppress(psutil.NoSuchProcess):  # it ended meanwhile
                living.append(child.cpu_times())
        ended = own.children_user + own.children_system
        return ended + sum(times.user + times.system for times in (own, *living))

    def _start(
        self,
        name: str,
        command: list[str],
        *,
        stdin: IO[bytes] | None = None,
        stdout: int,
    ) -> subprocess.Popen[bytes]:
        measured = [sys.executable, "-m", "tools.bench.measure"]
        with (self._folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [*measured, str(self._folder / f"{name}.cost"), *command],
                stdin=stdin,
                stdout=stdout,
                stderr=log,
                cwd=ROOT,
                env={**os.environ, "PGTZ": "UTC"},
            )

    def _cost(self, name: str) -> Cost:
        return Cost(*json.loads((self._folder / f"{name}.cost").read_text()))

    def _file(self, name: str, value: Any) -> str:
        path = self._folder / f"{name}.json"
        path.write_text(json.dumps(value))
        return str(path)


def tables(candidates: int, rounds: int) -> list[Table]:
    """Return the costs per process, target setting and selection."""
    with _pipeline(candidates) as pipeline:
        pipeline.load(QUICK)  # the sandbox encodes every candidate once
        return [
            _settings(pipeline, candidates, rounds),
            _selections(pipeline, candidates, rounds),
        ]


def _settings(pipeline: Pipeline, candidates: int, rounds: int) -> Table:
    loads = _turns(
        rounds,
        {name: partial(pipeline.load, chosen) for name, chosen in SETTINGS.items()},
    )
    runs = [pipeline.through_meltano() for _ in range(rounds)]
    clock, processor, postgres = map(median, zip(*runs, strict=True))
    table = Table(
        f"`tap-toggl-hire` into target-postgres, {candidates:,} candidates",
        *("clock, s", "tap's processor, s", "target's, s", "PostgreSQL's, s"),
        "Meltano's, s",
    )
    for name, load in loads.items():
        figures = (load.clock, load.tap, load.target, load.postgres)
        table.add(name, *(f"{figure:.1f}" for figure in figures), "")
    *_, quick = loads.values()
    rest = f"{processor - quick.tap - quick.target:.1f}"
    table.add(
        "the same in `meltano run`", f"{clock:.1f}", "", "", f"{postgres:.1f}", rest
    )
    return table


def _selections(pipeline: Pipeline, candidates: int, rounds: int) -> Table:
    loads = _turns(
        rounds,
        {
            name: partial(pipeline.load, QUICK, deselected)
            for name, deselected in DESELECTED.items()
        },
    )
    table = Table(
        f"What to select, {candidates:,} candidates",
        *("clock, s", "tap's processor, s", "target's, s", "RECORDs, MB", "stored, MB"),
    )
    for name, load in loads.items():
        written = pipeline.written(DESELECTED[name])
        figures = (load.clock, load.tap, load.target, written, load.stored)
        table.add(name, *(f"{figure:.1f}" for figure in figures))
    return table


@contextmanager
def _pipeline(candidates: int) -> Iterator[Pipeline]:
    with (
        Postgres() as postgres,
        Server(Workspace(candidates).account) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        yield Pipeline(server, postgres, Path(folder))


def _turns(rounds: int, loaders: dict[str, Callable[[], Load]]) -> dict[str, Load]:
    """Return the medians of alternating loads."""
    loads: dict[str, list[Load]] = {name: [] for name in loaders}
    for _ in range(rounds):
        for name, load in loaders.items():
            loads[name].append(load())
    return {
        name: Load(*map(median, zip(*found, strict=True)))
        for name, found in loads.items()
    }


def children() -> float:
    """Return the processor time of all child processes that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
