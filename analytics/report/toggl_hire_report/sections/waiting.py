"""What waits for the team: decisions, grading, retention."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from toggl_hire_report.audience import LEAST
from toggl_hire_report.page import Section

if TYPE_CHECKING:
    from toggl_hire_report.context import Context
    from toggl_hire_report.page import Page
    from toggl_hire_report.warehouse import Row


def figures(context: Context, waits: dict[str, Any]) -> list[dict[str, Any]]:
    """List what each open opening asks for: decisions and grading.

    Args:
        context: of the page.
        waits: the figures of `waits`, for the usual wait.
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
    found = []
    for opening in context.openings.values():
        rows, grading = waiting[opening.name], backlog.get(opening.name)
        if not opening.is_open or not (rows or grading):
            continue
        is_team, count = context.audience.is_team, context.audience.count
        named = waits.get(opening.name, {})
        found.append(
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
    return sorted(found, key=lambda one: -(one["waiting"] or 0))


def section(page: Page) -> Section:
    """Write the section."""
    items = [(ask["opening"], sentences(ask)) for ask in page.figures.value["asks"]]
    due = page.figures.value["health"]["retention_due"]
    if due:
        text = "; ".join(
            f"{name}: {number or f'fewer than {LEAST}'}" for name, number in due.items()
        )
        items.append(("Retention has ended", [f"{text}. Delete them in Toggl Hire."]))
    return Section(
        "What waits for you",
        "" if items else "Nothing: no candidate waits for a decision or a grader.",
        items=items,
    )


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
