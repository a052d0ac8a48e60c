"""Two loads into a PostgreSQL of its own, with changes in between: `make demo`."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unicodedata import combining, east_asian_width

from sandbox import Account, Sandbox
from tools.local.meltano import CHECKOUT, PipelineError, Project
from tools.local.postgres import Postgres, PostgresError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import FrameType

    import psycopg

PREFIX = "TAP_TOGGL_HIRE_"
PLUGINS = ("tap-toggl-hire", "target-postgres")
ANSWERS = ("dbt-postgres:build", "report:render")
COMMAND = f"meltano run {' '.join(PLUGINS)}"
LISTS = ("job_openings", "categories", "tags")
CANDIDATES = (
    "candidates",
    "candidate_details",
    "candidate_answers",
    "candidate_history",
)
COUNT = "select count(*), count(*) filter (where _sdc_batched_at >= %s) from {}"
HISTORY = """
    select event, coalesce(candidates.name, '(deleted)') as candidate, history.score,
           cardinality(history.tag_ids) as tags, date(started_at) as started
    from candidate_history as history join candidates on candidates.id = candidate_id
    where history._sdc_batched_at >= %s
    order by event, candidate
"""
FORGOTTEN = """
    select id, name, email, date_trunc('second', _sdc_deleted_at) as _sdc_deleted_at
    from candidates where _sdc_deleted_at is not null
"""


def main() -> None:
    """Start what is needed, tell the story, and leave nothing behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        with ExitStack() as stack:
            sandbox = None
            if os.environ.get(f"{PREFIX}API_KEY"):
                settings = {k: v for k, v in os.environ.items() if k.startswith(PREFIX)}
                _say("Your Toggl Hire workspace, in a PostgreSQL of its own.")
            else:
                account = Account.example(candidates=120, in_progress=4)
                sandbox = stack.enter_context(Sandbox(account))
                settings = {
                    f"{PREFIX}API_KEY": sandbox.api_key,
                    f"{PREFIX}API_URL": sandbox.url,
                }
                _say("A made-up Toggl Hire workspace, in a PostgreSQL of its own.")
            postgres = stack.enter_context(Postgres())
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="demo-"))
            connection = stack.enter_context(postgres.connect())
            connection.execute("set timezone to 'UTC'; set search_path to toggl_hire")
            settings |= postgres.settings()
            _tell(Story(Project(Path(folder), settings), connection, sandbox))
    except (PipelineError, PostgresError) as error:
        sys.exit(f"\n{error}")


class Story:
    """What is told: loads, changes, and rows."""

    def __init__(
        self, project: Project, connection: psycopg.Connection, sandbox: Sandbox | None
    ) -> None:
        """Tell of a project that loads `sandbox`, or the real API, into a database."""
        self.sandbox = sandbox
        self._project = project
        self._connection = connection
        self._loaded: Any = None

    def load(self, *streams: str) -> None:
        """Run the pipeline once, and say what it asked for and what it wrote."""
        _say(f"   $ {COMMAND}")
        if self.sandbox:
            self.sandbox.stats.reset()
        started = time.monotonic()
        (self._loaded,) = self._rows("select localtimestamp")[1]
        self._project.run(*PLUGINS)
        took = f"{time.monotonic() - started:.0f} s"
        if self.sandbox:
            details = self.sandbox.stats.count("candidate")
            took = (
                f"{self.sandbox.stats.requests} requests, {details} of them for one "
                f"candidate each; {took}"
            )
        counts = [(s, *self._rows(COUNT.format(s), self._loaded)[1]) for s in streams]
        _show([("table", "rows", "written now"), *counts])
        _say(f"   {took}")

    def report(self) -> Path | None:
        """Build the models and the report; None where dbt is not installed."""
        if not (CHECKOUT / ".meltano/utilities/dbt-postgres").is_dir():
            return None
        self._project.run(*ANSWERS)
        page = CHECKOUT / "report.html"
        shutil.move(self._project.folder / page.name, page)
        return page

    def look(self, query: str, *, since_load: bool = False) -> None:
        """Show what a query returns."""
        _show(self._rows(query, *[self._loaded] * since_load))

    def _rows(self, query: str, *values: object) -> list[Sequence[Any]]:
        """The names of the columns, and the rows."""
        cursor = self._connection.execute(query.encode(), values or None)
        return [[c.name for c in cursor.description or ()], *cursor.fetchall()]


def _tell(story: Story) -> None:
    _say("\n1. The first load reads everything")
    story.load(*LISTS, *CANDIDATES)
    if story.sandbox:
        _say("\n2. Meanwhile, in Toggl Hire")
        _show(_change(story.sandbox.account))
        _say("\n3. The second load reads what changed, and nothing else in detail")
        story.load(*CANDIDATES)
        _say("\n   What it added to candidate_history:")
        story.look(HISTORY, since_load=True)
        _say("\n   What is left of the candidate who was deleted:")
        story.look(FORGOTTEN)
    else:
        _say("\n2. The second load reads what has changed since: hardly anything")
        story.load(*CANDIDATES)
    report = story.report() or "needs dbt, which is not for this Python yet"
    _say("\nWhere to go from here")
    _show(
        [
            ("README.md", "what is guaranteed, all settings, personal data"),
            ("examples/queries/", "questions to these tables, in SQL"),
            (".env.example", "copy it to .env, fill in your key and PostgreSQL, then"),
            ("", f".venv/bin/{COMMAND}"),
            ("report", report),
        ]
    )


def _change(account: Account) -> Iterable[Sequence[str]]:
    """Do what recruiters and candidates do all day, and say it."""
    rows = {row["id"]: row for row in account.list_rows() if row["name"]}
    graded, position, most = next(
        (candidate_id, position, question["points"])
        for candidate_id in rows
        for answers in [_points(account, candidate_id)]
        for position, question in enumerate(account.detail(candidate_id)["questions"])
        if answers.get(str(question["id"])) == 0
    )
    tagged, deleted = [one for one in rows if one != graded][:2]
    tag = account.tags()[-1]
    waiting = account.in_progress_ids()
    submitted = next(one for one in waiting if account.row(one)["name"])
    account.grade(graded, position, most)
    account.tag(tagged, tag["id"])
    account.submit(submitted)
    account.delete(deleted)
    late = account.row(submitted)
    name = {one: rows[one]["name"] for one in (graded, tagged, deleted)}
    return [
        ("graded", f"{name[graded]}: {most} points for answer {position + 1}"),
        ("tagged", f"{name[tagged]}: {tag['name']!r}"),
        ("submitted", f"{late['name']}, who had started on {late['started_at'][:10]}"),
        ("deleted", f"{name[deleted]}, who wanted to be forgotten"),
    ]


def _points(account: Account, candidate_id: str) -> dict[str, float]:
    answers = account.detail(candidate_id)["answers"]
    return {answer["question_id"]: answer["points"] for answer in answers}


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
    """The columns that a text takes in a terminal."""
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
