"""The book of candidates: what the warehouse holds, as digests in the state.

The API has no `updated_at` and no deletions. So the state keeps, for every candidate,
digests of what was last emitted; whoever differs has changed, whoever is missing may
be deleted. The book is small: about 20 bytes a candidate in the state.

Format 1, in the state under `bookmarks.candidates.digests`:

- `format`: 1.
- `book`: base64 of zlib of the columns below, each for all candidates in the order
  of their ids; integers little-endian, "varint" as in LEB128:
  1. varint n, the number of ids that are plain decimal numbers; those ids ascending,
     as n varint differences; then varint m and m bytes, a JSON array of the other
     ids, ascending.
  2. three digests of 4 bytes each: of the fields of `candidate_history`, of the list
     row, of the details. A digest is BLAKE2b over JSON, after the setting `pii`.
  3. varint: how many rows of `candidate_answers` the target holds.
  4. one byte: two bits for each of the streams in `STREAMS`, the lowest first: what
     the target holds of the candidate (`Held`).
  5. one byte: where the candidate was last seen (`Seen`), and bit 7: whether it had
     its turn in the rotation already, in a run that died.
- `selections`: the selections of candidates that the book's entries come from, the
  present one first (see `Selection`).
- `anchors`: by page size, ids of candidates all along the list, behind which the next
  run may begin to read it (see `sweep`).
- `verified`: `at`, the time of the last run; `cursor`, a number from 0 to 1 as text,
  how far the rotation of re-verification has come; `pauses`, the longest seconds
  between runs before and after the time `since`.
"""

from __future__ import annotations

import base64
import enum
import hashlib
import hmac
import struct
import typing as t
import zlib
from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - msgspec looks at the type

import msgspec

from tap_toggl_hire.errors import StateError

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FORMAT = 1

STREAMS = (
    "candidates",
    "candidate_details",
    "candidate_answers",
    "candidate_history",
)
"""The streams that the book vouches for."""


class Held(enum.IntEnum):
    """What the target holds of a candidate in one stream."""

    NOTHING = 0
    STALE = 1
    """Perhaps an older version: the stream was not selected when the candidate changed,
    or the run died while it was emitted."""
    CURRENT = 2
    ANNOUNCED = 3
    """Perhaps nothing: the run died while it was emitted for the first time."""


class Seen(enum.IntEnum):
    """Where a candidate was last seen."""

    LISTED = 0
    UNLISTED = 1
    """Missing from the list, though `/candidates/{id}` still has it."""
    OUTSIDE = 2
    """Fell out of the selection when a setting changed; nothing is known of it."""
    GONE = 3
    """Answered 404; kept until every stream that holds it had its tombstone."""
    MISSED = 4
    """As UNLISTED, for the first time: the list may have moved while it was read."""


@dataclass(slots=True)
class Entry:
    """What the book knows of one candidate."""

    history: int = 0
    row: int = 0
    details: int = 0
    answers: int = 0
    held: int = 0
    seen: Seen = Seen.LISTED
    is_verified: bool = False
    """Whether it had its turn in the rotation, in a run that is not complete."""

    def holds(self, stream: str) -> Held:
        """Tell what the target holds of the candidate in a stream."""
        return Held(self.held >> 2 * STREAMS.index(stream) & 3)

    def set_held(self, stream: str, held: Held) -> None:
        """Note what the target holds of the candidate in a stream."""
        shift = 2 * STREAMS.index(stream)
        self.held = self.held & ~(3 << shift) | held << shift


Book = dict[str, Entry]
"""Entries by candidate id."""


def digest(value: t.Any) -> int:
    """Digest a JSON value to 32 bits; one change in 4 billion goes unseen."""
    return int.from_bytes(
        hashlib.blake2b(msgspec.json.encode(value), digest_size=4).digest(), "little"
    )


@dataclass(frozen=True)
class Selection:
    """Which candidates a run looks at, by the settings.

    A candidate that a later selection leaves out is not deleted. So the book
    remembers what it was read with.
    """

    start_date: str | None = None
    job_opening_ids: tuple[str, ...] | None = None
    filters: str | None = None
    """As JSON; of an e-mail address, which is personal, a keyed digest."""

    @classmethod
    def of(
        cls,
        *,
        start_date: str | None,
        job_opening_ids: Iterable[str] | None,
        filters: dict[str, str],
        key: str,
    ) -> Selection:
        """Make the selection of the settings.

        Args:
            start_date: The start date in UTC, so that texts compare as times do.
            job_opening_ids: The job openings; None for all.
            filters: The filters as they are sent to the API.
            key: A secret for the digest of an e-mail address.
        """
        hidden = dict(filters)
        if "email" in filters:
            hidden["email"] = hmac.new(
                key.encode(), filters["email"].encode(), hashlib.sha256
            ).hexdigest()[:16]
        return cls(
            start_date=start_date,
            job_opening_ids=None
            if job_opening_ids is None
            else tuple(sorted(set(job_opening_ids))),
            filters=msgspec.json.encode(hidden, order="sorted").decode()
            if filters
            else None,
        )

    def covers(self, other: Selection) -> bool:
        """Tell whether every candidate of the other selection is in this one."""
        return (
            (
                self.start_date is None
                or (
                    other.start_date is not None and self.start_date <= other.start_date
                )
            )
            and (
                self.job_opening_ids is None
                or (
                    other.job_opening_ids is not None
                    and set(self.job_opening_ids) >= set(other.job_opening_ids)
                )
            )
            and self.filters in {None, other.filters}
        )


class Digests:
    """What the state knows of candidates, besides the bookmarks.

    Attributes:
        book: What the target holds, by candidate.
        selections: All selections that the book's entries come from, the last
            complete run's first.
        anchors: Where the last complete run found that the next may read the list, by
            its page size.
        verified_at: When the last complete run started; None before the first.
        cursor: How far the rotation of re-verification has come, from 0 to 1.
        pauses: The longest seconds between runs, before and after `pauses_since`.
        pauses_since: When the second of the pauses began to be watched.
    """

    def __init__(self) -> None:
        self.book: Book = {}
        self.selections: list[Selection] = []
        self.anchors: dict[str, list[str]] = {}
        self.verified_at: datetime | None = None
        self.cursor = 0.0
        self.pauses = (0, 0)
        self.pauses_since: datetime | None = None

    @classmethod
    def load(cls, value: t.Any) -> Digests:
        """Read what `dump` wrote.

        Args:
            value: From the state; None where there are no digests (a first run, or
                the state of a tap without them), which leads to a full read.

        Raises:
            StateError: If it is damaged, or from a newer version.
        """
        digests = cls()
        if value is None:
            return digests
        if not isinstance(value, dict) or not isinstance(value.get("format"), int):
            raise StateError(DAMAGED)
        if value["format"] > FORMAT:
            msg = (
                f"The state was written by a newer version of the tap (format "
                f"{value['format']}; this version knows {FORMAT}). Upgrade "
                "tap-toggl-hire, or restore an earlier state."
            )
            raise StateError(msg)
        try:
            stored = msgspec.convert(value, _Stored)
            if stored.verified:
                digests.verified_at = stored.verified.at
                digests.cursor = float(stored.verified.cursor)
                digests.pauses = stored.verified.pauses
                digests.pauses_since = stored.verified.since
        except (msgspec.ValidationError, ValueError) as error:
            raise StateError(DAMAGED) from error
        times = filter(None, (digests.verified_at, digests.pauses_since))
        if not 0 <= digests.cursor <= 1 or any(time.tzinfo is None for time in times):
            raise StateError(DAMAGED)
        digests.book = decode_book(stored.book)
        digests.selections = stored.selections
        digests.anchors = stored.anchors
        return digests

    def dump(self) -> dict[str, t.Any]:
        """Write everything as JSON values for the state."""
        verified = None
        if self.verified_at is not None:
            verified = _Verified(
                self.verified_at, str(self.cursor), self.pauses, self.pauses_since
            )
        stored = _Stored(
            FORMAT, encode_book(self.book), self.selections, self.anchors, verified
        )
        return t.cast("dict[str, t.Any]", msgspec.to_builtins(stored))


class _Verified(msgspec.Struct):
    at: datetime
    cursor: str
    """A text: targets on the Singer SDK cannot pass on a state with a float."""
    pauses: tuple[int, int]
    since: datetime | None


class _Stored(msgspec.Struct):
    format: int
    book: str
    selections: list[Selection]
    anchors: dict[str, list[str]]
    verified: _Verified | None = None


def encode_book(book: Book) -> str:
    """Write a book as text (format 1)."""
    numeric = sorted(int(key) for key in book if _is_plain_number(key))
    others = sorted(key for key in book if not _is_plain_number(key))
    entries = [book[str(number)] for number in numeric]
    entries += [book[key] for key in others]
    names = msgspec.json.encode(others)

    columns = bytearray()
    _put_varint(columns, len(numeric))
    previous = 0
    for number in numeric:
        _put_varint(columns, number - previous)
        previous = number
    _put_varint(columns, len(names))
    columns += names
    digests = [
        part for entry in entries for part in (entry.history, entry.row, entry.details)
    ]
    columns += struct.pack(f"<{len(digests)}I", *digests)
    for entry in entries:
        _put_varint(columns, entry.answers)
    columns += bytes(entry.held for entry in entries)
    columns += bytes(entry.seen | entry.is_verified << 7 for entry in entries)
    return base64.b64encode(zlib.compress(columns)).decode()


def decode_book(text: str) -> Book:
    """Read what `encode_book` wrote.

    Raises:
        StateError: If the text is damaged.
    """
    try:
        columns = zlib.decompress(base64.b64decode(text, validate=True))
        return _decode_columns(columns)
    except (ValueError, TypeError, zlib.error, IndexError, struct.error) as error:
        raise StateError(DAMAGED) from error
    except msgspec.MsgspecError as error:
        raise StateError(DAMAGED) from error


DAMAGED = (
    "The state is damaged: its digests of candidates cannot be read. Nothing was "
    "extracted. Restore an earlier state; or empty the tables and start without a "
    "state (meltano run --full-refresh), which reads everything again."
)


def _decode_columns(columns: bytes) -> Book:
    varints = _varints(columns)
    number, ids = 0, []
    for _ in range(next(varints)[0]):
        difference, _ = next(varints)
        number += difference
        ids.append(str(number))
    length, offset = next(varints)
    ids += msgspec.json.decode(columns[offset : offset + length], type=list[str])
    offset += length
    count = len(ids)
    digests = struct.unpack_from(f"<{3 * count}I", columns, offset)
    varints = _varints(columns, offset + 12 * count)
    answers = []
    offset += 12 * count
    for _ in range(count):
        value, offset = next(varints)
        answers.append(value)
    held = columns[offset : offset + count]
    seen = columns[offset + count :]
    if len(held) != count or len(seen) != count:
        raise ValueError
    return {
        key: Entry(
            digests[3 * i],
            digests[3 * i + 1],
            digests[3 * i + 2],
            answers[i],
            held[i],
            Seen(seen[i] & 127),
            bool(seen[i] >> 7),
        )
        for i, key in enumerate(ids)
    }


def _is_plain_number(key: str) -> bool:
    return key.isascii() and key.isdigit() and str(int(key[:20])) == key


def _put_varint(buffer: bytearray, number: int) -> None:
    while number > 127:  # noqa: PLR2004
        buffer.append(number & 127 | 128)
        number >>= 7
    buffer.append(number)


def _varints(buffer: bytes, offset: int = 0) -> Iterator[tuple[int, int]]:
    """Yield numbers, each with the offset behind it.

    Raises:
        IndexError: At the end of the buffer.
    """
    while True:
        number = shift = 0
        while buffer[offset] > 127:  # noqa: PLR2004
            number |= (buffer[offset] & 127) << shift
            shift += 7
            offset += 1
        number |= buffer[offset] << shift
        offset += 1
        yield number, offset
