"""What the models should hold, calculated from what each run could see."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from itertools import groupby
from statistics import correlation, mean, quantiles
from typing import TYPE_CHECKING, Any

from tests.support.truth import truth

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox import Account

Row = dict[str, Any]
Rows = dict[Any, Row]


@dataclass(frozen=True)
class Look:
    """What a run saw."""

    at: datetime
    rows: dict[str, Rows]

    @classmethod
    def now(cls, account: Account, at: datetime) -> Look:
        """Look at an account."""
        return cls(at.replace(tzinfo=None), truth(account))

    def state(self, candidate_id: str) -> Row | None:
        """A candidate as the list has it; None where there is none."""
        row = self.rows["candidates"].get(candidate_id)
        return row and {**row, "hire_state": row["hire_state"] or None}


class Expected:
    """The models after some looks, as lists of rows without `workspace`."""

    def __init__(self, looks: Sequence[Look]) -> None:
        self.looks = looks
        self.last = looks[-1]
        seen = [look.rows["candidates"].keys() for look in looks]
        self._erased = set().union(*seen) - seen[-1]
        self._openings = self._names("job_openings")
        self._categories = self._names("categories")

    def model(self, name: str) -> list[Row]:
        """The rows of a model."""
        rows: list[Row] = getattr(self, f"_{name}")
        return rows

    # Models of candidates

    @cached_property
    def _erasures(self) -> list[Row]:
        rows = []
        for one in self._erased:
            seen = [look.at for look in self.looks if look.state(one)]
            gone = min(look.at for look in self.looks if look.at > max(seen))
            rows.append({"candidate_id": one, "erased_at": gone})
        return rows

    @cached_property
    def _candidate_stages(self) -> list[Row]:
        rows = []
        for one in self.last.rows["candidates"]:
            for number, (place, looks) in enumerate(self._stays(one), 1):
                later = [look.at for look in self.looks if look.at > looks[-1].at]
                left = min(later) if later else None
                days = _days(looks[0].at, left or self.last.at)
                rows.append(
                    {
                        "candidate_id": one,
                        "stage_number": number,
                        **self._place(*place),
                        "valid_from": looks[0].at,
                        "valid_to": left,
                        "days": days,
                        "is_current": left is None,
                        "began_before_first_run": looks[0] is self.looks[0],
                    }
                )
        return rows

    @cached_property
    def _candidates_enhanced(self) -> list[Row]:
        tags = {key: tag["name"] for key, tag in self.last.rows["tags"].items()}
        rows = []
        for one, raw in self.last.rows["candidates"].items():
            row = {name: value or None for name, value in raw.items()}
            row |= {name: raw[name] for name in ("points", "score", "rating")}
            details = self.last.rows["candidate_details"][one]
            answers = self._answers_of(one)
            written = [a for a in answers if a["answered"] and not a["options"]]
            contact = details["contact_info"] or {}
            texts = [a["text_answer"] for a in written]
            held = [tags[tag] for tag in details["tag_ids"]]
            decided, decided_at = self._decision(one)
            finished = _naive(raw["finished_at"])
            changes = self._changes(one)
            started = _naive(raw["started_at"])
            rows.append(
                {
                    "candidate_id": one,
                    **{n: row[n] for n in ("name", "email", "profile_url")},
                    **{
                        name: contact.get(name) or None
                        for name in (
                            *("full_name", "contact_email", "linkedin"),
                            *("phone", "city", "country"),
                        )
                    },
                    **self._place(row["job_opening_id"], row["category_id"]),
                    **{n: row[n] for n in ("hire_state", "rating", "points", "score")},
                    "tags": ", ".join(held) or None,
                    "started_at": started,
                    "finished_at": finished,
                    "minutes_taken": (finished - started).total_seconds() / 60,
                    "questions": len(answers) or None,
                    "answered": sum(a["answered"] for a in answers)
                    if answers
                    else None,
                    "seems_locked": not any(texts) and not details["contact_info"]
                    if written
                    else None,
                    "first_observed_at": changes[0].at,
                    "last_changed_at": changes[-1].at,
                    "decision": decided,
                    "decided_at": decided_at,
                    "days_to_decision": decided_at and _days(finished, decided_at),
                    "days_waiting": _days(finished, self.last.at)
                    if decided == "waiting"
                    else None,
                }
            )
        return rows

    @cached_property
    def _skill_scores(self) -> list[Row]:
        groups = defaultdict(list)
        for row in self._answers:
            key = (row["candidate_id"], row["job_opening_id"], row["skill"])
            groups[key].append(row)
        return [
            {
                **dict(
                    zip(("candidate_id", "job_opening_id", "skill"), key, strict=True)
                ),
                "questions": len(group),
                "answered": sum(row["answered"] for row in group),
                "points_earned": _earned(group),
                "points_possible": _possible(group),
                "score": _share(_earned(group), _possible(group)),
            }
            for key, group in groups.items()
        ]

    @cached_property
    def _workspaces(self) -> list[Row]:
        return [
            {
                "history_since": self.looks[0].at,
                "complete_runs": len(self.looks),
                "first_run_completed_at": self.looks[0].at,
                "last_run_completed_at": self.last.at,
                "last_looked_at": self.last.at,
            }
        ]

    # Models of openings

    @cached_property
    def _openings_enhanced(self) -> list[Row]:
        groups: dict[str | None, list[Row]] = {one: [] for one in self._openings}
        for row in self._candidates_enhanced:
            groups[row["job_opening_id"]].append(row)
        rows = []
        for one, group in groups.items():
            opening = next(
                look.rows["job_openings"][one]
                for look in reversed(self.looks)
                if one in look.rows["job_openings"]
            )
            states = Counter(row["hire_state"] for row in group)
            decisions = Counter(row["decision"] for row in group)
            days = [
                row["days_to_decision"]
                for row in group
                if row["days_to_decision"] is not None
            ]
            scores = [row["score"] for row in group if row["score"] is not None]
            bands = Counter(min(int(score // 20), 4) for score in scores)
            rows.append(
                {
                    "job_opening_id": one,
                    "job_opening": opening["name"],
                    "slug": opening["slug"],
                    **{
                        name: _naive(opening[name])
                        for name in ("created_at", "published_at", "closed_at")
                    },
                    "candidates": len(group),
                    "possible_hires": states["possible-hire"],
                    "rejected": states["rejected"],
                    "decided": decisions["decided"],
                    "decided_before": decisions["decided before"],
                    "waiting": decisions["waiting"],
                    "average_days_to_decision": mean(days) if days else None,
                    "median_days_to_decision": _cut(days, 5, 10),
                    "slowest_tenth_days_to_decision": _cut(days, 9, 10),
                    "scored": len(scores),
                    "lowest_score": min(scores, default=None),
                    "lower_quartile_score": _cut(scores, 1, 4),
                    "median_score": _cut(scores, 2, 4),
                    "upper_quartile_score": _cut(scores, 3, 4),
                    "highest_score": max(scores, default=None),
                    "scored_below_20": bands[0],
                    **{f"scored_from_{20 * n}": bands[n] for n in range(1, 5)},
                }
            )
        return rows

    @cached_property
    def _funnel(self) -> list[Row]:
        groups = defaultdict(list)
        for row in self._candidates_enhanced:
            month = row["finished_at"].date().replace(day=1)
            for place in {place for place, _ in self._stays(row["candidate_id"])}:
                here = place == (row["job_opening_id"], row["category_id"])
                groups[*place, month].append((here, row["hire_state"] == "rejected"))
        return [
            {
                **self._place(opening, category),
                "month": month,
                "reached": len(group),
                "went_on": sum(not here for here, _ in group),
                "dropped": group.count((True, True)),
                "still_here": group.count((True, False)),
            }
            for (opening, category, month), group in groups.items()
        ]

    @cached_property
    def _pipeline_daily(self) -> list[Row]:
        rows = []
        day, end = self.looks[0].at.date(), self.last.at.date()
        while day <= end:
            look = max(
                (look for look in self.looks if look.at.date() <= day),
                key=lambda look: look.at,
            )
            groups = defaultdict(list)
            for one in look.rows["candidates"].keys() - self._erased:
                row = look.state(one)
                assert row is not None
                place = row["job_opening_id"], row["category_id"]
                groups[place].append(row["hire_state"])
            rows += [self._day(day, place, states) for place, states in groups.items()]
            day += timedelta(days=1)
        return rows

    def _day(self, day: date, place: tuple[Any, Any], states: list[str | None]) -> Row:
        return {
            "day": day,
            **self._place(*place),
            "candidates": len(states),
            "undecided": states.count(None),
            "possible_hires": states.count("possible-hire"),
            "rejected": states.count("rejected"),
        }

    # Models of questions

    @cached_property
    def _answers_enhanced(self) -> list[Row]:
        rows = []
        for row in self._answers:
            options = row["options"] or ()
            chosen = row["chosen_option_ids"] or ()
            picked = [one["content"] for one in options if one["id"] in chosen]
            right = [one["content"] for one in options if one["correct"]]
            text = row["text_answer"]
            taken = (
                *("candidate_id", "position", "job_opening_id", "question_id"),
                *("question_type", "skill", "question", "question_points", "answered"),
            )
            rows.append(
                {
                    **{name: row[name] for name in taken},
                    "answer": ("\n".join(picked) or None) if text is None else text,
                    "expected": "\n".join(right) or None,
                    "points": row["points"],
                    "correct": row["correct"],
                }
            )
        return rows

    @cached_property
    def _question_analysis(self) -> list[Row]:
        rows = []
        for question_id, group in self._by_question.items():
            first = group[0]
            answered = sum(row["answered"] for row in group)
            pairs = [
                (_share(_earned([row]), _possible([row])), self._rest(row))
                for row in group
            ]
            full = [(x, y) for x, y in pairs if x is not None and y is not None]
            varies = all(len(set(side)) > 1 for side in zip(*full, strict=True))
            rows.append(
                {
                    "question_id": question_id,
                    **{n: first[n] for n in ("question_type", "skill", "question")},
                    "shown": len(group),
                    "answered": answered,
                    "unanswered_share": (len(group) - answered) / len(group),
                    "points_earned": _earned(group),
                    "points_possible": _possible(group),
                    "difficulty": _share(_earned(group), _possible(group)),
                    "checked": sum(row["correct"] is not None for row in group),
                    "correct": sum(row["correct"] is True for row in group),
                    "discrimination": correlation(*zip(*full, strict=True))
                    if full and varies
                    else None,
                    "is_shown_to_few": len(group) < 20,
                }
            )
        return rows

    @cached_property
    def _option_analysis(self) -> list[Row]:
        rows = []
        for question_id, group in self._by_question.items():
            rests = [self._rest(row) for row in group]
            known = [rest for rest in rests if rest is not None]
            upper = [
                rest is not None
                and 3 * (1 + sum(r > rest for r in known)) <= len(known)
                for rest in rests
            ]
            lower = [
                rest is not None
                and 3 * (1 + sum(r < rest for r in known)) <= len(known)
                for rest in rests
            ]
            options = {one["id"]: one for row in group for one in row["options"] or ()}
            for option_id, option in options.items():
                picked = [
                    option_id in (row["chosen_option_ids"] or ()) for row in group
                ]
                rows.append(
                    {
                        "question_id": question_id,
                        "option_id": option_id,
                        "content": option["content"],
                        "is_correct": option["correct"],
                        "shown": len(group),
                        "chosen": sum(picked),
                        "chosen_share": sum(picked) / len(group),
                        **_third("upper", upper, picked),
                        **_third("lower", lower, picked),
                    }
                )
        return rows

    # What they are made of

    @property
    def _answers(self) -> list[Row]:
        return list(self.last.rows["candidate_answers"].values())

    @cached_property
    def _by_question(self) -> dict[str, list[Row]]:
        groups = defaultdict(list)
        for row in self._answers:
            groups[row["question_id"]].append(row)
        return groups

    def _answers_of(self, candidate_id: str) -> list[Row]:
        return [row for row in self._answers if row["candidate_id"] == candidate_id]

    def _rest(self, row: Row) -> float | None:
        others = [
            one
            for one in self._answers_of(row["candidate_id"])
            if one["position"] != row["position"]
        ]
        return _share(_earned(others), _possible(others))

    def _states(self, candidate_id: str) -> list[tuple[Look, Row]]:
        pairs = [(look, look.state(candidate_id)) for look in self.looks]
        return [(look, row) for look, row in pairs if row is not None]

    def _changes(self, candidate_id: str) -> list[Look]:
        """The looks that saw something of the history differ."""

        def told(pair: tuple[Look, Row]) -> list[Any]:
            look, row = pair
            names = (
                *("job_opening_id", "category_id", "hire_state"),
                *("rating", "points", "score"),
            )
            tags = look.rows["candidate_details"][candidate_id]["tag_ids"]
            return [sorted(tags), *(row[name] for name in names)]

        groups = groupby(self._states(candidate_id), told)
        return [next(group)[0] for _, group in groups]

    def _stays(self, candidate_id: str) -> Iterator[tuple[tuple[Any, Any], list[Look]]]:
        """Where a candidate was, place after place, and the looks that saw it."""
        states = self._states(candidate_id)
        for place, group in groupby(
            states, lambda pair: (pair[1]["job_opening_id"], pair[1]["category_id"])
        ):
            yield place, [look for look, _ in group]

    def _decision(self, candidate_id: str) -> tuple[str, datetime | None]:
        (_, before), *later = self._states(candidate_id)
        if before["hire_state"]:
            return "decided before", None
        for look, row in later:
            moved = row["category_id"] not in {None, before["category_id"]}
            if row["hire_state"] or moved:
                return "decided", look.at
            before = row
        return "waiting", None

    def _place(self, opening: str | None, category: str | None) -> Row:
        return {
            "job_opening_id": opening,
            "job_opening": self._openings.get(opening),
            "category_id": category,
            "category": self._categories.get(category),
        }

    def _names(self, stream: str) -> dict[str | None, str]:
        """The last name of each, deleted ones too."""
        return {
            key: row["name"]
            for look in self.looks
            for key, row in look.rows[stream].items()
        }


def _naive(moment: str | None) -> Any:
    if moment is None:
        return None
    return datetime.fromisoformat(moment).astimezone(UTC).replace(tzinfo=None)


def _days(earlier: datetime, later: datetime) -> float:
    return (later - earlier) / timedelta(days=1)


def _earned(rows: list[Row]) -> Fraction:
    return sum((Fraction(str(row["points"] or 0)) for row in rows), Fraction())


def _possible(rows: list[Row]) -> Fraction:
    return sum((Fraction(str(row["question_points"] or 0)) for row in rows), Fraction())


def _share(part: Fraction, whole: Fraction) -> float | None:
    return float(part / whole) if whole else None


def _third(name: str, members: list[bool], picked: list[bool]) -> Row:
    chosen = sum(map(all, zip(members, picked, strict=True)))
    return {
        f"{name}_shown": sum(members),
        f"{name}_chosen_share": chosen / sum(members) if any(members) else None,
    }


def _cut(numbers: list[float], part: int, parts: int) -> float | None:
    """The number below which lie `part` of `parts` of all, interpolated."""
    if len(numbers) < 2:
        return next(iter(numbers), None)
    return quantiles(numbers, n=parts, method="inclusive")[part - 1]
