"""Narrower settings come and go: nothing is lost or deleted by them (contract 3.5)."""

from __future__ import annotations

import typing as t

import pytest

from tests.runs.pipelines import DAY, account, pipeline, wanted
from tests.support.streams import CANDIDATES, DETAILS
from tests.support.truth import truth

if t.TYPE_CHECKING:
    from sandbox import Account

Settings = dict[str, t.Any]


def made(candidates: int = 50) -> Account:
    return account(candidates, openings=3, tags=3, tagged=0.5)


def scopes(account: Account) -> dict[str, Settings]:
    """Return a scope for each setting and each parameter of the API."""
    tagged = next(d for d in truth(account)[DETAILS].values() if d["tag_ids"])
    placed = next(r for r in account.list_rows() if r["category_id"])
    filters: Settings = {
        **{name: placed[name] for name in ("category_id", "email")},
        "tag_ids": tagged["tag_ids"],
        "hire_state": "rejected",
        "min_score": 50,
        "max_score": 50,
        "min_rating": 1,
        "max_rating": 2,
    }
    openings = [opening["id"] for opening in account.openings()[:2]]
    return {
        "start_date": {"start_date": "2025-03-01T12:00:00+05:00"},
        "job_opening_ids": {"job_opening_ids": openings},
        **{name: {"candidate_filters": {name: filters[name]}} for name in filters},
    }


@pytest.mark.parametrize("name", scopes(made()))
def test_leaving_the_selection_is_no_deletion(name: str) -> None:
    with pipeline(made()) as line:
        line.run()
        scope = scopes(line.account)[name]
        inside = wanted(line.account, scope)
        outside = sorted(set(line.ids) - set(inside))
        narrowed = line.run(**scope)
        assert narrowed.is_quiet
        assert sorted(narrowed.details) == outside  # few, so all are asked for
        assert line.run(**scope).details == []
        gone, also_gone = inside[0], outside[0]
        line.account.delete(gone)
        line.account.delete(also_gone)
        assert line.run(**scope).deleted(CANDIDATES) == [gone]
        assert line.run().deleted(CANDIDATES) == [also_gone]
        line.assert_true()


def test_a_deletion_outside_the_selection_is_found_by_re_verification() -> None:
    scope = {"candidate_filters": {"min_rating": 1}}
    with pipeline(20, reverify_days=2) as line:
        for number, one in enumerate(line.ids):
            line.account.rate(one, int(number < 10))
        line.run()
        line.run(**scope)
        gone = line.ids[15]
        line.account.delete(gone)
        assert not line.run(**scope).tombstones(DETAILS)
        line.clock += 3 * DAY
        assert line.run(**scope).deleted(DETAILS) == [gone]
        line.assert_true()
