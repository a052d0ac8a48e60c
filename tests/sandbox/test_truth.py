"""The truth: told in the form that the streams have."""

from __future__ import annotations

import json

import pytest

from sandbox import Account, Shapes
from sandbox.truth import truth

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
    rows = truth(account)
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
    rows = truth(account, shapes)
    assert set(rows["candidates"]) == set(account.listed_ids())
    assert set(rows["candidate_details"]) == set(account.listed_ids())
    plain, fields = truth(account), {len(row) for row in rows["candidates"].values()}
    assert fields == {14}
    assert (rows == plain) is (not any((shapes.drop_fields, shapes.null_fields)))
    answers = list(rows["candidate_answers"].values())
    assert "PRIVATE" not in json.dumps(answers)
