"""Figures of a survival curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toggl_hire_report import survival

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toggl_hire_report.survival import Duration

MOST_POINTS = 90
LEAST_ENDS = 10
"""Fewer ends make no curve, as in `toggl_hire__openings`."""
TENTH = 0.1


def figures(durations: Sequence[Duration]) -> dict[str, Any]:
    """Estimate a curve, unless few were over.

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
    half = survival.median(steps)

    def share(days: float) -> float | None:
        if not steps or (steps[-1].days < days and steps[-1].share > 0):
            return None
        return round(survival.share_over(steps, days), 4)

    def rounded(days: float | None) -> float | None:
        return None if days is None else round(days, 1)

    every = max(len(steps) // MOST_POINTS, 1)
    drawn = [*steps[::every], *steps[-1:]]
    points = [[round(step.days, 1), round(step.share, 3)] for step in drawn]
    return {
        "over": over,
        "rest": sum(not one.is_over for one in durations),
        "median": rounded(half.days),
        "low": rounded(half.low),
        "high": rounded(half.high),
        "slowest_tenth": rounded(survival.quantile(steps, TENTH)),
        "within_7": share(7),
        "within_14": share(14),
        "curve": [[0.0, 1.0], *points] if points else [],
    }
