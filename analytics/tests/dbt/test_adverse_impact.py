"""Groups of candidates, compared: textbook examples, and pure chance."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from analytics.tests.dbt.edges import march
from analytics.tests.marks import needs_dbt

if TYPE_CHECKING:
    from analytics.tests.dbt.warehouses import Row, Warehouse

pytestmark = [pytest.mark.pipeline, needs_dbt]
EXAMPLES = {
    (56, 70, 48, 80): (0.0524, 0.3339),
    (9, 10, 3, 10): (0.1705, 0.8090),
    (6, 7, 2, 7): (0.0582, 0.8062),
    (5, 56, 0, 29): (-0.0381, 0.1926),
    (0, 10, 0, 20): (-0.1611, 0.2775),
    (10, 10, 0, 20): (0.6791, 1.0000),
}
"""Newcombe's own, of his method 10 (Statistics in Medicine 17, 1998, 873-890)."""
SIZES = (150, 60, 20, 12, 6, 3)
RATES = (0.15, 0.4, 0.7)
DRAWS = 120


class Workspace:
    """Candidates of two steps, some of whom advanced to the second."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.groups: list[Row] = []
        self._history: list[Row] = []
        self._openings: list[str] = []

    def opening(self, name: str, advanced: list[bool]) -> list[str]:
        """Add an opening, and return the IDs of its candidates."""
        self._openings.append(name)
        ids = [str(len(self._history) + n) for n in range(len(advanced))]
        for candidate_id, is_advanced in zip(ids, advanced, strict=True):
            self._history.append(
                {
                    "event_id": f"{name} {candidate_id}",
                    "candidate_id": candidate_id,
                    "observed_at": march(3),
                    "event": "created",
                    "job_opening_id": name,
                    "category_id": f"{name} b" if is_advanced else f"{name} a",
                }
            )
        return ids

    def group(self, name: str, candidate_ids: list[str]) -> None:
        """Say that candidates are a group."""
        self.groups += [
            {"workspace": self.name, "candidate_id": one, "group": name}
            for one in candidate_ids
        ]

    def tables(self) -> dict[str, list[Row]]:
        """Rows by table."""
        return {
            "categories": [
                {"id": f"{name} {step}", "name": step, "job_opening_id": name}
                for name in self._openings
                for step in "ab"
            ],
            "candidate_history": self._history,
            "sync_runs": [
                {
                    "started_at": march(day),
                    "finished_at": march(day) + timedelta(minutes=5),
                    "outcome": "complete",
                }
                for day in (2, 3)
            ],
        }


def of_examples() -> Workspace:
    workspace = Workspace("examples")
    for example in EXAMPLES:
        a, n, b, m = example
        advanced = [place < a for place in range(n)] + [place < b for place in range(m)]
        ids = workspace.opening(str(example), advanced)
        workspace.group("these", ids[:n])
        workspace.group("others", ids[n:])
    return workspace


def of_chance() -> Workspace:
    """Groups that chance alone made, again and again."""
    rng = random.Random(29)
    workspace = Workspace("chance")
    for draw in range(DRAWS):
        for rate in RATES:
            advanced = [rng.random() < rate for _ in range(sum(SIZES))]
            ids = workspace.opening(f"{draw} {rate}", advanced)
            for size in SIZES:
                workspace.group(f"of {size}", ids[:size])
                del ids[:size]
    return workspace


@pytest.fixture(scope="module")
def rows(in_duckdb: Warehouse) -> list[Row]:
    """The comparisons; IDs of candidates are the same in both workspaces."""
    workspaces = of_examples(), of_chance()
    for workspace in workspaces:
        in_duckdb.fill(workspace.name, workspace.tables())
    groups = [row for workspace in workspaces for row in workspace.groups]
    in_duckdb.fill("people", {"groups": groups})
    in_duckdb.build(
        [workspace.name for workspace in workspaces],
        *("--select", "+toggl_hire__adverse_impact"),
        toggl_hire_groups="people.groups",
        toggl_hire_stage_order=["a", "b"],
    )
    return in_duckdb.rows("toggl_hire__adverse_impact")


def test_intervals_are_those_of_the_textbook(rows: list[Row]) -> None:
    found = {
        row["job_opening_id"]: (row["difference_low"], row["difference_high"])
        for row in rows
        if row["workspace"] == "examples" and row["group_name"] == "these"
    }
    assert found == {
        str(example): pytest.approx(interval, abs=0.0002)
        for example, interval in EXAMPLES.items()
    }


def test_without_an_effect_19_of_20_intervals_hold_zero(rows: list[Row]) -> None:
    chance = [row for row in rows if row["workspace"] == "chance"]
    shown = [row for row in chance if row["candidates"]]
    assert len(shown) == DRAWS * len(RATES) * (len(SIZES) - 1)
    hold = [row["difference_low"] <= 0 <= row["difference_high"] for row in shown]
    assert 0.93 <= sum(hold) / len(hold) <= 0.97


def test_group_of_few_has_no_figures_and_is_among_the_others(
    rows: list[Row],
) -> None:
    few = [row for row in rows if row["group_name"] == "of 3"]
    assert len(few) == DRAWS * len(RATES)
    figures = few[0].keys() - {"workspace", "job_opening_id", "group_name", "row_id"}
    assert {row[name] for row in few for name in figures} == {None}
    largest = [row for row in rows if row["group_name"] == "of 150"]
    assert {row["others_candidates"] for row in largest} == {sum(SIZES) - 150}
