"""Whatever happens between runs: the target equals the API, at the cost promised."""

from __future__ import annotations

import math
import random
import typing as t
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sandbox import Account, Shapes
from sandbox.changes import VISIBLE
from tests.runs.pipelines import (
    ANSWERS,
    CANDIDATES,
    DELETED_AT,
    DETAILS,
    FAMILY,
    HISTORY,
    UPSERTED,
    Outcome,
    Pipeline,
    pipeline,
)
from tests.support.truth import truth

if t.TYPE_CHECKING:
    from tests.support.target import Row

SEEDS = st.integers(0, 2**32 - 1)
"""Of the random numbers that choose among what is possible."""
TUNED = settings(
    deadline=None,
    derandomize=True,
    print_blob=True,
    # Runs are too slow to shrink a failing example to the least one.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

Visible = dict[str, tuple[t.Any, t.Any]]


@st.composite
def accounts(draw: st.DrawFn, most: int = 60) -> Account:
    """Workspaces, from an empty one to one of some pages."""
    return Account.example(
        candidates=draw(st.integers(0, most)),
        openings=draw(st.integers(1, 5)),
        tags=draw(st.integers(0, 5)),
        questions=draw(st.integers(0, 3)),
        in_progress=draw(st.integers(0, 10)),
        tagged=draw(st.sampled_from([0.0, 0.3, 1.0])),
        seed=draw(SEEDS),
    )


SHAPES = st.builds(
    Shapes,
    last_page=st.sampled_from(["null", "empty", "missing", "no_links", "empty_links"]),
    next_link=st.sampled_from(["absolute", "path", "bare"]),
    trailing_link=st.booleans(),
    page_small_lists=st.sampled_from([None, 2]),
    total=st.sampled_from(["present", "present", "missing"]),
).filter(lambda shapes: shapes.total == "present" or not shapes.trailing_link)
"""Without a total, an empty page after the last one is not told from a fault, and
costs a request."""
HISTORIES = st.lists(
    st.lists(st.sampled_from(VISIBLE), max_size=8), min_size=1, max_size=5
)
"""For each run after the first, the kinds of change that come before it."""
PAGE_SIZES = st.one_of(st.integers(1, 7), st.integers(1, 100))


def budget(line: Pipeline) -> int:
    """Requests that a run may make in which nothing changed (contract, 3.1)."""
    account = line.account
    page_size: int = line.config["page_size"]
    listed = len(account.listed_ids())
    memberships = sum(
        len(row["tag_ids"]) for row in truth(account)["candidate_details"].values()
    )
    return (
        math.ceil(listed / page_size)
        + len(account.openings())
        + len(account.tags())
        + math.ceil(memberships / page_size)
        + 6
        + _pages_of_small_lists(line)
    )


def _pages_of_small_lists(line: Pipeline) -> int:
    """What it costs where the API, other than documented, pages the small lists."""
    size = line.sandbox.shapes.page_small_lists
    lists = (line.account.openings(), line.account.categories(), line.account.tags())
    return 0 if size is None else sum(len(items) // size for items in lists)


def assert_no_more_than_changed(
    outcome: Outcome, before: Visible, now: Visible, probes: set[str]
) -> None:
    """The changed candidates were emitted and read, and no others.

    Args:
        outcome: Of the run.
        before: What the lists told of each candidate in the run before.
        now: What they tell now.
        probes: Candidates that were listed before and are not any more.
    """
    changed = {
        key for key, (visible, _) in now.items() if before.get(key, ((),))[0] != visible
    }
    for stream in UPSERTED:
        expected = changed
        if stream == ANSWERS:
            expected = {key for key in changed if now[key][1]["questions"]}
        assert sorted(outcome.emitted(stream)) == sorted(expected), stream
        assert set(outcome.buried(stream)) <= probes
    assert sorted(outcome.details) == sorted(changed | probes)


def assert_tombstones(
    outcome: Outcome, gone: set[str], held_answers: set[tuple[str, int]]
) -> None:
    """Each deleted candidate got one tombstone a row: the key and the mark alone."""
    for stream in (CANDIDATES, DETAILS):
        tombstones = outcome.tombstones(stream)
        assert sorted(row["id"] for row in tombstones) == sorted(gone)
        assert all(row.keys() == {"id", DELETED_AT} for row in tombstones)
    tombstones = outcome.tombstones(ANSWERS)
    positions = [(row["candidate_id"], row["position"]) for row in tombstones]
    assert sorted(positions) == sorted(key for key in held_answers if key[0] in gone)
    keys = {"candidate_id", "position", DELETED_AT}
    assert all(row.keys() == keys for row in tombstones)


def assert_history(outcome: Outcome, expected: list[Row]) -> None:
    """The events are those that the run owes, once each."""
    events = [
        {n: value for n, value in row.items() if n not in {"observed_at", "event_id"}}
        for row in outcome.records(HISTORY)
    ]
    assert Counter(map(_text, events)) == Counter(map(_text, expected))
    times = [row["observed_at"] for row in outcome.records(HISTORY)]
    assert times == sorted(times)


def _text(row: Row) -> str:
    return repr(sorted(row.items()))


def play(line: Pipeline, histories: list[list[str]], rng: random.Random) -> None:
    """Let things happen, run, and look at all that must hold; again and again."""
    before: Visible = {}
    buried: Counter[tuple[str, str]] = Counter()
    for kinds in [[], *histories]:
        for kind in kinds:
            with suppress(ValueError):  # there is nothing that it could happen to
                line.happen(rng, 1, [kind])
        answers = set(line.target.alive(ANSWERS))
        outcome = line.run()
        now = line.visible_and_details()
        gone = set(before) - set(now)
        line.assert_true()
        assert_no_more_than_changed(outcome, before, now, gone)
        assert_tombstones(outcome, gone, t.cast("set[tuple[str, int]]", answers))
        assert_history(outcome, line.expected_history())
        buried.update((s, key) for s in FAMILY for key in outcome.buried(s))
        assert not buried or max(buried.values()) == 1
        before = now

        quiet = line.run()
        for stream in FAMILY:
            assert not quiet.records(stream)
        assert not quiet.details
        assert len(quiet.requests) <= budget(line)
    assert line.sandbox.stats.max_in_flight <= line.config["max_concurrency"]


PLAYED = given(
    account=accounts(),
    shapes=SHAPES,
    histories=HISTORIES,
    page_size=PAGE_SIZES,
    concurrency=st.integers(1, 8),
    seed=SEEDS,
)


def play_in_shape(  # noqa: PLR0913
    *,
    account: Account,
    shapes: Shapes,
    histories: list[list[str]],
    page_size: int,
    concurrency: int,
    seed: int,
) -> None:
    with pipeline(account, page_size=page_size, max_concurrency=concurrency) as line:
        line.sandbox.shapes = shapes
        play(line, histories, random.Random(seed))


@settings(TUNED, max_examples=10)
@PLAYED
def test_the_target_equals_the_api_after_every_run(**options: t.Any) -> None:
    play_in_shape(**options)


@pytest.mark.slow
@settings(TUNED, max_examples=200)
@PLAYED
def test_more_histories(**options: t.Any) -> None:
    play_in_shape(**options)


@pytest.mark.parametrize(
    "shapes",
    [
        Shapes(drop_fields=True),
        Shapes(null_fields=True),
        Shapes(extra_fields=True, drop_fields=True, null_fields=True),
    ],
)
def test_fields_that_are_missing_null_or_new_are_no_change(shapes: Shapes) -> None:
    with pipeline(Account.example(candidates=40)) as line:
        line.sandbox.shapes = shapes
        for _ in range(2):
            outcome = line.run()
            rows = truth(line.account, shapes)
            for stream in UPSERTED:
                assert line.target.alive(stream) == rows[stream]
        assert not any(outcome.records(stream) for stream in FAMILY)
        assert not outcome.details
        gone = line.account.listed_ids()[7]
        line.account.delete(gone)
        assert line.run().buried(CANDIDATES) == [gone]
