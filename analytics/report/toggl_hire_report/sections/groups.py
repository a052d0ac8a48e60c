"""Whether groups of candidates go on alike, where a team has given groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toggl_hire_report.figure import percent, signed_percent
from toggl_hire_report.page import Section, Table

if TYPE_CHECKING:
    from toggl_hire_report.context import Context
    from toggl_hire_report.figure import Figure
    from toggl_hire_report.page import Cells, Page


def figures(context: Context) -> list[dict[str, Any]]:
    """Return the groups that are large enough, if the page shows groups.

    Returns:
        For each opening and group `candidates`, `advanced`, their `rate`, the
        `others_rate` of all others in the opening, the `ratio` of both, and their
        `difference` with `low` and `high`.
    """
    if not context.audience.has_groups:
        return []
    rows = context.rows("""
        select
            workspace, job_opening_id, group_name, candidates, advanced,
            rate, others_rate, ratio, difference, difference_low, difference_high
        from toggl_hire__adverse_impact
        where difference is not null
        order by group_name
    """)
    order = [opening.name for opening in context.openings.values()]
    return [
        {
            "opening": row["opening"],
            "group": row["group_name"],
            "candidates": row["candidates"],
            "advanced": row["advanced"],
            "rate": round(row["rate"], 4),
            "others_rate": round(row["others_rate"], 4),
            "ratio": None if row["ratio"] is None else round(row["ratio"], 2),
            "difference": round(row["difference"], 4),
            "low": round(row["difference_low"], 4),
            "high": round(row["difference_high"], 4),
        }
        for row in sorted(rows, key=lambda row: order.index(row["opening"]))
    ]


def section(page: Page) -> Section | None:
    """Write the section, if there are groups."""
    groups = [
        group
        for group in page.figures["groups"]
        if group.value["opening"] in page.shown
    ]
    if not groups:
        return None
    return Section(
        "Groups that you have given",
        "How many of a group went beyond the first step, beside all others of the "
        "opening. A difference is a reason to look, not a violation.",
        tables=[Table([_row(group) for group in groups])],
        foot="Ratio: below 0.8 by the four-fifths rule. In brackets: the interval of "
        "95 %; of many groups, some lie outside by chance. Small groups are left out.",
    )


def _row(group: Figure) -> Cells:
    return {
        "Opening": group.value["opening"],
        "Group": group.value["group"],
        "Candidates": group["candidates"].count(),
        "Go on, %": group["rate"].shown(percent),
        "Others, %": group["others_rate"].shown(percent),
        "Ratio": group["ratio"].shown(lambda ratio: f"{ratio:.2f}"),
        "Difference, points": group.estimate("difference", signed_percent),
    }
