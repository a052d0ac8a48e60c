"""Render the hiring report: `toggl-hire-report --output report.html`."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from toggl_hire_report.audience import Audience
from toggl_hire_report.context import context
from toggl_hire_report.report import collect, render
from toggl_hire_report.sections import health
from toggl_hire_report.warehouse import ReportError, connect

NEEDS_ATTENTION = 3
"""The exit code of `--attention` if anything needs it."""


def main() -> None:
    """Read the models, and write the page."""
    parser = argparse.ArgumentParser(
        prog="toggl-hire-report",
        description="Write the hiring report: one page, to be read offline.",
        epilog="PostgreSQL is found by TARGET_POSTGRES_HOST, _PORT, _USER, _PASSWORD "
        "and _DATABASE, as dbt finds it; Snowflake by TARGET_SNOWFLAKE_ACCOUNT, _USER, "
        "_PASSWORD, _ROLE, _WAREHOUSE and _DATABASE; BigQuery by "
        "TARGET_BIGQUERY_PROJECT and _LOCATION.",
    )
    parser.add_argument("--duckdb", metavar="FILE", help="read this file instead")
    parser.add_argument(
        "--warehouse",
        choices=("postgres", "snowflake", "bigquery"),
        default="postgres",
        help="the engine, without --duckdb (%(default)s)",
    )
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
    parser.add_argument(
        "--names",
        action="store_true",
        help="name candidates, and give their e-mail, in place of their IDs: for the "
        "team that does the hiring",
    )
    parser.add_argument(
        "--groups",
        action="store_true",
        help="compare the groups that you have given (toggl_hire_groups): for those "
        "who answer for equal treatment, not for those who decide on candidates",
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
        "does, else with 0",
    )
    parser.add_argument("--output", type=Path, default=Path("report.html"))
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures, too")
    given = parser.parse_args()
    if given.reader == "others" and (
        given.names or given.groups or given.candidate_link
    ):
        parser.error("--names, --groups and --candidate-link are not for others.")
    audience = Audience(given.reader == "team", given.names, given.groups)
    personal = given.personal_schema or f"{given.schema}_personal"
    try:
        engine = "duckdb" if given.duckdb else given.warehouse
        with connect(given.schema, personal, engine, given.duckdb) as warehouse:
            about = context(warehouse, audience, given.opening, given.since)
            figures = collect(about, given.title)
    except ReportError as error:
        sys.exit(f"toggl-hire-report: {error}")
    if given.json is not None:
        text = json.dumps(figures, indent=1, ensure_ascii=False)
        given.json.write_text(f"{text}\n", "utf-8")
    if given.attention:
        now = datetime.now(UTC).replace(tzinfo=None)
        said = [*health.stale(about, now), *figures["attention"]]
        print(*said, sep="\n", end="\n" if said else "")
        sys.exit(NEEDS_ATTENTION if said else 0)
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
