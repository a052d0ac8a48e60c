"""429: all workers wait as the API says, and go on more slowly (fault table, 1).

What the throttle makes of many kinds of limits is tested in
`tests/unit/api/test_simulated_limits.py`.
"""

from __future__ import annotations

import re
import typing as t
from email.utils import formatdate

import pytest

from sandbox import Fault

if t.TYPE_CHECKING:
    from tests.support.pipeline import MakePipeline


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
