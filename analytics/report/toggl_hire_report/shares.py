"""Shares of candidates, with their intervals."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

from toggl_hire_report.survival import Z

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toggl_hire_report.warehouse import Row

COUNTS = ("reached", "advanced", "rejected", "waiting", "erased")


def conversion(rows: Sequence[Row]) -> dict[str, Any]:
    """Sum rows of `toggl_hire__funnel`, and estimate the share that went on."""
    sums = {name: sum(row[name] for row in rows) for name in COUNTS}
    share, low, high = None, None, None
    if sums["reached"]:
        share = sums["advanced"] / sums["reached"]
        low, high = wilson(share, sums["reached"])
    return {
        **sums,
        "conversion": None if share is None else round(share, 4),
        "low": low,
        "high": high,
    }


def wilson(share: float, of: int) -> tuple[float, float]:
    """Return Wilson's interval of 95 % of a share."""
    z = Z**2 / of
    center = (share + z / 2) / (1 + z)
    margin = sqrt(z * share * (1 - share) + z * z / 4) / (1 + z)
    return round(max(center - margin, 0), 4), round(min(center + margin, 1), 4)
