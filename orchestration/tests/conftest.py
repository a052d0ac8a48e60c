"""Workspaces for each test, and one PostgreSQL for all."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from orchestration.tests.many import Many
from tools.local.postgres import Postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OURS = ("MELTANO_", "TAP_TOGGL_HIRE_", "TARGET_", "TOGGL_HIRE_", "DAGSTER_", "AIRFLOW_")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with Postgres() as postgres:
        yield postgres


@pytest.fixture
def many(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Many]:
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
    with postgres.connect() as connection:
        connection.execute("drop database if exists many with (force)")
        connection.execute("create database many")
    monkeypatch.setenv("TARGET_POSTGRES_SQLALCHEMY_URL", postgres.url("many"))
    monkeypatch.setenv(
        "MELTANO_HUB_API_ROOT", "http://127.0.0.1:9"
    )  # no server listens there
    folder = tmp_path / "project"
    folder.mkdir()
    with ExitStack() as stack, postgres.connect("many") as connection:
        yield Many(folder, stack, connection, monkeypatch)
