"""A list that changes while it is read loses nothing: what one run misses, the next one
finds (guarantee 8)."""

from __future__ import annotations

import random
import typing as t
from contextlib import suppress
from math import ceil

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from sandbox import Account, Shapes, random_change
from sandbox.changes import CANDIDATE
from tap_toggl_hire.errors import TapError
from tests.support.histories import WHOLE_RUNS
from tests.support.pipeline import make_account, start_pipeline
from tests.support.streams import UPSERTED
from tests.support.target import candidate_of_key

if t.TYPE_CHECKING:
    from sandbox.messages import Request
    from tests.support.pipeline import MakePipeline

REVERSIBLE = ("rate", "tag")
"""Changes that a later one may take back."""
KINDS = ("add_candidate", "submit", *REVERSIBLE, "delete", "delete anchor", "nothing")
MOST_DELETED = 10  # fewer than a mass deletion
MOST_CHANGES = 40


class ChangeWhileRead:
    """Changes the account with each request, for a while.

    Attributes:
        deleted: The candidates that it deleted.
    """

    def __init__(self, account: Account, kinds: list[str], seed: int) -> None:
        self.deleted: set[str] = set()
        self._account = account
        self._kinds = kinds
        self._rng = random.Random(seed)
        self._left = MOST_CHANGES

    def __call__(self, request: Request) -> None:
        """Make a change of some kind, if it is possible."""
        kind = self._rng.choice(self._kinds)
        self._left -= 1
        is_deletion = kind in {"delete", "delete anchor"}
        if self._left < 0 or (is_deletion and len(self.deleted) == MOST_DELETED):
            return
        with self._account.lock, suppress(ValueError, KeyError):
            candidate_id = ""
            if kind == "delete anchor":  # the last candidate of the page before
                candidate_id = request.query["after_id"]
                self._account.delete(candidate_id)
            elif kind in CANDIDATE:
                _, candidate_id = random_change(self._account, self._rng, [kind])
            if is_deletion:
                self.deleted.add(candidate_id)


def read_moving_lists(  # noqa: PLR0913
    *,
    dead_anchor: t.Any,
    candidates: int,
    page_size: int,
    concurrency: int,
    start_date: str,
    kinds: list[str],
    seed: int,
) -> None:
    """Change the lists during two runs; compare after a third."""
    config = {"page_size": page_size, "max_concurrency": concurrency}
    with start_pipeline(candidates, **config) as pipeline:
        pipeline.sandbox.shapes = Shapes(dead_anchor=dead_anchor)
        deleted: set[str] = set()
        for number in range(2):
            changes = ChangeWhileRead(pipeline.account, kinds, seed + number)
            pipeline.sandbox.on_request = changes
            run = pipeline.extract(start_date=start_date, check=False)
            pipeline.sandbox.on_request = None
            deleted |= changes.deleted
            # What is changed and taken back in both runs waits for re-verification.
            kinds = [kind for kind in kinds if kind not in REVERSIBLE] or ["nothing"]
            # The list may be short, differently in two readings.
            assert run.error is None or isinstance(run.error, TapError)
            assert len(run.requests) < 500
            pipeline.target.load(run.messages)
            for stream in UPSERTED:
                tombstones = pipeline.target.deleted(stream)
                assert set(map(candidate_of_key, tombstones)) <= deleted
        pipeline.run(confirm_mass_deletion=True)  # there may have been few
        pipeline.assert_target_matches_api(UPSERTED)


MOVING_LISTS = given(
    dead_anchor=st.sampled_from(["404", "400", "empty", "restart"]),
    candidates=st.integers(5, 120),
    page_size=st.integers(2, 10),
    concurrency=st.integers(1, 8),
    start_date=st.sampled_from(["2000-01-01", "2025-03-01"]),
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=7),
    seed=st.integers(0, 2**32 - 1),
)


def test_next_run_finds_what_a_run_missed() -> None:
    seed(1)(settings(WHOLE_RUNS, max_examples=15)(MOVING_LISTS(read_moving_lists)))()


@pytest.mark.slow
@pytest.mark.parametrize("number", range(100, 104))
def test_next_run_finds_what_a_run_missed_in_many_lists(number: int) -> None:
    examples = settings(WHOLE_RUNS, max_examples=150)
    seed(number)(examples(MOVING_LISTS(read_moving_lists)))()


# Lists that are wrong


@pytest.mark.parametrize("error", [1, -1])
def test_total_that_is_always_wrong_costs_a_second_reading_alone(
    make_pipeline: MakePipeline, error: int
) -> None:
    """Two readings with two page sizes bring the same candidates."""
    pipeline = make_pipeline(make_account(60, tagged=1.0), page_size=10)
    pipeline.sandbox.shapes = Shapes(total_error=error)
    pipeline.run()
    pipeline.assert_target_matches_api()
    gone, changed, *_ = pipeline.ids
    pipeline.account.delete(gone)
    pipeline.change_rating(changed)
    run = pipeline.run()
    assert sorted(run.details_requested) == sorted([gone, changed])
    pipeline.assert_target_matches_api()
    quiet = pipeline.run()
    assert not quiet.candidate_records
    assert len(quiet.pages_requested) <= 3 * ceil(60 / 10) + 2
