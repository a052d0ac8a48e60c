"""The package in another dbt project."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from analytics.tests.dbt.warehouses import MARTS, PERSONAL, PROJECT
from analytics.tests.dbt.world import World
from analytics.tests.marks import needs_dbt

if TYPE_CHECKING:
    from pathlib import Path

    from analytics.tests.dbt.warehouses import Warehouse

pytestmark = [pytest.mark.pipeline, pytest.mark.postgres, needs_dbt]
OWN = ("funnel", "workspaces", "erasures")
PLACES = {
    "postgres": ("postgres", "toggl_hire"),
    "duckdb": ("warehouse", "toggl_hire"),
    "snowflake": ("WAREHOUSE", "TOGGL_HIRE"),
    "bigquery": ("acme", "toggl_hire"),
}
"""Database and schema of the raw tables, as a target writes them."""
VARIABLES = {
    "toggl_hire_stage_order": ["Applied", "Offer"],
    "toggl_hire_ungraded": "zero",
    "toggl_hire_retention_days": 30,
    "toggl_hire_retention_clock": "decided_or_closed",
}
FILES = {
    "packages.yml": f"packages: [{{ local: {PROJECT} }}]",
    "macros/ratio.sql": "{% macro ratio(a, b) %}broken{% endmacro %}",
    "macros/stream.sql": "{% macro stream(a, b) %}broken{% endmacro %}",
    **{f"models/{name}.sql": "select 1 as id" for name in OWN},
    "models/own.yml": "models: [{ name: funnel, data_tests: [between] }]",
    "tests/generic/between.sql": (
        "{% test between(model) %}select 1 from {{ model }} where false{% endtest %}"
    ),
}


def make_project(folder: Path, variables: dict[str, Any]) -> Path:
    """A project that has the package, and things of its own with the same names."""
    settings = {
        "name": "acme",
        "version": "1.0.0",
        "profile": "toggl_hire",
        "flags": {"send_anonymous_usage_stats": False},
        "vars": variables,
    }
    for name, content in (FILES | {"dbt_project.yml": json.dumps(settings)}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def test_project_has_the_package_beside_models_of_its_own(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    world = World(5, candidates=120)
    tables = world.tables()
    database, schema = PLACES[warehouse.engine]
    place = {"toggl_hire_database": database, "toggl_hire_schemas": [schema]}
    roles = {}
    if warehouse.engine == "postgres":
        warehouse.execute("create role reader; create role officer")
        roles["toggl_hire_readers"] = ["reader"]
        roles["toggl_hire_personal_readers"] = ["officer"]
    project = make_project(tmp_path, VARIABLES | place | roles)
    warehouse.fill(schema, tables)
    warehouse.install(project)
    warehouse.dbt("build", "--warn-error", project=project)
    found = warehouse.models()
    assert found.keys() >= {*OWN, *(f"toggl_hire__{name}" for name in OWN)}

    order = warehouse.rows("toggl_hire__stage_order")
    assert {row["category"] for row in order if row["position"] == 1} == {"Applied"}
    assert {row["category"] for row in order if row["position"] == 2} == {"Offer"}
    zeros = sum(
        row["points"] in {None, 0}
        for row in tables["candidate_answers"]
        if row.get("answered") and row["question_type"] == "text"
    )
    ungraded = warehouse.rows("toggl_hire__grading_backlog")
    assert sum(row["answers"] for row in ungraded) == zeros
    check_clock(warehouse, world)
    if roles:
        check_grants(warehouse)

    lost = {**tables, "candidates": tables["candidates"][3:]}
    warehouse.fill(schema, lost)
    with pytest.raises(AssertionError, match="no_row_is_missing"):
        warehouse.dbt(
            *("build", "--warn-error", "--select", "+toggl_hire__workspaces"),
            project=project,
        )
    rows = warehouse.rows("toggl_hire__workspaces")
    assert rows[0]["candidates_missing"] == 3


def check_clock(warehouse: Warehouse, world: World) -> None:
    """The retention counts from the later of decision and closing."""
    candidates = {
        row["candidate_id"]: row for row in warehouse.rows("toggl_hire__candidates")
    }
    closed = {
        row["job_opening_id"]: row["closed_at"]
        for row in warehouse.rows("toggl_hire__openings")
    }
    due = {
        row["candidate_id"]: row["due_at"]
        for row in warehouse.rows("toggl_hire__retention_due")
    }
    for candidate_id, row in candidates.items():
        before = row["decision"] == "decided before"
        decided = row["first_observed_at"] if before else row["decided_at"]
        known = [
            moment for moment in (decided, closed[row["job_opening_id"]]) if moment
        ]
        assert (candidate_id in due) == bool(known)
        if known:
            assert (due[candidate_id] - max(known)).days == 30
    assert due
    assert len(due) < len(world.living)


def check_grants(warehouse: Warehouse) -> None:
    """Each role may read its own schema alone."""
    granted = warehouse.fetch(
        "select grantee, table_schema, table_name"
        " from information_schema.role_table_grants"
        " where grantee in ('reader', 'officer') and privilege_type = 'SELECT'"
    )
    own = {"reader": MARTS, "officer": PERSONAL}
    assert {row["grantee"] for row in granted} == own.keys()
    for row in granted:
        assert row["table_schema"] == own[row["grantee"]]
        assert row["table_name"].startswith("toggl_hire__")


def test_freshness_is_that_of_every_workspace(warehouse: Warehouse) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    for schema, age in (("fresh", 0), ("stale", 5)):
        finished_at = now - timedelta(days=age)
        run = {"finished_at": finished_at, "outcome": "complete"}
        failed = {"finished_at": now, "outcome": "failed"}
        warehouse.fill(schema, {"sync_runs": [run, failed]})
    warehouse.check_freshness(["fresh"])
    for other in ("stale", "never_loaded"):
        with pytest.raises(AssertionError, match="freshness"):
            warehouse.check_freshness(["fresh", other])
