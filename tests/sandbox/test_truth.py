"""The truth: told in the form that the streams have."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox import Account, Shapes
from sandbox.candidate import copied
from tests.support.truth import Rows, truth

QUESTIONS = [
    {
        "id": 400,
        "question_type": "multiple-choice",
        "skill": "SQL",
        "content": "Which?",
        "points": 3,
        "options": [
            {"id": "500", "content": "This", "correct": True},
            {"id": "501", "content": "That", "correct": False},
        ],
    },
    {"id": 401, "question_type": "text", "content": "Why?", "points": 1, "options": []},
]
ANSWERS = [
    {
        "question_id": "400",
        "text_answer": None,
        "points": 3,
        "chosen_option_ids": ["500"],
    }
]


def test_rows_in_the_form_of_the_streams() -> None:
    account = Account()
    opening = account.add_opening("Tester")
    one = account.add_candidate(
        opening,
        "2019-03-10T02:39:32.59275",
        contact_info={"full_name": "Nobody"},
        questions=QUESTIONS,
        answers=ANSWERS,
    )
    rows = truth(account, extra=False)
    candidate = rows["candidates"][one]
    assert candidate["started_at"] == "2019-03-10T02:39:32.59275+00:00"
    assert (candidate["points"], candidate["score"]) == (3, 75)
    assert candidate["contact_info"]["full_name"] == "Nobody"
    assert candidate["contact_info"]["country"] is None
    assert candidate["_sdc_deleted_at"] is None
    detail = rows["candidate_details"][one]
    assert [question["id"] for question in detail["questions"]] == ["400", "401"]
    assert detail["questions"][1]["skill"] is None
    first, second = (rows["candidate_answers"][one, place] for place in (0, 1))
    assert first == {
        "candidate_id": one,
        "job_opening_id": opening,
        "position": 0,
        "question_id": "400",
        "question_type": "multiple-choice",
        "skill": "SQL",
        "question": "Which?",
        "question_points": 3,
        "options": QUESTIONS[0]["options"],
        "answered": True,
        "text_answer": None,
        "points": 3,
        "chosen_option_ids": ["500"],
        "correct": True,
        "_sdc_deleted_at": None,
    }
    assert second["answered"] is False
    assert second["correct"] is second["points"] is None
    assert rows["job_openings"][opening]["name"] == "Tester"


@pytest.mark.parametrize(
    "shapes",
    [
        Shapes(),
        Shapes(drop_fields=True),
        Shapes(null_fields=True),
        Shapes(extra_fields=True, drop_fields=True, null_fields=True),
    ],
)
def test_rows_in_every_shape(shapes: Shapes) -> None:
    account = Account.example(candidates=60)
    rows = truth(account, shapes, extra=False)
    assert set(rows["candidates"]) == set(account.listed_ids())
    assert set(rows["candidate_details"]) == set(account.listed_ids())
    plain = truth(account, extra=False)
    fields = {len(row) for row in rows["candidates"].values()}
    assert fields == {14}
    assert (rows == plain) is (not any((shapes.drop_fields, shapes.null_fields)))
    answers = list(rows["candidate_answers"].values())
    assert "PRIVATE" not in json.dumps(answers)


def with_extra(account: Account, shapes: Shapes | None = None) -> dict[str, Rows]:
    return truth(account, shapes, extra=True)


def one_candidate(**fields: Any) -> tuple[Account, str]:
    account = Account()
    questions, answers = copied(QUESTIONS), copied(ANSWERS)
    return account, account.add_candidate(
        **{"questions": questions, "answers": answers, **fields}
    )


def test_extra_is_null_where_there_is_none() -> None:
    rows = with_extra(Account.example(candidates=30))
    found = {row["extra"] for table in rows.values() for row in table.values()}
    assert found == {None}


def test_extra_is_what_is_not_declared_nested_as_it_came() -> None:
    account, one = one_candidate(
        contact_info={"pronouns": None, "city": "Nowhere"},
        portfolio={"likes": 3, "links": ["é", []]},
    )
    questions, answers = copied(QUESTIONS), copied(ANSWERS)
    questions[0]["options"][1]["hint"] = "x"
    questions[0]["difficulty"] = 2
    answers[0]["seconds"] = 1.5
    account.set_field(one, "questions", questions)
    account.set_field(one, "answers", answers)
    rows = with_extra(account)
    assert rows["candidates"][one]["extra"] == (
        '{"contact_info":{"pronouns":null},"portfolio":{"likes":3,"links":["é",[]]}}'
    )
    assert json.loads(rows["candidate_details"][one]["extra"]) == {
        "contact_info": {"pronouns": None},
        "questions": [{"options": [None, {"hint": "x"}], "difficulty": 2}, None],
        "answers": [{"seconds": 1.5}],
        "portfolio": {"likes": 3, "links": ["é", []]},
    }
    first, second = (rows["candidate_answers"][one, place] for place in (0, 1))
    assert first["extra"] == (
        '{"question":{"options":[null,{"hint":"x"}],"difficulty":2},'
        '"answer":{"seconds":1.5}}'
    )
    assert second["extra"] is None


@pytest.mark.parametrize(
    ("name", "value", "column"),
    [
        ("score", {"value": 3}, None),
        ("score", "a lot", None),
        ("score", "12.5", 12.5),
        ("rating", True, None),
        ("finished_at", "yesterday", None),
        ("finished_at", 1_700_000_000, None),
        ("hire_state", ["new", 1], '["new",1]'),
        ("hire_state", 7, "7"),
        ("contact_info", [{"city": "x"}], None),
    ],
)
def test_extra_is_what_does_not_fit_its_type(
    name: str, value: object, column: object
) -> None:
    account, one = one_candidate()
    account.set_field(one, name, value)
    row = with_extra(account)["candidates"][one]
    assert row[name] == column
    raw = None if column is not None else json.dumps({name: value})
    assert (row["extra"] and json.loads(row["extra"])) == (raw and json.loads(raw))


def test_extra_of_a_list_has_as_many_items() -> None:
    account, one = one_candidate()
    account.set_field(one, "questions", ["none", None, QUESTIONS[1]])
    row = with_extra(account)["candidate_details"][one]
    assert [question and question["id"] for question in row["questions"]] == [
        *(None, None, "401")
    ]
    assert row["extra"] == '{"questions":["none",null,null]}'
    account.set_field(one, "questions", {"0": "none"})
    row = with_extra(account)["candidate_details"][one]
    assert row["questions"] is None
    assert row["extra"] == '{"questions":{"0":"none"}}'


def test_extra_of_the_made_up_version() -> None:
    account = Account.example(candidates=60, text_ids=True)
    shapes = Shapes(versions=("v2.2",), made_up_versions=("v2.2",))
    rows, again = (truth(account, shapes, version="v2.2", extra=True) for _ in "12")
    assert rows == again, "the signatures are left out"
    for stream, table in rows.items():
        found = [json.loads(row["extra"] or "{}") for row in table.values()]
        assert any(found), stream
        for row in table.values():
            assert row.get("profile_url") is row.get("rating") is None
    extras = [json.loads(row["extra"]) for row in rows["candidates"].values()]
    assert {tuple(one["rating"]) for one in extras} == {("stars", "of")}
    assert all(one["photo_url"].endswith("?signature=") for one in extras)
    states = {row["hire_state"] for row in rows["candidates"].values()}
    assert states == {"new", "shortlisted", "declined"}
    plain = truth(account)
    assert {k: set(v) for k, v in plain.items()} == {k: set(v) for k, v in rows.items()}
