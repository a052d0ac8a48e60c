"""One PostgreSQL per session; a sandbox, a database and a Meltano project per test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import Account, Sandbox
from tests.pipeline.warehouse import PostgresWarehouse
from tools.local.meltano import CHECKOUT, Project
from tools.local.postgres import Postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with Postgres() as postgres:
        yield postgres


@pytest.fixture
def warehouse(postgres: Postgres) -> Iterator[PostgresWarehouse]:
    """An empty database, in a time zone that must not matter to a target."""
    with postgres.connect() as connection:
        connection.execute("drop database if exists warehouse")
        connection.execute("create database warehouse")
        connection.execute("alter database warehouse set timezone to 'Asia/Tokyo'")
    with postgres.connect("warehouse") as connection:
        yield PostgresWarehouse(connection, postgres.settings("warehouse"))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    account = Account.example(candidates=60, in_progress=3, seed=7)
    with Sandbox(account) as sandbox:
        yield sandbox


@pytest.fixture
def project(tmp_path: Path, sandbox: Sandbox) -> Project:
    settings = {
        "TAP_TOGGL_HIRE_API_KEY": sandbox.api_key,
        "TAP_TOGGL_HIRE_API_URL": sandbox.url,
        "MELTANO_HUB_API_ROOT": "http://127.0.0.1:9",  # nothing listens there
    }
    project = Project(tmp_path, settings)
    (tmp_path / "examples").symlink_to(CHECKOUT / "examples")
    return project
