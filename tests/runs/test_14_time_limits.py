"""A run that reaches `time_limit_minutes` emits what it has read, and ends in order."""

from __future__ import annotations

import typing as t
from collections import Counter

from sandbox import Fault, Sandbox
from tests.support.pipeline import make_account
from tests.support.streams import CANDIDATES, SYNC_RUNS

if t.TYPE_CHECKING:
    from tests.support.pipeline import MakePipeline, Pipeline

TWO_SECONDS = 2 / 60  # minutes


def slow_pipeline(make_pipeline: MakePipeline, candidates: int = 120) -> Pipeline:
    """Start a pipeline whose first load takes about six seconds."""
    sandbox = Sandbox(make_account(candidates), latency=0.05)
    return make_pipeline(sandbox, max_concurrency=1, reverify_days=0)


def test_first_load_in_limited_runs_ends_complete(make_pipeline: MakePipeline) -> None:
    """No candidate is requested twice, except those in flight."""
    pipeline = slow_pipeline(make_pipeline)
    outcomes: list[str] = []
    requested = Counter[str]()
    while not outcomes or outcomes[-1] == "stopped":
        before = len(pipeline.sandbox.stats.log)
        run = pipeline.run_command_line(config={"time_limit_minutes": TWO_SECONDS})
        assert run.returncode == 0, run.stderr
        outcomes += [row["outcome"] for row in run.records(SYNC_RUNS)]
        log = pipeline.sandbox.stats.log[before:]
        requested.update(r.route.item_id for r in log if r.kind == "candidate")
        if outcomes[-1] == "stopped":
            assert "Reached time_limit_minutes (" in run.stderr
            assert "of 120 candidates done. The next run continues" in run.stderr
    assert len(outcomes) > 2
    assert outcomes[-1] == "complete"
    # Each run but the first asks for a known candidate, as a proof, at most.
    assert sum(requested.values()) <= len(requested) + 2 * len(outcomes)
    pipeline.assert_target_matches_api()


def test_limited_run_ends_with_the_failure_that_it_had_met(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = slow_pipeline(make_pipeline)
    first = pipeline.ids[0]
    refused = Fault("status", status=403, match=lambda r: r.route.item_id == first)
    pipeline.sandbox.faults = [refused]
    run = pipeline.run_command_line(config={"time_limit_minutes": TWO_SECONDS})
    assert run.returncode == 1
    assert f"/candidates/{first} is forbidden" in run.stderr.splitlines()[-1]
    assert len(run.records(CANDIDATES)) > 1
