"""Details of another moment than the list, and details that fail (contract 3.2, 5)."""

from __future__ import annotations

import pytest

from sandbox import Fault, details_of
from tests.runs.pipelines import DAY, account, pipeline
from tests.support.streams import CANDIDATES, DETAILS, HISTORY, STREAMS, SYNC_RUNS


@pytest.mark.parametrize("change", ["rating", "tag"])
def test_details_that_lag_are_fetched_again_by_the_next_run(change: str) -> None:
    with pipeline(account(12, tagged=0)) as line:
        line.run()
        one = line.ids[4]
        line.account.hold_details(one)
        if change == "rating":
            line.rate(one)
        else:
            line.account.tag(one, line.account.tags()[0]["id"])
        behind = line.run()
        assert behind.details == [one]
        assert behind.events() == [("updated", one)]
        line.account.release_details(one)
        caught_up = line.run()
        assert caught_up.details == [one]
        assert caught_up.emitted(DETAILS) == [one]
        assert not caught_up.records(HISTORY)
        line.assert_true()
        assert not line.run().details


def test_details_that_always_differ_cost_one_more_request() -> None:
    """As where the list rounds a score, and the details do not."""
    with pipeline() as line:
        for one in line.ids:
            line.account.show(one, in_list={"score": 33.3})
        assert [len(line.run().details) for _ in range(3)] == [12, 12, 0]
        line.rate(line.ids[0])
        assert [len(line.run().details) for _ in range(3)] == [1, 1, 0]
        one = line.ids[0]
        assert line.target.alive(CANDIDATES)[one]["score"] == 33.3
        assert line.target.alive(DETAILS)[one]["score"] != 33.3


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_candidate_that_fails_holds_up_no_other(concurrency: int) -> None:
    options = {"reverify_days": 1, "max_concurrency": concurrency}
    with pipeline(60, page_size=10, **options) as line:
        line.run()
        bad, gone, changed, *_ = line.ids
        line.sandbox.faults = [Fault("status", match=details_of(bad))]
        line.account.delete(gone)
        line.rate(changed)
        line.rate(bad)
        hidden = line.hide()
        line.clock += 2 * DAY
        outcome = line.fail(bad, select=[*STREAMS, SYNC_RUNS])
        assert outcome.deleted(DETAILS) == [gone]
        assert sorted(outcome.emitted(DETAILS)) == sorted({changed, hidden} - {bad})
        assert sorted(outcome.emitted(CANDIDATES)) == sorted([bad, changed])
        assert len(set(outcome.details)) == 60
        [summary] = outcome.records(SYNC_RUNS)
        assert (summary["outcome"], summary["is_transient"]) == ("failed", True)
        # All others had their turn: the next run has nothing else to do.
        line.clock -= line.interval
        again = line.fail(bad)
        assert set(again.details) == {bad}
        assert again.is_quiet
        line.sandbox.faults = []
        line.clock -= line.interval
        outcome = line.run()
        assert outcome.details == [bad]
        assert not outcome.records(HISTORY)
        line.assert_true()


@pytest.mark.parametrize("status", [400, 403, 410, 418, 451])
def test_a_few_failures_end_no_run_early(status: int) -> None:
    """410 is in the API's own words: that of a listed candidate is no failure."""
    with pipeline(60) as line:
        bad = line.ids[10:13]
        line.sandbox.faults = [Fault("status", status=status, match=details_of(*bad))]
        outcome = line.attempt()
        if status == 410:
            outcome.good()
        else:
            assert f"GET /candidates/{bad[0]} " in str(outcome.error)
            assert str(status) in str(outcome.error)
        assert len(outcome.emitted(DETAILS)) == 57
        assert len(outcome.emitted(CANDIDATES)) == 60
        line.target.load(outcome.messages)
        line.sandbox.faults = []
        assert sorted(line.run().details) == sorted(bad)
        line.assert_true()
