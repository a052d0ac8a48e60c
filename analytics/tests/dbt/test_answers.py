"""What answers alone say: verdicts at the ends, and several tests in one opening."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from analytics.tests.dbt.truth import keyed
from analytics.tests.marks import needs_dbt

if TYPE_CHECKING:
    from collections.abc import Callable

    from analytics.tests.dbt.warehouses import Row, Warehouse

pytestmark = [pytest.mark.pipeline, needs_dbt]
CANDIDATES = 90
FIRST, SECOND = ([f"{test}{n}" for n in range(8)] for test in "AB")
POOL = [f"S{n}" for n in range(30)]
CHANCES = {"A0": 1.0, "A1": 0.0}
"""How often a question is answered right, where that is not one half."""
OPENINGS: dict[str, Callable[[int, random.Random], list[str]]] = {
    "one test": lambda _, __: FIRST,
    "a second test for a third": lambda n, _: FIRST + SECOND if n % 3 == 0 else FIRST,
    "two submissions": lambda n, _: SECOND if n % 2 else FIRST,
    "a Smart Test": lambda _, rng: rng.sample(POOL, 10),
}


def answers() -> list[Row]:
    rng = random.Random(30)
    rows: list[Row] = []
    for opening, questions in OPENINGS.items():
        for number in range(CANDIDATES):
            ability = rng.gauss(0, 0.3)
            for position, question in enumerate(questions(number, rng)):
                chance = CHANCES.get(question, 0.5 + ability)
                rows.append(
                    {
                        "candidate_id": f"{opening} {number}",
                        "position": position,
                        "job_opening_id": opening,
                        "question_id": question,
                        "question_type": "text",
                        "question": f"{question}?",
                        "question_points": 1,
                        "answered": True,
                        "points": int(rng.random() < chance),
                    }
                )
    # A question that is null has a row of its key and opening alone.
    opening = next(iter(OPENINGS))
    null = {"candidate_id": f"{opening} 0", "position": 99, "job_opening_id": opening}
    return [*rows, null]


@pytest.fixture(scope="module")
def built(in_duckdb: Warehouse) -> Warehouse:
    """The models of answers alone."""
    in_duckdb.fill("toggl_hire", {"candidate_answers": answers()})
    in_duckdb.build(["toggl_hire"])
    return in_duckdb


def test_several_fixed_tests_are_no_smart_test(built: Warehouse) -> None:
    rows = keyed(built, "tests", ("job_opening_id",))
    assert {key: row["is_smart_test"] for key, row in rows.items()} == {
        opening: opening == "a Smart Test" for opening in OPENINGS
    }
    assert {row["candidates"] for row in rows.values()} == {CANDIDATES}
    assert rows["one test"]["alpha"] is not None
    assert rows["a second test for a third"]["alpha"] is None
    assert rows["a second test for a third"]["split_half"] is not None


def test_each_answer_to_several_tests_counts_once(built: Warehouse) -> None:
    rows = keyed(built, "questions", ("question_id",))
    assert None not in rows
    assert {rows[question]["shown"] for question in FIRST} == {2.5 * CANDIDATES}
    assert {rows[question]["shown"] for question in SECOND} == {
        CANDIDATES / 3 + CANDIDATES / 2
    }
    assert len(built.rows("toggl_hire__answers")) == len(answers()) - 1


def test_question_that_all_get_right_or_wrong_is_too_easy_or_too_hard(
    built: Warehouse,
) -> None:
    rows = keyed(built, "questions", ("question_id",))
    assert rows["A0"]["verdict"] == "too easy"
    assert rows["A1"]["verdict"] == "too hard"
    others = {rows[question]["verdict"] for question in FIRST[2:] + SECOND}
    assert not others & {"too easy", "too hard"}
