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

from sandbox import Account, Fault, Shapes, random_change
from sandbox.changes import CANDIDATE
from tap_toggl_hire.errors import TapError
from tests.support.histories import SEED, WHOLE_RUNS
from tests.support.pipeline import is_page, make_account, start_pipeline
from tests.support.streams import CANDIDATES, UPSERTED
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
@pytest.mark.parametrize("number", range(SEED, SEED + 4))
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
    assert {*run.details_requested} == {gone, changed}
    pipeline.assert_target_matches_api()
    quiet = pipeline.run()
    assert not quiet.candidate_records
    assert len(quiet.pages_requested) <= 3 * ceil(60 / 10) + 2


# Lists that contradict themselves


def is_later_page(request: Request) -> bool:
    return is_page(request) and "after_id" in request.query


def repeat_rows(request: Request, body: t.Any) -> t.Any:
    """Show the first two rows of each full page twice, and count them in `total`."""
    if len(body["data"]) == int(request.query["limit"]):
        body["data"][2:2] = body["data"][:2]
    body["total"] += 10
    return body


@pytest.mark.parametrize("workers", [1, 8])
def test_rows_that_a_list_has_twice_fail_no_run(
    make_pipeline: MakePipeline, workers: int
) -> None:
    pipeline = make_pipeline(60, page_size=10, max_concurrency=workers)
    pipeline.sandbox.faults = [Fault("rewrite", match=is_page, change=repeat_rows)]
    pipeline.run()
    pipeline.assert_target_matches_api()
    gone = pipeline.ids[0]
    pipeline.account.delete(gone)
    assert pipeline.run().events() == [("deleted", gone)]
    assert not pipeline.run().candidate_records


def test_submission_between_two_readings_fails_no_run(
    make_pipeline: MakePipeline,
) -> None:
    """The second reading lacks none of the first's rows."""
    pipeline = make_pipeline(30, page_size=10, max_concurrency=1)
    pipeline.sandbox.shapes = Shapes(total_error=5)
    late: list[str] = []

    def submit(request: Request) -> None:
        if request.query.get("limit") == "6" and not late:  # the second reading
            late.append(pipeline.account.in_progress_ids()[0])
            pipeline.account.submit(late[0])

    pipeline.sandbox.on_request = submit
    pipeline.run()
    assert late
    pipeline.sandbox.on_request = None
    pipeline.run()
    pipeline.assert_target_matches_api()


def test_short_list_deletes_nothing_and_fails_the_run(
    make_pipeline: MakePipeline,
) -> None:
    """The place to go on from is lost after each first page."""
    pipeline = make_pipeline(30, page_size=10)
    pipeline.run()
    gone, changed, *_ = pipeline.ids
    pipeline.account.delete(gone)
    pipeline.change_rating(changed)
    pipeline.sandbox.faults = [Fault("status", status=404, match=is_later_page)]
    run = pipeline.run_failing("fewer rows than its total")
    assert run.is_transient_failure
    assert run.events() == [("updated", changed)]


def test_page_that_fails_permanently_ends_the_reading_from_its_end(
    make_pipeline: MakePipeline,
) -> None:
    """What both ends list before that page is emitted, and the run fails at its end."""
    pipeline = make_pipeline(60, page_size=10)
    ids = pipeline.ids
    broken = {ids[19], ids[40]}  # one seen from each end
    pipeline.sandbox.faults = [
        Fault(
            "status",
            match=lambda r: is_page(r) and r.query.get("after_id") in broken,
        )
    ]
    run = pipeline.run_failing("HTTP 500")
    assert run.is_transient_failure
    assert {*run.emitted(CANDIDATES)} == {*ids[:20], *ids[40:]}
    assert not run.activated & {*UPSERTED}
    pipeline.sandbox.faults = []
    pipeline.run()
    pipeline.assert_target_matches_api()


def test_list_in_another_order_than_asked_for_names_the_start_date(
    make_pipeline: MakePipeline,
) -> None:
    """Its first row is too old: the list would end there, with exit code 0."""

    def ascend(_: Request, body: t.Any) -> t.Any:
        body["data"].reverse()
        return body

    pipeline = make_pipeline(30, page_size=10, start_date="2025-01-01")
    pipeline.sandbox.faults = [Fault("rewrite", match=is_page, change=ascend)]
    pipeline.run_failing("start_date")
