"""`examples/meltano.yml`, with the plugins of this checkout."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.pipeline.warehouse import expected
from tools.local.meltano import CHECKOUT

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.pipeline.warehouse import PostgresWarehouse
    from tools.local.meltano import Project

pytestmark = [pytest.mark.pipeline, pytest.mark.postgres]


@pytest.fixture
def example(project: Project) -> Project:
    shutil.copy(CHECKOUT / "examples" / "meltano.yml", project.folder)
    return project


def test_personal_data_stays_out_where_the_environment_says_so(
    example: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    example.run("toggl-hire", **warehouse.settings, TAP_TOGGL_HIRE_PII="drop")

    rows = warehouse.rows("candidates")
    assert rows.keys() == expected(sandbox.account)["candidates"].keys()
    for row in rows.values():
        assert not row["name"]
        assert not row["email"]
        assert not row["profile_url"]


def test_settings_of_the_environment_reach_the_tap_and_the_target(
    example: Project,
) -> None:
    variables = {
        "TAP_TOGGL_HIRE_CANDIDATE_FILTERS": '{"min_score": 40}',
        "TAP_TOGGL_HIRE_JOB_OPENING_IDS": '["100"]',
        "TAP_TOGGL_HIRE_PART": "2/4",
        "TAP_TOGGL_HIRE_REQUESTS_PER_SECOND": "2.5",
        "TARGET_POSTGRES_PORT": "6543",
    }

    def told(plugin: str) -> dict[str, object]:
        printed = example.meltano("config", "print", plugin, **variables)
        config: dict[str, object] = json.loads(printed[printed.index("{\n") :])
        return config

    tap = told("tap-toggl-hire")
    assert tap["candidate_filters"] == {"min_score": 40}
    assert tap["job_opening_ids"] == ["100"]
    assert tap["part"] == "2/4"
    assert tap["requests_per_second"] == "2.5"
    assert told("target-postgres")["port"] == 6543


def test_a_fraction_of_a_request_a_second_can_be_set(
    project: Project, sandbox: Sandbox
) -> None:
    project.run(
        "tap-toggl-hire",
        "target-jsonl",
        TAP_TOGGL_HIRE_REQUESTS_PER_SECOND="900.5",
        TAP_TOGGL_HIRE_REQUEST_TIMEOUT="20.5",
    )
    assert sandbox.stats.requests
