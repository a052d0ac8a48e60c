"""All figures of the page, as the page and `--json` have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toggl_hire_report.candidates import funnel, pipeline, scores, stages, waits
from toggl_hire_report.health import health
from toggl_hire_report.questions import distractors, questions
from toggl_hire_report.week import asks, this_week

if TYPE_CHECKING:
    from toggl_hire_report.context import Context

Figures = dict[str, Any]


def collect(context: Context) -> Figures:
    """Read the models and compute every figure; docs/report.md describes the keys."""
    waited = waits(context)
    judged = questions(context)
    as_of = context.as_of
    return {
        "workspaces": [row["workspace"] for row in context.workspaces],
        "as_of": f"{as_of:%Y-%m-%dT%H:%M:%SZ}" if as_of else None,
        "since": f"{context.since}" if context.since else None,
        "week": f"{context.week}" if context.week else None,
        "for": "team" if context.audience.is_team else "others",
        "openings": {
            one.name: {"is_open": one.is_open, "is_shown": one.name in context.shown}
            for one in context.openings.values()
        },
        "this_week": this_week(context),
        "asks": asks(context, waited),
        "funnel": funnel(context),
        "waits": waited,
        "stages": stages(context),
        "pipeline": pipeline(context),
        "scores": scores(context),
        **judged,
        "distractors": distractors(context, judged["questions"]),
        "health": health(context),
    }
