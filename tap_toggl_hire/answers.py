"""One flat row per question shown, made of a candidate's details.

The API lists the questions and, apart from them, the answers that were given.
"""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
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
    return [
        question
        and {
            "candidate_id": candidate_id,
            "job_opening_id": details["job_opening_id"],
            "position": position,
            **_with_answer(question, given.get(question["id"])),
        }
        for position, question in enumerate(details["questions"] or ())
    ]


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
    """Tell whether exactly the correct options were chosen; None without options."""
    if not options:
        return None
    correct = {option["id"] for option in options if option and option["correct"]}
    return set(chosen or ()) == correct
