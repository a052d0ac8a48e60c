"""What a figure of the report is, and how it says things."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from toggl_hire_report.privacy import LEAST, hidden

if TYPE_CHECKING:
    from toggl_hire_report.charts import Chart
    from toggl_hire_report.warehouse import Row

MOST = 6
"""The most openings, categories or skills that a chart has: the largest."""
TOO_FEW = "There are too few candidates to show this."


@dataclass
class Figure:
    """A chart, in words and in numbers too."""

    title: str
    summary: str
    rows: list[Row] = field(default_factory=list)
    chart: Chart = None
    note: str = ""


def category(row: Row) -> str:
    """The name of a category, or a word for none."""
    return row["category"] or "(no category)"


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
    """The beginning of a text in Markdown, on one line, without marks and addresses."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text or "(no text)")
    plain = re.sub(r"https?://\S+", "(link)", plain)
    line = " ".join(re.sub(r"```\w*|[`*|]", "", plain).split())
    return line if len(line) <= 70 else f"{line[:69]}…"  # noqa: PLR2004
