"""Who reads the page, and what the numbers may say to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAST = 5
"""For others, no number stands for fewer candidates."""
LEAST_OF_QUANTILES = 20
"""For others, no median, score or number of days is of fewer candidates."""
STEPS = 20
"""For others, shares are in steps of one in so many: 5 %."""


@dataclass(frozen=True)
class Audience:
    """The team sees every count; others see none that stands for few.

    For others, every count is rounded down to a multiple of five, and what is below
    five is left out, zero too. Shares are computed from these, in steps of 5 %.
    Medians, scores and days are whole numbers, from twenty candidates on. Whatever
    depends on an exact count in a known way, such as an interval, is for the team only:
    the count can be computed from it. Each number shown, and
    each left out, stands for five possible ones, so a difference of numbers that are
    shown says little of one that is not: a total of 5 to 9 candidates less a part of
    5 to 9 leaves 0 to 4.

    Attributes:
        is_team: whether it is the team that does the hiring.
        has_names: whether it sees the names of candidates.
        has_groups: whether it sees how groups of candidates compare.
    """

    is_team: bool
    has_names: bool = False
    has_groups: bool = False

    def count(self, number: int) -> int | None:
        """A count of candidates or of their answers, as it may be shown."""
        if self.is_team:
            return number
        return LEAST * (number // LEAST) or None

    def share(self, part: int, whole: int) -> float | None:
        """The share of a whole, as it may be shown."""
        shown, of = self.count(part), self.count(whole)
        if shown is None or not of:
            return None
        return shown / of if self.is_team else self.rounded(shown / of)

    def detail(self, value: float | None) -> float | None:
        """What gives an exact count away, such as an interval: for the team only."""
        return value if self.is_team else None

    def estimate(self, value: float | None, of: int) -> float | None:
        """A median, a score or a number of days that so many candidates make."""
        if value is None or self.is_team:
            return None if value is None else round(value, 1)
        return round(value, 0) if of >= LEAST_OF_QUANTILES else None

    def quantile(self, values: Sequence[float], share: float) -> float | None:
        """A quantile of sorted values, as it may be shown.

        A tenth is one of ten values at least.
        """
        if len(values) < max(share, 1 - share) / min(share, 1 - share) + 1:
            return None
        at = (len(values) - 1) * share
        low, part = int(at), at - int(at)
        high = min(low + 1, len(values) - 1)
        value = values[low] + part * (values[high] - values[low])
        return self.estimate(value, len(values))

    def rounded(self, share: float | None) -> float | None:
        """A share: for others in steps of 5 %."""
        if share is None:
            return None
        return (
            round(share, 4) if self.is_team else round(round(share * STEPS) / STEPS, 2)
        )
