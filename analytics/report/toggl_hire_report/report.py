"""All figures, as `--json` has them, and the page that shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toggl_hire_report.attention import attention
from toggl_hire_report.figure import Figure
from toggl_hire_report.page import Page, html
from toggl_hire_report.sections import (
    dropouts,
    health,
    minutes,
    options,
    questions,
    scores,
    stages,
    waiting,
    waits,
    week,
)

if TYPE_CHECKING:
    from toggl_hire_report.context import Context

Figures = dict[str, Any]


def collect(
    context: Context, title: str | None, *, new_days: float, has_names: bool
) -> Figures:
    """Read the models and compute every figure; docs/report.md describes the keys.

    Args:
        context: of the page.
        title: the name of the team or the workspace.
        new_days: what began so many days before the last look is new.
        has_names: whether candidates who wait are named.
    """
    waited = waits.figures(context)
    waiting_for = waiting.figures(context, new_days=new_days, has_names=has_names)
    judged = questions.figures(context)
    trusted = health.figures(context, new_days)
    as_of = context.as_of
    return {
        "title": title,
        "workspaces": [row["workspace"] for row in context.workspaces],
        "as_of": f"{as_of:%Y-%m-%dT%H:%M:%SZ}" if as_of else None,
        "since": f"{context.since}" if context.since else None,
        "names": has_names,
        "openings": {
            one.name: {"is_open": one.is_open, "is_shown": one.name in context.shown}
            for one in context.openings.values()
        },
        "week": week.figures(context),
        "new_days": new_days,
        "attention": attention(waiting_for, trusted["drift"])._asdict(),
        "waiting": waiting_for,
        "funnel": dropouts.figures(context, waited),
        "waits": waited,
        "stages": stages.figures(context),
        "scores": scores.figures(context),
        "minutes": minutes.figures(context),
        **judged,
        "distractors": options.figures(context, judged["questions"]),
        "health": trusted,
    }


def render(figures: Figures, candidate_link: str | None = None) -> str:
    """Make the page; the same figures make the same bytes."""
    page = Page(Figure(figures), candidate_link)
    sections = [
        week.section(page),
        waiting.section(page),
        dropouts.section(page),
        waits.section(page),
        stages.section(page),
        scores.section(page),
        minutes.section(page),
        questions.section(page),
        options.section(page),
        health.section(page),
    ]
    return html(page, [section for section in sections if section])
