"""A hiring team of known truth, as rows that the tap would have loaded.

Answers come from an item-response model: the probability of a correct answer is a
logistic function of discrimination * (ability - difficulty). Candidates walk through
ordered steps; the tap looks once a day, for the first time on `first_look_day`.
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

Row = dict[str, Any]

START = datetime(2025, 3, 3, 6, 0)  # noqa: DTZ001 - warehouses hold UTC without a zone
STEPS = ("Applied", "Phone call", "Trial day", "Offer")


@dataclass(eq=False)
class Question:
    """A question, with what is true of it."""

    id: str
    skill: str
    points: int
    discrimination: float
    difficulty: float
    is_text: bool = False
    has_wrong_key: bool = False
    fixed_on_day: float | None = None
    """When the text and the key were put right; the key was wrong until then."""

    def version(self, day: float) -> int:
        """The number of the version that is shown on a day."""
        return int(self.fixed_on_day is not None and day >= self.fixed_on_day)

    def text(self, day: float) -> str:
        """The text on a day."""
        return f"Text of {self.id}{', put right' * self.version(day)}?"

    def key(self, day: float) -> str:
        """The letter of the option that is marked as right on a day."""
        is_wrong = self.fixed_on_day is not None and not self.version(day)
        return "B" if self.has_wrong_key or is_wrong else "A"

    def options(self, day: float) -> list[Row]:
        """Four options, in an order that differs from day to day."""
        letters = "ABCD"[int(day) % 4 :] + "ABCD"[: int(day) % 4]
        return [
            {
                "id": f"{self.id}{letter}",
                "content": f"Option {letter}, of {self.id}",
                "correct": letter == self.key(day),
            }
            for letter in letters
        ]

    def probability(self, ability: float) -> float:
        """Chance that a candidate knows the right answer."""
        logit = self.discrimination * (ability - self.difficulty)
        return 1 / (1 + math.exp(-logit))


@dataclass(eq=False)
class Opening:
    """A job opening: its test and its steps, in their true order."""

    id: str
    name: str
    ability: float
    questions: list[Question]
    drawn: int
    """Questions per candidate; fewer than there are in a Smart Test."""
    categories: list[str] = field(default_factory=list)
    """IDs in the order of `STEPS`; IDs themselves have another order."""
    unused: str = ""
    """A category that no candidate is ever in."""
    closed_day: float | None = None


@dataclass(eq=False)
class Answer:
    """An answer, and the day on which its points are known."""

    question: Question
    chosen: list[str] | None
    points: float
    graded_day: float
    is_answered: bool = True


@dataclass(eq=False)
class Candidate:
    """A candidate: the truth, day by day."""

    id: str
    opening: Opening
    ability: float
    finished_day: float
    answers: list[Answer]
    moves: list[tuple[float, str, str | None]]
    """Day, category and hire state, in order; the first is the finishing."""
    deleted_day: float | None = None

    def __post_init__(self) -> None:
        day = self.finished_day
        self._points = sum(a.points for a in self.answers)
        self._graded_late = [a for a in self.answers if a.graded_day > day]

    def state(self, day: float) -> tuple[str, str | None]:
        """Category and hire state on a day."""
        return max(m for m in self.moves if m[0] <= day)[1:]

    def earned(self, day: float) -> float:
        """Points on a day, without those that are not graded yet."""
        late = sum(a.points for a in self._graded_late if a.graded_day > day)
        return self._points - late

    @property
    def possible(self) -> float:
        """Points that the questions are worth."""
        return sum(a.question.points for a in self.answers)

    @property
    def minutes(self) -> int:
        """How long the test took."""
        return 20 + int(self.id) * 7 % 40

    @property
    def decided_day(self) -> float | None:
        """Day of the first decision."""
        return self.moves[1][0] if len(self.moves) > 1 else None


class World:
    """Eight months of a team.

    Args:
        seed: of all that is random.
        candidates: how many finish a test.
        first_look_day: day of the tap's first run.
        days: day of the tap's last run.
        questions: per test.
    """

    def __init__(
        self,
        seed: int,
        *,
        candidates: int = 600,
        first_look_day: int = 45,
        days: int = 240,
        questions: int = 12,
    ) -> None:
        self._rng = random.Random(seed)
        self.days = days
        self.looks = [float(day) for day in range(first_look_day, days + 1)]
        self.openings = self._make_openings(questions)
        self.candidates = [self._make_candidate(n) for n in range(candidates)]

    # The truth

    def _make_question(self, number: int, *, is_text: bool) -> Question:
        rng = self._rng
        return Question(
            id=str(rng.randrange(10**6, 10**7)),
            skill=("SQL", "Support", "Writing")[number % 3],
            points=rng.choice((1, 2, 3)),
            discrimination=rng.choice((0.15, 1.2, 1.4, 1.6, 1.8, 2.0)),
            difficulty=rng.gauss(0, 0.7),
            is_text=is_text,
        )

    def _make_openings(self, count: int) -> list[Opening]:
        rng = self._rng
        shared = [self._make_question(n, is_text=False) for n in range(count // 3)]
        openings = []
        for number, ability in enumerate((-0.8, 0.0, 0.7, 1.2)):
            is_smart = number == 2
            own = (3 * count if is_smart else count) - len(shared)
            made = [
                self._make_question(n, is_text=not is_smart and n % 5 == 0)
                for n in range(own)
            ]
            identifiers = rng.sample(range(1000), len(STEPS) + 1)
            names = [str(1000 * (number + 1) + one) for one in identifiers]
            openings.append(
                Opening(
                    id=str(40 - number),
                    name=f"Opening {number}",
                    ability=ability,
                    questions=made if is_smart else shared + made,
                    drawn=count,
                    categories=names[:-1],
                    unused=names[-1],
                )
            )
        wrong = openings[0].questions[count // 3 + 1]
        wrong.has_wrong_key, wrong.is_text = True, False
        wrong.discrimination, wrong.difficulty = 1.6, -0.5
        self.wrong_key = wrong
        fixed = openings[0].questions[count // 3 + 2]
        fixed.is_text, fixed.fixed_on_day = False, self.days * 0.6
        fixed.discrimination, fixed.difficulty = 1.6, 0.0
        self.fixed = fixed
        openings[3].closed_day = self.days * 0.75
        return openings

    def _make_candidate(self, number: int) -> Candidate:
        rng = self._rng
        opening = rng.choices(self.openings, (5, 3, 3, 1))[0]
        finished = rng.uniform(0, self.days - 0.5)
        if opening.closed_day:
            finished *= opening.closed_day / self.days
        ability = rng.gauss(opening.ability, 1)
        shown = opening.questions
        if opening.drawn < len(shown):
            shown = rng.sample(shown, opening.drawn)
        answers = [self._answer(question, ability, finished) for question in shown]
        candidate = Candidate(
            str(5000 + number), opening, ability, finished, answers, []
        )
        self._hire(candidate)
        if candidate.moves[-1][2] == "rejected" and rng.random() < 0.25:
            candidate.deleted_day = candidate.moves[-1][0] + rng.uniform(5, 60)
        return candidate

    def _answer(self, question: Question, ability: float, day: float) -> Answer:
        rng = self._rng
        if rng.random() < 0.04:
            return Answer(question, None, 0, day, is_answered=False)
        knows = rng.random() < question.probability(ability)
        if question.is_text:
            share = (0, 0.5, 1)[(rng.random() < 0.6) + 1] if knows else 0
            waits = rng.expovariate(1 / 20)
            return Answer(question, None, share * question.points, day + waits)
        letter = "A" if knows else rng.choice("BBCD")
        is_right = letter == question.key(day)
        chosen = [f"{question.id}{letter}"]
        return Answer(question, chosen, is_right * question.points, day)

    def _hire(self, candidate: Candidate) -> None:
        rng, steps = self._rng, candidate.opening.categories
        day, place = candidate.finished_day, 0
        candidate.moves.append((day, steps[place], None))
        while True:
            day += rng.lognormvariate(1.8, 0.7)
            if rng.random() < 0.03:  # forgotten
                return
            if rng.random() > 0.30 + 0.1 * candidate.ability:
                candidate.moves.append((day, steps[place], "rejected"))
                return
            if place + 1 == len(steps):
                candidate.moves.append((day, steps[place], "possible-hire"))
                return
            back = place > 1 and rng.random() < 0.05
            place = place - 1 if back else place + 1
            candidate.moves.append((day, steps[place], None))

    # What the tap saw

    def present(self, candidate: Candidate, day: float) -> bool:
        """Whether the list shows a candidate on a day."""
        gone = candidate.deleted_day
        return candidate.finished_day <= day and (gone is None or day < gone)

    @property
    def last_look(self) -> float:
        """Day of the last run."""
        return self.looks[-1]

    def seen(self, candidate: Candidate) -> list[float]:
        """The looks that saw a candidate."""
        first = bisect_left(self.looks, candidate.finished_day)
        return [day for day in self.looks[first:] if self.present(candidate, day)]

    @property
    def living(self) -> list[Candidate]:
        """Candidates that the last run saw."""
        return [c for c in self.candidates if self.present(c, self.last_look)]

    @property
    def erased(self) -> list[Candidate]:
        """Candidates that a run saw, and a later one found deleted."""
        return [
            c
            for c in self.candidates
            if self.seen(c) and not self.present(c, self.last_look)
        ]

    def until(self, day: float) -> World:
        """The same team, as it was on a day."""
        earlier = copy(self)
        earlier.looks = [one for one in self.looks if one <= day]
        return earlier

    def without(self, left_out: set[str]) -> World:
        """The same team, as if some candidates had never been there."""
        other = copy(self)
        other.candidates = [one for one in self.candidates if one.id not in left_out]
        return other

    def crowd(self, candidates: int) -> list[Candidate]:
        """Other candidates, who are given the same tests."""
        return [self._make_candidate(number) for number in range(candidates)]

    def tables(self) -> dict[str, list[Row]]:
        """Rows by table."""
        living, erased = self.living, self.erased
        end = self.last_look
        return {
            "job_openings": [
                {
                    "id": o.id,
                    "name": o.name,
                    "created_at": at(0),
                    "published_at": at(0),
                    "closed_at": None if o.closed_day is None else at(o.closed_day),
                }
                for o in self.openings
            ],
            "categories": [
                {"id": one, "name": name, "job_opening_id": o.id}
                for o in self.openings
                for one, name in zip(
                    (*o.categories, o.unused), (*STEPS, "Archive"), strict=True
                )
            ],
            "tags": [{"id": "1", "name": "Berlin, remote"}, {"id": "2", "name": "x"}],
            "candidates": [_listed(c, end) for c in living]
            + [{"id": c.id, "_sdc_deleted_at": self.gone(c)} for c in erased],
            "candidate_details": [
                {
                    **_listed(c, end),
                    "contact_info": {"phone": f"+00 {c.id}"},
                    "tag_ids": ["1", "2"] if int(c.id) % 5 == 0 else [],
                }
                for c in living
            ]
            + [{"id": c.id, "_sdc_deleted_at": self.gone(c)} for c in erased],
            "candidate_answers": [row for c in living for row in _answer_rows(c, end)]
            + [
                {
                    "candidate_id": c.id,
                    "position": n,
                    "_sdc_deleted_at": self.gone(c),
                }
                for c in erased
                for n in range(len(c.answers))
            ],
            "candidate_history": [
                row for c in self.candidates for row in self._history(c)
            ],
            "sync_runs": [
                {
                    "started_at": at(day),
                    "finished_at": at(day) + timedelta(minutes=5),
                    "outcome": "complete",
                    "is_transient": None,
                    "candidates_listed": len(held),
                    "candidates_held": len(held),
                    "details_held": len(held),
                    "answers_held": sum(len(c.answers) for c in held),
                    "candidates_without_details": 0,
                }
                for day in self.looks
                for held in [[c for c in self.candidates if self.present(c, day)]]
            ],
        }

    def gone(self, candidate: Candidate) -> datetime:
        """When a run found a candidate deleted."""
        gone = candidate.deleted_day
        assert gone is not None
        return _observed(self.looks[bisect_left(self.looks, gone)])

    def _history(self, candidate: Candidate) -> list[Row]:
        rows: list[Row] = []
        before: tuple[Any, ...] | None = None
        for day in self.seen(candidate):
            category, hire_state = candidate.state(day)
            points = candidate.earned(day)
            state = (category, hire_state, points)
            if state != before:
                rows.append(
                    {
                        "event": "updated" if rows else "created",
                        "observed_at": _observed(day),
                        "job_opening_id": candidate.opening.id,
                        "category_id": category,
                        "hire_state": hire_state,
                        "points": points,
                        "score": 100 * points / candidate.possible,
                        "tag_ids": [],
                    }
                )
            before = state
        if rows and not self.present(candidate, self.last_look):
            rows.append({"event": "deleted", "observed_at": self.gone(candidate)})
        return [
            {"event_id": f"{candidate.id}-{n}", "candidate_id": candidate.id, **row}
            for n, row in enumerate(rows)
        ]


def at(day: float) -> datetime:
    """The time of a day of the story."""
    return START + timedelta(days=day)


def _observed(day: float) -> datetime:
    return at(day) + timedelta(minutes=2)


def _listed(candidate: Candidate, day: float) -> Row:
    category, hire_state = candidate.state(day)
    points = candidate.earned(day)
    return {
        "id": candidate.id,
        "name": f"Name {candidate.id}",
        "email": f"{candidate.id}@example.com",
        "started_at": at(candidate.finished_day) - timedelta(minutes=candidate.minutes),
        "finished_at": at(candidate.finished_day),
        "points": points,
        "score": 100 * points / candidate.possible,
        "hire_state": hire_state,
        "category_id": category,
        "job_opening_id": candidate.opening.id,
    }


def _answer_rows(candidate: Candidate, day: float) -> list[Row]:
    rows = []
    for position, answer in enumerate(candidate.answers):
        question = answer.question
        is_graded = answer.graded_day <= day
        options = question.options(candidate.finished_day)
        row = {
            "candidate_id": candidate.id,
            "position": position,
            "job_opening_id": candidate.opening.id,
            "question_id": question.id,
            "question_type": "text" if question.is_text else "single-choice",
            "skill": question.skill,
            "question": question.text(candidate.finished_day),
            "question_points": question.points,
            "options": [] if question.is_text else options,
            "answered": answer.is_answered,
            "points": answer.points if answer.is_answered and is_graded else None,
        }
        if question.is_text:
            row["text_answer"] = f"Words of {candidate.id}" * answer.is_answered or None
        else:
            row["chosen_option_ids"] = answer.chosen
            key = [one["id"] for one in options if one["correct"]]
            row["correct"] = answer.chosen == key
        rows.append(row)
    return rows
