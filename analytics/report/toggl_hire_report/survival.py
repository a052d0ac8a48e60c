"""How long something takes, where not all of it was observed.

The estimate is Kaplan and Meier's with delayed entry: what is not over yet counts as
long as it has lasted (right censoring), and what had begun before the first run counts
from the day on which it was first observed (left truncation). Without the second rule,
waits that were over before the first run are missing, and long ones are in excess.
With it, all of the few at risk may end at once while others enter later: the curve
would stay at 0 for good, so such a moment is passed over (as in
`toggl_hire__openings`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from math import exp, log, sqrt
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HALF = 0.5
ROUNDING = 1e-9
"""A share of exactly one half may come out as a little more."""
Z = 1.959964
"""Quantile of the normal distribution for an interval of 95 %."""


class Duration(NamedTuple):
    """How many days something took or, where it is not over, has taken so far."""

    days: float
    is_over: bool
    entered: float = 0.0
    """Days after its beginning when it was first observed."""


class Step(NamedTuple):
    """The share for which it is not over after some days, with its interval."""

    days: float
    share: float
    low: float
    high: float
    at_risk: int
    over: int
    """How many ended at this step."""


def curve(durations: Iterable[Duration]) -> list[Step]:
    """Estimate the share that lasts longer than each number of days."""
    known = [one for one in durations if one.days > one.entered]
    entries = sorted(one.entered for one in known)
    exits = sorted(one.days for one in known)
    ends = Counter(one.days for one in known if one.is_over)
    share, variance = 1.0, 0.0
    steps = []
    for days, over in sorted(ends.items()):
        at_risk = bisect_left(entries, days) - bisect_left(exits, days)
        if over == at_risk and days < exits[-1]:
            continue
        share *= 1 - over / at_risk
        if share == 0:
            steps.append(Step(days, 0.0, 0.0, 0.0, at_risk, over))
            break
        variance += over / (at_risk * (at_risk - over))
        # Greenwood's variance, of log(-log(share)): it stays between 0 and 1.
        margin = exp(Z * sqrt(variance) / log(share))
        low, high = share ** (1 / margin), share**margin
        steps.append(Step(days, share, low, high, at_risk, over))
    return steps


class Median(NamedTuple):
    """Days after which it is over for half; None where that was not reached."""

    days: float | None
    low: float | None
    high: float | None


def median(steps: Sequence[Step]) -> Median:
    """Find where the curve and its band reach one half."""

    def reached(values: Iterable[float]) -> float | None:
        pairs = zip(steps, values, strict=True)
        return next(
            (step.days for step, value in pairs if value <= HALF + ROUNDING), None
        )

    return Median(
        reached(step.share for step in steps),
        reached(step.low for step in steps),
        reached(step.high for step in steps),
    )


def quantile(steps: Sequence[Step], share: float) -> float | None:
    """Find the days after which only a share is left; None if that was not reached."""
    return next((step.days for step in steps if step.share <= share + ROUNDING), None)


def share_over(steps: Sequence[Step], days: float) -> float:
    """Estimate the share for which it is over within some days."""
    return 1 - next((s.share for s in reversed(steps) if s.days <= days), 1.0)
