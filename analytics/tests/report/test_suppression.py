"""Arithmetic finds no hidden count of the page for others, nor of two pages."""

from __future__ import annotations

import re
from math import atanh
from typing import TYPE_CHECKING, Any

import pytest

from analytics.tests.marks import needs_dbt
from analytics.tests.report.test_page import numbers

if TYPE_CHECKING:
    from collections.abc import Callable

    from analytics.tests.report.conftest import Report

scipy = pytest.importorskip("scipy.optimize", reason="lifelines brings SciPy")
pytestmark = [pytest.mark.pipeline, needs_dbt]


class Problem:
    """Unknown counts, each within what its number on the page stands for."""

    def __init__(self) -> None:
        self.shown: list[int | None] = []
        self.free: set[int] = set()
        self.sums: list[tuple[int, list[int]]] = []
        self.steps: dict[tuple[str, int], int] = {}
        """The places of `reached`, by opening and number of the step."""

    def count(self, shown: int | None) -> int:
        """Add a count that is shown as a multiple of five, or hidden."""
        self.shown.append(shown)
        return len(self.shown) - 1

    def difference(self, whole: int, part: int) -> int:
        """Add the count that is a difference of two others, and on no page."""
        place = self.count(None)
        self.free.add(place)
        self.add(whole, [part, place])
        return place

    def add(self, total: int, parts: list[int]) -> None:
        """Say that a count is the sum of others."""
        self.sums.append((total, parts))

    def hidden(self) -> list[tuple[int, int]]:
        """Return the smallest and the largest value of each hidden count."""
        places = [place for place, shown in enumerate(self.shown) if shown is None]
        return self.ranges(places)

    def ranges(self, places: list[int]) -> list[tuple[int, int]]:
        """Return the smallest and the largest value of some counts."""
        size = len(self.shown)
        low = [shown or 0 for shown in self.shown]
        high = [
            10**6 if place in self.free else value + 4
            for place, value in enumerate(low)
        ]
        rows = [
            [(place == total) - parts.count(place) for place in range(size)]
            for total, parts in self.sums
        ]

        def best(place: int, sign: int) -> int:
            solved = scipy.milp(
                [sign * (column == place) for column in range(size)],
                integrality=[1] * size,
                bounds=scipy.Bounds(low, high),
                constraints=scipy.LinearConstraint(rows, 0, 0),
            )
            assert solved.success, solved.message
            return int(sign * round(solved.fun))

        return [(best(place, 1), best(place, -1)) for place in places]


PARTS = ("advanced", "rejected", "waiting", "erased")


def funnel(figures: dict[str, Any], problem: Problem | None = None) -> Problem:
    """All that the page says of steps and months."""
    problem = problem or Problem()
    months: dict[tuple[str, str], list[int]] = {}
    for name, found in figures["funnel"].items():
        own = []
        for month in found["months"]:
            total = problem.count(month["reached"])
            problem.add(total, [problem.count(month[part]) for part in PARTS])
            own.append(total)
            if name != "All":
                months.setdefault((month["month"], "reached"), []).append(total)
        if name == "All":
            of_all = dict(zip((m["month"] for m in found["months"]), own, strict=True))
            continue
        advanced = None
        for place, step in enumerate(found["steps"]):
            total = problem.count(step["reached"])
            problem.steps[name, place] = total
            if place == 0:
                problem.add(total, own)
            else:
                problem.add(total, [advanced])  # type: ignore[list-item]
            counts = [problem.count(step[part]) for part in PARTS]
            problem.add(total, counts)
            advanced = counts[0]
    for (month, _), places in months.items():
        problem.add(of_all[month], places)
    return problem


def scores_and_week(figures: dict[str, Any]) -> Problem:
    """All that the page says of scores, of weeks, of waiting and of ended stays."""
    problem = Problem()
    for found in figures["scores"].values():
        bands = [problem.count(band) for band in found["bands"]]
        problem.add(problem.count(found["scored"]), bands)
    week = figures["week"]["openings"]
    for column in ("finished", "moved_on", "rejected", "possible_hires"):
        for suffix in ("", "_so_far"):
            key = column + suffix
            own = [
                problem.count(opening[key]) for n, opening in week.items() if n != "All"
            ]
            problem.add(problem.count(week["All"][key]), own)
    for opening in figures["waiting"]["openings"]:
        for column in ("waiting", "beyond_usual"):
            own = [problem.count(step[column]) for step in opening["steps"]]
            if own:
                problem.add(problem.count(opening[column]), own)
    for stage in figures["stages"]:
        ends = [problem.count(stage[k]) for k in ("moved_on", "moved_back", "rejected")]
        problem.add(problem.count(stage["ended"]), ends)
    return problem


@pytest.mark.parametrize("of", [funnel, scores_and_week])
def test_no_hidden_count_has_one_solution_only(for_others: Report, of: Any) -> None:
    ranges = of(for_others.figures).hidden()
    assert len(ranges) > 20
    assert [counts for counts in ranges if counts[0] == counts[1] > 0] == []
    assert sum(low < high for low, high in ranges) >= 0.95 * len(ranges)


def test_two_pages_differ_by_no_known_count(
    for_others: Report, report: Callable[..., Report]
) -> None:
    """One page is of the whole history, the other begins later."""
    later = report("--for", "others", "--since", "2025-07-01")
    problem = funnel(for_others.figures)
    whole = dict(problem.steps)
    funnel(later.figures, problem)
    differences = [
        problem.difference(whole[key], problem.steps[key])
        for key in whole
        if key in problem.steps
    ]
    assert len(differences) > 10
    assert all(low < high for low, high in problem.ranges(differences))


def answers_by_interval(questions: list[dict[str, Any]]) -> list[int]:
    """How many numbers of answers each interval allows: its width depends on them."""
    found = []
    for question in questions:
        low, high = question["low"], question["high"]
        if low is None or high is None or max(-low, high) > 0.99:
            continue
        least, most = sorted(
            (2 * 1.96 / (atanh(high + rounding) - atanh(low - rounding))) ** 2
            for rounding in (-0.005, 0.005)
        )
        found.append(int(most) - int(least))
    return found


def test_no_interval_gives_the_number_of_answers_away(
    for_team: Report, for_others: Report
) -> None:
    assert min(answers_by_interval(for_team.figures["questions"])) < 5
    assert for_others.figures["questions"]
    assert answers_by_interval(for_others.figures["questions"]) == []


def test_shares_for_others_say_no_more_than_the_counts_beside_them(
    for_others: Report,
) -> None:
    steps = [
        step
        for found in for_others.figures["funnel"].values()
        for step in [*found.get("steps", ()), *found["months"]]
        if step["conversion"] is not None
    ]
    assert len(steps) > 10
    for step in steps:
        share = round(step["advanced"] / step["reached"] * 20) / 20
        assert step["conversion"] == pytest.approx(share)


EXACT = re.compile(
    r"\.((recent_|before_)?(low|high)|alpha|split_half|standard_error"
    r"|discrimination|needed)$"
)
WHOLE = re.compile(
    r"\.(median|slowest_tenth|quickest_tenth|usual_days|expected(_low|_high)?"
    r"|ungraded_usual_days)$|\.curve\.\d+\.0$"
)
SHARE = re.compile(
    r"\.(within_\d+|facility|conversion|recent|before)$|\.curve\.\d+\.1$"
)


def test_others_see_whole_numbers_and_rough_shares_alone(for_others: Report) -> None:
    found = list(numbers(for_others.figures))
    assert [path for path, _ in found if EXACT.search(path)] == []
    rough = [number for path, number in found if WHOLE.search(path)]
    shares = [number for path, number in found if SHARE.search(path)]
    assert min(len(rough), len(shares)) > 20
    assert all(number == int(number) for number in rough)
    assert all(number * 20 == pytest.approx(round(number * 20)) for number in shares)
    verdicts = {question["verdict"] for question in for_others.figures["questions"]}
    assert verdicts <= {"bad", "good", "undecided"}
