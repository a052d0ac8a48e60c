"""How long candidates wait for a decision."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from datetime import datetime, timedelta
from math import inf
from typing import TYPE_CHECKING, Any

from toggl_hire_report import charts, curves
from toggl_hire_report.context import ALL
from toggl_hire_report.figure import number, percent
from toggl_hire_report.page import Chart, Section, Table
from toggl_hire_report.survival import Duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toggl_hire_report.context import Context
    from toggl_hire_report.figure import Figure
    from toggl_hire_report.page import Cells, Page

TITLE = "How long they wait for a decision"


def figures(context: Context) -> dict[str, Any]:
    """Estimate the waits of all openings together, and of each.

    Returns:
        `median` days with `low` and `high`, `slowest_tenth` (days after which nine
        tenths are decided), `within_7` and `within_14` (shares decided by then),
        `decided` and `waiting` (how many were observed), `curve` (pairs of days and the
        share that still waits).
    """
    groups: dict[str, list[Duration]] = defaultdict(list)
    for row in context.rows(
        """
        select
            workspace,
            job_opening_id,
            finished_at,
            decided_at,
            coalesce(days_to_decision, days_waiting) as days,
            days_to_decision is not null as is_over,
            coalesce(entered_after_days, 0) as entered
        from toggl_hire__candidates
        where decision in ('decided', 'waiting')
            and coalesce(days_to_decision, days_waiting) is not null
        """,
        day="finished_at",
    ):
        days = row["days"]
        if row["is_over"]:
            days -= _unseen(context.looks[row["workspace"]], row["decided_at"])
        duration = Duration(days, row["is_over"], row["entered"])
        groups[ALL].append(duration)
        groups[row["opening"]].append(duration)
    found = {}
    for name in (ALL, *(opening.name for opening in context.openings.values())):
        curve = curves.figures(context.audience, groups[name])
        over, rest = curve.pop("over"), curve.pop("rest")
        found[name] = {"decided": over, "waiting": rest, **curve}
    return found


def _unseen(looks: Sequence[datetime], observed: datetime) -> float:
    """Return the days from the middle of two runs to the later one, which observed."""
    place = bisect_left(looks, observed)  # of the run's end, after what it observed
    if not 0 < place < len(looks):
        return 0.0
    return (looks[place] - looks[place - 1]) / timedelta(days=2)


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
        charts=[Chart(charts.lines(series, axes, steps=True, top=100))],
        label="Lines of the share that still waits, by days since the test",
        tables=[Table([_row(name, found[name]) for name in names])],
        foot="Kaplan-Meier estimate: those who still wait count as long as known. In "
        "brackets: the interval of 95 %.",
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
        "Wait": wait["waiting"].count(),
    }
