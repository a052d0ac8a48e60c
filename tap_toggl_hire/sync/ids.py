"""The ids of candidates, each kept once: there may be a million of them."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterator


class Ids:
    """Numbers ids in the order in which they come."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._ids: list[str] = []

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def find(self, candidate_id: str) -> int | None:
        """Return the number of an id, None if it has none."""
        return self._numbers.get(candidate_id)

    def number(self, candidate_id: str) -> int:
        """Return the number of an id, a new one if it has none."""
        number = self._numbers.setdefault(candidate_id, len(self._ids))
        if number == len(self._ids):
            self._ids.append(candidate_id)
        return number

    def __getitem__(self, number: int) -> str:
        return self._ids[number]


class IdSet:
    """A set of ids, of a byte for each that is numbered.

    Args:
        ids: Numbers the ids.
    """

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._flags = bytearray()
        self._size = 0

    def add(self, candidate_id: str) -> int | None:
        """Add an id.

        Returns:
            Its number; None if it was there.
        """
        number = self._ids.number(candidate_id)
        if number >= len(self._flags):
            self._flags.extend(bytes(len(self._ids) - len(self._flags)))
        if self._flags[number]:
            return None
        self._flags[number] = 1
        self._size += 1
        return number

    def __contains__(self, candidate_id: object) -> bool:
        number = self._ids.find(candidate_id) if isinstance(candidate_id, str) else None
        return (
            number is not None and number < len(self._flags) and self._flags[number] > 0
        )

    def __len__(self) -> int:
        return self._size
