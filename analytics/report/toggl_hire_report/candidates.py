"""Figures of candidates: where they drop out, how they score, how long they wait."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from toggl_hire_report import charts
from toggl_hire_report.figures import MOST, TOO_FEW, Figure, category, number
from toggl_hire_report.privacy import LEAST, hidden, shown, shown_parts
from toggl_hire_report.survival import Duration, curve, median

if TYPE_CHECKING:
    from toggl_hire_report.warehouse import Row, Warehouse

Names = dict[tuple[str, str | None], str]
"""Of openings, by workspace and id."""


def openings(warehouse: Warehouse) -> Names:
    """A name for each opening, unlike all others, the largest first."""
    found = warehouse.rows(
        "select workspace, job_opening_id, job_opening "
        "from openings_enhanced where candidates > 0 "
        "order by candidates desc, workspace, job_opening_id"
    )
    several = len({row["workspace"] for row in found}) > 1
    names: Names = {}
    for row in found:
        name = row["job_opening"] or "(unnamed)"
        name = f"{row['workspace']}: {name}" if several else name
        same = sum(other.split(" · ")[0] == name for other in names.values())
        key = row["workspace"], row["job_opening_id"]
        names[key] = f"{name} · {same + 1}" if same else name
    return names


def month_in_numbers(warehouse: Warehouse) -> Figure:
    """The last month in which candidates finished the test, and the one before."""
    rows = warehouse.rows("""
        select
            cast(date_trunc('month', finished_at) as date) as month,
            count(*) as finished,
            count(case when hire_state = 'possible-hire' then 1 end) as possible_hires,
            count(case when hire_state = 'rejected' then 1 end) as rejected,
            count(case when hire_state is null then 1 end) as undecided,
            avg(score) as score
        from candidates_enhanced
        where finished_at is not null
        group by 1
        order by 1 desc
        limit 2
    """)
    table = []
    for row in rows:
        parts = shown_parts([row["possible_hires"], row["rejected"], row["undecided"]])
        few = hidden(row["finished"])
        table.append(
            {
                "Month": f"{row['month']:%B %Y}",
                "Finished the test": shown(row["finished"]),
                "Possible hires": None if few else parts[0],
                "Rejected": None if few else parts[1],
                "Undecided": None if few else parts[2],
                "Average score": None if few else number(row["score"]),
            }
        )
    summary = "What became of those who finished the test in the month."
    return Figure("The month in numbers", summary, table, note="" if table else TOO_FEW)


def funnel(warehouse: Warehouse, names: Names) -> Figure:
    """How far candidates came, opening by opening."""
    found = warehouse.rows("""
        select
            workspace,
            job_opening_id,
            category_id,
            max(category) as category,
            cast(sum(reached) as bigint) as reached,
            cast(sum(went_on) as bigint) as went_on,
            cast(sum(still_here) as bigint) as still_here,
            cast(sum(dropped) as bigint) as dropped
        from funnel
        group by workspace, job_opening_id, category_id
        order by workspace, job_opening_id, reached desc, category_id
    """)
    largest = list(names)[:MOST]
    table = []
    for key in largest:
        for row in found:
            if (row["workspace"], row["job_opening_id"]) != key or hidden(
                row["reached"]
            ):
                continue
            parts = shown_parts([row["went_on"], row["still_here"], row["dropped"]])
            table.append(
                {
                    "Opening": names[key],
                    "Category": category(row),
                    "Reached": row["reached"],
                    "Went on": parts[0],
                    "Still here": parts[1],
                    "Rejected": parts[2],
                }
            )
    return Figure(
        "Where candidates drop out",
        "Candidates who reached each category of a job opening: those who went on, are "
        "still in it, or were rejected there. The API does not tell the order of the "
        "categories, so the fullest comes first.",
        table,
        charts.funnel(table) if table else None,
        "" if table else TOO_FEW,
    )


def scores(warehouse: Warehouse, names: Names) -> Figure:
    """How scores are distributed, opening by opening."""
    found = warehouse.rows("""
        select *
        from openings_enhanced
        order by candidates desc, workspace, job_opening_id
    """)
    bands = ["below_20", "from_20", "from_40", "from_60", "from_80"]
    labels = ["below 20 %", "20-40 %", "40-60 %", "60-80 %", "80-100 %"]
    table = []
    for row in found[:MOST]:
        if row["scored"] < LEAST:
            continue
        counts = shown_parts([row[f"scored_{band}"] for band in bands])
        name = names[row["workspace"], row["job_opening_id"]]
        table.append(
            {
                "Opening": name,
                "Candidates": row["scored"],
                "Median": number(row["median_score"]),
                **dict(zip(labels, counts, strict=True)),
            }
        )
    return Figure(
        "How they score",
        "Candidates of a job opening by their score, in bands of 20 percent.",
        table,
        charts.scores(table, labels) if table else None,
        "" if table else TOO_FEW,
    )


def waits(warehouse: Warehouse, names: Names) -> Figure:
    """How long candidates wait for a decision."""
    found = warehouse.rows("""
        select
            workspace,
            job_opening_id,
            coalesce(days_to_decision, days_waiting) as days,
            days_to_decision is not null as is_over
        from candidates_enhanced
        where coalesce(days_to_decision, days_waiting) is not null
    """)
    largest = {key: names[key] for key in list(names)[: MOST - 1]}
    groups: dict[str, list[Duration]] = {"All": [], **{n: [] for n in largest.values()}}
    for row in found:
        duration = Duration(row["days"], row["is_over"])
        groups["All"].append(duration)
        key = row["workspace"], row["job_opening_id"]
        if key in largest:
            groups[largest[key]].append(duration)
    steps = survival("Opening", groups)
    half = median(curve(groups["All"]))
    told = "fewer than half have a decision yet" if half is None else f"{half} days"
    axes = "days since the test was finished", "still waiting, %"
    return Figure(
        "How long they wait for a decision",
        "Share of candidates without a decision, by days since they finished the test "
        f"(Kaplan and Meier: who still waits counts as long as known). Median: {told}. "
        "Those decided on before the first run are not in it.",
        steps,
        charts.curves(steps, "Opening", axes) if steps else None,
        "" if steps else "Too few decisions were observed yet to draw it.",
    )


def stages(warehouse: Warehouse) -> Figure:
    """How long candidates stay in each category."""
    found = warehouse.rows("""
        select category, days, is_current from candidate_stages where days is not null
    """)
    groups: dict[str, list[Duration]] = defaultdict(list)
    for row in found:
        groups[category(row)].append(Duration(row["days"], not row["is_current"]))
    largest = sorted(groups, key=lambda name: (-len(groups[name]), name))[:MOST]
    steps = survival("Category", {name: groups[name] for name in largest})
    axes = "days since they were first seen in it", "still there, %"
    return Figure(
        "Days in each category",
        "Share of candidates who are still in a category, by days since a run first "
        "saw them in it (Kaplan and Meier). What began before the first run is longer.",
        steps,
        charts.curves(steps, "Category", axes) if steps else None,
        "" if steps else "Too few moves were observed yet to draw it.",
    )


def survival(column: str, groups: dict[str, list[Duration]]) -> list[Row]:
    """The steps of the groups' curves; none where nothing is over anywhere."""
    curves = {name: curve(durations) for name, durations in groups.items()}
    if all(step.share == 1 for steps in curves.values() for step in steps):
        return []
    return [
        {column: name, "Days": step.days, "Percent": round(100 * step.share, 1)}
        for name, steps in curves.items()
        for step in steps
        if len(steps) > 1
    ]


def pipeline(warehouse: Warehouse) -> Figure:
    """How many candidates are in each category, day by day."""
    found = warehouse.rows("""
        select day, category, cast(sum(candidates) as bigint) as candidates
        from pipeline_daily
        group by day, category
        order by day, category
    """)
    totals: dict[str, int] = defaultdict(int)
    for row in found:
        totals[category(row)] += row["candidates"]
    largest = sorted(totals, key=lambda name: (-totals[name], name))[:MOST]
    table = [
        {
            "Day": row["day"].isoformat(),
            "Category": category(row),
            "Candidates": row["candidates"],
        }
        for row in found
        if category(row) in largest and not hidden(row["candidates"])
    ]
    days = {row["Day"] for row in table}
    return Figure(
        "The pipeline over time",
        "Candidates in each category at the end of the day, as far as the tap had "
        "looked by then.",
        table,
        charts.pipeline(table) if len(days) > 1 else None,
        "" if len(days) > 1 else "History has one day so far: a line needs two.",
    )
