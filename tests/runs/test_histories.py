"""Whatever happens between runs: the target equals the API, at the cost promised."""

from __future__ import annotations

import math
import random
import typing as t
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sandbox import Account, Shapes
from sandbox.changes import VISIBLE
from tests.runs.pipelines import (
    ANSWERS,
    CANDIDATES,
    DETAILS,
    FAMILY,
    HISTORY,
    LISTS,
    UPSERTED,
    Outcome,
    Pipeline,
    pipeline,
    who,
)
from tests.support.truth import truth

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
KINDS = tuple(kind for kind in VISIBLE if kind != "delete_opening")
"""A setting may name an opening, and a state is told from another's by them."""
SHAPES = st.builds(
    Shapes,
    last_page=st.sampled_from(["null", "empty", "missing", "no_links", "empty_links"]),
    next_link=st.sampled_from(["absolute", "path", "bare"]),
    trailing_link=st.booleans(),
    page_small_lists=st.sampled_from([None, 2]),
    total=st.sampled_from(["present", "present", "missing"]),
    dead_anchor=st.sampled_from(["404", "400", "empty", "restart"]),
).filter(lambda shapes: shapes.total == "present" or not shapes.trailing_link)
"""Without a total, an empty page after the last one is not told from a fault, and
costs a request."""


@dataclass(frozen=True)
class Step:
    """What one run is like, and what happens before it.

    Attributes:
        kinds: Of change, one after the other.
        restored: Whether one who was deleted is restored.
        select: The streams of candidates.
        scope: A number of `scopes`.
        pii: The setting.
        ends: The share of its messages that the target sees; 1 for a whole run.
        loses: Whether the state is lost then, and a whole load follows.
    """

    kinds: list[str]
    restored: bool = False
    select: frozenset[str] = frozenset(FAMILY)
    scope: int = 0
    pii: str = "keep"
    ends: float = 1.0
    loses: bool = False


MOSTLY = st.just(frozenset(FAMILY))
STEPS = st.builds(
    Step,
    kinds=st.lists(st.sampled_from(KINDS), max_size=8),
    restored=st.booleans(),
    select=st.one_of(MOSTLY, st.frozensets(st.sampled_from(FAMILY), min_size=1)),
    scope=st.sampled_from([0, 0, 0, 1, 2, 3]),
    pii=st.sampled_from(["keep", "keep", "drop", "hash"]),
    ends=st.sampled_from([1.0, 1.0, 0.2, 0.5, 0.8]),
    loses=st.sampled_from([False, False, False, True]),
)


def scopes(account: Account) -> list[dict[str, t.Any]]:
    """Settings that narrow a run; the first one does not."""
    return [
        {},
        {"start_date": "2025-03-01"},
        {"job_opening_ids": [account.openings()[0]["id"]]},
        {"candidate_filters": {"min_rating": 1}},
    ]


def in_scope(account: Account, scope: dict[str, t.Any], key: str) -> bool:
    """Whether a listed candidate is one that a scope takes in."""
    row = account.row(key)
    openings, filters = scope.get("job_opening_ids"), scope.get("candidate_filters")
    return (
        row["started_at"] >= scope.get("start_date", "")
        and (openings is None or row["job_opening_id"] in openings)
        and (filters is None or row["rating"] >= filters["min_rating"])
    )


class Histories:
    """Plays steps, and looks at all that must hold after each.

    Attributes:
        dead: Details of those who are deleted, to restore them.
        deleted: All who ever were. One who is restored may get a tombstone that was
            owed, where the scope leaves it out.
        is_told_of_all: Whether the history has each deletion: no state was lost.
    """

    def __init__(self, line: Pipeline, seed: int) -> None:
        self.line = line
        self.account = line.account
        self.rng = random.Random(seed)
        self.scopes = scopes(self.account)
        self.dead: dict[str, t.Any] = {}
        self.deleted: set[str] = set()
        self.is_told_of_all = True

    def play(self, steps: list[Step]) -> None:
        """Play steps, and then a run of all that there is."""
        whole = Step([])
        for step in [whole, *steps]:
            self._happen(step)
            self._run(step)
            if step.loses:
                self.line.target.state = {}
                self.is_told_of_all = False
                self._run(replace(whole, ends=step.ends))
                self._run(whole)
        # The last pii counts for whoever is read with it.
        self._run(whole)
        self.line.assert_true()
        self._assert_history()
        quiet = self.line.run()
        assert not any(quiet.records(stream) for stream in FAMILY)
        assert not quiet.details
        assert len(quiet.requests) <= budget(self.line)

    def _happen(self, step: Step) -> None:
        before = {key: self.account.detail(key) for key in self.account.listed_ids()}
        for kind in step.kinds:
            with suppress(ValueError):  # there is nothing that it could happen to
                self.line.happen(self.rng, 1, [kind])
        gone = before.keys() - set(self.account.listed_ids())
        self.dead |= {key: before[key] for key in sorted(gone)}
        self.deleted |= gone
        if step.restored and self.dead:
            one = self.rng.choice(sorted(self.dead))
            detail = self.dead.pop(one)
            tags = {tag["id"] for tag in self.account.tags()}
            detail["tag_ids"] = [tag for tag in detail["tag_ids"] if tag in tags]
            self.line.restore(detail)

    def _run(self, step: Step) -> None:
        line, scope = self.line, self.scopes[step.scope]
        known = {
            key for s in UPSERTED for key in map(_who, line.target.tables.get(s, {}))
        }
        outcome = line.attempt(
            select=[*LISTS, *step.select], slow=step.ends < 1, pii=step.pii, **scope
        ).good()
        messages = outcome.messages[: math.ceil(step.ends * len(outcome.messages))]
        line.load(messages)
        # No false tombstone, no request too many.
        for stream in UPSERTED:
            assert set(outcome.buried(stream)) <= self.deleted
        counts = [outcome.details.count(key) for key in set(outcome.details)]
        assert max(counts, default=0) <= 1
        assert set(outcome.details) <= known | set(self.account.listed_ids())
        if step.ends == 1:
            self._assert_holds(step, scope, outcome)

    def _assert_holds(
        self, step: Step, scope: dict[str, t.Any], outcome: Outcome
    ) -> None:
        rows = truth(self.account)
        inside = {key for key in rows[CANDIDATES] if in_scope(self.account, scope, key)}
        for stream in step.select & set(UPSERTED):
            held = self.line.target.alive(stream)
            assert set(outcome.emitted(stream)) <= inside
            for key, row in rows[stream].items():
                if _who(key) in inside:
                    shown = held[key]
                    if step.pii == "keep":
                        assert shown == row, stream
                    else:
                        assert shown.get("email") in (None, "") or (
                            shown["email"] != row["email"]
                        )

    def _assert_history(self) -> None:
        """What the history tells last of each candidate is how it is now."""
        last: dict[str, t.Any] = {}
        events = self.line.target.alive(HISTORY).values()
        for event in sorted(events, key=lambda row: str(row["observed_at"])):
            last[who(event)] = event
        rows = truth(self.account)
        for key, row in rows[CANDIDATES].items():
            tags = sorted(rows[DETAILS][key]["tag_ids"])
            assert last[key]["tag_ids"] == tags
            assert all(last[key][name] == row[name] for name in ("rating", "score"))
        for key in last.keys() - rows[CANDIDATES].keys():
            assert last[key]["event"] == "deleted" or not self.is_told_of_all


def _who(key: t.Any) -> str:
    found: str = key[0] if isinstance(key, tuple) else key
    return found


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


PLAYED = given(
    candidates=st.integers(0, 40),
    shapes=SHAPES,
    steps=st.lists(STEPS, min_size=1, max_size=7),
    page_size=st.one_of(st.integers(1, 7), st.integers(1, 100)),
    concurrency=st.integers(1, 8),
    seed=SEEDS,
)


def play(  # noqa: PLR0913
    *,
    candidates: int,
    shapes: Shapes,
    steps: list[Step],
    page_size: int,
    concurrency: int,
    seed: int,
) -> None:
    made = Account.example(
        candidates=candidates, openings=2, tags=3, questions=2, in_progress=5, seed=seed
    )
    options = {"page_size": page_size, "max_concurrency": concurrency}
    with pipeline(made, pii_hash_key="secret", **options) as line:
        line.sandbox.shapes = shapes
        Histories(line, seed).play(steps)
        assert line.sandbox.stats.max_in_flight <= concurrency


@settings(TUNED, max_examples=12)
@PLAYED
def test_the_target_equals_the_api(**options: t.Any) -> None:
    play(**options)


@pytest.mark.slow
@settings(TUNED, max_examples=300)
@PLAYED
def test_more_histories(**options: t.Any) -> None:
    play(**options)


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
        for _ in range(3):
            outcome = line.run()
            rows = truth(line.account, shapes)
            for stream in UPSERTED:
                assert line.target.alive(stream) == rows[stream]
        assert not any(outcome.records(stream) for stream in FAMILY)
        assert not outcome.details
        gone = line.account.listed_ids()[7]
        answers = [key for key in line.target.alive(ANSWERS) if key[0] == gone]
        line.account.delete(gone)
        outcome = line.run()
        assert outcome.buried(CANDIDATES) == [gone]
        assert len(outcome.tombstones(ANSWERS)) == len(answers)
        for stream in (CANDIDATES, DETAILS):  # whole records, null but for the key
            [columns] = {tuple(row) for row in outcome.tombstones(stream)}
            assert set(columns) >= rows[stream][next(iter(rows[stream]))].keys()
