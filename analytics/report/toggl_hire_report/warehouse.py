"""Where the models are: in PostgreSQL or DuckDB. The SQL is the same for both."""

from __future__ import annotations

import os
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Row = dict[str, Any]


class Warehouse:
    """Answers queries with rows that are plain dictionaries.

    Args:
        execute: of a connection; what it returns has a description and rows.
    """

    def __init__(self, execute: Callable[[str], Any]) -> None:
        self._execute = execute

    def rows(self, query: str) -> list[Row]:
        """What a query returns, its decimals as floats."""
        cursor = self._execute(query)
        names = [column[0] for column in cursor.description]
        return [
            {
                name: float(value) if isinstance(value, Decimal) else value
                for name, value in zip(names, row, strict=True)
            }
            for row in cursor.fetchall()
        ]


@contextmanager
def connect(schema: str, path: str | None = None) -> Iterator[Warehouse]:
    """Connect to a file of DuckDB or, without one, to PostgreSQL.

    A warehouse needs the driver of its own engine alone, so it is imported here.
    """
    if path is not None:
        import duckdb  # noqa: PLC0415

        with duckdb.connect(path, read_only=True) as connection:
            connection.execute(f'set schema = "{schema}"')
            yield Warehouse(connection.execute)
        return

    import psycopg  # noqa: PLC0415

    parts = {name: name.upper() for name in ("host", "port", "user", "password")}
    given = {
        part: os.environ.get(f"TARGET_POSTGRES_{name}")
        for part, name in (parts | {"dbname": "DATABASE"}).items()
    }
    where = psycopg.conninfo.make_conninfo(**{k: v for k, v in given.items() if v})
    with psycopg.connect(where) as connection:
        connection.read_only = True
        connection.execute(f'set search_path to "{schema}"'.encode())
        yield Warehouse(lambda query: connection.execute(query.encode()))
