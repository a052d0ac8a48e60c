"""Requests at the same time: never more than allowed, and rarely fewer."""

from __future__ import annotations

import typing as t

import pytest

from tests.support.streams import CANDIDATES
from tools.bench.server import Workspace

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tests.speed.conftest import Runs

LATENCY = 0.05


@pytest.mark.parametrize("concurrency", [1, 3])
def test_max_concurrency_is_reached_and_kept(
    runs: Callable[..., Runs], concurrency: int
) -> None:
    account = Workspace(300).account()
    some = runs(account, max_concurrency=concurrency, page_size=10)
    some.run()
    some.box.latency = 0.01
    some.run()  # without changes
    assert some.box.stats.max_in_flight == concurrency
    for candidate_id in account.listed_ids()[:60]:
        account.set_hire_state(candidate_id, "hired")
    some.run()
    assert some.box.stats.max_in_flight == concurrency


def test_a_long_list_is_read_from_both_ends(runs: Callable[..., Runs]) -> None:
    some = runs(Workspace(401, tags=2, tagged=0.1).account(), page_size=10)
    some.run()
    some.box.latency = LATENCY
    run = some.run()
    assert not some.requests("candidate")
    assert not run.records(CANDIDATES)
    assert some.steps("candidates") <= 0.65 * len(some.requests("candidates"))


def test_details_are_fetched_side_by_side_across_pages(
    runs: Callable[..., Runs],
) -> None:
    account = Workspace(120).account()
    some = runs(account, LATENCY, page_size=10)
    some.run()
    assert some.steps("candidate") <= len(some.requests("candidate")) / 4
    for candidate_id in account.listed_ids()[::4]:
        account.set_hire_state(candidate_id, "hired")
    some.run()
    assert len(some.requests("candidate")) == 30
    assert some.steps("candidate") <= 15
