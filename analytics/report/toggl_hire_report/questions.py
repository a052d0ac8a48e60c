"""Figures of questions: which separate strong candidates from weak ones."""

from __future__ import annotations

import re
from collections import defaultdict
from math import ceil
from typing import TYPE_CHECKING, Any

from toggl_hire_report.audience import LEAST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toggl_hire_report.context import Context
    from toggl_hire_report.warehouse import Row

Z_BAD, Z_GOOD = 1.644854, 2.575829
"""Deviations from the limit that a verdict takes: see `toggl_hire__questions`."""
LIMIT = 0.2
"""A discrimination below it is bad."""
MOST_NEEDED = 2000
VERDICTS = ("bad", "too early", "good")


def questions(context: Context) -> dict[str, Any]:
    """Judge every question.

    Returns:
        `counts` and `questions`; for each of them `question_id`, `skill`, `openings`,
        `graded` (answers), `facility` (share of points earned), `discrimination` with
        `low` and `high`, `verdict`, `needed` (answers until it can be judged) and, for
        the team, `text`. The worst come first.
    """
    audience = context.audience
    openings = _openings(context)
    figures = []
    for row in context.warehouse.rows("""
        select
            workspace, question_id, question_type, skill, question, graded, facility,
            discrimination, discrimination_low, discrimination_high, verdict
        from toggl_hire__questions
        where discrimination is not null and verdict is not null
        order by discrimination, workspace, question_id
    """):
        asked = openings.get((row["workspace"], row["question_id"]), [])
        if not asked or (not audience.is_team and row["graded"] < LEAST):
            continue
        figures.append(
            {
                "question_id": row["question_id"],
                "text": shortened(row["question"]) if audience.is_team else None,
                "skill": row["skill"] or "(none)",
                "openings": asked,
                "graded": audience.count(row["graded"]),
                "facility": audience.rounded(row["facility"]),
                "discrimination": round(row["discrimination"], 2),
                "low": _rounded(row["discrimination_low"]),
                "high": _rounded(row["discrimination_high"]),
                "verdict": row["verdict"],
                "needed": _needed(row) if row["verdict"] == "too early" else None,
            }
        )
    found = [one["verdict"] for one in figures]
    return {
        "counts": {verdict: found.count(verdict) for verdict in VERDICTS},
        "questions": figures,
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


def distractors(context: Context, judged: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Who chose which option of the first bad question that has options: team only."""
    bad = [one for one in judged if one["verdict"] == "bad"]
    if not context.audience.is_team or not bad:
        return {}
    options: dict[str, list[Row]] = defaultdict(list)
    for row in context.warehouse.rows("""
        select
            question_id, option_id, content, is_correct, upper_shown, lower_shown,
            upper_chosen_share, lower_chosen_share
        from toggl_hire__options
        order by workspace, question_id, is_correct desc, option_id
    """):
        options[row["question_id"]].append(row)
    first = next((one for one in bad if options[one["question_id"]]), None)
    if first is None:
        return {}
    return {
        "question_id": first["question_id"],
        "text": first["text"],
        "options": [
            {
                "option": shortened(row["content"]),
                "is_correct": bool(row["is_correct"]),
                "strong": _rounded(row["upper_chosen_share"]),
                "weak": _rounded(row["lower_chosen_share"]),
            }
            for row in options[first["question_id"]]
        ],
    }


def margin(alpha: float) -> str:
    """Say what a reliability is worth."""
    words = (
        (0.8, "reliable: the order of candidates is mostly right"),
        (0.7, "fair: it separates strong from weak, not neighbours"),
        (0.5, "rough: use it with other signs only"),
    )
    return next(
        (text for least, text in words if alpha >= least), "too rough to rank by"
    )


def shortened(text: str | None) -> str:
    """The beginning of a text in Markdown, on one line, without marks and addresses."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text or "(no text)")
    plain = re.sub(r"https?://\S+", "(link)", plain)
    line = " ".join(re.sub(r"```\w*|[`*|]", "", plain).split())
    return line if len(line) <= 70 else f"{line[:69]}…"  # noqa: PLR2004


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
