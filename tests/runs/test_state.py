"""States: bookmarks, merged ones, and those made from the warehouse (3.9 to 3.12)."""

from __future__ import annotations

import typing as t
from datetime import datetime

import pytest

from tests.runs.pipelines import Json, from_warehouse, pipeline
from tests.support.streams import (
    ANSWERS,
    CANDIDATES,
    DETAILS,
    FAMILY,
    STREAMS,
    UPSERTED,
)
from tests.support.target import merged
from tests.support.truth import truth


def test_bookmarks_show_how_far_each_stream_is() -> None:
    with pipeline() as line:
        later = line.account.add_candidate(started_at="2027-01-01T00:00:00")
        line.run()
        line.account.delete(later)
        line.account.add_candidate(started_at="2025-01-01T00:00:00")
        outcome = line.run()
        bookmarks = t.cast("Json", line.target.state)["bookmarks"]
        for stream in (CANDIDATES, DETAILS):
            assert bookmarks[stream]["replication_key"] == "started_at"
            value = bookmarks[stream]["replication_key_value"]
            assert datetime.fromisoformat(value).year == 2027
        observed = [r["observed_at"] for r in outcome.records("candidate_history")]
        history = bookmarks["candidate_history"]
        assert history["replication_key"] == "observed_at"
        assert history["replication_key_value"] == max(observed)


@pytest.mark.parametrize("loads", ["alone", "merged"])
def test_a_state_from_the_warehouse_finds_deletions(loads: str) -> None:
    with pipeline(16) as line:
        line.run()
        archived, gone, shrunk, *_ = line.ids
        line.account.archive(archived)
        line.run()
        line.account.delete(gone)
        line.account.set_questions(shrunk, 1)
        state = from_warehouse(line.target)
        if loads == "merged":
            line.account.delete(archived)
            state = merged(line.target.state, state)
        line.target.state = state
        outcome = line.run()
        assert sorted(outcome.details) == sorted({archived, gone, *line.ids})
        deleted = {gone, archived} if loads == "merged" else {gone}
        assert set(outcome.deleted(DETAILS)) == deleted
        assert {event for event, _ in outcome.events()} == {"updated", "deleted"}
        assert not outcome.activated & {*FAMILY}
        rows = truth(line.account, archived=True)
        for stream in UPSERTED:
            assert line.target.alive(stream) == rows[stream]
        assert line.run().is_quiet


def test_runs_go_on_with_states_that_meltano_merged() -> None:
    """Loads that die, full refreshes, runs."""
    runs = ((False, True), (True, True), (True, False), (False, True), (True, True))
    with pipeline(16) as line:
        for number, (is_refresh, dies) in enumerate(runs):
            outcome = line.attempt(
                state={} if is_refresh else None, announced=1_000
            ).good()
            end = len(outcome.messages) // (2 if dies else 1)
            line.target.load(outcome.messages[:end])
            line.rate(line.ids[number])
        line.account.delete(line.ids[-1])
        line.run()
        line.assert_true()
        assert line.run(select=STREAMS).is_quiet
        assert line.target.alive(ANSWERS) == truth(line.account)[ANSWERS]
