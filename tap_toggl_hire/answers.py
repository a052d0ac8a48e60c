"""`candidate_answers`: one flat row per question shown, from a candidate's details.

The API lists the questions and, apart from them, the answers (API documentation:
Get candidate).
"""

from __future__ import annotations

import json
import typing as t

from tap_toggl_hire.records import as_text

if t.TYPE_CHECKING:
    from tap_toggl_hire.records import Record

_UNANSWERED = dict.fromkeys(("text_answer", "points", "chosen_option_ids"))


def answer_rows(candidate_id: str, details: Record) -> list[Record | None]:
    """Make the rows of `candidate_answers` from a record of `candidate_details`.

    There is one per question, in the API's order; None for a question that is null.
    """
    answers = details["answers"] or ()
    place_of = {
        answer["question_id"]: place for place, answer in enumerate(answers) if answer
    }
    place_of.pop(None, None)  # an answer without a question
    extra = json.loads(details["extra"] or "{}")

    def row(position: int, question: Record) -> Record:
        place = place_of.get(question["id"])
        answer = _UNANSWERED if place is None else answers[place]
        return {
            "candidate_id": candidate_id,
            "job_opening_id": details["job_opening_id"],
            "position": position,
            "question_id": question["id"],
            "question_type": question["question_type"],
            "skill": question["skill"],
            "question": question["content"],
            "question_points": question["points"],
            "options": question["options"],
            "answered": place is not None,
            "text_answer": answer["text_answer"],
            "points": answer["points"],
            "chosen_option_ids": answer["chosen_option_ids"],
            "correct": _is_correct(question["options"], answer["chosen_option_ids"]),
            "extra": _extra(
                question=_part(extra.get("questions"), position),
                answer=_part(extra.get("answers"), place),
            ),
        }

    return [
        question and row(position, question)
        for position, question in enumerate(details["questions"] or ())
    ]


def _is_correct(options: list[Record] | None, chosen: list[str] | None) -> bool | None:
    """Return whether exactly the correct options were chosen; None without options."""
    if not options:
        return None
    correct = {option["id"] for option in options if option and option["correct"]}
    return set(chosen or ()) == correct


def _extra(**parts: t.Any) -> str | None:
    """Return what the details have in `extra` about a question and its answer."""
    found = {name: part for name, part in parts.items() if part is not None}
    return as_text(found) if found else None


def _part(parts: t.Any, place: int | None) -> t.Any:
    """Return an item of `extra`, which is not an object after a type mismatch."""
    is_there = isinstance(parts, list) and place is not None and place < len(parts)
    return parts[place] if is_there else None
