"""How long candidates wait for a decision."""

from __future__ import annotations

from collections import defaultdict
from math import inf
from typing import TYPE_CHECKING, Any

from toggl_hire_report import charts, curves
from toggl_hire_report.context import ALL
from toggl_hire_report.curves import LEAST_ENDS
from toggl_hire_report.figure import number, percent
from toggl_hire_report.page import Chart, Section, Table
from toggl_hire_report.survival import Duration

if TYPE_CHECKING:
    from toggl_hire_report.context import Context
    from toggl_hire_report.figure import Figure
    from toggl_hire_report.page import Cells, Page

TITLE = "How long they wait for a decision"


def figures(context: Context) -> dict[str, Any]:
    """Estimate the waits of all openings together, and of each.

    Returns:
        `median` days with `low` and `high`, `slowest_tenth` (days after which nine
        tenths are decided), `within_7` and `within_14` (shares decided by then),
        `decided` (how many were observed, erased ones included), `curve` (pairs of days
        and the share that still waits).
    """
    groups: dict[str, list[Duration]] = defaultdict(list)
    for row in context.rows(
        """
        select
            workspace, job_opening_id, began_at, entered_after_days, days_undecided,
            is_decided
        from toggl_hire__waits
        """,
        day="began_at",
    ):
        duration = Duration(
            row["days_undecided"], row["is_decided"], row["entered_after_days"]
        )
        groups[ALL].append(duration)
        groups[row["opening"]].append(duration)
    found = {}
    for name in (ALL, *(opening.name for opening in context.openings.values())):
        curve = curves.figures(groups[name])
        del curve["rest"]
        found[name] = {"decided": curve.pop("over"), **curve}
    return found


def section(page: Page) -> Section:
    """Write the section."""
    found = page.figures["waits"]
    names = list(dict.fromkeys((page.all, *page.shown)))
    names = [name for name in names if found.value[name]["curve"]]
    if not names:
        return Section(TITLE, "Too few decisions were observed yet.")
    slowest = max(names, key=lambda name: _median(found.value[name]))
    drawn = list(dict.fromkeys((names[0], slowest)))
    series: list[charts.Points] = [
        [(days, 100 * share) for days, share in found.value[name]["curve"]]
        for name in drawn
    ]
    axes = "days since the test", "still wait, %"
    return Section(
        TITLE,
        _lead(found.value, names[0], slowest),
        legend=[
            (charts.line_key(place), _title(name)) for place, name in enumerate(drawn)
        ],
        charts=[Chart(charts.lines(series, axes, top=100))],
        label="Lines of the share that still waits, by days since the test",
        tables=[Table([_row(name, found[name]) for name in names])],
        foot="Kaplan-Meier estimate: those who still wait count as long as known, the "
        "erased as well. "
        "In brackets: the interval of 95 %. "
        f"Openings with fewer than {LEAST_ENDS} decisions are left out: too few yet.",
    )


def _title(name: str) -> str:
    return "All openings" if name == ALL else name


def _median(waits: dict[str, Any]) -> float:
    """The median; one that was not reached is the largest."""
    return inf if waits["median"] is None else float(waits["median"])


def _lead(waits: dict[str, Any], first: str, slowest: str) -> str:
    median = waits[first]["median"]
    if median is None:
        return "Fewer than half have a decision yet."
    text = f"Half of the candidates have a decision within {median:g} days"
    if slowest == first:
        return f"{text}."
    longest = waits[slowest]["median"]
    if longest is None:
        return f"{text}; in the slowest opening, {slowest}, fewer than half have one."
    return f"{text}; in the slowest opening, {slowest}, within {longest:g} days."


def _row(name: str, wait: Figure) -> Cells:
    return {
        "Opening": _title(name),
        "Half within, days": wait.estimate("median", number),
        "9 of 10 within, days": wait["slowest_tenth"].shown(number),
        "In 7 days, %": wait["within_7"].shown(percent),
        "Decided": wait["decided"].count(),
    }
