"""Whether the data can be trusted: what they say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toggl_hire_report.figure import whole
from toggl_hire_report.page import Section, Table

if TYPE_CHECKING:
    from datetime import datetime

    from toggl_hire_report.context import Context
    from toggl_hire_report.page import Page

OF_A_WORKSPACE = {
    "history_since": "History is known since",
    "last_complete_run": "Last complete run",
    "failed_runs": "Failed runs",
    "longest_gap_days": "Longest gap between runs, days",
    "candidates_held": "Candidates, by the tap's account",
    "candidates_rows": "Candidates in the warehouse",
    "candidates_missing": "Missing in the warehouse",
}
OF_ALL = {
    "locked": "Seem to be locked on the workspace's plan",
    "erased": "Deleted in Toggl Hire, and erased here",
}


def figures(context: Context) -> dict[str, Any]:
    """Count what is held, missing, locked, due and erased.

    Returns:
        `workspaces`: for each one `history_since`, `last_complete_run`, `failed_runs`,
        `longest_gap_days`, `candidates_held` (by the tap's own account),
        `candidates_rows` (in the table), `candidates_missing`. In all of them
        together `locked` and `erased`; for the openings of the page `retention_due`.
    """
    count = context.audience.count
    (locked,) = context.warehouse.rows(
        "select count(*) as number from toggl_hire__candidates where seems_locked"
    )
    (erased,) = context.warehouse.rows(
        "select count(*) as number from toggl_hire__erasures"
    )
    due: dict[str, int] = {}
    for row in context.rows(
        "select workspace, job_opening_id from toggl_hire__retention_due "
        "where days_overdue >= 0"
    ):
        due[row["opening"]] = due.get(row["opening"], 0) + 1
    return {
        "workspaces": {
            row["workspace"]: {
                "history_since": moment(row["history_since"]),
                "last_complete_run": moment(row["last_run_completed_at"]),
                "failed_runs": row["failed_runs"],
                "longest_gap_days": row["longest_gap_days"]
                and round(row["longest_gap_days"], 1),
                "candidates_held": optional(context, row["candidates_held"]),
                "candidates_rows": optional(context, row["candidates_rows"]),
                "candidates_missing": optional(context, row["candidates_missing"]),
            }
            for row in context.workspaces
        },
        "locked": count(locked["number"]),
        "erased": count(erased["number"]),
        "retention_due": {name: count(number) for name, number in sorted(due.items())},
    }


def optional(context: Context, number: int | None) -> int | None:
    """A count that may be unknown."""
    return None if number is None else context.audience.count(int(number))


def moment(value: datetime | None) -> str | None:
    """A time to the minute."""
    return None if value is None else f"{value:%Y-%m-%d %H:%M} UTC"


def section(page: Page) -> Section:
    """Write the section."""
    found = page.figures["health"]
    workspaces = found["workspaces"]
    of_workspaces = [
        {
            "": label,
            **{one: workspaces[one][name].shown(whole) for one in workspaces.value},
        }
        for name, label in OF_A_WORKSPACE.items()
    ]
    of_all = [
        {"": label, "Candidates": found[name].count()} for name, label in OF_ALL.items()
    ]
    return Section(
        "Can these data be trusted?", tables=[Table(of_workspaces), Table(of_all)]
    )
