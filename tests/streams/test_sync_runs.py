"""`sync_runs`: one row per run, its last record; and the summary in the log."""

from __future__ import annotations

import importlib.metadata
import json
import re
import typing as t
from datetime import UTC, datetime

import pytest

from sandbox import Account, Fault
from tests.faults.trials import attempt
from tests.streams.checks import Start, Workspace, of
from tests.support import Run, catalog, extract, run_tap, settings
from tests.support.streams import FAMILY, LISTS, SYNC_RUNS
from tests.support.tap import records

Json = dict[str, t.Any]

SUMMARY = re.compile(
    r"(\d+) candidates listed: (\d+) new, (\d+) changed, (\d+) deleted, "
    r"(\d+) re-verified; (\d+) requests, (\d+) refused\."
)


def the_row(messages: list[Json]) -> Json:
    """The record of a run, which is its last; a STATE follows."""
    last = of(messages, "RECORD")[-1]
    (row,) = records(messages, SYNC_RUNS)
    assert last["stream"] == SYNC_RUNS
    assert messages[-1]["type"] == "STATE"
    assert row == last["record"]
    return dict(row)


def counts(row: Json) -> dict[str, int]:
    """The counts of candidates that are not zero."""
    return {
        name.removeprefix("candidates_"): value
        for name, value in row.items()
        if name.startswith("candidates_") and value
    }


def last_line(run: Run) -> str:
    return run.stderr.splitlines()[-1].rpartition(" | ")[2]


def test_a_complete_run(sandbox: Start) -> None:
    box = sandbox(Account.example(candidates=1204, questions=1))
    config = settings(box)
    before = datetime.now(UTC)
    run = run_tap(config, catalog=catalog(config, "candidates", SYNC_RUNS))
    assert run.returncode == 0
    row = the_row(run.messages)
    started, finished = (
        datetime.fromisoformat(row.pop(name)) for name in ("started_at", "finished_at")
    )
    assert before <= started <= finished <= datetime.now(UTC)
    assert row == {
        "outcome": "complete",
        "is_transient": None,
        "message": None,
        "tap_version": importlib.metadata.version("tap-toggl-hire"),
        "api_version": "v2.1",
        "scope": None,
        "requests": box.stats.requests,
        "requests_refused": 0,
        "requests_retried": 0,
        "candidates_listed": 1204,
        "candidates_held": 1204,
        "details_held": None,
        "answers_held": None,
        "candidates_created": 1204,
        "candidates_updated": 0,
        "candidates_deleted": 0,
        "candidates_reverified": 0,
        "candidates_without_details": 0,
        "details_read": 0,
        "unknown_fields": None,
        "mismatched_fields": None,
    }
    summary = SUMMARY.fullmatch(last_line(run))
    assert summary
    assert summary.groups() == (
        *("1204", "1204", "0", "0", "0", str(box.stats.requests), "0"),
    )


def test_what_happened_to_candidates(sandbox: Start) -> None:
    workspace = Workspace(sandbox(Account.example(candidates=30)))
    account = workspace.account
    workspace.extract()
    ids = account.listed_ids()
    for one in ids[:4]:
        workspace.rate(one)
    for one in ids[10:12]:
        account.delete(one)
    for _ in range(3):
        account.add_candidate()
    row = the_row(workspace.extract())
    assert counts(row) == {
        "listed": 31,
        "held": 31,
        "created": 3,
        "updated": 4,
        "deleted": 2,
    }
    assert row["details_read"] == 7
    assert row["requests"] == workspace.box.stats.requests
    # Nothing changed: beside the lists, the row is all that is emitted.
    row = the_row(workspace.extract())
    assert counts(row) == {"listed": 31, "held": 31}
    assert workspace.emitted == set()
    assert len(workspace.target.alive(SYNC_RUNS)) == 3


def test_a_failed_run(sandbox: Start) -> None:
    """Its message is the last line of the log; a STATE follows."""
    box = sandbox(Account.example(candidates=150))
    box.faults = [Fault("status", status=403, match="candidate", after=120)]
    run = run_tap(settings(box, max_concurrency=1))
    assert run.returncode == 1
    row = the_row(run.messages)
    assert (row["outcome"], row["is_transient"]) == ("failed", False)
    assert row["message"] == last_line(run)
    assert "api_key" in row["message"]
    # One request may be in flight when the run ends.
    assert 0 <= box.stats.requests - row["requests"] <= 1
    assert row["details_read"] == 120
    assert len(run.records("candidate_history")) == row["candidates_created"]
    for candidate in box.account.list_rows():
        assert candidate["email"] not in json.dumps(row)


FIRST: list[tuple[Fault, Json, bool]] = [
    (Fault("status", status=401), {}, False),
    (Fault("429", retry_after=86_400), {}, True),
    (Fault("status", times=0), {"job_opening_ids": ["999"]}, False),
]


@pytest.mark.parametrize(("fault", "config", "is_transient"), FIRST)
def test_a_run_that_fails_before_its_first_page(
    sandbox: Start,
    fault: Fault,
    config: Json,
    is_transient: bool,
) -> None:
    box = sandbox(Account.example(candidates=3))
    box.faults = [fault]
    trial = attempt(settings(box, **config))
    row = the_row(trial.messages)
    assert (row["outcome"], row["is_transient"]) == ("failed", is_transient)
    assert row["message"] == trial.sentence
    assert row["requests"] == box.stats.requests
    assert counts(row) == {}


def test_it_can_be_selected_alone_or_left_out(sandbox: Start) -> None:
    box = sandbox(Account.example(candidates=5))
    config = settings(box, emit_activate_version_messages=True)
    alone = Workspace(box, SYNC_RUNS, emit_activate_version_messages=True)
    for _ in range(3):
        assert [m["stream"] for m in of(alone.extract(), "RECORD")] == [SYNC_RUNS]
    assert box.stats.requests == 0
    assert len(alone.target.alive(SYNC_RUNS)) == 3  # none is marked as deleted
    others = extract(config, catalog=catalog(config, *LISTS, *FAMILY))
    assert SYNC_RUNS not in {m.get("stream") for m in others}
