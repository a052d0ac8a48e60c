"""Measure how Meltano handles large states: `python -m tools.bench.states`.

Runs without changes, with each place where Meltano can keep states. Separate from the
other sections because it needs more packages: `make bench-states` installs them.
"""

from __future__ import annotations

import argparse
import functools
import json
import logging
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import boto3
from moto.server import ThreadedMotoServer

from tools.bench.crowd import Crowd
from tools.bench.measure import extract
from tools.bench.pipeline import MB, children
from tools.bench.programs import TAP
from tools.bench.server import Server
from tools.bench.table import Table
from tools.local.meltano import CHECKOUT, Project
from tools.local.postgres import Postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLUGINS = ("tap-toggl-hire", "target-jsonl")
STATE_ID = f"dev:{'-to-'.join(PLUGINS)}"
TARGET = CHECKOUT / ".meltano/loaders/target-jsonl/venv/bin/target-jsonl"
BUCKET = "states"
AWS = {
    "AWS_ACCESS_KEY_ID": "invented",
    "AWS_SECRET_ACCESS_KEY": "invented",
    "AWS_DEFAULT_REGION": "us-east-1",
}
RUNS = 3


class Backend(NamedTuple):
    """A place for states: settings of Meltano, and a function that returns its size."""

    settings: dict[str, str]
    size: Callable[[], int]


class Run(NamedTuple):
    """Elapsed seconds and processor time of a run; bytes that it left."""

    clock: float
    processor: float
    kept: float


def measure(server: Server, state: str, backend: Backend, folder: Path) -> Run:
    """Run without changes a few times, and return the fastest run."""
    settings = {
        "TAP_TOGGL_HIRE_API_KEY": server.key,
        "TAP_TOGGL_HIRE_API_URL": server.url,
        **backend.settings,
    }
    project = Project(folder, settings)
    wrapped = folder / "state.json"
    wrapped.write_text(f'{{"singer_state": {state}}}')
    project.meltano("state", "set", "--force", STATE_ID, "--input-file", str(wrapped))
    project.run(*PLUGINS)
    before, runs = backend.size(), []
    for _ in range(RUNS):
        with _timed() as took:
            project.run(*PLUGINS)
        runs.append(took())
    kept = (backend.size() - before) / RUNS
    clock, processor = map(min, zip(*runs, strict=True))
    return Run(clock, processor, kept)


def pipe(server: Server, state: str, folder: Path) -> Run:
    """Run the same without Meltano: the tap, the target, and a file."""
    config = {"api_key": server.key, "api_url": server.url}
    for name, text in (("config", json.dumps(config)), ("state", state)):
        (folder / f"{name}.json").write_text(text)
    tap = f"{sys.executable} {' '.join(TAP)} --config config.json --state state.json"
    line = f"set -o pipefail; {tap} | {TARGET} > states.jsonl"
    runs = []
    for _ in range(RUNS):
        with _timed() as took:
            subprocess.run(["bash", "-ec", line], cwd=folder, check=True)  # noqa: S607
        runs.append(took())
    clock, processor = map(min, zip(*runs, strict=True))
    return Run(clock, processor, kept=0)


def main() -> None:
    """Run the measurements and print a table."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.states", description=__doc__
    )
    parser.add_argument("--candidates", type=int, default=50_000)
    given = parser.parse_args()
    with (
        Server(functools.partial(Crowd, given.candidates)) as server,
        Postgres() as postgres,
        tempfile.TemporaryDirectory() as path,
        _s3() as s3,
    ):
        folder = Path(path)
        state = _first_state(server, folder)
        backends = {"SQLite": _sqlite(folder), "PostgreSQL": _postgres(postgres)}
        backends |= {"files": _files(folder), "S3": s3}
        table = Table(
            f"State of {given.candidates:,} candidates, {len(state) / MB:.1f} MB",
            *("run, s", "processor, s", "kept per run, MB"),
        )
        places = {
            name: functools.partial(measure, server, state, backend)
            for name, backend in backends.items()
        }
        places = {"no Meltano": functools.partial(pipe, server, state), **places}
        for name, run in places.items():
            own = folder / name
            own.mkdir()
            took = run(own)
            figures = (took.clock, took.processor, took.kept / MB)
            table.add(name, *(f"{figure:.1f}" for figure in figures))
    print(table)


def _first_state(server: Server, folder: Path) -> str:
    config = folder / "first.json"
    config.write_text(json.dumps({"api_key": server.key, "api_url": server.url}))
    _, output = extract([sys.executable, *TAP, "--config", str(config)], folder)
    return output.last_state.decode()


def _sqlite(folder: Path) -> Backend:
    database = folder / "system.db"
    return Backend(
        {"MELTANO_DATABASE_URI": f"sqlite:///{database}"},
        lambda: sum(one.stat().st_size for one in folder.glob("system.db*")),
    )


def _postgres(postgres: Postgres) -> Backend:
    def size() -> int:
        with postgres.connect() as connection:
            query = "select pg_database_size(current_database())"
            found = connection.execute(query).fetchone()
        return int(found[0]) if found else 0

    return Backend({"MELTANO_DATABASE_URI": postgres.url()}, size)


def _files(folder: Path) -> Backend:
    states = folder / "states"
    states.mkdir()
    return Backend(
        {"MELTANO_STATE_BACKEND_URI": states.as_uri()},
        lambda: sum(p.stat().st_size for p in states.rglob("*") if p.is_file()),
    )


@contextmanager
def _s3() -> Iterator[Backend]:
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # it logs each request
    server = ThreadedMotoServer("127.0.0.1", 0)
    with ExitStack() as stack:
        server.start()
        stack.callback(server.stop)
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        credentials = {name.lower(): value for name, value in AWS.items()}
        region = credentials.pop("aws_default_region")
        client = boto3.client("s3", endpoint_url=url, region_name=region, **credentials)
        client.create_bucket(Bucket=BUCKET)

        def size() -> int:
            found = client.list_objects_v2(Bucket=BUCKET)
            return sum(one["Size"] for one in found.get("Contents", ()))

        settings = {
            "MELTANO_STATE_BACKEND_URI": f"s3://{BUCKET}/meltano",
            "AWS_ENDPOINT_URL": url,
            **AWS,
        }
        yield Backend(settings, size)


@contextmanager
def _timed() -> Iterator[Callable[[], tuple[float, float]]]:
    """Measure elapsed seconds and processor time of the block."""
    clock, processor = time.perf_counter(), children()
    yield lambda: (time.perf_counter() - clock, children() - processor)


if __name__ == "__main__":
    main()
