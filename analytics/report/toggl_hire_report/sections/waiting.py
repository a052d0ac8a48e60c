"""What waits for the team: decisions, grading, retention."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from markupsafe import Markup

from toggl_hire_report.context import ALL
from toggl_hire_report.figure import number, whole
from toggl_hire_report.page import Phrase, Section, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from toggl_hire_report.context import Context
    from toggl_hire_report.figure import Figure
    from toggl_hire_report.page import Cells, Page
    from toggl_hire_report.warehouse import Row

NAMED = 3
"""Candidates of a step who are named: those who wait longest."""
ROWS_LISTED = 24
FOOT = (
    "Longer than usual: nine of ten left the step sooner. Candidates whose retention "
    "has ended are counted, and not listed."
)
HASH = re.compile("[0-9a-f]{64}")
RETENTION = {
    "rejected": "rejected (delete them in Toggl Hire)",
    "undecided": "undecided (decide first)",
    "possible_hires": "possible hires (keep them only on another basis)",
}


def figures(
    context: Context,
    waits: dict[str, Any],
    stages: Sequence[dict[str, Any]],
    *,
    has_names: bool,
) -> dict[str, Any]:
    """Count who waits in each opening and step, what waits for a grader, and retention.

    A candidate waits until it is rejected or a possible hire, since it came to its
    step; longer than usual, if nine of ten leave that step sooner.

    Args:
        context: of the page.
        waits: the figures of `waits`.
        stages: the figures of `stages`.
        has_names: whether candidates are named.
    """
    waiting: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in _waiting(context):
        waiting[row["opening"]][row["category"] or "(no category)"].append(row)
    backlog = {
        row["opening"]: row
        for row in context.rows(
            "select workspace, job_opening_id, answers, undecided_candidates, "
            "oldest_days from toggl_hire__grading_backlog"
        )
    }
    usual = {stage["category"]: stage["slowest_tenth"] for stage in stages}
    found = []
    for opening in context.openings.values():
        name = opening.name
        of_all = waits[name]["slowest_tenth"] or waits[ALL]["slowest_tenth"]
        steps = [
            _step(category, rows, usual.get(category) or of_all, has_names=has_names)
            for category, rows in waiting[name].items()
        ]
        if steps or name in backlog:
            found.append(
                {
                    "opening": name,
                    "steps": steps,
                    **_together(list(waiting[name].values()), steps),
                    **_grading(backlog.get(name), of_all),
                }
            )
    return {
        "openings": found,
        "retention": _retention(context),
    }


def _waiting(context: Context) -> list[Row]:
    """Return the candidates who wait, the longest first in each step."""
    return context.rows("""
        select
            candidates.workspace,
            candidates.job_opening_id,
            candidates.candidate_id,
            candidates.name,
            candidates.email,
            candidates.category,
            coalesce(candidates.days_waiting, 0) as days,
            coalesce(retention.days_overdue >= 0, false) as is_due
        from toggl_hire__candidates as candidates
        left join toggl_hire__stage_order as steps
            on steps.workspace = candidates.workspace
            and steps.job_opening_id = candidates.job_opening_id
            and steps.category_id = candidates.category_id
        left join toggl_hire__retention_due as retention
            on retention.workspace = candidates.workspace
            and retention.candidate_id = candidates.candidate_id
        where candidates.is_waiting
        order by
            steps.position,
            candidates.category,
            candidates.days_waiting desc,
            candidates.candidate_id
    """)


def _step(
    category: str, rows: Sequence[Row], usual: float | None, *, has_names: bool
) -> dict[str, Any]:
    # Those who are due for deletion are counted, but nobody is asked to see them.
    named = [row for row in rows if not row["is_due"]][:NAMED]
    return {
        "category": category,
        "waiting": len(rows),
        "usual_days": usual,
        "beyond_usual": sum(usual is not None and row["days"] > usual for row in rows),
        "longest_days": round(rows[0]["days"]),
        "longest": [_candidate(row, has_names=has_names) for row in named],
    }


def _candidate(row: Row, *, has_names: bool) -> dict[str, Any]:
    candidate = {"id": row["candidate_id"], "days": round(row["days"])}
    if has_names:
        candidate |= {"name": _kept(row["name"]), "email": _kept(row["email"])}
    return candidate


def _kept(value: str | None) -> str | None:
    """A personal value, unless the tap hashed or dropped it."""
    return None if not value or HASH.fullmatch(value) else value


def _together(
    rows: Sequence[Sequence[Row]], steps: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    beyond = sum(
        step["usual_days"] is not None and row["days"] > step["usual_days"]
        for own, step in zip(rows, steps, strict=True)
        for row in own
    )
    longest = max((own[0]["days"] for own in rows), default=None)
    return {
        "waiting": sum(map(len, rows)),
        "beyond_usual": beyond,
        "longest_days": _rounded(longest),
    }


def _rounded(number: float | None) -> int | None:
    return None if number is None else round(number)


def _grading(backlog: Row | None, usual: float | None) -> dict[str, Any]:
    answers, undecided, oldest = 0, 0, None
    if backlog is not None:
        answers, undecided = backlog["answers"], backlog["undecided_candidates"]
        oldest = backlog["oldest_days"]
    return {
        "ungraded": answers,
        "ungraded_undecided": undecided,
        "ungraded_oldest_days": _rounded(oldest),
        "ungraded_usual_days": usual,
    }


def _retention(context: Context) -> dict[str, int]:
    """Count the candidates whose retention has ended, by what is to be done."""
    counts = dict.fromkeys(RETENTION, 0)
    states = {"rejected": "rejected", "possible-hire": "possible_hires"}
    for row in context.rows(
        "select workspace, job_opening_id, hire_state from toggl_hire__retention_due "
        "where days_overdue >= 0"
    ):
        counts[states.get(row["hire_state"], "undecided")] += 1
    return counts


def attention(found: dict[str, Any]) -> list[str]:
    """Say what asks for attention: who and what waits longer than usual, and retention.

    Args:
        found: the figures of this section.
    """
    said = []
    for opening in found["openings"]:
        parts = [*_overdue_decisions(opening), *_overdue_grading(opening)]
        if parts:
            said.append(f"{opening['opening']}: {'; '.join(parts)}.")
    ended = {state: count for state, count in found["retention"].items() if count}
    if ended:
        parts = [f"{count} {RETENTION[state]}" for state, count in ended.items()]
        number = sum(ended.values())
        of = "1 candidate" if number == 1 else f"{number} candidates"
        said.append(f"Retention has ended for {of}: {_listed(parts)}.")
    return said


def _overdue_decisions(opening: dict[str, Any]) -> Iterator[str]:
    number, longest = opening["beyond_usual"], opening["longest_days"]
    if number:
        verb = "candidate waits" if number == 1 else "candidates wait"
        text = f"{number} {verb} longer than usual for a decision"
        yield f"{text}, the longest for {days(longest)}" if longest else text


def _overdue_grading(opening: dict[str, Any]) -> Iterator[str]:
    number, oldest = opening["ungraded"], opening["ungraded_oldest_days"]
    usual = opening["ungraded_usual_days"]
    if number and oldest and usual and oldest > usual:
        verb = "answer waits" if number == 1 else "answers wait"
        yield f"{number} {verb} for a grader, the oldest for {days(oldest)}"


def _listed(texts: Sequence[str]) -> str:
    """Join texts with commas and an "and"."""
    *first, last = texts
    return f"{', '.join(first)} and {last}" if first else last


def days(number: float) -> str:
    """A number of days in words."""
    return "1 day" if number == 1 else f"{number:g} days"


def section(page: Page) -> Section:
    """Write the section."""
    openings = page.figures["waiting"]["openings"]
    rows = [
        _row(page, opening.value["opening"], step)
        for opening in openings
        for step in opening["steps"]
    ]
    said = page.figures.value["attention"]
    lead = ""
    if not said:
        lead = "Nothing waits longer than usual." if rows else "Nothing."
    return Section(
        "What waits for you",
        lead,
        items=said,
        tables=[Table(rows[:ROWS_LISTED])] if rows else [],
        foot=FOOT if rows else "",
    )


def _row(page: Page, name: str, step: Figure) -> Cells:
    candidates = [_shown(page, candidate) for candidate in step["longest"]]
    return {
        "Opening": name,
        "Step": step.value["category"],
        "Wait": step["waiting"].count(),
        "Longer than usual": step["beyond_usual"].count(),
        "Usual, days": step["usual_days"].shown(number),
        "Longest, days": step["longest_days"].shown(whole),
        "Begin with": Phrase("<br>").join(candidates),
    }


def _shown(page: Page, candidate: Figure) -> Markup:
    value = candidate.value
    name, email = value.get("name"), value.get("email")
    text = Markup("{}").format(f"{name} ({email})" if name and email else name or email)
    if not (name or email):
        text = candidate["id"].shown()
    if page.candidate_link:
        link = page.candidate_link.replace("{id}", quote(value["id"], safe=""))
        text = Markup('<a href="{}">{}</a>').format(link, text)
    return Markup("{}, {} days").format(text, candidate["days"].shown())
