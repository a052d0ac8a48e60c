"""What is known of candidates, in 20 bytes each."""

from __future__ import annotations

import hashlib
import random
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_toggl_hire.sync import codec, inventory
from tap_toggl_hire.sync.inventory import Inventory, digest
from tap_toggl_hire.sync.plan import (
    FROM_DETAILS,
    STREAMS,
    UNKNOWN,
    Held,
    Known,
    Presence,
)

UINT32 = st.integers(0, 2**32 - 1)
KNOWN = st.builds(
    Known,
    held=st.tuples(*[st.sampled_from(Held)] * len(STREAMS)),
    presence=st.sampled_from(Presence),
    history=UINT32,
    row=UINT32,
    extra=UINT32,
    details=UINT32,
    answers=st.integers(0, inventory.MOST_ANSWERS),
    verified=st.booleans(),
)
IDS = st.integers(0, 30).map(str) | st.uuids().map(str) | st.text(max_size=2)
BOOKS = st.dictionaries(IDS, KNOWN, max_size=12)
CHANGES = st.lists(st.tuples(IDS, st.none() | KNOWN), max_size=20)


def of(book: dict[str, Known]) -> Inventory:
    made = Inventory()
    for key, known in book.items():
        made[key] = known
    return made


@given(BOOKS)
def test_it_comes_back_from_the_state(book: dict[str, Known]) -> None:
    blocks = of(book).blocks()
    loaded = Inventory.load(blocks)
    assert dict(loaded.items()) == book
    assert len(loaded) == len(book)
    # Ids that are no numbers come last in a block.
    again = Inventory.load(loaded.blocks())
    assert dict(again.items()) == book
    assert again.blocks() == loaded.blocks()


@given(CHANGES)
def test_it_holds_what_was_last_assigned(
    changes: list[tuple[str, Known | None]],
) -> None:
    kept, expected = Inventory(), {}
    for number, (key, known) in enumerate(changes):
        kept[key] = known
        expected[key] = known
        if number % 3 == 0:  # blocks that did not change since are not made anew
            kept.blocks()
    there = {key: known for key, known in expected.items() if known is not None}
    assert dict(kept.items()) == there
    assert len(kept) == len(there)
    for key in (*expected, "never"):
        assert kept.get(key) == there.get(key)
        assert (key in kept) is (key in there)
    assert dict(Inventory.load(kept.blocks()).items()) == there
    assert kept.has_verified is any(known.verified for known in there.values())
    assert kept.most_answers == max((one.answers for one in there.values()), default=0)
    assert kept.has_details is any(
        known.holds(stream) for known in there.values() for stream in FROM_DETAILS
    )
    assert kept.estimated_size == inventory.BYTES * len(there)


def test_an_id_that_is_only_numbered_is_not_known() -> None:
    kept = Inventory()
    kept.ids.number("1")
    assert kept.get("1") is None
    kept["2"] = UNKNOWN
    kept.ids.number("3")
    assert kept.get("1") is None
    assert kept.get("3") is None
    assert dict(kept.items()) == {"2": UNKNOWN}
    assert dict(Inventory.load(kept.blocks()).items()) == {"2": UNKNOWN}


def test_more_answers_than_can_be_counted_are_as_many_as_can() -> None:
    kept = Inventory()
    kept["1"] = Known(answers=70_000)
    known = kept.get("1")
    assert known is not None
    assert known.answers == inventory.MOST_ANSWERS == kept.most_answers


@pytest.mark.parametrize("most", [0, 1, 255, 256, 257, 511, 65535])
def test_the_most_answers(most: int) -> None:
    kept = Inventory()
    for number, answers in enumerate((most, 0, most // 2, max(most - 1, 0))):
        kept[str(number)] = Known(answers=answers)
    assert kept.most_answers == most


def test_it_may_be_changed_while_it_is_read() -> None:
    kept = of({str(number): UNKNOWN for number in range(5)})
    seen = []
    for key, known in kept.items():
        seen.append(key)
        assert known == UNKNOWN
        kept[key] = None
        kept[f"new {key}"] = UNKNOWN
    assert seen == list("01234")
    assert len(kept) == 5


def test_only_blocks_that_changed_are_encoded_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoded: list[int] = []
    real = codec.encode_block

    def watched(entries: t.Any) -> str:
        encoded.append(len(entries))
        return real(entries)

    monkeypatch.setattr(codec, "encode_block", watched)
    size = codec.LARGEST_BLOCK
    kept = of({str(number): UNKNOWN for number in range(2 * size + 3)})
    assert len(kept.blocks()) == 3
    assert encoded == [size, size, 3]
    kept.blocks()
    assert len(encoded) == 3
    kept[str(size)] = Known(row=5)
    kept["another"] = UNKNOWN
    first, _, last = kept.blocks()
    assert encoded[3:] == [size, 4]
    loaded = Inventory.load(kept.blocks())
    assert len(loaded) == 2 * size + 4
    assert loaded.get(str(size)) == Known(row=5)
    assert first == codec.encode_block([(str(n), record(kept, n)) for n in range(size)])
    assert len(list(codec.decode_block(last))) == 4


def record(kept: Inventory, number: int) -> bytes:
    return kept._record(number)


def test_a_block_of_which_all_are_forgotten_is_left_out() -> None:
    kept = of({"1": UNKNOWN})
    assert len(kept.blocks()) == 1
    kept["1"] = None
    assert kept.blocks() == []
    assert len(Inventory.load(kept.blocks())) == 0


STATUS = codec.RECORD - 1


def block(*statuses: int, key: str = "1") -> str:
    entries = [
        (key, bytes(STATUS) + bytes([status]))
        for key, status in zip(key, statuses, strict=False)
    ]
    return codec.encode_block(entries)


@pytest.mark.parametrize(
    "blocks",
    [
        [block(0)],
        [block(len(Presence) + 1)],
        [block(127)],
        [block(128)],
        [block(128 | len(Presence) + 1)],
        [block(1), block(1)],
        [block(1, 1, key="11")],
        ["x"],
        [""],
    ],
    ids=[
        *("no presence", "no such presence", "none at all", "verified nothing"),
        *("no such presence, verified", "twice", "twice in a block", "text", "empty"),
    ],
)
def test_what_is_damaged_is_refused(blocks: list[str]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - it says nothing
        Inventory.load(blocks)


@pytest.mark.parametrize("presence", Presence)
def test_each_presence_has_its_number_for_good(presence: Presence) -> None:
    """Other numbers would give the states of all people another meaning."""
    numbers = {
        Presence.LISTED: 1,
        Presence.UNLISTED: 2,
        Presence.OUT_OF_SCOPE: 3,
        Presence.DELETED: 4,
        Presence.MISSED_ONCE: 5,
        Presence.UNREADABLE: 6,
    }
    for verified in (0, 128):
        loaded = Inventory.load([block(numbers[presence] | verified)])
        assert loaded.get("1") == Known(presence=presence, verified=bool(verified))


def test_a_record_is_what_it_was() -> None:
    """Little-endian digests, answers, two bits for each stream, then the presence."""
    made = bytes(range(1, 17)) + b"\x02\x01" + bytes([0b11_10_01_00, 0x81])
    loaded = Inventory.load([codec.encode_block([("1", made)])])
    assert loaded.get("1") == Known(
        (Held.NOTHING, Held.STALE, Held.CURRENT, Held.PENDING),
        Presence.LISTED,
        *(0x04030201, 0x08070605, 0x0C0B0A09, 0x100F0E0D),
        258,
        verified=True,
    )


def test_a_candidate_takes_as_many_bytes_as_estimated() -> None:
    rng = random.Random(1)
    kept = Inventory()
    for number in rng.sample(range(10**6), 5_000):
        digests = [rng.getrandbits(32) for _ in range(3)]
        kept[str(number)] = Known(
            (Held.CURRENT,) * 4,
            Presence.LISTED,
            digests[0],
            digests[1],
            0,
            digests[2],
            8,
        )
    size = sum(map(len, kept.blocks()))
    assert 0.8 * kept.estimated_size < size < 1.3 * kept.estimated_size


# Digests


def test_a_digest_has_32_bits_and_tells_values_apart() -> None:
    values = [None, False, 0, "", [], {}, "0", [None], {"a": None}, {"a": 0}, "None"]
    made = [digest(value, "1") for value in values]
    assert len(set(made)) == len(values)
    assert all(0 <= one < 2**32 for one in made)
    assert max(made) >= 2**18


def test_a_digest_is_the_same_in_every_run_and_version() -> None:
    """Another one would read everything again, from each state that there is."""
    value = {"id": "100", "score": 85.7, "points": 12, "name": "Zo\u00eb", "x": None}
    text = '{"id":"100","score":85.7,"points":12,"name":"Zo\u00eb","x":null}'
    expected = hashlib.blake2b(text.encode(), digest_size=4).digest()
    assert digest(value, "100").to_bytes(4, "little") == expected


@given(st.text(max_size=20))
def test_where_ids_take_much_room_a_digest_takes_less(value: str) -> None:
    whole = digest(value, "100")
    assert digest(value, "a-b") == whole & (2**18 - 1)
    assert digest(value, "007") == whole & (2**18 - 1)
    assert inventory.short(whole, "5") == whole
