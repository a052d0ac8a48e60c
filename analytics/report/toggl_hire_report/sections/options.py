"""Who chose which option of a question that does not separate."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from toggl_hire_report import charts
from toggl_hire_report.charts import Bar
from toggl_hire_report.figure import UNKNOWN, percent
from toggl_hire_report.page import Chart, Section, Table
from toggl_hire_report.sections.questions import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toggl_hire_report.context import Context
    from toggl_hire_report.figure import Figure
    from toggl_hire_report.page import Cells, Page
    from toggl_hire_report.warehouse import Row


def figures(context: Context, judged: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Who chose which option of the first bad question that has options."""
    bad = [one for one in judged if one["verdict"] == "bad"]
    if not bad:
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


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 2)


def section(page: Page) -> Section | None:
    """Write the section, if there is such a question."""
    found = page.figures["distractors"]
    if not found.value:
        return None
    bars = []
    for option in found["options"]:
        strong, weak = option.value["strong"], option.value["weak"]
        shares = [UNKNOWN if one is None else percent(one) for one in (strong, weak)]
        bars += [
            Bar(_name(option), [strong or 0, 0], f"{' and '.join(shares)} %"),
            Bar("", [0, weak or 0]),
        ]
    return Section(
        "Who chose what",
        f"The first bad question, {found.value['question_id']}: "
        f"“{found.value['text']}”. A wrong option that strong candidates prefer "
        "may be the right one.",
        legend=[
            (charts.fill_key(0), "strong third of the candidates"),
            (charts.fill_key(1), "weak third"),
        ],
        charts=[Chart(charts.bars(bars, top=1))],
        label="How many of the strong and the weak third chose each option",
        tables=[Table([_row(option) for option in found["options"]])],
    )


def _name(option: Figure) -> str:
    key = "✓ " if option.value["is_correct"] else ""
    return f"{key}{option.value['option']}"


def _row(option: Figure) -> Cells:
    return {
        "Option (✓ marked as right)": _name(option),
        "Strong, %": option["strong"].shown(percent),
        "Weak, %": option["weak"].shown(percent),
    }
