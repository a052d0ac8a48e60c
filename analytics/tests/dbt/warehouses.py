"""Warehouses that are filled as a target would, and in which dbt builds models."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from analytics.tests.dbt.tables import columns
from tools.local.meltano import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.local.postgres import Postgres

Row = dict[str, Any]

PLUGINS = CHECKOUT / ".meltano"
PROJECT = CHECKOUT / "analytics" / "dbt"
MARTS = "toggl_hire_marts"
PERSONAL = f"{MARTS}_personal"


class Warehouse:
    """What both engines share.

    Args:
        folder: Folder for temporary files.
        engine: postgres or duckdb.
        environment: What dbt needs to reach the warehouse.
    """

    def __init__(self, folder: Path, engine: str, environment: dict[str, str]) -> None:
        self.engine = engine
        self._folder = folder
        self._environment = {**os.environ, **environment, "DBT_TARGET": engine}

    def fill(
        self, schema: str, tables: dict[str, list[Row]], leave_out: Sequence[str] = ()
    ) -> None:
        """Create the tables of a schema anew, without some columns."""
        raise NotImplementedError

    def build(
        self,
        schemas: Sequence[str],
        *options: str,
        project: Path = PROJECT,
        **variables: Any,
    ) -> None:
        """Build the models, and run their tests; a warning fails the build."""
        variables = {"toggl_hire_schemas": list(schemas), **variables}
        self.dbt("build", "--warn-error", *options, project=project, **variables)

    def compile(self, schemas: Sequence[str], **variables: Any) -> dict[str, str]:
        """The SQL of every model."""
        self.dbt("compile", toggl_hire_schemas=list(schemas), **variables)
        return self.compiled_models()

    def compiled_models(self) -> dict[str, str]:
        """What the last compilation made of the models."""
        folder = self._folder / "target/compiled/toggl_hire/models"
        found = (path for path in folder.glob("**/*.sql") if not path.parent.suffix)
        return {path.stem: path.read_text("utf-8") for path in found}

    def check_freshness(self, schemas: Sequence[str]) -> None:
        """Fail if the last complete run of any workspace is too old."""
        command = ("source", "freshness", "--warn-error")
        self.dbt(*command, toggl_hire_schemas=list(schemas))

    def dbt(
        self,
        *command: str,
        project: Path = PROJECT,
        profiles: Path = PROJECT,
        **variables: Any,
    ) -> None:
        """Run a command of dbt."""
        self._run(
            self.program("dbt"),
            *(*command, "--quiet"),
            *("--project-dir", project, "--profiles-dir", profiles),
            *("--target-path", self._folder / "target"),
            *("--log-path", self._folder / "logs"),
            *("--vars", json.dumps(variables)),
            env=self._environment,
        )

    def install(self, project: Path) -> None:
        """Install the packages of another project."""
        self._run(
            *(self.program("dbt"), "deps", "--quiet", "--project-dir", project),
            *("--profiles-dir", PROJECT, "--log-path", self._folder / "logs"),
            env=self._environment,
        )

    def program(self, name: str) -> Path:
        """A program beside dbt: of the plugin, or of the environment DBT_VENV."""
        plugin = PLUGINS / f"utilities/dbt-{self.engine}/venv"
        return Path(os.environ.get("DBT_VENV", plugin)) / "bin" / name

    def rows(self, model: str) -> list[Row]:
        """The rows of a model."""
        schema = self.models()[model]
        return self.fetch(f'select * from "{schema}"."{model}"')

    def models(self) -> dict[str, str]:
        """All relations of the models, with their schema."""
        found = self.fetch(
            "select table_schema, table_name from information_schema.tables "
            f"where table_schema in ('{MARTS}', '{PERSONAL}')"
        )
        return {row["table_name"]: row["table_schema"] for row in found}

    def fetch(self, query: str) -> list[Row]:
        """What a query returns."""
        raise NotImplementedError

    def execute(self, statement: str) -> None:
        """Run a statement."""
        raise NotImplementedError

    def run_script(self, schema: str, script: str) -> None:
        """Run the statements of a script on the tables of a schema."""
        self.execute(f"set search_path = '{schema}'; {script}")

    @staticmethod
    def _run(*command: str | Path, **options: Any) -> None:
        done = subprocess.run(
            command,
            check=False,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **options,
        )
        assert done.returncode == 0, done.stdout


class InPostgres(Warehouse):
    """A database of a PostgreSQL server."""

    def __init__(
        self, folder: Path, server: Postgres, database: str = "postgres"
    ) -> None:
        super().__init__(folder, "postgres", server.settings(database))
        self._server = server
        self._database = database

    def fill(
        self, schema: str, tables: dict[str, list[Row]], leave_out: Sequence[str] = ()
    ) -> None:
        with self._server.connect(self._database) as connection:
            connection.execute(f'create schema if not exists "{schema}"'.encode())
            for table, rows in tables.items():
                types = columns(table, leave_out)
                target = f'"{schema}"."{table}"'
                declared = ", ".join(
                    f'"{name}" {kind.replace("json", "jsonb")}'
                    for name, kind in types.items()
                )
                connection.execute(f"drop table if exists {target}".encode())
                connection.execute(f"create table {target} ({declared})".encode())
                names = ", ".join(f'"{name}"' for name in types)
                statement = f"copy {target} ({names}) from stdin"
                with connection.cursor().copy(statement.encode()) as copy:
                    for row in rows:
                        held = [(row.get(name), kind) for name, kind in types.items()]
                        copy.write_row(
                            [
                                value
                                if kind != "json" or value is None
                                else json.dumps(value)
                                for value, kind in held
                            ]
                        )

    def fetch(self, query: str) -> list[Row]:
        with self._server.connect(self._database) as connection:
            cursor = connection.execute(query.encode())
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def execute(self, statement: str) -> None:
        with self._server.connect(self._database) as connection:
            connection.execute(statement.encode())


class InDuckDB(Warehouse):
    """A file of DuckDB."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "warehouse.duckdb"
        super().__init__(folder, "duckdb", {"TARGET_DUCKDB_PATH": str(self._path)})

    def fill(
        self, schema: str, tables: dict[str, list[Row]], leave_out: Sequence[str] = ()
    ) -> None:
        statements = [f'create schema if not exists "{schema}"']
        for table, rows in tables.items():
            types = columns(table, leave_out)
            declared = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
            target = f'"{schema}"."{table}"'
            statements.append(f"create or replace table {target} ({declared})")
            path = self._folder / f"{schema}.{table}.json"
            with path.open("w") as file:
                for row in rows:
                    held = {name: row.get(name) for name in types}
                    file.write(f"{json.dumps(held, default=str)}\n")
            if rows:
                statements.append(
                    f"insert into {target} select * from read_json("
                    f"'{path}', format = 'newline_delimited', columns = {types})"
                )
        self.execute("; ".join(statements))

    def execute(self, statement: str) -> None:
        # Not with the DuckDB of the tests: it is newer than the one that dbt runs on.
        self._run(
            self.program("python"),
            *(
                "-c",
                "import duckdb, sys; duckdb.connect(sys.argv[1]).execute(sys.argv[2])",
            ),
            *(self._path, statement),
        )

    def fetch(self, query: str) -> list[Row]:
        with duckdb.connect(str(self._path), read_only=True) as connection:
            cursor = connection.execute(query)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
