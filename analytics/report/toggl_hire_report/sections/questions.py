"""Which questions separate strong candidates from weak ones."""

from __future__ import annotations

import re
from collections import defaultdict
from math import ceil
from typing import TYPE_CHECKING, Any

from toggl_hire_report import charts
from toggl_hire_report.audience import LEAST, LEAST_OF_QUANTILES
from toggl_hire_report.figure import percent, signed
from toggl_hire_report.page import Chart, Section, Table

if TYPE_CHECKING:
    from toggl_hire_report.context import Context
    from toggl_hire_report.figure import Figure
    from toggl_hire_report.page import Cells, Page
    from toggl_hire_report.warehouse import Row

Z_BAD, Z_GOOD = 1.644854, 2.575829
"""Deviations from the limit that a verdict takes: see `toggl_hire__questions`."""
LIMIT = 0.2
"""A discrimination below it is bad."""
MOST_NEEDED = 2000
VERDICTS = {
    "bad": "bad",
    "too early": "too early to say",
    "good": "good",
    "too easy": "too easy",
    "too hard": "too hard",
}
FOR_OTHERS = ("bad", "undecided", "good")
LISTED = 6


def figures(context: Context) -> dict[str, Any]:
    """Judge every question.

    Returns:
        `counts` and `questions`; for each of them `question_id`, `skill`, `openings`,
        `graded` (answers), `facility` (share of points earned), `verdict` and, for the
        team, `text`, `discrimination` with `low` and `high`, `needed` (answers until it
        can be judged). The worst come first; for others, a question is bad, good or
        undecided.
    """
    audience = context.audience
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
        if not asked or (not audience.is_team and row["graded"] < LEAST):
            continue
        found.append(
            {
                "question_id": row["question_id"],
                "text": shortened(row["question"]) if audience.is_team else None,
                "skill": row["skill"] or "(none)",
                "openings": asked,
                "graded": audience.count(row["graded"]),
                "facility": audience.rounded(row["facility"])
                if audience.is_team or row["graded"] >= LEAST_OF_QUANTILES
                else None,
                "discrimination": audience.detail(_rounded(row["discrimination"])),
                "low": audience.detail(_rounded(row["discrimination_low"])),
                "high": audience.detail(_rounded(row["discrimination_high"])),
                "verdict": _verdict(context, row),
                "needed": audience.detail(_needed(row))
                if row["verdict"] == "too early"
                else None,
            }
        )
    if not audience.is_team:  # the order of discriminations says more than the words
        found.sort(key=lambda one: one["question_id"])
    found.sort(key=lambda one: one["verdict"] != "bad")
    verdicts = [question["verdict"] for question in found]
    return {
        "counts": {
            verdict: verdicts.count(verdict)
            for verdict in (VERDICTS if audience.is_team else FOR_OTHERS)
        },
        "questions": found,
    }


def _verdict(context: Context, row: Row) -> str:
    """The verdict, as it may be shown."""
    verdict: str = row["verdict"]
    if context.audience.is_team or verdict in FOR_OTHERS:
        return verdict
    return "undecided"


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


def _needed(row: Row) -> int | None:
    """How many more graded answers a verdict takes if the estimate stays as it is."""
    distance = abs(row["discrimination"] - LIMIT)
    low, high = row["discrimination_low"], row["discrimination_high"]
    if not distance or low is None or high is None or low >= high:
        return None
    # The interval's width falls with the root of the number of answers.
    deviations = Z_GOOD if row["discrimination"] > LIMIT else Z_BAD
    margin = (high - low) / 2 * deviations / 1.96
    more = ceil(row["graded"] * ((margin / distance) ** 2 - 1))
    return more if 0 < more <= MOST_NEEDED else None


def shortened(text: str | None) -> str:
    """The beginning of a text in Markdown, on one line, without marks and addresses."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text or "(no text)")
    plain = re.sub(r"https?://\S+", "(link)", plain)
    line = " ".join(re.sub(r"```\w*|[`*|]", "", plain).split())
    return line if len(line) <= 70 else f"{line[:69]}…"  # noqa: PLR2004


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def section(page: Page) -> Section:
    """Write the section."""
    found = list(page.figures["questions"])
    kinds = list(VERDICTS)
    points = [
        (one["facility"], one["discrimination"], kinds.index(one["verdict"]))
        for one in page.figures.value["questions"]
        if one["facility"] is not None and one["discrimination"] is not None
    ]
    axes = "points earned, % (hard on the left)", "separates"
    bad = [one for one in found if one.value["verdict"] == "bad"]
    soon = sorted(
        (one for one in found if one.value["needed"] is not None),
        key=lambda one: float(one.value["needed"]),
    )
    tables = [
        Table([_row(one) for one in bad[:LISTED]], "Look at these first"),
        Table(
            [
                {**_row(one), "More answers needed": one["needed"].shown()}
                for one in soon[:LISTED]
            ],
            "Can be judged soon",
            is_open=False,
        ),
    ]
    return Section(
        "Questions",
        _lead(page.figures.value["counts"])
        if found
        else "No question has enough answers yet.",
        legend=[
            (charts.dot_key(place), name)
            for place, name in enumerate(VERDICTS.values())
        ]
        if points
        else [],
        charts=[Chart(charts.scatter(points, axes))] if points else [],
        label="Each question by the share of points earned and by how it separates",
        tables=[table for table in tables if table.rows],
        foot="Separates: the correlation of the points in a question with those in the "
        "candidate's other questions; in brackets the interval of 95 %. Bad: below 0.2 "
        "with a probability of 95 %. Of a question that was changed, answers to its "
        "newest version count."
        if page.is_team
        else "",
    )


def _lead(counts: dict[str, int]) -> str:
    number = sum(counts.values())
    extreme = counts.get("too easy", 0) + counts.get("too hard", 0)
    fine = number - counts["bad"] - extreme
    text = f"{fine} of {number} questions need nothing"
    if counts.get("too early"):
        text += f" ({counts['too early']} have too few answers to say)"
    if counts.get("undecided"):
        text += f" ({counts['undecided']} are undecided)"
    if extreme:
        text += f"; {extreme} {'is' if extreme == 1 else 'are'} too easy or too hard"
    if not counts["bad"]:
        return f"{text}."
    verb = "does" if counts["bad"] == 1 else "do"
    return f"{text}; {counts['bad']} {verb} not separate strong from weak candidates."


def _row(question: Figure) -> Cells:
    value = question.value
    text = "" if value["text"] is None else f": {value['text']}"
    separates: Cells = {}
    if value["discrimination"] is not None:
        separates["Separates"] = question.estimate("discrimination", signed)
    return {
        "Question": f"{value['question_id']}, {value['skill']}{text}",
        "Openings": ", ".join(value["openings"]),
        "Answers": question["graded"].count(),
        "Points earned, %": question["facility"].shown(percent),
        **separates,
    }
