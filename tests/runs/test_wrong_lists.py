"""Lists that are short, empty or miscounted: nobody is buried, and what it costs."""

from __future__ import annotations

import math
import typing as t
from functools import partial

import pytest

from sandbox import Account, Fault, Shapes
from tap_toggl_hire.errors import TapError
from tap_toggl_hire.sync.whole import page_sizes
from tests.runs.pipelines import (
    CANDIDATES,
    DETAILS,
    FAMILY,
    HISTORY,
    UPSERTED,
    Outcome,
    Pipeline,
    pipeline,
    who,
)

if t.TYPE_CHECKING:
    from sandbox.messages import Request

SIZE = 10


def account(candidates: int, tagged: float = 0.3) -> Account:
    return Account.example(
        candidates=candidates, openings=2, tags=2, questions=1, tagged=tagged
    )


def rate(account: Account, one: str) -> None:
    account.rate(one, (account.row(one)["rating"] + 1) % 4)


def is_list(request: Request) -> bool:
    return request.kind == "candidates" and "tag_ids" not in request.query


def is_tag_list(request: Request, limit: str | None = None) -> bool:
    query = request.query
    return "tag_ids" in query and limit in {None, query["limit"]}


def warnings(caplog: pytest.LogCaptureFixture, part: str) -> int:
    """How many warnings have some words."""
    return sum(part in one.getMessage() for one in caplog.records)


def assert_nothing_lost(line: Pipeline, outcome: Outcome) -> None:
    """The run failed with a sentence, and its output changes nobody."""
    held = {stream: line.target.alive(stream) for stream in UPSERTED}
    assert isinstance(outcome.error, TapError)
    assert not any(outcome.records(stream) for stream in FAMILY)
    assert not set(outcome.activated) & set(FAMILY)
    line.load(outcome.messages)
    assert {stream: line.target.alive(stream) for stream in UPSERTED} == held


# Empty


@pytest.mark.parametrize("full_table", [(), (CANDIDATES,), UPSERTED], ids=len)
@pytest.mark.parametrize("total", ["true", "short"])
def test_a_list_that_says_it_is_empty(total: str, full_table: tuple[str, ...]) -> None:
    """A sample of the missing answers: the list is wrong, and not the warehouse."""
    with pipeline(account(300), page_size=SIZE) as line:
        line.run()
        rate(line.account, line.account.listed_ids()[0])
        line.sandbox.faults = [Fault("short_list", match=is_list, total=total)]
        outcome = line.attempt(full_table=full_table)
        assert "short" in str(outcome.error)
        assert len(outcome.details) <= 21
        assert len(outcome.requests) <= 21 + 60
        assert_nothing_lost(line, outcome)
        line.sandbox.faults = []
        assert len(line.run().details) == 1
        line.assert_true()


@pytest.mark.parametrize("full_table", [(), UPSERTED], ids=len)
def test_a_small_list_that_says_it_is_empty(full_table: tuple[str, ...]) -> None:
    """So few may all be archived: each is asked for, and nothing else happens."""
    with pipeline(account(15)) as line:
        line.run()
        line.sandbox.faults = [Fault("short_list", match=is_list, total="short")]
        outcome = line.attempt(full_table=full_table)
        assert len(outcome.details) == 15
        assert not any(outcome.records(stream) for stream in FAMILY)
        assert not set(outcome.activated) & set(FAMILY)
        line.load(outcome.messages)
        line.sandbox.faults = []
        line.run()
        line.assert_true()


@pytest.mark.parametrize("known", [25, 60])
def test_everybody_is_deleted_indeed(known: int) -> None:
    """The run stops, and its sentence says how to go on; that works."""
    with pipeline(account(known)) as line:
        line.run()
        for one in line.account.listed_ids():
            line.account.delete(one)
        outcome = line.attempt()
        assert "FULL_TABLE" in str(outcome.error)
        assert len(outcome.details) == 21
        assert_nothing_lost(line, outcome)
        line.run(full_table=[CANDIDATES])
        line.assert_true()
        assert len(line.target.deleted(CANDIDATES)) == known


# Short


def short(*, times: int | None = None, keep: int = 3, **options: t.Any) -> Fault:
    return Fault("short_list", keep=keep, times=times, **options)


@pytest.mark.parametrize("candidates", [18, 60])
@pytest.mark.parametrize("after", [0, 2])
def test_a_list_that_breaks_off(candidates: int, after: int) -> None:
    with pipeline(account(candidates), page_size=5) as line:
        line.run()
        gone = line.account.listed_ids()[1]
        line.sandbox.faults = [short(match=is_list, after=after)]
        outcome = line.attempt()
        assert not any(outcome.records(stream) for stream in FAMILY)
        line.load(outcome.messages)
        line.sandbox.faults = []
        line.account.delete(gone)
        assert line.run().buried(CANDIDATES) == [gone]
        line.assert_true()


@pytest.mark.parametrize("match", [is_list, is_tag_list])
def test_a_list_that_is_short_for_a_moment(match: t.Any) -> None:
    """It is read again, with another page size; deletions are found all the same."""
    with pipeline(account(60, tagged=1.0), page_size=SIZE) as line:
        line.run()
        gone = line.account.listed_ids()[40]
        line.account.delete(gone)
        fault = short(match=match, times=1, after=2)
        line.sandbox.faults = [fault]
        outcome = line.run()
        assert fault.struck == 1
        assert outcome.buried(CANDIDATES) == [gone]
        assert outcome.details == [gone]
        line.assert_true()


@pytest.mark.parametrize("wrong", [1, -1, 7])
@pytest.mark.parametrize("where", ["all lists", "tag lists"])
def test_a_total_that_is_off_for_good(
    where: t.Any, wrong: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Two readings with two page sizes agree: the list is believed."""
    shapes = Shapes(total_error=wrong, total_error_in=where)
    with pipeline(account(60, tagged=1.0), page_size=SIZE) as line:
        line.sandbox.shapes = shapes
        first = line.run()
        line.assert_true()
        assert warnings(caplog, "is believed") == (wrong > 0)
        assert len(first.details) == 60
        gone, changed, *_ = line.account.listed_ids()
        line.account.delete(gone)
        rate(line.account, changed)
        outcome = line.run()
        assert outcome.buried(CANDIDATES) == [gone]
        assert sorted(outcome.details) == sorted([gone, changed])
        line.assert_true()
        twice = 1 + 2 * (wrong > 0 and where == "all lists")
        assert len(line.run().pages) <= (twice + 1) * math.ceil(60 / SIZE) + 2
        assert not line.run().details


@pytest.mark.parametrize("seed", range(6))
def test_a_seek_that_skips_ties(seed: int) -> None:
    """Whoever one page size skips, another one may show."""
    made = Account(seed)
    opening = made.add_opening()
    for number in range(40):
        made.add_candidate(opening, f"2025-01-{1 + number // 2:02}T10:00:00")
    with pipeline(made, page_size=5 + seed % 3) as line:
        line.sandbox.shapes = Shapes(skip_ties=True)
        line.run()
        line.assert_true()
        gone = made.listed_ids()[9]
        made.delete(gone)
        assert line.run().buried(CANDIDATES) == [gone]
        line.assert_true()


@pytest.mark.parametrize("seed", range(3))
def test_ties_that_no_page_size_shows(seed: int) -> None:
    """More than a page of them: the list is believed, and what it shows is right."""
    made = Account(seed)
    opening = made.add_opening()
    for number in range(30):
        made.add_candidate(opening, f"2025-01-{1 + number // 10:02}T10:00:00")
    with pipeline(made, page_size=5) as line:
        line.sandbox.shapes = Shapes(skip_ties=True)
        for _ in range(3):
            outcome = line.attempt()
            line.load(outcome.messages)
        assert not line.target.deleted(CANDIDATES)
        assert len(line.target.alive(CANDIDATES)) > 10


# Tags


def test_a_short_list_of_a_tag_leaves_the_tags_as_they_are_known() -> None:
    with pipeline(account(60, tagged=1.0), page_size=SIZE) as line:
        line.run()
        gone, changed, *_ = line.account.listed_ids()
        line.account.delete(gone)
        rate(line.account, changed)
        line.account.add_candidate()
        line.sandbox.faults = [
            short(match=partial(is_tag_list, limit=limit), keep=keep)
            for keep, limit in enumerate((*page_sizes(SIZE), "1"), start=1)
        ]
        outcome = line.attempt()
        assert "tag" in str(outcome.error)
        assert outcome.buried(CANDIDATES) == [gone]
        assert len(outcome.emitted(DETAILS)) == 2
        line.load(outcome.messages)
        line.assert_true()
        line.sandbox.faults = []
        later = line.run()
        line.assert_true()
        # Of those that were read, the details told the tags.
        told = [who(e) for e in outcome.records(HISTORY) if e["event"] != "deleted"]
        assert sorted(told) == sorted(outcome.emitted(DETAILS))
        assert not later.emitted(HISTORY)
        assert not later.details


@pytest.mark.parametrize("times", [1, 2, None])
def test_no_tags_for_a_moment(times: int | None) -> None:
    with pipeline(account(60, tagged=1.0)) as line:
        line.run()
        line.sandbox.faults = [
            Fault("wrong_shape", match="tags", value={"data": []}, times=times)
        ]
        outcome = line.attempt()
        line.load(outcome.messages)
        line.sandbox.faults = []
        again = line.run()
        if times == 1:
            assert not outcome.details
            assert not outcome.records(HISTORY)
        assert len(outcome.details) + len(again.details) <= 120
        line.assert_true()


def test_no_tags_in_the_first_run() -> None:
    """Details name a tag which the list lacked: it is read again."""
    with pipeline(account(60, tagged=1.0)) as line:
        line.sandbox.faults = [
            Fault("wrong_shape", match="tags", value={"data": []}, times=1)
        ]
        first = line.run()
        assert len(first.details) == 60
        assert sum(r.kind == "tags" for r in first.requests) == 2
        later = line.run()
        assert not later.details
        assert not later.records(HISTORY)
        line.assert_true()


# Anchors


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_404_for_everything_in_the_middle(concurrency: int) -> None:
    """A few dead anchors in a row are no deletions, but a fault."""
    with pipeline(account(400), page_size=SIZE, max_concurrency=concurrency) as line:
        line.sandbox.faults = [Fault("status", status=404, after=30)]
        outcome = line.attempt()
        assert isinstance(outcome.error, TapError)
        asked = len(outcome.requests)
        assert asked <= 30 + 2 * 6 + 20 * concurrency
        line.load(outcome.messages)
        line.sandbox.faults = []
        line.run()
        line.assert_true()


@pytest.mark.parametrize("dead_anchor", ["404", "400", "empty", "restart"])
@pytest.mark.parametrize("dead", [4, 8])
def test_the_anchor_and_some_before_it_die(dead_anchor: t.Any, dead: int) -> None:
    with pipeline(account(60), page_size=SIZE) as line:
        line.sandbox.shapes = Shapes(dead_anchor=dead_anchor)
        line.run()
        killed: set[str] = set()

        def kill(request: Request) -> None:
            anchor = request.query.get("after_id")
            if is_list(request) and anchor is not None and not killed:
                listed = line.account.listed_ids()
                if (place := listed.index(anchor) + 1) > 2 * SIZE:
                    for one in listed[place - dead : place]:
                        line.account.delete(one)
                        killed.add(one)

        line.sandbox.on_request = kill
        outcome = line.attempt()
        line.sandbox.on_request = None
        assert len(killed) == dead
        assert not set(outcome.buried(CANDIDATES)) - killed
        assert (outcome.error is None) is (dead < 6)
        line.load(outcome.messages)
        line.run()
        line.assert_true()
