"""The shape of what an API sends: types, forms and names, without a value.

A name is written if the schema declares it, or if it is a plain word that half of at
least five objects at its place have. Others, and all below them, are only counted: they
may be IDs or names of persons.
"""

from __future__ import annotations

import re
import typing as t
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from urllib.parse import parse_qsl, urlsplit

from tap_toggl_hire.api.pagination import same_origin, total_of

Json = dict[str, t.Any]
Schema = dict[str, t.Any]

NOT_TRIED = "not tried"
MIN_OBJECTS = 5  # objects at a place before a name that no schema declares is written
MAX_DEPTH = 30  # levels of a shape; what lies below has its type alone
WORDS = {
    "hire_state": ("", "possible-hire", "rejected"),
    # The vendor publishes no list: these are the kinds of questions of the product.
    "question_type": ("single-choice", "multiple-choice", "text", "code"),
    "type": ("NotFoundError",),  # of an error
}
"""The documented words of declared fields."""
PARAMETERS = ("after_id", "limit", "order")
"""Parameters of a list that are written; the others are counted."""
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


def shape_of(values: list[t.Any], schema: Schema, depth: int = 0) -> Json:
    """Return the shape of the JSON values at one place; `schema` declares its names.

    `depth` is the number of levels above it.
    """
    shape: Json = {"types": dict(Counter(_type_of(v) for v in values))}
    if depth == MAX_DEPTH:
        return shape
    if texts := [v for v in values if isinstance(v, str)]:
        shape["forms"] = dict(Counter(form_of(text) for text in texts))
        if words := schema.get("enum"):
            shape["words"] = {word: word in texts for word in words}
            shape["other_words"] = len({*texts} - {*words})
    if objects := [v for v in values if isinstance(v, dict)]:
        shape |= _fields(objects, schema.get("properties", {}), depth)
    if lists := [v for v in values if isinstance(v, list)]:
        items = [item for value in lists for item in value]
        shape["items"] = shape_of(items, schema.get("items", {}), depth + 1)
    return shape


def _fields(objects: list[Json], declared: Schema, depth: int) -> Json:
    counts = Counter(name for value in objects for name in value)
    names = {n for n in counts if _is_common(n, counts[n], len(objects))}
    fields = {}
    for name in sorted(names | set(declared)):
        found = [value[name] for value in objects if name in value]
        schema = declared.get(name, {})
        if name in declared and name in WORDS:
            schema = {**schema, "enum": WORDS[name]}
        fields[name] = {"missing": len(objects) - len(found)}
        fields[name] |= shape_of(found, schema, depth + 1)
    return {"fields": fields, "other_names": len(set(counts) - set(fields))}


def with_names(schema: Schema, shape: Json) -> Schema:
    """Return a schema that also declares the names that a shape has written."""
    extended = dict(schema)
    if fields := shape.get("fields"):
        declared = schema.get("properties", {})
        extended["properties"] = declared | {
            name: with_names(declared.get(name, {}), field)
            for name, field in fields.items()
        }
    if items := shape.get("items"):
        extended["items"] = with_names(schema.get("items", {}), items)
    return extended


def paging_of(pages: list[Json], root: str, limit: int | None = None) -> Json:
    """Return how a list pages, from the first pages that follow each other.

    Args:
        pages: Their bodies, each with the list of its rows as `data`.
        root: URL of the API, without the version.
        limit: The number of rows that were asked for in a page.
    """
    first, *following = pages
    rows = [row for page in pages for row in page["data"]]
    paging: Json = {"rows": len(first["data"])}
    if limit is not None:
        paging["limit"] = limit
    paging["total"] = _total_form(total_of(first), len(rows))
    paging["next"] = link_form(first, root)
    if following:
        is_new = not any(row in first["data"] for row in following[0]["data"])
        paging["second_page"] = "new rows" if is_new else "repeats rows"
        paging["next_of_second_page"] = link_form(following[0], root)
    else:
        paging["second_page"] = NOT_TRIED
    return paging


def _total_form(total: int | None, rows: int) -> str:
    """Compare the `total` of a list with the rows that were read."""
    if total is None:
        return "missing"
    if total == rows:
        return "equal to the rows read"
    return f"{'larger' if total > rows else 'smaller'} than the rows read"


def link_form(page: Json, root: str) -> Json:
    """Return the form of `links.next` and the parameters that the tap knows."""
    links = page.get("links")
    link = links.get("next") if isinstance(links, dict) else None
    if not isinstance(link, str) or not link:
        return {"form": "none"}
    try:
        query = urlsplit(link).query
    except ValueError:
        return {"form": "no URL"}
    names = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
    return {
        "form": _kind_of_link(link, root),
        "parameters": [name for name in PARAMETERS if name in names],
        "other_parameters": len(names - {*PARAMETERS}),
    }


def _kind_of_link(link: str, root: str) -> str:
    if same_origin(root, link) is None:
        return "another origin"
    if urlsplit(link).scheme or link.startswith("//"):
        return "URL"
    path = urlsplit(root).path.rstrip("/")
    if path and link.startswith(f"{path}/"):
        return "path"
    return "path without root" if link.startswith("/") else "relative"


def order_of(rows: list[t.Any]) -> str:
    """Return in which order the rows of consecutive pages started."""
    texts = [row.get("started_at") for row in rows if isinstance(row, dict)]
    times = [time for text in texts if (time := _time(text)) is not None]
    if len(times) < 2 or len(times) < len(rows):  # noqa: PLR2004 - the least to compare
        return NOT_TRIED
    if all(a <= b for a, b in pairwise(times)):
        return "ascending"
    return "descending" if all(a >= b for a, b in pairwise(times)) else "none"


def _time(text: t.Any) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _is_common(name: str, count: int, objects: int) -> bool:
    plain = len(name) <= 40 and _PLAIN.fullmatch(name)  # noqa: PLR2004 - characters
    return bool(plain) and objects >= MIN_OBJECTS and 2 * count >= objects


def _type_of(value: t.Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string"}
    others = {type(None): "null", list: "array", dict: "object"}
    return (names | others)[type(value)]
