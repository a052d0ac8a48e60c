"""How long something takes, told also from those for whom it is not over yet."""

from __future__ import annotations

from itertools import groupby
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from toggl_hire_report.privacy import LEAST

if TYPE_CHECKING:
    from collections.abc import Iterable


class Duration(NamedTuple):
    """How long it took or, where it is not over, has taken so far."""

    days: float
    is_over: bool


class Step(NamedTuple):
    """The share of those for whom it is not over after some days."""

    days: int
    share: float


def curve(durations: Iterable[Duration]) -> list[Step]:
    """Estimate a survival curve after Kaplan and Meier, in whole days.

    Each step stands for at least five, and the curve ends where fewer are left.
    """
    # At the same time, those for whom it is over come first: the others were there.
    known = sorted(durations, key=lambda one: (ceil(one.days), not one.is_over))
    left, ended, share, end = len(known), 0, 1.0, 0
    steps = [Step(0, 1.0)] if left >= LEAST else []
    for days, group in groupby(known, key=lambda one: max(ceil(one.days), 0)):
        if left < LEAST:
            break
        end = days
        for one in group:
            if one.is_over:
                share *= 1 - 1 / left
                ended += 1
            left -= 1
        if ended >= LEAST <= left:
            steps.append(Step(days, share))
            ended = 0
    if steps and steps[-1].days < end:
        steps.append(Step(end, steps[-1].share))
    return steps


def median(steps: list[Step]) -> int | None:
    """Days after which it is over for half of them; None where it is for fewer."""
    return next((step.days for step in steps if step.share <= 0.5), None)  # noqa: PLR2004
