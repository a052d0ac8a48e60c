"""What no list shows arrives within `reverify_days` (below guarantee 10)."""

from __future__ import annotations

import random
import typing as t
from collections import Counter

import pytest

from sandbox import random_change
from sandbox.changes import HIDDEN
from tests.support.api_rows import api_rows
from tests.support.pipeline import DAY, HOUR, make_account
from tests.support.streams import (
    ALL_STREAMS,
    ANSWERS,
    CANDIDATES,
    DETAILS,
    HISTORY,
    STREAMS,
    SYNC_RUNS,
    UPSERTED,
)

if t.TYPE_CHECKING:
    from datetime import timedelta

    from tests.support.pipeline import MakePipeline


@pytest.mark.parametrize("kind", HIDDEN)
@pytest.mark.parametrize("select", [STREAMS, (ANSWERS,)], ids=["all", "answers"])
def test_hidden_change_arrives_in_time(
    make_pipeline: MakePipeline, kind: str, select: tuple[str, ...]
) -> None:
    pipeline = make_pipeline(make_account(40, tags=0), reverify_days=4)
    pipeline.interval = 12 * HOUR
    pipeline.run(select=select)
    before = api_rows(pipeline.account)[DETAILS]
    rng = random.Random(kind)
    for _ in range(4):
        random_change(pipeline.account, rng, [kind])
    after = api_rows(pipeline.account)
    changed = {key for key in before if after[DETAILS][key] != before[key]}
    if DETAILS not in select:
        changed &= {candidate_id for candidate_id, _ in after[ANSWERS]}
    emitted: Counter[str] = Counter()
    for _ in range(9):
        run = pipeline.run(select=select)
        emitted.update(run.emitted(DETAILS if DETAILS in select else ANSWERS))
        if kind != "set_questions":  # after which the points may differ
            assert not run.records(CANDIDATES)
            assert not run.records(HISTORY)
    pipeline.assert_target_matches_api({*UPSERTED} & {*select})
    assert emitted.keys() == changed
    # Details that differ from their list row are fetched once more.
    assert max(emitted.values()) <= 2


@pytest.mark.parametrize(("days", "interval"), [(14, DAY), (2, 7 * HOUR)], ids=str)
def test_each_candidate_is_re_verified_once_per_period(
    make_pipeline: MakePipeline, days: int, interval: timedelta
) -> None:
    pipeline = make_pipeline(40, reverify_days=days)
    pipeline.interval = interval
    runs = -(-days * DAY // interval)
    pipeline.run()
    times_read: Counter[str] = Counter()
    for _ in range(runs):
        run = pipeline.run(select=ALL_STREAMS)
        assert not run.candidate_records
        assert len(run.details_requested) <= 2.5 * 40 / runs + 4
        [summary] = run.records(SYNC_RUNS)
        assert summary["candidates_reverified"] == len(run.details_requested)
        times_read.update(run.details_requested)
    assert set(times_read) == set(pipeline.ids)
    assert max(times_read.values()) <= 2


def test_runs_without_details_leave_re_verification_to_the_others(
    make_pipeline: MakePipeline,
) -> None:
    """Candidates are read by day, and everything every night."""
    pipeline = make_pipeline(40, reverify_days=2)
    pipeline.interval = 6 * HOUR
    pipeline.run()
    archived = pipeline.ids[:5]
    for candidate_id in archived:
        pipeline.account.archive(candidate_id)
    pipeline.run()
    read: set[str] = set()
    for number in range(8):
        is_night = number % 4 == 3
        run = pipeline.run(select=STREAMS if is_night else [CANDIDATES])
        read.update(run.details_requested)
        assert is_night or {*run.details_requested} <= {*archived}
    assert read == {*pipeline.ids, *archived}
