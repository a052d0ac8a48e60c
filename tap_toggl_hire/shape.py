"""The shape of what an API sends: types, forms and names, without a value.

A name is written if the schema declares it, or if it is a plain word that half of at
least five objects at its place have. Others, and all below them, are only counted: they
may be IDs or names of persons.
"""

from __future__ import annotations

import re
import typing as t
from collections import Counter

MIN_OBJECTS = 5  # objects at a place before a name that no schema declares is written
_PLAIN = re.compile(r"[A-Za-z][a-z]*(?:[_A-Z][a-z]+)*")
_DATE = r"\d{4}-\d\d-\d\d"
_TIME = _DATE + r"[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?"
_FORMS = {
    "empty": re.compile(""),
    "integer": re.compile(r"[+-]?\d+", re.ASCII),
    "decimal": re.compile(r"[+-]?\d+\.\d+", re.ASCII),
    "uuid": re.compile(r"[\da-fA-F]{8}(?:-[\da-fA-F]{4}){3}-[\da-fA-F]{12}", re.ASCII),
    "date": re.compile(_DATE, re.ASCII),
    "time with offset": re.compile(_TIME + r"(?:Z|[+-]\d\d:?\d\d)", re.ASCII),
    "time without offset": re.compile(_TIME, re.ASCII),
    "url": re.compile(r"https?://\S+"),
}
_LENGTHS = (8, 32, 128, 1024)  # characters, upper bounds of the classes


def form_of(text: str) -> str:
    """Return the form of a string with its class of length: `integer, up to 8`."""
    form = next((n for n, form in _FORMS.items() if form.fullmatch(text)), "other")
    bound = next((n for n in _LENGTHS if len(text) <= n), None)
    return f"{form}, {'longer' if bound is None else f'up to {bound}'}"


def shape_of(values: list[t.Any], schema: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the shape of the JSON values at one place; `schema` declares its names."""
    shape: dict[str, t.Any] = {"types": dict(Counter(_type_of(v) for v in values))}
    if texts := [v for v in values if isinstance(v, str)]:
        shape["forms"] = dict(Counter(form_of(text) for text in texts))
    if objects := [v for v in values if isinstance(v, dict)]:
        shape |= _fields(objects, schema.get("properties", {}))
    if lists := [v for v in values if isinstance(v, list)]:
        items = [item for value in lists for item in value]
        shape["items"] = shape_of(items, schema.get("items", {}))
    return shape


def _fields(
    objects: list[dict[str, t.Any]], declared: dict[str, t.Any]
) -> dict[str, t.Any]:
    counts = Counter(name for value in objects for name in value)
    names = {n for n in counts if _is_common(n, counts[n], len(objects))}
    fields = {}
    for name in sorted(names | set(declared)):
        found = [value[name] for value in objects if name in value]
        fields[name] = {"missing": len(objects) - len(found)}
        fields[name] |= shape_of(found, declared.get(name, {}))
    return {"fields": fields, "other_names": len(set(counts) - set(fields))}


def _is_common(name: str, count: int, objects: int) -> bool:
    plain = len(name) <= 40 and _PLAIN.fullmatch(name)  # noqa: PLR2004 - characters
    return bool(plain) and objects >= MIN_OBJECTS and 2 * count >= objects


def _type_of(value: t.Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string"}
    others = {type(None): "null", list: "array", dict: "object"}
    return (names | others)[type(value)]
