"""FULL_TABLE and ACTIVATE_VERSION (docs/guarantees.md, "ACTIVATE_VERSION")."""

from __future__ import annotations

import typing as t
from datetime import timedelta

import pytest

from tests.support.streams import (
    CANDIDATES,
    LISTS,
    UPSERTED,
)

if t.TYPE_CHECKING:
    from tests.support.pipeline import Pipeline


def test_run_whose_state_was_lost_marks_what_is_gone(pipeline: Pipeline) -> None:
    pipeline.run()
    gone = pipeline.ids[0]
    pipeline.account.delete(gone)
    pipeline.target.state = {}
    pipeline.run()
    pipeline.assert_target_matches_api()
    assert set(pipeline.target.deleted(CANDIDATES)) == {gone}


def test_two_runs_within_a_second_have_versions_of_their_own(
    pipeline: Pipeline,
) -> None:
    pipeline.interval = timedelta(milliseconds=300)
    pipeline.run()
    gone = pipeline.account.tags()[0]["id"]
    pipeline.account.delete_tag(gone)
    pipeline.run()
    assert set(pipeline.target.deleted("tags")) == {gone}
    pipeline.assert_target_matches_api()


# FULL_TABLE


@pytest.mark.parametrize("forced", UPSERTED)
def test_full_table_emits_everything_and_activates_nothing(
    pipeline: Pipeline, forced: str
) -> None:
    pipeline.run()
    gone, archived, *_ = ids = sorted(pipeline.ids)
    pipeline.account.archive(archived)
    pipeline.account.delete(gone)
    run = pipeline.run(full_table=[forced])
    for stream in UPSERTED:
        assert sorted(run.emitted(stream)) == (ids[1:] if stream == forced else [])
        assert run.deleted(stream) == [gone]
    assert run.activated == {*LISTS}
    pipeline.assert_target_matches_api([forced], archived=True)
    assert not pipeline.run().details_requested
