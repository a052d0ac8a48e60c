"""A warehouse of each engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from analytics.tests.dbt.warehouses import InDuckDB, InPostgres
from tools.local.postgres import Postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analytics.tests.dbt.warehouses import Warehouse


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def warehouse(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Warehouse]:
    """An empty warehouse."""
    folder = tmp_path_factory.mktemp("warehouse")
    if request.param == "duckdb":
        yield InDuckDB(folder)
        return
    with Postgres() as server:
        yield InPostgres(folder, server)
