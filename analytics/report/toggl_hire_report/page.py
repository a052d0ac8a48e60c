"""The page: figures in a template, with nothing from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from toggl_hire_report import candidates, questions
from toggl_hire_report.charts import svg
from toggl_hire_report.figures import few, moment
from toggl_hire_report.privacy import LEAST

if TYPE_CHECKING:
    from toggl_hire_report.warehouse import Warehouse


def render(warehouse: Warehouse) -> str:
    """Make the page; the same data make the same page."""
    names = candidates.openings(warehouse)
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
            candidates.month_in_numbers(warehouse),
            candidates.funnel(warehouse, names),
            candidates.scores(warehouse, names),
            candidates.waits(warehouse, names),
            candidates.stages(warehouse),
            candidates.pipeline(warehouse),
            *questions.questions(warehouse),
            questions.distractors(warehouse),
            questions.skills(warehouse),
        ],
        least=LEAST,
        notes=notes(warehouse),
        svg=svg,
    )


def _cell(value: Any) -> str:
    """A value as a table has it."""
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else str(value)


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
