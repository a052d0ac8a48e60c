"""BigQuery without an account: models that dbt compiles for it, run on DuckDB.

dbt's adapter compiles them for tables as target-bigquery makes them; sqlglot parses
them as BigQuery's SQL, strictly, and translates them. Nothing runs on BigQuery.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import sqlglot
import yaml  # type: ignore[import-untyped]
from sqlglot import expressions

from analytics.tests.dbt.tables import columns
from analytics.tests.dbt.warehouses import MARTS, PERSONAL, PROJECT, Row, Warehouse
from tools.local.meltano import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

TYPES = {
    "text": "STRING",
    "timestamp": "TIMESTAMP",
    "double precision": "FLOAT64",
    "json": "JSON",
    "boolean": "BOOL",
    "bigint": "INT64",
}
PROFILE = {
    "type": "bigquery",
    "method": "oauth-secrets",
    "token": "none",
    "project": "acme",
    "dataset": MARTS,
    "threads": 1,
}

Json = dict[str, Any]


class InBigQuery(Warehouse):
    """A DuckDB in memory, for models that were compiled for BigQuery."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "bigquery", {})
        profile = {"target": "bigquery", "outputs": {"bigquery": PROFILE}}
        content = yaml.safe_dump({"toggl_hire": profile})
        (folder / "profiles.yml").write_text(content)
        self._known: dict[str, dict[str, dict[str, str]]] = {}
        self._connection = duckdb.connect()
        self.execute(f"set timezone = 'UTC'; create schema {MARTS}")
        self.execute(f"create schema {PERSONAL}")

    def fill(
        self, schema: str, tables: dict[str, list[Row]], leave_out: Sequence[str] = ()
    ) -> None:
        self.execute(f"create schema if not exists {schema}")
        for table, rows in tables.items():
            types = columns(table, leave_out)
            known = self._known.setdefault(schema, {})
            known[table] = {name: TYPES[kind] for name, kind in types.items()}
            declared = ", ".join(
                f'"{name}" {kind.replace("timestamp", "timestamptz")}'
                for name, kind in types.items()
            )
            self.execute(f"create or replace table {schema}.{table} ({declared})")
            path = self._folder / f"{schema}.{table}.json"
            held = [{name: row.get(name) for name in types} for row in rows]
            path.write_text("\n".join(json.dumps(row, default=str) for row in held))
            if rows:
                self.execute(
                    f"insert into {schema}.{table} select * from read_json("
                    f"'{path}', format = 'newline_delimited', columns = {types})"
                )

    def build(
        self,
        schemas: Sequence[str],
        *options: str,
        project: Path = PROJECT,
        **variables: Any,
    ) -> None:
        if options or project != PROJECT:
            pytest.skip("dbt build needs a BigQuery")
        self.compile(schemas, **variables)
        manifest = json.loads((self._folder / "target/manifest.json").read_text())
        nodes = manifest["nodes"]
        for name in _in_order(nodes):
            node = nodes[name]
            if node["compiled_path"] is None:
                continue  # a test of a model that the variables turn off
            if node["resource_type"] == "test":
                failures = self.fetch(self._compiled(node))
                assert not failures, (name, failures)
            elif node["config"]["materialized"] != "ephemeral":
                self._materialize(node)

    def compile(self, schemas: Sequence[str], **variables: Any) -> dict[str, str]:
        metadata = self._folder / "metadata.json"
        metadata.write_text(json.dumps(self._known))
        variables = {"toggl_hire_schemas": list(schemas), **variables}
        self._run(
            sys.executable,
            *("-m", "analytics.tests.dbt.compile_for_bigquery", metadata),
            *("compile", "--no-populate-cache", "--warn-error", "--quiet"),
            *("--project-dir", PROJECT, "--profiles-dir", self._folder),
            *("--target-path", self._folder / "target"),
            *("--log-path", self._folder / "logs"),
            *("--vars", json.dumps(variables)),
            cwd=CHECKOUT,
        )
        return {name: _translated(sql) for name, sql in self.compiled_models().items()}

    def dbt(self, *command: str, **_: Any) -> None:
        pytest.skip(f"dbt {command[0]} needs a BigQuery")

    def install(self, project: Path) -> None:
        self.dbt("deps", project=project)

    def run_script(self, schema: str, script: str) -> None:
        self.execute(f"set search_path = '{schema}'; {_translated(script)}")

    def models(self) -> dict[str, str]:
        found = self.fetch(
            "select table_schema, table_name from information_schema.tables "
            f"where table_schema in ('{MARTS}', '{PERSONAL}')"
        )
        return {row["table_name"]: row["table_schema"] for row in found}

    def fetch(self, query: str) -> list[Row]:
        cursor = self._connection.execute(query)
        names = [column[0] for column in cursor.description or ()]
        return [
            {name: _naive(value) for name, value in zip(names, row, strict=True)}
            for row in cursor.fetchall()
        ]

    def execute(self, statement: str) -> None:
        self._connection.execute(statement)

    def _compiled(self, node: Json) -> str:
        path = CHECKOUT / node["compiled_path"]
        return _translated(path.read_text("utf-8"))

    def _materialize(self, node: Json) -> None:
        table, sql = f"{node['schema']}.{node['name']}", self._compiled(node)
        if node["config"]["materialized"] == "incremental":
            key = node["config"]["unique_key"]
            self.execute(f"create or replace temp table fresh as {sql}")
            self.execute(f"create table if not exists {table} as from fresh limit 0")
            self.execute(
                f"delete from {table} where {key} in (select {key} from fresh)"
            )
            self.execute(f"insert into {table} from fresh")
        else:
            self.execute(f"create or replace table {table} as {sql}")


def _translated(sql: str) -> str:
    """Translate BigQuery's SQL for DuckDB, or fail if it is not BigQuery's."""
    level = sqlglot.ErrorLevel.RAISE
    statements = sqlglot.parse(sql, dialect="bigquery", error_level=level)
    for statement in statements:
        for table in statement.find_all(expressions.Table):
            table.set("catalog", None)
    return "; ".join(
        statement.sql("duckdb", unsupported_level=level) for statement in statements
    )


def _in_order(nodes: dict[str, Json]) -> Iterator[str]:
    """Models and tests, each after those that it reads."""
    done: set[str] = set()

    def visit(name: str) -> Iterator[str]:
        if name in nodes and name not in done:
            done.add(name)
            for parent in nodes[name]["depends_on"]["nodes"]:
                yield from visit(parent)
            yield name

    for name in nodes:
        yield from visit(name)


def _naive(value: Any) -> Any:
    return value.replace(tzinfo=None) if getattr(value, "tzinfo", None) else value
