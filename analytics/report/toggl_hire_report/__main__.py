"""Render the hiring report: `toggl-hire-report --output report.html`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from toggl_hire_report.page import render
from toggl_hire_report.warehouse import connect


def main() -> None:
    """Read the models, and write the page."""
    parser = argparse.ArgumentParser(
        prog="toggl-hire-report",
        description="Write the hiring report, one page to be read offline.",
        epilog="PostgreSQL is found by TARGET_POSTGRES_HOST, _PORT, _USER, _PASSWORD "
        "and _DATABASE, as dbt finds it.",
    )
    parser.add_argument("--duckdb", metavar="FILE", help="read this file instead")
    parser.add_argument(
        "--schema",
        default=os.environ.get("TOGGL_HIRE_MARTS_SCHEMA", "toggl_hire_marts"),
        help="of the models (%(default)s)",
    )
    parser.add_argument("--output", type=Path, default=Path("report.html"))
    given = parser.parse_args()
    with connect(given.schema, given.duckdb) as warehouse:
        page = render(warehouse)
    given.output.write_text(page, "utf-8")
    print(given.output.resolve())


if __name__ == "__main__":
    main()
