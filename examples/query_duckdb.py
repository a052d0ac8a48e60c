"""Run SQL on a DuckDB database, and print the values that it returns.

target-duckdb comes with DuckDB for Python, but without the command line of DuckDB:

    .meltano/loaders/target-duckdb/venv/bin/python examples/query_duckdb.py \
        warehouse.duckdb toggl_hire examples/queries/forget_history.sql

The arguments are the database, the schema of the tables, and SQL or a file of it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb


def main(database: str, schema: str, query: str) -> None:
    """Print the rows of the last statement, values separated by tabs."""
    if query.endswith(".sql"):
        query = Path(query).read_text("utf-8")
    with duckdb.connect(database) as connection:
        connection.execute(f"USE {schema}")
        rows = connection.execute(query).fetchall()
    for row in rows:
        print(*row, sep="\t")


if __name__ == "__main__":
    main(*sys.argv[1:])
