"""What happened in the last complete week, and so far in this one."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from toggl_hire_report.attention import day
from toggl_hire_report.context import ALL
from toggl_hire_report.figure import number
from toggl_hire_report.page import Section, Table, Tile

if TYPE_CHECKING:
    from toggl_hire_report.context import Context
    from toggl_hire_report.figure import Figure
    from toggl_hire_report.page import Cells, Page

COUNTED = {
    "finished": "Finished the test",
    "moved_on": "Moved on",
    "rejected": "Rejected",
    "possible_hires": "Possible hires",
}
WEEKS = 4
"""Weeks before the last one whose mean is the usual."""


def figures(context: Context) -> dict[str, Any]:
    """Count what happened in the last complete week, in those before it, and since.

    Returns:
        `first_day` and `last_day` of the week; `usual_weeks`, how many complete weeks
        of the four before it the usual is made of; `openings`: for all together and
        each of them the four counts; with the suffix `_usual`, the mean of those weeks;
        `so_far`, the counts of all together in the week of the last look, None on a
        Monday.
    """
    counts: dict[tuple[str, date], dict[str, int]] = defaultdict(
        lambda: dict.fromkeys(COUNTED, 0)
    )
    complete: dict[date, bool] = {}
    for row in context.rows(
        "select workspace, job_opening_id, week, is_complete, finished, moved_on, "
        "rejected, possible_hires from toggl_hire__openings_weekly"
    ):
        complete[row["week"]] = complete.get(row["week"], True) and row["is_complete"]
        for name in (ALL, row["opening"]):
            for column in COUNTED:
                counts[name, row["week"]][column] += row[column]
    observed = {week for week, is_complete in complete.items() if is_complete}
    last = max(observed, default=None)
    usual: list[date] = []
    if last is not None:
        before = {last - timedelta(weeks=n) for n in range(1, WEEKS + 1)}
        usual = sorted(before & observed)
    now = context.week if context.as_of and context.as_of.weekday() else None

    def compared(name: str, column: str) -> dict[str, float | None]:
        total = sum(counts[name, week][column] for week in usual)
        return {
            column: None if last is None else counts[name, last][column],
            f"{column}_usual": round(total / len(usual), 1) if usual else None,
        }

    return {
        "first_day": last and f"{last}",
        "last_day": last and f"{last + timedelta(days=6)}",
        "usual_weeks": len(usual),
        "openings": {
            name: {
                key: value
                for column in COUNTED
                for key, value in compared(name, column).items()
            }
            for name in (ALL, *(one.name for one in context.openings.values()))
        }
        if counts
        else {},
        "so_far": None if now is None else counts[ALL, now],
    }


def section(page: Page) -> Section:
    """Write the section."""
    week = page.figures["week"]
    if not week.value["openings"]:
        return Section("Last week", "There are no candidates yet.")
    openings = week["openings"]
    together = openings[page.all]
    rows = (
        []
        if page.is_one_opening
        else [_row(name, openings[name]) for name in page.shown]
    )
    return Section(
        "Last week",
        f"Monday, {day(week.value['first_day'])}, to Sunday, "
        f"{day(week.value['last_day'])}."
        if week.value["first_day"]
        else "No week was observed from its beginning to its end yet.",
        tiles=[
            Tile(label, together[name].count(), _notes(week, together, name))
            for name, label in COUNTED.items()
        ],
        tables=[Table(rows)] if rows else [],
        foot=_foot(week.value["usual_weeks"]),
    )


def _notes(week: Figure, together: Figure, name: str) -> list[Markup]:
    notes = []
    if together.value[f"{name}_usual"] is not None:
        usual = together[f"{name}_usual"].shown(number)
        notes.append(Markup("usually {}").format(usual))
    if week.value["so_far"] is not None:
        so_far = week["so_far"][name].count()
        notes.append(Markup("so far this week {}").format(so_far))
    return notes


def _row(name: str, counts: Figure) -> Cells:
    cells: Cells = {"Opening": name}
    for column, label in COUNTED.items():
        cells[label] = counts[column].count()
        if counts.value[f"{column}_usual"] is not None:
            usual = counts[f"{column}_usual"].shown(number)
            cells[label] = Markup("{} ({})").format(cells[label], usual)
    return cells


def _foot(weeks: int) -> str:
    usual = {0: "", 1: "In brackets: the week before. "}.get(
        weeks, f"Usually, and in brackets: the mean of {weeks} weeks before. "
    )
    return f"{usual}Moves and decisions count in the week of the run that saw them."
