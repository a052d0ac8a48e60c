"""Load three workspaces twice with Dagster: `make workspaces-demo`."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from orchestration import loading
from orchestration.dagster_code import JOB, WORKSPACES, definitions, limit, not_fresh
from sandbox import Account, Sandbox
from tools.local.meltano import CHECKOUT, Project
from tools.local.postgres import Postgres, PostgresError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import FrameType

    import psycopg

SIZES = {"berlin": 60, "lisbon": 45, "tallinn": 30}
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
NO_TELEMETRY = {"telemetry": {"enabled": False}}
OURS = ("MELTANO_", "TAP_TOGGL_HIRE_", "TARGET_", "TOGGL_HIRE_", "DAGSTER_")
COUNT = """
    select count(*), count(*) filter (where _sdc_deleted_at is not null),
           count(*) filter (where _sdc_batched_at >= %s)
    from toggl_hire_{}.candidates
"""


def main() -> None:
    """Start the servers, run the demo, and remove everything."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    for name in [name for name in os.environ if name.startswith(OURS)]:
        del os.environ[name]
    try:
        with ExitStack() as stack:
            Demo(stack).run()
    except PostgresError as error:
        sys.exit(f"\n{error}")


class Demo:
    """Three sandboxes, PostgreSQL, a Meltano project and an instance of Dagster."""

    def __init__(self, stack: ExitStack) -> None:
        """Start the servers; `stack` stops them."""
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="workspaces-"))
        )
        self.sandboxes = {
            name: stack.enter_context(
                Sandbox(
                    Account.example(size, in_progress=3, seed=size), f"key-of-{name}"
                )
            )
            for name, size in SIZES.items()
        }
        postgres = stack.enter_context(Postgres())
        self._connection: psycopg.Connection = stack.enter_context(postgres.connect())
        Project(folder, {})  # creates its files
        os.environ["TARGET_POSTGRES_SQLALCHEMY_URL"] = postgres.url()
        for name, sandbox in self.sandboxes.items():
            os.environ[f"KEY_{name.upper()}"] = sandbox.api_key
        file = folder / "workspaces.yml"
        file.write_text(self._file(), "utf-8")
        meltano = str(CHECKOUT / ".venv" / "bin" / "meltano")
        self._project = loading.Project(folder, meltano, file)
        self._instance = stack.enter_context(
            dg.DagsterInstance.local_temp(
                str(folder), {"telemetry": {"enabled": False}}
            )
        )
        self._definitions = definitions(self._project, pause=1)

    def run(self) -> None:
        """Load twice, with changes in between, and print the results."""
        names = list(self.sandboxes)
        _say("Three invented workspaces of Toggl Hire, Dagster and PostgreSQL.")
        _say("\n1. workspaces.yml lists them")
        _say("".join(f"   {line}\n" for line in self._file().splitlines()).rstrip())
        limit(self._instance, self._project.workspaces().at_once)
        self._instance.add_dynamic_partitions(WORKSPACES, names)
        _say("\n2. Dagster's job loads each of them in a separate run")
        self._load(names)
        _say("\n3. Meanwhile")
        _show(self._change())
        _say("\n4. The same job again: one workspace fails, the others are loaded")
        self._load(names)
        for name, why in not_fresh(self._instance, names).items():
            _say(f"   {name} failed: {why}")
        _say("\n   With workspaces of your own: orchestration/README.md")

    def _load(self, names: Iterable[str]) -> None:
        job = self._definitions.resolve_job_def(JOB)
        rows: list[Sequence[object]] = [
            ("workspace", "run", "requests", "new", "changed", "deleted", "s"),
        ]
        landed: list[Sequence[object]] = [
            ("schema", "candidates", "deleted", "written in this run"),
        ]
        for name in names:
            (since,) = self._row("select localtimestamp")
            started = time.monotonic()
            result = job.execute_in_process(
                partition_key=name,
                instance=self._instance,
                raise_on_error=False,
                run_config=QUIET,
            )
            figures: dict[str, Any] = {}
            for event in result.get_asset_materialization_events():
                data = event.step_materialization_data.materialization.metadata
                figures = {key: value.value for key, value in data.items()}
            keys = ("created", "updated", "deleted")
            counts = ("requests", *(f"candidates_{key}" for key in keys))
            rows.append(
                (
                    *(name, "complete" if result.success else "failed"),
                    *(figures.get(count, "") for count in counts),
                    f"{time.monotonic() - started:.0f}",
                )
            )
            landed.append((f"toggl_hire_{name}", *self._row(COUNT.format(name), since)))
        _show(rows)
        _say("")
        _show(landed)

    def _change(self) -> list[Sequence[str]]:
        berlin = self.sandboxes["berlin"].account
        rated = berlin.listed_ids()[0]
        berlin.rate(rated, 1 + berlin.row(rated)["rating"] % 3)
        berlin.submit(berlin.in_progress_ids()[0])
        lisbon = self.sandboxes["lisbon"].account
        lisbon.delete(lisbon.listed_ids()[0])
        os.environ["KEY_TALLINN"] = "a-key-that-was-revoked"
        return [
            ("berlin", "one candidate was rated, another one submitted late"),
            ("lisbon", "one candidate was deleted"),
            ("tallinn", "the API key was revoked"),
        ]

    def _file(self) -> str:
        lines = ["at_once: 2", "workspaces:"]
        for name, sandbox in self.sandboxes.items():
            lines += [
                f"  - name: {name}",
                f"    key_variable: KEY_{name.upper()}",
                f"    settings: {{ api_url: '{sandbox.url}' }}",
            ]
        return "\n".join(lines)

    def _row(self, query: str, *values: object) -> tuple[Any, ...]:
        row = self._connection.execute(query.encode(), values or None).fetchone()
        return row or ()


def _say(text: str) -> None:
    print(text, flush=True)


def _show(rows: Sequence[Sequence[object]]) -> None:
    """Print rows in columns."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        cells = [
            text.rjust(width) if text.isdecimal() else text.ljust(width)
            for text, width in zip(row, widths, strict=True)
        ]
        _say(f"   {'  '.join(cells)}".rstrip())


def _stop(number: int, _: FrameType | None) -> None:
    """Exit and clean up; ignore further signals meanwhile."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
