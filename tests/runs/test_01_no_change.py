"""A run without changes costs few requests and writes next to nothing (guarantee 1)."""

from __future__ import annotations

import typing as t

import pytest

from tests.support.pipeline import make_account
from tests.support.streams import ALL_STREAMS, LISTS, SYNC_RUNS

if t.TYPE_CHECKING:
    from tests.support.pipeline import MakePipeline, Pipeline


def test_run_without_changes_writes_the_full_tables_alone(pipeline: Pipeline) -> None:
    pipeline.run(select=ALL_STREAMS)
    run = pipeline.run(select=ALL_STREAMS)
    assert not run.candidate_records
    assert not run.details_requested
    assert {m["stream"] for m in run.of_type("RECORD")} == {*LISTS, SYNC_RUNS}
    assert len(run.records(SYNC_RUNS)) == 1


@pytest.mark.parametrize(
    ("candidates", "page_size", "tags"),
    [(60, 10, 2), (40, 1, 10), (100, 7, 6), (0, 5, 1)],
)
def test_run_without_changes_stays_within_its_requests(
    make_pipeline: MakePipeline, candidates: int, page_size: int, tags: int
) -> None:
    """The lists of tags are long, too, and are read from both ends."""
    account = make_account(candidates, tags=tags, tagged=1.0)
    pipeline = make_pipeline(account, page_size=page_size)
    pipeline.run()
    assert len(pipeline.run().requests) <= pipeline.most_requests()
