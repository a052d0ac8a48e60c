"""Line charts as SVG, without a library."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

WIDTH, HEIGHT = 380, 250
LEFT, RIGHT, TOP, BOTTOM = 44, 14, 70, 44
"""Margins of a panel."""
INK, PALE = "#334155", "#e2e8f0"
CENTRED, TO_THE_LEFT = 'text-anchor="middle"', 'text-anchor="end"'


FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Picture:
    """A picture for a document; `str` returns the Markdown that shows it."""

    file: str
    """File name, beside this module."""
    description: str
    svg: str

    def __str__(self) -> str:
        return f"![{self.description}](../tools/bench/{self.file})\n"  # seen from docs/

    def write(self) -> None:
        """Write the file."""
        (FOLDER / self.file).write_text(self.svg)


@dataclass
class Line:
    """A line of a chart."""

    name: str
    color: str
    is_dashed: bool = False
    points: list[tuple[float, float]] = field(default_factory=list)

    def add(self, x: float, y: float) -> None:
        """Add a point."""
        self.points.append((x, y))


@dataclass
class Panel:
    """A chart whose axes begin at zero."""

    title: str
    x_label: str
    lines: list[Line]

    def draw(self) -> str:
        """Return SVG with the upper left corner at the origin."""
        points = [point for line in self.lines for point in line.points]
        x_step, x_end = _scale(max(x for x, _ in points))
        y_step, y_end = _scale(max(y for _, y in points))

        def place(x: float, y: float) -> tuple[float, float]:
            across = LEFT + x / x_end * (WIDTH - LEFT - RIGHT)
            down = HEIGHT - BOTTOM - y / y_end * (HEIGHT - TOP - BOTTOM)
            return round(across, 1), round(down, 1)

        parts = [_text(LEFT, 20, self.title, 'font-weight="bold"')]
        for step in range(round(y_end / y_step) + 1):
            left, y = place(0, step * y_step)
            right, _ = place(x_end, 0)
            parts.append(f'<path d="M{left} {y}H{right}" stroke="{PALE}"/>')
            parts.append(_text(left - 6, y + 4, f"{step * y_step:g}", TO_THE_LEFT))
        for step in range(round(x_end / x_step) + 1):
            x, bottom = place(step * x_step, 0)
            label = f"{step * x_step:,.0f}"
            parts.append(_text(x, bottom + 16, label, CENTRED))
        middle = (LEFT + WIDTH - RIGHT) / 2
        parts.append(_text(middle, HEIGHT - 8, self.x_label, CENTRED))
        legend = LEFT
        for line in self.lines:
            path = "L".join(f"{x} {y}" for x, y in (place(*p) for p in line.points))
            dash = ' stroke-dasharray="4 4"' if line.is_dashed else ""
            style = f'fill="none" stroke="{line.color}" stroke-width="2"{dash}'
            parts.append(f'<path d="M{path}" {style}/>')
            if not line.is_dashed:
                for x, y in (place(*point) for point in line.points):
                    parts.append(
                        f'<circle cx="{x}" cy="{y}" r="2.5" fill="{line.color}"/>'
                    )
            parts.append(f'<path d="M{legend} 38h16" {style}/>')
            parts.append(_text(legend + 20, 42, line.name))
            legend += 36 + 6 * len(line.name)
        return "\n".join(parts)


def draw(title: str, panels: list[Panel]) -> str:
    """Return an SVG document with panels side by side."""
    width, height = WIDTH * len(panels), HEIGHT + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">',
        f'<g font-family="system-ui, sans-serif" font-size="11" fill="{INK}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#fff"/>',
        _text(LEFT, 24, title, 'font-weight="bold" font-size="14"'),
    ]
    for number, panel in enumerate(panels):
        parts.append(f'<g transform="translate({number * WIDTH} 34)">')
        parts += [panel.draw(), "</g>"]
    return "\n".join([*parts, "</g>", "</svg>\n"])


def _scale(most: float) -> tuple[float, float]:
    """Return a round step of an axis, and its end."""
    rough = most / 5
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude >= rough)
    return step, step * math.ceil(most / step)


def _text(x: float, y: float, text: str, style: str = "") -> str:
    return f'<text x="{x}" y="{y}" {style}>{escape(text)}</text>'
