"""One flat row per question shown, made of a candidate's details.

The API lists the questions and, apart from them, the answers that were given.
"""

from __future__ import annotations

import json
import typing as t

from tap_toggl_hire.records import as_text

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tap_toggl_hire.records import Record


def answer_rows(candidate_id: str, details: Record) -> list[Record | None]:
    """Make the rows of `candidate_answers` of one candidate.

    Args:
        candidate_id: The candidate.
        details: A record of `candidate_details`.

    Returns:
        For each place in the list of questions a row; None where the place is null.
    """
    given = {
        answer["question_id"]: answer for answer in details["answers"] or () if answer
    }
    given.pop(None, None)  # an answer to no question
    extra = _extra(details)
    return [
        question
        and {
            "candidate_id": candidate_id,
            "job_opening_id": details["job_opening_id"],
            "position": position,
            **_with_answer(question, given.get(question["id"])),
            "extra": extra(position, question["id"]),
        }
        for position, question in enumerate(details["questions"] or ())
    ]


def _extra(details: Record) -> Callable[[int, str], str | None]:
    """Return what finds the unknown fields of a question and its answer, as text."""
    if details["extra"] is None:
        return lambda _position, _question_id: None
    left = json.loads(details["extra"])
    places = {
        answer["question_id"]: place
        for place, answer in enumerate(details["answers"] or ())
        if answer
    }

    def extra(position: int, question_id: str) -> str | None:
        parts = {
            "question": _part(left.get("questions"), position),
            "answer": _part(left.get("answers"), places.get(question_id)),
        }
        found = {name: part for name, part in parts.items() if part is not None}
        return as_text(found) if found else None

    return extra


def _part(parts: t.Any, place: int | None) -> t.Any:
    is_there = isinstance(parts, list) and place is not None and place < len(parts)
    return parts[place] if is_there else None


def _with_answer(question: Record, answer: Record | None) -> Record:
    given = answer or dict.fromkeys(("text_answer", "points", "chosen_option_ids"))
    return {
        "question_id": question["id"],
        "question_type": question["question_type"],
        "skill": question["skill"],
        "question": question["content"],
        "question_points": question["points"],
        "options": question["options"],
        "answered": answer is not None,
        "text_answer": given["text_answer"],
        "points": given["points"],
        "chosen_option_ids": given["chosen_option_ids"],
        "correct": _is_correct(question["options"], given["chosen_option_ids"]),
    }


def _is_correct(options: list[Record] | None, chosen: list[str] | None) -> bool | None:
    """Return whether exactly the correct options were chosen; None without options."""
    if not options:
        return None
    correct = {option["id"] for option in options if option and option["correct"]}
    return set(chosen or ()) == correct
