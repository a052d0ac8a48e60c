"""Choices that the documentation leaves open, one switch each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from sandbox.distortion import PRIVATE, Distortion

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.differences import Difference

NEW_FIELDS: dict[str, Any] = {
    "new_field": PRIVATE,
    "newObject": {"note": [PRIVATE, 1, None]},
}
"""Fields that `Shapes.extra_fields` adds by default."""
ODD_NAMES: dict[str, Any] = {
    "with\nnewline": PRIVATE,
    "\x1b[31mred\x1b[0m": 1,
    "person@example.com": {"last_seen": "2025-01-06"},
    "": "no name at all",
    "two words": True,
    "a" * 41: None,
    "_sdc_deleted_at": "2025-01-06T00:00:00Z",
    "extra": [1, {"nested": [PRIVATE]}],
}
"""Fields whose names no log may show, or that the tap uses itself."""


def many_names(count: int) -> dict[str, int]:
    """Return `count` fields of plain names, for `Shapes.extra_fields`."""
    return {f"field_{number}": number for number in range(count)}


@dataclass
class Shapes:
    """The undocumented part of the API; may change while the server runs."""

    last_page: Literal["null", "empty", "missing", "no_links", "empty_links"] = "null"
    """The end of a list: `next` null, "" or missing, no `links`, `links` {}."""
    next_link: Literal["absolute", "path", "bare"] = "absolute"
    """A URL, a path, or a path without root and version (as "/candidates?...")."""
    trailing_link: bool = False
    """A page that is exactly full has a `next`, even if only an empty page follows."""
    max_limit: int = 100
    over_limit: Literal["cut", "refuse"] = "cut"
    """A larger `limit` is reduced silently, or refused with 400."""
    page_small_lists: int | None = None
    """`/openings`, `/categories`, `/tags` come in pages of at most this size."""
    dead_anchor: Literal["404", "400", "empty", "restart"] = "404"
    """An unknown `after_id`: an error, an empty page, or the list from its start."""
    versions: tuple[str, ...] = ("v2.1",)
    unknown_version: Literal["json", "html"] = "json"
    total: Literal["present", "missing"] = "present"
    total_error: int = 0
    """By how much each `total` is wrong."""
    total_error_in: Literal["all lists", "tag lists"] = "all lists"
    """The lists of candidates whose `total` is wrong; tag lists ask for `tag_ids`."""
    first_candidates: int | None = None
    """Lists, and their `total`, have only this number of candidates, the first ones."""
    skip_ties: bool = False
    """A page begins after all candidates that started when `after_id`'s did."""
    made_up_versions: tuple[str, ...] = ()
    """Those of `versions` whose objects have the shape of `sandbox.versions`."""
    extra_fields: bool | Mapping[str, Any] = False
    """Every object, nested ones too, has fields that are not documented.

    True is `NEW_FIELDS`. A value that is a function is called with the object's path
    for each answer: `invented.signed_link` makes a field that changes by itself.
    """
    extra_in: tuple[str, ...] | None = None
    """The objects that have them, all by default.

    Of "openings", "categories", "tags", "rows", "details", "contact_info",
    "questions", "options", "answers".
    """
    drop_fields: bool = False
    """Some fields, never ids, are missing; always the same ones of an object."""
    null_fields: bool = False
    """Some fields, never ids, are null; always the same ones of an object."""
    other_types: bool = False
    """Some fields, never ids, are of another type; always the same ones."""
    differences: dict[str, tuple[Difference, ...]] = field(default_factory=dict)
    """Of objects by path, for each kind of them: those of `extra_in`."""
    envelopes: dict[str, tuple[Difference, ...]] = field(default_factory=dict)
    """Of the bodies of lists by path, for each list: "candidates", "tags", …"""
    total_of_small_lists: bool = False
    """`/openings`, `/categories`, `/tags` have a `total`, too."""
    wrong_id: tuple[int, Mapping[str, Any]] | None = None
    """Status and shape of the answer for an ID that does not exist."""
    headers: tuple[tuple[str, str], ...] = ()
    """Of every response, beside the usual ones."""

    def distortion(self, version: str | None = "v2.1") -> Distortion:
        """Return the changes of a version of the API to every object."""
        extra = self.extra_fields
        return Distortion(
            made_up=version in self.made_up_versions,
            extra=NEW_FIELDS if extra is True else extra or {},
            extra_in=self.extra_in,
            drop=self.drop_fields,
            null=self.null_fields,
            other_types=self.other_types,
            differences=self.differences,
        )

    def links(self, next_url: str | None, own_url: str) -> dict[str, Any]:
        """Return the part of a page's body with `links`, empty without any."""
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
