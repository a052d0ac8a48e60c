"""Candidates who are left out count in nothing but reconciliation and retention."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from analytics.tests.dbt.truth import KEYS, Truth, is_same, keyed
from analytics.tests.dbt.world import World
from analytics.tests.marks import needs_dbt

if TYPE_CHECKING:
    from analytics.tests.dbt.warehouses import Warehouse

pytestmark = [pytest.mark.pipeline, needs_dbt]
WORLD = World(41, candidates=300)
COLLEAGUES = {one.id for one in WORLD.candidates if int(one.id) % 12 == 0}
COUNTED = ("retention_due",)


@pytest.fixture(scope="module")
def built(in_duckdb: Warehouse) -> Warehouse:
    """The models of a world in which colleagues tried the tests."""
    in_duckdb.fill("toggl_hire", WORLD.tables())
    excluded = [{"workspace": "toggl_hire", "candidate_id": one} for one in COLLEAGUES]
    elsewhere = [{"workspace": "other", "candidate_id": one.id} for one in WORLD.living]
    in_duckdb.fill("people", {"colleagues": excluded + elsewhere})
    in_duckdb.build(["toggl_hire"], toggl_hire_exclude="people.colleagues")
    return in_duckdb


@pytest.mark.parametrize("name", KEYS)
def test_model_is_as_if_they_had_never_been_there(built: Warehouse, name: str) -> None:
    world = WORLD if name in COUNTED else WORLD.without(COLLEAGUES)
    wanted = getattr(Truth(world), name)()
    rows = keyed(built, name, KEYS[name])
    assert rows.keys() == wanted.keys()
    for key, row in wanted.items():
        for column, value in row.items():
            assert is_same(rows[key][column], value), (key, column, rows[key], row)


def test_reconciliation_and_the_evidence_count_them(built: Warehouse) -> None:
    (workspace,) = built.rows("toggl_hire__workspaces")
    assert workspace["candidates_rows"] == len(WORLD.living)
    assert workspace["candidates_missing"] == 0
    erased = {row["candidate_id"] for row in built.rows("toggl_hire__erasures")}
    assert erased & COLLEAGUES
