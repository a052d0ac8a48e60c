"""What the data say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from toggl_hire_report.context import Context


def health(context: Context) -> dict[str, Any]:
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
