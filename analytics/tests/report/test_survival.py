"""The survival curve against textbooks, and against a library of statistics."""

from __future__ import annotations

import random

import pytest
from toggl_hire_report.curves import figures
from toggl_hire_report.survival import Duration, curve, median, share_over

REMISSIONS = [
    *(Duration(week, is_over=True) for week in (6, 6, 6, 7, 10, 13, 16, 22, 23)),
    *(
        Duration(week, is_over=False)
        for week in (6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)
    ),
]
"""Freireich's leukaemia trial (1963): weeks of remission under 6-MP."""


def truncated(seed: int, size: int) -> list[Duration]:
    """Waits of a median of six days, of which ten days were observed."""
    rng = random.Random(seed)
    waits: list[Duration] = []
    while len(waits) < size:
        began = round(rng.uniform(-200, 10), 1)
        days = round(rng.lognormvariate(1.8, 0.8), 1)
        entered, left = max(0.0, -began), round(10 - began, 1)
        if min(days, left) > entered:
            waits.append(Duration(min(days, left), days <= left, entered))
    return waits


def test_without_censoring_it_is_the_plain_share() -> None:
    steps = curve([Duration(day, is_over=True) for day in range(1, 5)])
    assert [step.share for step in steps] == pytest.approx([0.75, 0.5, 0.25, 0])
    assert median(steps).days == 2


def test_what_is_not_over_counts_as_long_as_known() -> None:
    shares = {step.days: step.share for step in curve(REMISSIONS)}
    assert shares[10] == pytest.approx(18 / 21 * 16 / 17 * 14 / 15)
    assert median(curve(REMISSIONS)) == (23, 13, None)
    assert share_over(curve(REMISSIONS), 6.5) == pytest.approx(3 / 21)


@pytest.mark.parametrize("seed", range(5))
def test_with_delayed_entry_it_equals_lifelines(seed: int) -> None:
    lifelines = pytest.importorskip("lifelines", reason="the group `analytics` has it")
    waits = truncated(seed, 150)
    fitted = lifelines.KaplanMeierFitter().fit(
        [wait.days for wait in waits],
        [wait.is_over for wait in waits],
        entry=[wait.entered for wait in waits],
    )
    steps = curve(waits)
    for step in steps:
        low, high = fitted.confidence_interval_.loc[step.days]
        assert step.share == pytest.approx(fitted.predict(step.days))
        assert (step.low, step.high) == pytest.approx((low, high), abs=1e-6)
    assert median(steps).days == pytest.approx(fitted.median_survival_time_)


def test_delayed_entry_removes_the_bias_of_long_waits() -> None:
    waits = truncated(7, 2000)
    ignoring = median(curve(wait._replace(entered=0.0) for wait in waits)).days or 0
    assert median(curve(waits)).days == pytest.approx(6.05, abs=0.4)
    assert ignoring > 8


def test_last_decision_of_the_first_few_does_not_end_the_curve() -> None:
    """In the first weeks, all at risk may be decided while others enter later."""
    first = [Duration(2, is_over=True), Duration(3, is_over=True)]
    later = [Duration(day, day < 12, entered=5) for day in range(6, 14)]
    steps = curve(first + later)
    assert [step.days for step in steps] == [2, *range(6, 12)]
    assert steps[-1].share == pytest.approx(0.5 * 2 / 8)
    assert curve(first)[-1].share == 0


def test_fewer_than_ten_decisions_make_no_figures() -> None:
    nine = [Duration(day, is_over=True) for day in range(1, 10)]
    rest = [Duration(20, is_over=False)] * 5
    few = figures(nine + rest)
    assert few.pop("over") == 9
    assert few.pop("rest") == 5
    assert few.pop("curve") == []
    assert set(few.values()) == {None}
    enough = figures([*nine, Duration(10, is_over=True), *rest])
    assert enough["median"] == 8
    assert enough["within_7"] == pytest.approx(7 / 15, abs=0.0001)


def test_without_durations_there_is_no_curve() -> None:
    assert curve([]) == []
    assert median([]) == (None, None, None)
    assert curve([Duration(3, is_over=True, entered=3)]) == []
