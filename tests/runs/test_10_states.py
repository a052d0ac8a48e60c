"""What a run makes of states that were lost, merged, or made from the warehouse
(guarantee 10).

Which states are accepted, and every kind of damage, is tested in
`tests/unit/sync/test_state.py`.
"""

from __future__ import annotations

import typing as t
from datetime import datetime

import pytest

from tests.support.pipeline import state_from_warehouse
from tests.support.streams import (
    CANDIDATE_STREAMS,
    CANDIDATES,
    DETAILS,
    HISTORY,
    UPSERTED,
)
from tests.support.target import merged

if t.TYPE_CHECKING:
    from tests.support.pipeline import MakePipeline, Pipeline


def test_bookmarks_show_how_far_each_stream_is(pipeline: Pipeline) -> None:
    latest = pipeline.account.add_candidate(started_at="2027-01-01T00:00:00")
    pipeline.run()
    pipeline.account.delete(latest)
    pipeline.account.add_candidate(started_at="2025-01-01T00:00:00")
    run = pipeline.run()
    bookmarks = run.states[-1]["bookmarks"]
    for stream in (CANDIDATES, DETAILS):
        assert bookmarks[stream]["replication_key"] == "started_at"
        value = bookmarks[stream]["replication_key_value"]
        assert datetime.fromisoformat(value).year == 2027
    assert bookmarks[HISTORY] == {
        "replication_key": "observed_at",
        "replication_key_value": max(r["observed_at"] for r in run.records(HISTORY)),
    }


# States that were lost, merged, or made from the warehouse


@pytest.mark.parametrize("is_merged", [False, True])
def test_state_from_the_warehouse_finds_deletions(
    make_pipeline: MakePipeline, *, is_merged: bool
) -> None:
    pipeline = make_pipeline(16)
    pipeline.run()
    archived, gone, shrunk, *_ = pipeline.ids
    pipeline.account.archive(archived)
    pipeline.run()
    pipeline.account.delete(gone)
    pipeline.account.set_questions(shrunk, 1)
    deleted = {gone}
    state = state_from_warehouse(pipeline.target)
    if is_merged:
        pipeline.account.delete(archived)
        deleted.add(archived)
        state = merged(pipeline.target.state, state)
    pipeline.target.state = state
    run = pipeline.run()
    assert set(run.details_requested) == {archived, gone, *pipeline.ids}
    assert set(run.deleted(DETAILS)) == deleted
    assert {event for event, _ in run.events()} == {"updated", "deleted"}
    assert not run.activated & {*CANDIDATE_STREAMS}
    pipeline.assert_target_matches_api(UPSERTED, archived=True)
    assert not pipeline.run().candidate_records


def test_runs_go_on_with_states_that_meltano_merged(
    make_pipeline: MakePipeline,
) -> None:
    """The states are those of loads that die, of full refreshes, and of whole runs."""
    pipeline = make_pipeline(16)
    for number, (is_refresh, dies) in enumerate(
        [(False, True), (True, True), (True, False), (False, True), (True, True)]
    ):
        run = pipeline.extract(state={} if is_refresh else None, lookahead=1_000)
        pipeline.target.load(run.messages[: len(run.messages) // (2 if dies else 1)])
        pipeline.change_rating(pipeline.ids[number])
    pipeline.account.delete(pipeline.ids[-1])
    pipeline.run()
    pipeline.assert_target_matches_api()
    assert not pipeline.run().candidate_records
