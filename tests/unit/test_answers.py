"""`candidate_answers`: one flat row per question shown."""

from __future__ import annotations

import json
import typing as t

import pytest

from tap_toggl_hire.answers import answer_rows

Json = dict[str, t.Any]

OPTIONS = [
    {"id": "500", "content": "This", "correct": True},
    {"id": "501", "content": "That", "correct": False},
    {"id": "502", "content": "Both", "correct": True},
]
NONE_CORRECT = [{**option, "correct": False} for option in OPTIONS]


def question(number: int | None, **fields: t.Any) -> Json:
    return {
        "id": number and str(number),
        "question_type": "multiple-choice",
        "skill": "SQL",
        "content": f"Question **{number}**?",
        "points": 3,
        "options": OPTIONS,
        **fields,
    }


def answer(number: int | None, **fields: t.Any) -> Json:
    return {
        "question_id": number and str(number),
        "text_answer": None,
        "points": 1,
        "chosen_option_ids": ["500"],
        **fields,
    }


def rows(questions: t.Any, answers: t.Any, extra: Json | None = None) -> list[t.Any]:
    details = {"job_opening_id": "9", "questions": questions, "answers": answers}
    return answer_rows("7", {**details, "extra": extra and json.dumps(extra)})


def test_row_has_the_question_and_the_answer_to_it() -> None:
    questions = [question(400), question(401, question_type="text", options=[])]
    answers = [
        answer(401, text_answer="Why\nnot?", points=0.5, chosen_option_ids=[]),
        answer(400, points=3, chosen_option_ids=["502", "500"]),
    ]
    choice = {
        "candidate_id": "7",
        "job_opening_id": "9",
        "position": 0,
        "question_id": "400",
        "question_type": "multiple-choice",
        "skill": "SQL",
        "question": "Question **400**?",
        "question_points": 3,
        "options": OPTIONS,
        "answered": True,
        "text_answer": None,
        "points": 3,
        "chosen_option_ids": ["502", "500"],
        "correct": True,
        "extra": None,
    }
    text = {
        "position": 1,
        "question_id": "401",
        "question": "Question **401**?",
        "question_type": "text",
        "options": [],
        "text_answer": "Why\nnot?",
        "points": 0.5,
        "chosen_option_ids": [],
        "correct": None,
    }
    assert rows(questions, answers) == [choice, {**choice, **text}]


CORRECT: dict[bool | None, tuple[tuple[t.Any, t.Any], ...]] = {
    # options, and those that are chosen
    True: (
        (OPTIONS, ["500", "502"]),
        (OPTIONS, ["502", "500", "500"]),
        (NONE_CORRECT, []),
    ),
    False: (
        (OPTIONS, ["500"]),
        (OPTIONS, ["500", "501", "502"]),
        (OPTIONS, ["501"]),
        (OPTIONS, []),
        (NONE_CORRECT, ["500"]),
    ),
    None: (
        ([], []),
        (None, None),
        # something could not be read
        ([], None),
        (OPTIONS, None),
        (OPTIONS, ["500", None]),
        (OPTIONS, ["500", "999"]),
        ([None, OPTIONS[0]], ["500"]),
        ([{**OPTIONS[0], "correct": None}, OPTIONS[1]], ["500"]),
        ([{**OPTIONS[0], "id": None}, OPTIONS[1]], ["501"]),
    ),
}


@pytest.mark.parametrize("correct", CORRECT)
def test_correct_is_choosing_exactly_the_correct_options(correct: bool | None) -> None:
    for options, chosen in CORRECT[correct]:
        answers = [answer(400, chosen_option_ids=chosen)]
        (row,) = rows([question(400, options=options)], answers)
        assert row["correct"] is correct
        assert row["chosen_option_ids"] == chosen


def test_unanswered_question_has_a_row() -> None:
    questions = [question(400), question(401, options=None), question(402)]
    result = rows(questions, [answer(402)])
    for row in result[:2]:
        assert row["answered"] is False
        assert row["text_answer"] is row["points"] is row["chosen_option_ids"] is None
    assert [row["correct"] for row in result] == [False, None, False]
    assert [row["answered"] for row in rows(questions, [])] == [False] * 3
    assert rows([question(400, options=NONE_CORRECT)], [])[0]["correct"] is True


@pytest.mark.parametrize(
    ("answers", "answered"),
    [
        (None, None),
        ([None, answer(402)], None),
        ([answer(None), answer(402)], None),
        ([answer(998), answer(999)], None),
        ([answer(402), answer(999)], False),
    ],
)
def test_answered_is_null_if_it_depends_on_what_could_not_be_read(
    answers: t.Any, answered: bool | None
) -> None:
    """An answer, or which question it answers: none of them is shown, perhaps."""
    result = rows([question(400), question(402)], answers)
    assert result[0]["answered"] is answered
    assert result[0]["correct"] is answered
    if answer(402) in (answers or ()):
        assert result[1]["answered"] is True


def test_answered_is_null_for_a_question_without_an_id() -> None:
    first, second = rows([question(None), question(400)], [answer(400)])
    assert (first["answered"], first["correct"]) == (None, None)
    assert second["answered"] is True


def test_without_questions_there_are_no_rows() -> None:
    nothing: tuple[t.Any, ...] = (None, [])
    for questions in nothing:
        for answers in (None, [], [answer(400)]):
            assert rows(questions, answers) == []


def test_row_of_a_question_that_is_null_has_its_key_and_opening_alone() -> None:
    first, null, last = rows([question(400), None, question(402)], [])
    key = {"candidate_id": "7", "job_opening_id": "9", "position": 1}
    assert null == {**dict.fromkeys(first), **key}
    assert (first["position"], last["position"]) == (0, 2)


def test_question_shown_twice_has_two_rows_and_the_last_answer_counts() -> None:
    answers = [answer(400, text_answer="first"), answer(400, text_answer="second")]
    result = rows([question(400), question(400)], answers)
    assert [row["text_answer"] for row in result] == ["second", "second"]


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({"questions": [None, {"new": 1}]}, {"question": {"new": 1}}),
        ({"answers": [{"new": 2}, None]}, {"answer": {"new": 2}}),
        (
            {"questions": [None, {"new": 1}], "answers": [{"new": 2}]},
            {"question": {"new": 1}, "answer": {"new": 2}},
        ),
        ({"questions": [{"new": 1}], "answers": [None, {"new": 2}]}, None),
        ({"questions": "not a list", "answers": {"not": "a list"}}, None),
        ({"other": 1}, None),
    ],
)
def test_extra_is_that_of_the_question_and_its_answer(
    extra: Json, expected: Json | None
) -> None:
    """The second question has the first answer."""
    _, row = rows([question(400), question(401)], [answer(401)], extra)
    assert (row["extra"] and json.loads(row["extra"])) == expected
