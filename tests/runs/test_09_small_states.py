"""The state stays small (guarantee 9)."""

from __future__ import annotations

import json
import typing as t

import pytest

from tests.support.pipeline import make_account
from tests.support.streams import UPSERTED

if t.TYPE_CHECKING:
    from tests.support.pipeline import MakePipeline


def size(value: object) -> int:
    """Return the number of bytes of a value as JSON."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


@pytest.mark.slow
def test_states_of_a_first_run_are_a_small_share_of_its_output(
    make_pipeline: MakePipeline,
) -> None:
    """They are enough: a run that is killed goes on from the last one."""
    pipeline = make_pipeline(make_account(12_000, tags=0, questions=1))
    run = pipeline.extract()
    assert len(run.states) > 3
    last_state = run.states[-1]
    states = sum(map(size, run.of_type("STATE")))
    # One at the start, one at the end and one more may come without many records.
    assert states <= sum(map(size, run.of_type("RECORD"))) / 10 + 3 * size(last_state)
    assert size(last_state) <= 24 * 12_000

    places = [n for n, message in enumerate(run.messages) if message["type"] == "STATE"]
    killed_after = places[-2]
    pipeline.target.load(run.messages[: killed_after + 1])
    done = set(pipeline.target.alive("candidate_details"))
    assert len(done) > 5_000
    assert not done & set(pipeline.run().details_requested)
    pipeline.assert_target_matches_api(UPSERTED)
