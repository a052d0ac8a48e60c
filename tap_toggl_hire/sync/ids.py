"""The ids of candidates, each kept once: there may be a million of them."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterator

MOST_DIGITS = 19
"""From so many digits on, a number takes as much room as its text."""


class Ids:
    """Numbers ids in the order in which they come.

    An id that is a plain number is kept as one, in half the room of a text.
    """

    def __init__(self) -> None:
        self._numbers: dict[str | int, int] = {}
        self._ids: list[str | int] = []

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[str]:
        return map(str, self._ids)

    def find(self, candidate_id: str) -> int | None:
        """Return the number of an id, None if it has none."""
        return self._numbers.get(_kept(candidate_id))

    def number(self, candidate_id: str) -> int:
        """Return the number of an id, a new one if it has none."""
        kept = _kept(candidate_id)
        number = self._numbers.setdefault(kept, len(self._ids))
        if number == len(self._ids):
            self._ids.append(kept)
        return number

    def __getitem__(self, number: int) -> str:
        return str(self._ids[number])


def _kept(candidate_id: str) -> str | int:
    is_number = candidate_id.isdecimal() and candidate_id.isascii()
    if is_number and len(candidate_id) < MOST_DIGITS:
        number = int(candidate_id)
        if str(number) == candidate_id:  # not 007
            return number
    return candidate_id


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
