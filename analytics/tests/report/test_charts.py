"""Charts draw what they are given, and nothing that a name could smuggle in."""

from __future__ import annotations

import re

import pytest
from toggl_hire_report.charts import Bar, bars, lines


def test_value_of_a_line_lasts_until_the_next_point() -> None:
    drawing = lines([[(0, 100), (5, 50), (10, 0)]], ("", ""), top=100)
    (path,) = re.findall(r'<path d="M([^"]+)" class="s0"', drawing)
    points = [tuple(map(float, point.split())) for point in path.split("L")]
    across = [x for x, _ in points]
    assert across[0] < across[1] == across[2] < across[3] == across[4]
    heights = [y for _, y in points]
    assert heights[0] == heights[1] < heights[2] == heights[3] < heights[4]


def test_parts_of_a_bar_share_its_width() -> None:
    drawing = bars([Bar("Applied", [30, 10])])
    widths = [float(width) for width in re.findall(r'width="([\d.]+)" h', drawing)]
    assert widths[0] + 1.5 == pytest.approx(3 * (widths[1] + 1.5), abs=0.3)


def test_long_label_leaves_room_for_its_value_and_the_note() -> None:
    label, note = "An interview with everybody in the team", "34 % (22 to 48)"
    drawing = bars([Bar(label, [1, 0], note, "120")])
    texts = re.findall(r"<text[^>]*>([^<]+)</text>", drawing)
    assert texts == ["An interview wi…: 120", note]


def test_names_are_escaped() -> None:
    name = '<script>"&'
    drawings = [bars([Bar(name, [1, 0], name)]), lines([[(0, 1)]], (name, name), top=1)]
    assert not [drawing for drawing in drawings if "<script" in drawing]
    assert all("&lt;script&gt;" in drawing for drawing in drawings)


def test_empty_chart_is_drawn_too() -> None:
    assert lines([], ("", ""), top=100).startswith("<svg")
    assert bars([]).startswith("<svg")
