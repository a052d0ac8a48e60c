"""The history of deleted candidates is forgotten, and the models still count them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from analytics.tests.dbt import edges
from analytics.tests.dbt.warehouses import MARTS
from analytics.tests.dbt.world import World
from analytics.tests.marks import needs_dbt
from tools.local.meltano import CHECKOUT

if TYPE_CHECKING:
    from analytics.tests.dbt.warehouses import Row, Warehouse

pytestmark = [pytest.mark.pipeline, pytest.mark.postgres, needs_dbt]
QUERY = (CHECKOUT / "examples/queries/forget_history.sql").read_text("utf-8")
PURGE = (CHECKOUT / "examples/queries/purge_appended.sql").read_text("utf-8")
TARGETS = (CHECKOUT / "docs/targets.md").read_text("utf-8")
OWNERS = {
    "candidates": "id",
    "candidate_details": "id",
    "candidate_answers": "candidate_id",
}
KEPT = (
    "event_id",
    "candidate_id",
    "observed_at",
    "event",
    "job_opening_id",
    "category_id",
)
SCHEMAS = ("toggl_hire", "edges")
WORLD = World(13).tables() | {"candidate_answers": []}
for run in WORLD["sync_runs"]:
    run["answers_held"] = None  # as where the stream is not selected
EDGES = edges.tables()
for row in EDGES["candidate_history"]:
    if row["event"] != "deleted":
        row |= {"score": 62.5, "points": 5, "rating": 2, "tag_ids": ["300"]}


@pytest.fixture
def filled(warehouse: Warehouse) -> Warehouse:
    """A world with erased candidates, and one in which some of them return."""
    warehouse.fill("toggl_hire", WORLD)
    warehouse.fill("edges", EDGES)
    return warehouse


def history(warehouse: Warehouse, schema: str) -> dict[str, Row]:
    rows = warehouse.fetch(f"select * from {schema}.candidate_history")
    return {row["event_id"]: row for row in rows}


def forgotten(rows: dict[str, Row]) -> dict[str, Row]:
    """The rows as they should be: only those of the deleted differ."""
    last: dict[str, Row] = {}
    for row in sorted(rows.values(), key=lambda row: row["observed_at"]):
        last[row["candidate_id"]] = row
    deleted = {one for one, row in last.items() if row["event"] == "deleted"}
    return {
        key: {
            name: value if name in KEPT or row["candidate_id"] not in deleted else None
            for name, value in row.items()
        }
        for key, row in rows.items()
    }


def test_query_forgets_the_deleted_alone(filled: Warehouse) -> None:
    for schema in SCHEMAS:
        before = history(filled, schema)
        wanted = forgotten(before)
        assert wanted != before
        for _ in range(2):
            filled.run_script(schema, QUERY)
            assert history(filled, schema) == wanted

    returned = [
        row["score"]
        for row in history(filled, "edges").values()
        if row["candidate_id"] == "returns" and row["event"] != "deleted"
    ]
    assert returned == [62.5, 62.5]


def test_operation_forgets_the_deleted_alone(filled: Warehouse) -> None:
    """Where a table was never loaded, or lacks columns, too."""
    filled.fill("edges", EDGES, leave_out=("score", "points"))
    wanted = {schema: forgotten(history(filled, schema)) for schema in SCHEMAS}
    for _ in range(2):
        filled.dbt(
            *("run-operation", "forget_history"),
            toggl_hire_schemas=[*SCHEMAS, "never_loaded"],
        )
        for schema in SCHEMAS:
            assert history(filled, schema) == wanted[schema]


def test_purging_appended_tables_leaves_tombstones(warehouse: Warehouse) -> None:
    """The tables have every version of a row, as append-only targets make them."""
    living, gone = {"_sdc_deleted_at": None}, {"_sdc_deleted_at": edges.march(7)}
    wanted: dict[str, list[Row]] = {
        table: [{key: "steady", **living}, {key: "forgotten", **gone}]
        for table, key in OWNERS.items()
    }
    earlier = {table: [{key: "forgotten", **living}] for table, key in OWNERS.items()}
    appended = {table: earlier[table] + wanted[table] for table in OWNERS}
    warehouse.fill("appended", EDGES | appended)

    for _ in range(2):
        warehouse.run_script("appended", PURGE)
        for table, key in OWNERS.items():
            found = warehouse.fetch(
                f"select {key}, _sdc_deleted_at from appended.{table} order by 1 desc"
            )
            assert found == wanted[table]


def test_purge_of_records_in_one_column_is_sql_of_bigquery() -> None:
    sqlglot = pytest.importorskip("sqlglot")
    (script,) = re.findall(r"```sql\n(DELETE FROM.*?)```", TARGETS, re.DOTALL)
    level = sqlglot.ErrorLevel.RAISE
    parsed = sqlglot.parse(script, dialect="bigquery", error_level=level)
    assert [type(statement).__name__ for statement in parsed] == ["Delete", "Update"]


def test_build_never_writes_to_the_history_and_counts_what_was_forgotten(
    filled: Warehouse,
) -> None:
    """Counts stay, apart from the decisions, which are forgotten, and their waits."""
    before = history(filled, "toggl_hire")
    filled.build(SCHEMAS)
    assert history(filled, "toggl_hire") == before
    counted = counts(filled)
    assert sum(row["erased"] for row in filled.rows("toggl_hire__funnel")) > 10

    filled.dbt("run-operation", "forget_history", toggl_hire_schemas=[*SCHEMAS])
    filled.build(SCHEMAS)

    assert history(filled, "toggl_hire") == forgotten(before)
    assert counts(filled) == counted


def counts(warehouse: Warehouse) -> dict[str, list[str]]:
    """What the aggregates say, without decisions and the waits for them."""
    found = {
        model: warehouse.rows(model)
        for model, schema in warehouse.models().items()
        if schema == MARTS
    }
    for row in found["toggl_hire__openings_weekly"]:
        del row["rejected"], row["possible_hires"]
    for row in found["toggl_hire__openings"]:
        del row["median_days_to_decision"], row["slowest_tenth_days_to_decision"]
    return {model: sorted(map(repr, rows)) for model, rows in found.items()}
