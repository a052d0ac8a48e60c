"""The inventory: what the target holds of each candidate, in columns.

There may be a million candidates. `Ids` gives each ID a position, and each field of
`Known` is an array. What is held has one array per stream: another candidate stream is
one more column, if it has one row per candidate. The arrays are also the columns of the
state.
"""

from __future__ import annotations

import base64
import sys
import typing as t
import zlib
from array import array
from hashlib import blake2b
from itertools import compress

import msgspec

from tap_toggl_hire.sync.ids import Ids
from tap_toggl_hire.sync.plan import (
    ANSWERS,
    CANDIDATE_STREAMS,
    Held,
    Known,
    Presence,
    make_stale,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DIGESTS = ("row", "tags", "extra", "details", "history")
CODES = {
    **dict.fromkeys(DIGESTS, "I"),
    "answers": "H",
    "presence": "B",
    **dict.fromkeys(CANDIDATE_STREAMS, "B"),
}
"""The columns of numbers, with the type codes of their arrays. Those that are named
after a stream say what the target holds of it."""
MAX_COUNT = 65535  # the largest number in the column `answers`
PIECE = 1 << 16
"""Bytes that are encoded at once, so that a state is never in memory twice."""

_HELD = tuple(Held)
_PRESENCE = (None, *Presence)
"""A byte of the column `presence`; 0 is a position that says nothing."""


def digest(value: t.Any) -> int:
    """Digest a JSON value as 32 bits, neither `plan.NEVER` nor `plan.UNKNOWN_VALUE`.

    At 32 bits, one change in four billion collides and is missed until the next change.
    """
    hashed = blake2b(msgspec.json.encode(value), digest_size=4).digest()
    return max(int.from_bytes(hashed, "little"), 2)


class Inventory:
    """What is known of candidates, by ID."""

    def __init__(self, ids: Ids | None = None) -> None:
        self.ids = Ids() if ids is None else ids
        self._columns = {name: array(code) for name, code in CODES.items()}
        self._held = [self._columns[stream] for stream in CANDIDATE_STREAMS]
        self._presence = self._columns["presence"]

    def get(self, candidate_id: str) -> Known | None:
        """Return what is known of a candidate."""
        position = self.ids.find(candidate_id)
        return None if position is None else self._known(position)

    def __setitem__(self, candidate_id: str, known: Known | None) -> None:
        """Note what is known of a candidate; None forgets it."""
        position = self.ids.position(candidate_id)
        missing = position + 1 - len(self._presence)
        if missing > 0:
            for column in self._columns.values():
                column.extend([0] * missing)
        if known is None:
            for column in (self._presence, *self._held):
                column[position] = 0
            return
        for name in DIGESTS:
            self._columns[name][position] = getattr(known, name)
        self._columns["answers"][position] = min(known.answers, MAX_COUNT)
        for column, held in zip(self._held, known.held, strict=True):
            column[position] = held
        self._presence[position] = known.presence + 1

    def __len__(self) -> int:
        return self.count(*Presence)

    def items(self) -> Iterator[tuple[str, Known]]:
        """Yield the known candidates, which may be changed meanwhile."""
        for position, candidate_id in enumerate(self.ids):
            known = self._known(position)
            if known is not None:
                yield candidate_id, known

    def is_living(self, candidate_id: str) -> bool:
        """Return whether the target may hold a candidate that is not deleted."""
        position = self.ids.find(candidate_id)
        return (
            position is not None
            and position < len(self._presence)
            and self._presence[position] not in {0, Presence.DELETED + 1}
            and any(column[position] for column in self._held)
        )

    @property
    def has_living(self) -> bool:
        """Whether `is_living` holds for any candidate."""
        return any(map(self.is_living, self.ids))

    def living(self) -> list[str]:
        """Return the IDs of the candidates for which `is_living` holds."""
        return list(filter(self.is_living, self.ids))

    def make_stale(self, stream: str) -> None:
        """Apply `plan.make_stale` to every candidate."""
        place = CANDIDATE_STREAMS.index(stream)
        everywhere = (Known((held,) * len(CANDIDATE_STREAMS)) for held in Held)
        stale = bytes(make_stale(known, stream).held[place] for known in everywhere)
        column = self._columns[stream]
        column[:] = array("B", map(stale.__getitem__, column))

    # Counts

    def count(self, *presences: Presence) -> int:
        """Return the number of candidates that were last seen there."""
        return sum(self._presence.count(presence + 1) for presence in presences)

    def current(self, stream: str) -> int:
        """Return the number of candidates that are CURRENT in a stream."""
        return self._columns[stream].count(Held.CURRENT)

    @property
    def current_answers(self) -> int:
        """The number of rows of `candidate_answers` that the target holds."""
        is_current = map(Held.CURRENT.__eq__, self._columns[ANSWERS])
        return sum(compress(self._columns["answers"], is_current))

    @property
    def most_answers(self) -> int:
        """The largest number of answer rows of any candidate."""
        return max(self._columns["answers"], default=0)

    # The state

    def dump(self) -> dict[str, str]:
        """Return the columns as text, without positions that say nothing."""
        ids = list(compress(self.ids, self._presence))
        columns = {"ids": _encode(msgspec.json.encode(ids))}
        del ids
        for name, code in CODES.items():
            kept = compress(self._columns[name], self._presence)
            columns[name] = _encode(array(code, kept))
        return columns

    @classmethod
    def load(cls, columns: Mapping[str, str]) -> Inventory:
        """Read what `dump` returned; raise ValueError if it is damaged.

        The column of a candidate stream may be missing: the version that wrote it did
        not know the stream, of which the target holds nothing.
        """
        try:
            ids = msgspec.json.decode(_decode(columns["ids"]), type=list[str])
            inventory = cls(Ids(ids))
            for name, column in inventory._columns.items():
                if name in CANDIDATE_STREAMS and name not in columns:
                    column.extend([Held.ABSENT] * len(ids))
                    continue
                column.frombytes(_decode(columns[name]))
                if sys.byteorder == "big":
                    column.byteswap()
        except (KeyError, TypeError, zlib.error, msgspec.MsgspecError) as error:
            raise ValueError from error
        lengths = {len(ids), len(inventory.ids)}
        lengths.update(map(len, inventory._columns.values()))
        held = {value for column in inventory._held for value in set(column)}
        if (
            len(lengths) > 1
            or not set(inventory._presence) <= {1, 2, 3, 4}
            or not held <= set(Held)
        ):
            raise ValueError
        return inventory

    def _known(self, position: int) -> Known | None:
        if position >= len(self._presence):
            return None
        presence = _PRESENCE[self._presence[position]]
        if presence is None:
            return None
        columns = self._columns
        return Known(
            tuple([_HELD[column[position]] for column in self._held]),
            presence,
            columns["row"][position],
            columns["tags"][position],
            columns["extra"][position],
            columns["details"][position],
            columns["history"][position],
            columns["answers"][position],
        )


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
