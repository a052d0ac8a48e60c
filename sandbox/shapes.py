"""What the documentation leaves open, one switch for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from zlib import crc32

PRIVATE = "PRIVATE-do-not-log-0000"
"""The value of every field that `Shapes.extra_fields` adds."""


class Distortion(NamedTuple):
    """How objects differ from the documentation; see the fields of `Shapes`."""

    extra: bool = False
    drop: bool = False
    null: bool = False

    def apply(self, value: Any, path: str) -> Any:
        """A distorted copy of a JSON value; the same for the same `path`, always.

        `path` names the object, such as "candidate/100". Ids stay as they are.
        """
        if not any(self):
            return value
        if isinstance(value, list):
            return [
                self.apply(item, f"{path}/{_name(item, place)}")
                for place, item in enumerate(value)
            ]
        if not isinstance(value, dict):
            return value
        made: dict[str, Any] = {}
        for name, item in value.items():
            here = f"{path}/{name}"
            if name == "id" or name.endswith("_id"):
                made[name] = item
            elif self.drop and _one_in_five(f"drop {here}"):
                continue
            elif self.null and _one_in_five(f"null {here}"):
                made[name] = None
            else:
                made[name] = self.apply(item, here)
        if self.extra:
            made |= {"new_field": PRIVATE, "newObject": {"note": [PRIVATE, 1, None]}}
        return made


def _name(item: object, place: int) -> object:
    return item.get("id", place) if isinstance(item, dict) else place


def _one_in_five(what: str) -> bool:
    return crc32(what.encode()) % 5 == 0


@dataclass
class Shapes:
    """The undocumented part of the API. May be changed while the server runs."""

    last_page: Literal["null", "empty", "missing", "no_links", "empty_links"] = "null"
    """Where nothing follows: `next` null, "" or missing, no `links`, `links` {}."""
    next_link: Literal["absolute", "path", "bare"] = "absolute"
    """A URL, a path, or a path without root and version (as "/candidates?...")."""
    trailing_link: bool = False
    """A page that is exactly full has a `next`, even if only an empty page follows."""
    max_limit: int = 100
    over_limit: Literal["cut", "refuse"] = "cut"
    """A larger `limit` is cut down in silence, or refused with 400."""
    page_small_lists: int | None = None
    """`/openings`, `/categories`, `/tags` come in pages of at most so many."""
    dead_anchor: Literal["404", "400", "empty", "restart"] = "404"
    """`after_id` of nobody: an error, an empty page, or the list from its start."""
    versions: tuple[str, ...] = ("v2.1",)
    unknown_version: Literal["json", "html"] = "json"
    total: Literal["present", "missing"] = "present"
    extra_fields: bool = False
    """Every object, nested ones too, has fields that are not documented."""
    drop_fields: bool = False
    """Some fields, never ids, are missing; always the same ones of an object."""
    null_fields: bool = False
    """Some fields, never ids, are null; always the same ones of an object."""

    @property
    def distortion(self) -> Distortion:
        """What is to be done to every object."""
        return Distortion(self.extra_fields, self.drop_fields, self.null_fields)

    def links(self, next_url: str | None, own_url: str) -> dict[str, Any]:
        """The part of a page's body that holds `links`, empty if there are none."""
        if next_url is not None:
            return {"links": {"next": next_url}}
        ends: dict[str, dict[str, Any]] = {
            "null": {"links": {"next": None}},
            "empty": {"links": {"next": ""}},
            "missing": {"links": {"self": own_url}},
            "empty_links": {"links": {}},
            "no_links": {},
        }
        return ends[self.last_page]
