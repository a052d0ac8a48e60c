"""What no list shows arrives within `reverify_days` (contract 3.13)."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from sandbox import random_change
from sandbox.changes import HIDDEN
from tests.runs.pipelines import DAY, HOUR, account, pipeline
from tests.support.streams import (
    ANSWERS,
    CANDIDATES,
    DETAILS,
    HISTORY,
    STREAMS,
    SYNC_RUNS,
    UPSERTED,
)
from tests.support.truth import truth

if TYPE_CHECKING:
    from datetime import timedelta


@pytest.mark.parametrize(("days", "pause"), [(14, DAY), (2, 7 * HOUR)], ids=str)
def test_each_candidate_has_its_turn(days: int, pause: timedelta) -> None:
    with pipeline(40, reverify_days=days) as line:
        line.interval = pause
        runs = -(-days * DAY // pause)
        line.run()
        read: Counter[str] = Counter()
        for _ in range(runs):
            outcome = line.run(select=[*STREAMS, SYNC_RUNS])
            assert outcome.is_quiet
            assert len(outcome.details) <= 2.5 * 40 / runs + 4
            [summary] = outcome.records(SYNC_RUNS)
            assert summary["candidates_reverified"] == len(outcome.details)
            read.update(outcome.details)
        assert set(read) == set(line.ids)
        assert max(read.values()) <= 2
        line.clock += 3 * days * DAY  # after a longer pause all are due, once
        assert sorted(line.run().details) == sorted(line.ids)
        assert len(line.run().details) < 20


@pytest.mark.parametrize("kind", HIDDEN)
@pytest.mark.parametrize("select", [STREAMS, (ANSWERS,)], ids=["all", "answers"])
def test_what_no_list_shows_arrives_in_time(kind: str, select: tuple[str, ...]) -> None:
    rng = random.Random(kind)
    with pipeline(account(40, tags=0), reverify_days=4) as line:
        line.interval = 12 * HOUR
        line.run(select=select)
        before = truth(line.account)[DETAILS]
        for _ in range(4):
            random_change(line.account, rng, [kind])
        after = truth(line.account)[DETAILS]
        changed = {key for key in after if after[key] != before[key]}
        emitted: Counter[str] = Counter()
        for _ in range(9):
            outcome = line.run(select=select)
            found = outcome.emitted(DETAILS if DETAILS in select else ANSWERS)
            emitted.update(found)
            if kind != "set_questions":  # after which the points may differ
                assert not outcome.records(CANDIDATES)
                assert not outcome.records(HISTORY)
        line.assert_true({*UPSERTED} & {*select})
        shown = {key for key, _ in truth(line.account)[ANSWERS]}
        assert emitted.keys() == (changed if DETAILS in select else changed & shown)
        # Details that differ from their list row are fetched once more.
        assert max(emitted.values()) <= 2


def test_runs_without_details_take_no_turn() -> None:
    """Candidates by day, everything every night."""
    with pipeline(40, reverify_days=2) as line:
        line.interval = 6 * HOUR
        line.run()
        archived = line.ids[:5]
        for one in archived:
            line.account.archive(one)
        line.run()
        read: set[str] = set()
        for number in range(8):
            outcome = line.run(select=STREAMS if number % 4 == 3 else [CANDIDATES])
            read.update(outcome.details if number % 4 == 3 else ())
        assert read == {*line.ids, *archived}
