"""A first run loads what the API has, in every shape that the API may take."""

from __future__ import annotations

import typing as t

import pytest

from sandbox import Account, Shapes
from tests.support.pipeline import make_account
from tests.support.streams import (
    ALL_STREAMS,
    ANSWERS,
    CANDIDATES,
    DETAILS,
    KEYS,
    SYNC_RUNS,
)

if t.TYPE_CHECKING:
    from tests.support.pipeline import MakePipeline

Json = dict[str, t.Any]


def test_first_run_on_the_command_line_loads_everything(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = make_pipeline(Account.example(candidates=240, in_progress=20))
    run = pipeline.run_command_line()
    assert run.returncode == 0, run.stderr
    pipeline.assert_target_matches_api()
    assert sorted(run.events()) == sorted(("created", key) for key in pipeline.ids)
    keys = {m["stream"]: tuple(m["key_properties"]) for m in run.of_type("SCHEMA")}
    assert keys == KEYS
    for stream, names in KEYS.items():
        values = [tuple(row[name] for name in names) for row in run.records(stream)]
        assert len(set(values)) == len(values), stream


def test_first_run_requests_each_candidate_once_and_always_with_the_key(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = make_pipeline(Account.example(candidates=240, in_progress=20))
    run = pipeline.run()
    assert sorted(run.details_requested) == sorted(pipeline.ids)
    assert {request.method for request in run.requests} == {"GET"}
    [user_agent] = {request.headers["user-agent"] for request in run.requests}
    assert user_agent.startswith("tap-toggl-hire/")
    stats = pipeline.sandbox.stats
    assert stats.without_key == 0
    assert stats.max_in_flight <= 8  # the default of max_concurrency


# One candidate, as the API shows it, and the records

ADA: Json = {
    "id": "100",
    "name": "Ada Quell",
    "email": "",
    "profile_url": None,
    "contact_info": {"city": "Nowhere", "pronouns": "they"},
    "started_at": "2025-01-06T08:00:00.5",
    "finished_at": "yesterday",
    "points": 4.5,
    "score": 90,
    "rating": {"stars": 2, "of": 3},
    "hire_state": 7,
    "category_id": 55,
    "portfolio": {"views": 3, "likes": [1, None]},
    "tag_ids": [],
    "questions": [
        {
            "id": 400,
            "question_type": "multiple_choice",
            "skill": "SQL",
            "content": "Which?",
            "points": 3,
            "options": [
                {"id": 500, "content": "This", "correct": True, "hint": "x"},
                {"id": 501, "content": "That", "correct": False},
            ],
        },
        {"id": 401, "question_type": "code", "content": "Why?", "points": 2},
    ],
    "answers": [
        {"question_id": "400", "points": 3, "chosen_option_ids": ["500"]},
    ],
}
"""Beside documented fields, this has some that are missing, unknown, or of other types
than documented."""
ROW: Json = {
    "id": "100",
    "name": "Ada Quell",
    "email": "",
    "profile_url": None,
    "contact_info": {
        "full_name": None,
        "contact_email": None,
        "linkedin": None,
        "phone": None,
        "city": "Nowhere",
        "country": None,
    },
    "started_at": "2025-01-06T08:00:00.5+00:00",
    "finished_at": None,
    "points": 4.5,
    "score": 90,
    "rating": None,
    "hire_state": "7",
    "category_id": "55",
    "extra": (
        '{"contact_info":{"pronouns":"they"},"finished_at":"yesterday",'
        '"portfolio":{"likes":[1,null],"views":3},"rating":{"of":3,"stars":2}}'
    ),
    "_sdc_deleted_at": None,
}
OPTIONS: list[Json] = [
    {"id": "500", "content": "This", "correct": True},
    {"id": "501", "content": "That", "correct": False},
]
DETAIL: Json = {
    **ROW,
    "tag_ids": [],
    "questions": [
        {
            "id": "400",
            "question_type": "multiple_choice",
            "skill": "SQL",
            "content": "Which?",
            "points": 3,
            "options": OPTIONS,
        },
        {
            "id": "401",
            "question_type": "code",
            "skill": None,
            "content": "Why?",
            "points": 2,
            "options": None,
        },
    ],
    "answers": [
        {
            "question_id": "400",
            "text_answer": None,
            "points": 3,
            "chosen_option_ids": ["500"],
        }
    ],
    "extra": (
        '{"contact_info":{"pronouns":"they"},"finished_at":"yesterday",'
        '"portfolio":{"likes":[1,null],"views":3},'
        '"questions":[{"options":[{"hint":"x"},null]},null],'
        '"rating":{"of":3,"stars":2}}'
    ),
}
ANSWER_ROWS: list[Json] = [
    {
        "candidate_id": "100",
        "position": 0,
        "question_id": "400",
        "question_type": "multiple_choice",
        "skill": "SQL",
        "question": "Which?",
        "question_points": 3,
        "options": OPTIONS,
        "answered": True,
        "text_answer": None,
        "points": 3,
        "chosen_option_ids": ["500"],
        "correct": True,
        "extra": '{"question":{"options":[{"hint":"x"},null]}}',
        "_sdc_deleted_at": None,
    },
    {
        "candidate_id": "100",
        "position": 1,
        "question_id": "401",
        "question_type": "code",
        "skill": None,
        "question": "Why?",
        "question_points": 2,
        "options": None,
        "answered": False,
        "text_answer": None,
        "points": None,
        "chosen_option_ids": None,
        "correct": None,
        "extra": None,
        "_sdc_deleted_at": None,
    },
]


def test_records_of_one_candidate_are_as_written_down(
    make_pipeline: MakePipeline,
) -> None:
    account = Account()
    opening = account.add_opening()
    account.add_candidate(opening, **ADA)
    pipeline = make_pipeline(account)
    run = pipeline.run()
    of_opening = {"job_opening_id": opening}
    assert run.records(CANDIDATES) == [ROW | of_opening]
    assert run.records(DETAILS) == [DETAIL | of_opening]
    assert run.records(ANSWERS) == [row | of_opening for row in ANSWER_ROWS]


def test_candidate_with_nothing_but_an_id_has_nulls(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = make_pipeline(1)
    [candidate_id] = pipeline.ids
    details = pipeline.account.detail(candidate_id)
    for name in details.keys() - {"id", "started_at"}:
        pipeline.account.set_field(candidate_id, name, None)
    run = pipeline.run()
    for stream in (CANDIDATES, DETAILS):
        [record] = run.records(stream)
        values = {name: value for name, value in record.items() if value is not None}
        assert values.keys() <= {"id", "started_at", "tag_ids"}
    assert run.records(ANSWERS) == []


# Shapes that the documentation leaves open

SHAPES: dict[str, Json] = {
    **{end: {"last_page": end} for end in ("null", "empty", "missing", "no_links")},
    "empty links": {"last_page": "empty_links", "page_small_lists": 2},
    **{link: {"next_link": link, "page_small_lists": 2} for link in ("path", "bare")},
    "absolute links": {"page_small_lists": 2},
    "an empty last page": {"trailing_link": True},
    "no total": {"total": "missing"},
    "no total, an empty last page": {"total": "missing", "trailing_link": True},
}
"""Choices of the sandbox about pages and the links between them."""
FIELDS: dict[str, Json] = {
    "fields missing": {"drop_fields": True},
    "fields null": {"null_fields": True},
    "unknown fields": {"extra_fields": True},
    "other types": {"other_types": True},
}
"""Choices of the sandbox about the fields of every object, nested ones too."""


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_every_shape_of_pages_is_read(make_pipeline: MakePipeline, shape: Json) -> None:
    pipeline = make_pipeline(make_account(16, openings=4, tags=3))
    pipeline.sandbox.shapes = Shapes(max_limit=4, **shape)
    run = pipeline.run()
    pipeline.assert_target_matches_api()
    assert sorted(run.details_requested) == sorted(pipeline.ids)
    assert not pipeline.run().candidate_records


@pytest.mark.parametrize("shape", FIELDS.values(), ids=FIELDS)
def test_every_shape_of_fields_is_read_and_is_the_same_in_the_next_run(
    make_pipeline: MakePipeline, shape: Json
) -> None:
    pipeline = make_pipeline(make_account(16, tags=3))
    pipeline.sandbox.shapes = Shapes(**shape)
    run = pipeline.run()
    for stream in (CANDIDATES, DETAILS):
        assert sorted(run.emitted(stream)) == sorted(pipeline.ids)
        # Unknown fields, and values of other types, are in the column `extra`.
        extras = [row["extra"] for row in run.records(stream)]
        if "extra_fields" in shape:
            assert all(extras)
        else:
            assert any(extras) is ("other_types" in shape)
    assert not pipeline.run().candidate_records


# Empty workspaces


@pytest.mark.parametrize(
    "has", ["nothing", "no candidate", "a candidate who has not submitted"]
)
def test_workspace_without_candidates_is_read(
    make_pipeline: MakePipeline, has: str
) -> None:
    account = Account(seed=3)
    if has != "nothing":
        account.add_category(account.add_opening())
        account.add_tag()
    if has == "a candidate who has not submitted":
        account.add_candidate(submitted=False)
    pipeline = make_pipeline(account)
    run = pipeline.run(select=ALL_STREAMS)
    pipeline.assert_target_matches_api()
    assert set(pipeline.target.tables) == set(ALL_STREAMS)  # each has its SCHEMA
    assert run.messages[-1]["type"] == "STATE"
    assert len(run.records(SYNC_RUNS)) == 1
    first = account.add_candidate()
    assert pipeline.run().emitted(CANDIDATES) == [first]
    pipeline.assert_target_matches_api()
