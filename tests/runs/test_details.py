"""Details that lag behind the list, fail, or are not there: what the target holds."""

from __future__ import annotations

import typing as t
from contextlib import suppress
from datetime import timedelta

import pytest

from sandbox import Account, Fault, details_of
from tap_toggl_hire.errors import TapError
from tests.runs.pipelines import (
    CANDIDATES,
    DETAILS,
    FAMILY,
    HISTORY,
    UPSERTED,
    Pipeline,
    pipeline,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.messages import Request

DAY = timedelta(days=1)


def account(candidates: int = 12) -> Account:
    return Account.example(candidates=candidates, openings=2, tags=2, questions=2)


def rate(account: Account, one: str) -> None:
    account.rate(one, (account.row(one)["rating"] + 1) % 4)


def regrade(account: Account, ids: list[str]) -> str:
    """Change something that no list shows, of one of some candidates."""
    for one in ids:
        with suppress(ValueError):
            account.regrade_equal_sum(one)
            return one
    raise AssertionError


def warnings(caplog: pytest.LogCaptureFixture, part: str) -> int:
    """How many warnings have some words."""
    return sum(part in one.getMessage() for one in caplog.records)


# Details of another moment than the row


def _category(account: Account, one: str) -> None:
    now, opening = (account.row(one)[n] for n in ("category_id", "job_opening_id"))
    steps = [c["id"] for c in account.categories() if c["job_opening_id"] == opening]
    account.move(one, next(step for step in steps if step != now))


def _out_of_all(account: Account, one: str) -> None:
    account.move(one, None)


def _contact(account: Account, one: str) -> None:
    account.set_contact_info(one, city="Tartu")


def _tag(account: Account, one: str) -> None:
    held = account.detail(one)["tag_ids"]
    account.tag(one, next(t["id"] for t in account.tags() if t["id"] not in held))


LAGS: dict[str, Callable[[Account, str], None]] = {
    "rating": rate,
    "a category, where there was none": _category,
    "no category, where there was one": _out_of_all,
    "contact_info": _contact,
    "a tag": _tag,
}


@pytest.fixture
def lagging() -> t.Iterator[Pipeline]:
    with pipeline(account()) as line:
        line.account.move(one_of(line), None)
        line.account.untag(one_of(line), line.account.tags()[0]["id"])
        line.account.set_contact_info(one_of(line), city="Tallinn")
        yield line


def one_of(line: Pipeline) -> str:
    return line.account.listed_ids()[4]


@pytest.mark.parametrize("what", LAGS)
def test_details_that_lag_are_read_again_by_the_next_run(
    lagging: Pipeline, what: str
) -> None:
    line, one = lagging, one_of(lagging)
    if what.startswith("no category"):
        _category(line.account, one)
    line.run()
    line.account.hold_details(one)
    LAGS[what](line.account, one)
    assert line.run().details == [one]
    line.account.release_details(one)
    caught_up = line.run()
    assert caught_up.details == [one]
    assert caught_up.emitted(DETAILS) == [one]
    assert not caught_up.records(HISTORY)
    line.assert_true()
    assert not line.run().details


@pytest.mark.parametrize("what", LAGS)
def test_details_that_differ_for_good_cost_one_more_request(
    lagging: Pipeline, what: str
) -> None:
    line, one = lagging, one_of(lagging)
    if what.startswith("no category"):
        _category(line.account, one)
    line.run()
    line.account.hold_details(one)
    LAGS[what](line.account, one)
    asked = [line.run().details for _ in range(5)]
    assert asked == [[one], [one], [], [], []]


def test_details_that_differ_from_the_first_run_on() -> None:
    """As where the list rounds a score, and the details do not."""
    with pipeline(account()) as line:
        ids = line.account.listed_ids()
        for one in ids:
            line.account.show(one, in_list={"score": 33.3})
        asked = [len(line.run().details) for _ in range(4)]
        assert asked == [12, 12, 0, 0]
        rate(line.account, ids[0])
        assert [len(line.run().details) for _ in range(3)] == [1, 1, 0]
        for one in ids:
            assert line.target.tables[DETAILS][one]["score"] != 33.3
            assert line.target.tables[CANDIDATES][one]["score"] == 33.3


# Details that fail


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("status", [500, 404])
def test_one_that_fails_for_good_holds_up_no_other(
    status: int, concurrency: int
) -> None:
    """A 500, or a 404 that is no word of the API's."""
    options = {"reverify_days": 1, "max_concurrency": concurrency}
    with pipeline(account(300), page_size=10, **options) as line:
        bad, gone, changed, *others = line.account.listed_ids()
        line.run()
        line.sandbox.faults = [
            Fault("status", status=status, html=True, match=details_of(bad))
        ]
        line.account.delete(gone)
        rate(line.account, changed)
        hidden = regrade(line.account, others)
        line.clock += DAY
        outcome = line.attempt()
        assert isinstance(outcome.error, TapError)
        line.load(outcome.messages)
        assert outcome.buried(DETAILS) == [gone]
        assert sorted(outcome.emitted(DETAILS)) == sorted([changed, hidden])
        assert len(set(outcome.details)) == 300
        # All others had their turn: but for the one, the next run has nothing to do.
        line.interval = timedelta()
        line.clock -= timedelta(hours=1)
        again = line.attempt()
        assert isinstance(again.error, TapError)
        assert set(again.details) == {bad}
        line.load(again.messages)
        line.sandbox.faults = []
        rate(line.account, bad)
        assert line.run().details == [bad]
        line.assert_true()


def test_some_that_fail_for_good_in_a_first_run() -> None:
    with pipeline(account(60)) as line:
        bad = line.account.listed_ids()[10:13]
        line.sandbox.faults = [Fault("status", match=details_of(*bad))]
        outcome = line.attempt()
        assert isinstance(outcome.error, TapError)
        line.load(outcome.messages)
        assert len(line.target.alive(DETAILS)) == 57
        line.sandbox.faults = []
        assert sorted(line.run().details) == sorted(bad)
        line.assert_true()


# A 404


BODIES: dict[str, dict[str, t.Any]] = {
    "a page of a gateway": {"html": True},
    "no body": {"empty": True},
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("where", ["missing", "archived", "changed"])
def test_a_404_that_is_not_the_api_s_word_proves_nothing(body: str, where: str) -> None:
    with pipeline(account()) as line:
        line.run()
        one = line.account.listed_ids()[3]
        if where == "changed":
            rate(line.account, one)
        else:
            line.account.archive(one)
        line.run() if where == "archived" else None
        line.sandbox.faults = [
            Fault("status", status=404, match=details_of(one), **BODIES[body])
        ]
        outcome = line.attempt()
        assert isinstance(outcome.error, TapError)
        assert len(outcome.details) == 3  # it was tried again, as after a 500
        assert not any(outcome.tombstones(stream) for stream in UPSERTED)
        line.load(outcome.messages)
        line.sandbox.faults = []
        line.account.archive(one, listed=True)
        line.run()
        line.assert_true()


def test_a_candidate_that_is_listed_is_asked_for_once_more() -> None:
    with pipeline(account()) as line:
        line.run()
        one = line.account.listed_ids()[3]
        rate(line.account, one)
        line.sandbox.faults = [
            Fault("status", status=404, match=details_of(one), times=1)
        ]
        outcome = line.run()
        assert outcome.details == [one, one]
        assert not outcome.tombstones(CANDIDATES)
        line.assert_true()
        rate(line.account, one)
        line.sandbox.faults = [Fault("status", status=404, match=details_of(one))]
        outcome = line.run()
        assert outcome.details == [one, one]
        assert outcome.buried(CANDIDATES) == [one]
        # The list still shows it: it comes back, if not at once.
        line.sandbox.faults = []
        assert line.run().emitted(DETAILS) == [one]
        line.assert_true()


def is_details(request: Request) -> bool:
    return request.kind == "candidate"


@pytest.mark.parametrize(("known", "changed"), [(100, 30), (15, 3), (15, 15)])
def test_many_that_are_listed_and_answer_404_are_a_fault(
    known: int, changed: int
) -> None:
    """However few they are of all that are known."""
    with pipeline(account(known)) as line:
        line.run()
        for one in line.account.listed_ids()[:changed]:
            rate(line.account, one)
        line.sandbox.faults = [Fault("status", status=404, match=is_details)]
        outcome = line.attempt()
        assert isinstance(outcome.error, TapError)
        assert f"{changed} of {changed}" in str(outcome.error)
        assert len(outcome.details) == 2 * changed
        assert not any(outcome.records(stream) for stream in FAMILY)
        line.load(outcome.messages)
        line.sandbox.faults = []
        assert len(line.run().details) == changed
        line.assert_true()


def test_a_first_run_that_finds_nobody_s_details_is_a_fault() -> None:
    with pipeline(account(15)) as line:
        line.sandbox.faults = [Fault("status", status=404, match=is_details)]
        outcome = line.attempt()
        assert isinstance(outcome.error, TapError)
        line.load(outcome.messages)
        line.sandbox.faults = []
        assert len(line.run().details) == 15
        line.assert_true()


def test_a_listed_candidate_whose_details_are_never_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its row is emitted, and it is asked for twice, not in every run."""
    with pipeline(account()) as line:
        bad = line.account.listed_ids()[2]
        line.sandbox.faults = [Fault("status", status=404, match=details_of(bad))]
        outcome = line.run()
        assert outcome.details.count(bad) == 2
        assert bad in line.target.alive(CANDIDATES)
        assert bad not in line.target.tables[DETAILS]
        assert warnings(caplog, "404") == 1
        assert not line.run().details
        rate(line.account, bad)
        changed = line.run()
        assert changed.details == [bad, bad]
        assert changed.emitted(CANDIDATES) == [bad]
        assert not line.run().details
        line.sandbox.faults = []
        rate(line.account, bad)
        assert line.run().emitted(DETAILS) == [bad]
        line.assert_true()
        line.sandbox.faults = [Fault("status", status=404, match=details_of(bad))]
        line.account.delete(bad)
        assert line.run().buried(DETAILS) == [bad]
        line.assert_true()


def test_an_unreadable_candidate_that_is_deleted_then() -> None:
    with pipeline(account()) as line:
        bad = line.account.listed_ids()[2]
        line.sandbox.faults = [Fault("status", status=404, match=details_of(bad))]
        line.run()
        line.account.delete(bad)
        outcome = line.run()
        assert outcome.details == [bad]
        assert outcome.buried(CANDIDATES) == [bad]
        assert not outcome.tombstones(DETAILS)
        line.assert_true()
