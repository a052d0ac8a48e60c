"""What the report shows: aggregates of the models, without cells of few candidates."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toggl_hire_report import charts
from toggl_hire_report.privacy import LEAST, hidden, shown, shown_parts
from toggl_hire_report.survival import Duration, curve, median

if TYPE_CHECKING:
    import altair as alt

    from toggl_hire_report.warehouse import Row, Warehouse

MOST = 6
"""The most openings, categories or skills that a chart has: the largest."""
WORST = 10
TOO_FEW = "There are too few candidates to show this."
NO_CATEGORY = "(no category)"


@dataclass
class Figure:
    """A chart, in words and in numbers too."""

    title: str
    summary: str
    rows: list[Row] = field(default_factory=list)
    chart: alt.TopLevelMixin | None = None
    note: str = ""


def openings(warehouse: Warehouse) -> dict[tuple[str, str | None], str]:
    """A name for each opening, unlike all others, the largest first."""
    found = warehouse.rows(
        "select workspace, job_opening_id, job_opening, candidates from openings_enhanced "
        "where candidates > 0 order by candidates desc, workspace, job_opening_id"
    )
    several = len({row["workspace"] for row in found}) > 1
    names: dict[tuple[str, str | None], str] = {}
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


def funnel(warehouse: Warehouse, names: dict[tuple[str, str | None], str]) -> Figure:
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
            if (row["workspace"], row["job_opening_id"]) != key or hidden(row["reached"]):
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


def scores(warehouse: Warehouse, names: dict[tuple[str, str | None], str]) -> Figure:
    """How scores are distributed, opening by opening."""
    found = warehouse.rows("""
        select *
        from openings_enhanced
        order by candidates desc, workspace, job_opening_id
    """)
    bands = ["below_20", "from_20", "from_40", "from_60", "from_80"]
    labels = ["0–20 %", "20–40 %", "40–60 %", "60–80 %", "80–100 %"]
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


def waits(warehouse: Warehouse, names: dict[tuple[str, str | None], str]) -> Figure:
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
    groups: dict[str, list[Duration]] = {"All": []}
    for key in list(names)[: MOST - 1]:
        groups[names[key]] = []
    for row in found:
        duration = Duration(row["days"], row["is_over"])
        groups["All"].append(duration)
        name = names.get((row["workspace"], row["job_opening_id"]))
        if name in groups:
            groups[name].append(duration)
    curves = {name: curve(durations) for name, durations in groups.items()}
    steps = [
        {"Opening": name, "Days": step.days, "Still waiting": round(100 * step.share, 1)}
        for name, curve_ in curves.items()
        for step in curve_
        if len(curve_) > 1
    ]
    half = median(curves["All"])
    told = "fewer than half have a decision" if half is None else f"{half} days"
    return Figure(
        "How long they wait for a decision",
        "Share of candidates without a decision, by days since they finished the test "
        f"(Kaplan and Meier: who still waits counts as long as known). Median: {told}. "
        "Those decided on before the first run are not in it.",
        steps,
        charts.waits(steps) if steps else None,
        "" if steps else TOO_FEW,
    )


def stages(warehouse: Warehouse) -> Figure:
    """How long candidates stay in each category."""
    found = warehouse.rows("""
        select category, days, is_current
        from candidate_stages
        where days is not null
    """)
    groups = defaultdict(list)
    for row in found:
        groups[category(row)].append(Duration(row["days"], not row["is_current"]))
    table = []
    for name, durations in sorted(
        groups.items(), key=lambda item: (-len(item[1]), item[0])
    )[:MOST]:
        over = [one.days for one in durations if one.is_over]
        if len(over) < LEAST:
            continue
        half = median(curve(durations))
        table.append(
            {
                "Category": name,
                "Stays": len(durations),
                "Median days": half,
                "Average of those over": number(sum(over) / len(over)),
            }
        )
    drawn = [row for row in table if row["Median days"] is not None]
    return Figure(
        "Days in each category",
        "Median of the days that candidates stay in a category. Who is still there "
        "counts as long as known, and stays that had begun before the first run were "
        "longer than that.",
        table,
        charts.stages(drawn) if drawn else None,
        "" if table else "Too few moves were observed so far.",
    )


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


def questions(warehouse: Warehouse) -> tuple[Figure, Figure]:
    """The map of questions, and the worst of them."""
    found = warehouse.rows(f"""
        select skill, question, shown, difficulty, discrimination, is_shown_to_few
        from question_analysis
        where shown >= {LEAST} and difficulty is not null and discrimination is not null
        order by discrimination, workspace, question_id
    """)
    table = [
        {
            "Question": shortened(row["question"]),
            "Skill": row["skill"] or "(none)",
            "Shown": row["shown"],
            "Difficulty": round(row["difficulty"], 2),
            "Discrimination": round(row["discrimination"], 2),
            "Judged by": "fewer than 20" if row["is_shown_to_few"] else "20 or more",
        }
        for row in found
    ]
    worst = [row for row in table if row["Judged by"] == "20 or more"][:WORST]
    return Figure(
        "A map of the questions",
        "Each question by its difficulty (share of the points that candidates earned: "
        "the lower, the harder) and its discrimination (correlation with the other "
        "questions: near or below 0, good candidates do no better in it).",
        table,
        charts.questions(table) if table else None,
        "" if table else TOO_FEW,
    ), Figure(
        f"The {WORST} questions to look at first",
        "Those with the least discrimination, among those shown 20 times or more.",
        worst,
        note="" if worst else "No question was shown to 20 candidates yet.",
    )


def distractors(warehouse: Warehouse) -> Figure:
    """The options of the choice question that tells good candidates least."""
    found = warehouse.rows(f"""
        select options.*, questions.question, questions.discrimination
        from option_analysis as options
        join question_analysis as questions
            on questions.workspace = options.workspace
            and questions.question_id = options.question_id
        where options.upper_shown >= {LEAST} and options.lower_shown >= {LEAST}
            and questions.discrimination is not null
        order by questions.is_shown_to_few, questions.discrimination,
            options.workspace, options.question_id, options.is_correct desc, options.option_id
    """)
    first = found[:1]
    rows = [row for row in found if row["question_id"] == first[0]["question_id"]]
    uppers = [round(row["upper_chosen_share"] * row["upper_shown"]) for row in rows]
    lowers = [round(row["lower_chosen_share"] * row["lower_shown"]) for row in rows]
    table = [
        {
            "Option": shortened(row["content"]),
            "Correct": "yes" if row["is_correct"] else "no",
            "Upper third": None if up is None else round(100 * row["upper_chosen_share"]),
            "Lower third": None if low is None else round(100 * row["lower_chosen_share"]),
        }
        for row, up, low in zip(
            rows, shown_parts(uppers), shown_parts(lowers), strict=True
        )
    ]
    summary = (
        f"Who chose which option of “{shortened(rows[0]['question'])}”, in percent of "
        "the third of candidates who did best in all other questions, and of the third "
        "who did worst. A wrong option that the best prefer may be a right one."
        if rows
        else "Who chose which option of a question."
    )
    return Figure(
        "The distractors of one question",
        summary,
        table,
        charts.distractors(table) if table else None,
        "" if table else TOO_FEW,
    )


def skills(warehouse: Warehouse) -> Figure:
    """What candidates can do, skill by skill."""
    found = warehouse.rows(f"""
        select coalesce(skill, '(none)') as skill, count(*) as candidates, avg(score) as score
        from skill_scores
        where score is not null
        group by 1
        having count(*) >= {LEAST}
        order by candidates desc, skill
        limit {2 * MOST}
    """)
    table = [
        {
            "Skill": row["skill"],
            "Candidates": row["candidates"],
            "Average score": number(100 * row["score"]),
        }
        for row in found
    ]
    return Figure(
        "Skills",
        "Average of the candidates' scores in the questions of each skill, in percent.",
        table,
        charts.skills(table) if table else None,
        "" if table else TOO_FEW,
    )


def notes(warehouse: Warehouse) -> list[tuple[str, str]]:
    """What the data say of themselves."""
    (seen,) = warehouse.rows("""
        select
            min(history_since) as history_since,
            max(last_run_completed_at) as last_run,
            max(last_looked_at) as last_look
        from workspaces
    """)
    (held,) = warehouse.rows("""
        select
            count(*) as candidates,
            count(case when decision = 'waiting' then 1 end) as waiting,
            count(case when seems_locked then 1 end) as locked
        from candidates_enhanced
    """)
    (gone,) = warehouse.rows("select count(*) as erased from erasures")
    return [
        ("History is known since", moment(seen["history_since"])),
        ("Last complete run", moment(seen["last_run"])),
        ("Last look", moment(seen["last_look"])),
        ("Candidates", few(held["candidates"])),
        ("Waiting for a decision", few(held["waiting"])),
        ("Seem to be locked on the workspace's plan", few(held["locked"])),
        ("Deleted since", few(gone["erased"])),
    ]


def category(row: Row) -> str:
    """The name of a category, or a word for none."""
    return row["category"] or NO_CATEGORY


def number(value: float | None) -> float | None:
    """A number with one decimal."""
    return None if value is None else round(value, 1)


def few(count: int) -> str:
    """A count in words, where it may not be shown."""
    return f"fewer than {LEAST}" if hidden(count) else f"{count:,}"


def moment(value: Any) -> str:
    """A time to the minute."""
    return "not known" if value is None else f"{value:%Y-%m-%d %H:%M} UTC"


def shortened(text: str | None) -> str:
    """The beginning of a text, on one line."""
    line = " ".join((text or "(no text)").split())
    return line if len(line) <= 70 else f"{line[:69]}…"  # noqa: PLR2004
