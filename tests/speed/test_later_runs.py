"""A run without changes costs the list, read side by side, and nothing else."""

from __future__ import annotations

import math
import typing as t

import pytest

from tools.bench.server import Workspace

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Account
    from tests.speed.conftest import Runs

PAGE_SIZE = 10
LATENCY = 0.05


def budget(account: Account) -> int:
    """The most requests of a run without changes, as the README tells."""
    rows = [account.detail(key) for key in account.listed_ids()]
    tagged = sum(len(row["tag_ids"]) for row in rows)
    pages = math.ceil(len(rows) / PAGE_SIZE) + math.ceil(tagged / PAGE_SIZE)
    return pages + len(account.openings()) + len(account.tags()) + 6


def unchanged(runs: Callable[..., Runs], account: Account) -> Runs:
    """A run without changes."""
    some = runs(account, page_size=PAGE_SIZE)
    some.go()
    some.box.latency = LATENCY
    run = some.go()
    assert not some.requests("candidate")
    assert not run.records("candidate_details")
    assert some.box.stats.requests <= budget(account)
    return some


@pytest.mark.parametrize(("largest", "share"), [(None, 0.4), (0.6, 0.6)])
def test_a_large_list_is_read_side_by_side(
    runs: Callable[..., Runs], largest: float | None, share: float
) -> None:
    account = Workspace(400, tags=2, tagged=0.1, largest=largest).account()
    some = unchanged(runs, account)
    assert some.steps("candidates") <= share * len(some.requests("candidates"))


def test_a_small_list_costs_no_request_more(runs: Callable[..., Runs]) -> None:
    account = Workspace(60, tags=1, tagged=0).account()
    some = unchanged(runs, account)
    small_lists = len(("openings", "categories", "tags", "a tag's candidates"))
    assert some.box.stats.requests == 60 / PAGE_SIZE + small_lists


def test_candidates_of_an_opening_that_is_not_listed(
    runs: Callable[..., Runs],
) -> None:
    account = Workspace(300, openings=6, tags=2).account()
    hidden = account.openings()[0]["id"]
    account.delete_opening(hidden)
    some = unchanged(runs, account)
    rows = some.target.alive("candidates")
    assert sorted(rows) == sorted(account.listed_ids())
    assert any(row["job_opening_id"] == hidden for row in rows.values())
