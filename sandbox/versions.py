"""An invented version v2.2 of the API: what a later version may do to objects.

What the real v2.2 changed is not known outside the vendor. This one does at every
level what later versions do: it has new fields, renames one, gives one another type,
changes one with each response, and renames states.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

from sandbox.invented import signed_link

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.candidate import Fields

DOCUMENTED = "v2.1"
STATES = {"": "new", "possible-hire": "shortlisted", "rejected": "declined"}
"""Names of hire states in v2.2; other states keep their names."""
_STATES_BACK = {new: old for old, new in STATES.items()}


def as_documented(query: Mapping[str, str]) -> dict[str, str]:
    """Return a request's query with the hire state of v2.1."""
    state = query.get("hire_state")
    documented = {"hire_state": _STATES_BACK.get(state, state)} if state else {}
    return {**query, **documented}


def reshaped(value: Fields, level: str) -> Fields:
    """Return an object as v2.2 shows it.

    Args:
        value: as v2.1 shows it.
        level: what it is: "openings", "categories", "tags", "rows" or "details".
    """
    number = crc32(str(value["id"]).encode())
    match level:
        case "openings":
            department = {"name": "Data", "cost_centre": number % 90, "parent": None}
            return {**value, "department": department, "is_remote": number % 2 == 0}
        case "categories":
            rules = [{"if": "declined", "then": ["mail", "archive"]}]
            return {"position": number % 9, **value, "automation": {"rules": rules}}
        case "tags":
            return {**value, "colour": f"#{number % 2**24:06x}"}
    return _candidate(value, number)


def _candidate(value: Fields, number: int) -> Fields:
    """Rename `profile_url` to `profile_link`, and make `rating` an object."""
    shown: Fields = {}
    for name, item in value.items():
        match name:
            case "profile_url":
                shown["profile_link"] = item
            case "rating":
                shown["rating"] = item if item is None else {"stars": item, "of": 3}
            case "hire_state":
                shown["hire_state"] = STATES.get(item, item)
            case "contact_info" if item is not None:
                shown["contact_info"] = {**item, "pronouns": ("they", None)[number % 2]}
            case "questions" | "answers":
                shown[name] = [_part(name, part) for part in item or ()]
            case _:
                shown[name] = item
    links = [f"https://portfolio.example.com/{value['id']}"]
    shown["portfolio"] = {"links": links, "likes": number % 7, "featured": None}
    shown["photo_url"] = signed_link(f"photos/{value['id']}")
    return shown


def _part(name: str, value: Fields) -> Fields:
    """Return a question or an answer; some, like some options, have new fields."""
    number = crc32(str(value.get("id", value.get("question_id"))).encode())
    if name == "answers":
        return {**value, "seconds_spent": number % 600} if number % 3 else value
    shown = dict(value)
    if number % 3:
        shown["difficulty"] = number % 5
    if value.get("options"):
        shown["options"] = [_option(option) for option in value["options"]]
    return shown


def _option(value: Fields) -> dict[str, Any]:
    number = crc32(value["id"].encode())
    return {**value, "hint": f"Hint {number % 100}"} if number % 2 else value
