"""Render the hiring report: `toggl-hire-report --output report.html`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import date
from pathlib import Path

from toggl_hire_report.audience import Audience
from toggl_hire_report.context import context
from toggl_hire_report.report import collect, render
from toggl_hire_report.warehouse import ReportError, connect


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
        "--for",
        dest="reader",
        choices=("team", "others"),
        default="team",
        help="who reads it: the hiring team or others; for others, counts are "
        "rounded down to multiples of 5, and questions are left out (%(default)s)",
    )
    parser.add_argument(
        "--since",
        type=date.fromisoformat,
        metavar="DATE",
        help="begin here, not before",
    )
    parser.add_argument("--opening", metavar="NAME", help="only this one; or its ID")
    parser.add_argument("--title", metavar="NAME", help="of the team or the workspace")
    parser.add_argument("--output", type=Path, default=Path("report.html"))
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures, too")
    given = parser.parse_args()
    personal = given.personal_schema or f"{given.schema}_personal"
    try:
        with connect(given.schema, personal, given.duckdb) as warehouse:
            audience = Audience(is_team=given.reader == "team")
            about = context(warehouse, audience, given.opening, given.since)
            figures = collect(about, given.title)
    except ReportError as error:
        sys.exit(f"toggl-hire-report: {error}")
    given.output.write_text(render(figures), "utf-8")
    if given.json is not None:
        text = json.dumps(figures, indent=1, ensure_ascii=False)
        given.json.write_text(f"{text}\n", "utf-8")
    print(given.output.resolve())


if __name__ == "__main__":
    main()
