"""How many minutes candidates take for the test."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from toggl_hire_report.figure import number
from toggl_hire_report.page import Section, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toggl_hire_report.context import Context
    from toggl_hire_report.figure import Figure
    from toggl_hire_report.page import Cells, Page

TITLE = "How long the test takes"


def figures(context: Context) -> dict[str, Any]:
    """Find the usual and the shortest times.

    Returns:
        For each opening: `candidates`, the `median` of their minutes, and the
        `quickest_tenth`, within which a tenth of them was done.
    """
    groups: dict[str, list[float]] = defaultdict(list)
    for row in context.rows(
        """
        select workspace, job_opening_id, finished_at, minutes_taken
        from toggl_hire__candidates
        where minutes_taken >= 0
        order by minutes_taken
        """,
        day="finished_at",
    ):
        groups[row["opening"]].append(row["minutes_taken"])
    return {
        opening.name: {
            "candidates": len(minutes),
            "median": quantile(minutes, 0.5),
            "quickest_tenth": quantile(minutes, 0.1),
        }
        for opening in context.openings.values()
        if (minutes := groups[opening.name])
    }


def quantile(values: Sequence[float], share: float) -> float | None:
    """A quantile of sorted values; a tenth needs ten values at least."""
    if len(values) < max(share, 1 - share) / min(share, 1 - share) + 1:
        return None
    at = (len(values) - 1) * share
    low, part = int(at), at - int(at)
    high = min(low + 1, len(values) - 1)
    return round(values[low] + part * (values[high] - values[low]), 1)


def section(page: Page) -> Section:
    """Write the section."""
    found = page.figures["minutes"]
    names = [
        name
        for name in page.shown
        if name in found.value and found.value[name]["median"] is not None
    ]
    return Section(
        TITLE,
        "Minutes from the start of the test to its end. A half that takes hours: the "
        "test is too long. A tenth that takes few minutes: its answers may be copied."
        if names
        else "Too few candidates have finished a test.",
        tables=[Table([_row(name, found[name]) for name in names])] if names else [],
        is_half=True,
    )


def _row(name: str, minutes: Figure) -> Cells:
    return {
        "Opening": name,
        "Half within, minutes": minutes["median"].shown(number),
        "Quickest tenth within": minutes["quickest_tenth"].shown(number),
        "Candidates": minutes["candidates"].count(),
    }
