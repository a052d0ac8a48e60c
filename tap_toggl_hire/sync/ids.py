"""The ids of candidates, each kept once: there may be a million of them."""

from __future__ import annotations

import typing as t
from array import array

if t.TYPE_CHECKING:
    from collections.abc import Iterator

MOST_DIGITS = 19
"""From so many digits on, a number takes as much room as its text."""
SMALLEST = 8
"""Slots of a table; always a power of two."""
SPREAD = 0x9E3779B97F4A7C15
"""2 ** 64 by the golden ratio: spreads ids that are alike (Fibonacci hashing)."""


class Ids:
    """Numbers ids in the order in which they come.

    It is a hash table with open addressing whose slots hold numbers: a dict, with
    objects for keys and values, would take twice the room. An id that is a plain
    number is kept as one, in half the room of a text.
    """

    def __init__(self) -> None:
        self._ids: list[str | int] = []
        self._table = _table(SMALLEST)
        """In a slot, the number of an id plus 1; 0 where it is free."""

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[str]:
        return map(str, self._ids)

    def find(self, candidate_id: str) -> int | None:
        """Return the number of an id, None if it has none."""
        number = self._table[self._slot(_kept(candidate_id), self._table)]
        return number - 1 if number else None

    def number(self, candidate_id: str) -> int:
        """Return the number of an id, a new one if it has none."""
        kept = _kept(candidate_id)
        slot = self._slot(kept, self._table)
        if number := self._table[slot]:
            return number - 1
        self._ids.append(kept)
        self._table[slot] = len(self._ids)
        if 2 * len(self._ids) > len(self._table):
            self._grow()
        return len(self._ids) - 1

    def __getitem__(self, number: int) -> str:
        return str(self._ids[number])

    def _slot(self, kept: str | int, table: array[int]) -> int:
        """Return the slot of an id, or the free one where it belongs."""
        ids = self._ids
        last = len(table) - 1
        slot = hash(kept) * SPREAD >> 32 & last
        while (number := table[slot]) and ids[number - 1] != kept:
            slot = slot + 1 & last
        return slot

    def _grow(self) -> None:
        table = _table(2 * len(self._table))
        for number, kept in enumerate(self._ids, 1):
            table[self._slot(kept, table)] = number
        self._table = table


def _table(size: int) -> array[int]:
    return array("I", bytes(array("I").itemsize * size))


def _kept(candidate_id: str) -> str | int:
    is_number = (
        len(candidate_id) < MOST_DIGITS
        and candidate_id.isdecimal()
        and candidate_id.isascii()
        and (candidate_id[0] != "0" or candidate_id == "0")  # not 007
    )
    return int(candidate_id) if is_number else candidate_id


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
