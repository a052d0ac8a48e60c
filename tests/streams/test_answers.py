"""`candidate_answers`: one flat row per question shown."""

from __future__ import annotations

import typing as t

import pytest

from sandbox import Account
from tests.streams.checks import assert_holds, expected, loaded, settings, told_by
from tests.support import Target, catalog, extract

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox

Json = dict[str, t.Any]

ANSWERS = "candidate_answers"
OPTIONS = [
    {"id": "500", "content": "This", "correct": True},
    {"id": "501", "content": "That", "correct": False},
    {"id": "502", "content": "Both", "correct": True},
]


def question(number: int, **fields: t.Any) -> Json:
    return {
        "id": number,
        "question_type": "multiple-choice",
        "skill": "SQL",
        "content": f"Question **{number}**?",
        "points": 3,
        "options": OPTIONS,
        **fields,
    }


def answer(number: int | str, **fields: t.Any) -> Json:
    return {
        "question_id": str(number),
        "text_answer": None,
        "points": 1,
        "chosen_option_ids": ["500"],
        **fields,
    }


class Workspace:
    """One candidate, with questions and answers as a test wants them."""

    def __init__(self, box: Sandbox) -> None:
        self.account = box.account
        self.opening_id = self.account.add_opening()
        self.candidate_id = self.account.add_candidate(self.opening_id)
        self.target = Target()
        self.messages: list[Json] = []
        self._config = settings(box)
        self._catalog = catalog(self._config, ANSWERS, "candidates")

    def show(
        self, questions: list[t.Any] | None, answers: list[t.Any] | None
    ) -> dict[int, Json]:
        """Change the test, so that a list shows it, extract, and give the rows."""
        self.account.set_field(self.candidate_id, "questions", questions)
        self.account.set_field(self.candidate_id, "answers", answers)
        return self.extract()

    def extract(self) -> dict[int, Json]:
        rating = self.account.row(self.candidate_id)["rating"]
        self.account.rate(self.candidate_id, 3 - rating)  # seen in the list
        self.messages = extract(self._config, self.target.state, self._catalog)
        self.target.load(self.messages)
        rows = self.target.alive(ANSWERS).values()
        return {row["position"]: row for row in rows}

    @property
    def emitted(self) -> list[Json]:
        """The records of the last run."""
        return [
            message["record"]
            for message in self.messages
            if message["type"] == "RECORD" and message["stream"] == ANSWERS
        ]


@pytest.fixture
def workspace(sandbox: Callable[..., Sandbox]) -> Workspace:
    return Workspace(sandbox(Account()))


def test_a_row_in_full(workspace: Workspace) -> None:
    rows = workspace.show(
        [question(400), question(401, question_type="text", options=[])],
        [
            answer(401, text_answer="Why\nnot?", points=0.5, chosen_option_ids=[]),
            answer(400, points=3, chosen_option_ids=["502", "500"]),
        ],
    )
    common = {
        "candidate_id": workspace.candidate_id,
        "job_opening_id": workspace.opening_id,
        "skill": "SQL",
        "question_points": 3,
        "answered": True,
        "extra": None,
        "_sdc_deleted_at": None,
    }
    assert rows == {
        0: {
            **common,
            "position": 0,
            "question_id": "400",
            "question_type": "multiple-choice",
            "question": "Question **400**?",
            "options": OPTIONS,
            "text_answer": None,
            "points": 3,
            "chosen_option_ids": ["502", "500"],
            "correct": True,
        },
        1: {
            **common,
            "position": 1,
            "question_id": "401",
            "question_type": "text",
            "question": "Question **401**?",
            "options": [],
            "text_answer": "Why\nnot?",
            "points": 0.5,
            "chosen_option_ids": [],
            "correct": None,
        },
    }


UNCORRECT = [{**option, "correct": False} for option in OPTIONS]


@pytest.mark.parametrize(
    ("options", "chosen", "correct"),
    [
        (OPTIONS, ["500", "502"], True),
        (OPTIONS, ["502", "500", "500"], True),
        (OPTIONS, ["500"], False),
        (OPTIONS, ["500", "501", "502"], False),
        (OPTIONS, ["501"], False),
        (OPTIONS, ["999"], False),
        (OPTIONS, [], False),
        (OPTIONS, None, False),
        (UNCORRECT, [], True),
        (UNCORRECT, ["500"], False),
        ([], [], None),
        (None, None, None),
        ([None, OPTIONS[0]], ["500"], True),
        ([{"id": "500", "content": "no word on correct"}], ["500"], False),
    ],
)
def test_were_exactly_the_correct_options_chosen(
    workspace: Workspace, options: t.Any, chosen: t.Any, correct: t.Any
) -> None:
    rows = workspace.show(
        [question(400, options=options)], [answer(400, chosen_option_ids=chosen)]
    )
    assert rows[0]["correct"] is correct
    assert rows[0]["chosen_option_ids"] == chosen
    assert rows[0]["answered"] is True


def test_a_question_that_nobody_answered(workspace: Workspace) -> None:
    rows = workspace.show([question(400), question(401, options=None)], [])
    for row in rows.values():
        assert row["answered"] is False
        assert (row["text_answer"], row["points"]) == (None, None)
        assert row["chosen_option_ids"] is None
    assert rows[0]["correct"] is False
    assert rows[1]["correct"] is None


def test_an_answer_that_says_nothing_is_an_answer(workspace: Workspace) -> None:
    rows = workspace.show(
        [question(400)],
        [{"question_id": "400"}],
    )
    assert rows[0]["answered"] is True
    assert rows[0]["points"] is None


def test_of_two_answers_to_a_question_the_later_counts(workspace: Workspace) -> None:
    rows = workspace.show(
        [question(400)],
        [answer(400, text_answer="first"), answer(400, text_answer="second")],
    )
    assert len(rows) == 1
    assert rows[0]["text_answer"] == "second"


def test_a_question_that_is_shown_twice_has_two_rows(workspace: Workspace) -> None:
    rows = workspace.show([question(400), question(400)], [answer(400)])
    assert [row["question_id"] for row in rows.values()] == ["400", "400"]
    assert all(row["answered"] for row in rows.values())


@pytest.mark.parametrize("number", [400, "400"])
@pytest.mark.parametrize("answered", [400, "400"])
def test_ids_match_as_numbers_and_as_strings(
    workspace: Workspace, number: t.Any, answered: t.Any
) -> None:
    rows = workspace.show([question(number)], [{**answer(0), "question_id": answered}])
    assert rows[0]["question_id"] == "400"
    assert rows[0]["answered"] is True


def test_an_answer_to_no_question_has_no_row(workspace: Workspace) -> None:
    rows = workspace.show([question(400)], [answer(999), None, answer(400)])
    assert list(rows) == [0]
    assert rows[0]["answered"] is True


@pytest.mark.parametrize("questions", [None, []])
@pytest.mark.parametrize("answers", [None, [], [answer(400)]])
def test_without_questions_there_are_no_rows(
    workspace: Workspace, questions: t.Any, answers: t.Any
) -> None:
    assert workspace.show(questions, answers) == {}
    assert workspace.emitted == []


@pytest.mark.parametrize("answers", [None, []])
def test_without_answers_the_questions_have_their_rows(
    workspace: Workspace, answers: t.Any
) -> None:
    rows = workspace.show([question(400), question(401)], answers)
    assert [row["answered"] for row in rows.values()] == [False, False]


# What was there before


def tombstones(workspace: Workspace) -> list[int]:
    """The positions of the last run's tombstones, which say nothing but that."""
    gone = [record for record in workspace.emitted if record.get("_sdc_deleted_at")]
    for record in gone:
        key = {"candidate_id": workspace.candidate_id, "position": record["position"]}
        assert told_by(record) == key
    return [record["position"] for record in gone]


@pytest.mark.parametrize("fewer", [[question(400)], [], None])
def test_a_test_that_becomes_shorter_leaves_tombstones(
    workspace: Workspace, fewer: t.Any
) -> None:
    assert len(workspace.show([question(n) for n in (400, 401, 402)], [])) == 3
    kept = len(fewer or ())
    assert len(workspace.show(fewer, [])) == kept
    assert tombstones(workspace) == list(range(kept, 3))
    # They come once.
    workspace.extract()
    assert tombstones(workspace) == []
    # And the rows may come back.
    assert len(workspace.show([question(n) for n in (400, 401, 402, 403)], [])) == 4
    assert not workspace.target.deleted(ANSWERS)


def test_questions_in_another_order_take_each_others_places(
    workspace: Workspace,
) -> None:
    workspace.show([question(400), question(401)], [answer(401)])
    rows = workspace.show([question(401), question(400)], [answer(401)])
    assert [(r["question_id"], r["answered"]) for r in rows.values()] == [
        ("401", True),
        ("400", False),
    ]
    assert tombstones(workspace) == []


def test_a_question_that_becomes_null_leaves_a_tombstone(workspace: Workspace) -> None:
    """The others keep their places."""
    workspace.show([question(400), question(401), question(402)], [])
    rows = workspace.show([question(400), None, question(402)], [])
    assert [row["question_id"] for row in rows.values()] == ["400", "402"]
    assert list(rows) == [0, 2]
    assert tombstones(workspace) == [1]


def test_a_candidate_who_is_deleted_leaves_a_tombstone_for_each_position(
    workspace: Workspace,
) -> None:
    workspace.show([question(n) for n in (400, 401, 402)], [answer(400)])
    workspace.account.add_candidate(workspace.opening_id)
    workspace.account.delete(workspace.candidate_id)
    workspace.messages = extract(
        workspace._config, workspace.target.state, workspace._catalog
    )
    assert tombstones(workspace) == [0, 1, 2]
    workspace.target.load(workspace.messages)
    gone = workspace.target.deleted(ANSWERS).values()
    assert [row["text_answer"] for row in gone] == [None, None, None]


def test_grading_reaches_the_row(sandbox: Callable[..., Sandbox]) -> None:
    box = sandbox(Account.example(candidates=10))
    config = settings(box)
    target = loaded(extract(config))
    assert_holds(target, expected(box.account))
    for candidate_id in box.account.listed_ids()[:3]:
        detail = box.account.detail(candidate_id)
        answered = {one["question_id"] for one in detail["answers"]}
        position = next(
            place
            for place, asked in enumerate(detail["questions"])
            if str(asked["id"]) in answered
        )
        points = detail["points"] + detail["questions"][position]["points"] / 4
        box.account.grade(candidate_id, position, points)
    messages = extract(config, state=target.state)
    target.load(messages)
    assert_holds(target, expected(box.account))
    changed = {
        m["record"]["candidate_id"]
        for m in messages
        if m["type"] == "RECORD" and m["stream"] == ANSWERS
    }
    assert changed == set(box.account.listed_ids()[:3])
