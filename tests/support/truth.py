"""What the tap's streams should hold, told from the account without the tap's code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.account import ROW_FIELDS
from sandbox.shapes import Shapes

if TYPE_CHECKING:
    from sandbox.account import Account

Row = dict[str, Any]
Rows = dict[Any, Row]

_OPENING = ("id", "name", "slug", "created_at", "published_at", "closed_at")
_CATEGORY = ("id", "name", "job_opening_id")
_TAG = ("id", "name")
_CONTACT = ("full_name", "contact_email", "linkedin", "phone", "city", "country")
_DETAIL = (*ROW_FIELDS, "tag_ids", "questions", "answers")
_QUESTION = ("id", "question_type", "skill", "content", "points", "options")
_OPTION = ("id", "content", "correct")
_ANSWER = ("question_id", "text_answer", "points", "chosen_option_ids")


def truth(
    account: Account, shapes: Shapes | None = None, *, archived: bool = False
) -> dict[str, Rows]:
    """Every stream's rows by their key.

    The key is the id, for `candidate_answers` the pair of the candidate's id and the
    position. Ids are strings, times have an offset, and a field that is missing is
    None, nested ones too.

    Args:
        account: what there is; candidates that are not listed do not count.
        shapes: of the sandbox, for the fields that it drops or nulls.
        archived: count the archived ones too, which a list showed once.
    """
    distort = (shapes or Shapes()).distortion.apply
    rows: dict[str, Rows] = {
        name: {}
        for name in (
            *("job_openings", "categories", "tags"),
            *("candidates", "candidate_details", "candidate_answers"),
        )
    }
    with account.lock:
        for stream, path, items, fields in (
            ("job_openings", "openings", account.openings(), _OPENING),
            ("categories", "categories", account.categories(), _CATEGORY),
            ("tags", "tags", account.tags(), _TAG),
        ):
            for item in items:
                shown = distort(item, f"{path}/{item['id']}")
                rows[stream][item["id"]] = _timed(_only(shown, fields))
        known = account.listed_ids() + (account.archived_ids() if archived else [])
        for candidate_id in known:
            path = f"candidates/{candidate_id}"
            row = distort(account.row(candidate_id), path)
            rows["candidates"][candidate_id] = _candidate(row, ROW_FIELDS)
            detail = _detail(distort(account.detail(candidate_id), path))
            rows["candidate_details"][candidate_id] = detail
            for answer in _answers(detail):
                key = candidate_id, answer["position"]
                rows["candidate_answers"][key] = answer
    return rows


def _only(item: Row, fields: tuple[str, ...]) -> Row:
    return {name: item.get(name) for name in fields}


def _each(items: list[Row] | None, fields: tuple[str, ...]) -> list[Row] | None:
    return None if items is None else [_only(item, fields) for item in items]


def _timed(row: Row) -> Row:
    for name, value in row.items():
        if name.endswith("_at") and value is not None and not name.startswith("_"):
            date, _, clock = value.partition("T")
            offset = clock.endswith("Z") or "+" in clock or "-" in clock
            row[name] = value if offset else f"{date}T{clock}+00:00"
    return row


def _candidate(item: Row, fields: tuple[str, ...]) -> Row:
    row = _timed(_only(item, fields))
    if row["contact_info"] is not None:
        row["contact_info"] = _only(row["contact_info"], _CONTACT)
    return row | {"_sdc_deleted_at": None}


def _detail(item: Row) -> Row:
    row = _candidate(item, _DETAIL)
    row["questions"] = _each(row["questions"], _QUESTION)
    row["answers"] = _each(row["answers"], _ANSWER)
    for question in row["questions"] or ():
        question["id"] = str(question["id"])
        question["options"] = _each(question["options"], _OPTION)
    return row


def _answers(detail: Row) -> list[Row]:
    given = {answer["question_id"]: answer for answer in detail["answers"] or ()}
    rows = []
    for position, question in enumerate(detail["questions"] or ()):
        answer = given.get(question["id"])
        options = question["options"]
        chosen = answer["chosen_option_ids"] if answer else None
        correct = None
        if options:
            right = {option["id"] for option in options if option["correct"]}
            correct = set(chosen or ()) == right
        rows.append(
            {
                "candidate_id": detail["id"],
                "job_opening_id": detail["job_opening_id"],
                "position": position,
                "question_id": question["id"],
                "question_type": question["question_type"],
                "skill": question["skill"],
                "question": question["content"],
                "question_points": question["points"],
                "options": options,
                "answered": answer is not None,
                "text_answer": answer and answer["text_answer"],
                "points": answer and answer["points"],
                "chosen_option_ids": chosen,
                "correct": correct,
                "_sdc_deleted_at": None,
            }
        )
    return rows
