"""The list moves while it is read, or is wrong: nothing is lost, nobody is buried."""

from __future__ import annotations

import math
import random
import typing as t

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sandbox import Account, Shapes
from tap_toggl_hire.errors import TapError
from tests.runs.pipelines import (
    CANDIDATES,
    UPSERTED,
    Outcome,
    Pipeline,
    pipeline,
)

if t.TYPE_CHECKING:
    from sandbox.messages import Request

DEAD_ANCHORS = ("404", "400", "empty", "restart")
PAGE_SIZE = 10

Event = t.Literal["insert", "late", "change", "tag", "delete", "anchor"]


class Churn:
    """Changes the account while it is asked for.

    Args:
        line: Whose account.
        events: What may happen; each is as likely as the others.
        rate: How likely something happens at a request, 0 to 1.
        seed: Of what happens.
        most: So many events, and then no more.
        most_deleted: So many deletions, so that nobody takes them for a fault.

    Attributes:
        deleted: All that it deleted.
        happened: What happened, in order.
    """

    def __init__(  # noqa: PLR0913, PLR0917
        self,
        line: Pipeline,
        events: t.Sequence[Event],
        rate: float,
        seed: int,
        most: int = 60,
        most_deleted: int = 10,
    ) -> None:
        self._account = line.account
        self._events = events
        self._rate = rate
        self._rng = random.Random(seed)
        self._most = most
        self._most_deleted = most_deleted
        self.deleted: set[str] = set()
        self.happened: list[Event] = []

    def __call__(self, request: Request) -> None:
        """Let something happen, or not."""
        with self._account.lock:
            if len(self.happened) < self._most and self._rng.random() < self._rate:
                event = self._rng.choice(self._events)
                if self._happens(event, request.query.get("after_id")):
                    self.happened.append(event)

    def _happens(self, event: Event, anchor: str | None) -> bool:
        """Try to let something happen."""
        account, rng = self._account, self._rng
        listed = account.listed_ids()
        if event == "insert":
            account.add_candidate()
            return True
        if not listed:
            return False
        one = rng.choice(listed)
        if event == "late":
            account.add_candidate(started_at=account.row(one)["started_at"])
        elif event == "change":
            account.rate(one, (account.row(one)["rating"] + 1) % 4)
        elif event == "tag":
            tag_id = rng.choice(account.tags())["id"]
            if tag_id in account.detail(one)["tag_ids"]:
                return False  # another order is nothing that a list shows
            account.tag(one, tag_id)
        else:
            one = one if event == "delete" else anchor or ""
            if one not in listed or len(self.deleted) == self._most_deleted:
                return False
            account.delete(one)
            self.deleted.add(one)
        return True


def account(candidates: int, openings: int = 3, tagged: float = 0.2) -> Account:
    return Account.example(
        candidates=candidates, openings=openings, tags=2, questions=1, tagged=tagged
    )


def buried(line: Pipeline) -> set[str]:
    """All that the target takes for deleted."""
    found = set()
    for stream in UPSERTED:
        for key in line.target.deleted(stream):
            found.add(key[0] if isinstance(key, tuple) else key)
    return found


def churned_run(line: Pipeline, churn: Churn, deleted: set[str]) -> Outcome:
    """Run while the list moves; whoever is deleted then was deleted indeed."""
    line.sandbox.on_request = churn
    try:
        outcome = line.attempt()
    finally:
        line.sandbox.on_request = None
    line.load(outcome.messages)
    deleted |= churn.deleted
    assert buried(line) <= deleted
    return outcome


def is_partitioned(outcome: Outcome, anchors: list[str]) -> bool:
    """Whether the list was read in parts, so that a later page came early."""
    later = anchors[1:]  # each two pages behind the one before
    return any(page.query.get("after_id") in later for page in outcome.pages[:4])


ALL_EVENTS: tuple[Event, ...] = (
    *("insert", "late", "change", "tag", "delete", "anchor"),
)


@pytest.mark.parametrize("dead_anchor", DEAD_ANCHORS)
@pytest.mark.parametrize(
    ("candidates", "concurrency"),
    [(60, 1), (260, 8)],
    ids=["sequential", "partitioned"],
)
@pytest.mark.parametrize("events", [ALL_EVENTS, ("anchor",)], ids=["all", "anchors"])
def test_what_one_run_misses_the_next_one_finds(
    dead_anchor: t.Any, candidates: int, concurrency: int, events: tuple[Event, ...]
) -> None:
    with pipeline(
        account(candidates), page_size=PAGE_SIZE, max_concurrency=concurrency
    ) as line:
        line.sandbox.shapes = Shapes(dead_anchor=dead_anchor)
        line.run()
        deleted: set[str] = set()
        anchors = line.anchors
        churn = Churn(line, events, 0.3, seed=1, most=40)  # few die in a row
        outcome = churned_run(line, churn, deleted).good()
        assert churn.happened
        assert is_partitioned(outcome, anchors) is (candidates >= 20 * PAGE_SIZE)
        # As many requests as an endless loop makes are out of reach.
        pages = math.ceil(candidates / PAGE_SIZE)
        assert len(outcome.requests) < 12 * pages + 5 * len(churn.happened)
        quiet = line.run()
        line.assert_true(UPSERTED)
        assert buried(line) <= deleted
        assert len(quiet.pages) <= pages + 6


MOVING = given(
    dead_anchor=st.sampled_from(DEAD_ANCHORS),
    candidates=st.integers(5, 120),
    openings=st.integers(1, 3),
    page_size=st.integers(2, 10),
    concurrency=st.integers(1, 8),
    start_date=st.sampled_from([None, "2025-03-01"]),
    rate=st.floats(0.1, 1),
    events=st.lists(st.sampled_from(ALL_EVENTS), min_size=1, max_size=6, unique=True),
    seed=st.integers(0, 2**32 - 1),
)
TUNED = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


def play_moves(  # noqa: PLR0913
    *,
    dead_anchor: t.Any,
    candidates: int,
    openings: int,
    page_size: int,
    concurrency: int,
    start_date: str | None,
    rate: float,
    events: list[Event],
    seed: int,
) -> None:
    with pipeline(
        account(candidates, openings),
        page_size=page_size,
        max_concurrency=concurrency,
        **({"start_date": start_date} if start_date else {}),
    ) as line:
        line.sandbox.shapes = Shapes(dead_anchor=dead_anchor)
        deleted: set[str] = set()
        for number in range(2):  # a first run and a later one
            churn = Churn(line, events, rate, seed + number, most=30)
            outcome = churned_run(line, churn, deleted)
            # Too many anchors in a row may die: then the run says so, and stops.
            assert outcome.error is None or isinstance(outcome.error, TapError)
        line.run()
        if start_date:
            line.config.pop("start_date")
            line.run()
        line.assert_true(UPSERTED)
        assert buried(line) <= deleted


@settings(TUNED, max_examples=10)
@MOVING
def test_any_list_that_moves(**options: t.Any) -> None:
    play_moves(**options)


@pytest.mark.slow
@settings(TUNED, max_examples=200)
@MOVING
def test_more_lists_that_move(**options: t.Any) -> None:
    play_moves(**options)


@pytest.mark.parametrize("dead_anchor", DEAD_ANCHORS)
@pytest.mark.parametrize("dead", [[0], [3, 4], [-1], range(13)], ids=str)
def test_anchors_of_the_run_before_are_gone(
    dead_anchor: t.Any, dead: t.Sequence[int]
) -> None:
    """Each costs a request; the chain before it goes on."""
    with pipeline(account(270), page_size=PAGE_SIZE) as line:
        line.sandbox.shapes = Shapes(dead_anchor=dead_anchor)
        line.run()
        assert len(line.anchors) == 13
        anchors = line.anchors
        gone = [anchors[place] for place in dead]
        for one in gone:
            line.account.delete(one)
        outcome = line.run()
        assert is_partitioned(outcome, anchors)
        assert sorted(outcome.buried(CANDIDATES)) == sorted(gone)
        assert len(outcome.pages) <= 27 + len(gone)
        line.assert_true(UPSERTED)
        assert len(line.run().pages) == math.ceil((270 - len(gone)) / PAGE_SIZE)


def test_anchors_are_of_one_selection() -> None:
    with pipeline(account(270), page_size=PAGE_SIZE) as line:
        line.run()
        anchors = line.anchors
        hired = {"candidate_filters": {"hire_state": "rejected"}}
        assert not is_partitioned(line.run(**hired), anchors)
        assert not line.anchors  # so few are rejected
        assert not is_partitioned(line.run(), anchors)
        assert line.anchors == anchors


def test_anchors_are_of_one_page_size() -> None:
    """They would begin parts that are no whole pages."""
    with pipeline(account(320), page_size=10) as line:
        line.run()
        assert len(line.run(page_size=19).pages) == math.ceil(320 / 19)
        assert len(line.run(page_size=100).pages) == 4
        assert len(line.run().pages) == 32


def test_a_list_that_starts_again_with_new_candidates_alone() -> None:
    """A page that comes before its anchor, and of which nothing was read yet."""
    selection = {"start_date": "2025-01-01"}  # the newest come first
    with pipeline(account(12), page_size=2, **selection) as line:
        line.sandbox.shapes = Shapes(dead_anchor="restart")
        line.run()
        dead: list[str] = []

        def replace_the_anchor(request: Request) -> None:
            anchor = request.query.get("after_id")
            if anchor and "tag_ids" not in request.query and not dead:
                dead.append(anchor)
                line.account.delete(anchor)
                line.account.add_candidate()
                line.account.add_candidate()

        line.sandbox.on_request = replace_the_anchor
        line.run()
        line.sandbox.on_request = None
        assert line.run().buried(CANDIDATES) == dead
        line.assert_true(UPSERTED)
