"""The rows that a target should hold: what the API shows, in the tap's columns.

Only documented fields with values of their documented types appear here, and fields
that a test adds to a candidate as a whole. What becomes of any other value is written
down in the tests of `extra` and of the shapes of the API.
"""

from __future__ import annotations

import json
import typing as t

from sandbox.candidate import DETAIL_FIELDS, ROW_FIELDS
from tests.support.streams import ANSWERS, CANDIDATES, DETAILS, LISTS

if t.TYPE_CHECKING:
    from sandbox import Account

Row = dict[str, t.Any]
Rows = dict[t.Any, Row]

TIMES = ("created_at", "published_at", "closed_at", "started_at", "finished_at")
CONTACT_FIELDS = ("full_name", "contact_email", "linkedin", "phone", "city", "country")
QUESTION_FIELDS = ("id", "question_type", "skill", "content", "points", "options")
ANSWER_FIELDS = ("question_id", "text_answer", "points", "chosen_option_ids")


def api_rows(account: Account, *, archived: bool = False) -> dict[str, Rows]:
    """Return the rows of each stream by their key, as `Target` has them.

    The columns that the tap computes from several values (`answered` and `correct`) are
    left out.

    Args:
        account: The workspace.
        archived: Whether archived candidates are among the rows.
    """
    with account.lock:
        ids = account.listed_ids() + (account.archived_ids() if archived else [])
        details = {candidate_id: account.detail(candidate_id) for candidate_id in ids}
        lists = (account.openings(), account.categories(), account.tags())
        return {
            **{
                stream: {
                    item["id"]: {**_with_offsets(item), "extra": None} for item in items
                }
                for stream, items in zip(LISTS, lists, strict=True)
            },
            CANDIDATES: {key: _candidate(account.row(key)) for key in ids},
            DETAILS: {key: _details(detail) for key, detail in details.items()},
            ANSWERS: {
                (key, position): _answer(detail, position)
                for key, detail in details.items()
                for position in range(len(detail["questions"]))
            },
        }


def _candidate(shown: Row) -> Row:
    """Return a row of `candidates`; its unknown fields are in `extra`."""
    info = shown["contact_info"]
    documented = (*ROW_FIELDS, *DETAIL_FIELDS)
    extra = {name: value for name, value in shown.items() if name not in documented}
    row = {name: shown[name] for name in documented if name in shown}
    row["contact_info"] = info and _columns(info, CONTACT_FIELDS)
    row["extra"] = json.dumps(extra, separators=(",", ":")) if extra else None
    return _with_offsets(row)


def _details(shown: Row) -> Row:
    questions = [_columns(question, QUESTION_FIELDS) for question in shown["questions"]]
    return {
        **_candidate(shown),
        "questions": [
            {**question, "id": str(question["id"])} for question in questions
        ],
        "answers": [_columns(answer, ANSWER_FIELDS) for answer in shown["answers"]],
    }


def _answer(shown: Row, position: int) -> Row:
    """Return a row of `candidate_answers`: a question, and the answer to it if any."""
    details = _details(shown)
    question = details["questions"][position]
    answers = {answer["question_id"]: answer for answer in details["answers"]}
    answer = answers.get(question["id"], dict.fromkeys(ANSWER_FIELDS))
    return {
        "candidate_id": shown["id"],
        "job_opening_id": shown["job_opening_id"],
        "position": position,
        "question_id": question["id"],
        "question_type": question["question_type"],
        "skill": question["skill"],
        "question": question["content"],
        "question_points": question["points"],
        "options": question["options"],
        "text_answer": answer["text_answer"],
        "points": answer["points"],
        "chosen_option_ids": answer["chosen_option_ids"],
        "extra": None,
    }


def _columns(item: Row, names: tuple[str, ...]) -> Row:
    """Return documented fields; a missing one is null."""
    return {name: item.get(name) for name in names}


def _with_offsets(item: Row) -> Row:
    """Return an object of the API, whose times have no offset: they are in UTC."""
    return {
        name: f"{value}+00:00" if name in TIMES and value is not None else value
        for name, value in item.items()
    }
