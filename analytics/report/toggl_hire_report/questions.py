"""Figures of questions: which are bad, and what candidates can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toggl_hire_report import charts
from toggl_hire_report.figures import MOST, TOO_FEW, Figure, number, shortened
from toggl_hire_report.privacy import LEAST, shown_parts

if TYPE_CHECKING:
    from toggl_hire_report.warehouse import Row, Warehouse

WORST = 10


def questions(warehouse: Warehouse) -> tuple[Figure, Figure]:
    """The map of questions, and the worst of them."""
    found = warehouse.rows("""
        select skill, question, shown, difficulty, discrimination, is_shown_to_few
        from question_analysis
        where difficulty is not null and discrimination is not null
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
        if row["shown"] >= LEAST
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
    found = warehouse.rows("""
        select options.*, questions.question, questions.discrimination
        from option_analysis as options
        join question_analysis as questions
            on questions.workspace = options.workspace
            and questions.question_id = options.question_id
        where questions.discrimination is not null
        order by
            questions.is_shown_to_few,
            questions.discrimination,
            options.workspace,
            options.question_id,
            options.is_correct desc,
            options.option_id
    """)
    found = [r for r in found if min(r["upper_shown"], r["lower_shown"]) >= LEAST]
    asked = [(row["workspace"], row["question_id"]) for row in found]
    rows = [row for row, one in zip(found, asked, strict=True) if one == asked[0]]
    table = [
        {
            "Option": shortened(row["content"]),
            "Correct": "yes" if row["is_correct"] else "no",
            **{
                f"{third.title()} third": percent(row, third)
                for third in ("upper", "lower")
            },
        }
        for row in rows
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
    found = warehouse.rows("""
        select
            coalesce(skill, '(none)') as skill,
            count(*) as candidates,
            avg(score) as score
        from skill_scores
        where score is not null
        group by 1
        order by candidates desc, skill
    """)
    table = [
        {
            "Skill": row["skill"],
            "Candidates": row["candidates"],
            "Average score": number(100 * row["score"]),
        }
        for row in found[: 2 * MOST]
        if row["candidates"] >= LEAST
    ]
    return Figure(
        "Skills",
        "Average of the candidates' scores in the questions of each skill, in percent.",
        table,
        charts.skills(table) if table else None,
        "" if table else TOO_FEW,
    )


def percent(row: Row, third: str) -> int | None:
    """The share of a third who chose an option, if enough did, and enough did not."""
    share, members = row[f"{third}_chosen_share"], row[f"{third}_shown"]
    chosen = round(share * members)
    return (
        None if None in shown_parts([chosen, members - chosen]) else round(100 * share)
    )
