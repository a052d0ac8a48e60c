"""Blocks of the inventory as text: bytes only, no meaning.

A block is a list of ids, each with a record of RECORD bytes. Written column by column,
it shrinks to what tells the candidates apart: about 17 bytes of text for an id that is
a number, 29 for a UUID. `docs/state.md` describes the format.
"""

from __future__ import annotations

import base64
import re
import typing as t
import uuid
import zlib

import msgspec

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RECORD = 20
"""Bytes of a record."""
LARGEST_BLOCK = 4096
"""Candidates in a block."""
LONGEST_IDS = 1 << 22
"""Bytes that the ids of a block may take, those that are no numbers and no UUIDs."""

_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Entry = tuple[str, bytes]


def is_number(candidate_id: str) -> bool:
    """Return whether an id is a plain decimal number, and so takes little room."""
    return _NUMBER.fullmatch(candidate_id) is not None


def encode_block(entries: Sequence[Entry]) -> str:
    """Write at most LARGEST_BLOCK ids and their records as text."""
    numbers: list[Entry] = []
    uuids: list[Entry] = []
    others: list[Entry] = []
    for entry in entries:
        if is_number(entry[0]):
            numbers.append(entry)
        else:
            (uuids if _UUID.fullmatch(entry[0]) else others).append(entry)

    buffer = bytearray()
    for part in (numbers, uuids, others):
        _put_varint(buffer, len(part))
    previous = 0
    differences = bytearray()
    for candidate_id, _ in numbers:
        number = int(candidate_id)
        difference = number - previous
        _put_varint(
            differences, difference << 1 if difference >= 0 else ~(difference << 1)
        )
        previous = number
    _put_column(buffer, differences)
    buffer += b"".join(uuid.UUID(candidate_id).bytes for candidate_id, _ in uuids)
    _put_column(
        buffer, msgspec.json.encode([candidate_id for candidate_id, _ in others])
    )
    records = b"".join(
        record for part in (numbers, uuids, others) for _, record in part
    )
    for place in range(RECORD):
        _put_column(buffer, records[place::RECORD])
    return base64.b85encode(buffer).decode()


def decode_block(text: str) -> Iterable[Entry]:
    """Read what `encode_block` wrote.

    Raises:
        ValueError: If it is damaged, or claims to be larger than a block may be.
    """
    try:
        return list(_entries(base64.b85decode(text)))
    except (
        IndexError,
        TypeError,
        OverflowError,
        zlib.error,
        msgspec.MsgspecError,
    ) as error:
        raise ValueError from error


def _entries(buffer: bytes) -> Iterable[Entry]:
    counts = []
    offset = 0
    for _ in range(3):
        count, offset = get_varint(buffer, offset)
        counts.append(count)
    if sum(counts) > LARGEST_BLOCK:
        raise ValueError
    differences, offset = _column(buffer, offset, 10 * counts[0])
    ids = [*_numbers(differences, counts[0])]
    for _ in range(counts[1]):
        ids.append(str(uuid.UUID(bytes=buffer[offset : offset + 16])))
        offset += 16
    others, offset = _column(buffer, offset, LONGEST_IDS)
    ids += msgspec.json.decode(others, type=list[str])
    columns = []
    for _ in range(RECORD):
        column, offset = _column(buffer, offset, LARGEST_BLOCK)
        columns.append(column)
    if len(ids) != sum(counts):
        raise ValueError
    return zip(ids, map(bytes, zip(*columns, strict=True)), strict=True)


def _numbers(differences: bytes, count: int) -> Iterable[str]:
    number = offset = 0
    for _ in range(count):
        difference, offset = get_varint(differences, offset)
        number += difference >> 1 if not difference & 1 else ~(difference >> 1)
        yield str(number)


def _put_column(buffer: bytearray, column: bytes | bytearray) -> None:
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    packed = packer.compress(column) + packer.flush()
    _put_varint(buffer, len(packed))
    buffer += packed


def _column(buffer: bytes, offset: int, longest: int) -> tuple[bytes, int]:
    length, offset = get_varint(buffer, offset)
    packed = buffer[offset : offset + length]
    unpacker = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    column = unpacker.decompress(packed, longest + 1)
    if len(packed) != length or len(column) > longest or not unpacker.eof:
        raise ValueError
    return column, offset + length


def _put_varint(buffer: bytearray, number: int) -> None:
    while number > 127:  # noqa: PLR2004
        buffer.append(number & 127 | 128)
        number >>= 7
    buffer.append(number)


def get_varint(buffer: bytes, offset: int) -> tuple[int, int]:
    """Read a number in LEB128, of 10 bytes at the most.

    Returns:
        The number, and the offset behind it.

    Raises:
        IndexError: At the end of the buffer.
        ValueError: If it is longer.
    """
    number = 0
    for shift in range(0, 70, 7):
        byte = buffer[offset]
        offset += 1
        number |= (byte & 127) << shift
        if byte < 128:  # noqa: PLR2004
            return number, offset
    raise ValueError
