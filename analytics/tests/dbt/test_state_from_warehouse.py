"""The query that makes a state from the raw tables, on every engine."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from analytics.tests.dbt.edges import march
from analytics.tests.marks import needs_dbt
from tools.local.meltano import CHECKOUT

if TYPE_CHECKING:
    from analytics.tests.dbt.warehouses import Row, Warehouse

pytestmark = [pytest.mark.pipeline, pytest.mark.postgres, needs_dbt]
QUERY = (CHECKOUT / "examples/queries/state_from_warehouse.sql").read_text("utf-8")
DELETED = {"_sdc_deleted_at": march(7)}
TABLES: dict[str, list[Row]] = {
    "candidates": [
        {"id": "listed", "job_opening_id": "1"},
        {"id": "tombstone", **DELETED},
        {"id": "marked by ACTIVATE_VERSION", "job_opening_id": "1", **DELETED},
    ],
    "candidate_details": [{"id": 'a "quoted" \\ ID', "job_opening_id": "1"}],
    "candidate_answers": [
        {"candidate_id": "listed", "position": position, "job_opening_id": "1"}
        for position in range(3)
    ],
    "candidate_history": [
        {"candidate_id": candidate_id, "observed_at": march(day), "event": event}
        for candidate_id, day, event in (
            ("removed", 2, "created"),
            ("tombstone", 2, "created"),
            ("tombstone", 7, "deleted"),
            ("came back", 2, "deleted"),
            ("came back", 7, "created"),
        )
    ],
}
EMPTY: dict[str, list[Row]] = {table: [] for table in TABLES}
HELD = {
    "listed": 3,
    "marked by ACTIVATE_VERSION": 0,
    'a "quoted" \\ ID': 0,
    "removed": 0,
    "came back": 0,
}


def query_for(engine: str) -> str:
    """The query with the words that the table in its comment has for the engine."""
    names, *rows = re.findall(r"^--   (\S.*?)  +(\S.*?)  +(\S.*)$", QUERY, re.MULTILINE)
    assert names == ("PostgreSQL, DuckDB", "Snowflake", "BigQuery")
    place = {"snowflake": 1, "bigquery": 2}.get(engine, 0)
    query = QUERY[QUERY.index("WITH") :]
    for words in rows:
        assert words[0] in query
        query = query.replace(words[0], words[place])
    return query


@pytest.mark.parametrize(("tables", "held"), [(TABLES, HELD), (EMPTY, {})])
def test_state_has_everybody_whom_the_tables_hold(
    warehouse: Warehouse, tables: dict[str, list[Row]], held: dict[str, int]
) -> None:
    warehouse.fill("toggl_hire", tables)
    query = query_for(warehouse.engine)
    warehouse.run_script(
        "toggl_hire", f"drop table if exists state; create table state as {query}"
    )
    (row,) = warehouse.fetch("select * from toggl_hire.state")
    (text,) = row.values()
    state = json.loads(text)["tap_toggl_hire"]
    assert state.keys() == {"format", "held"}
    assert dict(state["held"]) == held
