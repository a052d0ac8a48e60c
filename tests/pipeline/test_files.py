"""Targets that write files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.pipeline.warehouse import (
    duckdb_rows,
    expected,
    jsonl_rows,
    living,
    tombstones,
)

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.pipeline.warehouse import Rows
    from tools.local.meltano import Project

pytestmark = pytest.mark.pipeline


def test_jsonl_has_a_line_for_each_row(project: Project, sandbox: Sandbox) -> None:
    deleted = sandbox.account.listed_ids()[0]
    folder = project.folder / "output"
    project.run("tap-toggl-hire", "target-jsonl")
    for stream, rows in expected(sandbox.account).items():
        assert jsonl_rows(folder, stream) == rows, stream

    sandbox.account.delete(deleted)
    project.run("tap-toggl-hire", "target-jsonl")

    for stream, rows in expected(sandbox.account).items():
        assert living(jsonl_rows(folder, stream)) == rows, stream
    for stream in ("candidates", "candidate_details"):
        marked = tombstones(jsonl_rows(folder, stream))
        assert marked == {deleted: {"id", "_sdc_deleted_at"}}


@pytest.mark.skipif(
    sys.version_info >= (3, 14), reason="target-duckdb needs a DuckDB without a wheel"
)
def test_duckdb_has_the_same_rows(project: Project, sandbox: Sandbox) -> None:
    deleted = sandbox.account.listed_ids()[0]
    database = project.folder / "warehouse.duckdb"
    project.run("tap-toggl-hire", "target-duckdb")
    for stream, rows in expected(sandbox.account).items():
        assert duckdb_rows(database, stream) == without_empty(rows), stream

    sandbox.account.delete(deleted)
    project.run("tap-toggl-hire", "target-duckdb")

    for stream, rows in expected(sandbox.account).items():
        assert living(duckdb_rows(database, stream)) == without_empty(rows), stream
    for stream in ("candidates", "candidate_details"):
        marked = tombstones(duckdb_rows(database, stream))
        assert marked == {deleted: {"id", "_sdc_deleted_at"}}


def without_empty(rows: Rows) -> Rows:
    """target-duckdb makes null of the empty string."""
    return {
        key: {name: None if value == "" else value for name, value in row.items()}
        for key, row in rows.items()
    }
