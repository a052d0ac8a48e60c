"""`sync_runs`: one row per run, its last record; and the summary in the log."""

from __future__ import annotations

import importlib.metadata
import json
import re
import typing as t
from datetime import datetime, timedelta

import pytest

from sandbox import Fault
from tests.support.streams import ALL_STREAMS, CANDIDATES, HISTORY, SYNC_RUNS

if t.TYPE_CHECKING:
    from tests.support.messages import Messages, Row
    from tests.support.pipeline import MakePipeline, Pipeline

Json = dict[str, t.Any]

SUMMARY = re.compile(
    r"(\d+) candidates listed: (\d+) new, (\d+) changed, (\d+) deleted, "
    r"(\d+) re-verified; (\d+) requests, (\d+) rate-limited\."
)


def last_record(run: Messages) -> Row:
    """Return the record of a run, which is its last one; a STATE follows."""
    [record] = run.records(SYNC_RUNS)
    assert run.messages[-1]["type"] == "STATE"
    assert run.of_type("RECORD")[-1]["record"] == record
    return dict(record)


def counts(row: Row) -> dict[str, int]:
    """Return the counts of candidates that are not zero."""
    return {
        name.removeprefix("candidates_"): value
        for name, value in row.items()
        if name.startswith("candidates_") and value
    }


def test_complete_run_is_a_row_and_a_line_of_the_log(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    begins = pipeline.now
    run = pipeline.run(select=[CANDIDATES, SYNC_RUNS])
    row = last_record(run)
    started_at = datetime.fromisoformat(row.pop("started_at"))
    finished_at = datetime.fromisoformat(row.pop("finished_at"))
    assert begins <= started_at <= finished_at < begins + timedelta(minutes=1)
    assert row == {
        "outcome": "complete",
        "is_transient": None,
        "message": None,
        "tap_version": importlib.metadata.version("tap-toggl-hire"),
        "api_version": "v2.1",
        "scope": None,
        "requests": len(run.requests),
        "requests_rate_limited": 0,
        "requests_retried": 0,
        "candidates_listed": 12,
        "candidates_held": 12,
        "details_held": None,
        "answers_held": None,
        "candidates_created": 12,
        "candidates_updated": 0,
        "candidates_deleted": 0,
        "candidates_reverified": 0,
        "candidates_without_details": 0,
        "details_read": 0,
        "unknown_fields": None,
        "mismatched_fields": None,
        "missing_fields": None,
    }
    [summary] = filter(None, map(SUMMARY.fullmatch, caplog.messages))
    requests = str(len(run.requests))
    assert summary.groups() == ("12", "12", "0", "0", "0", requests, "0")


def test_failed_run_has_the_last_line_of_the_log_as_its_message(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = make_pipeline(150, max_concurrency=1)
    fault = Fault("status", status=403, match="candidate", after=120)
    pipeline.sandbox.faults = [fault]
    run = pipeline.run_command_line()
    assert run.returncode == 1
    row = last_record(run)
    assert (row["outcome"], row["is_transient"]) == ("failed", False)
    assert row["message"] == run.stderr.splitlines()[-1].rpartition(" | ")[2]
    # One request may be in flight when the run ends.
    assert 0 <= pipeline.sandbox.stats.requests - row["requests"] <= 1
    assert row["details_read"] == 120
    assert len(run.records(HISTORY)) == row["candidates_created"]
    for candidate in pipeline.account.list_rows():
        assert candidate["email"] not in json.dumps(row)


@pytest.mark.parametrize(
    ("fault", "config", "is_transient"),
    [
        ({"kind": "status", "status": 401}, {}, False),
        ({"kind": "429", "retry_after": 86_400}, {}, True),
        (None, {"job_opening_ids": ["999"]}, False),
    ],
    ids=["401", "429", "an unknown opening"],
)
def test_run_that_fails_before_its_first_page_has_a_row(
    pipeline: Pipeline, fault: Json | None, config: Json, is_transient: bool
) -> None:
    if fault is not None:
        pipeline.sandbox.faults = [Fault(**fault)]
    run = pipeline.run_failing(select=ALL_STREAMS, **config)
    row = last_record(run)
    assert (row["outcome"], row["is_transient"]) == ("failed", is_transient)
    assert row["message"] == str(run.error)
    assert row["requests"] == len(run.requests)
    assert counts(row) == {}


def test_stream_can_be_selected_alone(pipeline: Pipeline) -> None:
    for _ in range(3):
        run = pipeline.run(select=[SYNC_RUNS])
        assert [m["stream"] for m in run.of_type("RECORD")] == [SYNC_RUNS]
        assert not run.requests
    assert len(pipeline.target.alive(SYNC_RUNS)) == 3  # none is marked as deleted
