"""A candidate whose details fail holds up no other one (fault table, 5)."""

from __future__ import annotations

import typing as t

import pytest

from sandbox import Fault, details_of
from tests.support.pipeline import DAY
from tests.support.streams import ALL_STREAMS, CANDIDATES, DETAILS, HISTORY, SYNC_RUNS

if t.TYPE_CHECKING:
    from tests.support.pipeline import MakePipeline


@pytest.mark.parametrize("concurrency", [1, 8])
def test_candidate_that_fails_holds_up_no_other(
    make_pipeline: MakePipeline, concurrency: int
) -> None:
    """The others are a changed, a deleted and a re-verified candidate."""
    pipeline = make_pipeline(
        60, page_size=10, reverify_days=1, max_concurrency=concurrency
    )
    pipeline.run()
    failing, gone, changed, *_ = pipeline.ids
    pipeline.sandbox.faults = [Fault("status", match=details_of(failing))]
    pipeline.account.delete(gone)
    pipeline.change_rating(changed)
    pipeline.change_rating(failing)
    hidden = pipeline.change_hidden()
    pipeline.now += 2 * DAY
    run = pipeline.run_failing(failing, select=ALL_STREAMS)
    assert run.deleted(DETAILS) == [gone]
    assert sorted(run.emitted(DETAILS)) == sorted({changed, hidden} - {failing})
    assert sorted(run.emitted(CANDIDATES)) == sorted([failing, changed])
    assert len(set(run.details_requested)) == 60
    [summary] = run.records(SYNC_RUNS)
    assert (summary["outcome"], summary["is_transient"]) == ("failed", True)
    # All others were re-verified: at the same time, there is nothing else to do.
    pipeline.now -= pipeline.interval
    run = pipeline.run_failing(failing)
    assert set(run.details_requested) == {failing}
    assert not run.candidate_records
    pipeline.sandbox.faults = []
    pipeline.now -= pipeline.interval
    run = pipeline.run()
    assert run.details_requested == [failing]
    assert not run.records(HISTORY)
    pipeline.assert_target_matches_api()


def test_404_after_a_redirect_deletes_nothing(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline()
    pipeline.run()
    pipeline.account.archive(pipeline.ids[3])  # not in the list: it is asked for
    pipeline.sandbox.faults = [Fault("redirect", location="/login", match="candidate")]
    run = pipeline.run_failing("after a redirect")
    assert not run.tombstones(CANDIDATES)
