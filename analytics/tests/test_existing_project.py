"""The path of docs/existing-project.md: a project that has a loader, and dbt."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
import yaml  # type: ignore[import-untyped]

from analytics.tests.dbt.warehouses import PROJECT, InPostgres
from analytics.tests.marks import needs_dbt
from tests.support.documents import shell_blocks
from tools.local.meltano import CHECKOUT, Project

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox
    from tests.pipeline.warehouse import PostgresWarehouse
    from tools.local.postgres import Postgres

pytestmark = [pytest.mark.pipeline, pytest.mark.postgres, needs_dbt]

PAGE = "docs/existing-project.md"
LOADER = """
version: 1
default_environment: dev
environments:
- name: dev
plugins:
  loaders:
  - name: target-postgres
    variant: meltanolabs
    namespace: target_postgres
    pip_url: {pip_url}
    settings:
    - name: sqlalchemy_url
    - name: default_target_schema
    config:
      default_target_schema: $MELTANO_EXTRACT__LOAD_SCHEMA
"""
"""What `meltano add target-postgres` writes, and a setting for the database."""


@pytest.fixture
def existing(tmp_path: Path, sandbox: Sandbox, warehouse: PostgresWarehouse) -> Project:
    """A project with a loader as the Hub writes it, and nothing of the tap."""
    settings = {
        "TAP_TOGGL_HIRE_API_URL": sandbox.url,
        "MELTANO_HUB_API_ROOT": "http://127.0.0.1:9",  # nothing listens there
        "UV_OFFLINE": "1",  # the packages are in uv's cache
        **warehouse.settings,
    }
    project = Project(tmp_path, settings)
    (tmp_path / ".meltano" / "extractors").unlink()
    ours = yaml.safe_load((CHECKOUT / "meltano.yml").read_text("utf-8"))
    (pip_url,) = (
        loader["pip_url"]
        for loader in ours["plugins"]["loaders"]
        if loader["name"] == "target-postgres"
    )
    (tmp_path / "meltano.yml").write_text(LOADER.format(pip_url=pip_url), "utf-8")
    return project


def test_existing_project_gets_its_tables_and_models(  # noqa: PLR0913, PLR0917
    existing: Project,
    sandbox: Sandbox,
    wheel: Path,
    warehouse: PostgresWarehouse,
    postgres: Postgres,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    add, load, *_ = shell_blocks(PAGE)
    checkout = f"CHECKOUT={CHECKOUT}"
    add = add.replace("CHECKOUT=~/tap-toggl-hire", checkout)
    add = add.replace("pip_url: $CHECKOUT|", f"pip_url: {wheel}|")
    existing.shell(add)
    load = load.replace("API_KEY=...", f"API_KEY={sandbox.api_key}")
    load = load.replace("meltano run", "meltano run --no-install")
    existing.shell(load)
    rows = warehouse.rows("candidates")
    account = sandbox.account
    assert rows.keys() == {*account.listed_ids()}
    for row in account.list_rows():
        # The server is in another zone.
        assert rows[row["id"]]["started_at"] == datetime.fromisoformat(
            row["started_at"]
        ).replace(tzinfo=None)

    tag = next(iter(warehouse.rows("tags")))
    account.delete_tag(tag)
    existing.shell(load)
    assert warehouse.rows("tags")[tag]["_sdc_deleted_at"] is not None

    folder = tmp_path_factory.mktemp("dbt")
    files = {
        "packages.yml": {"packages": [{"local": str(PROJECT)}]},
        "dbt_project.yml": {
            "name": "acme",
            "version": "1.0.0",
            "profile": "toggl_hire",
            "flags": {"send_anonymous_usage_stats": False},
            "vars": {"toggl_hire_schemas": ["toggl_hire"]},
        },
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content), "utf-8")
    own = InPostgres(folder, postgres, warehouse.connection.info.dbname)
    own.install(folder)
    own.build(["toggl_hire"], "--select", "package:toggl_hire", project=folder)
    candidates = own.rows("toggl_hire__candidates")
    assert {row["candidate_id"] for row in candidates} == rows.keys()
    with pytest.raises(AssertionError, match="toggl_hire_schemas names togl_hire_typo"):
        own.build(["togl_hire_typo"], project=folder)
