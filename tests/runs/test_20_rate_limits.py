"""429: all workers wait as the API says, and go on more slowly (fault table, 1).

What the throttle makes of many kinds of limits is tested in
`tests/unit/api/test_simulated_limits.py`.
"""

from __future__ import annotations

import re
import typing as t
from email.utils import formatdate
from functools import partial

import pytest

from sandbox import Fault
from tests.support.pipeline import DAY
from tests.support.streams import CANDIDATES, DETAILS

if t.TYPE_CHECKING:
    from tests.support.pipeline import MakePipeline, Pipeline, Run


@pytest.mark.parametrize(
    "retry_after", [7, "a date", None, "soon"], ids=["7", "date", "none", "malformed"]
)
def test_run_waits_and_goes_on_after_429(
    make_pipeline: MakePipeline, retry_after: t.Any
) -> None:
    pipeline = make_pipeline(30, max_concurrency=4)
    if retry_after == "a date":
        retry_after = formatdate(pipeline.now.timestamp() + 20, usegmt=True)
    fault = Fault("429", match="candidate", after=11, times=6, retry_after=retry_after)
    pipeline.sandbox.faults = [fault]
    run = pipeline.run()
    assert fault.struck == 6
    assert set(run.details_served(fault).values()) == {1}
    assert pipeline.clock.pauses
    pipeline.assert_target_matches_api()


@pytest.mark.parametrize("retry_after", [86_400, "9" * 30, 300])
def test_429_for_too_long_fails_and_says_until_when(
    make_pipeline: MakePipeline, retry_after: object
) -> None:
    pipeline = make_pipeline(max_concurrency=1)
    pipeline.sandbox.faults = [
        Fault("429", match="candidate", after=3, retry_after=retry_after)
    ]
    begins = pipeline.clock.now
    run = pipeline.run_failing("HTTP 429")
    assert re.search(r"again at \d{4}-\d\d-\d\d [\d:]+ UTC", str(run.error))
    assert run.is_transient_failure
    assert pipeline.clock.now - begins <= 15 * 60 + 1
    pipeline.sandbox.faults = []
    pipeline.run()
    pipeline.assert_target_matches_api()


def test_first_load_under_a_quota_goes_on_with_each_run(
    make_pipeline: MakePipeline,
) -> None:
    """Each run pays for the candidates that no run before it has read."""
    pipeline = make_pipeline(30, max_concurrency=1)
    for _ in range(3):
        pipeline.sandbox.faults = [
            Fault("429", match="candidate", after=8, retry_after=3600)
        ]
        run = pipeline.run_failing("HTTP 429")
        assert run.is_transient_failure
        assert len(run.records("candidate_details")) == 8
    pipeline.sandbox.faults = []
    assert len(pipeline.run().records("candidate_details")) == 30 - 3 * 8
    pipeline.assert_target_matches_api()


QUOTAS = {
    429: partial(Fault, "429", match="candidate", retry_after=3600),
    402: partial(Fault, "status", status=402, match="candidate"),
}


def runs_under_quota(pipeline: Pipeline, status: int, quota: int) -> list[Run]:
    """Run hourly until one is complete; details are limited in each run."""
    runs: list[Run] = []
    while len(runs) < 30:
        pipeline.sandbox.faults = [QUOTAS[status](after=quota)]
        runs.append(pipeline.extract(check=False))
        pipeline.target.load(runs[-1].messages)
        if runs[-1].error is None:
            break
        assert f"HTTP {status}" in str(runs[-1].error)
    pipeline.sandbox.faults = []
    return runs


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("status", [429, 402])
def test_missing_candidates_are_told_under_a_quota(
    make_pipeline: MakePipeline, status: int, workers: int
) -> None:
    """Each run tells the deletions that it has paid for, and notes the archived."""
    pipeline = make_pipeline(160, max_concurrency=workers)
    pipeline.run()
    for candidate_id in pipeline.ids[::4]:
        pipeline.account.delete(candidate_id)
    for candidate_id in pipeline.ids[::4]:
        pipeline.account.archive(candidate_id)
    due, quota = 40 + 30, 24
    runs = runs_under_quota(pipeline, status, quota)
    assert len(runs) <= 1.3 * due / quota + 2
    tombstones = [len(run.tombstones(CANDIDATES)) for run in runs]
    assert sum(tombstones) == 40
    assert all(tombstones[:2])


@pytest.mark.parametrize("status", [429, 402])
def test_re_verification_goes_on_under_a_quota(
    make_pipeline: MakePipeline, status: int
) -> None:
    pipeline = make_pipeline(100, max_concurrency=1, reverify_days=30)
    pipeline.run()
    pipeline.now += 31 * DAY
    for candidate_id in pipeline.ids:
        pipeline.account.show(candidate_id, in_details={"new_field": 1})
    runs = runs_under_quota(pipeline, status, quota=24)
    assert len(runs) <= 1.3 * 100 / 24 + 2
    # A few are read again, beside those whose requests failed at the end of a run.
    assert 100 <= sum(len(run.records(DETAILS)) for run in runs) <= 110
    pipeline.assert_target_matches_api()


def test_requests_per_second_counts_retries_and_redirects(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = make_pipeline(30, max_concurrency=1, requests_per_second=10)
    sandbox = pipeline.sandbox
    sandbox.faults = [
        Fault("close", match="candidate", times=5),
        Fault(
            "redirect",
            location="/api/v2.1/openings?moved=1",
            match=lambda request: request.kind == "openings" and not request.query,
        ),
    ]
    times: list[float] = []
    sandbox.on_request = lambda _: times.append(pipeline.clock.now)
    pipeline.run()
    assert all(fault.struck for fault in sandbox.faults)
    pipeline.assert_target_matches_api()
    assert times[-1] - times[0] >= (len(times) - 1) / 10 - 0.01
