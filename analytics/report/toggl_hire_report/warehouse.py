"""The warehouse with the models. The SQL is the same for both engines."""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

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


def connect(
    schemas: tuple[str, str], path: str | None = None
) -> AbstractContextManager[Warehouse]:
    """Connect to a warehouse.

    Args:
        schemas: of the aggregates, and of the models with one row per candidate.
        path: of a file of DuckDB; None is PostgreSQL.

    Raises:
        ReportError: if the warehouse cannot be opened.
    """
    return _postgres(schemas) if path is None else _duckdb(schemas, path)


# A warehouse needs the driver of its own engine alone, so each imports its own.


@contextmanager
def _duckdb(schemas: tuple[str, ...], path: str) -> Iterator[Warehouse]:
    import duckdb  # noqa: PLC0415

    if not Path(path).is_file():
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
def _postgres(schemas: tuple[str, ...]) -> Iterator[Warehouse]:
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
