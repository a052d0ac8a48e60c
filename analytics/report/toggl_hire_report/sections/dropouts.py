"""Where candidates drop out: how many reach each step, and how many go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toggl_hire_report import charts
from toggl_hire_report.charts import Bar
from toggl_hire_report.context import ALL
from toggl_hire_report.figure import percent
from toggl_hire_report.page import Chart, Section, Table
from toggl_hire_report.sections import months
from toggl_hire_report.shares import COUNTS, conversion

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from toggl_hire_report.context import Context
    from toggl_hire_report.figure import Figure
    from toggl_hire_report.page import Cells, Page
    from toggl_hire_report.warehouse import Row

QUARTER = 3
"""Months."""
LEAST = 5
"""Fewer candidates of a quarter make no share."""
QUARTERS = ("recent", "before")
PARTS = {
    "advanced": "go on",
    "waiting": "wait or hire",
    "rejected": "rejected",
    "erased": "erased",
}
FILLS = (0, 1, 2, 3)


def figures(context: Context, waits: dict[str, Any]) -> dict[str, Any]:
    """How far candidates came, step by step, and month by month for the first step.

    Args:
        context: of the page.
        waits: the figures of `waits`, for how long a month stays open.

    Returns:
        For each opening `steps`: the counts of `toggl_hire__funnel`, `conversion`
        (share that went beyond) with an interval of 95 %, `recent` and `before` (the
        conversion of the last three complete months and of the three before, with
        theirs). For all openings and each of them `months`: the same for the first
        step.
    """
    rows = context.rows(
        """
        select
            workspace, job_opening_id, category, position, month,
            reached, advanced, rejected, waiting, erased
        from toggl_hire__funnel
        order by workspace, job_opening_id, position
        """,
        day="month",
    )
    found: dict[str, Any] = {ALL: {"months": months.figures(context, rows, waits[ALL])}}
    for opening in context.openings.values():
        own = [row for row in rows if row["opening"] == opening.name]
        found[opening.name] = {
            "steps": _steps(context, own),
            "months": months.figures(context, own, waits[opening.name]),
        }
    return found


def _steps(context: Context, rows: Sequence[Row]) -> list[dict[str, Any]]:
    names = {row["position"]: row["category"] for row in rows}
    steps = [
        {
            "category": name or "(no category)",
            **_step(context, [row for row in rows if row["position"] == position]),
        }
        for position, name in sorted(names.items())
    ]
    if steps:  # nothing follows the last step
        steps[-1] |= dict.fromkeys(set(steps[-1]) - {"category", *COUNTS})
    return steps


def _step(context: Context, rows: Sequence[Row]) -> dict[str, Any]:
    step = conversion(rows)
    if context.as_of is None:
        return step
    end = context.as_of.date().replace(day=1)
    for name in QUARTERS:
        start = _months_before(end, QUARTER)
        quarter = conversion([row for row in rows if start <= row["month"] < end])
        is_enough = quarter["reached"] >= LEAST
        step[name] = quarter["conversion"] if is_enough else None
        step[f"{name}_low"] = quarter["low"] if is_enough else None
        step[f"{name}_high"] = quarter["high"] if is_enough else None
        end = start
    return step


def _months_before(month: date, number: int) -> date:
    index = month.year * 12 + month.month - 1 - number
    return month.replace(year=index // 12, month=index % 12 + 1)


def section(page: Page) -> Section:
    """Write the section."""
    drawn: list[Chart] = []
    rows: list[Cells] = []
    for name in page.shown:
        steps = list(page.figures["funnel"][name]["steps"])
        while steps and not steps[-1].value["reached"]:
            steps.pop()
        if not steps:
            continue
        if len(drawn) < charts.MOST:
            is_open = page.figures.value["openings"][name]["is_open"]
            drawn.append(_chart(name, [step.value for step in steps], is_open=is_open))
        rows += [_row(name, step) for step in steps]
    return Section(
        "Where candidates drop out",
        "How many reached each step, and how many percent of them went on to a later "
        "one."
        if rows
        else "No candidate was seen in a step yet.",
        legend=[
            (charts.fill_key(fill), name)
            for fill, name in zip(FILLS, PARTS.values(), strict=True)
        ]
        if rows
        else [],
        charts=drawn,
        label="Bars for each step of each opening",
        tables=[
            Table(rows, "In numbers", is_open=False),
            *months.tables(page),
        ]
        if rows
        else [],
        foot="In brackets: the interval that holds the true share with 95 %. Month by "
        "month: candidates by the month in which they finished the test; * still open, "
        "so the share will rise.",
    )


def _chart(name: str, steps: Sequence[dict[str, Any]], *, is_open: bool) -> Chart:
    bars = [
        Bar(
            step["category"],
            [step[part] for part in PARTS],
            _goes_on(step) if step["advanced"] else "",
            str(step["reached"]),
        )
        for step in steps
    ]
    title = name if is_open else f"{name} (closed)"
    note = _trend(steps[0]) if is_open else ""
    return Chart(charts.bars(bars, FILLS), title, note)


def _trend(step: dict[str, Any]) -> str:
    """Say that the share changed, if the intervals of two quarters are apart."""
    recent, before = step.get("recent"), step.get("before")
    if recent is None or before is None or step["recent_low"] is None:
        return ""
    if step["recent_low"] > step["before_high"]:
        change = "More go on"
    elif step["recent_high"] < step["before_low"]:
        change = "Fewer go on"
    else:
        return ""
    return (
        f"{change} beyond the first step: {percent(recent)} % in the last {QUARTER} "
        f"months, {percent(before)} % in the {QUARTER} before."
    )


def _goes_on(step: dict[str, Any]) -> str:
    if step["conversion"] is None:
        return ""
    share = f"{percent(step['conversion'])} %"
    if step["low"] is None:
        return share
    return f"{share} ({percent(step['low'])} to {percent(step['high'])})"


def _row(name: str, step: Figure) -> Cells:
    return {
        "Opening": name,
        "Step": step.value["category"],
        "Reached": step["reached"].count(),
        "Go on": step["advanced"].count(),
        "Wait or hire": step["waiting"].count(),
        "Rejected": step["rejected"].count(),
        "Erased": step["erased"].count(),
        "Go on, %": step.estimate("conversion", percent),
    }
