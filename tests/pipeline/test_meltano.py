"""`meltano run tap-toggl-hire target-postgres`: what lands, and how states are kept."""

from __future__ import annotations

import json
from contextlib import suppress
from copy import deepcopy
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from sandbox import Fault
from tests.pipeline.warehouse import (
    assert_erased,
    assert_living_rows_match_api,
    assert_rows,
    expected_rows,
    living,
    rate,
    rate_submit_and_delete,
    tombstone_columns,
)
from tests.support.target import merged
from tools.local.meltano import PipelineError

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.pipeline.warehouse import PostgresWarehouse
    from tools.local.meltano import Project

pytestmark = pytest.mark.pipeline
PLUGINS = ("tap-toggl-hire", "target-postgres")
CANDIDATES = ("candidates", "candidate_details", "candidate_answers")


def test_load_continues_after_a_failure_and_changes_follow(
    project: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    account = sandbox.account
    opening, tag = account.add_opening("Short-lived"), account.add_tag("short-lived")
    candidates = account.listed_ids()

    fail_after_30_candidates(project, sandbox, warehouse)
    sandbox.stats.reset()
    project.run(*PLUGINS, **warehouse.settings)

    assert 30 <= sandbox.stats.count("candidate") < 60
    for stream, rows in expected_rows(account).items():
        assert_rows(warehouse.rows(stream), rows)
    history = warehouse.rows("candidate_history").values()
    assert {row["event"] for row in history} == {"created"}
    assert {row["candidate_id"] for row in history} == set(candidates)

    rated, tagged, deleted, *_ = candidates
    late = account.in_progress_ids()[0]
    answers = {key for key in warehouse.rows("candidate_answers") if key[0] == deleted}
    rate(account, rated)
    account.tag(tagged, account.add_tag("new"))
    account.submit(late)
    account.delete(deleted)
    account.delete_opening(opening)
    account.delete_tag(tag)
    sandbox.stats.reset()
    project.run("toggl-hire-to-postgres", **warehouse.settings)  # the job

    # One answers 404; one that was served answers once more, which proves the endpoint.
    assert sandbox.stats.count("candidate") == 5
    assert_living_rows_match_api(warehouse.rows, account)
    key = {"candidate_id", "position", "_sdc_deleted_at"}
    assert tombstone_columns(warehouse.rows("candidate_answers")) == dict.fromkeys(
        answers, key
    )
    for stream in ("candidates", "candidate_details"):
        marked = tombstone_columns(warehouse.rows(stream))
        assert marked == {deleted: {"id", "_sdc_deleted_at"}}
    for stream, keys in (("job_openings", {opening}), ("tags", {tag})):
        assert set(tombstone_columns(warehouse.rows(stream))) == keys
    assert not tombstone_columns(warehouse.rows("categories"))
    events = [
        (row["candidate_id"], row["event"])
        for row in warehouse.rows("candidate_history").values()
    ]
    assert len(events) == len(history) + 4
    assert set(events) >= {
        (rated, "updated"),
        (tagged, "updated"),
        (late, "created"),
        (deleted, "deleted"),
    }


def test_full_refresh_marks_and_a_state_from_the_warehouse_erases(
    newcomer: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    """A candidate that was deleted while the state was lost is marked, then erased."""
    account = sandbox.account
    warehouse.load(sandbox)
    before = {stream: warehouse.rows(stream) for stream in CANDIDATES}
    deleted = rate_submit_and_delete(account)

    newcomer.run("--full-refresh", *PLUGINS, **warehouse.settings)

    assert_living_rows_match_api(warehouse.rows, account)
    for stream in CANDIDATES:
        marked = {
            key: row
            for key, row in warehouse.rows(stream).items()
            if row["_sdc_deleted_at"] is not None
        }
        assert marked
        for key, row in marked.items():
            assert deleted in {key, key[0]}
            assert row | {"_sdc_deleted_at": None} == before[stream][key]

    printed = newcomer.shell(warehouse.script(newcomer.folder), **warehouse.settings)

    assert ", 1 deleted, " in printed
    assert_erased(warehouse.rows, account, deleted)
    rate(account, account.listed_ids()[0])
    sandbox.stats.reset()
    newcomer.run(*PLUGINS, **warehouse.settings)  # the state is an ordinary one now
    assert sandbox.stats.count("candidate") == 1
    assert_living_rows_match_api(warehouse.rows, account)


def test_example_project_takes_settings_from_the_environment(
    newcomer: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    account = sandbox.account
    opening = account.openings()[0]["id"]
    variables = {
        "TAP_TOGGL_HIRE_CANDIDATE_FILTERS": '{"min_score": 40}',
        "TAP_TOGGL_HIRE_JOB_OPENING_IDS": json.dumps([opening]),
        "TAP_TOGGL_HIRE_PII": "drop",
        "TAP_TOGGL_HIRE_REQUESTS_PER_SECOND": "900.5",
        "TAP_TOGGL_HIRE_REQUEST_TIMEOUT": "20.5",
        "TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": "toggl_hire",
    }

    newcomer.run("toggl-hire", **warehouse.settings, **variables)

    wanted = {
        row["id"]
        for row in account.list_rows()
        if row["job_opening_id"] == opening and row["score"] >= 40
    }
    rows = warehouse.rows("candidates")
    assert rows.keys() == wanted
    assert len(rows) > 2
    for row in rows.values():
        assert not row["name"]
        assert not row["email"]
        assert not row["profile_url"]
    assert warehouse.rows("job_openings").keys() == {opening}


def test_states_are_merged_as_the_tests_merge_them() -> None:
    utils = import_module("meltano.core.utils")
    base = {"bookmarks": {"tags": {"a": 1}, "candidates": {"b": [1, 2]}}}
    over = {"bookmarks": {"candidates": {"b": [3]}}, "tap_toggl_hire": {"format": 3}}
    assert merged(base, over) == utils.merge(over, deepcopy(base))


@pytest.mark.slow
def test_state_from_the_warehouse_with_another_key_deletes_nothing(
    project: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    warehouse.load(sandbox)
    before = {stream: warehouse.rows(stream) for stream in CANDIDATES}
    for candidate_id in sandbox.account.listed_ids()[:40]:
        sandbox.account.delete(candidate_id)

    with pytest.raises(PipelineError, match=r"40 of .* are not found"):
        project.shell(warehouse.script(project.folder), **warehouse.settings)

    for stream, rows in before.items():
        assert living(warehouse.rows(stream)) == rows, stream


@pytest.mark.slow
def test_full_refresh_with_hard_delete_removes_deleted_candidates(
    project: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    warehouse.load(sandbox, hard_delete=True)
    deleted = rate_submit_and_delete(sandbox.account)

    project.run(
        "--full-refresh",
        *PLUGINS,
        **warehouse.settings,
        TARGET_POSTGRES_HARD_DELETE="true",
    )

    for stream, rows in expected_rows(sandbox.account).items():
        assert_rows(warehouse.rows(stream), rows)

    # Only the history knows the candidate now: a state from it finds the deletion.
    project.shell(warehouse.script(project.folder), **warehouse.settings)
    history = warehouse.rows("candidate_history").values()
    events = {row["event"] for row in history if row["candidate_id"] == deleted}
    assert events == {"created", "deleted"}


def fail_after_30_candidates(
    project: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    """Run a first load during which the API key is revoked.

    If the target ends before Meltano has seen the tap end, Meltano takes the run for a
    good one: the log alone shows the failure in each case.
    """
    revoked = Fault("status", status=401, match="candidate", after=30)
    sandbox.faults.append(revoked)
    with suppress(PipelineError):
        project.run(*PLUGINS, **warehouse.settings)
    assert "rejects the API key" in project.log.read_text("utf-8")
    sandbox.faults.remove(revoked)


@pytest.mark.slow
def test_limited_runs_load_a_workspace_piece_by_piece(
    project: Project, sandbox: Sandbox, warehouse: PostgresWarehouse
) -> None:
    """Meltano stores the state of each, since only the tap ends early."""
    sandbox.latency = 0.05
    limited = {
        "TAP_TOGGL_HIRE_MAX_CONCURRENCY": "1",
        "TAP_TOGGL_HIRE_TIME_LIMIT_MINUTES": str(2 / 60),
        **warehouse.settings,
    }
    outcomes: list[str] = []
    while "complete" not in outcomes:
        project.run(*PLUGINS, **limited)
        outcomes = [row["outcome"] for row in warehouse.rows("sync_runs").values()]
    assert "stopped" in outcomes
    # Each later run asks for a known candidate, as a proof, at most.
    assert sandbox.stats.count("candidate") <= 60 + len(outcomes)
    assert_living_rows_match_api(warehouse.rows, sandbox.account)
