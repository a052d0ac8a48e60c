"""`candidate_answers` through runs: rows come and go with the questions of a test.

What a row says is tested in `tests/unit/test_answers.py`.
"""

from __future__ import annotations

import typing as t

import pytest

from sandbox import Account
from tests.support.messages import key_of_tombstone
from tests.support.streams import ANSWERS, CANDIDATES

if t.TYPE_CHECKING:
    from tests.support.pipeline import MakePipeline, Pipeline, Run


def question(number: int) -> dict[str, t.Any]:
    return {"id": number, "content": f"Question {number}?", "options": [], "points": 1}


class ChangingTest:
    """A candidate whose test changes, beside another one, and runs of the answers."""

    def __init__(self, make_pipeline: MakePipeline) -> None:
        account = Account()
        opening = account.add_opening()
        self.candidate_id = account.add_candidate(opening)
        account.add_candidate(opening)
        self.pipeline: Pipeline = make_pipeline(account)

    def run_with(self, questions: list[t.Any] | None) -> Run:
        """Change the questions, and something that the list shows; run."""
        self.pipeline.account.set_field(self.candidate_id, "questions", questions)
        self.pipeline.change_rating(self.candidate_id)
        return self.run()

    def run(self) -> Run:
        return self.pipeline.run(select=[ANSWERS, CANDIDATES])

    @property
    def held_positions(self) -> set[int]:
        """The positions of the candidate's rows in the target."""
        rows = self.pipeline.target.alive(ANSWERS).values()
        return {
            row["position"] for row in rows if row["candidate_id"] == self.candidate_id
        }


@pytest.mark.parametrize(
    ("fewer", "kept"),
    [
        ([question(400)], {0}),
        ([question(400), None], {0, 1}),
        ([], set()),
    ],
    ids=["one", "one is null", "none"],
)
def test_rows_of_questions_that_are_gone_leave_tombstones(
    make_pipeline: MakePipeline, fewer: list[t.Any] | None, kept: set[int]
) -> None:
    changing = ChangingTest(make_pipeline)
    changing.run_with([question(400), question(401), question(402)])
    assert changing.held_positions == {0, 1, 2}
    run = changing.run_with(fewer)
    assert changing.held_positions == kept
    assert [key_of_tombstone(row) for row in run.tombstones(ANSWERS)] == [
        {"candidate_id": changing.candidate_id, "position": position}
        for position in sorted({0, 1, 2} - kept)
    ]
    assert not changing.run().records(ANSWERS)
    # The rows may come back.
    changing.run_with([question(number) for number in range(400, 404)])
    assert changing.held_positions == {0, 1, 2, 3}
    assert not changing.pipeline.target.deleted(ANSWERS)


@pytest.mark.parametrize(
    "unread", [None, {"data": [], "links": {}}, "3"], ids=["null", "paged", "a count"]
)
def test_questions_that_could_not_be_read_are_not_gone(
    make_pipeline: MakePipeline, unread: t.Any
) -> None:
    changing = ChangingTest(make_pipeline)
    changing.run_with([question(400), question(401), question(402)])
    for _ in range(2):
        assert not changing.run_with(unread).records(ANSWERS)
    assert changing.held_positions == {0, 1, 2}
    changing.run_with([question(400)])
    assert changing.held_positions == {0}
