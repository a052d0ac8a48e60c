"""What the tap's streams should hold, made from the account without the tap's code."""

from __future__ import annotations

import json
import re
import typing as t
from datetime import datetime

from sandbox.shapes import Shapes
from tests.support.streams import CORE

if t.TYPE_CHECKING:
    from sandbox import Account

Row = dict[str, t.Any]
Rows = dict[t.Any, Row]

# What the streams declare: kinds of value, objects by field, lists by their one item.
TEXT, NUMBER, FLAG, TIME = "text", "number", "flag", "time"
_OPENING = {
    **dict.fromkeys(("id", "name", "slug"), TEXT),
    **dict.fromkeys(("created_at", "published_at", "closed_at"), TIME),
}
_CATEGORY = dict.fromkeys(("id", "name", "job_opening_id"), TEXT)
_TAG = dict.fromkeys(("id", "name"), TEXT)
_CONTACT = dict.fromkeys(
    ("full_name", "contact_email", "linkedin", "phone", "city", "country"), TEXT
)
_ROW = {
    **dict.fromkeys(("id", "name", "email", "profile_url"), TEXT),
    "contact_info": _CONTACT,
    **dict.fromkeys(("started_at", "finished_at"), TIME),
    **dict.fromkeys(("points", "score", "rating"), NUMBER),
    **dict.fromkeys(("hire_state", "category_id", "job_opening_id"), TEXT),
}
_OPTION = {"id": TEXT, "content": TEXT, "correct": FLAG}
_QUESTION = {
    **dict.fromkeys(("id", "question_type", "skill", "content"), TEXT),
    "points": NUMBER,
    "options": [_OPTION],
}
_ANSWER = {
    **dict.fromkeys(("question_id", "text_answer"), TEXT),
    "points": NUMBER,
    "chosen_option_ids": [TEXT],
}
_DETAIL = {**_ROW, "tag_ids": [TEXT], "questions": [_QUESTION], "answers": [_ANSWER]}

_NOTHING: t.Any = object()
_DECIMAL = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,6})?")
_SIGNATURE = re.compile(r"signature=\d+")


def truth(
    account: Account,
    shapes: Shapes | None = None,
    *,
    archived: bool = False,
    version: str = "v2.1",
) -> dict[str, Rows]:
    """Return the rows of each stream by their key, as `Target` has them.

    Column `extra` (see `fit`) is without the signatures of `signed_link`, which change
    by themselves: compare with `unsigned(row["extra"])`.

    Args:
        account: The workspace.
        shapes: Of the sandbox, for the fields that it drops, nulls or adds.
        archived: Whether archived candidates are among the rows.
        version: Of the API that the tap reads.
    """
    distort = (shapes or Shapes()).distortion(version).apply
    rows: dict[str, Rows] = {name: {} for name in CORE}
    with account.lock:
        for stream, path, items, fields in (
            ("job_openings", "openings", account.openings(), _OPENING),
            ("categories", "categories", account.categories(), _CATEGORY),
            ("tags", "tags", account.tags(), _TAG),
        ):
            for item in items:
                shown = distort(item, f"{path}/{item['id']}", path)
                rows[stream][item["id"]] = _with_extra(*fit(shown, fields))
        known = account.listed_ids() + (account.archived_ids() if archived else [])
        for one in known:
            path, alive = f"candidates/{one}", {"_sdc_deleted_at": None}
            row, more = fit(distort(account.row(one), path, "rows"), _ROW)
            rows["candidates"][one] = _with_extra(row, more) | alive
            detail, more = fit(distort(account.detail(one), path, "details"), _DETAIL)
            for answer in _answers(detail, {} if more is _NOTHING else more):
                key = one, answer["position"]
                rows["candidate_answers"][key] = answer | alive
            rows["candidate_details"][one] = _with_extra(detail, more) | alive
    return rows


def unsigned(extra: str | None) -> str | None:
    """Return column `extra` without signatures."""
    return None if extra is None else _SIGNATURE.sub("signature=", extra)


def _with_extra(row: Row, extra: t.Any) -> Row:
    text = None if extra is _NOTHING else _json(extra)
    return row | {"extra": unsigned(text)}


def fit(value: t.Any, kind: t.Any) -> tuple[t.Any, t.Any]:
    """Return a value as its column has it, and what of it is in column `extra`.

    That is each field that the schema does not declare, and each value that does not
    fit its declared type, with null for an item of a list that has nothing of it:

        {"portfolio":{"likes":3},"rating":{"stars":2,"of":3},
         "questions":[null,{"difficulty":2,"options":[{"hint":"x"},null]}]}

    It is `_NOTHING` if there is none.
    """
    if value is None:
        return None, _NOTHING
    if isinstance(kind, dict) and isinstance(value, dict):
        return _fit_object(value, kind)
    if isinstance(kind, list) and isinstance(value, list):
        pairs = [fit(item, kind[0]) for item in value]
        extras = [None if more is _NOTHING else more for _, more in pairs]
        is_plain = all(more is _NOTHING for _, more in pairs)
        return [item for item, _ in pairs], _NOTHING if is_plain else extras
    if isinstance(kind, str):
        fitted = _scalar(value, kind)
        return fitted, value if fitted is None else _NOTHING
    return None, value


def _fit_object(value: Row, kind: Row) -> tuple[Row, t.Any]:
    pairs = {name: fit(value.get(name), field) for name, field in kind.items()}
    extra = {
        name: pairs[name][1] if name in kind else item
        for name, item in value.items()
        if name not in kind or pairs[name][1] is not _NOTHING
    }
    return {name: pairs[name][0] for name in kind}, extra or _NOTHING


def _scalar(value: t.Any, kind: str) -> t.Any:
    """Return a value as its column has it; None if it does not fit."""
    if kind == TEXT:
        return value if isinstance(value, str) else _json(value)
    if kind == FLAG:
        return value if isinstance(value, bool) else None
    if kind == TIME:
        return _time(value)
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return float(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number else None


def _time(value: t.Any) -> str | None:
    """Return a time of the API with an offset."""
    try:
        offset = datetime.fromisoformat(value).tzinfo
    except (TypeError, ValueError):
        return None
    return value if offset else f"{value}+00:00"


def _json(value: t.Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _answers(detail: Row, extra: Row) -> list[Row]:
    """The rows of `candidate_answers`; `extra` is what the details have of it."""
    answers = enumerate(detail["answers"] or ())
    places = {answer["question_id"]: place for place, answer in answers if answer}
    rows = []
    for position, question in enumerate(detail["questions"] or ()):
        if question is None:
            continue
        place = places.get(question["id"])
        answer = None if place is None else detail["answers"][place]
        options = question["options"]
        chosen = answer["chosen_option_ids"] if answer else None
        correct = None
        if options:
            right = {option["id"] for option in options if option and option["correct"]}
            correct = set(chosen or ()) == right
        more = {
            "question": _at(extra.get("questions"), position),
            "answer": _at(extra.get("answers"), place),
        }
        more = {name: value for name, value in more.items() if value is not None}
        row = {
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
        }
        rows.append(_with_extra(row, more or _NOTHING))
    return rows


def _at(items: list[t.Any] | None, place: int | None) -> t.Any:
    return None if items is None or place is None else items[place]
