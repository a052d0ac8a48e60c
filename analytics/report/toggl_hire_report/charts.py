"""Charts as SVG, drawn by hand: no library, the same bytes for the same data.

Every chart has the same width, so all have one text size, on a phone too. Colours and
fills are classes of the page's style sheet, which has a set for light and one for dark.
Lines differ by dashes too, points by shapes, and fills by patterns, so that a black and
white print shows them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH = 270
LINE = 18
"""Height of a line of text."""
MOST = 4
"""The most charts side by side: they fill a row of the page."""
CHARACTER = 7.2
"""Width of a character in a wide font."""

Points = Sequence[tuple[float, float]]


class Bar(NamedTuple):
    """A labelled bar of several parts; a long label is cut, its value is not."""

    label: str
    parts: Sequence[float]
    note: str = ""
    value: str = ""


def bars(rows: Sequence[Bar], fills: Sequence[int] = (0, 1), *, top: float = 0) -> str:
    """Draw horizontal bars, the label and a note above each that has one.

    Args:
        rows: the bars; parts are stacked.
        fills: of the parts, as numbers of classes.
        top: the value at the right edge; 0 takes the largest bar.
    """
    top = top or max((sum(row.parts) for row in rows), default=0) or 1
    drawn: list[str] = []
    y = 0.0
    for row in rows:
        if row.label:
            y += LINE + (6 if drawn else 0)
            drawn += [
                _text(0, y - 5, _fitted(row)),
                _text(WIDTH, y - 5, row.note, "end"),
            ]
        x = 0.0
        for fill, part in zip(fills, row.parts, strict=True):
            width = (WIDTH - 1) * part / top
            if part:
                shape = _box(x + 0.5, y, max(width - 1.5, 1), 10)
                drawn.append(f'<rect {shape} class="f{fill}"/>')
            x += width
        y += 11
    return _svg(drawn, y)


def lines(series: Sequence[Points], axes: tuple[str, str], top: float) -> str:
    """Draw lines of values that last until the next point.

    Args:
        series: the points of each line, from 0 across.
        axes: titles, across and up.
        top: of the scale.
    """
    known = [point for points in series for point in points]
    right = max((x for x, _ in known), default=0.0) or 1.0
    margin, height, y = 30, 150, LINE + 4

    def across(value: float) -> float:
        return margin + (WIDTH - margin - 8) * value / right

    def up(value: float) -> float:
        return y + height * (1 - value / top)

    drawn = [_text(0, y - 9, axes[1])]
    for tick in _ticks(top):
        drawn.append(_line(margin, up(tick), WIDTH, up(tick), "grid"))
        drawn.append(_text(margin - 4, up(tick) + 4, f"{tick:g}", "end"))
    for tick in _ticks(right):
        half = CHARACTER * len(f"{tick:g}") / 2
        middle = min(across(tick), WIDTH - half)  # not beyond the edge
        drawn.append(_text(middle, y + height + 16, f"{tick:g}", "middle"))
    for place, points in enumerate(series):
        dots = [(across(x), up(value)) for x, value in points]
        drawn.append(_path(dots, place))
    bottom = y + height + LINE + 16
    return _svg([*drawn, _text(WIDTH, bottom - 4, axes[0], "end")], bottom)


def _path(dots: Points, place: int) -> str:
    """Draw a line in steps through points."""
    (x, before), *others = dots
    path = f"M{x:.1f} {before:.1f}"
    for x, here in others:
        path += f"L{x:.1f} {before:.1f}L{x:.1f} {here:.1f}"
        before = here
    return f'<path d="{path}" class="s{place}"/>'


def fill_key(kind: int) -> str:
    """Draw a fill for a legend."""
    return _key(f'<rect {_box(4.5, 1.5, 13, 9)} class="f{kind}"/>')


def line_key(kind: int) -> str:
    """Draw a line for a legend."""
    return _key(_line(0, 6, 22, 6, f"s{kind}"))


def _key(mark: str) -> str:
    return f'<svg class="key" viewBox="0 0 22 12" aria-hidden="true">{mark}</svg>'


def _ticks(top: float) -> list[float]:
    """Return round numbers of a scale from 0, at most six."""
    step = next(
        step
        for power in range(-3, 9)
        for step in (10.0**power, 2 * 10.0**power, 5 * 10.0**power)
        if top / step <= 5  # noqa: PLR2004
    )
    return [round(step * number, 9) for number in range(int(top / step) + 1)]


def _fitted(bar: Bar) -> str:
    """Shorten a label to the room that its value and the note leave."""
    value = f": {bar.value}" if bar.value else ""
    room = int(WIDTH / CHARACTER) - len(value) - len(bar.note) - 1
    label = bar.label
    if len(label) > room:
        label = f"{label[: room - 1].rstrip()}…"
    return f"{label}{value}"


def _text(x: float, y: float, text: str, anchor: str = "start") -> str:
    if not text:
        return ""
    where = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{where}>{escape(text)}</text>'


def _line(x: float, y: float, to_x: float, to_y: float, kind: str) -> str:
    return f'<path d="M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}" class="{kind}"/>'


def _box(x: float, y: float, width: float, height: float) -> str:
    return f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'


def _svg(drawn: Sequence[str], height: float) -> str:
    # Its numbers stand in a table, so a screen reader need not spell out each mark.
    body = "".join(drawn)
    return f'<svg viewBox="0 0 {WIDTH} {height:.0f}" aria-hidden="true">{body}</svg>'
