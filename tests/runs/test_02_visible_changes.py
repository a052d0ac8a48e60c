"""A change that a list row or a list of tags shows arrives with the next run, and
emits no other candidate (guarantee 2)."""

from __future__ import annotations

import typing as t

import pytest

from sandbox import Account, Fault, Shapes
from sandbox.invented import signed_link
from tests.support.pipeline import make_account
from tests.support.streams import (
    CANDIDATE_STREAMS,
    CANDIDATES,
    DETAILS,
    HISTORY,
    UPSERTED,
)

if t.TYPE_CHECKING:
    from sandbox.messages import Request
    from tests.support.pipeline import MakePipeline, Pipeline

Change = t.Callable[[Account, str], object]


def other_points(account: Account, candidate_id: str) -> tuple[int, float]:
    """Return a question that the candidate answered, and other points for it."""
    detail = account.detail(candidate_id)
    points = {answer["question_id"]: answer["points"] for answer in detail["answers"]}
    for position, question in enumerate(detail["questions"]):
        if str(question["id"]) in points:
            return position, points[str(question["id"])] + 0.25
    raise LookupError


IN_HISTORY: dict[str, Change] = {
    "rating": lambda account, key: account.rate(key, 3 - account.row(key)["rating"]),
    "hire_state": lambda account, key: account.set_hire_state(
        key, "rejected" if account.row(key)["hire_state"] != "rejected" else ""
    ),
    "category_id": lambda account, key: account.move(
        key, None if account.row(key)["category_id"] else account.categories()[0]["id"]
    ),
    "points score": lambda account, key: account.grade(
        key, *other_points(account, key)
    ),
    "tag_ids": lambda account, key: account.tag(key, account.add_tag()),
    "job_opening_id": lambda account, key: account.set_field(
        key, "job_opening_id", account.add_opening()
    ),
}
"""Changes of the fields that `candidate_history` has."""
NOT_IN_HISTORY: dict[str, Change] = {
    "name": lambda account, key: account.set_field(key, "name", "Another Name"),
    "email": lambda account, key: account.set_field(key, "email", "a@example.com"),
    "contact_info": lambda account, key: account.set_field(key, "contact_info", None),
    "finished_at": lambda account, key: account.set_field(
        key, "finished_at", "2025-12-31T00:00:00"
    ),
}


@pytest.mark.parametrize(
    "select",
    [CANDIDATE_STREAMS, (HISTORY,)],
    ids=["all streams", "history alone"],
)
def test_change_of_each_field_arrives_and_is_a_row_of_the_history(
    make_pipeline: MakePipeline, select: tuple[str, ...]
) -> None:
    pipeline = make_pipeline(make_account(12, tagged=0.5))
    account = pipeline.account
    before = {
        r["candidate_id"]: r for r in pipeline.run(select=select).records(HISTORY)
    }
    changed = dict(zip(IN_HISTORY, pipeline.ids, strict=False))
    for fields, candidate_id in changed.items():
        IN_HISTORY[fields](account, candidate_id)
    run = pipeline.run(select=select)
    assert sorted(run.events()) == sorted(("updated", key) for key in changed.values())
    after = {row["candidate_id"]: row for row in run.records(HISTORY)}
    for fields, candidate_id in changed.items():
        differences = {
            name
            for name, value in after[candidate_id].items()
            if value != before[candidate_id][name]
        }
        assert differences - {"event", "event_id", "observed_at"} == set(fields.split())
    for stream in {*UPSERTED} & {*select}:
        assert sorted(run.emitted(stream)) == sorted(changed.values())
        pipeline.assert_target_matches_api([stream])
    assert not pipeline.run(select=select).candidate_records


def test_change_of_another_field_arrives_and_is_no_history(pipeline: Pipeline) -> None:
    pipeline.run()
    changed = dict(zip(NOT_IN_HISTORY, pipeline.ids, strict=False))
    for name, candidate_id in changed.items():
        NOT_IN_HISTORY[name](pipeline.account, candidate_id)
    run = pipeline.run()
    for stream in UPSERTED:
        assert sorted(run.emitted(stream)) == sorted(changed.values())
    assert not run.records(HISTORY)
    pipeline.assert_target_matches_api()


def test_change_that_is_undone_before_the_run_emits_nothing(pipeline: Pipeline) -> None:
    pipeline.run()
    rating = pipeline.account.row(pipeline.ids[4])["rating"]
    pipeline.change_rating(pipeline.ids[4])
    pipeline.account.rate(pipeline.ids[4], rating)
    assert not pipeline.run().candidate_records


@pytest.mark.parametrize("select", [CANDIDATE_STREAMS, (HISTORY,)], ids=len)
def test_tag_that_is_removed_or_deleted_is_a_row_of_the_history(
    make_pipeline: MakePipeline, select: tuple[str, ...]
) -> None:
    pipeline = make_pipeline(make_account(12, tagged=1.0))
    account = pipeline.account
    pipeline.run(select=select)
    untagged, *others = pipeline.ids
    removed, *kept = account.detail(untagged)["tag_ids"]
    account.untag(untagged, removed)
    [row] = pipeline.run(select=select).records(HISTORY)
    assert (row["candidate_id"], row["tag_ids"]) == (untagged, sorted(kept))
    tag = account.detail(others[0])["tag_ids"][0]
    had_it = [key for key in pipeline.ids if tag in account.detail(key)["tag_ids"]]
    account.delete_tag(tag)
    rows = pipeline.run(select=select).records(HISTORY)
    assert sorted(row["candidate_id"] for row in rows) == sorted(had_it)
    assert not any(tag in row["tag_ids"] for row in rows)


# Unknown fields


def test_change_of_an_unknown_field_emits_the_list_row_alone(
    pipeline: Pipeline,
) -> None:
    had_it, gets_it, *others = pipeline.ids
    for candidate_id in (had_it, *others[:5]):
        pipeline.account.set_field(candidate_id, "portfolio", {"likes": 1})
    pipeline.run()
    for candidate_id in (had_it, gets_it):
        pipeline.account.set_field(candidate_id, "portfolio", {"likes": 2})
    run = pipeline.run()
    assert run.details_requested == []
    assert run.candidate_streams == {CANDIDATES}
    assert sorted(run.emitted(CANDIDATES)) == sorted([had_it, gets_it])
    pipeline.assert_target_matches_api([CANDIDATES])
    assert not pipeline.run().candidate_records


def test_unknown_field_that_differs_in_each_response_costs_no_details(
    pipeline: Pipeline,
) -> None:
    fields = {"photo": signed_link, "shirt": "M"}
    pipeline.sandbox.shapes = Shapes(extra_fields=fields)
    pipeline.run()
    run = pipeline.run()
    assert run.details_requested == []
    assert run.candidate_streams == {CANDIDATES}
    assert len(run.emitted(CANDIDATES)) == 12
    # Without the column, nothing is emitted.
    pipeline.run(without=["candidates.extra"])
    assert not pipeline.run(without=["candidates.extra"]).candidate_records


# Details of another moment than the list


@pytest.mark.parametrize("change", ["rating", "tag"])
def test_details_that_lag_are_fetched_again_by_the_next_run(
    make_pipeline: MakePipeline, change: str
) -> None:
    pipeline = make_pipeline(make_account(12, tagged=0))
    pipeline.run()
    candidate_id = pipeline.ids[4]
    pipeline.account.hold_details(candidate_id)
    if change == "rating":
        pipeline.change_rating(candidate_id)
    else:
        pipeline.account.tag(candidate_id, pipeline.account.tags()[0]["id"])
    run = pipeline.run()
    assert run.details_requested == [candidate_id]
    # Where the tags of the details contradict the lists, the history waits.
    events, event = run.events(), ("updated", candidate_id)
    assert events == ([event] if change == "rating" else [])
    pipeline.account.release_details(candidate_id)
    run = pipeline.run()
    assert run.details_requested == [candidate_id]
    assert run.emitted(DETAILS) == [candidate_id]
    assert events + run.events() == [event]
    pipeline.assert_target_matches_api()
    assert not pipeline.run().details_requested


def test_details_that_always_differ_cost_one_more_request(pipeline: Pipeline) -> None:
    """The list may round a score, while the details do not."""
    for candidate_id in pipeline.ids:
        pipeline.account.show(candidate_id, in_list={"score": 33.3})
    assert [len(pipeline.run().details_requested) for _ in range(3)] == [12, 12, 0]
    changed = pipeline.ids[0]
    pipeline.change_rating(changed)
    assert [len(pipeline.run().details_requested) for _ in range(3)] == [1, 1, 0]
    assert pipeline.target.alive(CANDIDATES)[changed]["score"] == 33.3
    assert pipeline.target.alive(DETAILS)[changed]["score"] != 33.3


# Tags that the API contradicts


def is_list_of_a_tag(request: Request) -> bool:
    return request.kind == "candidates" and "tag_ids" in request.query


@pytest.fixture
def tagged(make_pipeline: MakePipeline) -> Pipeline:
    """Start a pipeline whose candidates have tags, and run it once."""
    pipeline = make_pipeline(make_account(30, tagged=0.5))
    pipeline.run()
    return pipeline


@pytest.mark.parametrize("shown", [[], [{"id": "1"}]])
def test_answer_of_tags_that_lacks_some_changes_nothing(
    tagged: Pipeline, shown: list[t.Any]
) -> None:
    value = {"data": shown}
    tagged.sandbox.faults = [Fault("wrong_shape", match="tags", value=value)]
    run = tagged.run()
    assert not run.candidate_records
    assert not run.details_requested


@pytest.mark.parametrize("list_of_tag", ["empty", "rejected", "not filtered"])
def test_deleted_tag_that_details_still_name_costs_its_candidates_once(
    tagged: Pipeline, list_of_tag: str
) -> None:
    account = tagged.account
    tag_id = account.tags()[0]["id"]
    with_it = [i for i in tagged.ids if tag_id in account.detail(i)["tag_ids"]]
    for candidate_id in with_it:
        tag_ids = account.detail(candidate_id)["tag_ids"]
        account.show(candidate_id, in_details={"tag_ids": tag_ids})
    account.delete_tag(tag_id)

    def unfiltered(request: Request, _: t.Any) -> t.Any:
        return whole_list(tagged, request)

    faults = {
        "empty": [],
        "rejected": [Fault("status", status=400, match=asks_for(tag_id))],
        "not filtered": [Fault("rewrite", match=asks_for(tag_id), change=unfiltered)],
    }
    tagged.sandbox.faults = faults[list_of_tag]
    run = tagged.run()
    assert {*run.details_requested} == {*with_it}
    assert sorted(run.events()) == sorted(("updated", i) for i in with_it)
    assert not tagged.run().candidate_records
    assert not tagged.run().details_requested


def asks_for(tag_id: str) -> t.Callable[[Request], bool]:
    return lambda request: request.query.get("tag_ids") == tag_id


def whole_list(pipeline: Pipeline, request: Request) -> t.Any:
    """Return the page that the API would serve without the filter."""
    rows = [pipeline.account.row(candidate_id) for candidate_id in pipeline.ids]
    rows = rows[::-1] if request.query["order"] == "desc" else rows
    ids = [row["id"] for row in rows]
    start = (
        ids.index(request.query["after_id"]) + 1 if "after_id" in request.query else 0
    )
    page = rows[start : start + int(request.query["limit"])]
    after = f"/candidates?after_id={page[-1]['id']}" if page != rows[start:] else None
    return {"data": page, "links": {"next": after}, "total": len(rows)}


@pytest.mark.parametrize("value", [{"id": "300"}, False])
def test_details_whose_tags_are_no_ids_say_nothing_about_tags(
    tagged: Pipeline, value: t.Any
) -> None:
    candidate_id = tagged.ids[0]
    tagged.account.show(candidate_id, in_details={"tag_ids": [value]})
    tagged.change_rating(candidate_id)
    assert tagged.run().events() == [("updated", candidate_id)]
    assert not tagged.run().details_requested


def test_api_that_ignores_the_filter_writes_no_false_history(
    make_pipeline: MakePipeline,
) -> None:
    """It costs three requests per run to see that it still does, and none after it."""
    pipeline = make_pipeline(make_account(60, tagged=0.5))

    def unfiltered(request: Request, _: t.Any) -> t.Any:
        return whole_list(pipeline, request)

    pipeline.sandbox.faults = [
        Fault("rewrite", match=is_list_of_a_tag, change=unfiltered)
    ]
    first = pipeline.run_failing("tags of candidates are unknown")
    for row in first.records(HISTORY):
        tag_ids = pipeline.account.detail(row["candidate_id"])["tag_ids"]
        assert row["tag_ids"] == sorted(tag_ids)
    second = pipeline.run_failing("tags of candidates are unknown")
    assert len(second.details_requested) < 40  # those that contradicted, once more
    for _ in range(2):
        run = pipeline.run_failing("tags of candidates are unknown")
        assert not run.records(HISTORY)
        assert len(run.details_requested) <= 3
    pipeline.sandbox.faults = []
    pipeline.run()
    pipeline.assert_target_matches_api()
    assert not pipeline.run().details_requested
