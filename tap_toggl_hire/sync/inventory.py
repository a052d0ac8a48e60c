"""The inventory: what the target holds of each candidate, in columns.

There may be a million candidates. A dict maps each ID to a position, and each field of
`Known` is an array. These arrays are also the columns of the state.
"""

from __future__ import annotations

import base64
import sys
import typing as t
import zlib
from array import array
from collections import Counter
from hashlib import blake2b
from itertools import compress

import msgspec

from tap_toggl_hire.sync.plan import (
    FROM_DETAILS,
    STREAMS,
    Held,
    Known,
    Presence,
    make_stale,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CODES = {
    **dict.fromkeys(("row", "tags", "extra", "details", "history"), "I"),
    "answers": "H",
    "held": "B",
    "presence": "B",
}
"""The columns of numbers, with the type codes of their arrays."""
COLUMNS = ("ids", *CODES)
MOST_ANSWERS = 65535
"""The largest number of answer rows that the column `answers` holds."""
PIECE = 1 << 16
"""Bytes that are encoded at once, so that a state is never in memory twice."""

_HELD = tuple(
    tuple(Held(min(byte >> 2 * place & 3, 2)) for place in range(len(STREAMS)))
    for byte in range(256)
)
"""A byte of the column `held`, unpacked: two bits per stream, the first lowest."""
_PRESENCE = (None, *Presence)
"""A byte of the column `presence`; 0 is a position that says nothing."""
_LISTED, _FETCHED = 1, 2  # flags of one run


def digest(value: t.Any) -> int:
    """Digest a JSON value as 32 bits, neither `plan.NEVER` nor `plan.UNKNOWN_VALUE`.

    One change in four billion goes unnoticed until the next.
    """
    hashed = blake2b(msgspec.json.encode(value), digest_size=4).digest()
    return max(int.from_bytes(hashed, "little"), 2)


class Inventory:
    """What is known of candidates, by ID, and which of them this run has seen."""

    def __init__(self) -> None:
        self._positions: dict[str, int] = {}
        self._columns = {name: array(code) for name, code in CODES.items()}
        self._flags = bytearray()

    def get(self, candidate_id: str) -> Known | None:
        """Return what is known of a candidate."""
        position = self._positions.get(candidate_id)
        return None if position is None else self._known(position)

    def __setitem__(self, candidate_id: str, known: Known | None) -> None:
        position = self.number(candidate_id)
        columns = self._columns
        if known is None:
            columns["presence"][position] = columns["held"][position] = 0
            return
        for name in ("row", "tags", "extra", "details", "history"):
            columns[name][position] = getattr(known, name)
        columns["answers"][position] = min(known.answers, MOST_ANSWERS)
        columns["held"][position] = _packed(known.held)
        columns["presence"][position] = known.presence + 1

    def items(self, *, is_listed: bool | None = None) -> Iterator[tuple[str, Known]]:
        """Yield the known candidates, which may be changed meanwhile.

        With `is_listed`, only those that this run's lists showed, or did not show.
        """
        for candidate_id, position in self._positions.items():
            flag = bool(self._flags[position] & _LISTED)
            known = self._known(position) if is_listed in {None, flag} else None
            if known is not None:
                yield candidate_id, known

    def is_known(self, candidate_id: str) -> bool:
        """Return whether the target may hold a candidate that is not deleted."""
        position = self._positions.get(candidate_id)
        return (
            position is not None
            and self._columns["held"][position] > 0
            and self._columns["presence"][position] != Presence.DELETED + 1
        )

    def ids(self) -> list[str]:
        """Return the IDs of the candidates for which `is_known` holds."""
        return list(filter(self.is_known, self._positions))

    def __len__(self) -> int:
        return self.count(*Presence)

    def make_stale(self, stream: str) -> None:
        """Apply `plan.make_stale` to every candidate."""
        stale = (make_stale(Known(held), stream).held for held in _HELD)
        table = bytes(map(_packed, stale))
        held = bytes(self._columns["held"]).translate(table)
        self._columns["held"] = array("B", held)

    def count(self, *presences: Presence) -> int:
        """Return the number of candidates that were last seen there."""
        column = self._columns["presence"]
        return sum(column.count(presence + 1) for presence in presences)

    @property
    def most_answers(self) -> int:
        """The largest number of answer rows of any candidate."""
        return max(self._columns["answers"], default=0)

    @property
    def has_details(self) -> bool:
        """Whether the target may hold details or answers of any candidate."""
        places = [STREAMS.index(stream) for stream in FROM_DETAILS]
        held = map(_HELD.__getitem__, set(self._columns["held"]))
        return any(one[place] for one in held for place in places)

    def count_current(self, stream: str) -> int:
        """Return the number of candidates that are CURRENT in a stream."""
        place, held = STREAMS.index(stream), Counter(self._columns["held"])
        return sum(n for byte, n in held.items() if _HELD[byte][place] is Held.CURRENT)

    # What this run has seen

    def see(self, candidate_id: str) -> bool:
        """Mark a candidate as listed in this run; return whether it was not yet."""
        position = self.number(candidate_id)
        is_new = not self._flags[position] & _LISTED
        self._flags[position] |= _LISTED
        return is_new

    def is_listed(self, candidate_id: str) -> bool:
        """Return whether this run's lists showed a candidate."""
        return bool(self._flag(candidate_id) & _LISTED)

    def mark_fetched(self, candidate_id: str) -> None:
        """Mark a candidate as asked for in this run."""
        self._flags[self.number(candidate_id)] |= _FETCHED

    def is_fetched(self, candidate_id: str) -> bool:
        """Return whether this run asked for a candidate."""
        return bool(self._flag(candidate_id) & _FETCHED)

    # The state

    def dump(self) -> dict[str, str]:
        """Return the columns as text, without positions that say nothing."""
        kept = self._columns["presence"]
        ids = list(compress(self._positions, kept))
        columns = {"ids": _encode(msgspec.json.encode(ids))}
        del ids
        for name, code in CODES.items():
            columns[name] = _encode(array(code, compress(self._columns[name], kept)))
        return columns

    @classmethod
    def load(cls, columns: Mapping[str, str]) -> Inventory:
        """Read what `dump` returned; raise ValueError if it is damaged."""
        inventory = cls()
        try:
            ids = msgspec.json.decode(_decode(columns["ids"]), type=list[str])
            for name, column in inventory._columns.items():
                column.frombytes(_decode(columns[name]))
                if sys.byteorder == "big":
                    column.byteswap()
        except (KeyError, TypeError, zlib.error, msgspec.MsgspecError) as error:
            raise ValueError from error
        inventory._positions = {key: place for place, key in enumerate(ids)}
        inventory._flags = bytearray(len(ids))
        lengths = {len(ids), len(inventory._positions)}
        lengths.update(map(len, inventory._columns.values()))
        if len(lengths) > 1 or not set(inventory._columns["presence"]) <= {1, 2, 3, 4}:
            raise ValueError
        return inventory

    def _known(self, position: int) -> Known | None:
        columns = self._columns
        presence = _PRESENCE[columns["presence"][position]]
        if presence is None:
            return None
        return Known(
            _HELD[columns["held"][position]],
            presence,
            columns["row"][position],
            columns["tags"][position],
            columns["extra"][position],
            columns["details"][position],
            columns["history"][position],
            columns["answers"][position],
        )

    def _flag(self, candidate_id: str) -> int:
        position = self._positions.get(candidate_id)
        return 0 if position is None else self._flags[position]

    def number(self, candidate_id: str) -> int:
        """Return the position of a candidate, a new one if it has none."""
        position = self._positions.setdefault(candidate_id, len(self._positions))
        if position == len(self._flags):
            for column in (*self._columns.values(), self._flags):
                column.append(0)
        return position


def _packed(held: tuple[Held, ...]) -> int:
    return sum(value << 2 * place for place, value in enumerate(held))


def _encode(column: array[int] | bytes) -> str:
    """Compress a column and write it as text, piece by piece."""
    if isinstance(column, array) and sys.byteorder == "big":
        column.byteswap()
    view = memoryview(column).cast("B")
    compressor = zlib.compressobj(level=6)
    text, waiting = [], bytearray()
    for start in range(0, len(view), PIECE):
        waiting += compressor.compress(view[start : start + PIECE])
        whole = len(waiting) - len(waiting) % 4  # b85 encodes groups of four bytes
        text.append(base64.b85encode(waiting[:whole]).decode())
        del waiting[:whole]
    text.append(base64.b85encode(waiting + compressor.flush()).decode())
    return "".join(text)


def _decode(text: str) -> bytes:
    """Read what `_encode` wrote; `b85decode` takes 15 times the memory of its piece."""
    decompressor = zlib.decompressobj()
    piece = PIECE // 4 * 5  # whole groups of five characters
    parts = [
        decompressor.decompress(base64.b85decode(text[start : start + piece]))
        for start in range(0, len(text), piece)
    ]
    if not decompressor.eof or decompressor.unused_data:
        raise ValueError
    return b"".join(parts)
