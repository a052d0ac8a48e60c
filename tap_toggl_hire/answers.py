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

_NOTHING = dict.fromkeys(
    (
        "question_id",
        "question_type",
        "skill",
        "question",
        "question_points",
        "options",
        "answered",
        "text_answer",
        "points",
        "chosen_option_ids",
        "correct",
    )
)
_UNANSWERED = dict.fromkeys(("text_answer", "points", "chosen_option_ids"))


def answer_rows(candidate_id: str, details: Record) -> list[Record]:
    """Make the rows of `candidate_answers` from a record of `candidate_details`.

    There is one per question, in the API's order; that of a question which is null, or
    could not be read, has its key and the opening alone.
    `answered` and `correct` are None unless all that they follow from could be read.
    """
    answers = details["answers"] or ()
    questions = details["questions"] or ()
    place_of = {
        answer["question_id"]: place for place, answer in enumerate(answers) if answer
    }
    # Where no answer names a question, the two may name it in different ways.
    are_matched = details["answers"] == [] or any(
        question and question["id"] in place_of for question in questions
    )
    are_read = are_matched and all(
        answer and answer["question_id"] is not None for answer in answers
    )
    place_of.pop(None, None)  # an answer without a question
    extra = json.loads(details["extra"] or "{}")

    def row(position: int, question: Record | None) -> Record:
        key = {
            "candidate_id": candidate_id,
            "job_opening_id": details["job_opening_id"],
            "position": position,
        }
        if question is None:
            part = _part(extra.get("questions"), position)
            return {**_NOTHING, **key, "extra": _extra(question=part)}
        place = place_of.get(question["id"])
        answer = _UNANSWERED if place is None else answers[place]
        is_known = place is not None or (are_read and question["id"] is not None)
        answered = place is not None if is_known else None
        chosen = [] if answered is False else answer["chosen_option_ids"]
        return {
            **key,
            "question_id": question["id"],
            "question_type": question["question_type"],
            "skill": question["skill"],
            "question": question["content"],
            "question_points": question["points"],
            "options": question["options"],
            "answered": answered,
            "text_answer": answer["text_answer"],
            "points": answer["points"],
            "chosen_option_ids": answer["chosen_option_ids"],
            "correct": _is_correct(question["options"], chosen),
            "extra": _extra(
                question=_part(extra.get("questions"), position),
                answer=_part(extra.get("answers"), place),
            ),
        }

    return [row(position, question) for position, question in enumerate(questions)]


def _is_correct(options: list[Record] | None, chosen: list[str] | None) -> bool | None:
    """Return whether exactly the correct options were chosen.

    None without options, and where an option or a choice could not be read, or a choice
    is none of the options.
    """
    if not options or chosen is None:
        return None
    is_correct = {option["id"]: option["correct"] for option in options if option}
    are_read = len(is_correct) == len(options) and None not in is_correct
    if not are_read or None in is_correct.values() or not {*chosen} <= {*is_correct}:
        return None
    return {*chosen} == {key for key, correct in is_correct.items() if correct}


def _extra(**parts: t.Any) -> str | None:
    """Return what the details have in `extra` about a question and its answer."""
    found = {name: part for name, part in parts.items() if part is not None}
    return as_text(found) if found else None


def _part(parts: t.Any, place: int | None) -> t.Any:
    """Return an item of `extra`, which is not an object after a type mismatch."""
    is_there = isinstance(parts, list) and place is not None and place < len(parts)
    return parts[place] if is_there else None
