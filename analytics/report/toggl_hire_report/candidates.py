"""Figures of candidates: how far they come, how long they wait, how they score."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from datetime import date, datetime, timedelta
from math import sqrt
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from toggl_hire_report import survival
from toggl_hire_report.audience import LEAST
from toggl_hire_report.context import ALL
from toggl_hire_report.survival import Duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from toggl_hire_report.context import Context
    from toggl_hire_report.warehouse import Row

QUARTER = 3
"""Months."""
STILL_OPEN = 0.05
"""The share that may still wait in a month that is complete."""
BANDS = 10
MOST_POINTS = 90
"""Of a curve."""
WEEKS_SHOWN = 52


def funnel(context: Context) -> dict[str, Any]:
    """How far candidates came, step by step, and month by month for the first step.

    Returns:
        For each opening `steps`: the counts of `toggl_hire__funnel`, `conversion`
        (share that went beyond) with an interval of 95 %, `recent` and `before` (the
        conversion of the last three complete months and of the three before). For all
        openings and each of them `months`: the same for the first step.
    """
    found = context.rows(
        """
        select
            workspace, job_opening_id, category, position, month,
            reached, advanced, rejected, waiting, erased
        from toggl_hire__funnel
        order by workspace, job_opening_id, position
        """,
        day="month",
    )
    figures: dict[str, Any] = {ALL: {"months": _months(context, found)}}
    for name in (one.name for one in context.openings.values()):
        own = [row for row in found if row["opening"] == name]
        steps = {row["position"]: row["category"] for row in own}
        made = [
            {
                "category": category or "(no category)",
                **_step(context, [r for r in own if r["position"] == position]),
            }
            for position, category in sorted(steps.items())
        ]
        if made:  # nothing follows the last step
            made[-1] |= dict.fromkeys(
                ("conversion", "low", "high", "recent", "before"), None
            )
        figures[name] = {"steps": made, "months": _months(context, own)}
    return figures


def _step(context: Context, rows: Sequence[Row]) -> dict[str, Any]:
    figures = _conversion(context, rows)
    if context.as_of is None:
        return figures
    month = context.as_of.date().replace(day=1)
    quarters = []
    for _ in range(2):
        start = _months_before(month, QUARTER)
        quarters.append([row for row in rows if start <= row["month"] < month])
        month = start
    for name, quarter in zip(("recent", "before"), quarters, strict=True):
        is_enough = _reached(quarter) >= LEAST
        found = _conversion(context, quarter)["conversion"]
        figures[name] = found if is_enough else None
    return figures


def _months(context: Context, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The cohorts of the first step; one is complete if hardly any of it waits."""
    cohorts: dict[date, list[Row]] = defaultdict(list)
    for row in rows:
        if row["position"] == 1:
            cohorts[row["month"]].append(row)
    figures = []
    now = context.as_of.date().replace(day=1) if context.as_of else date.max
    for month, cohort in sorted(cohorts.items()):
        waiting = sum(row["waiting"] for row in cohort)
        figures.append(
            {
                "month": f"{month:%Y-%m}",
                **_conversion(context, cohort),
                "is_complete": month < now and waiting <= STILL_OPEN * _reached(cohort),
            }
        )
    return figures


def _reached(rows: Sequence[Row]) -> int:
    return sum(row["reached"] for row in rows)


def _conversion(context: Context, rows: Sequence[Row]) -> dict[str, Any]:
    audience = context.audience
    sums = {
        name: sum(row[name] for row in rows)
        for name in ("reached", "advanced", "rejected", "waiting", "erased")
    }
    share = audience.share(sums["advanced"], sums["reached"])
    low, high = None, None
    if share is not None:
        of = audience.count(sums["reached"]) or 0
        low, high = wilson(share, of)
    return {
        **{name: audience.count(number) for name, number in sums.items()},
        "conversion": None if share is None else round(share, 4),
        "low": low,
        "high": high,
    }


def wilson(share: float, of: int) -> tuple[float, float]:
    """Return Wilson's interval of 95 % of a share."""
    z = survival.Z**2 / of
    center = (share + z / 2) / (1 + z)
    margin = sqrt(z * share * (1 - share) + z * z / 4) / (1 + z)
    return round(max(center - margin, 0), 4), round(min(center + margin, 1), 4)


def waits(context: Context) -> dict[str, Any]:
    """How long candidates wait for a decision: all openings together, and each.

    Returns:
        `median` days with `low` and `high`, `within_7` and `within_14` (shares decided
        by then), `decided` and `waiting` (how many were observed), `curve` (pairs of
        days and the share that still waits).
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
    names = (ALL, *(one.name for one in context.openings.values()))
    return {name: _survival(context, groups[name], "waiting") for name in names}


def _unseen(looks: Sequence[datetime], observed: datetime) -> float:
    """Return the days from the middle of two runs to the later one, which observed."""
    place = bisect_left(looks, observed)  # of the run's end, after what it observed
    if not 0 < place < len(looks):
        return 0.0
    return (looks[place] - looks[place - 1]) / timedelta(days=2)


def stages(context: Context) -> list[dict[str, Any]]:
    """How long candidates stay in each step, until they move or are rejected.

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
    count = context.audience.count
    figures = []
    for name in sorted(places, key=lambda name: (fmean(places[name]), name)):
        rows = groups[name]
        durations = [Duration(r["days"], r["ended_by"] is not None) for r in rows]
        ends = [row["ended_by"] for row in rows]
        made = _survival(context, durations, "still_there")
        del made["curve"]
        figures.append(
            {
                "category": name,
                **made,
                "moved_on": count(ends.count("moved on")),
                "moved_back": count(ends.count("moved back")),
                "rejected": count(ends.count("rejected")),
            }
        )
    return figures


def _survival(
    context: Context, durations: Sequence[Duration], rest: str
) -> dict[str, Any]:
    """The figures of a curve; for others, each step stands for five."""
    audience = context.audience
    steps = survival.curve(durations)
    over = sum(step.over for step in steps)
    if not audience.is_team:
        steps = survival.thinned(steps, LEAST)
    found = survival.median(steps)

    def share(days: float) -> float | None:
        if not steps or (steps[-1].days < days and steps[-1].share > 0):
            return None
        return audience.rounded(survival.share_over(steps, days))

    def rounded(days: float | None) -> float | None:
        return None if days is None else round(days, 1 if audience.is_team else 0)

    every = max(len(steps) // MOST_POINTS, 1)
    drawn = [*steps[::every], *steps[-1:]]
    digits = 3 if audience.is_team else 2
    return {
        "decided" if rest == "waiting" else "ended": audience.count(over),
        rest: audience.count(sum(not one.is_over for one in durations)),
        "median": rounded(found.days),
        "low": rounded(found.low),
        "high": rounded(found.high),
        "within_7": share(7),
        "within_14": share(14),
        "curve": [
            [0.0, 1.0],
            *([round(step.days, 1), round(step.share, digits)] for step in drawn),
        ]
        if steps
        else [],
    }


def pipeline(context: Context) -> dict[str, Any]:
    """How many candidates are in play in each step at the end of each week.

    Returns:
        `weeks` (the last day of each), `in_play` and `undecided` (for each step, a
        number per week; null in weeks without a run). Possible hires are in play.
    """
    found = context.rows(
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
    if not found or context.as_of is None:
        return {"weeks": [], "in_play": {}, "undecided": {}}
    last = context.as_of.date()
    first = max(min(row["day"] for row in found), last - timedelta(weeks=WEEKS_SHOWN))
    weeks = [last - timedelta(weeks=n) for n in range((last - first).days // 7 + 1)][
        ::-1
    ]
    wanted = set(weeks)
    totals: dict[tuple[str, str, date], int] = defaultdict(int)
    places: dict[str, list[int]] = defaultdict(list)
    for row in found:
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


def scores(context: Context) -> dict[str, Any]:
    """How candidates score, and how exact a score is.

    Returns:
        For each opening: `scored`, `median`, `bands` (counts in ten bands of 10),
        `standard_error`, `alpha`, `split_half`, `is_smart_test`, `expected` (the mean
        expected score of the questions drawn, lowest and highest), `not_fully_graded`.
    """
    tests = {
        row["opening"]: row
        for row in context.rows(
            "select workspace, job_opening_id, alpha, split_half, standard_error, "
            "is_smart_test from toggl_hire__tests"
        )
    }
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in context.rows(
        """
        select
            workspace, job_opening_id, finished_at,
            score, expected_score, is_fully_graded
        from toggl_hire__candidates
        where score is not null
        """,
        day="finished_at",
    ):
        groups[row["opening"]].append(row)
    audience = context.audience
    digits = 1 if audience.is_team else 0
    figures = {}
    for name in (one.name for one in context.openings.values()):
        rows, test = groups[name], tests.get(name, {})
        if len(rows) < (1 if audience.is_team else LEAST):
            continue
        bands = [0] * BANDS
        for row in rows:
            bands[min(int(row["score"] * BANDS / 100), BANDS - 1)] += 1
        expected = sorted(r["expected_score"] for r in rows if r["expected_score"])
        figures[name] = {
            "scored": audience.count(len(rows)),
            "median": round(median(row["score"] for row in rows), digits),
            "bands": [audience.count(number) for number in bands],
            "standard_error": _rounded(test.get("standard_error"), 1),
            "alpha": _rounded(test.get("alpha"), 2),
            "split_half": _rounded(test.get("split_half"), 2),
            "is_smart_test": bool(test.get("is_smart_test")),
            "expected": _rounded(fmean(expected), digits) if expected else None,
            "expected_low": _tenth(expected, 0.1),
            "expected_high": _tenth(expected, 0.9),
            "not_fully_graded": audience.count(
                sum(row["is_fully_graded"] is False for row in rows)
            ),
        }
    return figures


def _tenth(values: Sequence[float], share: float) -> float | None:
    """A quantile of ten values or more."""
    return round(values[int(share * len(values))]) if len(values) >= BANDS else None


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


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


def _months_before(month: date, number: int) -> date:
    index = month.year * 12 + month.month - 1 - number
    return date(index // 12, index % 12 + 1, 1)
