"""A warehouse of fakesnow, which runs Snowflake's SQL on DuckDB."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import snowflake.connector
import yaml  # type: ignore[import-untyped]

from analytics.tests.dbt.tables import columns
from analytics.tests.dbt.warehouses import MARTS, PERSONAL, PROJECT, Row, Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DATABASE = "warehouse"
TYPES = {
    "text": "varchar",
    "timestamp": "timestamp_ntz",
    "double precision": "float",
    "json": "variant",
    "boolean": "boolean",
    "bigint": "number(38, 0)",
}
MACROS = Path(__file__).with_name("fakesnow.sql")


class InSnowflake(Warehouse):
    """A database of a server of fakesnow.

    The models are built as a package of another project, which does without what
    fakesnow lacks: comments, and the macros of fakesnow.sql.

    Args:
        folder: Folder for temporary files.
        port: The server's.
    """

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__(folder, "snowflake", {})
        place = {"account": "fakesnow", "user": "fake", "password": "fake"}
        place |= {"host": "localhost", "protocol": "http", "warehouse": "fake"}
        self._place = {**place, "port": port}
        self._project = folder / "project"
        self._make_project()
        self._connection = self.connect()
        self.execute(f"create database {DATABASE}; use database {DATABASE}")

    def connect(self) -> Any:
        """Connect as another session."""
        return snowflake.connector.connect(**self._place)

    def fill(
        self, schema: str, tables: dict[str, list[Row]], leave_out: Sequence[str] = ()
    ) -> None:
        self.execute(f"create schema if not exists {schema}")
        for table, rows in tables.items():
            types = columns(table, leave_out)
            held = ", ".join(f"{name} {TYPES[kind]}" for name, kind in types.items())
            self.execute(f"create or replace table {schema}.{table} ({held})")
            # As one text: fakesnow takes very long to parse rows of literals.
            values = [
                f"get_path(value, '{name}')"
                + ("" if kind == "json" else f"::varchar::{TYPES[kind]}")
                for name, kind in types.items()
            ]
            given = [
                {name: value for name, value in row.items() if value is not None}
                for row in rows
            ]
            text = json.dumps(given, default=str).replace("\\", "\\\\")
            self.execute(
                f"insert into {schema}.{table} select {', '.join(values)} from lateral "
                f"""flatten(input => parse_json('{text.replace("'", "''")}'))"""
            )

    def dbt(self, *command: str, project: Path = PROJECT, **variables: Any) -> None:
        if project == PROJECT:
            project = self._project
        self._adapt(project)
        super().dbt(*command, project=project, profiles=project, **variables)

    def program(self, name: str) -> Path:
        return Path(sys.executable).with_name(name)

    def models(self) -> dict[str, str]:
        found = self.fetch(
            "select table_schema, table_name from information_schema.tables "
            f"where table_schema in ('{MARTS.upper()}', '{PERSONAL.upper()}') "
            "union select table_schema, table_name from information_schema.views "
            f"where table_schema in ('{MARTS.upper()}', '{PERSONAL.upper()}')"
        )
        return {row["table_name"].lower(): row["table_schema"].lower() for row in found}

    def rows(self, model: str) -> list[Row]:
        return self.fetch(f"select * from {self.models()[model]}.{model}")

    def fetch(self, query: str) -> list[Row]:
        cursor = self._connection.cursor().execute(query)
        assert cursor is not None
        names = [column[0].lower() for column in cursor.description]
        return [
            {name: _value(value) for name, value in zip(names, row, strict=True)}
            for row in cursor.fetchall()
        ]

    def execute(self, statement: str) -> None:
        self._connection.execute_string(statement)

    def run_script(self, schema: str, script: str) -> None:
        self.execute(f"use schema {schema}")
        self.execute(script)

    def _make_project(self) -> None:
        project = {
            "name": "outer",
            "version": "1.0.0",
            "profile": "toggl_hire",
            "flags": {"send_anonymous_usage_stats": False},
        }
        self._project.mkdir()
        _write(self._project / "packages.yml", {"packages": [{"local": str(PROJECT)}]})
        _write(self._project / "dbt_project.yml", project)
        self.install(self._project)

    def _adapt(self, project: Path) -> None:
        """Let a project that has the package do without what fakesnow lacks."""
        output = {
            **self._place,
            "type": "snowflake",
            "database": DATABASE,
            "schema": MARTS,
            "threads": 1,
        }
        profile = {"target": "snowflake", "outputs": {"snowflake": output}}
        _write(project / "profiles.yml", {"toggl_hire": profile})
        file = project / "dbt_project.yml"
        no_comments = {"+persist_docs": {"relation": False, "columns": False}}
        content = yaml.safe_load(file.read_text("utf-8"))
        _write(file, content | {"models": {"toggl_hire": no_comments}})
        (project / "macros").mkdir(exist_ok=True)
        shutil.copy(MACROS, project / "macros")


@contextmanager
def server() -> Iterator[int]:
    """Start a server of fakesnow, and yield its port."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("fakesnow")
    process = subprocess.Popen(
        (program, "--server", "--port", str(port)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("localhost", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < end, "fakesnow does not start"
            time.sleep(0.1)
        else:
            return


def _write(file: Path, content: Any) -> None:
    file.write_text(yaml.safe_dump(content), "utf-8")


def _value(value: Any) -> Any:
    """Give back null, which fakesnow sends as the first second of 1970."""
    return None if value == datetime(1970, 1, 1) else value  # noqa: DTZ001
