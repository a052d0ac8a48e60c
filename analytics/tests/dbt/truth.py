"""What the models should hold of a world, in plain Python."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby, pairwise
from statistics import correlation, fmean, mean, median, stdev, variance
from typing import TYPE_CHECKING, Any

from analytics.tests.dbt.world import at

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from analytics.tests.dbt.warehouses import Warehouse
    from analytics.tests.dbt.world import Answer, Candidate, Row, World

Rows = dict[Any, dict[str, Any]]
LOOK = timedelta(minutes=2)
END = timedelta(minutes=5)
ENOUGH = 10
"""With fewer decisions there is no curve."""
KEYS = {
    "stage_order": ("job_opening_id", "category_id"),
    "funnel": ("job_opening_id", "category_id", "month"),
    "candidates": ("candidate_id",),
    "waits": ("candidate_id",),
    "candidate_stages": ("candidate_id", "stage_number"),
    "openings_weekly": ("job_opening_id", "week"),
    "grading_backlog": ("job_opening_id",),
    "questions": ("question_id",),
    "options": ("question_id", "option_id"),
    "tests": ("job_opening_id",),
    "skill_scores": ("candidate_id", "skill"),
    "openings": ("job_opening_id",),
    "retention_due": ("candidate_id",),
}
"""The columns that identify a row of a model, beside the workspace."""


def days(earlier: datetime, later: datetime) -> float:
    """Days from one time to another."""
    return (later - earlier) / timedelta(days=1)


class Truth:
    """The models of a world, by the columns that identify a row."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.end = world.last_look
        self.ended_at = at(self.end) + END
        self.living = world.living
        self.erased = world.erased
        self.answers = [
            (candidate, answer)
            for candidate in self.living
            for answer in candidate.answers
        ]

    # Steps

    def observed(self, candidate: Candidate) -> list[tuple[float, str, str | None]]:
        """Changes of category or hire state, as the looks saw them."""
        states = [(day, *candidate.state(day)) for day in self.world.seen(candidate)]
        groups = groupby(states, key=lambda state: state[1:])
        return [next(group) for _, group in groups]

    def stage_order(self) -> Rows:
        return {
            (opening.id, category): {"position": position}
            for opening in self.world.openings
            for position, category in enumerate(
                (*opening.categories, opening.unused), 1
            )
        }

    def _furthest(self, candidate: Candidate) -> int:
        steps = candidate.opening.categories
        return max(steps.index(category) for _, category, _ in self.observed(candidate))

    def funnel(self) -> Rows:
        rows: Rows = {}
        for candidate in (*self.living, *self.erased):
            gone = candidate not in self.living
            day = self.world.seen(candidate)[0] if gone else candidate.finished_day
            month = at(day).date().replace(day=1)
            furthest = self._furthest(candidate)
            for step, category in enumerate(
                (*candidate.opening.categories, candidate.opening.unused)
            ):
                row = rows.setdefault(
                    (candidate.opening.id, category, month),
                    dict.fromkeys(
                        ("reached", "advanced", "rejected", "waiting", "erased"), 0
                    ),
                )
                row["reached"] += furthest >= step
                row["advanced"] += furthest > step
                if furthest == step:
                    is_rejected = candidate.state(self.end)[1] == "rejected"
                    ending = "rejected" if is_rejected else "waiting"
                    row["erased" if gone else ending] += 1
        return rows

    def decision(self, candidate: Candidate) -> tuple[str, float | None]:
        """The decision, and the day on which a look saw it."""
        (_, category, hire_state), *later = self.observed(candidate)
        if hire_state or category != candidate.opening.categories[0]:
            return "decided before", None
        return ("decided", later[0][0]) if later else ("waiting", None)

    def waiting_since(self, candidate: Candidate, end: float) -> datetime | None:
        """Since when a candidate waits at the end of a look; None if it does not."""
        observed = self.observed(candidate)
        states = [state for state in observed if state[0] <= end] or observed[:1]
        if states[-1][2] is not None:
            return None
        return (
            at(states[-1][0]) + LOOK if len(states) > 1 else at(candidate.finished_day)
        )

    def candidates(self) -> Rows:
        facility = {key: row["facility"] for key, row in self.questions().items()}
        rows = {}
        for candidate in self.living:
            decision, day = self.decision(candidate)
            since = self.waiting_since(candidate, self.end)
            finished = at(candidate.finished_day)
            first = at(self.observed(candidate)[0][0]) + LOOK
            ungraded = [a for a in candidate.answers if not is_graded(a, self.end)]
            score = 100 * candidate.earned(self.end) / candidate.possible
            known = [
                a for a in candidate.answers if facility[a.question.id] is not None
            ]
            hoped = sum(a.question.points * facility[a.question.id] for a in known)
            expected = 100 * hoped / sum(a.question.points for a in known)
            rows[candidate.id] = {
                "decision": decision,
                "days_to_decision": None
                if day is None
                else days(finished, at(day) + LOOK),
                "is_waiting": candidate.state(self.end)[1] is None,
                "waiting_since": since,
                "days_waiting": since and days(since, self.ended_at),
                "entered_after_days": max(days(finished, first), 0),
                "ungraded_answers": len(ungraded),
                "is_fully_graded": not ungraded,
                "score": score,
                "expected_score": expected,
                "score_above_expected": score - expected,
            }
        return rows

    def candidate_stages(self) -> Rows:
        rows = {}
        for candidate in self.living:
            steps = candidate.opening.categories
            groups = groupby(self.observed(candidate), key=lambda state: state[1])
            stages = [list(group) for _, group in groups]
            for number, (stage, later) in enumerate(
                zip(stages, [*stages[1:], None], strict=True), 1
            ):
                rejected = [day for day, _, state in stage if state == "rejected"]
                ended, ended_by = None, None
                if rejected:
                    ended, ended_by = rejected[0], "rejected"
                elif later:
                    is_on = steps.index(later[0][1]) > steps.index(stage[0][1])
                    ended, ended_by = later[0][0], "moved on" if is_on else "moved back"
                start = at(stage[0][0]) + LOOK
                end = self.ended_at if ended is None else at(ended) + LOOK
                rows[candidate.id, number] = {
                    "category_id": stage[0][1],
                    "position": steps.index(stage[0][1]) + 1,
                    "ended_by": ended_by,
                    "is_current": ended is None,
                    "days": days(start, end),
                }
        return rows

    def openings_weekly(self) -> Rows:
        monday = _monday(at(self.world.looks[0]).date())
        last = _monday(at(self.end).date())
        rows: Rows = {}
        week = monday
        while week <= last:
            for opening in self.world.openings:
                rows[opening.id, week] = self._week(opening.id, week)
            week += timedelta(days=7)
        return rows

    def _week(self, opening_id: str, week: date) -> Row:
        begin = datetime(week.year, week.month, week.day)  # noqa: DTZ001 - UTC
        end = min(begin + timedelta(days=7), self.ended_at)
        first_run = at(self.world.looks[0]) + END
        row: Row = dict.fromkeys(
            ("finished", "moved_on", "rejected", "possible_hires", "waiting"), 0
        )
        since: datetime | None = None
        for candidate in (*self.living, *self.erased):
            if candidate.opening.id != opening_id:
                continue
            gone = candidate not in self.living
            states = self.observed(candidate)
            seen = at(states[0][0]) + LOOK
            is_new = (seen if gone else at(candidate.finished_day)) > first_run
            finished = seen if gone else at(candidate.finished_day)
            row["finished"] += begin <= finished < end and (is_new or not gone)
            new: list[tuple[float, str, str | None]] = [
                (0, candidate.opening.categories[0], None)
            ]
            states = [*(new if is_new else []), *states]
            for kind in ("moved_on", "rejected", "possible_hires"):
                row[kind] += any(
                    begin <= at(after[0]) + LOOK < end
                    and _is(kind, candidate, before, after)
                    for before, after in pairwise(states)
                )
            last = max(day for day in self.world.looks if at(day) + LOOK < end)
            waits = at(candidate.finished_day) < end and not gone
            if waits and (began := self.waiting_since(candidate, last)):
                row["waiting"] += 1
                since = min(since or began, began)
        row["longest_wait_days"] = since and days(since, end)
        gaps = [
            (at(before) + END, at(after) + END)
            for before, after in pairwise(self.world.looks)
            if after - before > 2
        ]
        sunday = begin + timedelta(days=7)
        row["is_complete"] = first_run <= begin and sunday <= self.ended_at
        row["is_complete"] &= not any(a < sunday and b >= begin for a, b in gaps)
        return row

    def grading_backlog(self) -> Rows:
        groups = defaultdict(list)
        for candidate, answer in self.answers:
            if not is_graded(answer, self.end):
                groups[candidate.opening.id].append(candidate)
        return {
            opening_id: {
                "answers": len(group),
                "candidates": len({candidate.id for candidate in group}),
                "undecided_candidates": len(
                    {
                        candidate.id
                        for candidate in group
                        if candidate.state(self.end)[1] is None
                    }
                ),
                "oldest_days": max(
                    days(at(candidate.finished_day), self.ended_at)
                    for candidate in group
                ),
            }
            for opening_id, group in groups.items()
        }

    # Answers

    def rest(self, candidate: Candidate, answer: Answer) -> float:
        """Share of points in the other graded questions."""
        others = [
            a for a in candidate.answers if a != answer and is_graded(a, self.end)
        ]
        return sum(a.points for a in others) / sum(a.question.points for a in others)

    def newest(self) -> list[tuple[Candidate, Answer]]:
        """Answers to the newest version of each question."""
        versions: dict[str, int] = defaultdict(int)
        for candidate, answer in self.answers:
            version = answer.question.version(candidate.finished_day)
            versions[answer.question.id] = max(versions[answer.question.id], version)
        return [
            (candidate, answer)
            for candidate, answer in self.answers
            if answer.question.version(candidate.finished_day)
            == versions[answer.question.id]
        ]

    def questions(self) -> Rows:
        groups = defaultdict(list)
        for candidate, answer in self.newest():
            groups[answer.question.id].append((candidate, answer))
        return {key: self._question(group) for key, group in groups.items()}

    def _question(self, group: list[tuple[Candidate, Answer]]) -> Row:
        graded = [(c, a) for c, a in group if is_graded(a, self.end)]
        by_opening = defaultdict(list)
        for candidate, answer in graded:
            share = answer.points / answer.question.points
            by_opening[candidate.opening.id].append(
                (share, self.rest(candidate, answer))
            )
        xs, ys = [], []
        for pairs in by_opening.values():
            mean_x, mean_y = (fmean(side) for side in zip(*pairs, strict=True))
            xs += [x - mean_x for x, _ in pairs]
            ys += [y - mean_y for _, y in pairs]
        found = correlation(xs, ys) if max(xs) - min(xs) > 1e-9 else None
        spare = len(xs) - 2 - len(by_opening)
        width = 1.96 / math.sqrt(spare)
        fixed = group[0][1].question.fixed_on_day
        return {
            "question": group[0][1].question.text(group[0][0].finished_day),
            "changed_at": fixed
            and at(min(candidate.finished_day for candidate, _ in group)),
            "openings": len({candidate.opening for candidate, _ in group}),
            "shown": len(group),
            "graded": len(graded),
            "ungraded": len(group) - len(graded),
            "facility": sum(a.points for _, a in graded)
            / sum(a.question.points for _, a in graded)
            if graded
            else None,
            "discrimination": found,
            "discrimination_low": found and math.tanh(math.atanh(found) - width),
            "discrimination_high": found and math.tanh(math.atanh(found) + width),
        }

    def options(self) -> Rows:
        groups = defaultdict(list)
        for candidate, answer in self.newest():
            if not answer.question.is_text:
                groups[answer.question.id, candidate.opening.id].append(
                    (candidate, self.rest(candidate, answer), answer)
                )
        rows: Rows = {}
        for (question_id, _), group in groups.items():
            rests = [rest for _, rest, _ in group]
            for candidate, rest, answer in group:
                upper = 3 * (1 + sum(r > rest for r in rests)) <= len(rests)
                lower = 3 * (1 + sum(r < rest for r in rests)) <= len(rests)
                for option in answer.question.options(candidate.finished_day):
                    is_chosen = option["id"] in (answer.chosen or ())
                    row = rows.setdefault(
                        (question_id, option["id"]),
                        dict.fromkeys(
                            (
                                "shown",
                                "chosen",
                                "upper_shown",
                                "lower_shown",
                                "up",
                                "low",
                            ),
                            0,
                        ),
                    )
                    row["content"] = option["content"]
                    row["is_correct"] = option["correct"]
                    row["shown"] += 1
                    row["chosen"] += is_chosen
                    row["upper_shown"] += upper
                    row["lower_shown"] += lower
                    row["up"] += upper and is_chosen
                    row["low"] += lower and is_chosen
        for row in rows.values():
            row["upper_chosen_share"] = row.pop("up") / row["upper_shown"]
            row["lower_chosen_share"] = row.pop("low") / row["lower_shown"]
        return rows

    def tests(self) -> Rows:
        rows = {}
        for opening in self.world.openings:
            group = [
                candidate for candidate in self.living if candidate.opening is opening
            ]
            points = [
                [a.points if a.graded_day <= self.end else 0 for a in candidate.answers]
                for candidate in group
            ]
            is_smart = opening.drawn < len(opening.questions)
            alpha = None
            if not is_smart:
                items = sum(variance(column) for column in zip(*points, strict=True))
                total = variance([sum(row) for row in points])
                alpha = opening.drawn / (opening.drawn - 1) * (1 - items / total)
            worth = [
                [a.question.points for a in candidate.answers] for candidate in group
            ]
            halves = [
                [
                    sum(row[n::2]) / sum(most[n::2])
                    for row, most in zip(points, worth, strict=True)
                ]
                for n in (0, 1)
            ]
            found = correlation(*halves)
            split_half = 2 * found / (1 + found)
            reliability = split_half if alpha is None else alpha
            deviation = stdev(
                100 * sum(row) / sum(most)
                for row, most in zip(points, worth, strict=True)
            )
            rows[opening.id,] = {
                "candidates": len(group),
                "questions": len({a.question.id for c in group for a in c.answers}),
                "is_smart_test": is_smart,
                "alpha": alpha,
                "split_half": split_half,
                "standard_error": deviation * math.sqrt(1 - max(reliability, 0)),
            }
        return {key: row for (key,), row in rows.items()}

    def skill_scores(self) -> Rows:
        groups = defaultdict(list)
        for candidate, answer in self.answers:
            groups[candidate, answer.question.skill].append(answer)
        scores: dict[tuple[str, str], dict[str, float | None]] = defaultdict(dict)
        for (candidate, skill), group in groups.items():
            graded = [a for a in group if is_graded(a, self.end)]
            scores[candidate.opening.id, skill][candidate.id] = (
                sum(a.points for a in graded) / sum(a.question.points for a in graded)
                if graded
                else None
            )
        rows: Rows = {}
        for (_, skill), found in scores.items():
            usual = mean(score for score in found.values() if score is not None)
            for candidate_id, score in found.items():
                rows[candidate_id, skill] = {
                    "score": score,
                    "score_above_opening": None if score is None else score - usual,
                }
        return rows

    # Waits, retention, the workspace

    def wait(self, candidate: Candidate) -> tuple[float, float, bool] | None:
        """Days from the test to the first look and to the decision, and if it was made.

        None if it was made before the first look, or if the end was not after it.
        """
        decision, day = self.decision(candidate)
        if decision == "decided before":
            return None
        looks = self.world.looks
        first = at(self.world.seen(candidate)[0]) + LOOK
        began, end = at(candidate.finished_day), self.ended_at
        if candidate in self.erased:
            began, end = first, self.world.gone(candidate)
        if day is not None:
            unseen = (day - looks[looks.index(day) - 1]) / 2
            end = at(day - unseen) + LOOK
        entered, ended = max(days(began, first), 0), days(began, end)
        return (entered, ended, day is not None) if ended > entered else None

    def waits(self) -> Rows:
        rows: Rows = {}
        for candidate in (*self.living, *self.erased):
            if wait := self.wait(candidate):
                rows[candidate.id] = {
                    "job_opening_id": candidate.opening.id,
                    "is_erased": candidate in self.erased,
                    "entered_after_days": wait[0],
                    "days_undecided": wait[1],
                    "is_decided": wait[2],
                }
        return rows

    def openings(self) -> Rows:
        rows = {}
        for opening in self.world.openings:
            group = [
                candidate for candidate in self.living if candidate.opening is opening
            ]
            made = [self.decision(candidate) for candidate in group]
            waits = [
                wait
                for candidate in (*group, *self.erased)
                if candidate.opening is opening and (wait := self.wait(candidate))
            ]
            kinds = [decision for decision, _ in made]
            rows[opening.id] = {
                "candidates": len(group),
                "erased": sum(
                    candidate.opening is opening for candidate in self.erased
                ),
                "decided": kinds.count("decided"),
                "decided_before": kinds.count("decided before"),
                "waiting": sum(
                    candidate.state(self.end)[1] is None for candidate in group
                ),
                "scored": len(group),
                "median_score": median(
                    100 * candidate.earned(self.end) / candidate.possible
                    for candidate in group
                ),
                "median_days_to_decision": kaplan_meier(waits, 0.5),
                "slowest_tenth_days_to_decision": kaplan_meier(waits, 0.1),
            }
        return rows

    def retention_due(self) -> Rows:
        rows = {}
        for candidate in self.living:
            due_at = at(candidate.finished_day) + timedelta(days=180)
            rows[candidate.id] = {
                "due_at": due_at,
                "days_overdue": days(due_at, self.ended_at),
                "decision": self.decision(candidate)[0],
                "hire_state": candidate.state(self.end)[1],
            }
        return rows


def is_graded(answer: Answer, day: float) -> bool:
    """Whether an answer has points; a question left unanswered has 0."""
    return not answer.is_answered or answer.graded_day <= day


def kaplan_meier(
    waits: Iterable[tuple[float, float, bool]], share: float
) -> float | None:
    """When a share is left, of those who enter, leave, and are decided or not."""
    waits = list(waits)
    if sum(is_decided for _, _, is_decided in waits) < ENOUGH:
        return None
    left = 1.0
    for day in sorted({end for _, end, is_decided in waits if is_decided}):
        at_risk = sum(entered < day <= end for entered, end, _ in waits)
        decided = sum(end == day and is_decided for _, end, is_decided in waits)
        if decided == at_risk and any(end > day for _, end, _ in waits):
            continue
        left *= 1 - decided / at_risk
        if left <= share + 1e-9:
            return day
    return None


def _is(
    kind: str,
    candidate: Candidate,
    before: tuple[float, str, str | None],
    after: tuple[float, str, str | None],
) -> bool:
    steps = candidate.opening.categories
    if kind == "moved_on":
        return steps.index(after[1]) > steps.index(before[1])
    state = {"rejected": "rejected", "possible_hires": "possible-hire"}[kind]
    return after[2] == state != before[2]


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


# Rows of the models, to compare with them


def keyed(warehouse: Warehouse, name: str, columns: Sequence[str]) -> dict[Any, Row]:
    """Rows of the world by the columns that identify them."""
    rows = [row for row in warehouse.rows(f"toggl_hire__{name}") if is_world(row)]
    held = {
        tuple(row[column] for column in columns)
        if columns[1:]
        else row[columns[0]]: row
        for row in rows
    }
    assert len(held) == len(rows), name
    return held


def is_world(row: Row) -> bool:
    """Return whether a row is of the world, not of another schema."""
    return bool(row["workspace"] == "toggl_hire")


def is_same(held: Any, wanted: Any) -> bool:
    """Return whether a value is the wanted one, but for what engines round."""
    if held is None or wanted is None:
        return held is wanted
    if isinstance(wanted, datetime):
        return bool(abs(held - wanted) < timedelta(milliseconds=1))
    if isinstance(held, Decimal | float):
        return abs(float(held) - float(wanted)) < 1e-4
    return bool(held == wanted)
