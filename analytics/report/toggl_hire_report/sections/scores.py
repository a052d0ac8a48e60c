"""How candidates score, and how exact a score is."""

from __future__ import annotations

from collections import defaultdict
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

from toggl_hire_report.figure import UNKNOWN, number
from toggl_hire_report.page import Section, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toggl_hire_report.context import Context
    from toggl_hire_report.figure import Figure
    from toggl_hire_report.page import Cells, Page
    from toggl_hire_report.warehouse import Row

LEAD = (
    "Scores from 0 to 100. One score ± 9 means: the same candidate would come within 9 "
    "points of it in two of three repetitions."
)
LEAST_OF_TENTHS = 10
"""Fewer candidates have no tenth."""


def figures(context: Context) -> dict[str, Any]:
    """Take the middle of the scores, and reliability from the tests.

    Returns:
        For each opening: `scored`, `erased`, `median`, `standard_error`, `alpha`,
        `split_half`, `is_smart_test`, `expected` (the mean expected score of the
        questions drawn, lowest and highest), `not_fully_graded`.
    """
    tests = {
        row["opening"]: row
        for row in context.rows(
            "select workspace, job_opening_id, alpha, split_half, standard_error, "
            "is_smart_test from toggl_hire__tests"
        )
    }
    erased = {
        row["opening"]: row["erased"]
        for row in context.rows(
            "select workspace, job_opening_id, erased from toggl_hire__openings"
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
    return {
        opening.name: {
            **_scores(rows, tests.get(opening.name, {})),
            "erased": erased[opening.name],
        }
        for opening in context.openings.values()
        if (rows := groups[opening.name])
    }


def _scores(rows: Sequence[Row], test: Row) -> dict[str, Any]:
    expected = sorted(r["expected_score"] for r in rows if r["expected_score"])
    return {
        "scored": len(rows),
        "median": round(median(row["score"] for row in rows), 1),
        "standard_error": _rounded(test.get("standard_error"), 1),
        "alpha": _rounded(test.get("alpha"), 2),
        "split_half": _rounded(test.get("split_half"), 2),
        "is_smart_test": bool(test.get("is_smart_test")),
        "expected": round(fmean(expected), 1) if expected else None,
        "expected_low": _tenth(expected, 0.1),
        "expected_high": _tenth(expected, 0.9),
        "not_fully_graded": sum(row["is_fully_graded"] is False for row in rows),
    }


def _tenth(values: Sequence[float], share: float) -> int | None:
    """A quantile of ten values or more."""
    if len(values) < LEAST_OF_TENTHS:
        return None
    return round(values[int(share * len(values))])


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def section(page: Page) -> Section:
    """Write the section."""
    found = page.figures["scores"]
    names = [name for name in page.shown if name in found.value]
    return Section(
        "How they score",
        LEAD if names else "No candidate has a score yet.",
        tables=[Table([_row(name, found[name]) for name in names])] if names else [],
        foot=_foot(is_smart=any(found.value[name]["is_smart_test"] for name in names)),
    )


def _foot(*, is_smart: bool) -> str:
    said = ["Erased: their scores are gone. The test is: in brackets its reliability."]
    if is_smart:
        said.append(
            "Luck of the draw: the score of an average candidate with a hard draw of "
            "questions and with an easy one."
        )
    return " ".join(said)


def _reliability(scores: dict[str, Any]) -> str:
    kind = "alpha" if scores["alpha"] is not None else "split_half"
    value = scores[kind]
    return "not known yet" if value is None else f"{worth(value)} ({value:g})"


def worth(reliability: float) -> str:
    """Say what a reliability is worth."""
    phrases = (
        (0.8, "reliable: the order of candidates is mostly right"),
        (0.7, "fair: it separates strong from weak, not neighbours"),
        (0.5, "rough: use it with other signs only"),
    )
    return next(
        (text for least, text in phrases if reliability >= least),
        "too rough to rank by",
    )


def _luck(scores: dict[str, Any]) -> str:
    low, high = scores["expected_low"], scores["expected_high"]
    if not scores["is_smart_test"] or low is None or high is None:
        return UNKNOWN
    return f"{low:g} to {high:g}"


def _error(value: float) -> str:
    return f"± {value:g}"


def _row(name: str, scores: Figure) -> Cells:
    return {
        "Opening": name,
        "Scored": scores["scored"].count(),
        "Erased": scores["erased"].count(),
        "Median": scores["median"].shown(number),
        "One score is": scores["standard_error"].shown(_error),
        "The test is": _reliability(scores.value),
        "Luck of the draw": _luck(scores.value),
        "Not fully graded": scores["not_fully_graded"].count(),
    }
