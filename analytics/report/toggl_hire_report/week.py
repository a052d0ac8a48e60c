"""What happened this week, and what waits for the team."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from toggl_hire_report.audience import LEAST
from toggl_hire_report.context import ALL

if TYPE_CHECKING:
    from datetime import date

    from toggl_hire_report.context import Context
    from toggl_hire_report.warehouse import Row

COUNTED = ("finished", "moved_on", "rejected", "possible_hires")
WEEKS = 4
"""Weeks whose mean is the usual."""


def this_week(context: Context) -> dict[str, Any]:
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
    figures: dict[str, Any] = {}
    for name in (ALL, *(one.name for one in context.openings.values())):
        made: dict[str, float | None] = {}
        figures[name] = made
        for column in COUNTED:
            made[column] = count(counts[name, week][column])
            last = before[0] if before else None
            made[f"{column}_last_week"] = (
                count(counts[name, last][column]) if last else None
            )
            total = count(sum(counts[name, one][column] for one in before))
            usual = None if total is None or not before else total / len(before)
            made[f"{column}_usual"] = None if usual is None else round(usual, 1)
    return figures


def asks(context: Context, waits: dict[str, Any]) -> list[dict[str, Any]]:
    """List what each open opening asks for: decisions and grading.

    Args:
        context: of the page.
        waits: the figures of `candidates.waits`, for the usual wait.
    """
    waiting: dict[str, list[Row]] = defaultdict(list)
    for row in context.rows("""
        select workspace, job_opening_id, candidate_id, days_waiting
        from toggl_hire__candidates
        where decision = 'waiting' and days_waiting is not null
        order by days_waiting desc, candidate_id
    """):
        waiting[row["opening"]].append(row)
    backlog = {
        row["opening"]: row
        for row in context.rows(
            "select workspace, job_opening_id, answers, candidates, "
            "undecided_candidates, oldest_days from toggl_hire__grading_backlog"
        )
    }
    figures = []
    for opening in context.openings.values():
        rows, grading = waiting[opening.name], backlog.get(opening.name)
        if not opening.is_open or not (rows or grading):
            continue
        is_team, count = context.audience.is_team, context.audience.count
        named = waits.get(opening.name, {})
        figures.append(
            {
                "opening": opening.name,
                "waiting": count(len(rows)),
                "longest_days": round(rows[0]["days_waiting"])
                if rows and is_team
                else None,
                "longest_ids": [r["candidate_id"] for r in rows[:3]] if is_team else [],
                "usual_days": named.get("median"),
                "ungraded": count(grading["answers"] if grading else 0),
                "ungraded_undecided": count(
                    grading["undecided_candidates"] if grading else 0
                ),
                "ungraded_oldest_days": round(grading["oldest_days"] or 0)
                if grading and is_team
                else None,
            }
        )
    return sorted(figures, key=lambda one: -(one["waiting"] or 0))


def sentences(ask: dict[str, Any]) -> list[str]:
    """Say what an opening asks for."""
    said = []
    if ask["waiting"] != 0:
        number = ask["waiting"] or f"fewer than {LEAST}"
        text = f"{number} {'waits' if number == 1 else 'wait'} for a decision"
        if ask["longest_days"] is not None:
            text += f", the longest for {days(ask['longest_days'])}"
            usual = ask["usual_days"]
            if usual and ask["longest_days"] >= 1.5 * usual:
                times = ask["longest_days"] / usual
                text += f" ({times:.1f} times the usual {days(usual)})"
        if ask["longest_ids"]:
            text += f". Decide first: {', '.join(ask['longest_ids'])}"
        said.append(f"{text}.")
    if ask["ungraded"] != 0:
        number = ask["ungraded"] or f"fewer than {LEAST}"
        text = (
            f"{number} {'answer waits' if number == 1 else 'answers wait'} for a grader"
        )
        if ask["ungraded_oldest_days"] is not None:
            text += f", the oldest for {days(ask['ungraded_oldest_days'])}"
        if ask["ungraded_undecided"]:
            text += f"; {ask['ungraded_undecided']} of the candidates are undecided"
        said.append(f"{text}.")
    return said


def days(number: float) -> str:
    """A number of days in words."""
    return "1 day" if number == 1 else f"{number:g} days"
