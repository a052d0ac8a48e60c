"""Figures of a survival curve, as the page's reader may see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toggl_hire_report import survival
from toggl_hire_report.audience import LEAST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toggl_hire_report.audience import Audience
    from toggl_hire_report.survival import Duration, Step

MOST_POINTS = 90
LEAST_ENDS = 10
"""Fewer ends make no curve, as in `toggl_hire__openings`."""
TENTH = 0.1


def figures(audience: Audience, durations: Sequence[Duration]) -> dict[str, Any]:
    """Estimate a curve, unless few were over; for others, each step stands for five.

    Returns:
        `over` and `rest` (how many were observed), `median` with `low` and `high`,
        `slowest_tenth` (days after which nine tenths are over), `within_7`, `within_14`
        (shares that were over by then), and `curve` (pairs of days and the share that
        lasts longer).
    """
    steps = survival.curve(durations)
    known = [one for one in durations if one.days > one.entered]
    over = sum(one.is_over for one in known)
    if over < LEAST_ENDS:
        steps = []
    if not audience.is_team:
        steps = survival.thinned(steps, LEAST)
    half = survival.median(steps)

    def share(days: float) -> float | None:
        if not steps or (steps[-1].days < days and steps[-1].share > 0):
            return None
        return audience.rounded(survival.share_over(steps, days))

    def rounded(days: float | None) -> float | None:
        return audience.estimate(days, len(known))

    every = max(len(steps) // MOST_POINTS, 1)
    drawn = [*steps[::every], *steps[-1:]]
    return {
        "over": audience.count(over),
        "rest": audience.count(sum(not one.is_over for one in durations)),
        "median": rounded(half.days),
        "low": audience.detail(rounded(half.low)),
        "high": audience.detail(rounded(half.high)),
        "slowest_tenth": rounded(survival.quantile(steps, TENTH)),
        "within_7": share(7),
        "within_14": share(14),
        "curve": _drawn(audience, drawn),
    }


def _drawn(audience: Audience, steps: Sequence[Step]) -> list[list[float]]:
    """Return the points of a curve; for others, in whole days."""
    if not steps:
        return []
    if audience.is_team:
        return [
            [0.0, 1.0],
            *([round(step.days, 1), round(step.share, 3)] for step in steps),
        ]
    days = {round(step.days): audience.rounded(step.share) or 0.0 for step in steps}
    return [[float(day), share] for day, share in ({0: 1.0} | days).items()]
