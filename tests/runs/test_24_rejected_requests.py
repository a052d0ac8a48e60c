"""401, 403 and 400: the run stops, and names the setting (fault table, 6 and 7)."""

from __future__ import annotations

import typing as t

import pytest

from sandbox import Fault

if t.TYPE_CHECKING:
    from tests.support.pipeline import MakePipeline, Pipeline


@pytest.mark.parametrize("html", [False, True])
@pytest.mark.parametrize("status", [401, 403])
def test_rejected_key_stops_the_run_at_its_first_request(
    pipeline: Pipeline, status: int, *, html: bool
) -> None:
    pipeline.sandbox.faults = [Fault("status", status=status, html=html)]
    run = pipeline.run_failing("setting api_key")
    assert str(status) in str(run.error)
    assert not run.is_transient_failure
    assert len(run.requests) == 1
    assert not pipeline.clock.pauses


@pytest.mark.parametrize("status", [401, 403])
def test_key_that_is_revoked_in_the_middle_stops_the_run(
    make_pipeline: MakePipeline, status: int
) -> None:
    pipeline = make_pipeline(200, max_concurrency=2)
    fault = Fault("status", status=status, match="candidate", after=150)
    pipeline.sandbox.faults = [fault]
    run = pipeline.run_failing("api_key")
    assert not pipeline.clock.pauses
    # One candidate may answer 403; requests ahead of the eighth in a row are sent.
    assert fault.struck <= (2 if status == 401 else 50)
    assert len(run.emitted("candidate_details")) >= 140
    pipeline.sandbox.faults = []
    pipeline.run()
    pipeline.assert_target_matches_api()


@pytest.mark.parametrize(
    ("name", "value"),
    [("min_score", 55), ("tag_ids", ["1", "2"]), ("email", "a@example.com")],
)
def test_rejected_filter_is_named_without_its_value(
    pipeline: Pipeline, name: str, value: object
) -> None:
    pipeline.sandbox.faults = [
        Fault("status", status=400, match=lambda request: name in request.query)
    ]
    run = pipeline.run_failing(
        f"candidate_filters.{name}", candidate_filters={name: value}
    )
    assert str(value) not in str(run.error)
