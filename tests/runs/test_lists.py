"""Lists that move while they are read, or are wrong (contract 3.1, 3.2, 3.8)."""

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
from tests.runs.pipelines import account, key_of, pipeline
from tests.runs.test_histories import TUNED, budget
from tests.support.streams import STREAMS, SYNC_RUNS, UPSERTED

if t.TYPE_CHECKING:
    from sandbox.messages import Request

SIZE = 10


@pytest.mark.parametrize(
    ("candidates", "size", "tags"), [(60, 10, 2), (40, 1, 10), (100, 7, 6), (0, 5, 1)]
)
def test_a_run_without_changes_stays_within_its_requests(
    candidates: int, size: int, tags: int
) -> None:
    """Though the lists of tags are long, too, and are read from both ends."""
    with pipeline(account(candidates, tags=tags, tagged=1.0), page_size=size) as line:
        line.run()
        outcome = line.run(select=[SYNC_RUNS, *STREAMS])
        assert outcome.is_quiet
        assert not outcome.details
        assert len(outcome.records(SYNC_RUNS)) == 1
        assert len(outcome.requests) <= budget(line)


# Lists that move

FLIPPED = ("rate", "tag")
KINDS = ("add_candidate", "submit", *FLIPPED, "delete", "anchor", "nothing")


class Churn:
    """Changes the account while its lists are read.

    Attributes:
        deleted: Candidates that it deleted: fewer than a mass deletion.
    """

    def __init__(self, account: Account, kinds: list[str], seed: int) -> None:
        self.deleted: set[str] = set()
        self._account = account
        self._kinds = kinds
        self._rng = random.Random(seed)
        self._left = 40

    def __call__(self, request: Request) -> None:
        """Make a change, such as to delete the last candidate that was read."""
        kind = self._rng.choice(self._kinds)
        self._left -= 1
        is_deletion = kind in {"delete", "anchor"}
        if self._left < 0 or (is_deletion and len(self.deleted) == 10):
            return
        with self._account.lock, suppress(ValueError, KeyError):
            if kind in CANDIDATE:
                _, one = random_change(self._account, self._rng, [kind])
            elif kind == "anchor":
                one = request.query["after_id"]
                self._account.delete(one)
            self.deleted |= {one} if is_deletion else set()


def play(  # noqa: PLR0913
    *,
    dead_anchor: t.Any,
    candidates: int,
    page_size: int,
    concurrency: int,
    start_date: str,
    kinds: list[str],
    seed: int,
) -> None:
    options = {"page_size": page_size, "max_concurrency": concurrency}
    with pipeline(account(candidates), **options) as line:
        line.sandbox.shapes = Shapes(dead_anchor=dead_anchor)
        deleted: set[str] = set()
        for number in range(2):  # a first run and a later one
            churn = Churn(line.account, kinds, seed + number)
            line.sandbox.on_request = churn
            outcome = line.attempt(start_date=start_date)
            line.sandbox.on_request = None
            deleted |= churn.deleted
            # Values that change back and forth in both runs wait for re-verification.
            kinds = [kind for kind in kinds if kind not in FLIPPED] or ["nothing"]
            # The list may be short, differently in two readings.
            assert outcome.error is None or isinstance(outcome.error, TapError)
            assert len(outcome.requests) < 500
            line.target.load(outcome.messages)
            for stream in UPSERTED:
                assert set(map(key_of, line.target.deleted(stream))) <= deleted
        line.run(confirm_mass_deletion=True)  # there may have been few
        line.assert_true(UPSERTED)


PLAYED = given(
    dead_anchor=st.sampled_from(["404", "400", "empty", "restart"]),
    candidates=st.integers(5, 120),
    page_size=st.integers(2, 10),
    concurrency=st.integers(1, 8),
    start_date=st.sampled_from(["2000-01-01", "2025-03-01"]),
    kinds=st.lists(st.sampled_from(KINDS), min_size=1, max_size=7),
    seed=st.integers(0, 2**32 - 1),
)


def test_what_one_run_misses_the_next_one_finds() -> None:
    seed(1)(settings(TUNED, max_examples=15)(PLAYED(play)))()


@pytest.mark.slow
@pytest.mark.parametrize("number", range(100, 104))
def test_what_one_run_misses_the_next_one_finds_in_many_lists(number: int) -> None:
    seed(number)(settings(TUNED, max_examples=150)(PLAYED(play)))()


# Lists that are wrong


@pytest.mark.parametrize("wrong", [1, -1])
def test_a_total_that_is_always_wrong(
    wrong: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Two readings with two page sizes bring the same candidates."""
    with pipeline(account(60, tagged=1.0), page_size=SIZE) as line:
        line.sandbox.shapes = Shapes(total_error=wrong)
        line.run()
        line.assert_true()
        assert ("taken as complete" in caplog.text) is (wrong > 0)
        gone, changed, *_ = line.ids
        line.account.delete(gone)
        line.rate(changed)
        outcome = line.run()
        assert sorted(outcome.details) == sorted([gone, changed])
        line.assert_true()
        quiet = line.run()
        assert quiet.is_quiet
        assert len(quiet.pages) <= 3 * ceil(60 / SIZE) + 2
