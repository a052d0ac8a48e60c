"""The usual and the shortest times of the test."""

from __future__ import annotations

from toggl_hire_report.sections.minutes import quantile


def test_quantile_lies_between_two_values() -> None:
    assert quantile([1, 2, 4], 0.5) == 2
    assert quantile([1, 2, 4, 5], 0.5) == 3


def test_quantile_of_a_tenth_needs_ten_candidates() -> None:
    assert quantile([1, 2, 3, 4, 5, 6, 7, 8, 9], 0.1) is None
    assert quantile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.1) == 1.9
    assert quantile([], 0.5) is None
