"""How long candidates stay in each step."""

from __future__ import annotations

from collections import defaultdict
from statistics import fmean
from typing import TYPE_CHECKING, Any

from toggl_hire_report import curves
from toggl_hire_report.figure import number
from toggl_hire_report.page import Section, Table
from toggl_hire_report.survival import Duration

if TYPE_CHECKING:
    from toggl_hire_report.context import Context
    from toggl_hire_report.figure import Figure
    from toggl_hire_report.page import Cells, Page
    from toggl_hire_report.warehouse import Row


def figures(context: Context) -> list[dict[str, Any]]:
    """Estimate how long candidates stay, until they move or are rejected.

    Steps of the same name in several openings are one. Stays that had begun before the
    first run are left out: when they began is not known.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for row in context.rows(
        "select workspace, job_opening_id, category, position "
        "from toggl_hire__stage_order order by workspace, job_opening_id, position"
    ):
        places[row["category"] or "(no category)"].append(row["position"])
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in context.rows(
        """
        select workspace, job_opening_id, category, valid_from, days, ended_by
        from toggl_hire__candidate_stages
        where days is not null and category_id is not null
            and not began_before_first_run
        """,
        day="valid_from",
    ):
        groups[row["category"] or "(no category)"].append(row)
    found = []
    for name in sorted(places, key=lambda name: (fmean(places[name]), name)):
        rows = groups[name]
        durations = [Duration(r["days"], r["ended_by"] is not None) for r in rows]
        ends = [row["ended_by"] for row in rows]
        curve = curves.figures(durations)
        del curve["curve"]
        over, rest = curve.pop("over"), curve.pop("rest")
        found.append(
            {
                "category": name,
                "ended": over,
                "still_there": rest,
                **curve,
                "moved_on": ends.count("moved on"),
                "moved_back": ends.count("moved back"),
                "rejected": ends.count("rejected"),
            }
        )
    return found


def section(page: Page) -> Section:
    """Write the section."""
    steps = [
        step
        for step in page.figures["stages"]
        if step.value["ended"] or step.value["still_there"]
    ]
    return Section(
        "Days in each step",
        "How long candidates stay until they are moved or rejected."
        if steps
        else "No stay in a step was observed yet.",
        tables=[Table([_row(step) for step in steps])] if steps else [],
        foot="In brackets: the interval of 95 %. Stays that had begun before the first "
        "run are left out.",
        is_half=True,
    )


def _row(step: Figure) -> Cells:
    return {
        "Step": step.value["category"],
        "Half within, days": step.estimate("median", number),
        "Moved on": step["moved_on"].count(),
        "Rejected": step["rejected"].count(),
        "There": step["still_there"].count(),
    }
