"""The state's first format, of version 0.1 before its release: only read.

`digests.book` is base64 of zlib of columns, each for all candidates in the order of
their ids; integers little-endian, "varint" as in LEB128:

1. varint n; n ids that are plain decimal numbers, as varint differences; varint m and m
   bytes, a JSON array of the other ids.
2. three digests of 4 bytes each: history, row, details.
3. varint: rows of `candidate_answers`.
4. one byte: two bits of Held for each stream, the first lowest.
5. one byte: Presence, and bit 7: verified.
"""

from __future__ import annotations

import base64
import struct
import typing as t
import zlib
from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - msgspec looks at the type

import msgspec

from tap_toggl_hire.sync.codec import get_varint
from tap_toggl_hire.sync.inventory import short
from tap_toggl_hire.sync.plan import STREAMS, Held, Known, Presence

LARGEST = 1 << 28
"""Bytes of the columns that are believed: ten million candidates."""
SMALLEST = 16
"""Bytes that a candidate takes at least."""


class Verified(msgspec.Struct):
    """How far the rotation had come."""

    at: datetime
    cursor: str
    pauses: tuple[int, int]
    since: datetime | None


class _Selection(msgspec.Struct):
    start_date: str | None = None
    job_opening_ids: tuple[str, ...] | None = None
    filters: str | None = None


class _Raw(msgspec.Struct):
    book: str
    selections: list[_Selection]
    anchors: dict[str, list[str]]
    verified: Verified | None = None


@dataclass(frozen=True)
class Stored:
    """What the first format held."""

    book: dict[str, Known]
    selections: list[dict[str, t.Any]]
    anchors: dict[str, list[str]]
    verified: Verified | None


def load(value: t.Any) -> Stored:
    """Read a state of format 1.

    Raises:
        ValueError: If it is damaged.
    """
    raw = msgspec.convert(value, _Raw)
    times = (raw.verified.at, raw.verified.since) if raw.verified else ()
    if any(time is not None and time.tzinfo is None for time in times):
        raise ValueError
    try:
        unpacker = zlib.decompressobj()
        packed = base64.b64decode(raw.book, validate=True)
        columns = unpacker.decompress(packed, LARGEST)
        if not unpacker.eof:
            raise ValueError
        book = _decode(columns, is_complete=raw.verified is not None)
    except (IndexError, struct.error, zlib.error, msgspec.MsgspecError) as error:
        raise ValueError from error
    selections = [msgspec.structs.asdict(selection) for selection in raw.selections]
    return Stored(book, selections, raw.anchors, raw.verified)


def _decode(columns: bytes, *, is_complete: bool) -> dict[str, Known]:
    count, offset = get_varint(columns, 0)
    if SMALLEST * count > len(columns):
        raise ValueError
    number, ids = 0, []
    for _ in range(count):
        difference, offset = get_varint(columns, offset)
        number += difference
        ids.append(str(number))
    length, offset = get_varint(columns, offset)
    ids += msgspec.json.decode(columns[offset : offset + length], type=list[str])
    offset += length
    digests = struct.iter_unpack("<III", columns[offset : offset + 12 * len(ids)])
    offset += 12 * len(ids)
    answers = []
    for _ in ids:
        rows, offset = get_varint(columns, offset)
        answers.append(rows)
    held = columns[offset : offset + len(ids)]
    seen = columns[offset + len(ids) :]
    if len(seen) != len(ids):
        raise ValueError
    book = {}
    for place, (candidate_id, digest) in enumerate(zip(ids, digests, strict=True)):
        history, row, details = (short(part, candidate_id) for part in digest)
        presence = Presence(seen[place] & 127)
        if presence is Presence.LISTED and not is_complete:
            presence = Presence.OUT_OF_SCOPE  # by no complete run
        book[candidate_id] = Known(
            tuple(Held(held[place] >> 2 * n & 3) for n in range(len(STREAMS))),
            presence,
            history,
            row,
            0,
            details,
            answers[place],
            bool(seen[place] >> 7),
        )
    return book
