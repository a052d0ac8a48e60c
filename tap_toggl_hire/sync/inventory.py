"""The inventory: what the target holds of each candidate.

The API has no `updated_at` and no deletions. So the state keeps digests of what was
last emitted of every candidate. One that differs has changed; one that is missing may
be deleted. There may be a million candidates: a record of 20 bytes for each, and only
the blocks that changed are encoded anew for the next state.
"""

from __future__ import annotations

import itertools
import struct
import typing as t
from hashlib import blake2b

import msgspec

from tap_toggl_hire.sync import codec
from tap_toggl_hire.sync.ids import Ids
from tap_toggl_hire.sync.plan import FROM_DETAILS, STREAMS, Held, Known, Presence

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_RECORD = struct.Struct("<IIIIHBB")
"""Digests of history, row, extra and details; rows of answers; two bits of Held for
each stream, the first lowest; Presence plus 1, and bit 7: verified."""
_HELD = tuple(
    tuple(Held(byte >> 2 * place & 3) for place in range(len(STREAMS)))
    for byte in range(256)
)
_STATUS, _HELD_AT = codec.RECORD - 1, codec.RECORD - 2
_DETAILS = sum(3 << 2 * STREAMS.index(stream) for stream in FROM_DETAILS)
_VERIFIED = 128
MOST_ANSWERS = 65535
"""Rows of answers that can be counted."""
SHORT_DIGEST = (1 << 18) - 1
"""Bits of the digests where an id is no number, and takes much room itself."""
BYTES = 17
"""About so many characters does a candidate take in the state."""


def digest(value: t.Any, candidate_id: str) -> int:
    """Digest a JSON value of a candidate.

    Returns:
        32 bits, 18 where the id is no number: one change in 4 billion, or in 262,144,
        goes unseen until the next.
    """
    digested = blake2b(msgspec.json.encode(value), digest_size=4).digest()
    return short(int.from_bytes(digested, "little"), candidate_id)


def short(digested: int, candidate_id: str) -> int:
    """Return the bits of a digest that the inventory keeps."""
    return digested if codec.is_number(candidate_id) else digested & SHORT_DIGEST


class Inventory:
    """What is known of candidates, by id.

    Attributes:
        ids: Numbers the ids, also those of candidates of whom nothing is known yet.
    """

    def __init__(self) -> None:
        self.ids = Ids()
        self._records = bytearray()
        self._blocks: list[str | None] = []
        """The blocks as text; None where one changed."""
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __contains__(self, candidate_id: str) -> bool:
        return self.get(candidate_id) is not None

    def get(self, candidate_id: str) -> Known | None:
        """Return what is known of a candidate."""
        number = self.ids.find(candidate_id)
        if number is None or number * codec.RECORD >= len(self._records):
            return None
        *digests, answers, held, status = _RECORD.unpack_from(
            self._records, number * codec.RECORD
        )
        if not status:
            return None
        history, row, extra, details = digests
        return Known(
            _HELD[held],
            Presence((status & ~_VERIFIED) - 1),
            history,
            row,
            extra,
            details,
            answers,
            status >= _VERIFIED,
        )

    def __setitem__(self, candidate_id: str, known: Known | None) -> None:
        # One assignment of bytes: a signal finds the old record or the new one.
        if known is None:
            self._put(self.ids.number(candidate_id), bytes(codec.RECORD))
            return
        held = sum(holds << 2 * place for place, holds in enumerate(known.held))
        status = known.presence + 1 | (_VERIFIED if known.verified else 0)
        digests = (known.history, known.row, known.extra, known.details)
        answers = min(known.answers, MOST_ANSWERS)
        record = _RECORD.pack(*digests, answers, held, status)
        self._put(self.ids.number(candidate_id), record)

    def items(self) -> Iterator[tuple[str, Known]]:
        """Yield each candidate, with what is known; it may be changed meanwhile."""
        for candidate_id in itertools.islice(self.ids, len(self.ids)):
            known = self.get(candidate_id)
            if known is not None:
                yield candidate_id, known

    @property
    def has_verified(self) -> bool:
        """Whether any candidate had its turn in a rotation that is not complete."""
        return max(self._records[_STATUS :: codec.RECORD], default=0) >= _VERIFIED

    @property
    def most_answers(self) -> int:
        """The most rows of answers of any candidate."""
        place = codec.RECORD - 4
        low, high = (
            bytes(self._records[n :: codec.RECORD]) for n in (place, place + 1)
        )
        most = max(high, default=0)
        return most << 8 | max(
            (one for one, other in zip(low, high, strict=True) if other == most),
            default=0,
        )

    @property
    def has_details(self) -> bool:
        """Whether the target may hold details of any candidate."""
        return any(held & _DETAILS for held in self._records[_HELD_AT :: codec.RECORD])

    @property
    def estimated_size(self) -> int:
        """About so many bytes does the inventory take in the state."""
        return BYTES * self._size

    def blocks(self) -> list[str]:
        """Return the inventory as text."""
        size = codec.LARGEST_BLOCK
        for number in range(len(self._blocks)):
            if self._blocks[number] is None:
                block = range(number * size, min((number + 1) * size, len(self.ids)))
                entries = [
                    (self.ids[place], record)
                    for place in block
                    if any(record := self._record(place))
                ]
                self._blocks[number] = codec.encode_block(entries) if entries else ""
        return [block for block in self._blocks if block]

    @classmethod
    def load(cls, blocks: Iterable[str]) -> Inventory:
        """Read what `blocks` returned.

        Raises:
            ValueError: If it is damaged.
        """
        inventory = cls()
        for block in blocks:
            for candidate_id, record in codec.decode_block(block):
                status = record[_STATUS] & ~_VERIFIED
                if candidate_id in inventory or not 1 <= status <= len(Presence):
                    raise ValueError(block[:20])
                inventory._put(inventory.ids.number(candidate_id), record)
        return inventory

    def _record(self, number: int) -> bytes:
        start = number * codec.RECORD
        return bytes(self._records[start : start + codec.RECORD])

    def _put(self, number: int, record: bytes) -> None:
        start = number * codec.RECORD
        if start >= len(self._records):
            missing = (len(self.ids) * codec.RECORD) - len(self._records)
            self._records.extend(bytes(missing))
        block = number // codec.LARGEST_BLOCK
        while block >= len(self._blocks):
            self._blocks.append(None)
        self._size += (record[_STATUS] > 0) - (self._records[start + _STATUS] > 0)
        self._blocks[block] = None
        self._records[start : start + codec.RECORD] = record
