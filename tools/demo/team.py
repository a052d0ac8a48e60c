"""An invented hiring team that lives through eight months.

Candidates have an ability, questions a difficulty and a discrimination (an
item-response model with two parameters, and guessing in choice questions). Recruiters
decide after some days, by what they see of the score; a grader works through text and
code answers and falls behind. The calendar ends at `today`:

    team = Team(today=datetime(2026, 6, 1, 8, tzinfo=UTC))
    with Sandbox(team.account, now=lambda: team.now) as sandbox:
        team.advance(team.start + timedelta(days=60))
        ...  # run the tap: it sees the first sixty days
        team.advance(team.today)
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import math
import random
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from sandbox import invented
from sandbox.account import Account
from tools.demo.library import CODE, LIBRARY, SOME, TEXT, Item

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.candidate import Fields

DAYS = 240
"""How long the team's history is."""
STEPS = ("Applied", "Screening call", "Interview", "Offer ✓")
PASS_RATES = (0.0, 0.45, 0.5, 0.75)
"""Of each step; the first one is passed by score."""
GUESSING = 0.2
TEXTS = (
    "It depends on what the table is used for, and how often.",
    "First I would look at what is really asked.\n\n- then measure\n- then decide",
    "J'ai déjà vu ce cas; I would ask a colleague first.",
    'Short answer: yes. Long answer: 42 reasons, and I know "most" of them.',
)
TAGS = ("referral", "remote", "très bien", "Tallinn, on site", "night-owl")


class Job(NamedTuple):
    """A job opening, and those who apply."""

    name: str
    skills: dict[str, int]
    """How many questions of each skill are asked."""
    a_week: float
    """Candidates."""
    ability: float
    """Their mean, in standard deviations."""
    decision_days: float
    """The median wait for a decision."""
    opens: int = -20
    """Day of the team's calendar."""
    closes: int | None = None
    drawn: int | None = None
    """A Smart Test: questions drawn for each candidate out of all."""


JOBS = (
    Job("Data Engineer", {"SQL": 6, "Python": 4, "Logic": 1}, 6.0, 0.5, 5.0),
    Job("Frontend Developer", {"JavaScript": 5, "Logic": 3}, 3.5, 0.2, 4.0),
    Job("QA Analyst", {"Testing": 5, "Logic": 2, "SQL": 2}, 2.8, 0.0, 6.0, 12),
    Job(
        "Customer Support Agent",
        {"Communication": 5, "Logic": 1},
        *(7.0, -0.6, 5.0, -20, 150),
    ),
    Job(
        "Full-Stack Developer (f/m/x)",
        {"SQL": 5, "Python": 5, "JavaScript": 5},
        *(2.5, 0.3, 6.0, 60, None, 8),
    ),
)
SLOW_JOB, SLOW_SINCE = "QA Analyst", DAYS - 50
LATE_DAY, FORGOTTEN_DAY = 50, 52
"""A late submission, and a candidate's wish to be forgotten, whatever the seed."""
GRADED_A_DAY, GRADED_A_DAY_LATELY, BACKLOG_SINCE = 12, 4, DAYS - 38


@dataclass
class Opening:
    """A job opening as it is in the account."""

    job: Job
    id: str
    steps: list[str]
    asked: list[tuple[Item, Fields]]


@dataclass
class Applicant:
    """A candidate, with what the API does not show."""

    id: str
    opening: Opening
    ability: float
    finished: datetime
    decided: datetime | None = None
    step: int = 0


class Team:
    """A workspace whose candidates come, wait, are graded and decided on.

    Args:
        today: when the calendar ends; an aware time.
        seed: of all that is random.

    Attributes:
        start: of the calendar, `DAYS` before today.
        account: the workspace, as it is at `now`.
        now: how far the calendar is.
        applicants: all candidates who ever submitted, by ID: the truth.
    """

    def __init__(self, today: datetime, seed: int = 5) -> None:
        self.today = today
        self.start = self.now = today - timedelta(days=DAYS)
        self.account = Account(seed)
        self.applicants: dict[str, Applicant] = {}
        self._rng = random.Random(seed)
        self._events: list[tuple[datetime, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._ungraded: deque[tuple[str, int, float]] = deque()
        self._questions: dict[str, Fields] = {}
        self._tags = [self.account.add_tag(name) for name in TAGS]
        for job in JOBS:
            self._at(self._day(job.opens), partial(self._open, job))
        self._at(self._day(FORGOTTEN_DAY), self._forget_first)
        for day in range(DAYS):
            if self._day(day).weekday() < 5:  # noqa: PLR2004 - Saturday
                self._at(self._day(day, 15), self._grade)

    def advance(self, until: datetime) -> None:
        """Advance the calendar to a moment."""
        while self._events and self._events[0][0] <= until:
            self.now, _, happen = heapq.heappop(self._events)
            happen()
        self.now = until

    # The calendar

    def _at(self, when: datetime, happen: Callable[[], object]) -> None:
        heapq.heappush(self._events, (when, next(self._numbers), happen))

    def _day(self, day: float, hour: float = 8) -> datetime:
        midnight = self.start.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + timedelta(days=day, hours=hour)

    def _later(self, median: float, spread: float = 0.7) -> datetime:
        """A working hour after some days: most often few, sometimes many."""
        days = median * math.exp(self._rng.gauss(0, spread))
        when = self.now + timedelta(days=days)
        when += timedelta(days=(0, 0, 0, 0, 0, 2, 1)[when.weekday()])
        hour = timedelta(hours=self._rng.uniform(9, 17))
        return max(when.replace(hour=0, minute=0) + hour, self.now)

    def _is_since(self, day: int) -> bool:
        return self.now >= self._day(day)

    # Openings

    def _open(self, job: Job) -> None:
        account, rng = self.account, self._rng
        opening_id = account.add_opening(job.name)
        stamps = [self._day(job.opens, hour) for hour in (8, 11)]
        account.change_opening(
            opening_id,
            slug=job.name.split(" (", maxsplit=1)[0].lower().replace(" ", "-"),
            created_at=invented.stamp(rng, stamps[0]),
            published_at=invented.stamp(rng, stamps[1]),
            closed_at=None,
        )
        opening = Opening(
            job,
            opening_id,
            [account.add_category(opening_id, name) for name in STEPS],
            [
                (item, self._question(skill, item))
                for skill, count in job.skills.items()
                for item in LIBRARY[skill][:count]
            ],
        )
        day = max(job.opens, 0.0)
        while day < (job.closes or DAYS + 1):
            day += rng.expovariate(job.a_week / 7)
            when = self._day(day, rng.triangular(7, 23, 18))
            if when > self.start and day < (job.closes or DAYS + 1):
                self._at(when, lambda: self._apply(opening))
        if job is JOBS[0]:
            self._at(self._day(LATE_DAY), partial(self._apply, opening, 12))
        if job.closes is not None:
            closed = invented.stamp(rng, self._day(job.closes, 16))
            self._at(
                self._day(job.closes, 16),
                lambda: account.change_opening(opening_id, closed_at=closed),
            )

    def _question(self, skill: str, item: Item) -> Fields:
        """A question as the API shows it; the same one for all openings."""
        if item.content in self._questions:
            return self._questions[item.content]
        new_id = self.account._new_id  # noqa: SLF001 - a part of the account
        made: Fields = {
            "id": int(new_id()),
            "question_type": item.kind,
            "skill": skill,
            "content": item.content,
            "points": {TEXT: 4, CODE: 5, SOME: 3}.get(item.kind, 2),
        }
        if item.kind != CODE:
            marked = range(1, 2) if item.has_wrong_key else range(item.right)
            made["options"] = [
                {"id": new_id(), "content": content, "correct": place in marked}
                for place, content in enumerate(item.options)
            ]
        return self._questions.setdefault(item.content, made)

    # Candidates

    def _apply(self, opening: Opening, late_days: float = 0) -> None:
        """Hand in a test; hours, sometimes days, after it was started."""
        rng, job = self._rng, opening.job
        ability = rng.gauss(job.ability, 1)
        asked = opening.asked
        if job.drawn is not None:
            asked = rng.sample(asked, job.drawn)
        answers = [
            self._answer(item, question, ability)
            for item, question in asked
            if not invented.chance(rng, 0.06 if ability > -1 else 0.2)
        ]
        minutes = rng.uniform(15, 90) + 1440 * late_days
        if invented.chance(rng, 0.04):
            minutes += rng.uniform(1, 6) * 1440
        candidate_id = self.account.add_candidate(
            opening.id,
            invented.stamp(rng, _naive(self.now - timedelta(minutes=minutes))),
            locked=invented.chance(rng, 0.05),
            finished_at=invented.stamp(rng, _naive(self.now)),
            category_id=opening.steps[0],
            questions=[dict(question) for _, question in asked],
            answers=answers,
            tag_ids=rng.sample(self._tags, rng.choice((0, 0, 0, 1, 1, 2))),
        )
        applicant = Applicant(candidate_id, opening, ability, self.now)
        self.applicants[candidate_id] = applicant
        answered = {answer["question_id"] for answer in answers}
        for position, (item, question) in enumerate(asked):
            if item.kind in {TEXT, CODE} and str(question["id"]) in answered:
                points = self._points(item, question, ability)
                self._ungraded.append((candidate_id, position, points))
        days = job.decision_days
        if job.name == SLOW_JOB and self._is_since(SLOW_SINCE):
            days *= 2.2
        self._at(self._later(days), lambda: self._decide(applicant))

    def _answer(self, item: Item, question: Fields, ability: float) -> Fields:
        """An answer: choices are graded at once, texts have no points yet."""
        rng = self._rng
        made: Fields = {
            "question_id": str(question["id"]),
            "text_answer": None,
            "points": None,
            "chosen_option_ids": None,
        }
        if item.kind in {TEXT, CODE}:
            made["text_answer"] = rng.choice(TEXTS)
            return made
        ids = [option["id"] for option in question["options"]]
        success = GUESSING + (1 - GUESSING) * _success(item, ability)
        chosen = ids[: item.right]
        if not invented.chance(rng, success):
            chosen = [rng.choice(ids[item.right :])]
        marked = [one["id"] for one in question["options"] if one["correct"]]
        made["chosen_option_ids"] = chosen
        made["points"] = question["points"] if chosen == marked else 0
        return made

    def _points(self, item: Item, question: Fields, ability: float) -> float:
        """The points a grader gives to a text: all, half or none."""
        success, luck = _success(item, ability), self._rng.random()
        if luck < success**1.5:
            return float(question["points"])
        return question["points"] / 2 if luck < success**0.6 else 0.0

    def _grade(self) -> None:
        """A day's work of the grader, who takes the oldest answers first."""
        lately = self._is_since(BACKLOG_SINCE)
        for _ in range(GRADED_A_DAY_LATELY if lately else GRADED_A_DAY):
            if not self._ungraded:
                return
            candidate_id, position, points = self._ungraded.popleft()
            with contextlib.suppress(KeyError):  # erased by now
                self.account.grade(candidate_id, position, points)

    # Decisions

    def _decide(self, applicant: Applicant) -> None:
        """Move on or reject a candidate who has waited in the first step."""
        score = self.account.row(applicant.id)["score"]
        applicant.decided = self.now
        liked = score + self._rng.gauss(0, 12) > 46  # noqa: PLR2004 - percent
        self.account.rate(applicant.id, 2 if liked else self._rng.choice((0, 1)))
        self._settle(applicant, moves_on=liked)

    def _go_on(self, applicant: Applicant) -> None:
        """End the stay in a later step."""
        rate = PASS_RATES[applicant.step] + 0.08 * applicant.ability
        if applicant.step > 1 and invented.chance(self._rng, 0.03):
            applicant.step -= 2  # back to the step before
            self._settle(applicant, moves_on=True)
        else:
            self._settle(applicant, moves_on=invented.chance(self._rng, rate))

    def _settle(self, applicant: Applicant, *, moves_on: bool) -> None:
        """Apply the decision on a candidate."""
        account, steps = self.account, applicant.opening.steps
        if not moves_on:
            account.set_hire_state(applicant.id, "rejected")
            self._forget(applicant)
        elif applicant.step == len(steps) - 1:
            account.set_hire_state(applicant.id, "possible-hire")
            account.rate(applicant.id, 3)
        else:
            account.unlock(applicant.id)
            applicant.step += 1
            account.move(applicant.id, steps[applicant.step])
            self._at(self._later(6), lambda: self._go_on(applicant))

    def _forget_first(self) -> None:
        rows = self.account.list_rows()
        self._erase(next(r["id"] for r in rows if r["hire_state"] == "rejected"))

    def _erase(self, candidate_id: str) -> None:
        with contextlib.suppress(KeyError):  # erased already
            self.account.delete(candidate_id)

    def _forget(self, applicant: Applicant) -> None:
        """Archive or erase some: on request, or when retention has ended."""
        rng = self._rng
        if invented.chance(rng, 0.02):
            self.account.archive(applicant.id)
        days = 175 + rng.uniform(0, 25)
        if invented.chance(rng, 0.04):
            days = rng.uniform(3, 60)
        elif invented.chance(rng, 0.5):
            return
        when = applicant.finished + timedelta(days=days)
        self._at(max(when, self.now), partial(self._erase, applicant.id))


def _success(item: Item, ability: float) -> float:
    """The probability to succeed without guessing; 1.7 is the model's usual scale."""
    return 1 / (1 + math.exp(-1.7 * item.discrimination * (ability - item.difficulty)))


def _naive(moment: datetime) -> datetime:
    """A time as the API has it, without an offset."""
    return moment.replace(tzinfo=None)
