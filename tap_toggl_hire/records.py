"""What the API sends, made to fit the schema of a stream.

Field names and values stay the API's own. Three things change: a field that is
missing is null, every id is a string (question ids are numbers in one place and
strings in another), and a time without an offset gets one (UTC). Fields that the
schema does not declare go, as one text, into the column `extra`.

The run goes on whatever comes: a scalar of another type is converted where that
loses nothing, anything else becomes null. Unknown fields and values that did not
fit are reported by field, never by value.
"""

from __future__ import annotations

import json
import re
import typing as t
from datetime import datetime

if t.TYPE_CHECKING:
    from collections.abc import Callable

Schema = dict[str, t.Any]
Record = dict[str, t.Any]
Converter = t.Callable[[t.Any], t.Any]
Report = t.Callable[[str, str], None]
"""Told of a field, and what is the matter with it."""

UNKNOWN = "is unknown to this version of the tap: it is kept in the column extra"
UNFIT = (
    "has a value that does not fit its type: it is null, and kept in the column extra"
)
EXTRA = "extra"
"""The column of what the schema does not declare, or does not fit."""

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:?\d\d)?",
)
_NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,6})?")  # as a float, without loss


def conformer(schema: Schema, report: Report) -> Callable[[t.Any], Record | None]:
    """Make the function that fits an object of the API to a schema.

    Args:
        schema: The JSON schema of a stream.
        report: Told of each field that is unknown or does not fit, each time.

    Returns:
        A function from a decoded JSON object to a new record, None where it is no
        object. What the schema does not declare, or does not fit, is in the column
        `extra`, where there is one. Fields whose names begin with `_sdc` are the
        tap's own and are left to it.
    """
    odd: list[str] = []

    def note(field: str, trouble: str) -> None:
        odd.append(field)
        report(field, trouble)

    declared = {
        name: field
        for name, field in schema["properties"].items()
        if name != EXTRA and not name.startswith("_sdc")
    }
    schema = {**schema, "properties": declared}
    convert = _object(schema, "", note)

    def conform(value: t.Any) -> Record | None:
        odd.clear()
        record = convert(value)
        if record is not None:
            record[EXTRA] = None
            if odd and (left := leftovers(value, schema)) is not None:
                record[EXTRA] = as_text(left)
        return record

    return conform


def id_of(row: t.Any) -> str | None:
    """Return the id of an object of the API; None where it has none that can be one."""
    value = row.get("id") if isinstance(row, dict) else None
    is_id = type(value) is int or (isinstance(value, str) and value != "")
    return str(value) if is_id else None


def leftovers(value: t.Any, schema: Schema) -> t.Any:
    """Return what of a value its schema does not declare, or does not fit.

    Args:
        value: A decoded JSON value, not null.
        schema: Its JSON schema.

    Returns:
        JSON values, nested as they came: an object has the names under which there is
        something, a list is as long as the one that came, with null where there is
        nothing. None where there is nothing at all.
    """
    types = schema["type"]
    if "object" in types and isinstance(value, dict):
        left = {}
        for name, item in value.items():
            field = schema["properties"].get(name)
            if field is None:
                left[name] = item
            elif item is not None and (part := leftovers(item, field)) is not None:
                left[name] = part
        return left or None
    if "array" in types and isinstance(value, list):
        parts = [
            item if item is None else leftovers(item, schema["items"]) for item in value
        ]
        return parts if any(part is not None for part in parts) else None
    return (
        value
        if "object" in types or "array" in types or not _fits(value, schema)
        else None
    )


def _fits(value: t.Any, schema: Schema) -> bool:
    try:
        _scalar(schema)(value)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def as_text(value: t.Any) -> str:
    """Return a JSON value as text, as short as it can be."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _converter(schema: Schema, path: str, report: Report) -> Converter:
    types = schema["type"]
    if "object" in types:
        return _object(schema, path, report)
    if "array" in types:
        return _array(schema, path, report)
    convert = _scalar(schema)
    return convert if convert is _text else _checked(convert, path, report)


def _scalar(schema: Schema) -> Converter:
    """Return what converts a value that is neither object nor array, or raises."""
    types = schema["type"]
    if "number" in types:
        return _number
    if "boolean" in types:
        return _boolean
    return _time if schema.get("format") == "date-time" else _text


def _object(
    schema: Schema, path: str, report: Report
) -> Callable[[t.Any], Record | None]:
    prefix = f"{path}." if path else ""
    fields = [
        (name, _converter(field, prefix + name, report))
        for name, field in schema["properties"].items()
    ]
    known = {name for name, _ in fields}

    def convert(value: t.Any) -> Record | None:
        if not isinstance(value, dict):
            report(path, UNFIT)
            return None
        if not value.keys() <= known:
            for name in value.keys() - known:
                report(prefix + name, UNKNOWN)
        get = value.get
        return {
            name: None if (item := get(name)) is None else field(item)
            for name, field in fields
        }

    return convert


def _array(schema: Schema, path: str, report: Report) -> Converter:
    item = _converter(schema["items"], f"{path}[]", report)

    def convert(value: t.Any) -> list[t.Any] | None:
        if not isinstance(value, list):
            report(path, UNFIT)
            return None
        return [None if element is None else item(element) for element in value]

    return convert


def _checked(convert: Converter, path: str, report: Report) -> Converter:
    def checked(value: t.Any) -> t.Any:
        try:
            return convert(value)
        except (TypeError, ValueError, OverflowError):
            report(path, UNFIT)
            return None

    return checked


def _text(value: t.Any) -> str:
    if type(value) is str:
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _number(value: t.Any) -> float:
    kind = type(value)
    if kind is int or kind is float:
        return value  # type: ignore[no-any-return]
    if kind is str and _NUMBER.fullmatch(value):
        return float(value)
    raise ValueError


def _boolean(value: t.Any) -> bool:
    if type(value) is bool:
        return value
    raise ValueError


def _time(value: t.Any) -> str:
    match = _TIME.fullmatch(value)
    if match is None:
        raise ValueError
    date, time, fraction, offset = match.groups()
    if offset is None:
        offset = "+00:00"
    elif offset in "Zz":
        offset = "Z"
    elif ":" not in offset:
        offset = f"{offset[:3]}:{offset[3:]}"
    datetime.fromisoformat(f"{date}T{time}{offset}")  # the 31st of February is no time
    return f"{date}T{time}{fraction or ''}{offset}"
