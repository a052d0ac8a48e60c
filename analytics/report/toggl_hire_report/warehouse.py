"""The warehouse with the models. The SQL is the same for all engines."""

from __future__ import annotations

import os
import re
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Row = dict[str, Any]


class ReportError(Exception):
    """The page cannot be made; the message says why, and what to do."""


class Warehouse:
    """Answers queries with rows that are plain dictionaries.

    Args:
        execute: of a connection; what it returns has a description and rows.
        missing: what the engine raises where a table or a column does not exist.
        schemas: in which tables are looked for.
    """

    def __init__(
        self,
        execute: Callable[[str], Any],
        missing: tuple[type[Exception], ...],
        schemas: tuple[str, ...],
    ) -> None:
        self._execute = execute
        self._missing = missing
        self._schemas = " and ".join(schemas)

    def rows(self, query: str) -> list[Row]:
        """Return what a query returns, its decimals as floats.

        Raises:
            ReportError: if a model is missing, or has other columns.
        """
        try:
            cursor = self._execute(query)
        except self._missing as error:
            found = str(error).splitlines()[0]
            raise ReportError(
                f"The models in {self._schemas} are not complete ({found}). "
                "Build them with `dbt build` first (docs/answers.md), or name another "
                "schema with --schema."
            ) from error
        names = [column[0].lower() for column in cursor.description]
        return [
            {name: _plain(value) for name, value in zip(names, row, strict=True)}
            for row in cursor.fetchall()
        ]


def _plain(value: Any) -> Any:
    """Return a decimal as a float, and a time in UTC without an offset."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


@contextmanager
def connect(
    schema: str, personal: str, engine: str = "postgres", path: str | None = None
) -> Iterator[Warehouse]:
    """Connect to a warehouse.

    Args:
        schema: of the aggregates.
        personal: the schema of models with one row per candidate.
        engine: one of ENGINES.
        path: of a file of DuckDB.

    Raises:
        ReportError: if the warehouse cannot be opened.
    """
    with ENGINES[engine]((schema, personal), path) as warehouse:
        yield warehouse


# A warehouse needs the driver of its own engine alone, so each imports its own.


@contextmanager
def _duckdb(schemas: tuple[str, ...], path: str | None) -> Iterator[Warehouse]:
    import duckdb  # noqa: PLC0415

    if path is None or not Path(path).is_file():
        raise ReportError(f"--duckdb {path}: there is no such file.")
    try:
        connection = duckdb.connect(path, read_only=True)
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise ReportError(f"--duckdb {path} cannot be opened: {reason}") from error
    with connection:
        found = connection.execute("select schema_name from duckdb_schemas()")
        names = {name for (name,) in found.fetchall()} & set(schemas)
        order = ",".join(f'"{name}"' for name in schemas if name in names)
        connection.execute("set search_path = $1", [order or "main"])
        yield Warehouse(
            connection.execute,
            (duckdb.CatalogException, duckdb.BinderException),
            schemas,
        )


@contextmanager
def _postgres(schemas: tuple[str, ...], _: str | None) -> Iterator[Warehouse]:
    import psycopg  # noqa: PLC0415
    from psycopg import errors  # noqa: PLC0415

    parts = {name: name.upper() for name in ("host", "port", "user", "password")}
    given = {
        part: os.environ.get(f"TARGET_POSTGRES_{name}")
        for part, name in (parts | {"dbname": "DATABASE"}).items()
    }
    try:
        server = psycopg.connect(**{k: v for k, v in given.items() if v})  # type: ignore[arg-type]
    except psycopg.OperationalError as error:
        reason = " ".join(str(error).split())
        raise ReportError(
            f"PostgreSQL cannot be reached: {reason}. Its place is read from "
            "TARGET_POSTGRES_HOST, _PORT, _USER, _PASSWORD and _DATABASE."
        ) from error
    with server:
        server.read_only = True
        order = ", ".join(f'"{name}"' for name in schemas)
        server.execute(f"set search_path to {order}".encode())
        yield Warehouse(
            lambda query: server.execute(query.encode()),
            (errors.UndefinedTable, errors.UndefinedColumn),
            schemas,
        )


@contextmanager
def _snowflake(schemas: tuple[str, ...], _: str | None) -> Iterator[Warehouse]:
    import snowflake.connector  # noqa: PLC0415

    names = ("account", "user", "password", "role", "warehouse", "database")
    given = {name: os.environ.get(f"TARGET_SNOWFLAKE_{name.upper()}") for name in names}
    try:
        server = snowflake.connector.connect(**{k: v for k, v in given.items() if v})
    except snowflake.connector.Error as error:
        raise ReportError(
            f"Snowflake cannot be reached: {' '.join(str(error).split())}. Its place "
            "is read from TARGET_SNOWFLAKE_ACCOUNT, _USER, _PASSWORD, _ROLE, "
            "_WAREHOUSE and _DATABASE."
        ) from error
    with closing(server):

        def execute(query: str) -> Any:
            return server.cursor().execute(query)

        tables = (
            "select table_name from information_schema.tables "
            "where lower(table_schema) = lower('{schema}')"
        )
        missing = (snowflake.connector.ProgrammingError,)
        yield Warehouse(_in_schemas(execute, tables, schemas), missing, schemas)


@contextmanager
def _bigquery(schemas: tuple[str, ...], _: str | None) -> Iterator[Warehouse]:
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415
    from google.cloud import bigquery  # noqa: PLC0415
    from google.cloud.bigquery import dbapi  # noqa: PLC0415

    names = ("project", "location")
    place = {name: os.environ.get(f"TARGET_BIGQUERY_{name.upper()}") for name in names}
    try:
        client = bigquery.Client(**place)
    except (GoogleAuthError, OSError) as error:
        raise ReportError(
            f"BigQuery cannot be reached: {' '.join(str(error).split())}. Its place is "
            "read from TARGET_BIGQUERY_PROJECT and _LOCATION, the credentials are "
            "Google's application default credentials."
        ) from error
    with closing(dbapi.connect(client)) as server:

        def execute(query: str) -> Any:
            cursor = server.cursor()
            cursor.execute(query)
            return cursor

        tables = "select table_name from {schema}.INFORMATION_SCHEMA.TABLES"
        missing = (dbapi.DatabaseError,)
        yield Warehouse(_in_schemas(execute, tables, schemas), missing, schemas)


def _in_schemas(
    execute: Callable[[str], Any], tables: str, schemas: tuple[str, ...]
) -> Callable[[str], Any]:
    """Name the schema of each model, where an engine looks into one schema alone.

    Args:
        execute: runs a query, and returns a cursor.
        tables: a query for the names of the tables of `{schema}`.
        schemas: in which models are.
    """

    @cache
    def places() -> dict[str, str]:
        return {
            name.lower(): schema
            for schema in schemas
            for (name,) in execute(tables.format(schema=schema)).fetchall()
        }

    def qualified(match: re.Match[str]) -> str:
        return f"{places().get(match[0], schemas[0])}.{match[0]}"

    return lambda query: execute(re.sub(r"\btoggl_hire__\w+", qualified, query))


ENGINES = {
    "postgres": _postgres,
    "duckdb": _duckdb,
    "snowflake": _snowflake,
    "bigquery": _bigquery,
}
