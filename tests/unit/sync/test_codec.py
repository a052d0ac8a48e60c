"""Blocks of the inventory: small, exact, and never half read."""

from __future__ import annotations

import base64
import json
import random
import typing as t
import uuid
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_toggl_hire.sync import codec
from tap_toggl_hire.sync.codec import (
    LARGEST_BLOCK,
    LONGEST_IDS,
    RECORD,
    decode_block,
    encode_block,
    get_varint,
    is_number,
)

Entries = list[tuple[str, bytes]]

ODD = (
    *("0", "00", "007", "-1", "+1", "1.0", "1e3", " 1", "1 ", "1_0", ""),
    *("\u0661\u0662", "\u00b2", "\uff11", "\u00fc", "\U0001f642", '"', "\\"),
    *("9" * 18, "9" * 19, "9" * 5000, "1" + "0" * 18, str(2**64), "1\n"),
    *("null", "[1]", "a,b", "\x00", "\x7f", "\u2028"),
    "123E4567-E89B-12D3-A456-426614174000",
    "123e4567e89b12d3a456426614174000",
    "{123e4567-e89b-12d3-a456-426614174000}",
)
IDS = (
    st.integers(0, 2**80).map(str)
    | st.uuids().map(str)
    | st.sampled_from(ODD)
    | st.text(max_size=8)
)
BLOCKS = st.dictionaries(
    IDS, st.binary(min_size=RECORD, max_size=RECORD), max_size=12
).map(lambda entries: list(entries.items()))


@given(BLOCKS)
@example([])
@example([(one, bytes(RECORD)) for one in ODD])
@example([("9" * 18, bytes(RECORD)), ("0", bytes(RECORD)), ("9" * 18, bytes(RECORD))])
def test_a_block_comes_back_as_it_was(entries: Entries) -> None:
    text = encode_block(entries)
    read = list(decode_block(text))
    assert sorted(read) == sorted(entries)
    assert json.loads(json.dumps(text)) == text
    assert text.isascii()
    # The order within numbers, UUIDs and others is kept.
    assert list(decode_block(encode_block(read))) == read


def test_a_whole_block_comes_back() -> None:
    record = bytes(range(RECORD))
    entries = [(str(number), record) for number in range(LARGEST_BLOCK)]
    assert list(decode_block(encode_block(entries))) == entries


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *((text, True) for text in ("0", "1", "10", "9" * 18)),
        *((text, False) for text in ("", "00", "01", "-1", "1.0", "9" * 19, "1\n")),
        *((text, False) for text in ("\u0661", "\u00b2", "a", " 1")),
    ],
)
def test_which_ids_are_numbers(text: str, *, expected: bool) -> None:
    assert is_number(text) is expected


def random_record(rng: random.Random, bits: int) -> bytes:
    """Digests of three things, as of a candidate without unknown fields."""
    digests = [rng.getrandbits(bits).to_bytes(4, "little") for _ in range(3)]
    return digests[0] + digests[1] + bytes(4) + digests[2] + b"\x08\x00\xaa\x01"


@pytest.mark.parametrize("largest", [10**5, 10**9])
def test_a_candidate_takes_at_most_18_bytes(largest: int) -> None:
    """What cannot be pressed smaller are the digests: 12 bytes, 15 as text."""
    rng = random.Random(1)
    ids = [str(number) for number in sorted(rng.sample(range(largest), LARGEST_BLOCK))]
    text = encode_block([(one, random_record(rng, 32)) for one in ids])
    assert len(text) <= (18 if largest < 10**9 else 19) * len(ids)


def test_a_candidate_with_a_uuid_takes_at_most_30_bytes() -> None:
    rng = random.Random(1)
    ids = [str(uuid.UUID(int=rng.getrandbits(128))) for _ in range(LARGEST_BLOCK)]
    text = encode_block([(one, random_record(rng, 18)) for one in ids])
    assert len(text) <= 30 * len(ids)


# What is damaged


def decoded(text: str) -> Entries | None:
    """The block; None if the text is damaged."""
    try:
        return list(decode_block(text))
    except ValueError:
        return None


@given(st.text(max_size=20))
@example("\ud800")
@example("~~~~~")
def test_any_text_is_a_block_or_damaged(text: str) -> None:
    decoded(text)


@given(st.binary(max_size=200))
@example(b"")
@example(b"\x00")
@example(b"\xff" * 40)
def test_any_bytes_are_a_block_or_damaged(buffer: bytes) -> None:
    decoded(base64.b85encode(buffer).decode())


@given(entries=BLOCKS, cut=st.integers(1))
def test_a_text_that_was_cut_is_damaged(entries: Entries, cut: int) -> None:
    text = encode_block(entries)
    assert decoded(text[: -1 - cut % len(text)]) is None


@given(entries=BLOCKS, place=st.integers(0), letter=st.characters(codec="ascii"))
def test_a_changed_letter_never_adds_a_candidate(
    entries: Entries, place: int, letter: str
) -> None:
    text = encode_block(entries)
    place %= len(text)
    read = decoded(text[:place] + letter + text[place + 1 :])
    assert read is None or len(read) <= LARGEST_BLOCK


def put(number: int) -> bytes:
    """A number in LEB128."""
    buffer = bytearray()
    codec._put_varint(buffer, number)
    return bytes(buffer)


def column(content: bytes, *, tail: bytes = b"") -> bytes:
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    packed = packer.compress(content) + packer.flush() + tail
    return put(len(packed)) + packed


def block(  # noqa: PLR0913 - all parts of a block
    counts: tuple[int, int, int] = (0, 0, 0),
    *,
    numbers: bytes = b"",
    uuids: bytes = b"",
    others: bytes = b"[]",
    columns: int = RECORD,
    length: int | None = None,
) -> str:
    size = sum(counts) if length is None else length
    buffer = b"".join(map(put, counts)) + column(numbers) + uuids + column(others)
    buffer += b"".join(column(bytes(size)) for _ in range(columns))
    return base64.b85encode(buffer).decode()


def test_blocks_made_by_hand_are_read() -> None:
    assert decoded(block()) == []
    numbers = put(7 << 1) + put(~(-2 << 1))  # 7, and 2 less
    made = block((2, 1, 1), numbers=numbers, uuids=bytes(16), others=b'["a"]')
    ids = ["7", "5", "00000000-0000-0000-0000-000000000000", "a"]
    assert decoded(made) == [(one, bytes(RECORD)) for one in ids]


HOSTILE = {
    "a count past all bounds": block((1 << 60, 0, 0), length=0),
    "one more than a block may have": block(
        (LARGEST_BLOCK + 1, 0, 0), numbers=bytes(LARGEST_BLOCK + 1)
    ),
    "as many UUIDs as one can claim": block((0, LARGEST_BLOCK, 0)),
    "fewer ids than it says": block((0, 0, 2), others=b'["a"]'),
    "more ids than it says": block((0, 0, 1), others=b'["a", "b"]', length=2),
    "no list of ids": block((0, 0, 1), others=b'{"a": 1}'),
    "ids that are no texts": block((0, 0, 1), others=b"[1]"),
    "ids nested without end": block((0, 0, 1), others=b"[" * 100_000),
    "half a surrogate": block((0, 0, 1), others=b'["\\ud800"]'),
    "columns that are too short": block((1, 0, 0), numbers=b"\x02", length=0),
    "columns that are too long": block((1, 0, 0), numbers=b"\x02", length=2),
    **{
        f"a column that is {name} than others": base64.b85encode(
            put(1)
            + bytes(2)
            + column(b"\x02")
            + column(b"[]")
            + column(b"\0") * (RECORD - 1)
            + column(last)
        ).decode()
        for name, last in (("shorter", b""), ("longer", bytes(2)))
    },
    "a column that swells": block(length=1 << 24),
    "ids that swell": block(others=b'["' + b"a" * (LONGEST_IDS + 1) + b'"]'),
    "numbers that swell": block(numbers=bytes(1 << 24)),
    "numbers that end early": block((2, 0, 0), numbers=b"\x02"),
    "a column too few": block(columns=RECORD - 1),
    "an endless number": base64.b85encode(b"\xff" * 100).decode(),
    "no deflate": base64.b85encode(bytes(3) + b"\x05hello").decode(),
    "a column that is cut": base64.b85encode(bytes(3) + b"\x09\x03\x00").decode(),
    "a column without an end": base64.b85encode(
        bytes(3) + put(1) + column(b"")[1:2] + column(b"[]") + column(b"") * RECORD
    ).decode(),
    "a last column that is cut": base64.b85encode(
        bytes(3)
        + column(b"")
        + column(b"[]")
        + column(b"") * (RECORD - 1)
        + b"\x03\x03\0"
    ).decode(),
    "a number with more bytes than numbers have": block(
        (1, 0, 0), numbers=b"\x02" + bytes(10)
    ),
    "a column that goes on": base64.b85encode(
        bytes(3) + put(1) + column(b"")[1:2]
    ).decode(),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_is_made_to_harm_is_damaged(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - it says nothing
        list(decode_block(text))


def test_no_more_is_unpacked_than_a_block_may_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A small text that unpacks to a gigabyte takes no gigabyte."""
    unpacked: list[int] = []
    real = zlib.decompressobj

    class Watched:
        def __init__(self, **options: t.Any) -> None:
            self._one = real(**options)

        def decompress(self, data: bytes, limit: int = 0) -> bytes:
            made = self._one.decompress(data, limit)
            unpacked.append(len(made))
            return made

        @property
        def eof(self) -> bool:
            return self._one.eof

    monkeypatch.setattr(zlib, "decompressobj", Watched)
    for text in HOSTILE.values():
        decoded(text)
    assert max(unpacked) <= LONGEST_IDS + 1
    unpacked.clear()
    decoded(HOSTILE["a column that swells"])
    assert max(unpacked) <= LARGEST_BLOCK + 1


# Numbers


@given(st.integers(0, 2**70 - 1))
@example(127)
@example(128)
@example(2**63)
def test_a_number_comes_back(number: int) -> None:
    buffer = b"x" + put(number) + b"\x05"
    assert get_varint(buffer, 1) == (number, len(buffer) - 1)
    assert put(number)[-1] < 128


def test_a_number_of_more_than_10_bytes_is_refused() -> None:
    assert get_varint(b"\xff" * 9 + b"\x7f", 0) == (2**70 - 1, 10)
    with pytest.raises(ValueError):  # noqa: PT011 - it says nothing
        get_varint(b"\xff" * 10 + b"\x00", 0)
    with pytest.raises(IndexError):
        get_varint(b"\xff" * 3, 0)


def test_the_format_is_what_it_was() -> None:
    """A block that was written once is read by each later version."""
    written = (
        "0s#R8li&mZ5<W#|=$jJLq*g*^6c<1M2a8rpREh-v24iGoWCQ>PV`5@r0ssbMW@csv00v`WVPO"
        "FP24iJqWd#5RV`F1u0{{kNXJ=;z00!gW;NSoN2IJ)9<OBc)<Kp7t0ssc%=H})G00!gX;o$)Q2I"
        "J-B<plr+<KyGw0{{l&=jZ1K00t8f5D)+W1``w%6a)YU6A}^<0ssaR78Vu;00t8g5fK3Z"
    )
    ids = ["12", "7", "123e4567-e89b-12d3-a456-426614174000", "a"]
    record = bytes(range(1, RECORD + 1))
    assert list(decode_block(written)) == [(one, record) for one in ids]
