"""The page: its sections of text, charts and tables, in a template."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from toggl_hire_report.audience import LEAST
from toggl_hire_report.context import ALL
from toggl_hire_report.figure import UNKNOWN, Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

Cells = dict[str, str]
"""The cells of a table's row by the heads of their columns. What a `Figure` shows is
`Markup` and set as a number, any other cell as words."""


@dataclass
class Table:
    """Rows that have the same columns."""

    rows: list[Cells]
    caption: str = ""
    is_open: bool = True
    """Whether it is shown before a reader opens it."""


@dataclass
class Section:
    """A part of the page."""

    title: str
    lead: str = ""
    charts: list[str] = field(default_factory=list)
    label: str = ""
    """What the charts show, for those who do not see them."""
    tables: list[Table] = field(default_factory=list)
    items: list[tuple[str, list[str]]] = field(default_factory=list)
    foot: str = ""
    is_wide: bool = False


class Page:
    """What sections are written from.

    Attributes:
        figures: all of them.
        all: the key of figures of all openings of the page together.
        shown: the openings that charts show.
    """

    def __init__(self, figures: Figure) -> None:
        self.figures = figures
        self.is_team = figures.value["for"] == "team"
        openings = figures.value["openings"]
        self.all = ALL if len(openings) != 1 else next(iter(openings))
        self.shown = [name for name, one in openings.items() if one["is_shown"]]

    @property
    def title(self) -> str:
        """The page's name."""
        about = ", ".join(self.figures.value["workspaces"]) or "no data yet"
        return f"Hiring report: {about if self.all == ALL else self.all}"

    @property
    def period(self) -> str:
        """As of when, and since when."""
        figures = self.figures.value
        if figures["as_of"] is None:
            return "No run of the tap has been loaded yet."
        workspaces = figures["health"]["workspaces"].values()
        since = [one["history_since"] for one in workspaces if one["history_since"]]
        start = figures["since"] or (min(since)[:10] if since else UNKNOWN)
        return (
            f"As of {figures['as_of'][:16].replace('T', ' ')} UTC. "
            f"{'Period' if figures['since'] else 'History is known'} since {start}."
        )


def html(page: Page, sections: Sequence[Section]) -> str:
    """Write the file; the same sections make the same bytes."""
    environment = Environment(
        loader=PackageLoader("toggl_hire_report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["words"] = words
    environment.tests["number_cell"] = lambda cell: isinstance(cell, Markup)
    return environment.get_template("page.html.j2").render(
        page=page, sections=sections, least=LEAST
    )


def words(text: str) -> Markup:
    """A text; a very long word of it may be broken."""
    return Markup("<wbr>").join(re.findall(r"\S{1,14}|\s+", text))
