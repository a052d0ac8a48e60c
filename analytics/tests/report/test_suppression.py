"""Integer programming finds no hidden count of the page for others."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from analytics.tests.report.conftest import Report

scipy = pytest.importorskip("scipy.optimize", reason="lifelines brings SciPy")
pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.skipif(
        sys.version_info >= (3, 14), reason="dbt-core 1.11 does not know this Python"
    ),
]


class Problem:
    """Unknown counts, each within what its number on the page stands for."""

    def __init__(self) -> None:
        self.shown: list[int | None] = []
        self.sums: list[tuple[int, list[int]]] = []

    def count(self, shown: int | None) -> int:
        """Add a count that is shown as a multiple of five, or hidden."""
        self.shown.append(shown)
        return len(self.shown) - 1

    def add(self, total: int, parts: list[int]) -> None:
        """Say that a count is the sum of others."""
        self.sums.append((total, parts))

    def hidden(self) -> list[tuple[int, int]]:
        """Return the smallest and the largest value of each hidden count."""
        size = len(self.shown)
        low = [shown or 0 for shown in self.shown]
        rows = [
            [(place == total) - parts.count(place) for place in range(size)]
            for total, parts in self.sums
        ]

        def best(place: int, sign: int) -> int:
            solved = scipy.milp(
                [sign * (one == place) for one in range(size)],
                integrality=[1] * size,
                bounds=scipy.Bounds(low, [one + 4 for one in low]),
                constraints=scipy.LinearConstraint(rows, 0, 0),
            )
            assert solved.success, solved.message
            return int(sign * round(solved.fun))

        places = [place for place, shown in enumerate(self.shown) if shown is None]
        return [(best(place, 1), best(place, -1)) for place in places]


def funnel(figures: dict[str, Any]) -> Problem:
    """All that the page says of steps and months."""
    problem = Problem()
    parts = ("advanced", "rejected", "waiting", "erased")
    months: dict[tuple[str, str], list[int]] = {}
    for name, found in figures["funnel"].items():
        own = []
        for month in found["months"]:
            total = problem.count(month["reached"])
            problem.add(total, [problem.count(month[part]) for part in parts])
            own.append(total)
            if name != "All":
                months.setdefault((month["month"], "reached"), []).append(total)
        if name == "All":
            of_all = dict(zip((m["month"] for m in found["months"]), own, strict=True))
            continue
        advanced = None
        for place, step in enumerate(found["steps"]):
            total = problem.count(step["reached"])
            if place == 0:
                problem.add(total, own)
            else:
                problem.add(total, [advanced])  # type: ignore[list-item]
            counts = [problem.count(step[part]) for part in parts]
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
            own = [problem.count(one[key]) for n, one in week.items() if n != "All"]
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
    assert [one for one in ranges if one[0] == one[1] > 0] == []
    assert sum(low < high for low, high in ranges) >= 0.95 * len(ranges)
