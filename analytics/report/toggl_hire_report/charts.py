"""The charts. Each is drawn for a phone, and scales up to a desk.

The colours are those of Okabe and Ito, which the colour-blind tell apart; text and
lines take the colour of the page, light or dark.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import altair as alt
import vl_convert as vlc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toggl_hire_report.warehouse import Row

Chart = Any  # altair's hints tell no more of a chart that is encoded

WIDTH = 340
BLUE, ORANGE, GREEN, PINK, SKY, RED = (
    *("#0072b2", "#e69f00", "#009e73"),
    *("#cc79a7", "#56b4e9", "#d55e00"),
)
COLOURS = [BLUE, ORANGE, GREEN, PINK, SKY, RED]
TEXT = "currentColor"
CONFIG = {
    "background": None,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": TEXT,
        "titleColor": TEXT,
        "titleFontWeight": "normal",
        "domainColor": TEXT,
        "domainOpacity": 0.4,
        "gridColor": TEXT,
        "gridOpacity": 0.12,
        "ticks": False,
        "labelPadding": 4,
        "labelLimit": 120,
    },
    "legend": {
        "labelColor": TEXT,
        "title": None,
        "orient": "top",
        "columns": 2,
        "labelLimit": 140,
        "symbolStrokeWidth": 3,
    },
    "header": {
        "labelColor": TEXT,
        "title": None,
        "labelAnchor": "start",
        "labelOrient": "top",
        "labelPadding": 2,
        "labelFontWeight": "bold",
    },
    "range": {"category": COLOURS},
}


def svg(chart: Chart) -> str:
    """A chart as SVG that takes width and colour from the page it stands in."""
    spec = chart.to_dict() | {"config": CONFIG}
    drawn: str = vlc.vegalite_to_svg(spec, vl_version="6.1")
    drawn = re.sub(r' xmlns(:\w+)?="[^"]*"| version="[^"]*"', "", drawn)
    # Its numbers are in a table below: a screen reader need not spell out each mark.
    return drawn.replace("<svg", '<svg aria-hidden="true"', 1)


def funnel(rows: list[Row]) -> Chart:
    """Bars of those who reached a category, by what became of them."""
    parts = ["Went on", "Still here", "Rejected"]
    marks = [
        {
            "Opening": row["Opening"],
            "Category": row["Category"],
            "Part": part,
            "Candidates": row[part],
            "Place": place,
        }
        for row in rows
        for place, part in enumerate(parts)
        if row[part]
    ]
    # Where parts may not be told, what they are together may.
    marks += [
        {
            "Opening": row["Opening"],
            "Category": row["Category"],
            "Part": "Not told apart",
            "Candidates": row["Reached"] - sum(row[part] or 0 for part in parts),
            "Place": 3,
        }
        for row in rows
        if None in row.values()
    ]
    base = _chart(marks, 16).mark_bar()
    return base.encode(
        x=alt.X("sum(Candidates):Q", title="candidates", axis=_whole()),
        y=alt.Y("Category:N", title=None, sort="-x"),
        color=alt.Color(
            "Part:N",
            scale=alt.Scale(
                domain=[*parts, "Not told apart"], range=[BLUE, SKY, ORANGE, "#999999"]
            ),
        ),
        order="Place:O",
        row=alt.Row("Opening:N", sort=_unique(rows, "Opening"), spacing=12),
    ).resolve_scale(y="independent")


def scores(rows: list[Row], bands: Sequence[str]) -> Chart:
    """A small histogram for each opening."""
    marks = [
        {"Opening": row["Opening"], "Score": band, "Candidates": row[band]}
        for row in rows
        for band in bands
        if row[band] is not None
    ]
    return (
        _chart(marks, height=70)
        .mark_bar(color=BLUE)
        .encode(
            x=alt.X(
                "Score:N",
                title=None,
                scale=alt.Scale(domain=list(bands)),
                axis=alt.Axis(labelAngle=0),
            ),
            y=alt.Y("Candidates:Q", title=None, axis=_whole(4)),
            row=alt.Row("Opening:N", sort=_unique(rows, "Opening"), spacing=8),
        )
    )


def curves(rows: list[Row], name: str, axes: tuple[str, str]) -> Chart:
    """Survival curves: one for each value of a column.

    Args:
        rows: with Days, Percent, and the column.
        name: of the column.
        axes: their titles.
    """
    across, up = axes
    return _lines(rows, name).encode(
        x=alt.X("Days:Q", title=across),
        y=alt.Y("Percent:Q", title=up, scale=alt.Scale(domain=[0, 100])),
    )


def pipeline(rows: list[Row]) -> Chart:
    """Lines of the candidates in each category."""
    return _lines(rows, "Category").encode(
        x=alt.X("Day:T", title=None, axis=alt.Axis(format="%-d %b", tickCount=5)),
        y=alt.Y("Candidates:Q", title="candidates", axis=_whole()),
    )


def questions(rows: list[Row]) -> Chart:
    """The map of questions."""
    zero = alt.Chart(_data([{"Discrimination": 0}])).mark_rule(
        color=TEXT, opacity=0.5, strokeDash=[4, 3]
    )
    points = (
        _chart(rows, height=260)
        .mark_point(size=55, filled=True, opacity=0.75)
        .encode(
            x=alt.X(
                "Difficulty:Q",
                title="difficulty: hard on the left",
                scale=alt.Scale(domain=[0, 1]),
            ),
            y=alt.Y("Discrimination:Q", title="discrimination"),
            color=alt.Color(
                "Judged by:N",
                scale=alt.Scale(
                    domain=["20 or more", "fewer than 20"], range=[BLUE, ORANGE]
                ),
            ),
            shape=alt.Shape(
                "Judged by:N",
                scale=alt.Scale(
                    domain=["20 or more", "fewer than 20"], range=["circle", "triangle"]
                ),
            ),
        )
    )
    return alt.layer(zero.encode(y="Discrimination:Q"), points)


def distractors(rows: list[Row]) -> Chart:
    """For each option, a bar for the upper third and one for the lower."""
    thirds = ["Upper third", "Lower third"]
    marks = [
        {
            "Option": f"✓ {row['Option']}"
            if row["Correct"] == "yes"
            else row["Option"],
            "Third": third,
            "Percent": row[third],
        }
        for row in rows
        for third in thirds
        if row[third] is not None
    ]
    colour = alt.Color(
        "Third:N", scale=alt.Scale(domain=thirds, range=[BLUE, ORANGE]), sort=thirds
    )
    return (
        _chart(marks, 14)
        .mark_bar()
        .encode(
            x=alt.X("Percent:Q", title="chose it, %", scale=alt.Scale(domain=[0, 100])),
            y=alt.Y("Option:N", title=None, sort=_unique(marks, "Option")),
            yOffset=alt.YOffset("Third:N", sort=thirds),
            color=colour,
        )
    )


def skills(rows: list[Row]) -> Chart:
    """A bar for each skill."""
    return (
        _chart(rows, 18)
        .mark_bar(color=BLUE)
        .encode(
            x=alt.X("Average score:Q", title="average score, %"),
            y=alt.Y("Skill:N", title=None, sort="-x"),
        )
    )


def _lines(rows: list[Row], name: str) -> Chart:
    """A line for each value of a column, which the colour-blind tell apart too."""
    names = _unique(rows, name)
    return (
        _chart(rows, height=220)
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            color=alt.Color(f"{name}:N", sort=names),
            strokeDash=alt.StrokeDash(f"{name}:N", sort=names, legend=None),
        )
    )


def _chart(rows: list[Row], step: int = 0, height: int = 0) -> alt.Chart:
    """A chart with its data in it; `step` is the height of each bar."""
    size: Any = alt.Step(step) if step else height
    width = WIDTH - 120 if step else WIDTH - 50  # room for names
    return alt.Chart(_data(rows), width=width, height=size)


def _data(rows: list[Row]) -> Any:
    """Rows as the data of a chart, which stand in it."""
    return alt.InlineData.from_dict({"values": rows})


def _whole(ticks: int = 5) -> alt.Axis:
    """An axis of whole numbers."""
    return alt.Axis(tickMinStep=1, tickCount=ticks, format="d")


def _unique(rows: list[Row], name: str) -> list[Any]:
    """The values of a column, in their order."""
    return list(dict.fromkeys(row[name] for row in rows))
