"""Charts as SVG, drawn by hand: no library, the same bytes for the same data.

Every chart has the same width, so all have one text size, on a phone too. Colours and
fills are classes of the page's style sheet, which has a set for light and one for dark.
Lines differ by dashes too, points by shapes, and fills by patterns, so that a black and
white print shows them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby
from typing import NamedTuple

WIDTH = 270
LINE = 18
"""Height of a line of text."""
MOST_LINES = 6
"""The most lines of a chart: as many as there are dashes."""
MOST = 4
"""The most charts side by side: they fill a row of the page."""
CHARACTER = 7.2
"""Width of a character in a wide font."""

Points = Sequence[tuple[float, float | None]]


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


def lines(
    series: Sequence[Points],
    axes: tuple[str, str],
    *,
    steps: bool = False,
    top: float = 0,
    names: Sequence[tuple[float, str]] | None = None,
) -> str:
    """Draw lines; a missing value is a gap.

    Args:
        series: the points of each line.
        axes: titles, across and up.
        steps: whether a value lasts until the next point.
        top: of the scale; 0 takes the largest value.
        names: of places across, in place of numbers.
    """
    known = [point for points in series for point in points]
    left = min((x for x, _ in known), default=0.0)
    right = max((x for x, _ in known), default=1.0)
    right = right if right > left else left + 1
    top = top or max((v for _, v in known if v is not None), default=0) or 1
    margin, height, y = 30, 150, LINE + 4

    def across(value: float) -> float:
        return margin + (WIDTH - margin - 8) * (value - left) / (right - left)

    def up(value: float) -> float:
        return y + height * (1 - value / top)

    drawn = [_text(0, y - 9, axes[1])]
    for tick in _ticks(0, top):
        drawn.append(_line(margin, up(tick), WIDTH, up(tick), "grid"))
        drawn.append(_text(margin - 4, up(tick) + 4, f"{tick:g}", "end"))
    if names is None:
        names = [(tick, f"{tick:g}") for tick in _ticks(left, right)]
    for x, name in names:
        half = CHARACTER * len(name) / 2
        middle = min(across(x), WIDTH - half)  # not beyond the edge
        drawn.append(_text(middle, y + height + 16, name, "middle"))
    for place, points in enumerate(series):
        for is_gap, group in groupby(points, key=lambda point: point[1] is None):
            if not is_gap:
                dots = [(across(x), up(value or 0)) for x, value in group]
                drawn.append(_path(dots, place, steps=steps))
    bottom = y + height + LINE + (16 if axes[0] else 4)
    return _svg([*drawn, _text(WIDTH, bottom - 4, axes[0], "end")], bottom)


def _path(dots: Sequence[tuple[float, float]], place: int, *, steps: bool) -> str:
    """Draw a line through points; one point alone is a dot."""
    (x, before), *others = dots
    if not others:
        return f'<circle cx="{x:.1f}" cy="{before:.1f}" r="2.5" class="d{place}"/>'
    path = f"M{x:.1f} {before:.1f}"
    for x, here in others:
        if steps:
            path += f"L{x:.1f} {before:.1f}"
        path += f"L{x:.1f} {here:.1f}"
        before = here
    return f'<path d="{path}" class="s{place}"/>'


def histogram(counts: Sequence[int | None]) -> str:
    """Draw the counts of equal bands from 0 to 100."""
    top = max((count or 0 for count in counts), default=0) or 1
    width, height, y = WIDTH / len(counts), 44, 14
    drawn: list[str] = []
    for place, count in enumerate(counts):
        x = place * width
        tall = height * (count or 0) / top
        if count:
            shape = _box(x, y + height - tall, width - 1, tall)
            drawn.append(f'<rect {shape} class="f0"/>')
            drawn.append(
                _text(x + width / 2, y + height - tall - 2, str(count), "middle")
            )
        name = f"{100 * place // len(counts)}"
        drawn.append(_text(x, y + height + 13, name))
    drawn.append(_line(0, y + height, WIDTH, y + height, "grid"))
    return _svg(drawn, y + height + LINE)


def scatter(points: Sequence[tuple[float, float, int]], axes: tuple[str, str]) -> str:
    """Draw points of several kinds, each kind in a shape of its own.

    Args:
        points: across (0 to 1), up (-1 to 1), and the kind.
        axes: titles, across and up.
    """
    margin, height, y = 30, 190, LINE
    values = [value for _, value, _ in points]
    low, top = min([-0.2, *values]), max([0.6, *values])

    def across(value: float) -> float:
        return margin + (WIDTH - margin - 12) * value

    def up(value: float) -> float:
        return y + height * (top - value) / (top - low)

    drawn = [_text(0, y - 7, axes[1])]
    for tick in _ticks(low, top):
        kind = "rule" if tick == 0 else "grid"
        drawn.append(_line(margin, up(tick), WIDTH, up(tick), kind))
        drawn.append(_text(margin - 4, up(tick) + 4, f"{tick:g}", "end"))
    drawn += [
        _text(across(share), y + height + 16, f"{100 * share:g}", "middle")
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    drawn += [_dot(across(x), up(value), kind) for x, value, kind in points]
    bottom = y + height + LINE + 16
    return _svg([*drawn, _text(WIDTH, bottom - 4, axes[0], "end")], bottom)


def fill_key(kind: int) -> str:
    """Draw a fill for a legend."""
    return _key(f'<rect {_box(4.5, 1.5, 13, 9)} class="f{kind}"/>')


def line_key(kind: int) -> str:
    """Draw a line for a legend."""
    return _key(_line(0, 6, 22, 6, f"s{kind}"))


def dot_key(kind: int) -> str:
    """Draw a point for a legend."""
    return _key(_dot(11, 6, kind))


def _key(mark: str) -> str:
    return f'<svg class="key" viewBox="0 0 22 12" aria-hidden="true">{mark}</svg>'


def _dot(x: float, y: float, kind: int) -> str:
    """Draw a point in the shape of its kind."""
    shape = (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"',
        f'<path d="M{x:.1f} {y - 5:.1f}l5 9h-10z"',
        f"<rect {_box(x - 4, y - 4, 8, 8)}",
        f'<path d="M{x:.1f} {y - 5.5:.1f}l5.5 5.5l-5.5 5.5l-5.5 -5.5z"',
        f'<path d="M{x:.1f} {y + 5:.1f}l5 -9h-10z"',
    )[kind]
    return f'{shape} class="d{kind} dot"/>'


def _ticks(low: float, high: float) -> list[float]:
    """Return round numbers of a scale, at most six."""
    step = next(
        step
        for power in range(-3, 9)
        for step in (10.0**power, 2 * 10.0**power, 5 * 10.0**power)
        if (high - low) / step <= 5  # noqa: PLR2004
    )
    first = -int(-low // step) if low > 0 else -int(-low / step)
    ticks = [round(step * number, 9) + 0.0 for number in range(first, first + 7)]
    return [tick for tick in ticks if low <= tick <= high]


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
