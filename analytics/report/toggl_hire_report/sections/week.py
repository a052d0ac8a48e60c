"""What happened this week."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from toggl_hire_report.context import ALL
from toggl_hire_report.figure import number
from toggl_hire_report.page import Section, Table

if TYPE_CHECKING:
    from datetime import date

    from toggl_hire_report.context import Context
    from toggl_hire_report.page import Page

COUNTED = {
    "finished": "Finished the test",
    "moved_on": "Moved on",
    "rejected": "Rejected",
    "possible_hires": "Possible hires",
}
WEEKS = 4
"""Weeks whose mean is the usual."""


def figures(context: Context) -> dict[str, Any]:
    """Count what happened in the week of the last look, and in those before it.

    Returns:
        For all openings and each of them: the four counts; the same with the suffix
        `_last_week`; with `_usual`, the mean of the four weeks before, as far as they
        lie after the first run.
    """
    week = context.week
    if week is None:
        return {}
    counts: dict[tuple[str, date], dict[str, int]] = defaultdict(
        lambda: dict.fromkeys(COUNTED, 0)
    )
    for row in context.rows(
        "select workspace, job_opening_id, week, finished, moved_on, rejected, "
        "possible_hires from toggl_hire__openings_weekly"
    ):
        for name in (ALL, row["opening"]):
            for column in COUNTED:
                counts[name, row["week"]][column] += row[column] or 0
    firsts = [row["history_since"] for row in context.workspaces]
    first = min((one.date() for one in firsts if one), default=week)
    before = [week - timedelta(weeks=number) for number in range(1, WEEKS + 1)]
    before = [one for one in before if one >= first]
    count = context.audience.count
    found: dict[str, Any] = {}
    for name in (ALL, *(one.name for one in context.openings.values())):
        made: dict[str, float | None] = {}
        found[name] = made
        for column in COUNTED:
            made[column] = count(counts[name, week][column])
            last = before[0] if before else None
            made[f"{column}_last_week"] = (
                count(counts[name, last][column]) if last else None
            )
            total = count(sum(counts[name, one][column] for one in before))
            usual = None if total is None or not before else total / len(before)
            made[f"{column}_usual"] = None if usual is None else round(usual, 1)
    return found


def section(page: Page) -> Section:
    """Write the section."""
    found = page.figures["this_week"]
    if not found.value:
        return Section("This week", "There are no candidates yet.", foot=FOOT)
    week = found[page.all]
    rows = [
        {
            "": label,
            "This week": week[name].count(),
            "Week before": week[f"{name}_last_week"].count(),
            "Usual": week[f"{name}_usual"].shown(number),
        }
        for name, label in COUNTED.items()
    ]
    return Section(
        "This week",
        f"Since Monday, {page.figures.value['week']}.",
        tables=[Table(rows)],
        foot=FOOT,
    )


FOOT = (
    "Usual: the mean of the four weeks before. Moves and decisions count in the week "
    "of the run that saw them."
)
