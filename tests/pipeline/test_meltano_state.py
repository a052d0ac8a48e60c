"""Meltano keeps states, and merges them in depth: each of ours survives that."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sandbox import Fault
from tests.pipeline.warehouse import expected, living
from tools.local.meltano import PipelineError

if TYPE_CHECKING:
    from sandbox import Account, Sandbox
    from tests.pipeline.warehouse import PostgresWarehouse
    from tools.local.meltano import Project

pytestmark = [pytest.mark.pipeline, pytest.mark.postgres]
PLUGINS = ("tap-toggl-hire", "target-postgres")
STATE_ID = "dev:tap-toggl-hire-to-target-postgres"


@pytest.fixture
def died(project: Project, sandbox: Sandbox, warehouse: PostgresWarehouse) -> str:
    """A first load that died: the key was revoked after 30 of 60 candidates.

    Returns:
        The state that it left.
    """
    refused = Fault("status", status=401, match="candidate", after=30)
    sandbox.faults.append(refused)
    with pytest.raises(PipelineError, match="refuses the key"):
        project.run(*PLUGINS, **warehouse.settings)
    sandbox.faults.remove(refused)
    return state_of(project)


def test_a_full_refresh_after_a_load_that_died(
    project: Project, sandbox: Sandbox, warehouse: PostgresWarehouse, died: str
) -> None:
    """Meltano merges what a full refresh leaves onto what is there."""
    assert digests_of(died)
    project.run("--full-refresh", *PLUGINS, **warehouse.settings)
    compare(warehouse, sandbox.account)

    rate(sandbox.account)
    sandbox.stats.reset()
    project.run(*PLUGINS, **warehouse.settings)

    compare(warehouse, sandbox.account)
    assert sandbox.stats.count("candidate") == 1


@pytest.mark.slow
def test_states_that_are_merged(
    project: Project, sandbox: Sandbox, warehouse: PostgresWarehouse, died: str
) -> None:
    """Each onto the other: the next run ends well, and nothing is lost."""
    project.run(*PLUGINS, **warehouse.settings)
    complete = state_of(project)
    for first, second in ((complete, died), (died, complete)):
        rate(sandbox.account)
        project.meltano("state", "set", "--force", STATE_ID, first)
        project.meltano("state", "merge", STATE_ID, second)

        project.run(*PLUGINS, **warehouse.settings)

        compare(warehouse, sandbox.account)
        assert digests_of(state_of(project)).keys() == digests_of(complete).keys()


def state_of(project: Project) -> str:
    """What `meltano state get` prints."""
    printed = project.meltano("--log-level=error", "state", "get", STATE_ID)
    return printed[printed.index("{") :].strip()


def digests_of(state: str) -> dict[str, Any]:
    """The tap's own part of a state."""
    bookmarks = json.loads(state)["singer_state"]["bookmarks"]
    digests: dict[str, Any] = bookmarks["candidates"]["digests"]
    return digests


def rate(account: Account) -> None:
    """Change a candidate, whom both states know."""
    one = account.listed_ids()[0]
    account.rate(one, 1 + account.row(one)["rating"] % 3)


def compare(warehouse: PostgresWarehouse, account: Account) -> None:
    for stream, rows in expected(account).items():
        assert living(warehouse.rows(stream)) == rows, stream
