"""Fields that are not as declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def add_field(
    connection: duckdb.DuckDBPyConnection, field: str, problem: str, since: str
) -> None:
    """Add a row of `toggl_hire__fields` with seven values."""
    connection.execute(
        "insert into toggl_hire_marts.toggl_hire__fields "
        "values ('toggl_hire', $1, $2, $3, $3, 7, $4, $1 || $2)",
        [field, problem, since, problem != "unknown"],
    )
