"""The page: figures in a template, with nothing from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from toggl_hire_report import figures
from toggl_hire_report.charts import svg
from toggl_hire_report.privacy import LEAST

if TYPE_CHECKING:
    from toggl_hire_report.warehouse import Warehouse


def render(warehouse: Warehouse) -> str:
    """Make the page; the same data make the same page."""
    names = figures.openings(warehouse)
    environment = Environment(
        loader=PackageLoader("toggl_hire_report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = _cell
    return environment.get_template("page.html.j2").render(
        figures=[
            figures.month_in_numbers(warehouse),
            figures.funnel(warehouse, names),
            figures.scores(warehouse, names),
            figures.waits(warehouse, names),
            figures.stages(warehouse),
            figures.pipeline(warehouse),
            *figures.questions(warehouse),
            figures.distractors(warehouse),
            figures.skills(warehouse),
        ],
        least=LEAST,
        notes=figures.notes(warehouse),
        svg=svg,
    )


def _cell(value: Any) -> str:
    """A value as a table has it."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else str(value)
