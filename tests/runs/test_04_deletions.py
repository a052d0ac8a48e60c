"""Deletions arrive as tombstones, and nothing else is taken for one (guarantee 4)."""

from __future__ import annotations

import typing as t

import pytest

from sandbox import Fault, Sandbox, details_of
from tests.support.messages import key_of_tombstone
from tests.support.pipeline import DAY, Pipeline, is_page, make_account
from tests.support.streams import (
    ALL_STREAMS,
    ANSWERS,
    CANDIDATE_STREAMS,
    CANDIDATES,
    DETAILS,
    HISTORY,
    LISTS,
    UPSERTED,
)

if t.TYPE_CHECKING:
    from tests.support.pipeline import MakePipeline

CONFIRM = "confirm_mass_deletion"


def has_tombstones(run: t.Any) -> bool:
    return any(run.tombstones(stream) for stream in CANDIDATE_STREAMS)


def test_deleted_candidate_leaves_one_tombstone_per_row(pipeline: Pipeline) -> None:
    pipeline.run()
    gone = pipeline.ids[0]
    pipeline.account.delete(gone)
    run = pipeline.run()
    asked, proof = run.details_requested  # a living one shows that the endpoint works
    assert (asked, proof in pipeline.ids) == (gone, True)
    for stream in (CANDIDATES, DETAILS):
        assert [key_of_tombstone(row) for row in run.tombstones(stream)] == [
            {"id": gone}
        ]
    assert [key_of_tombstone(row) for row in run.tombstones(ANSWERS)] == [
        {"candidate_id": gone, "position": 0},
        {"candidate_id": gone, "position": 1},
    ]
    assert run.events() == [("deleted", gone)]
    pipeline.assert_target_matches_api()
    assert not pipeline.run().candidate_records


def test_answers_that_are_gone_leave_tombstones(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline(reverify_days=1)
    candidate_id = pipeline.ids[0]
    pipeline.account.set_questions(candidate_id, 5)
    pipeline.run()
    pipeline.account.set_questions(candidate_id, 2)
    pipeline.now += 2 * DAY
    run = pipeline.run()
    assert [row["position"] for row in run.tombstones(ANSWERS)] == [2, 3, 4]
    pipeline.assert_target_matches_api()
    pipeline.account.delete(candidate_id)
    run = pipeline.run()  # the two that were left
    assert [row["position"] for row in run.tombstones(ANSWERS)] == [0, 1]


def test_archived_candidates_stay_and_are_re_verified(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = make_pipeline(40, reverify_days=3)
    pipeline.run()
    archived = pipeline.ids[:30]  # more than the limit on deletions
    for candidate_id in archived:
        pipeline.account.archive(candidate_id)
    run = pipeline.run()
    assert sorted(run.details_requested) == sorted(archived)
    assert not run.candidate_records
    assert not pipeline.run().candidate_records
    gone, changed, *_ = archived
    pipeline.account.delete(gone)
    pipeline.change_rating(changed)
    pipeline.now += 4 * DAY
    assert pipeline.run().events() == [("updated", changed), ("deleted", gone)]
    pipeline.assert_target_matches_api(UPSERTED, archived=True)


@pytest.mark.parametrize("is_reverified", [False, True])
def test_listed_candidate_whose_details_are_not_found_is_not_deleted(
    make_pipeline: MakePipeline, *, is_reverified: bool
) -> None:
    pipeline = make_pipeline(reverify_days=int(is_reverified))
    pipeline.run()
    failing = pipeline.ids[3]
    if not is_reverified:
        pipeline.change_rating(failing)
    pipeline.now += 2 * DAY
    pipeline.sandbox.faults = [Fault("status", status=404, match=details_of(failing))]
    run = pipeline.run(select=ALL_STREAMS)
    assert run.details_requested.count(failing) == 1
    assert run.emitted(CANDIDATES) == ([] if is_reverified else [failing])
    assert not has_tombstones(run)
    [summary] = run.records("sync_runs")
    assert summary["candidates_without_details"] == 1
    assert summary["outcome"] == "complete"
    assert pipeline.run().details_requested == [failing]  # they stay due
    pipeline.sandbox.faults = []
    assert pipeline.run().details_requested == [failing]
    pipeline.assert_target_matches_api()


# Many deletions


def test_mass_deletion_has_to_be_confirmed(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline(60)
    pipeline.run()
    kept, *gone = pipeline.ids[:40]
    for candidate_id in gone:
        pipeline.account.delete(candidate_id)
    pipeline.change_rating(kept)
    run = pipeline.run_failing(CONFIRM)
    assert "another workspace" in str(run.error)
    assert not has_tombstones(run)
    assert run.emitted(DETAILS) == [kept]
    run = pipeline.run(confirm_mass_deletion=True)
    assert sorted(run.deleted(CANDIDATES)) == sorted(gone)
    pipeline.assert_target_matches_api()


@pytest.mark.parametrize("candidates", [15, 300])
def test_list_that_is_empty_by_mistake_deletes_nothing(
    make_pipeline: MakePipeline, candidates: int
) -> None:
    pipeline = make_pipeline(candidates)
    pipeline.run()
    pipeline.sandbox.faults = [Fault("short_list", match=is_page, total="short")]
    run = pipeline.run(full_table=UPSERTED)
    asked_first = min(candidates, 21)
    # One more may prove the workspace.
    assert asked_first <= len(run.details_requested) <= asked_first + 1
    assert not has_tombstones(run)
    assert run.activated == set(LISTS)
    pipeline.sandbox.faults = []
    assert pipeline.run().details_requested == []
    pipeline.assert_target_matches_api()


# The proof of the workspace


@pytest.mark.parametrize(
    ("select", "config"),
    [
        (ALL_STREAMS, {}),
        (LISTS, {}),
        (ALL_STREAMS, {"candidate_filters": {"min_rating": 1}}),
        ([HISTORY], {"start_date": "2099-01-01"}),
    ],
    ids=["all streams", "lists", "narrowed", "an empty list"],
)
def test_run_with_the_key_of_another_workspace_writes_nothing(
    make_pipeline: MakePipeline, select: t.Any, config: dict[str, t.Any]
) -> None:
    pipeline = make_pipeline(50)
    pipeline.run()
    with Sandbox(make_account(30, seed=7)) as other:
        pipeline.sandbox = other
        run = pipeline.run_failing(
            CONFIRM,
            select=select,
            **{"api_key": other.api_key, "api_url": other.url, **config},
        )
    assert "api_key" in str(run.error)
    assert run.messages == []
    assert len(set(run.details_requested)) == len(run.details_requested) == 20


def test_small_workspace_whose_candidates_are_all_deleted_has_to_be_confirmed(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = make_pipeline(5)
    pipeline.run()
    gone = pipeline.ids
    for candidate_id in gone:
        pipeline.account.delete(candidate_id)
    assert pipeline.run_failing(CONFIRM).messages == []
    run = pipeline.run(confirm_mass_deletion=True)
    assert sorted(run.deleted(DETAILS)) == sorted(gone)
    # The state knows none that is alive, so that there is nothing left to prove.
    assert not pipeline.run().candidate_records
    pipeline.account.add_candidate()
    pipeline.run()
    pipeline.assert_target_matches_api()


# Does the endpoint work?


def test_endpoint_that_is_gone_deletes_no_candidate(
    make_pipeline: MakePipeline,
) -> None:
    """List rows are emitted, and the run fails at its end; the next one goes on."""
    pipeline = make_pipeline(30)
    pipeline.run()
    changed, *archived = pipeline.ids[:5]
    for candidate_id in archived:
        pipeline.account.archive(candidate_id)
    pipeline.change_rating(changed)
    pipeline.sandbox.faults = [Fault("status", status=404, match="candidate")]
    run = pipeline.run_failing("GET /candidates/{id} does not work")
    assert not has_tombstones(run)
    assert run.emitted(CANDIDATES) == [changed]
    pipeline.sandbox.faults = []
    pipeline.run()
    pipeline.assert_target_matches_api(archived=True)


def test_eight_candidates_that_fail_do_not_keep_a_run_from_deletions(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = make_pipeline(30)
    pipeline.run()
    *failing, gone = pipeline.ids[:9]
    for candidate_id in failing:
        pipeline.change_rating(candidate_id)
    pipeline.account.delete(gone)
    pipeline.sandbox.faults = [Fault("status", status=500, match=details_of(*failing))]
    run = pipeline.run_failing("HTTP 500")
    assert run.emitted(CANDIDATES) == failing
    assert ("deleted", gone) in run.events()


def test_proof_that_fails_is_no_proof_that_the_endpoint_is_gone(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = make_pipeline()
    pipeline.run()
    gone = pipeline.ids[0]
    pipeline.account.delete(gone)
    pipeline.sandbox.faults = [Fault("status", status=503, match="candidate", after=1)]
    run = pipeline.run_failing("HTTP 503")
    assert run.is_transient_failure
    assert not has_tombstones(run)
