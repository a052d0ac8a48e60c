"""Settings that narrow the scope come and go: nobody is lost or buried by them."""

from __future__ import annotations

import math
import typing as t
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from sandbox import Account, Sandbox
from sandbox.filters import Filters
from tests.runs.pipelines import (
    CANDIDATES,
    DETAILS,
    FAMILY,
    UPSERTED,
    pipeline,
)
from tests.support.truth import truth

Settings = dict[str, t.Any]

DAY = timedelta(days=1)
DATES = ("2025-01-20", "2025-03-01T12:00:00+05:00", "2025-05-15T00:00:00Z")


def account(candidates: int = 50, openings: int = 2) -> Account:
    return Account.example(
        candidates=candidates, openings=openings, tags=3, questions=2, tagged=0.5
    )


def rate(account: Account, one: str) -> None:
    account.rate(one, (account.row(one)["rating"] + 1) % 4)


def wanted(account: Account, scope: Settings) -> list[str]:
    """The candidates that a scope takes in now, told without the tap's code."""
    filters = dict(scope.get("candidate_filters") or {})
    filters["tag_ids"] = frozenset(filters.pop("tag_ids", ()))
    openings, start = scope.get("job_opening_ids"), scope.get("start_date")
    with account.lock:
        found = []
        for key in account.find(Filters(**filters)):
            row = account.row(key.id)
            started = datetime.fromisoformat(row["started_at"]).replace(tzinfo=UTC)
            is_in = openings is None or row["job_opening_id"] in openings
            if is_in and (start is None or started >= moment(start)):
                found.append(key.id)
        return found


def moment(text: str) -> datetime:
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


# Deletions, where the scope changes at every run


def opening_scopes(account: Account) -> tuple[Settings, Settings]:
    a, b, c = (one["id"] for one in account.openings())
    return {"job_opening_ids": [a, b]}, {"job_opening_ids": [b, c]}


def filter_scopes(_: Account) -> tuple[Settings, Settings]:
    return tuple(  # type: ignore[return-value]
        {"candidate_filters": filters}
        for filters in ({"max_rating": 2}, {"min_rating": 1})
    )


def rolling_scopes(_: Account) -> tuple[Settings, Settings]:
    return {"start_date": DATES[0]}, {"start_date": DATES[1]}


def mixed_scopes(account: Account) -> tuple[Settings, Settings]:
    opening = account.openings()[0]["id"]
    return {"start_date": DATES[0]}, {"job_opening_ids": [opening]}


SCOPES = [opening_scopes, filter_scopes, rolling_scopes, mixed_scopes]


@pytest.mark.parametrize("scopes", SCOPES)
@pytest.mark.parametrize("back", [False, True])
def test_a_deletion_within_what_two_scopes_have_in_common(
    scopes: t.Any, *, back: bool
) -> None:
    """The present run finds it, for the price of the last scope's lists."""
    with pipeline(account(60, openings=3), page_size=10) as line:
        one, other = scopes(line.account)
        if back:
            one, other = other, one
        line.run(**one)
        common = set(wanted(line.account, one)) & set(wanted(line.account, other))
        gone = min(common)
        line.account.delete(gone)
        new = set(wanted(line.account, other)) - set(wanted(line.account, one))
        outcome = line.run(**other)
        for stream in (CANDIDATES, DETAILS):
            assert outcome.buried(stream) == [gone]
        assert sorted(outcome.details) == sorted({gone, *new})
        assert len(outcome.pages) <= 2 * (math.ceil(60 / 10) + 3)
        # Who is alive in the old scope alone is left in peace.
        assert not line.run(**one).records(CANDIDATES)
        assert not line.run(**other).details
        line.run()
        line.assert_true()


@pytest.mark.parametrize("scopes", SCOPES)
def test_two_scopes_by_turns(scopes: t.Any) -> None:
    with pipeline(account(60, openings=3), page_size=10) as line:
        both = scopes(line.account)
        line.run(**both[0])
        line.run(**both[1])
        deleted: set[str] = set()
        for number in range(6):
            scope, other = both[number % 2], both[1 - number % 2]
            common = set(wanted(line.account, scope)) & set(wanted(line.account, other))
            gone, changed, *_ = sorted(common)
            line.account.delete(gone)
            deleted.add(gone)
            stars = {"candidate_filters": [1, 2]}.get(next(iter(scope)), range(4))
            line.account.rate(
                changed,
                next(s for s in stars if s != line.account.row(changed)["rating"]),
            )
            outcome = line.run(**scope)
            assert outcome.buried(CANDIDATES) == [gone]
            assert sorted(outcome.details) == sorted([gone, changed])
            rows = truth(line.account)[DETAILS]
            for key in wanted(line.account, scope):
                assert line.target.alive(DETAILS)[key] == rows[key]
        assert set(line.target.deleted(CANDIDATES)) == deleted


def test_a_start_date_that_rolls_on() -> None:
    """A deletion is found by the first run after it, day by day."""
    with pipeline(account(60), page_size=10) as line:
        for day in range(1, 9):
            scope = {"start_date": f"2025-0{1 + day // 4}-{10 + day}"}
            gone = wanted(line.account, scope)[-day]
            if day > 1:
                line.account.delete(gone)
            outcome = line.run(**scope)
            assert outcome.buried(CANDIDATES) == ([gone] if day > 1 else [])
            assert day == 1 or outcome.details == [gone]


def test_a_state_keeps_no_list_of_all_start_dates_that_were() -> None:
    with pipeline(account(30)) as line:
        sizes = []
        for day in range(1, 9):
            line.run(start_date=f"2025-01-0{day}")
            assert line.target.state is not None
            digests = line.target.state["bookmarks"][CANDIDATES]["digests"]
            sizes.append(len(digests["scope"]) + len(digests["scopes"]))
        assert max(sizes) == 2


def test_who_moves_to_an_opening_of_the_other_scope() -> None:
    with pipeline(account(60, openings=3)) as line:
        one, other = opening_scopes(line.account)
        a, b, c = (one["id"] for one in line.account.openings())
        line.run(**one)
        moved = wanted(line.account, {"job_opening_ids": [a]})[0]
        line.account.set_field(moved, "job_opening_id", c)
        outcome = line.run(**other)
        assert moved in outcome.emitted(DETAILS)
        line.account.set_field(moved, "job_opening_id", a)
        assert line.run(**one).emitted(DETAILS) == [moved]
        line.account.set_field(moved, "job_opening_id", b)
        assert line.run(**other).emitted(DETAILS) == [moved]
        line.run()
        line.assert_true()


def test_the_opening_of_the_last_scope_is_gone() -> None:
    """Its list cannot be read; those few that it had are asked for."""
    with pipeline(account(30, openings=3)) as line:
        one, other = opening_scopes(line.account)
        line.run(**one)
        opening = one["job_opening_ids"][0]
        common = wanted(line.account, {"job_opening_ids": one["job_opening_ids"][1:]})
        gone = common[0]
        line.account.delete(gone)
        line.account.delete_opening(opening)
        outcome = line.run(**other)
        assert outcome.buried(CANDIDATES) == [gone]
        line.run()
        line.assert_true()


# Two states, one table


def test_a_candidate_that_moves_to_another_state_s_opening_and_back() -> None:
    with pipeline(account(20)) as line:
        a, b = (one["id"] for one in line.account.openings())
        states: dict[str, t.Any] = {a: None, b: None}

        def run(opening: str) -> t.Any:
            line.target.state = states[opening]
            outcome = line.run(job_opening_ids=[opening])
            states[opening] = line.target.state
            return outcome

        run(a)
        run(b)
        moved = wanted(line.account, {"job_opening_ids": [a]})[0]
        for _ in range(3):
            line.account.set_field(moved, "job_opening_id", b)
            assert run(a).details == [moved]  # it lacks it
            assert run(b).emitted(DETAILS) == [moved]
            line.account.set_field(moved, "job_opening_id", a)
            assert run(b).details == [moved]
            assert run(a).emitted(DETAILS) == [moved]
            line.assert_true(UPSERTED)
        line.account.delete(moved)
        run(a)
        run(b)
        line.assert_true(UPSERTED)


# A wide run that dies


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_wide_run_that_dies_and_the_narrow_one_again(share: float) -> None:
    """The candidates of the wide one are nobody that the narrow one asks for."""
    narrow = {"candidate_filters": {"hire_state": "rejected"}}
    with pipeline(account(60)) as line:
        line.run(**narrow)
        wide = line.attempt(slow=True).good()
        line.load(wide.messages[: int(share * len(wide.messages))])
        held = len(line.target.alive(DETAILS))
        for _ in range(3):
            outcome = line.run(**narrow)
            assert not outcome.details
            assert not any(outcome.records(stream) for stream in FAMILY)
        gone = wanted(line.account, narrow)[0]
        line.account.delete(gone)
        assert line.run(**narrow).details == [gone]
        again = line.run()
        assert len(again.details) <= 60 - held + 10
        line.assert_true()


# pii


@pytest.mark.parametrize("pii", ["drop", "hash"])
def test_pii_that_changes_and_then_the_scope_is_narrowed(pii: str) -> None:
    """Re-verification reaches those outside; what it reads is emitted as treated."""
    narrow = {"candidate_filters": {"hire_state": "rejected"}}
    with pipeline(account(40), reverify_days=4, pii_hash_key="secret") as line:
        line.interval = DAY
        line.run()
        people = {row["email"] for row in line.account.list_rows() if row["email"]}
        gone = line.account.listed_ids()[0]
        line.config |= {"pii": pii, **narrow}
        asked: Counter[str] = Counter()
        for _ in range(4):
            asked.update(line.run().details)
        for stream in (CANDIDATES, DETAILS):
            rows = line.target.alive(stream)
            assert len(rows) == 40
            assert not people & {row["email"] for row in rows.values()}, stream
        assert asked.total() <= 2 * 40 + len(wanted(line.account, narrow)) + 5
        line.account.delete(gone)
        for _ in range(3):
            line.run()
        assert gone in line.target.deleted(DETAILS)


# What each filter does


def parameters(account: Account) -> dict[str, Settings]:
    """A filter for each parameter of the API, which some match and some do not."""
    tagged = next(d for d in truth(account)[DETAILS].values() if d["tag_ids"])
    placed = next(r for r in account.list_rows() if r["category_id"])
    return {
        "category_id": {"category_id": placed["category_id"]},
        "tag_ids": {"tag_ids": tagged["tag_ids"]},
        "min_score": {"min_score": 50},
        "email": {"email": placed["email"]},
    }


@pytest.mark.parametrize("name", list(parameters(account())))
def test_each_kind_of_filter_leaves_nobody_for_dead(name: str) -> None:
    with pipeline(account()) as line:
        line.run()
        filters = parameters(line.account)[name]
        inside = set(wanted(line.account, {"candidate_filters": filters}))
        outside = set(line.account.listed_ids()) - inside
        narrowed = line.run(candidate_filters=filters)
        assert not any(narrowed.records(stream) for stream in FAMILY)
        assert not narrowed.details
        for one in (min(inside), min(outside)):
            line.account.delete(one)
        assert line.run(candidate_filters=filters).buried(CANDIDATES) == [min(inside)]
        assert line.run().buried(CANDIDATES) == [min(outside)]
        line.assert_true()


def test_who_drifts_out_of_a_filter_is_not_asked_for_in_each_run() -> None:
    filters = {"hire_state": "possible-hire"}
    with pipeline(account()) as line:
        line.run(candidate_filters=filters)
        drifted = wanted(line.account, {"candidate_filters": filters})[:3]
        for one in drifted:
            line.account.set_hire_state(one, "rejected")
        asked = [len(line.run(candidate_filters=filters).details) for _ in range(5)]
        assert asked == [3, 3, 0, 0, 0]
        line.account.delete(drifted[2])
        for one in drifted[:2]:
            line.account.set_hire_state(one, "possible-hire")
        outcome = line.run(candidate_filters=filters)
        assert sorted(outcome.emitted(CANDIDATES)) == sorted(drifted[:2])
        line.account.delete(drifted[0])
        assert line.run(candidate_filters=filters).buried(CANDIDATES) == drifted[:1]
        line.run()
        line.assert_true()


def test_a_new_key_of_the_same_workspace_is_no_other_scope() -> None:
    filters = {"max_rating": 2}
    with pipeline(account()) as line:
        line.run(candidate_filters=filters)
        gone = min(wanted(line.account, {"candidate_filters": filters}))
        line.account.delete(gone)
        with Sandbox(line.account, api_key="another-key") as box:
            line.sandbox = box
            line.config |= {"api_key": box.api_key, "api_url": box.url}
            outcome = line.run(candidate_filters=filters)
        assert outcome.buried(CANDIDATES) == [gone]


# What a start date saves


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_start_date_reads_little_more_than_what_it_wants(concurrency: int) -> None:
    size = 10
    with pipeline(account(300), page_size=size, max_concurrency=concurrency) as line:
        scope = {"start_date": DATES[2]}
        ids = wanted(line.account, scope)
        assert 4 * size < len(ids) < 120
        for number in range(3):
            outcome = line.run(**scope)
            assert len(outcome.details) == (0 if number else len(ids))
            assert len(outcome.pages) <= math.ceil(len(ids) / size) + 1
        # Who starts before everybody wanted, and submits now, is not wanted.
        line.account.add_candidate(started_at="2025-01-07T00:00:00")
        late = line.account.add_candidate(started_at="2025-05-15T00:00:00")
        assert line.run(**scope).emitted(CANDIDATES) == [late]


def test_a_start_date_takes_offsets_and_fractions_for_what_they_are() -> None:
    with pipeline(Account()) as line:
        opening = line.account.add_opening()
        early, same, late = (
            line.account.add_candidate(opening, started)
            for started in (
                "2025-03-01T09:59:59.999999",
                "2025-03-01T10:00:00",
                "2025-03-01T10:00:00.000001",
            )
        )
        outcome = line.run(start_date="2025-03-01T12:00:00+02:00")
        assert set(outcome.emitted(CANDIDATES)) == {same, late}
        assert set(line.run().emitted(CANDIDATES)) == {early}
