"""Read the rows that a target has loaded."""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

Row = dict[str, Any]

SCHEMA = "toggl_hire"


@dataclass(frozen=True)
class Place:
    """Where targets load to: a folder, and a PostgreSQL database."""

    folder: Path
    postgres_url: str
    postgres_login: dict[str, Any]


def postgres(place: Place, stream: str) -> list[Row]:
    """Return the rows of a table in PostgreSQL."""
    login = {**place.postgres_login, "password": None}
    with psycopg.connect(**login) as connection:
        cursor = connection.execute(f"select * from {SCHEMA}.{stream}".encode())
        return _rows([c.name for c in cursor.description or ()], cursor.fetchall())


def duckdb_file(place: Place, stream: str) -> list[Row]:
    """Return the rows of a table in DuckDB."""
    database = str(place.folder / "warehouse.duckdb")
    import duckdb  # noqa: PLC0415 - `make targets` installs it

    with duckdb.connect(database) as connection:
        cursor = connection.execute(f"select * from {SCHEMA}.{stream}")
        return _rows([c[0] for c in cursor.description or ()], cursor.fetchall())


def jsonl(place: Place, stream: str) -> list[Row]:
    """Return the lines of a JSON file."""
    path = place.folder / f"{stream}.jsonl"
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


def singer_jsonl(place: Place, stream: str) -> list[Row]:
    """Return the records in the files of Singer messages, in the order of the runs."""
    files = sorted((place.folder / stream).glob("*.singer.gz"))
    text = b"".join(gzip.decompress(one.read_bytes()) for one in files)
    lines = [json.loads(line) for line in text.split(b"\n") if line]
    return [line["record"] for line in lines if line["type"] == "RECORD"]


def csv_files(place: Place, stream: str) -> list[Row]:
    """Return the lines of the files of a stream, in the order of the runs."""
    rows: list[Row] = []
    for path in sorted(place.folder.glob(f"{stream}[-.]*csv")):
        with path.open(newline="") as lines:
            rows += csv.DictReader(lines)
    for row in rows:
        for name, value in row.items():
            row[name] = int(value) if name == "position" else value or None
    return rows


def _rows(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[Row]:
    return [dict(zip(names, row, strict=True)) for row in rows]
