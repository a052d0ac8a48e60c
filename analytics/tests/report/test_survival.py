"""The survival curve, against what is known of it and a textbook."""

from __future__ import annotations

from fractions import Fraction

import pytest
from toggl_hire_report.survival import Duration, Step, curve, median


def test_without_anybody_who_waits_it_is_the_plain_share() -> None:
    steps = curve([Duration(day, is_over=True) for day in range(1, 21)])
    assert [step.days for step in steps] == [0, 5, 10, 15, 16]
    assert [step.share for step in steps] == pytest.approx([1, 0.75, 0.5, 0.25, 0.25])
    assert median(steps) == 10


def test_who_still_waits_counts_as_long_as_known() -> None:
    """Freireich's leukaemia trial (1963): weeks of remission under 6-MP."""
    over = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    still = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    known = [Duration(week, is_over=True) for week in over]
    known += [Duration(week, is_over=False) for week in still]
    shares = dict(curve(known))
    # Five had relapsed by week 10: 18/21 x 16/17 x 14/15.
    expected = Fraction(18, 21) * Fraction(16, 17) * Fraction(14, 15)
    assert shares[10] == pytest.approx(float(expected))
    assert median(curve(known)) is None


def test_no_step_stands_for_fewer_than_five() -> None:
    known = [Duration(day, is_over=True) for day in (1, 1, 1, 1, 9)]
    known += [Duration(40, is_over=False)] * 20
    steps = curve(known)
    assert [step.days for step in steps] == [0, 9, 40]
    assert [step.share for step in steps] == pytest.approx([1, 0.8, 0.8])


def test_it_ends_where_fewer_than_five_are_left() -> None:
    known = [Duration(day, is_over=True) for day in (3, 3, 3, 3, 8, 9)]
    assert curve(known) == [Step(0, 1.0), Step(3, 1.0)]


def test_too_few_have_no_curve() -> None:
    assert curve([Duration(1, is_over=True)] * 4) == []
