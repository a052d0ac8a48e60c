"""The API's form changes between two runs: no row is silently wrong, nobody is deleted.

What cannot be read is null, and named; what cannot be gone on with is a sentence. What
nobody can notice is in docs/guarantees.md: a field that is null from now on, and other
words or another meaning under the same name and type.
"""

from __future__ import annotations

import typing as t

import pytest

from sandbox import Fault
from tests.support.streams import (
    ALL_STREAMS,
    ANSWERS,
    CANDIDATE_STREAMS,
    CANDIDATES,
    SYNC_RUNS,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.messages import Request
    from tests.support.pipeline import MakePipeline, Pipeline, Run

Json = dict[str, t.Any]
Change = t.Callable[[Json], None]  # of a candidate, in place


def renamed(candidate: Json) -> None:
    candidate["score_percent"] = candidate.pop("score")


def nested(candidate: Json) -> None:
    names = ("points", "score")
    candidate["result"] = {name: candidate.pop(name) for name in names}


def split(candidate: Json) -> None:
    first, _, last = candidate.pop("name").partition(" ")
    candidate |= {"first_name": first, "last_name": last}


def retyped(candidate: Json) -> None:
    candidate["score"] = {"value": candidate["score"]}


def removed(candidate: Json) -> None:
    del candidate["email"]


def matched_by_another_field(candidate: Json) -> None:
    for answer in candidate.get("answers", ()):
        answer["question"] = answer.pop("question_id")


def paged_questions(candidate: Json) -> None:
    if "questions" in candidate:
        candidate["questions"] = {"data": candidate["questions"], "links": {}}


MISSING = "The API sent none of these fields of {}, which are null in this run: {}."
MISMATCHED = "Field {} has a value that does not fit its type"
FIELDS: dict[str, tuple[Change, str, str]] = {
    # the change, what the log says, and the column that is null in `candidates`
    "renamed": (renamed, MISSING.format(CANDIDATES, "score"), "score"),
    "nested": (nested, MISSING.format(CANDIDATES, "points, score"), "points"),
    "split": (split, MISSING.format(CANDIDATES, "name"), "name"),
    "retyped": (retyped, MISMATCHED.format("score of candidates"), "score"),
    "removed": (removed, MISSING.format(CANDIDATES, "email"), "email"),
}


def change_candidates(pipeline: Pipeline, change: Change) -> None:
    """Let the API show candidates in another form, in the list and in details."""

    def rewrite(request: Request, body: Json) -> Json:
        for candidate in body["data"] if request.kind == "candidates" else [body]:
            change(candidate)
        return body

    pipeline.sandbox.faults = [
        Fault("rewrite", match=kind, change=rewrite)
        for kind in ("candidate", "candidates")
    ]


def assert_nobody_is_deleted(run: Run) -> None:
    assert not any(run.tombstones(stream) for stream in CANDIDATE_STREAMS[:3])


@pytest.mark.parametrize("name", FIELDS)
def test_column_of_a_changed_field_is_null_and_named(
    make_pipeline: MakePipeline, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    change, sentence, column = FIELDS[name]
    pipeline = make_pipeline(12)
    pipeline.run(select=ALL_STREAMS)
    change_candidates(pipeline, change)
    run = pipeline.run(select=ALL_STREAMS)
    assert_nobody_is_deleted(run)
    assert any(sentence in message for message in caplog.messages)
    rows = pipeline.target.alive(CANDIDATES).values()
    assert {row[column] for row in rows} == {None}
    [summary] = run.records(SYNC_RUNS)
    named = summary["missing_fields"] or summary["mismatched_fields"]
    assert f'"candidates.{column}":' in named


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            matched_by_another_field,
            MISSING.format("candidate_details", "answers[].question_id"),
        ),
        (paged_questions, MISMATCHED.format("questions of candidate_details")),
    ],
)
def test_answers_in_a_changed_form_are_unknown_and_not_gone(
    make_pipeline: MakePipeline,
    caplog: pytest.LogCaptureFixture,
    change: Change,
    sentence: str,
) -> None:
    pipeline = make_pipeline(12)
    pipeline.run()
    before = pipeline.target.alive(ANSWERS)
    change_candidates(pipeline, change)
    for candidate_id in pipeline.ids:
        pipeline.change_rating(candidate_id)
    run = pipeline.run()
    assert_nobody_is_deleted(run)
    assert any(sentence in message for message in caplog.messages)
    after = pipeline.target.alive(ANSWERS)
    assert after.keys() == before.keys()
    emitted = run.records(ANSWERS)
    assert {row["answered"] for row in emitted} <= {None}


def other_ids(_: Request, body: Json) -> Json:
    for candidate in body.get("data", [body]):
        candidate["id"] = f"cand_{candidate['id']}"
    return body


def other_envelope(_: Request, body: Json) -> Json:
    return {"candidates": body["data"], "meta": {"total": body["total"]}}


def other_paging(_: Request, body: Json) -> Json:
    return {"data": body["data"], "next": body["links"].get("next")}


FORMS: dict[str, tuple[Callable[[Request, Json], Json], str]] = {
    # the change of a page of candidates, or of details; and the error
    "IDs of another form": (other_ids, "answers with another ID"),
    "another envelope": (other_envelope, "a body that is not what the API documents"),
    "other paging": (other_paging, "links are not where the tap looks for them"),
}


@pytest.mark.parametrize("name", FORMS)
def test_form_that_cannot_be_gone_on_with_is_a_sentence(
    make_pipeline: MakePipeline, name: str
) -> None:
    change, sentence = FORMS[name]
    pipeline = make_pipeline(12, page_size=5)
    pipeline.run()
    before = pipeline.target.alive(CANDIDATES)
    kinds = ["candidates", "candidate"] if change is other_ids else ["candidates"]
    pipeline.sandbox.faults = [
        Fault("rewrite", match=kind, change=change) for kind in kinds
    ]
    run = pipeline.run_failing(sentence)
    assert_nobody_is_deleted(run)
    assert pipeline.target.alive(CANDIDATES) == before
    pipeline.sandbox.faults = []
    pipeline.run()
    pipeline.assert_target_matches_api()


@pytest.mark.parametrize(
    ("field", "value"), [("finished_at", None), ("hire_state", "another word")]
)
def test_what_nobody_can_notice_is_what_the_api_says(
    make_pipeline: MakePipeline, field: str, value: t.Any
) -> None:
    pipeline = make_pipeline(12)
    pipeline.run()
    change_candidates(pipeline, lambda candidate: candidate.update({field: value}))
    assert_nobody_is_deleted(pipeline.run())
    rows = pipeline.target.alive(CANDIDATES).values()
    assert {row[field] for row in rows} == {value}
