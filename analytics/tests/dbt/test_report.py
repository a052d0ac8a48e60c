"""The report reads an engine that looks into one schema alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from analytics.tests.dbt.warehouses import MARTS, PERSONAL

if TYPE_CHECKING:
    from analytics.tests.dbt.warehouses import Warehouse

pytestmark = pytest.mark.skipif(
    "snowflake" not in os.environ.get("WAREHOUSES", ""), reason="make test-snowflake"
)


def test_report_reads_both_schemas_of_snowflake(
    warehouse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import snowflake.connector  # noqa: PLC0415 - of the group `snowflake`
    from toggl_hire_report.warehouse import ReportError, connect  # noqa: PLC0415

    make_models(warehouse)
    session = warehouse.connect()
    session.execute_string("use database warehouse")
    monkeypatch.setattr(snowflake.connector, "connect", lambda **_: session)

    with connect(MARTS, PERSONAL, "snowflake") as models:
        rows = models.rows(
            "select candidates.candidate_id, openings.median_score "
            "from toggl_hire__candidates as candidates "
            "left join toggl_hire__openings as openings on true"
        )
        assert rows == [{"candidate_id": "1", "median_score": 62.5}]
        with pytest.raises(ReportError, match="dbt build"):
            models.rows("select * from toggl_hire__questions")


def make_models(warehouse: Warehouse) -> None:
    """Make one model in each schema."""
    for schema, query in (
        (
            f"{MARTS}.toggl_hire__openings",
            "cast(62.5 as number(28, 6)) as median_score",
        ),
        (f"{PERSONAL}.toggl_hire__candidates", "'1' as candidate_id"),
    ):
        warehouse.execute(f"create schema {schema.partition('.')[0]}")
        warehouse.execute(f"create table {schema} as select {query}")
