"""Objects of the API, conformed to the schema of a stream.

Names and values stay the API's own. Three things change: a missing field is null,
every ID is a string (question IDs are numbers in one place and strings in another),
and a time without an offset is UTC. Fields that the schema does not declare, and
values that do not fit their type, go into the column `extra`, as JSON.

No response ends a run: a number or a truth value in a text column is converted, as is a
number that comes as text; anything else that does not fit becomes null. A type mismatch
is reported by the name of the field, without the value.
"""

from __future__ import annotations

import json
import re
import typing as t
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable

Schema = dict[str, t.Any]
Record = dict[str, t.Any]
Converter = t.Callable[[t.Any], t.Any]
Note = t.Callable[[str, str], None]
"""Called with the path of a field and `UNKNOWN` or `MISMATCHED`."""

UNKNOWN = (
    "is unknown to this version of the tap: its value is in the column extra, or "
    "dropped if pii is not keep"
)
MISMATCHED = (
    "has a value that does not fit its type: it is null, and the value is in the "
    "column extra, or dropped if it is nested too deep or pii is not keep"
)
MISSING = "The API sent none of these fields of %s, which are null in this run: %s."
EXTRA = "extra"  # the column for unknown fields and type mismatches
MAX_DEPTH = 500
"""Levels of nesting that a column has as JSON. The json module, whose limit depends on
the call stack, fails at almost twice as many."""
MAX_NAMES = 20  # field names that are logged per stream
UNPRINTABLE = "(unusual name)"
MORE = "more"

_LOGGABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}(\[\])*", re.ASCII)
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:?\d\d)?",
)
_NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,6})?")  # a float holds it without loss


@dataclass(slots=True)
class Place:
    """An object of a schema, and what the API sent there."""

    missing: set[str]  # declared fields that no object had
    prefix: str  # of their paths
    objects: int = 0  # read so far


class FieldReport:
    """What is noted about the fields of a resource."""

    def __init__(self, note: Note) -> None:
        self.note = note
        self.places: list[Place] = []

    @property
    def missing(self) -> dict[str, int]:
        """Declared fields that no object had: their paths, with the number of objects.

        What is below a place where there was no object is not among them.
        """
        return {
            place.prefix + name: place.objects
            for place in self.places
            for name in place.missing
            if place.objects
        }


class FieldLog:
    """Counts unknown, mismatched and missing fields, and logs each of them once."""

    def __init__(self, logger: logging.Logger) -> None:
        self.unknown: Counter[str] = Counter()  # by `stream.field`
        self.mismatched: Counter[str] = Counter()  # likewise
        self._logged: Counter[str] = Counter()
        self._logger = logger
        self._reports: list[tuple[str, FieldReport]] = []

    @property
    def missing(self) -> dict[str, int]:
        """Declared fields that no object had so far, by `stream.field`."""
        return {
            f"{stream}.{field}": count
            for stream, report in self._reports
            for field, count in report.missing.items()
        }

    def log_missing(self) -> None:
        """Log the fields that are missing, in one line per stream."""
        for stream, report in self._reports:
            if missing := sorted(report.missing):
                self._logger.warning(MISSING, stream, ", ".join(missing))

    def of(self, stream: str) -> FieldReport:
        """Return what reports the fields of a stream."""
        prefix = f"{stream}."

        def note(field: str, problem: str) -> None:
            counter = self.unknown if problem == UNKNOWN else self.mismatched
            name = loggable(field)
            if prefix + name not in counter and self._logged[stream] >= MAX_NAMES:
                name = MORE
            counter[prefix + name] += 1
            if counter[prefix + name] > 1:
                return
            self._logged[stream] += 1
            if name == MORE:
                self._logger.warning("There are more such fields of %s.", stream)
            else:
                self._logger.warning("Field %s of %s %s.", name, stream, problem)

        report = FieldReport(note)
        self._reports.append((stream, report))
        return report


def loggable(field: str) -> str:
    """Return the path of a field if it consists of plain words, else `UNPRINTABLE`.

    Names come from outside: one may be an address, or forge a line of the log.
    """
    parts = field.split(".")
    return field if all(map(_LOGGABLE.fullmatch, parts)) else UNPRINTABLE


def conformer(schema: Schema, report: FieldReport) -> Callable[[t.Any], Record | None]:
    """Return a function that turns an object of the API into a record of a schema.

    It returns None for a value that is no object. Columns that begin with `_sdc` are
    the tap's own: they are left out.
    """
    reported: list[str] = []

    def note(field: str, problem: str) -> None:
        reported.append(field)
        report.note(field, problem)

    declared = {
        name: field
        for name, field in schema["properties"].items()
        if name != EXTRA and not name.startswith("_sdc")
    }
    convert = _object({"properties": declared}, "", note, report.places)

    def conform(value: t.Any) -> Record | None:
        reported.clear()
        record = convert(value)
        if record is not None:
            rest = _rest(value, record) if reported else None
            record[EXTRA] = None if rest is None else as_text(rest)
        return record

    return conform


def id_of(row: t.Any) -> str | None:
    """Return the ID of an object of the API; None without a usable one."""
    value = row.get("id") if isinstance(row, dict) else None
    return str(value) if _is_id(value) else None


def as_text(value: t.Any) -> str:
    """Return a JSON value as compact text, with names sorted at every depth."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _is_id(value: t.Any) -> bool:
    return type(value) is int or (isinstance(value, str) and value != "")


def _is_too_deep(value: t.Any) -> bool:
    """Return whether a JSON value has more than `MAX_DEPTH` levels."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for item in level
            if isinstance(item, (dict, list))
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True


def _rest(value: t.Any, conformed: t.Any) -> t.Any:
    """Return the part of a value that its conformed form lacks, or None.

    It is nested as the value is: an object has the names with a rest, a list is as
    long as the list in the value, with null for items without a rest. What is too deep
    is left out.
    """
    if conformed is None:
        return None if _is_too_deep(value) else value
    if isinstance(conformed, dict):
        found = {
            name: rest
            for name, item in value.items()
            if (rest := _rest(item, conformed.get(name))) is not None
            or (item is None and name not in conformed)
        }
        return found or None
    rests = [*map(_rest, value, conformed)] if isinstance(conformed, list) else []
    return rests if any(rest is not None for rest in rests) else None


def _converter(
    schema: Schema, path: str, report: Note, places: list[Place]
) -> Converter:
    types = schema["type"]
    if "object" in types:
        return _object(schema, path, report, places)
    if "array" in types:
        return _array(schema, path, report, places)
    if "number" in types:
        return _checked(_number, path, report)
    if "boolean" in types:
        return _checked(_boolean, path, report)
    if schema.get("format") == "date-time":
        return _checked(_time, path, report)
    is_id = re.search(r"(^|[._])id$", path)
    as_string = _checked(_id if is_id else _text, path, report)
    # Most values are strings: a call less for each of them.
    return lambda value: value if type(value) is str else as_string(value)


def _checked(convert: Converter, path: str, report: Note) -> Converter:
    """Return a converter that reports a type mismatch, and returns None for it."""

    def checked(value: t.Any) -> t.Any:
        try:
            return convert(value)
        except (TypeError, ValueError, OverflowError):
            report(path, MISMATCHED)
            return None

    return checked


def _object(
    schema: Schema, path: str, report: Note, places: list[Place]
) -> Callable[[t.Any], Record | None]:
    prefix = f"{path}." if path else ""
    known = set(schema["properties"])
    place = Place(set(known), prefix)
    places.append(place)
    fields = [
        (name, _converter(field, prefix + name, report, places))
        for name, field in schema["properties"].items()
    ]

    def convert(value: t.Any) -> Record | None:
        if not isinstance(value, dict):
            report(path, MISMATCHED)
            return None
        place.objects += 1
        if place.missing:
            place.missing.difference_update(value)
        for name in value.keys() - known if not value.keys() <= known else ():
            report(prefix + name, UNKNOWN)
            if _is_too_deep(value[name]):
                report(prefix + name, MISMATCHED)
        get = value.get
        return {
            name: None if (item := get(name)) is None else field(item)
            for name, field in fields
        }

    return convert


def _array(schema: Schema, path: str, report: Note, places: list[Place]) -> Converter:
    item = _converter(schema["items"], f"{path}[]", report, places)
    if "string" in schema["items"]["type"]:  # the API's lists of text have IDs
        item = _checked(_id, f"{path}[]", report)

    def convert(value: t.Any) -> list[t.Any] | None:
        if not isinstance(value, list):
            report(path, MISMATCHED)
            return None
        return [None if element is None else item(element) for element in value]

    return convert


def _text(value: t.Any) -> str:
    if isinstance(value, (dict, list)):
        raise TypeError
    return as_text(value)


def _id(value: t.Any) -> str:
    if _is_id(value):
        return str(value)
    raise ValueError


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
    datetime.fromisoformat(f"{date}T{time}{offset}")  # rejects February 31
    return f"{date}T{time}{fraction or ''}{offset}"
