"""What waits for the team: decisions, grading, retention."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from markupsafe import Markup

from toggl_hire_report.attention import MOST_SAID, RETENTION
from toggl_hire_report.figure import number, whole
from toggl_hire_report.limits import LEAST_DAYS, limits
from toggl_hire_report.page import Phrase, Section, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toggl_hire_report.context import Context
    from toggl_hire_report.figure import Figure
    from toggl_hire_report.limits import Limits
    from toggl_hire_report.page import Cells, Page
    from toggl_hire_report.warehouse import Row

NAMED = 3
"""Candidates of a step who are named: those who wait longest."""
ROWS_LISTED = 24
FOOT = (
    "Longer than usual: three times the median of the step, of its opening's waits if "
    "few left the step, or else of all waits; at least five days. Candidates whose "
    "retention has ended are counted, and not listed."
)
HASH = re.compile("[0-9a-f]{64}")


def figures(context: Context, *, new_days: float, has_names: bool) -> dict[str, Any]:
    """Count who waits in each opening and step, what waits for a grader, and retention.

    A candidate waits until it is rejected or a possible hire, since it came to its
    step; longer than usual, if that is beyond the limit of the step (`limits`). What
    cannot be counted for want of a limit is None.

    Args:
        context: of the page.
        new_days: what began so many days before the last look is new.
        has_names: whether candidates are named.
    """
    known = limits(context.warehouse)
    waiting: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    rows = _waiting(context)
    for row in rows:
        waiting[row["opening"]][row["category"] or "(no category)"].append(row)
    backlog = {
        row["opening"]: row
        for row in context.rows(
            "select workspace, job_opening_id, answers, undecided_candidates, "
            "oldest_days from toggl_hire__grading_backlog"
        )
    }
    found = []
    for key, opening in context.openings.items():
        name = opening.name
        steps = [
            {
                "category": category,
                **_waits(rows, known.of(category, key), new_days),
                "longest": _longest(rows, has_names=has_names),
            }
            for category, rows in waiting[name].items()
        ]
        if steps or name in backlog:
            found.append(
                {
                    "opening": name,
                    "steps": steps,
                    **_together(steps),
                    **_grading(backlog.get(name), known.of_all, new_days),
                }
            )
    return {
        "decisions": known.decisions,
        "is_too_early": known.is_too_early,
        "openings": found,
        "undecided": _undecided(context, known, rows, new_days),
        "retention": _retention(context, new_days),
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
            candidates.decision,
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


def _waits(rows: Sequence[Row], limit: float | None, new_days: float) -> dict[str, Any]:
    """Count those who wait, and those who wait longer than a limit."""
    beyond: list[float] = []
    if limit is not None:
        beyond = [row["days"] - limit for row in rows if row["days"] > limit]
    is_known = limit is not None
    return {
        "waiting": len(rows),
        "usual_days": _rounded(limit),
        "beyond_usual": len(beyond) if is_known else None,
        "beyond_usual_new": sum(days <= new_days for days in beyond)
        if is_known
        else None,
        "beyond_usual_longest_days": round(rows[0]["days"]) if beyond else None,
        "longest_days": round(rows[0]["days"]),
    }


def _longest(rows: Sequence[Row], *, has_names: bool) -> list[dict[str, Any]]:
    # Those who are due for deletion are counted, but nobody is asked to see them.
    named = [row for row in rows if not row["is_due"]][:NAMED]
    return [_candidate(row, has_names=has_names) for row in named]


def _candidate(row: Row, *, has_names: bool) -> dict[str, Any]:
    candidate = {"id": row["candidate_id"], "days": round(row["days"])}
    if has_names:
        candidate |= {"name": _kept(row["name"]), "email": _kept(row["email"])}
    return candidate


def _kept(value: str | None) -> str | None:
    """A personal value, unless the tap hashed or dropped it."""
    return None if not value or HASH.fullmatch(value) else value


def _together(steps: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Sum the steps of an opening; what no step knows is None."""

    def known(name: str) -> list[int]:
        return [step[name] for step in steps if step[name] is not None]

    counts = ("beyond_usual", "beyond_usual_new")
    return {
        "waiting": sum(known("waiting")),
        **{name: sum(known(name)) if known(name) else None for name in counts},
        "beyond_usual_longest_days": max(
            known("beyond_usual_longest_days"), default=None
        ),
        "longest_days": max(known("longest_days"), default=None),
    }


def _grading(
    backlog: Row | None, limit: float | None, new_days: float
) -> dict[str, Any]:
    answers, undecided, oldest = 0, 0, None
    if backlog is not None:
        answers, undecided = backlog["answers"], backlog["undecided_candidates"]
        oldest = backlog["oldest_days"]
    beyond = oldest - limit if limit is not None and oldest is not None else 0
    return {
        "ungraded": answers,
        "ungraded_undecided": undecided,
        "ungraded_oldest_days": None if oldest is None else round(oldest),
        "ungraded_usual_days": _rounded(limit),
        "is_ungraded_beyond_usual": None if limit is None else beyond > 0,
        "is_ungraded_new": None if limit is None else 0 < beyond <= new_days,
    }


def _undecided(
    context: Context, known: Limits, waiting: Sequence[Row], new_days: float
) -> dict[str, Any]:
    """Count those without a decision, where so many have none that none is usual.

    New is a candidate who came to wait longer than the least of all limits.
    """
    days = [row["days"] for row in waiting if row["decision"] == "waiting"]
    if known.is_too_early or known.of_all is not None or not days:
        days = []
    of = sum(
        row["candidates"]
        for row in context.rows(
            "select workspace, job_opening_id, candidates from toggl_hire__openings"
        )
    )
    return {
        "candidates": len(days),
        "of": of,
        "longest_days": round(max(days)) if days else None,
        "is_new": any(0 < one - LEAST_DAYS <= new_days for one in days),
    }


def _retention(context: Context, new_days: float) -> dict[str, int]:
    """Count the candidates whose retention has ended, by what is to be done."""
    states = {"rejected": "rejected", "possible-hire": "possible_hires"}
    counts = dict.fromkeys((*RETENTION, "possible_hires"), 0)
    counts |= {f"{state}_new": 0 for state in RETENTION}
    for row in context.rows(
        "select workspace, job_opening_id, hire_state, days_overdue "
        "from toggl_hire__retention_due where days_overdue >= 0"
    ):
        state = states.get(row["hire_state"], "undecided")
        counts[state] += 1
        if state in RETENTION and row["days_overdue"] <= new_days:
            counts[f"{state}_new"] += 1
    return counts


def _rounded(days: float | None) -> float | None:
    return None if days is None else round(days, 1)


def section(page: Page) -> Section:
    """Write the section."""
    figures = page.figures["waiting"]
    found = [
        (opening.value["opening"], step)
        for opening in figures["openings"]
        for step in opening["steps"]
    ]
    found.sort(
        key=lambda one: (
            not one[1].value["beyond_usual"],
            -one[1].value["longest_days"],
        )
    )
    rows = [_row(page, name, step) for name, step in found]
    said = _said(page.figures.value["attention"])
    return Section(
        "Waiting for you",
        _lead(figures.value, is_empty=not (rows or said)),
        items=said,
        tables=[Table(rows[:ROWS_LISTED], more=len(rows[ROWS_LISTED:]))]
        if rows
        else [],
        foot=" ".join((FOOT, *_kept_hires(figures.value["retention"]))) if rows else "",
    )


def _lead(figures: dict[str, Any], *, is_empty: bool) -> str:
    if is_empty:
        return "Nothing."
    if figures["is_too_early"]:
        return "Too few decisions yet to say what is longer than usual."
    known = [one["beyond_usual"] for one in figures["openings"] if one["steps"]]
    if not any(known) and None not in known:
        return "Nobody has been waiting longer than usual."
    return ""


def _said(attention: dict[str, Any]) -> list[str]:
    """The first sentences, and what else there is."""
    new, standing = attention["new"], attention["standing"]
    more = len(new) - MOST_SAID
    return [
        *new[:MOST_SAID],
        *([f"And {more} more: in the table below."] if more > 0 else []),
        *([standing] if standing else []),
    ]


def _kept_hires(retention: dict[str, int]) -> list[str]:
    count = retention["possible_hires"]
    if not count:
        return []
    of = "1 possible hire" if count == 1 else f"{count:,} possible hires"
    return [f"Retention has ended for {of}: keep them only on another basis."]


def _row(page: Page, name: str, step: Figure) -> Cells:
    candidates = [_shown(page, candidate) for candidate in step["longest"]]
    return {
        "Opening": name,
        "Step": step.value["category"],
        "Wait": step["waiting"].count(),
        "Longer than usual": step["beyond_usual"].count(),
        "Limit, days": step["usual_days"].shown(number),
        "Longest, days": step["longest_days"].shown(whole),
        "Start with": Phrase("<br>").join(candidates),
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
