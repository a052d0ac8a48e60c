"""Charts as SVG, drawn by hand: no library, the same bytes for the same data.

Every chart has the same width, so all have one text size. Colours are classes of the
page's style sheet, which has a set for light and one for dark; lines differ by dashes
too, and parts of bars by a gap and by their numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from itertools import groupby
from typing import NamedTuple

WIDTH = 360
LINE = 18
"""Height of a line of text."""
MOST = 6
"""The most lines of a chart: as many as there are colours."""
CHARACTER = 6.1
"""Mean width of a character."""

Points = Sequence[tuple[float, float | None]]


class Bar(NamedTuple):
    """A labelled bar of several parts."""

    label: str
    parts: Sequence[float]
    note: str = ""


class Range(NamedTuple):
    """A labelled value with its interval."""

    label: str
    value: float | None
    low: float | None
    high: float | None
    note: str = ""


def bars(
    rows: Sequence[Bar],
    legend: Sequence[str],
    colours: Sequence[int] = (0, 1),
    *,
    top: float = 0,
) -> str:
    """Draw horizontal bars, the label and a note above each.

    Args:
        rows: the bars; parts are stacked.
        legend: the name of each part.
        colours: of the parts, as numbers of classes.
        top: the value at the right edge; 0 takes the largest bar.
    """
    top = top or max((sum(row.parts) for row in rows), default=0) or 1
    drawn, y = _legend(legend, colours)
    for row in rows:
        y += LINE
        drawn += [_text(0, y - 5, row.label), _text(WIDTH, y - 5, row.note, "end")]
        x = 0.0
        for place, part in enumerate(row.parts):
            width = WIDTH * part / top
            if part:
                shape = _box(x, y, max(width - 1, 1), 10)
                drawn.append(f'<rect {shape} class="f{colours[place]}"/>')
            x += width
        y += 16
    return _svg(drawn, y)


def ranges(rows: Sequence[Range], unit: str, *, mark: float | None = None) -> str:
    """Draw a dot and its interval for each row, the label and a note above it.

    Args:
        rows: what is drawn; an interval without an end goes to the edge.
        unit: of the axis.
        mark: a value that a line marks.
    """
    ends = [
        number
        for row in rows
        for number in (row.value, row.low, row.high, mark, 0.0)
        if number is not None
    ]
    low, high = min(ends), max(*ends, 0.1)

    def across(value: float) -> float:
        return 4 + (WIDTH - 8) * (value - low) / (high - low)

    drawn: list[str] = []
    y = 0.0
    for row in rows:
        y += LINE
        drawn += [_text(0, y - 5, row.label), _text(WIDTH, y - 5, row.note, "end")]
        if row.value is not None:
            start = across(low if row.low is None else row.low)
            end = across(high if row.high is None else row.high)
            drawn.append(_line(start, y + 4, end, y + 4, "s0"))
            center = f'cx="{across(row.value):.1f}" cy="{y + 4:.1f}"'
            drawn.append(f'<circle {center} r="4" class="f0"/>')
        y += 14
    if mark is not None:
        drawn.insert(0, _line(across(mark), 4, across(mark), y, "rule"))
    ticks = _ticks(low, high)
    drawn += [_text(across(tick), y + LINE, f"{tick:g}", "middle") for tick in ticks]
    return _svg([*drawn, _text(WIDTH, y + 2 * LINE, unit, "end")], y + 2 * LINE + 4)


def lines(
    series: dict[str, Points],
    axes: tuple[str, str],
    *,
    steps: bool = False,
    **ends: float,
) -> str:
    """Draw a line for each name; a missing value is a gap.

    Args:
        series: points by name.
        axes: titles, across and up; an empty one across is a scale of weeks ago.
        steps: whether a value lasts until the next point.
        ends: `top` of the scale, by default the largest value.
    """
    legend, y = _legend(list(series), range(len(series)), is_lines=True)
    known = [point for points in series.values() for point in points]
    left = min((x for x, _ in known), default=0.0)
    right = max((x for x, _ in known), default=1.0)
    right = right if right > left else left + 1
    top = ends.get("top") or max((v for _, v in known if v is not None), default=0) or 1
    margin, height = 30, 150
    y += LINE + 4

    def across(value: float) -> float:
        return margin + (WIDTH - margin - 8) * (value - left) / (right - left)

    def up(value: float) -> float:
        return y + height * (1 - value / top)

    drawn = [*legend, _text(0, y - 9, axes[1])]
    for tick in _ticks(0, top):
        drawn.append(_line(margin, up(tick), WIDTH, up(tick), "grid"))
        drawn.append(_text(margin - 4, up(tick) + 4, f"{tick:g}", "end"))
    drawn += [
        _text(across(tick), y + height + 16, f"{tick:g}", "middle")
        for tick in _ticks(left, right)
    ]
    for place, points in enumerate(series.values()):
        for is_gap, group in groupby(points, key=lambda point: point[1] is None):
            if is_gap:
                continue
            path, before = "", 0.0
            for x, value in group:
                here = up(value or 0)
                if path and steps:
                    path += f"L{across(x):.1f} {before:.1f}"
                path += f"{'L' if path else 'M'}{across(x):.1f} {here:.1f}"
                before = here
            if path.count(" ") == 1:
                path += "h4"  # a single point is seen, too
            drawn.append(f'<path d="{path}" class="s{place % 6}"/>')
    bottom = y + height + LINE + 16
    return _svg([*drawn, _text(WIDTH, bottom - 4, axes[0], "end")], bottom)


def histogram(label: str, note: str, counts: Sequence[int | None]) -> str:
    """Draw the counts of equal bands from 0 to 100."""
    top = max((count or 0 for count in counts), default=0) or 1
    width, height, y = WIDTH / len(counts), 44, LINE + 12
    drawn = [_text(0, 12, label), _text(WIDTH, 12, note, "end")]
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


def scatter(
    points: Sequence[tuple[float, float, str]],
    kinds: Sequence[str],
    axes: tuple[str, str],
) -> str:
    """Draw points of several kinds, each kind in a shape of its own.

    Args:
        points: across (0 to 1), up (-1 to 1), and the kind.
        kinds: in the order of the legend.
        axes: titles, across and up.
    """
    drawn, y = _legend(kinds, range(len(kinds)), mark=_dot)
    y += LINE
    margin, height = 30, 190
    values = [value for _, value, _ in points]
    low, top = min([-0.2, *values]), max([0.6, *values])

    def across(value: float) -> float:
        return margin + (WIDTH - margin - 12) * value

    def up(value: float) -> float:
        return y + height * (top - value) / (top - low)

    drawn.append(_text(0, y - 7, axes[1]))
    for tick in _ticks(low, top):
        kind = "rule" if tick == 0 else "grid"
        drawn.append(_line(margin, up(tick), WIDTH, up(tick), kind))
        drawn.append(_text(margin - 4, up(tick) + 4, f"{tick:g}", "end"))
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        drawn.append(_text(across(tick), y + height + 16, f"{100 * tick:g}", "middle"))
    for x, value, kind in points:
        place = kinds.index(kind)
        drawn.append(_dot(across(x), up(value), place))
    bottom = y + height + LINE + 16
    return _svg([*drawn, _text(WIDTH, bottom - 4, axes[0], "end")], bottom)


def _legend(
    names: Sequence[str],
    colours: Sequence[int],
    *,
    is_lines: bool = False,
    mark: Callable[[float, float, int], str] | None = None,
) -> tuple[list[str], float]:
    """Draw the names of series, in as many lines as they need; return the height."""
    drawn: list[str] = []
    x, y = 0.0, 0.0
    for place, name in zip(colours, names, strict=False):
        width = 26 + CHARACTER * len(name) + 12
        if x and x + width > WIDTH:
            x, y = 0.0, y + LINE
        if is_lines:
            drawn.append(_line(x, y + 8, x + 22, y + 8, f"s{place % 6}"))
        elif mark:
            drawn.append(mark(x + 12, y + 8, place))
        else:
            drawn.append(f'<rect {_box(x + 6, y + 3, 10, 10)} class="f{place}"/>')
        drawn.append(_text(x + 26, y + 12, name))
        x += width
    return drawn, y + (LINE if names else 0)


def _dot(x: float, y: float, kind: int) -> str:
    """Draw a point in the shape of its kind."""
    shape = (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"',
        f'<path d="M{x:.1f} {y - 5:.1f}l5 9h-10z"',
        f"<rect {_box(x - 4, y - 4, 8, 8)}",
    )[kind % 3]
    return f'{shape} class="f{kind} dot"/>'


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
