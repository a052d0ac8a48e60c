"""Render the hiring report: `toggl-hire-report --output report.html`."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from toggl_hire_report.context import context
from toggl_hire_report.report import collect, render
from toggl_hire_report.sections import health
from toggl_hire_report.warehouse import ReportError, connect

NEEDS_ATTENTION = 3
"""The exit code of `--attention` if something is new, or loading failed."""


def main() -> None:
    """Read the models, and write the page."""
    parser = argparse.ArgumentParser(
        prog="toggl-hire-report",
        description="Write the hiring report: one page, to be read offline.",
        epilog="PostgreSQL is found by TARGET_POSTGRES_HOST, _PORT, _USER, _PASSWORD "
        "and _DATABASE, as dbt finds it.",
    )
    parser.add_argument("--duckdb", metavar="FILE", help="read this file instead")
    parser.add_argument(
        "--schema",
        default=os.environ.get("TOGGL_HIRE_MARTS_SCHEMA", "toggl_hire_marts"),
        help="of the aggregates (%(default)s)",
    )
    parser.add_argument(
        "--personal-schema", help="of the other models (default: SCHEMA_personal)"
    )
    parser.add_argument(
        "--since",
        type=date.fromisoformat,
        metavar="DATE",
        help="begin here, not before",
    )
    parser.add_argument("--opening", metavar="NAME", help="only this one; or its ID")
    parser.add_argument("--title", metavar="NAME", help="of the team or the workspace")
    parser.add_argument(
        "--names",
        action="store_true",
        help="name candidates, and give their e-mail, in place of their IDs: for the "
        "team that does the hiring",
    )
    parser.add_argument(
        "--candidate-link",
        metavar="URL",
        type=candidate_link,
        help="of a candidate's page, with {id} for the ID",
    )
    parser.add_argument(
        "--attention",
        action="store_true",
        help="write no page; print what needs attention, and exit with 3 if anything "
        "is new, or if loading failed or is stale, else with 0",
    )
    parser.add_argument(
        "--new-days",
        type=float,
        default=7,
        metavar="DAYS",
        help="new is what began so many days before the last look (%(default)s); a "
        "daily job says 1",
    )
    parser.add_argument("--output", type=Path, default=Path("report.html"))
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures, too")
    given = parser.parse_args()
    personal = given.personal_schema or f"{given.schema}_personal"
    try:
        with connect((given.schema, personal), given.duckdb) as warehouse:
            about = context(warehouse, given.opening, given.since)
            figures = collect(
                about, given.title, new_days=given.new_days, has_names=given.names
            )
    except ReportError as error:
        sys.exit(f"toggl-hire-report: {error}")
    if given.json is not None:
        text = json.dumps(figures, indent=1, ensure_ascii=False)
        given.json.write_text(f"{text}\n", "utf-8")
    if given.attention:
        now = datetime.now(UTC).replace(tzinfo=None)
        new = [*health.stale(about, now), *figures["attention"]["new"]]
        standing = figures["attention"]["standing"]
        for line in (*new, *([standing] if standing else [])):
            print(line)
        sys.exit(NEEDS_ATTENTION if new else 0)
    given.output.write_text(render(figures, given.candidate_link), "utf-8")
    print(given.output.resolve())


def candidate_link(text: str) -> str:
    """Return an address that has a place for the ID."""
    if not re.match("https?://", text) or "{id}" not in text:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not an address such as https://example.com/candidates/{{id}}"
        )
    return text


if __name__ == "__main__":
    main()
