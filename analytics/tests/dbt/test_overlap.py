"""Two runs at the same time share a state: dbt warns."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from analytics.tests.dbt.edges import march
from analytics.tests.marks import needs_dbt

if TYPE_CHECKING:
    from analytics.tests.dbt.warehouses import Row, Warehouse

pytestmark = [pytest.mark.pipeline, pytest.mark.postgres, needs_dbt]
SELECTED = ("--select", "stg_toggl_hire__sync_runs", "no_runs_overlap")


def run(seconds: int, **values: Any) -> Row:
    """A run of a minute that began so many seconds after a first one."""
    started = march(5) + timedelta(seconds=seconds)
    return {
        "started_at": started,
        "finished_at": started + timedelta(seconds=60),
        "outcome": "complete",
        **values,
    }


APART: dict[str, list[Row]] = {
    "one_after_the_other": [run(0), run(60)],
    "within_ten_seconds": [run(0), run(50)],
    "of_other_selections": [run(0), run(1, scope='{"job_opening_ids":["1"]}')],
    "stopped_by_its_limit": [run(0), run(1, outcome="stopped")],
}
OVERLAPPING: dict[str, list[Row]] = {
    "complete": [run(0), run(49)],
    "failed": [run(0, outcome="failed"), run(30)],
    "not_the_one_before": [
        run(0, finished_at=march(6)),
        run(5, finished_at=march(5) + timedelta(seconds=6)),
        run(300),
    ],
}


def test_runs_that_overlap_are_a_warning(warehouse: Warehouse) -> None:
    for schema, runs in (APART | OVERLAPPING).items():
        warehouse.fill(schema, {"sync_runs": runs})
    warehouse.build([*APART], *SELECTED)
    for schema in OVERLAPPING:
        warehouse.dbt("build", *SELECTED, toggl_hire_schemas=[schema])
        with pytest.raises(AssertionError, match="no_runs_overlap"):
            warehouse.build([schema], *SELECTED)
