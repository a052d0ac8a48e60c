"""One PostgreSQL per session; a sandbox, a database and a Meltano project per test."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sandbox import Account, Sandbox
from tests.pipeline.warehouse import PostgresWarehouse
from tools.local.meltano import CHECKOUT, Project
from tools.local.postgres import Postgres

if TYPE_CHECKING:
    from collections.abc import Iterator


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


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the package as `make build` does, without a network."""
    folder = tmp_path_factory.mktemp("dist")
    hatchling = Path(sys.executable).with_name("hatchling")
    subprocess.run(
        [hatchling, "build", "--target", "wheel", "--directory", folder],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture
def newcomer(project: Project, wheel: Path) -> Project:
    """Make the project of README: examples/meltano.yml, and the tap from its wheel.

    The targets are those that `make plugins` has installed.
    """
    folder = project.folder
    (folder / "analytics").unlink()
    (folder / ".meltano" / "extractors").unlink()
    shutil.copy(folder / "examples" / "meltano.yml", folder)
    file = folder / "meltano.yml"
    text, count = re.subn(
        r"pip_url: tap-toggl-hire.*", f"pip_url: {wheel}", file.read_text("utf-8")
    )
    assert count == 1
    file.write_text(text, "utf-8")
    # The packages are in uv's cache, since the checkout's tap has the same.
    project.meltano("install", "extractor", "tap-toggl-hire", UV_OFFLINE="1")
    return project
