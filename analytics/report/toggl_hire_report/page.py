"""The page: its sections of text, charts and tables, in a template."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from toggl_hire_report.context import ALL
from toggl_hire_report.figure import UNKNOWN, Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

Cells = dict[str, str]
"""The cells of a table's row by the heads of their columns. What a `Figure` shows is
`Markup` and set as a number; a `Phrase` and any other cell are set as words."""


@dataclass
class Table:
    """Rows that have the same columns."""

    rows: list[Cells]
    caption: str = ""
    is_open: bool = True
    """Whether it is shown before a reader opens it."""
    more: int = 0
    """How many rows were left out."""

    @property
    def is_wide(self) -> bool:
        """Whether a phone shows each of its rows as a list."""
        return len(self.rows[0]) > 3 or bool(self.caption)  # noqa: PLR2004


class Phrase(Markup):
    """Words with figures in them."""


class Chart(NamedTuple):
    """A drawing under its title and a note."""

    drawing: str
    title: str = ""
    note: str = ""


class Tile(NamedTuple):
    """A figure that is read first, and what it is compared with."""

    label: str
    value: Markup
    notes: Sequence[Markup]


@dataclass
class Section:
    """A part of the page."""

    title: str
    lead: str = ""
    tiles: list[Tile] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    legend: list[tuple[str, str]] = field(default_factory=list)
    """Marks of the charts, drawn, and their names."""
    charts: list[Chart] = field(default_factory=list)
    label: str = ""
    """What the charts show, for those who do not see them."""
    tables: list[Table] = field(default_factory=list)
    foot: str = ""
    is_half: bool = False
    """Whether it stands beside another one on a wide screen."""


class Page:
    """What sections are written from.

    Attributes:
        figures: all of them.
        all: the key of figures of all openings of the page together.
        shown: the openings that tables show; charts show the first of them.
        candidate_link: the address of a candidate's page, with `{id}` for the ID.
    """

    def __init__(self, figures: Figure, candidate_link: str | None = None) -> None:
        self.figures = figures
        self.candidate_link = candidate_link
        openings = figures.value["openings"]
        self.is_one_opening = len(openings) == 1
        self.all = next(iter(openings)) if self.is_one_opening else ALL
        self.shown = [name for name, one in openings.items() if one["is_shown"]]

    @property
    def title(self) -> str:
        """The page's name: what it is about, where that is given."""
        about = [self.figures.value["title"]]
        if self.is_one_opening:
            about.append(self.all)
        given = ", ".join(name for name in about if name)
        return f"Hiring report: {given}" if given else "Hiring report"

    @property
    def banner(self) -> str:
        """What the page has of candidates, and so who may read it."""
        if self.figures.value["names"]:
            return (
                "With names of candidates: only for the team that does the hiring. "
                "Do not pass it on, and delete it once it is read."
            )
        return (
            "Without names of candidates. For the hiring team: it has IDs of "
            "candidates, small counts and texts of questions."
        )

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

    @property
    def foot(self) -> str:
        """What holds for several sections."""
        if not self.figures.value["health"]["erased"]:
            return ""
        return (
            "Deleted candidates count in weeks, steps, months and waits; their scores "
            "and answers are gone. Where the rejected are deleted first, scores look "
            "higher and questions separate less than they did."
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
    environment.tests["phrase"] = lambda cell: isinstance(cell, Phrase)
    environment.tests["number_cell"] = lambda cell: (
        isinstance(cell, Markup) and not isinstance(cell, Phrase)
    )
    return environment.get_template("page.html.j2").render(page=page, sections=sections)


def words(text: str) -> Markup:
    """A text; a very long word of it may be broken."""
    return Markup("<wbr>").join(re.findall(r"\S{1,14}|\s+", text))
