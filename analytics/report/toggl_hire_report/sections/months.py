"""How far candidates came, month by month."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING, Any

from toggl_hire_report.figure import percent
from toggl_hire_report.page import Section, Table
from toggl_hire_report.shares import conversion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toggl_hire_report.context import Context
    from toggl_hire_report.figure import Figure
    from toggl_hire_report.page import Cells, Page
    from toggl_hire_report.warehouse import Row

STILL_OPEN = 0.05
"""The share that may still wait in a month that is complete."""
LISTED = 9


def figures(context: Context, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the cohorts of the first step; one is complete if hardly any of it waits.

    Args:
        context: of the page.
        rows: of `toggl_hire__funnel`.
    """
    cohorts: dict[date, list[Row]] = defaultdict(list)
    for row in rows:
        if row["position"] == 1:
            cohorts[row["month"]].append(row)
    now = context.as_of.date().replace(day=1) if context.as_of else date.max
    found = []
    for month, cohort in sorted(cohorts.items()):
        waiting = sum(row["waiting"] for row in cohort)
        reached = sum(row["reached"] for row in cohort)
        found.append(
            {
                "month": f"{month:%Y-%m}",
                **conversion(context.audience, cohort),
                "is_complete": month < now and waiting <= STILL_OPEN * reached,
            }
        )
    return found


def section(page: Page) -> Section:
    """Write the section."""
    months = list(page.figures["funnel"][page.all]["months"])
    return Section(
        "Month by month",
        "Candidates by the month in which they finished the test, and how many "
        "went beyond the first step."
        if months
        else "No month has candidates yet.",
        tables=[Table([_row(month) for month in months[-LISTED:]])] if months else [],
        foot="* Not complete: more than 5 % still wait, or the month is not over, "
        "so the share will rise. In brackets: the interval of 95 %.",
    )


def _row(month: Figure) -> Cells:
    mark = "" if month.value["is_complete"] else " *"
    return {
        "Month": f"{month.value['month']}{mark}",
        "Finished": month["reached"].count(),
        "Go on": month["advanced"].count(),
        "Wait": month["waiting"].count(),
        "Go on, %": month.estimate("conversion", percent),
    }
