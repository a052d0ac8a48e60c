"""A warehouse of each engine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from analytics.tests.dbt.warehouses import InDuckDB, InPostgres
from tools.local.postgres import Postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analytics.tests.dbt.warehouses import Warehouse

# `make test-snowflake` and `test-bigquery` name others, with their own environments.
ENGINES = os.environ.get("WAREHOUSES", "duckdb postgres").split()


@pytest.fixture(scope="module")
def in_duckdb(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """An empty DuckDB, for figures; `test_models` compares them between engines."""
    if "duckdb" not in ENGINES:
        pytest.skip("on DuckDB alone: make test-analytics")
    return InDuckDB(tmp_path_factory.mktemp("warehouse"))


@pytest.fixture(scope="module", params=ENGINES)
def warehouse(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Warehouse]:
    """An empty warehouse."""
    folder = tmp_path_factory.mktemp("warehouse")
    if request.param == "snowflake":
        from analytics.tests.dbt.snowflake import (  # noqa: PLC0415 - its own group
            InSnowflake,
            server,
        )

        with server() as port:
            yield InSnowflake(folder, port)
    elif request.param == "bigquery":
        from analytics.tests.dbt.bigquery import InBigQuery  # noqa: PLC0415 - the same

        yield InBigQuery(folder)
    elif request.param == "duckdb":
        yield InDuckDB(folder)
    else:
        with Postgres() as postgres:
            yield InPostgres(folder, postgres)
