"""`job_opening_ids`, `candidate_filters` and `start_date` select candidates; leaving
the selection is not a deletion (guarantee 5)."""

from __future__ import annotations

import json
import typing as t

import pytest

from tests.support.pipeline import DAY, make_account
from tests.support.streams import (
    ALL_STREAMS,
    CANDIDATES,
    DETAILS,
    HISTORY,
    SYNC_RUNS,
    UPSERTED,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Account
    from tests.support.pipeline import MakePipeline

Json = dict[str, t.Any]

ACCOUNT = make_account(60, openings=4, tags=6, tagged=0.5)
"""An account for tests that do not change it."""
ALL_DETAILS = [ACCOUNT.detail(candidate_id) for candidate_id in ACCOUNT.listed_ids()]
OPENINGS = [opening["id"] for opening in ACCOUNT.openings()]
TAGS = next(d["tag_ids"] for d in ALL_DETAILS if len(d["tag_ids"]) > 1)
PLUS = next(d["email"] for d in ALL_DETAILS if "+" in d["email"])
CATEGORY = next(d["category_id"] for d in ALL_DETAILS if d["category_id"])


class Narrowing(t.NamedTuple):
    """Settings, and whether a candidate with these details is selected by them."""

    settings: Json
    selects: Callable[[Json], bool]


def filtered(selects: Callable[[Json], bool], **filters: t.Any) -> Narrowing:
    return Narrowing({"candidate_filters": filters}, selects)


FILTERS = [
    filtered(lambda d: d["category_id"] == CATEGORY, category_id=CATEGORY),
    filtered(lambda d: set(TAGS) <= set(d["tag_ids"]), tag_ids=TAGS),
    filtered(lambda d: d["hire_state"] == "rejected", hire_state="rejected"),
    filtered(lambda d: d["score"] >= 40, min_score=40),
    filtered(lambda d: d["score"] <= 60, max_score=60),
    filtered(lambda d: 1 <= d["rating"] <= 2, min_rating=1, max_rating=2),
    filtered(lambda d: d["email"] == PLUS, email=PLUS),
    filtered(
        lambda d: d["score"] >= 20 and d["hire_state"] == "rejected",
        min_score=20,
        hire_state="rejected",
        tag_ids=None,
    ),
]
EVERY = [
    *FILTERS,
    Narrowing(
        {"start_date": "2025-03-01T12:00:00+05:00"},
        lambda d: d["started_at"] >= "2025-03-01T07:00:00",
    ),
    Narrowing(
        {"job_opening_ids": OPENINGS[:2]},
        lambda d: d["job_opening_id"] in OPENINGS[:2],
    ),
]


def selected_ids(account: Account, narrowing: Narrowing) -> list[str]:
    """Return the IDs of some, but not all candidates of an account."""
    ids = account.listed_ids()
    selected = [key for key in ids if narrowing.selects(account.detail(key))]
    assert 0 < len(selected) < len(ids)
    return selected


@pytest.mark.parametrize("narrowing", EVERY, ids=lambda n: str(n.settings))
def test_leaving_the_selection_is_no_deletion(
    make_pipeline: MakePipeline, narrowing: Narrowing
) -> None:
    account = make_account(60, openings=4, tags=6, tagged=0.5)
    pipeline = make_pipeline(account)
    pipeline.run()
    inside = selected_ids(account, narrowing)
    outside = sorted(set(pipeline.ids) - set(inside))
    narrowed = pipeline.run(**narrowing.settings)
    assert not narrowed.candidate_records
    assert sorted(narrowed.details_requested) == outside  # few, so all are asked for
    assert pipeline.run(**narrowing.settings).details_requested == []
    gone_inside, gone_outside = inside[0], outside[0]
    account.delete(gone_inside)
    account.delete(gone_outside)
    assert pipeline.run(**narrowing.settings).deleted(CANDIDATES) == [gone_inside]
    assert pipeline.run().deleted(CANDIDATES) == [gone_outside]
    pipeline.assert_target_matches_api()


def test_deletion_outside_the_selection_is_found_by_re_verification(
    make_pipeline: MakePipeline,
) -> None:
    narrowed = {"candidate_filters": {"min_rating": 1}}
    pipeline = make_pipeline(20, reverify_days=2)
    for number, candidate_id in enumerate(pipeline.ids):
        pipeline.account.rate(candidate_id, int(number < 10))
    pipeline.run()
    pipeline.run(**narrowed)
    gone = pipeline.ids[15]
    pipeline.account.delete(gone)
    assert not pipeline.run(**narrowed).tombstones(DETAILS)
    pipeline.now += 3 * DAY
    assert pipeline.run(**narrowed).deleted(DETAILS) == [gone]
    pipeline.assert_target_matches_api()


# What a first run with narrower settings reads


@pytest.mark.parametrize("narrowing", FILTERS, ids=lambda n: str(n.settings))
def test_filters_are_the_api_s_own(
    make_pipeline: MakePipeline, narrowing: Narrowing
) -> None:
    pipeline = make_pipeline(ACCOUNT, page_size=7)
    run = pipeline.run(**narrowing.settings)
    selected = selected_ids(ACCOUNT, narrowing)
    pipeline.assert_target_matches_api(only=selected)
    assert sorted(run.details_requested) == sorted(selected)
    filters = dict(narrowing.settings["candidate_filters"])
    tag_ids = filters.pop("tag_ids", None) or []
    for request in run.requests:
        if request.kind == "candidates":
            assert set(tag_ids) <= set(request.query.get("tag_ids", "").split(","))
            assert {name: request.query[name] for name in filters} == {
                name: str(value) for name, value in filters.items()
            }
        else:
            assert not set(request.query) & {*filters, "tag_ids"}


def test_history_has_all_tags_of_candidates_that_a_tag_selects(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = make_pipeline(ACCOUNT)
    run = pipeline.run(candidate_filters={"tag_ids": TAGS[:1]})
    tag_ids = {row["candidate_id"]: row["tag_ids"] for row in run.records(HISTORY)}
    assert tag_ids == {
        details["id"]: sorted(details["tag_ids"])
        for details in ALL_DETAILS
        if TAGS[0] in details["tag_ids"]
    }


@pytest.mark.parametrize("count", [1, 2])
def test_job_openings_select_openings_categories_and_candidates(
    make_pipeline: MakePipeline, count: int
) -> None:
    chosen = OPENINGS[1 : 1 + count]
    pipeline = make_pipeline(ACCOUNT, page_size=7)
    run = pipeline.run(job_opening_ids=[*chosen, int(chosen[0]), chosen[0]])
    assert sorted(pipeline.target.alive("job_openings")) == sorted(chosen)
    assert sorted(pipeline.target.alive("categories")) == sorted(
        category["id"]
        for category in ACCOUNT.categories()
        if category["job_opening_id"] in chosen
    )
    selected = [d["id"] for d in ALL_DETAILS if d["job_opening_id"] in chosen]
    pipeline.assert_target_matches_api(UPSERTED, only=selected)
    # Each opening that is named twice is requested once.
    openings = [r.route.item_id for r in run.requests if r.kind == "opening"]
    assert sorted(openings) == sorted(chosen)
    queries = [
        r.query["job_opening_id"] for r in run.requests if r.kind == "categories"
    ]
    assert queries == chosen
    assert not any(request.kind == "openings" for request in run.requests)


@pytest.mark.parametrize("stream", ["candidates", "categories", "job_openings"])
def test_unknown_opening_is_an_error(make_pipeline: MakePipeline, stream: str) -> None:
    """Exit code 0 would say that its candidates were read."""
    pipeline = make_pipeline(ACCOUNT)
    run = pipeline.run_failing(
        "no job opening no/such: remove it from the setting job_opening_ids",
        select=[stream],
        job_opening_ids=[OPENINGS[0], "no/such"],
    )
    assert run.details_requested == []


def test_all_narrowing_settings_apply_together(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline(ACCOUNT)
    run = pipeline.run(
        select=ALL_STREAMS,
        job_opening_ids=OPENINGS[:2],
        candidate_filters={"min_score": 30, "tag_ids": None},
        start_date="2025-02-01",
    )
    selected = [
        details["id"]
        for details in ALL_DETAILS
        if details["job_opening_id"] in OPENINGS[:2]
        and details["score"] >= 30
        and details["started_at"] >= "2025-02-01"
    ]
    assert selected
    pipeline.assert_target_matches_api(UPSERTED, only=selected)
    [summary] = run.records(SYNC_RUNS)
    assert json.loads(summary["scope"]) == {
        "job_opening_ids": OPENINGS[:2],
        "candidate_filters": {"min_score": "30"},
        "start_date": "2025-02-01T00:00:00+00:00",
    }
