"""Pages that lead to each other stop the run (fault table, 11)."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from sandbox import Fault, Shapes
from tests.support.pipeline import make_account
from tests.support.streams import CANDIDATES

if t.TYPE_CHECKING:
    from sandbox.messages import Request
    from tests.support.pipeline import MakePipeline


@pytest.mark.parametrize("kind", ["candidates", "openings", "tags"])
def test_links_without_an_end_stop_the_run(
    make_pipeline: MakePipeline, kind: str
) -> None:
    """Each link is new, and the pages behind them are not."""
    account = make_account(40, openings=12, tags=12)
    pipeline = make_pipeline(account, page_size=2, max_concurrency=2)
    pipeline.sandbox.shapes = Shapes(page_small_lists=2)
    pipeline.run()
    last = pipeline.sandbox.stats.requests + 400
    numbers = itertools.count()

    def endless(request: Request) -> str:
        return f"/{kind}?new={next(numbers)}" if request.number < last else ""

    pipeline.sandbox.faults = [Fault("next", next=endless, match=kind)]
    run = pipeline.run_failing()
    assert len(run.requests) < 400
    assert "loop" in str(run.error) or "total" in str(run.error)
    assert run.is_transient_failure
    assert not run.tombstones(CANDIDATES)
