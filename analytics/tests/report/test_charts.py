"""Charts draw what they are given, and nothing that a name could smuggle in."""

from __future__ import annotations

import re

import pytest
from toggl_hire_report.charts import Bar, bars, histogram, lines


def test_missing_value_is_a_gap_in_the_line() -> None:
    drawing = lines([[(-3, 4), (-2, 5), (-1, None), (0, 6), (1, 7)]], ("", ""))
    paths = re.findall(r'<path d="(M[^"]+)" class="s0"', drawing)
    assert [path.count("L") for path in paths] == [1, 1]


def test_week_between_two_gaps_is_a_dot() -> None:
    drawing = lines([[(0, 4), (1, 5), (2, None), (3, 6), (4, None)]], ("", ""))
    assert len(re.findall(r'<path d="M[^"]+" class="s0"', drawing)) == 1
    assert len(re.findall(r"<circle", drawing)) == 1


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
    drawings = [bars([Bar(name, [1, 0], name)]), lines([[(0, 1)]], (name, name))]
    assert not [drawing for drawing in drawings if "<script" in drawing]
    assert all("&lt;script&gt;" in drawing for drawing in drawings)


def test_empty_chart_is_drawn_too() -> None:
    assert lines([[(0, None)]], ("", "")).startswith("<svg")
    assert histogram([None] * 10).startswith("<svg")
    assert bars([]).startswith("<svg")
