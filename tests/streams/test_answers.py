"""`candidate_answers` through runs: rows, and tombstones of rows that are gone.

What a row says is tested in `tests/unit/test_answers.py`.
"""

from __future__ import annotations

import typing as t

import pytest

from sandbox import Account
from tests.streams.checks import Start, Workspace, key_of
from tests.support.streams import ANSWERS, CANDIDATES, DELETED_AT

Json = dict[str, t.Any]


def question(number: int) -> Json:
    return {"id": number, "content": f"Question {number}?", "options": [], "points": 1}


class OneTest(Workspace):
    """A candidate whose test changes, and another one."""

    def __init__(self, box: t.Any) -> None:
        super().__init__(box, ANSWERS, CANDIDATES)
        opening = self.account.add_opening()
        self.candidate_id = self.account.add_candidate(opening)
        self.account.add_candidate(opening)

    def show(self, questions: list[t.Any] | None) -> dict[int, str]:
        """Change the questions, visibly in the list; return those in the target."""
        self.account.set_field(self.candidate_id, "questions", questions)
        self.account.set_field(self.candidate_id, "answers", [{"question_id": "401"}])
        self.rate(self.candidate_id)
        self.extract()
        return {
            row["position"]: row["question_id"]
            for row in self.target.alive(ANSWERS).values()
            if row["candidate_id"] == self.candidate_id
        }

    @property
    def tombstones(self) -> list[int]:
        """The positions of the tombstones of the last run."""
        gone = [row for row in self.records(ANSWERS) if row[DELETED_AT]]
        for row in gone:
            key = {"candidate_id": self.candidate_id, "position": row["position"]}
            assert key_of(row) == key
        return [row["position"] for row in gone]


@pytest.fixture
def workspace(sandbox: Start) -> OneTest:
    return OneTest(sandbox(Account()))


@pytest.mark.parametrize(
    "fewer", [[question(400)], [question(400), None, question(402)], [], None]
)
def test_rows_that_are_gone_leave_tombstones(
    workspace: OneTest, fewer: list[t.Any] | None
) -> None:
    assert len(workspace.show([question(n) for n in (400, 401, 402)])) == 3
    kept = {place for place, shown in enumerate(fewer or ()) if shown}
    assert set(workspace.show(fewer)) == kept
    assert workspace.tombstones == sorted({0, 1, 2} - kept)
    workspace.extract()
    assert workspace.records(ANSWERS) == []
    # The rows may come back.
    assert len(workspace.show([question(n) for n in range(400, 404)])) == 4
    assert not workspace.target.deleted(ANSWERS)
