"""Eight months of loads into a PostgreSQL of its own, and the report: `make demo`."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import combining, east_asian_width

from sandbox import Sandbox
from tap_toggl_hire.tap import TapTogglHire
from tools.demo.team import Team
from tools.local.meltano import CHECKOUT, PipelineError, Project
from tools.local.postgres import Postgres, PostgresError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import FrameType

    import psycopg

PREFIX = "TAP_TOGGL_HIRE_"
PLUGINS = ("tap-toggl-hire", "target-postgres")
REPORT = ("dbt-postgres:build", "report:render")
COMMAND = f"meltano run {' '.join(PLUGINS)}"
TARGET = CHECKOUT / ".meltano/loaders/target-postgres/venv/bin/target-postgres"
LISTS = ("job_openings", "categories", "tags")
CANDIDATES = (
    "candidates",
    "candidate_details",
    "candidate_answers",
    "candidate_history",
)
FIRST_LOAD, SECOND_LOAD = timedelta(days=40), timedelta(days=54)
COUNT = "select count(*), count(*) filter (where _sdc_batched_at >= %s) from {}"
HISTORY = """
    select event, coalesce(nullif(candidates.name, ''), '(no name)') as candidate,
           date(started_at) as started, history.score, history.hire_state
    from candidate_history as history join candidates on candidates.id = candidate_id
    where history._sdc_batched_at >= %s and event <> 'deleted'
    order by event, started_at
    limit 5
"""
FORGOTTEN = """
    select id, name, email, date_trunc('second', _sdc_deleted_at) as _sdc_deleted_at
    from candidates where _sdc_deleted_at is not null
"""
MONTHS = """
    select to_char(started_at, 'YYYY-MM') as month, count(*) as loads,
           sum(requests) as requests, sum(candidates_created) as new,
           sum(candidates_updated) as changed, sum(candidates_deleted) as deleted
    from sync_runs where started_at > %s group by 1 order by 1
"""


def main() -> None:
    """Start what is needed, run the demo, and leave nothing behind."""
    parser = argparse.ArgumentParser(prog="python -m tools.demo", description=__doc__)
    parser.add_argument(
        "--today",
        type=lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC),
        default=datetime.now(UTC),
        help="the last day of the invented team's calendar, such as 2026-06-05T16:00",
    )
    today = parser.parse_args().today
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        with ExitStack() as stack:
            team = None
            if os.environ.get(f"{PREFIX}API_KEY"):
                settings = {k: v for k, v in os.environ.items() if k.startswith(PREFIX)}
                _say("Your Toggl Hire workspace, in a PostgreSQL of its own.")
            else:
                team = Team(today)
                sandbox = stack.enter_context(
                    Sandbox(team.account, now=lambda: team.now)
                )
                settings = {
                    f"{PREFIX}API_KEY": sandbox.api_key,
                    f"{PREFIX}API_URL": sandbox.url,
                }
                _say("An invented hiring team, in a PostgreSQL of its own.")
            postgres = stack.enter_context(Postgres())
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="demo-"))
            connection = stack.enter_context(postgres.connect())
            connection.execute("set timezone to 'UTC'; set search_path to toggl_hire")
            settings |= postgres.settings()
            demo = Demo(Project(Path(folder), settings), connection, settings)
            _play(demo, team) if team else _read(demo)
            _show_ways(demo.report())
    except (PipelineError, PostgresError) as error:
        sys.exit(f"\n{error}")


class Demo:
    """A Meltano project that loads an API into a database."""

    def __init__(
        self, project: Project, connection: psycopg.Connection, settings: dict[str, str]
    ) -> None:
        """Load into the database of `connection`; `settings` are the environment."""
        self._project = project
        self._connection = connection
        self._settings = settings
        self._since: Any = None

    def load(self, *streams: str) -> None:
        """Run the pipeline once, and show what it wrote."""
        _say(f"   $ {COMMAND}")
        started = time.monotonic()
        (self._since,) = self._rows("select localtimestamp")[1]
        self._project.run(*PLUGINS)
        counts = [(s, *self._rows(COUNT.format(s), self._since)[1]) for s in streams]
        _show([("table", "rows", "written now"), *counts])
        requests, details, unchanged = self._rows(
            "select requests, details_read, candidates_reverified from sync_runs "
            "order by started_at desc limit 1"
        )[1]
        took = time.monotonic() - started
        _say(
            f"   {requests} requests, {details} of them for one candidate "
            f"({unchanged} due for re-verification); {took:.0f} s"
        )

    def load_often(self, team: Team, moments: Iterable[datetime]) -> None:
        """Run the tap at each moment of the team's calendar, into one target.

        All in this process: Meltano would take some seconds more for each run.
        """
        config = self._project.folder / "target.json"
        config.write_text(
            json.dumps(
                {
                    "sqlalchemy_url": self._settings["TARGET_POSTGRES_SQLALCHEMY_URL"],
                    "default_target_schema": "toggl_hire",
                    "use_copy": True,
                    "validate_records": False,
                }
            )
        )
        settings = {
            "api_key": self._settings[f"{PREFIX}API_KEY"],
            "api_url": self._settings[f"{PREFIX}API_URL"],
            # An answer graded with 0 points changes nothing in the list.
            "reverify_days": 10,
        }
        name = f"dev:{'-to-'.join(PLUGINS)}"
        printed = self._project.meltano("state", "get", name).splitlines()
        state = json.loads(next(line for line in printed if line.startswith("{")))
        state = state["singer_state"]
        with (
            self._project.log.open("a") as log,
            subprocess.Popen(
                [TARGET, "--config", config],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=os.environ | {"PGTZ": "UTC"},
                text=True,
            ) as target,
            redirect_stdout(target.stdin),
            redirect_stderr(log),
        ):
            for moment in moments:
                team.advance(moment)
                tap = TapTogglHire(config=settings, state=state)
                tap.sync_all()
                state = json.loads(json.dumps(tap.state))
        if target.returncode:
            end = self._project.log.read_text().splitlines()[-20:]
            raise PipelineError("\n".join(("target-postgres failed:", *end)))

    def report(self) -> Path | None:
        """Build the models and the report; None where dbt is not installed."""
        if not (CHECKOUT / ".meltano/utilities/dbt-postgres").is_dir():
            return None
        self._project.run(*REPORT)
        page = CHECKOUT / "report.html"
        shutil.move(self._project.folder / page.name, page)
        return page

    def show(self, query: str, *values: object) -> None:
        """Show what a query returns."""
        _show(self._rows(query, *values))

    def show_changes(self) -> None:
        """Show rows of the history that the last load wrote."""
        self.show(HISTORY, self._since)

    def _rows(self, query: str, *values: object) -> list[Sequence[Any]]:
        """Return the names of the columns, and the rows."""
        cursor = self._connection.execute(query.encode(), values or None)
        return [[c.name for c in cursor.description or ()], *cursor.fetchall()]


def _play(demo: Demo, team: Team) -> None:
    """Play the eight months of the team, with loads in between."""
    team.advance(team.start + FIRST_LOAD)
    _say(f"\n1. The first load reads everything ({team.now:%d %B %Y})")
    demo.load(*LISTS, *CANDIDATES)
    team.advance(team.start + SECOND_LOAD)
    _say("\n2. Two weeks later, candidates are read who are new, changed or due")
    demo.load(*CANDIDATES)
    _say("\n   Of what it added to candidate_history (the first one submitted late):")
    demo.show_changes()
    _say("\n   What is left of the candidate who was deleted:")
    demo.show(FORGOTTEN)
    _say("\n3. Six months pass, with a load every day")
    since = team.now
    days = (team.today - since).days
    demo.load_often(team, [team.today - timedelta(n) for n in range(days - 1, -1, -1)])
    demo.show(MONTHS, since + timedelta(hours=1))


def _read(demo: Demo) -> None:
    """Load a real workspace twice."""
    _say("\n1. The first load reads everything")
    demo.load(*LISTS, *CANDIDATES)
    _say("\n2. The second load reads what has changed since: hardly anything")
    demo.load(*CANDIDATES)


def _show_ways(report: Path | None) -> None:
    _say("\nWhere to go from here")
    _show(
        [
            ("README.md", "your own workspace; guarantees, settings, personal data"),
            ("examples/queries/", "questions to these tables, in SQL"),
            (".env.example", "copy it to .env, fill in your key and PostgreSQL, then"),
            ("", f".venv/bin/{COMMAND}"),
            ("report", report or "needs dbt, which is not for this Python yet"),
        ]
    )


def _say(text: str) -> None:
    print(text, flush=True)


def _show(rows: Iterable[Sequence[object]]) -> None:
    """Print rows in columns, numbers to the right."""
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        cells = [
            " " * (width - _width(text)) + text
            if text.replace(".", "").isdecimal()
            else text + " " * (width - _width(text))
            for text, width in zip(row, widths, strict=True)
        ]
        _say(f"   {'  '.join(cells)}".rstrip())


def _width(text: str) -> int:
    """Return the columns that a text takes in a terminal."""
    return sum(
        0 if combining(one) else 2 if east_asian_width(one) in "WF" else 1
        for one in text
    )


def _stop(number: int, _: FrameType | None) -> None:
    """Leave, and clean up on the way; a second signal does not disturb that."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
