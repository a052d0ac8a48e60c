"""Differences between objects of an API and the documented ones, by path.

Each says what happens to one field: it is left out, null, of another type or form, or
new. The same field of the same object always gets the same value.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Shape = Mapping[str, Any]

ITEMS = "[]"
"""The part of a path that stands for each item of a list."""
FIRST = {"types", "forms"}
"""Keys of a shape whose first entry is what differs."""
REFORM = "reform"
"""Key of a shape whose strings have other forms than the documented ones."""
_LENGTHS = {"up to 8": 6, "up to 32": 20, "up to 128": 80, "up to 1024": 400}
_LONGER = 1100
"""Characters of an invented string, for each class of length."""


class Difference(NamedTuple):
    """A difference at one path of the objects of a resource.

    Attributes:
        path: names from the object down, `ITEMS` for the items of a list.
        kind: "left out", "converted" (to the types and forms of `shape`), "reworded"
            (to the words of `shape`) or "invented" (a new field, as `shape` has it).
        share: of the objects that the difference affects, 0 to 1.
        shape: types with their numbers, forms and fields, as `--test=shape` has them.
            Those that differ come first.
        example: the seed of an object that shows the difference whatever the share is:
            one that every sample has.
    """

    path: tuple[str, ...]
    kind: Literal["left out", "converted", "reworded", "invented"]
    share: float = 1.0
    shape: Shape = MappingProxyType({})
    example: str = ""


def apply(differences: Sequence[Difference], value: Any, seed: str) -> Any:
    """Return a copy with the differences; the same for the same `seed`."""
    for difference in differences:
        value = _applied(difference, difference.path, value, seed)
    return value


def _applied(
    difference: Difference, path: tuple[str, ...], value: Any, seed: str
) -> Any:
    """Return a copy with the difference at `path`, which may lead nowhere."""
    if not path:
        return _changed(difference, value, seed)
    name, rest = path[0], path[1:]
    if name == ITEMS and isinstance(value, list):
        return [
            _applied(difference, rest, item, f"{seed}/{_name(item, place)}")
            for place, item in enumerate(value)
        ]
    if not isinstance(value, dict):
        return value
    here = f"{seed}/{name}"
    if not rest:
        return _with_field(difference, value, name, here)
    if name not in value:
        return value
    return value | {name: _applied(difference, rest, value[name], here)}


def _with_field(
    difference: Difference, value: dict[str, Any], name: str, seed: str
) -> dict[str, Any]:
    """Return an object with the difference of its field `name`."""
    if not _affects(difference, seed):
        return value
    if difference.kind == "invented":
        return value | {name: invent(difference.shape, seed)}
    if difference.kind == "left out" or name not in value:
        return {key: item for key, item in value.items() if key != name}
    return value | {name: _changed(difference, value[name], seed)}


def _affects(difference: Difference, seed: str) -> bool:
    """Return whether an object is among those with the difference."""
    if difference.share < 1 and _is_example(difference, seed):
        return difference.kind == "invented"
    return _fraction(f"{difference.kind} {seed}") < difference.share


def _is_example(difference: Difference, seed: str) -> bool:
    return bool(difference.example) and f"{seed}/".startswith(f"{difference.example}/")


def _changed(difference: Difference, value: Any, seed: str) -> Any:
    shape = difference.shape
    if difference.kind == "reworded":
        return _reworded(shape, value, seed)
    if _is_example(difference, seed):
        first = {key: dict([*shape[key].items()][:1]) for key in shape.keys() & FIRST}
        shape = {**shape, **first}
    return convert(shape, value, seed)


def _name(item: object, place: int) -> object:
    if not isinstance(item, dict):
        return place
    return item.get("id", item.get("question_id", place))


# Values of a shape


def type_of(value: Any) -> str:
    """Return the JSON type of a value, as shapes name it."""
    names = {bool: "boolean", int: "integer", float: "number", str: "string"}
    others = {type(None): "null", list: "array", dict: "object"}
    return (names | others)[type(value)]


def invent(shape: Shape, seed: str) -> Any:
    """Return a value of a shape; the same for the same `seed`."""
    value: Any = None
    match _chosen(shape.get("types", {}), f"type {seed}"):
        case "string":
            words = [word for word, seen in shape.get("words", {}).items() if seen]
            form = _chosen(shape.get("forms", {}), f"form {seed}")
            value = words[_number(seed) % len(words)] if words else _text(form, seed)
        case "integer":
            value = _number(seed) % 100
        case "number":
            value = _number(seed) % 100 + 0.5
        case "boolean":
            value = _number(seed) % 2 == 0
        case "array":
            items = shape.get("items", {})
            count = 2 if items.get("types") else 0
            value = [invent(items, f"{seed}/{place}") for place in range(count)]
        case "object":
            value = {
                name: invent(field, f"{seed}/{name}")
                for name, field in shape.get("fields", {}).items()
                if _fraction(f"invented {seed}/{name}") < share_of(field)
            }
    return value


def share_of(field: Shape) -> float:
    """Return the share of the objects at a place that have a field."""
    present = sum(field["types"].values())
    return present / (present + field["missing"]) if present else 0.0


def convert(shape: Shape, value: Any, seed: str) -> Any:
    """Return a value of a shape that says the same as `value`, if there is one."""
    kind = _chosen(shape.get("types", {}), f"type {seed}")
    if type_of(value) == kind and not (kind == "string" and shape.get(REFORM)):
        return value
    if isinstance(value, dict) and kind == "array":
        lists = (item for item in value.values() if isinstance(item, list))
        return next(lists, [value])
    if kind == "string":
        form = _chosen(shape.get("forms", {}), f"form {seed}")
        return _reformed(form, value, seed)
    if kind in {"integer", "number"} and isinstance(value, (str, int, float)):
        try:
            return int(value) if kind == "integer" else float(value)
        except ValueError:
            pass
    return invent({**shape, "types": {kind: 1}}, seed)


def _reformed(form: str, value: Any, seed: str) -> str:
    """Return a string of a form, of the same number or time as `value` if possible."""
    name = form.partition(",")[0]
    text = str(value)
    if name == "integer" and not isinstance(value, bool):
        try:
            return text if text.isdecimal() else str(int(float(text)))
        except ValueError:
            pass
    if name == "decimal":
        try:
            return f"{float(text)}"
        except ValueError:
            pass
    if name in {"date", "time with offset", "time without offset"}:
        try:
            return _time(name, datetime.fromisoformat(text))
        except ValueError:
            pass
    return _text(form, seed)


def _reworded(shape: Shape, value: Any, seed: str) -> Any:
    """Return an invented word in place of one that the shape has not seen."""
    words, others = shape["words"], shape["other_words"]
    is_kept = words.get(value) and (not others or _fraction(f"word {seed}") < 0.8)  # noqa: PLR2004 - most of them
    if not isinstance(value, str) or is_kept or not others:
        return value
    return f"other-{crc32(value.encode()) % others}"


def _text(form: str | None, seed: str) -> str:
    name, _, length = (form or "other, up to 8").partition(", ")
    number, characters = _number(seed), _LENGTHS.get(length, _LONGER)
    moment = datetime(2025, 1, 6, tzinfo=UTC) + timedelta(minutes=number % 100_000)
    digits = f"{number:010d}" * (characters // 10 + 1)
    samples: dict[str, Callable[[], str]] = {
        "empty": str,
        "integer": lambda: f"1{digits}"[:characters],
        "decimal": lambda: f"{number % 1000}.5",
        "uuid": lambda: str(uuid.uuid5(uuid.NAMESPACE_OID, seed)),
        "date": lambda: _time(name, moment),
        "time with offset": lambda: _time(name, moment),
        "time without offset": lambda: _time(name, moment),
        "url": lambda: f"https://x.example/{digits}"[: max(20, characters)],
    }
    other = f"word {digits}"[:characters]
    return samples[name]() if name in samples else other


def _time(form: str, moment: datetime) -> str:
    if form == "date":
        return f"{moment:%Y-%m-%d}"
    naive = moment.replace(tzinfo=None).isoformat()
    return f"{naive}Z" if form == "time with offset" else naive


def _chosen(counts: Mapping[str, int], seed: str) -> Any:
    """Return one of the keys, each as often as its number says."""
    place = _fraction(seed) * sum(counts.values())
    for name, count in counts.items():
        place -= count
        if place < 0:
            return name
    return None


def _fraction(seed: str) -> float:
    return _number(seed) / 2**32


def _number(seed: str) -> int:
    return crc32(seed.encode())
