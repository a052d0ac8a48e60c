"""Models of questions and answers."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from statistics import correlation
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from analytics.tests.dbt.expected.looks import Looks, Row


def answers_enhanced(looks: Looks) -> list[Row]:
    rows = []
    for row in looks.answers:
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


def question_analysis(looks: Looks) -> list[Row]:
    rows = []
    for question_id, group in looks.by_question.items():
        first = group[0]
        answered = sum(row["answered"] for row in group)
        pairs = [
            (_share(_earned([row]), _possible([row])), _rest(looks, row))
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


def option_analysis(looks: Looks) -> list[Row]:
    rows = []
    for question_id, group in looks.by_question.items():
        rests = [_rest(looks, row) for row in group]
        known = [rest for rest in rests if rest is not None]
        upper = [
            rest is not None and 3 * (1 + sum(r > rest for r in known)) <= len(known)
            for rest in rests
        ]
        lower = [
            rest is not None and 3 * (1 + sum(r < rest for r in known)) <= len(known)
            for rest in rests
        ]
        options = {one["id"]: one for row in group for one in row["options"] or ()}
        for option_id, option in options.items():
            picked = [option_id in (row["chosen_option_ids"] or ()) for row in group]
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


def skill_scores(looks: Looks) -> list[Row]:
    groups = defaultdict(list)
    for row in looks.answers:
        key = (row["candidate_id"], row["job_opening_id"], row["skill"])
        groups[key].append(row)
    return [
        {
            **dict(zip(("candidate_id", "job_opening_id", "skill"), key, strict=True)),
            "questions": len(group),
            "answered": sum(row["answered"] for row in group),
            "points_earned": _earned(group),
            "points_possible": _possible(group),
            "score": _share(_earned(group), _possible(group)),
        }
        for key, group in groups.items()
    ]


def _rest(looks: Looks, row: Row) -> float | None:
    """How good the candidate is, told from the other questions."""
    others = [
        one
        for one in looks.by_candidate[row["candidate_id"]]
        if one["position"] != row["position"]
    ]
    return _share(_earned(others), _possible(others))


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
