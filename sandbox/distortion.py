"""Deviations of objects from the documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

from sandbox.differences import apply
from sandbox.versions import reshaped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.candidate import Fields
    from sandbox.differences import Difference

PRIVATE = "PRIVATE-do-not-log-0000"
"""Value of added fields; it may be in the output, but in no log."""


class Distortion(NamedTuple):
    """Changes to every object; see the fields of `Shapes`."""

    made_up: bool = False
    extra: Mapping[str, Any] = {}
    extra_in: tuple[str, ...] | None = None
    drop: bool = False
    null: bool = False
    other_types: bool = False
    differences: Mapping[str, tuple[Difference, ...]] = {}

    @property
    def is_steady(self) -> bool:
        """Return whether an object is the same in every response."""
        return not self.made_up and not any(map(callable, self.extra.values()))

    def apply(self, value: Fields, path: str, level: str) -> Any:
        """Return a distorted copy; the same for the same `path`, if steady.

        Args:
            value: the object as the documentation has it.
            path: names it, such as "candidates/100". Ids stay as they are.
            level: one of the levels of `Shapes.extra_in`.
        """
        shown = reshaped(value, level) if self.made_up else value
        shown = apply(self.differences.get(level, ()), shown, path)
        if not any((self.extra, self.drop, self.null, self.other_types)):
            return shown
        return self._distorted(shown, path, level)

    def _distorted(self, value: Any, path: str, level: str) -> Any:
        if isinstance(value, list):
            return [
                self._distorted(item, f"{path}/{_name(item, place)}", level)
                for place, item in enumerate(value)
            ]
        if not isinstance(value, dict):
            return value
        distorted: dict[str, Any] = {}
        for name, item in value.items():
            here = f"{path}/{name}"
            if name == "id" or name.endswith("_id"):
                distorted[name] = item
            elif self.drop and _one_in_five(f"drop {here}"):
                continue
            elif self.null and _one_in_five(f"null {here}"):
                distorted[name] = None
            elif self.other_types and _one_in_five(f"type {here}"):
                distorted[name] = _of_another_type(item)
            else:
                distorted[name] = self._distorted(item, here, name)
        if self.extra_in is None or level in self.extra_in:
            for name, item in self.extra.items():
                distorted[name] = item(path) if callable(item) else item
        return distorted


def _name(item: object, place: int) -> object:
    return item.get("id", place) if isinstance(item, dict) else place


def _one_in_five(what: str) -> bool:
    return crc32(what.encode()) % 5 == 0


def _of_another_type(value: Any) -> Any:
    """Put the value into an object, or an object into a list; null stays null."""
    if value is None:
        return None
    return [value] if isinstance(value, dict) else {"value": value}
