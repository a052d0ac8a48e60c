"""Requests at the same time: never more than allowed, and rarely fewer."""

from __future__ import annotations

import typing as t

import pytest

from tests.support.pipeline import Run, make_account
from tests.support.streams import CANDIDATES

if t.TYPE_CHECKING:
    from tests.support.pipeline import MakePipeline

LATENCY = 0.05


def round_trips(run: Run, kind: str) -> int:
    """Return how many requests of a kind followed one another.

    A request that was sent before the last one of them was answered ran beside it, and
    does not count. That a machine is busy makes round trips longer, and not more.
    """
    count, answered = 0, 0.0
    for request in run.requests:
        if request.kind == kind and request.at >= answered:
            count, answered = count + 1, request.at + LATENCY
    return count


@pytest.mark.parametrize("concurrency", [1, 3])
def test_max_concurrency_is_used_and_never_exceeded(
    make_pipeline: MakePipeline, concurrency: int
) -> None:
    pipeline = make_pipeline(300, max_concurrency=concurrency, page_size=10)
    pipeline.sandbox.latency = 0.01
    stats = pipeline.sandbox.stats
    pipeline.run()
    assert stats.max_in_flight == concurrency
    for candidate_id in pipeline.ids[:60]:
        pipeline.change_rating(candidate_id)
    for _ in range(2):  # with changes and without
        stats.max_in_flight = 0
        pipeline.run()
        assert stats.max_in_flight == concurrency


def test_long_list_is_read_from_both_ends(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline(make_account(401, tagged=0.1), page_size=10)
    pipeline.run()
    pipeline.sandbox.latency = LATENCY
    run = pipeline.run()
    assert not run.details_requested
    assert not run.records(CANDIDATES)
    pages = sum(request.kind == "candidates" for request in run.requests)
    assert round_trips(run, "candidates") <= 0.65 * pages


def test_details_are_fetched_side_by_side_across_pages(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = make_pipeline(120, page_size=10)
    pipeline.sandbox.latency = LATENCY
    assert round_trips(pipeline.run(), "candidate") <= 120 / 4
    for candidate_id in pipeline.ids[::4]:
        pipeline.change_rating(candidate_id)
    run = pipeline.run()
    assert len(run.details_requested) == 30
    assert round_trips(run, "candidate") <= 15
