"""How many requests are under way at once: never too many, and seldom too few."""

from __future__ import annotations

import typing as t

import pytest

from tools.bench.server import Workspace

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tests.speed.conftest import Runs

LATENCY = 0.05


@pytest.mark.parametrize("concurrency", [1, 2, 5])
def test_max_concurrency_is_kept(runs: Callable[..., Runs], concurrency: int) -> None:
    some = runs(Workspace(60).account(), 0.01, max_concurrency=concurrency)
    some.go()
    assert some.box.stats.max_in_flight == concurrency


def test_a_later_run_keeps_max_concurrency(runs: Callable[..., Runs]) -> None:
    some = runs(Workspace(300).account(), max_concurrency=3, page_size=10)
    some.go()
    some.box.latency = 0.01
    some.go()
    assert some.box.stats.max_in_flight == 3
    some.go(max_concurrency=1)
    assert some.box.stats.max_in_flight == 1


def test_a_first_run_is_concurrent_across_pages(runs: Callable[..., Runs]) -> None:
    some = runs(Workspace(120).account(), LATENCY, page_size=10)
    some.go()
    assert some.steps("candidate") <= len(some.requests("candidate")) // 4


def test_the_short_lists_are_asked_for_at_the_same_time(
    runs: Callable[..., Runs],
) -> None:
    some = runs(Workspace(1, tags=0).account(), LATENCY)
    some.go()
    (openings,), (categories,) = some.requests("openings"), some.requests("categories")
    assert abs(openings.at - categories.at) < LATENCY


def test_a_change_on_each_page_is_as_concurrent(runs: Callable[..., Runs]) -> None:
    account = Workspace(300, tags=3).account()
    some = runs(account, page_size=10)
    some.go()
    for candidate_id in account.listed_ids()[::10]:
        account.set_hire_state(candidate_id, "hired")
    some.box.latency = LATENCY
    some.go()
    details = len(some.requests("candidate"))
    assert details == 30
    assert some.steps("candidate") <= details // 2
