"""A build stops before it changes a table if a schema or a table cannot be right."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from analytics.tests.dbt import edges
from analytics.tests.marks import needs_dbt

if TYPE_CHECKING:
    from analytics.tests.dbt.warehouses import Row, Warehouse

pytestmark = [pytest.mark.pipeline, pytest.mark.postgres, needs_dbt]
NEEDED = {
    "job_openings": ("id",),
    "categories": ("id",),
    "tags": ("id",),
    "candidates": ("id", "started_at"),
    "candidate_details": ("id", "started_at"),
    "candidate_answers": ("candidate_id", "position"),
    "candidate_history": ("event_id", "candidate_id", "observed_at"),
    "sync_runs": ("started_at",),
}
SELECTED = ("--select", "+toggl_hire__workspaces")


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> Warehouse:
    """The models of a workspace."""
    warehouse.fill("toggl_hire", edges.tables())
    warehouse.dbt("run", *SELECTED)
    return warehouse


def raises(warehouse: Warehouse, message: str, *schemas: str) -> None:
    """Check that a build fails with a message, and changes no table."""
    before = workspaces(warehouse)
    text = r"\s+".join(map(re.escape, message.split()))
    with pytest.raises(AssertionError, match=text):
        warehouse.build(schemas, *SELECTED)
    assert workspaces(warehouse) == before


def workspaces(warehouse: Warehouse) -> list[Row]:
    return warehouse.rows("toggl_hire__workspaces")


def test_schema_without_a_table_of_the_tap_stops_the_build(built: Warehouse) -> None:
    raises(
        built,
        "toggl_hire_schemas names togl_hire_typo: no table of the tap is there, or this"
        " role cannot see it. Load it once, or take it off the list.",
        "toggl_hire",
        "togl_hire_typo",
    )


def test_table_without_its_key_or_time_stops_the_build(built: Warehouse) -> None:
    for table, names in NEEDED.items():
        schema = f"without_{table}"
        built.fill(schema, {table: []}, leave_out=names)
        raises(
            built,
            f"{schema}.{table} lacks a column of its key or its time:"
            f" {', '.join(names)}. Give the column its name back, or drop the table"
            " and load it again with an empty state.",
            "toggl_hire",
            schema,
        )


def test_one_table_with_few_columns_is_enough(built: Warehouse) -> None:
    built.fill("narrow", {"tags": []}, leave_out=("name", "_sdc_deleted_at"))
    built.dbt("run", *SELECTED, toggl_hire_schemas=["toggl_hire", "narrow"])


def test_columns_that_a_table_lacks_are_named(built: Warehouse) -> None:
    for schema, left_out in (("whole", ()), ("without", ("score", "tag_ids"))):
        built.fill(schema, edges.tables(), leave_out=left_out)
    built.dbt("run", *SELECTED, toggl_hire_schemas=["whole", "without"])
    whole, without = (
        set(row["columns_missing"].split(", "))
        for row in sorted(workspaces(built), key=lambda row: row["workspace"])
    )
    assert without - whole == {"candidate_history.score", "candidate_history.tag_ids"}
    assert whole <= without
    assert "candidate_history.score" not in whole
    assert {column.partition(".")[0] for column in whole} <= edges.tables().keys()


def test_commands_that_build_no_model_of_the_package_pass(built: Warehouse) -> None:
    for command in (("compile", *SELECTED), ("run", "--exclude", "package:toggl_hire")):
        built.dbt(*command, toggl_hire_schemas=["togl_hire_typo"])
