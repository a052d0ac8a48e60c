"""Warehouses that the targets of `meltano.yml` fill, and that dbt builds models in."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import duckdb

from tools.local.meltano import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from tools.local.postgres import Postgres

Row = dict[str, Any]

PLUGINS = CHECKOUT / ".meltano"
PROJECT = CHECKOUT / "analytics" / "dbt"
MARTS = "toggl_hire_marts"


class Warehouse:
    """What both engines share.

    Args:
        folder: for what is written on the way.
        engine: postgres or duckdb.
        config: of the target, without the schema.
        environment: that dbt needs to reach the warehouse.
    """

    def __init__(
        self, folder: Path, engine: str, config: Row, environment: dict[str, str]
    ) -> None:
        self.engine = engine
        self._folder = folder
        self._config = config
        self._environment = {**os.environ, **environment, "DBT_TARGET": engine}

    def load(self, schema: str, messages: Iterable[Row]) -> None:
        """Load what the tap wrote into a schema."""
        config = self._folder / "config.json"
        config.write_text(json.dumps({**self._config, "default_target_schema": schema}))
        target = f"target-{self.engine}"
        self._run(
            PLUGINS / "loaders" / target / "venv/bin" / target,
            *("--config", config),
            env={**os.environ, "PGTZ": "UTC"},
            input="".join(f"{json.dumps(message)}\n" for message in messages),
        )

    def build(self, *options: str, schemas: Sequence[str]) -> None:
        """Build the models, and run their tests; a warning fails the build."""
        self._run(
            PLUGINS / f"utilities/dbt-{self.engine}/venv/bin/dbt",
            *("build", "--warn-error", "--quiet", *options),
            *("--project-dir", PROJECT, "--profiles-dir", PROJECT),
            *("--target-path", self._folder / "target"),
            *("--log-path", self._folder / "logs"),
            *("--vars", json.dumps({"toggl_hire_schemas": list(schemas)})),
            env=self._environment,
        )

    def rows(self, model: str) -> list[Row]:
        """The rows of a model."""
        return self.fetch(f'select * from "{MARTS}"."{model}"')

    def relations(self) -> dict[str, str]:
        """All relations beside the models, with their kind."""
        found = self.fetch(
            "select table_name, table_type from information_schema.tables "
            f"where table_schema = '{MARTS}'"
        )
        return {row["table_name"]: row["table_type"] for row in found}

    def fetch(self, query: str) -> list[Row]:
        """What a query returns."""
        raise NotImplementedError

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

    def __init__(self, folder: Path, server: Postgres) -> None:
        config = {
            "sqlalchemy_url": server.url(),
            "activate_version": True,
            "sanitize_null_text_characters": True,
            "validate_records": False,
            "use_copy": True,
        }
        super().__init__(folder, "postgres", config, server.settings())
        self._server = server

    def fetch(self, query: str) -> list[Row]:
        with self._server.connect() as connection:
            cursor = connection.execute(query.encode())
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor]


class InDuckDB(Warehouse):
    """A file of DuckDB."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "warehouse.duckdb"
        config = {"path": str(self._path), "add_metadata_columns": True}
        settings = {"TARGET_DUCKDB_PATH": str(self._path)}
        super().__init__(folder, "duckdb", config, settings)

    def fetch(self, query: str) -> list[Row]:
        with duckdb.connect(str(self._path), read_only=True) as connection:
            cursor = connection.execute(query)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
