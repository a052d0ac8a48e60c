"""One seed replays a run, and the order of responses does not matter.

Runs with real threads promise no replay; those of the random histories have a seed.
"""

from __future__ import annotations

import json
import typing as t

import pytest

from sandbox import Fault
from tests.support.clock import FakeClock
from tests.support.pipeline import make_account, start_pipeline
from tests.support.streams import ALL_STREAMS

SEEDS = range(6)


def written_with(seed: int, **config: t.Any) -> str:
    """Return what a first run and one with changes write, as text."""
    with start_pipeline(make_account(40, tagged=0.5), **config) as pipeline:
        pipeline.seed = seed
        # The API fails now and then, so that requests are repeated.
        pipeline.sandbox.faults = [Fault("status", probability=0.1, match="candidate")]
        runs = [pipeline.run(select=ALL_STREAMS)]
        for candidate_id in pipeline.ids[::3]:
            pipeline.change_rating(candidate_id)
        pipeline.account.delete(pipeline.ids[1])
        runs.append(pipeline.run(select=ALL_STREAMS))
        return "\n".join(json.dumps(m) for run in runs for m in run.messages)


@pytest.mark.parametrize("seed", SEEDS)
def test_same_seed_writes_the_same_bytes(seed: int) -> None:
    assert written_with(seed, page_size=7) == written_with(seed, page_size=7)


def test_order_in_which_details_arrive_changes_no_byte(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All candidates are on one page: nothing else arrives in another order.

    Time stands still, since pauses would take as long as chance says.
    """
    monkeypatch.setattr(FakeClock, "sleep", lambda *_: None)
    assert len({written_with(seed) for seed in SEEDS}) == 1
