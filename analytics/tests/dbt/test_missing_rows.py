"""The rows that the state vouches for are compared with those of the warehouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from analytics.tests.dbt.edges import march
from analytics.tests.marks import needs_dbt

if TYPE_CHECKING:
    from analytics.tests.dbt.warehouses import Row, Warehouse

pytestmark = [pytest.mark.pipeline, pytest.mark.postgres, needs_dbt]
ANSWERS = 2  # of each candidate


def run(day: int, held: int, **others: Any) -> Row:
    """A complete run after which the target holds that many candidates."""
    return {
        "started_at": march(day),
        "finished_at": march(day, hour=7),
        "outcome": "complete",
        "candidates_held": held,
        "details_held": held,
        "answers_held": held * ANSWERS,
        **others,
    }


def tables(
    runs: list[Row],
    living: int,
    *,
    deleted_on: int | None = None,
    created_on: dict[int, int] | None = None,
) -> dict[str, list[Row]]:
    """Tables with living candidates and, if there is a day, one that was deleted on it.

    `created_on` has the days of the first observation of some.
    """
    gone: dict[int, Row] = {n: {"job_opening_id": "1"} for n in range(living)}
    if deleted_on is not None:
        gone[living] = {"_sdc_deleted_at": march(deleted_on)}
    return {
        "sync_runs": runs,
        "candidates": [{"id": str(n), **row} for n, row in gone.items()],
        "candidate_details": [{"id": str(n), **row} for n, row in gone.items()],
        "candidate_answers": [
            {"candidate_id": str(n), "position": position, **row}
            for n, row in gone.items()
            for position in range(ANSWERS)
        ],
        "candidate_history": [
            {
                "event_id": str(n),
                "candidate_id": str(n),
                "observed_at": march(day),
                "event": "created",
                "job_opening_id": "1",
            }
            for n, day in (created_on or {}).items()
        ],
    }


FAILED: dict[str, Any] = {"outcome": "failed", "candidates_held": 0}
CASES: dict[str, tuple[dict[str, list[Row]], int | None]] = {
    "nothing_lost": (tables([run(5, 3)], 3), 0),
    "one_lost": (tables([run(5, 3)], 2), 1),
    "a_failed_run_says_nothing": (tables([run(5, 3), run(6, 0, **FAILED)], 3), 0),
    "earlier_runs_say_nothing": (tables([run(1, 9), run(5, 3)], 3), 0),
    "no_complete_run": (tables([run(6, 0, **FAILED)], 2), None),
    "deleted_before": (tables([run(5, 3)], 2, deleted_on=5), 1),
    "deleted_since": (tables([run(5, 3)], 2, deleted_on=6), 0),
    "created_since": (tables([run(5, 3)], 3, created_on={0: 2, 1: 6}), 1),
}


def test_rows_are_compared_as_of_the_last_complete_run(warehouse: Warehouse) -> None:
    for case, (content, _) in CASES.items():
        warehouse.fill(case, content)
    details = [run(5, 3, candidates_held=None, answers_held=None)]
    warehouse.fill("details_lost", tables(details, 2))

    warehouse.dbt(
        *("run", "--select", "+toggl_hire__workspaces"),
        toggl_hire_schemas=[*CASES, "details_lost"],
    )

    rows = {row["workspace"]: row for row in warehouse.rows("toggl_hire__workspaces")}
    for case, (_, missing) in CASES.items():
        answers = missing and missing * ANSWERS
        assert rows[case]["candidates_missing"] == missing, case
        assert rows[case]["details_missing"] == missing, case
        assert rows[case]["answers_missing"] == answers, case
    assert rows["details_lost"]["details_missing"] == 1
    assert rows["details_lost"]["answers_missing"] is None
