"""Which questions separate strong candidates from weak ones."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from toggl_hire_report.figure import percent, signed
from toggl_hire_report.page import Section, Table

if TYPE_CHECKING:
    from toggl_hire_report.context import Context
    from toggl_hire_report.figure import Figure
    from toggl_hire_report.page import Cells, Page

VERDICTS = ("bad", "too early", "good", "too easy", "too hard")
LISTED = 6


def figures(context: Context) -> dict[str, Any]:
    """Judge every question.

    Returns:
        `counts` and `questions`; for each of them `question_id`, `skill`, `openings`,
        `graded` (answers), `facility` (share of points earned), `verdict`, `text`,
        `discrimination` with `low` and `high`. The worst come first.
    """
    openings = _openings(context)
    found = []
    for row in context.warehouse.rows("""
        select
            workspace, question_id, question_type, skill, question, graded, facility,
            discrimination, discrimination_low, discrimination_high, verdict
        from toggl_hire__questions
        where discrimination is not null or verdict in ('too easy', 'too hard')
        order by discrimination, workspace, question_id
    """):
        asked = openings.get((row["workspace"], row["question_id"]), [])
        if not asked:
            continue
        found.append(
            {
                "question_id": row["question_id"],
                "text": shortened(row["question"]),
                "skill": row["skill"] or "(none)",
                "openings": asked,
                "graded": row["graded"],
                "facility": _rounded(row["facility"], 4),
                "discrimination": _rounded(row["discrimination"]),
                "low": _rounded(row["discrimination_low"]),
                "high": _rounded(row["discrimination_high"]),
                "verdict": row["verdict"],
            }
        )
    found.sort(key=lambda one: one["verdict"] != "bad")
    verdicts = [question["verdict"] for question in found]
    return {
        "counts": {verdict: verdicts.count(verdict) for verdict in VERDICTS},
        "questions": found,
    }


def _openings(context: Context) -> dict[tuple[str, str], list[str]]:
    """The openings that ask each question."""
    names: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in context.rows("""
        select distinct workspace, job_opening_id, question_id
        from toggl_hire__answers
        order by workspace, job_opening_id, question_id
    """):
        names[row["workspace"], row["question_id"]].append(row["opening"])
    return {key: sorted(found) for key, found in names.items()}


def shortened(text: str | None) -> str:
    """The beginning of a text in Markdown, on one line, without marks and addresses."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text or "(no text)")
    plain = re.sub(r"https?://\S+", "(link)", plain)
    line = " ".join(re.sub(r"```\w*|[`*|]", "", plain).split())
    return line if len(line) <= 70 else f"{line[:69]}…"  # noqa: PLR2004


def _rounded(value: float | None, digits: int = 2) -> float | None:
    return None if value is None else round(value, digits)


def section(page: Page) -> Section:
    """Write the section."""
    found = list(page.figures["questions"])
    bad = [one for one in found if one.value["verdict"] == "bad"]
    rows = [_row(one) for one in bad[:LISTED]]
    return Section(
        "Questions",
        _lead(page.figures.value["counts"])
        if found
        else "No question has enough answers yet.",
        tables=[Table(rows, "Look at these first")] if rows else [],
        foot="Separates: the correlation of the points in a question with those in the "
        "candidate's other questions; in brackets the interval of 95 %. Bad: below 0.2 "
        "with a probability of 95 %. Of a question that was changed, answers to its "
        "newest version count.",
    )


def _lead(counts: dict[str, int]) -> str:
    number = sum(counts.values())
    extreme = counts["too easy"] + counts["too hard"]
    fine = number - counts["bad"] - extreme
    text = f"{fine} of {number} questions need nothing"
    if counts["too early"]:
        text += f" ({counts['too early']} have too few answers to say)"
    if extreme:
        text += f"; {extreme} {'is' if extreme == 1 else 'are'} too easy or too hard"
    if not counts["bad"]:
        return f"{text}."
    verb = "does" if counts["bad"] == 1 else "do"
    return f"{text}; {counts['bad']} {verb} not separate strong from weak candidates."


def _row(question: Figure) -> Cells:
    value = question.value
    separates: Cells = {}
    if value["discrimination"] is not None:
        separates["Separates"] = question.estimate("discrimination", signed)
    return {
        "Question": f"{value['question_id']}, {value['skill']}: {value['text']}",
        "Openings": ", ".join(value["openings"]),
        "Answers": question["graded"].count(),
        "Points earned, %": question["facility"].shown(percent),
        **separates,
    }
