"""What landed where, in one form that compares with the sandbox's truth."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb

from tests.support.truth import truth

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import psycopg

    from sandbox import Account

Row = dict[str, Any]
Rows = dict[Any, Row]

SCHEMA = "toggl_hire"
KEYS = {
    "candidate_answers": ("candidate_id", "position"),
    "candidate_history": ("candidate_id", "observed_at"),
}


class PostgresWarehouse:
    """A database that target-postgres fills."""

    def __init__(
        self, connection: psycopg.Connection, settings: dict[str, str]
    ) -> None:
        self.connection = connection
        self.settings = settings

    def rows(self, stream: str) -> Rows:
        """A table by its key."""
        cursor = self.connection.execute(f"select * from {SCHEMA}.{stream}".encode())
        names = [column.name for column in cursor.description or ()]
        return keyed(stream, _dicts(names, cursor.fetchall()))


def duckdb_rows(database: Path, stream: str) -> Rows:
    """A table that target-duckdb filled, by its key."""
    with duckdb.connect(str(database), read_only=True) as connection:
        cursor = connection.execute(f"select * from {SCHEMA}.{stream}")
        kinds = {name: str(kind) for name, kind, *_ in cursor.description or ()}
        rows = _dicts(kinds, cursor.fetchall())
    for row in rows:
        for name, kind in kinds.items():
            if kind == "JSON" and row[name] is not None:
                row[name] = json.loads(row[name])
    return keyed(stream, rows)


def jsonl_rows(folder: Path, stream: str) -> Rows:
    """The last line of each key in a file of target-jsonl."""
    lines = (folder / f"{stream}.jsonl").read_text().splitlines()
    return keyed(stream, map(json.loads, lines))


def expected(account: Account) -> dict[str, Rows]:
    """What an account's streams should have in a warehouse."""
    return {
        stream: keyed(stream, rows.values()) for stream, rows in truth(account).items()
    }


def keyed(stream: str, rows: Iterable[Row]) -> Rows:
    """Rows by their key, in the form that all sides share.

    Times are in UTC, numbers of one type; of the columns that targets add, only
    `_sdc_deleted_at` counts, which not every target has in every table.
    """
    keys = KEYS.get(stream, ("id",))
    result = {}
    for row in rows:
        plain = {"_sdc_deleted_at": None} | {
            name: _plain(name, value)
            for name, value in row.items()
            if not name.startswith("_sdc_") or name == "_sdc_deleted_at"
        }
        key = tuple(plain[name] for name in keys)
        result[key if len(key) > 1 else key[0]] = plain
    return result


def living(rows: Rows) -> Rows:
    """The rows that are not marked as deleted."""
    return {key: row for key, row in rows.items() if row["_sdc_deleted_at"] is None}


def tombstones(rows: Rows) -> dict[Any, set[str]]:
    """The rows that are marked as deleted, by key: the columns that hold something."""
    return {
        key: {name for name, value in row.items() if value is not None}
        for key, row in rows.items()
        if row["_sdc_deleted_at"] is not None
    }


def _dicts(names: Iterable[str], rows: Iterable[Sequence[Any]]) -> list[Row]:
    return [dict(zip(names, row, strict=True)) for row in rows]


def _plain(name: str, value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, str) and name.endswith("_at"):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value
