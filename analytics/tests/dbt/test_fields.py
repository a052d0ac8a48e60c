"""What the API sends in another form than before is told from what it always did."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from analytics.tests.dbt.edges import march
from analytics.tests.marks import needs_dbt

if TYPE_CHECKING:
    from analytics.tests.dbt.warehouses import Row, Warehouse

pytestmark = [pytest.mark.pipeline, pytest.mark.postgres, needs_dbt]
SELECTED = ("--select", "+toggl_hire__fields")
SCORE, SKILL = "candidates.score", "candidate_details.questions[].skill"


def run(
    day: int, fields: dict[str, dict[str, int]] | None = None, **values: Any
) -> Row:
    """A run that listed candidates and read details, with the problems of fields."""
    return {
        "started_at": march(day),
        "finished_at": march(day, hour=7),
        "outcome": "complete",
        "candidates_listed": 40,
        "details_read": 9,
        **{
            f"{problem}_fields": json.dumps(of)
            for problem, of in (fields or {}).items()
        },
        **values,
    }


def mismatched(number: int = 40) -> dict[str, dict[str, int]]:
    return {"mismatched": {SCORE: number}}


MISSING = {"missing": {SKILL: 18}}
CASES: dict[str, tuple[list[Row], dict[str, tuple[str, int, int, int, bool]]]] = {
    # Problem, day since, day of the last run that saw it, occurrences, drift.
    "no_problem": ([run(2), run(3)], {}),
    "changed": (
        [run(2), run(3, mismatched(7)), run(4, mismatched(8))],
        {SCORE: ("mismatched", 3, 4, 8, True)},
    ),
    "from_the_first_run": (
        [run(2, mismatched()), run(3, mismatched())],
        {SCORE: ("mismatched", 2, 3, 40, False)},
    ),
    "back_to_what_it_was": ([run(2), run(3, mismatched()), run(4)], {}),
    "again": (
        [run(2), run(3, mismatched()), run(4), run(5, mismatched())],
        {SCORE: ("mismatched", 5, 5, 40, True)},
    ),
    "removed": ([run(2), run(3, MISSING)], {SKILL: ("missing", 3, 3, 18, True)}),
    "not_seen_since": (
        [run(2), run(3, MISSING), run(4, details_read=0)],
        {SKILL: ("missing", 3, 3, 18, True)},
    ),
    "not_seen_before": (
        [run(2, details_read=0), run(3, MISSING), run(4, MISSING)],
        {SKILL: ("missing", 3, 4, 18, False)},
    ),
    "nobody_listed_since": (
        [run(2), run(3, mismatched()), run(4, candidates_listed=0)],
        {SCORE: ("mismatched", 3, 3, 40, True)},
    ),
    "failed_run_says_nothing": (
        [run(2), run(3, mismatched(), outcome="failed")],
        {},
    ),
    "renamed": (
        [
            run(2),
            run(3, {"missing": {SCORE: 40}, "unknown": {"candidates.points": 40}}),
        ],
        {
            SCORE: ("missing", 3, 3, 40, True),
            "candidates.points": ("unknown", 3, 3, 40, False),
        },
    ),
}


def test_drift_is_what_an_earlier_run_could_read(warehouse: Warehouse) -> None:
    for case, (runs, _) in CASES.items():
        warehouse.fill(case, {"sync_runs": runs})
    warehouse.dbt("run", *SELECTED, toggl_hire_schemas=[*CASES])
    found: dict[str, dict[str, Any]] = {case: {} for case in CASES}
    for row in warehouse.rows("toggl_hire__fields"):
        found[row["workspace"]][row["field"]] = (
            row["problem"],
            row["since"].day,
            row["last_seen_at"].day,
            row["occurrences"],
            row["is_drift"],
        )
    for case, (_, fields) in CASES.items():
        assert found[case] == fields, case


def test_data_test_warns_of_drift_alone_and_fails_if_it_shall(
    warehouse: Warehouse,
) -> None:
    warehouse.fill("sound", {"sync_runs": CASES["from_the_first_run"][0]})
    warehouse.build(["sound"], *SELECTED)
    warehouse.fill("drifts", {"sync_runs": CASES["changed"][0]})
    build = ("build", *SELECTED)
    schemas = ["sound", "drifts"]
    warehouse.dbt(*build, toggl_hire_schemas=schemas)
    with pytest.raises(AssertionError, match="no_field_drifts"):
        warehouse.build(schemas, *SELECTED)
    with pytest.raises(AssertionError, match="no_field_drifts"):
        warehouse.dbt(
            *build, toggl_hire_schemas=schemas, toggl_hire_drift_severity="error"
        )
