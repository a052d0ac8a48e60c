"""How far candidates came, month by month."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from toggl_hire_report.figure import percent
from toggl_hire_report.page import Table
from toggl_hire_report.shares import conversion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toggl_hire_report.context import Context
    from toggl_hire_report.figure import Figure
    from toggl_hire_report.page import Cells, Page
    from toggl_hire_report.warehouse import Row

LISTED = 9


def figures(
    context: Context, rows: Sequence[Row], waits: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the cohorts of the first step.

    A month is still open if it is not over, or younger than the slowest tenth of waits.

    Args:
        context: of the page.
        rows: of `toggl_hire__funnel`.
        waits: the figures of `waits` for the same openings.
    """
    cohorts: dict[date, list[Row]] = defaultdict(list)
    for row in rows:
        if row["position"] == 1:
            cohorts[row["month"]].append(row)
    closed = date.max
    if context.as_of is not None:
        closed = context.as_of.date() - timedelta(days=waits["slowest_tenth"] or 0)
    return [
        {
            "month": f"{month:%Y-%m}",
            **conversion(cohort),
            "is_still_open": _next(month) > closed,
        }
        for month, cohort in sorted(cohorts.items())
    ]


def _next(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def tables(page: Page) -> list[Table]:
    """Write the table, if any month has candidates."""
    months = list(page.figures["funnel"][page.all]["months"])[-LISTED:]
    rows = [_row(month) for month in months]
    return (
        [Table(rows, "Month by month, the first step", is_open=False)] if rows else []
    )


def _row(month: Figure) -> Cells:
    mark = " *" if month.value["is_still_open"] else ""
    return {
        "Month": f"{month.value['month']}{mark}",
        "Finished": month["reached"].count(),
        "Go on": month["advanced"].count(),
        "Wait": month["waiting"].count(),
        "Go on, %": month.estimate("conversion", percent),
    }
