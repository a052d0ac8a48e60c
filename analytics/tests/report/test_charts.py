"""Charts draw what they are given, and nothing that a name could smuggle in."""

from __future__ import annotations

import re

from toggl_hire_report.charts import Bar, Range, bars, histogram, lines, ranges


def test_a_missing_value_is_a_gap_in_the_line() -> None:
    points = [(-3.0, 4.0), (-2.0, 5.0), (-1.0, None), (0.0, 6.0)]
    drawn = lines({"Applied": points}, ("weeks", "candidates"))
    paths = re.findall(r'<path d="(M[^"]+)" class="s0"', drawn)
    assert [path.count("L") for path in paths] == [1, 1, 0]  # the first: the legend


def test_parts_of_a_bar_share_its_width() -> None:
    drawn = bars([Bar("Applied", [30, 10])], ("go on", "wait"))
    widths = [float(w) for w in re.findall(r'y="36.0" width="([\d.]+)"', drawn)]
    assert widths == [269.0, 89.0]  # of 360, with a gap of 1


def test_names_are_escaped() -> None:
    name = '<script>"&'
    drawn = [
        bars([Bar(name, [1], name)], (name,)),
        lines({name: [(0.0, 1.0)]}, (name, name)),
        histogram(name, name, [1]),
        ranges([Range(name, 1.0, None, 2.0, name)], name),
    ]
    assert not [svg for svg in drawn if "<script" in svg]
    assert all("&lt;script&gt;" in svg for svg in drawn)


def test_an_empty_chart_is_drawn_too() -> None:
    assert lines({"a": [(0.0, None)]}, ("", "")).startswith("<svg")
    assert bars([], ()).startswith("<svg")
