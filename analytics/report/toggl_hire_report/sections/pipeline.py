"""How many candidates are in play, week by week."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from itertools import pairwise
from statistics import fmean
from typing import TYPE_CHECKING, Any

from toggl_hire_report import charts
from toggl_hire_report.page import Chart, Section, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from toggl_hire_report.context import Context
    from toggl_hire_report.page import Page

WEEKS_DRAWN, WEEKS_LISTED, MONTHS_NAMED = 52, 5, 4
TITLE = "Candidates in play"


def figures(context: Context) -> dict[str, Any]:
    """Count candidates in play in each step at the end of each week.

    Returns:
        `weeks` (the last day of each), `in_play` and `undecided` (for each step, a
        number per week; null in weeks without a run). Possible hires are in play.
    """
    rows = context.rows(
        """
        select
            daily.workspace,
            daily.job_opening_id,
            daily.day,
            daily.category,
            stage_order.position,
            daily.in_play,
            daily.undecided
        from toggl_hire__pipeline_daily as daily
        left join toggl_hire__stage_order as stage_order
            on stage_order.workspace = daily.workspace
            and stage_order.job_opening_id = daily.job_opening_id
            and stage_order.category_id = daily.category_id
        """,
        day="day",
    )
    if not rows or context.as_of is None:
        return {"weeks": [], "in_play": {}, "undecided": {}}
    last = context.as_of.date()
    first = max(min(row["day"] for row in rows), last - timedelta(weeks=WEEKS_DRAWN))
    number = (last - first).days // 7 + 1
    weeks = [last - timedelta(weeks=n) for n in reversed(range(number))]
    wanted = set(weeks)
    totals: dict[tuple[str, str, date], int] = defaultdict(int)
    places: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        name = row["category"] or "(no category)"
        places[name].append(row["position"] or 99)
        if row["day"] in wanted:
            for kind in ("in_play", "undecided"):
                totals[kind, name, row["day"]] += row[kind]
    looked = _looked(context, weeks)
    count = context.audience.count
    names = sorted(places, key=lambda name: (fmean(places[name]), name))
    return {
        "weeks": [f"{week:%Y-%m-%d}" for week in weeks],
        **{
            kind: {
                name: [
                    count(totals[kind, name, week]) if week in looked else None
                    for week in weeks
                ]
                for name in names
            }
            for kind in ("in_play", "undecided")
        },
    }


def _looked(context: Context, weeks: Iterable[date]) -> set[date]:
    """The weeks, by their last day, in which a run was complete.

    Where runs were not loaded, nothing is known of gaps: every week counts.
    """
    days = {look.date() for looks in context.looks.values() for look in looks}
    return {
        week
        for week in weeks
        if not days or any(week - timedelta(days=n) in days for n in range(7))
    }


def section(page: Page) -> Section:
    """Write the section."""
    found = page.figures["pipeline"]
    weeks, steps = found.value["weeks"], found.value["undecided"]
    if len(weeks) <= 1:
        return Section(TITLE, "History has less than a week so far.")
    names = list(steps)[: charts.MOST_LINES]
    series = [list(enumerate(steps[name])) for name in names]
    rows = [
        {
            "Week until": weeks[place],
            **{name: found["undecided"][name][place].shown() for name in names},
        }
        for place in range(len(weeks))[-WEEKS_LISTED:]
    ]
    is_gap = page.is_team and any(None in values for values in steps.values())
    drawing = charts.lines(series, ("", "candidates"), names=_months(weeks))
    return Section(
        TITLE,
        "Those in each step at the end of each week, without the rejected and "
        "without possible hires.",
        legend=[(charts.line_key(place), name) for place, name in enumerate(names)],
        charts=[Chart(drawing)],
        label="Lines of the candidates in each step, by week",
        tables=[Table(rows)],
        foot="A gap: no run was complete in that week." if is_gap else "",
    )


def _months(weeks: Sequence[str]) -> list[tuple[float, str]]:
    """Name the first week of some months, at most four of them."""
    pairs = enumerate(pairwise(week[:7] for week in weeks), 1)
    first = [place for place, (before, month) in pairs if month > before]
    if not first:
        return [(0.0, f"{date.fromisoformat(weeks[0]):%-d %b}")]
    every = -(-len(first) // MONTHS_NAMED)
    return [
        (float(place), f"{date.fromisoformat(weeks[place]):%b %y}")
        for place in first[::-every][::-1]
    ]
