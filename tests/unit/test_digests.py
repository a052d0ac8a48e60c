"""The book of candidates: small, exact, and never half read."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import typing as t
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tap_toggl_hire.digests import (
    STREAMS,
    Digests,
    Entry,
    Held,
    Seen,
    Selection,
    decode_book,
    digest,
    encode_book,
)

from tap_toggl_hire import digests
from tap_toggl_hire.errors import StateError

UINT32 = st.integers(0, 2**32 - 1)
ENTRIES = st.builds(
    Entry,
    history=UINT32,
    row=UINT32,
    details=UINT32,
    answers=st.integers(0, 2**70) | st.sampled_from((127, 128, 16383, 16384)),
    held=st.integers(0, 255),
    seen=st.sampled_from(Seen),
    is_verified=st.booleans(),
)
IDS = (
    st.integers(0, 2**80).map(str)
    | st.sampled_from(
        (
            *("0", "00", "007", "-1", "+1", "1.0", "1e3", " 1", "1 ", "1_0", ""),
            *("\u0661\u0662", "\u00b2", "\uff11", "\u00fc", "\U0001f642", '"', "\\"),
            *("9" * 20, "9" * 21, "9" * 5000, "1" + "0" * 19, str(2**64)),
            *("null", "[1]", "a,b", "\x00", "\x7f", "\u2028"),
        )
    )
    | st.text(max_size=8)
)
BOOKS = st.dictionaries(IDS, ENTRIES, max_size=12)


# The book


@given(BOOKS)
@example({})
def test_a_book_comes_back_as_it_was(book: dict[str, Entry]) -> None:
    text = encode_book(book)
    assert decode_book(text) == book
    assert json.loads(json.dumps(text)) == text
    assert text.isascii()


@given(BOOKS)
def test_the_same_book_is_the_same_text(book: dict[str, Entry]) -> None:
    turned = dict(reversed(book.items()))
    assert encode_book(turned) == encode_book(book)


@pytest.mark.parametrize("largest", [10**5, 10**9])
def test_a_candidate_takes_at_most_24_bytes(largest: int) -> None:
    """What cannot be pressed smaller are the digests: 12 bytes, 16 in base64."""
    rng = random.Random(1)
    ids = [str(number) for number in rng.sample(range(largest), 10_000)]
    book = {
        key: Entry(
            history=rng.getrandbits(32),
            row=rng.getrandbits(32),
            details=rng.getrandbits(32),
            answers=8,
            held=0b10101010,
        )
        for key in ids
    }
    assert len(encode_book(book)) <= 24 * len(book)


def decoded(text: str) -> dict[str, Entry] | None:
    """The book; None if the text is damaged."""
    try:
        return decode_book(text)
    except StateError:
        return None


@given(st.binary(max_size=200))
@example(b"")
@example(b"\x00")
@example(b"\xff" * 40)
@example(b"\x00\x06[1, 2]")
@example(b'\x00\x0b["\\ud800\\u"]')
@example(b'\x00\x05["a"]' + bytes(12) + b"\x00\x00\x09")
@example(b"\x01\x05\x02[]" + bytes(12) + b"\x00\x00")
def test_any_bytes_are_a_book_or_damaged(columns: bytes) -> None:
    text = base64.b64encode(zlib.compress(columns)).decode()
    book = decoded(text)
    assert book is None or all(isinstance(one.seen, Seen) for one in book.values())


@given(book=BOOKS.filter(bool), place=st.integers(0), change=st.integers(1, 63))
def test_a_changed_letter_is_never_another_book(
    book: dict[str, Entry], place: int, change: int
) -> None:
    alphabet = base64.b64encode(bytes(range(256))).decode()
    letters = "".join(sorted(set(alphabet) - {"="}))
    text = encode_book(book)
    place %= len(text.rstrip("="))
    old = letters.index(text[place])
    changed = text[:place] + letters[(old + change) % 64] + text[place + 1 :]
    assert decoded(changed) in (None, book)


@given(book=BOOKS.filter(bool), cut=st.integers(1))
def test_a_text_that_was_cut_is_damaged(book: dict[str, Entry], cut: int) -> None:
    text = encode_book(book)
    with pytest.raises(StateError):
        decode_book(text[: -1 - cut % len(text)])


# What the target holds


@given(
    st.lists(st.tuples(st.sampled_from(STREAMS), st.sampled_from(Held)), max_size=20)
)
def test_what_the_target_holds_is_noted_by_stream(
    notes: list[tuple[str, Held]],
) -> None:
    entry, expected = Entry(), dict.fromkeys(STREAMS, Held.NOTHING)
    for stream, held in notes:
        entry.set_held(stream, held)
        expected[stream] = held
    assert {stream: entry.holds(stream) for stream in STREAMS} == expected
    assert 0 <= entry.held < 256
    assert decode_book(encode_book({"1": entry}))["1"] == entry
    assert bool(entry.held) is any(expected.values())


# Digests


def test_a_digest_has_32_bits_and_tells_values_apart() -> None:
    values = [None, False, 0, "", [], {}, "0", [None], {"a": None}, {"a": 0}, "None"]
    made = [digest(value) for value in values]
    assert len(set(made)) == len(values)
    assert all(0 <= one < 2**32 for one in made)


def test_a_digest_is_the_same_in_every_run_and_version() -> None:
    """Another one would read everything again, from everybody's state."""
    value = {"id": "100", "score": 85.7, "points": 12, "name": "Zo\u00eb", "x": None}
    text = '{"id":"100","score":85.7,"points":12,"name":"Zo\u00eb","x":null}'
    expected = hashlib.blake2b(text.encode(), digest_size=4).digest()
    assert digest(value).to_bytes(4, "little") == expected


# Selections

FILTERS: tuple[dict[str, str], ...] = (
    {},
    {"min_score": "40"},
    {"email": "zoe@example.com"},
)
SELECTIONS = st.builds(
    Selection.of,
    start_date=st.none()
    | st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat)
    | st.sampled_from(
        ("2024-01-31T00:00:00+00:00", "2024-01-31T00:00:00.000001+00:00")
    ),
    job_opening_ids=st.none() | st.lists(st.sampled_from("123"), min_size=1),
    filters=st.sampled_from(FILTERS),
    key=st.just("key"),
)
EVERYTHING = Selection()


@given(SELECTIONS)
def test_a_selection_covers_itself_and_everything_covers_it(one: Selection) -> None:
    assert one.covers(one)
    assert EVERYTHING.covers(one)
    assert one.covers(EVERYTHING) is (one == EVERYTHING)


@given(SELECTIONS, SELECTIONS)
def test_two_that_cover_each_other_are_equal(one: Selection, other: Selection) -> None:
    assert (one.covers(other) and other.covers(one)) is (one == other)


@given(SELECTIONS, SELECTIONS, SELECTIONS)
def test_covering_goes_on(one: Selection, two: Selection, three: Selection) -> None:
    if one.covers(two) and two.covers(three):
        assert one.covers(three)


@given(
    one=st.datetimes(timezones=st.just(UTC)), other=st.datetimes(timezones=st.just(UTC))
)
def test_an_earlier_start_covers_a_later_one(one: datetime, other: datetime) -> None:
    def since(start: datetime) -> Selection:
        return Selection(start_date=start.isoformat())

    assert since(one).covers(since(other)) is (one <= other)


def test_more_openings_cover_fewer() -> None:
    def of(*ids: str) -> Selection:
        return Selection.of(start_date=None, job_opening_ids=ids, filters={}, key="k")

    assert of("1", "2").covers(of("2"))
    assert not of("2").covers(of("1", "2"))
    assert of("2", "1", "2") == of("1", "2")
    assert not of("1").covers(EVERYTHING)


def test_filters_cover_themselves_alone_and_are_not_in_the_state() -> None:
    def with_filters(key: str, **filters: str) -> Selection:
        return Selection.of(
            start_date=None, job_opening_ids=None, filters=filters, key=key
        )

    email = "zoe@example.com"
    one = with_filters("k", email=email, min_score="1")
    assert one == with_filters("k", min_score="1", email=email)
    assert not one.covers(with_filters("k", email=email))
    assert not with_filters("k", email=email).covers(one)
    assert with_filters("k") == EVERYTHING
    assert (
        one.filters != with_filters("another key", email=email, min_score="1").filters
    )
    book = Digests()
    book.selections = [one]
    assert "zoe" not in json.dumps(book.dump())


# All of it


@given(
    book=BOOKS,
    selections=st.lists(SELECTIONS, max_size=3),
    verified_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    cursor=st.floats(0, 1, exclude_max=True),
    anchors=st.dictionaries(st.text(), st.lists(st.text())),
    pauses=st.tuples(st.integers(0, 2**40), st.integers(0, 2**40)),
)
def test_everything_comes_back_from_the_state(  # noqa: PLR0913, PLR0917
    book: dict[str, Entry],
    selections: list[Selection],
    verified_at: datetime | None,
    cursor: float,
    anchors: dict[str, list[str]],
    pauses: tuple[int, int],
) -> None:
    before = Digests()
    before.anchors, before.pauses = anchors, pauses
    before.pauses_since = verified_at
    before.book, before.selections = book, selections
    before.verified_at, before.cursor = verified_at, cursor
    # Targets on the Singer SDK cannot pass on a state with a float in it.
    state = json.loads(json.dumps(before.dump()), parse_float=pytest.fail)
    after = Digests.load(state)
    assert after.book == book
    assert after.selections == selections
    assert after.verified_at == verified_at
    assert after.anchors == anchors
    assert after.pauses_since == verified_at
    assert after.cursor == (cursor if verified_at else 0.0)
    assert after.pauses == (pauses if verified_at else (0, 0))
    assert json.loads(json.dumps(after.dump())) == state


def test_without_digests_everything_is_to_be_read() -> None:
    fresh = Digests.load(None)
    assert (fresh.book, fresh.selections, fresh.verified_at) == ({}, [], None)


AT = "2024-01-31T00:00:00Z"


def state(**changes: t.Any) -> dict[str, t.Any]:
    full = Digests()
    full.book = {"100": Entry(1, 2, 3, 4, 0b10101010)}
    full.selections = [Selection()]
    full.verified_at = datetime.fromisoformat(AT)
    return {**full.dump(), **changes}


NO_CURSORS: tuple[t.Any, ...] = (None, "x", "nan", "inf", [])
DAMAGED: dict[str, tuple[t.Any, ...]] = {
    "format": (None, "1", 1.5, True, []),
    "book": (None, 5, "", "x", "====", "A" * 40, []),
    "selections": (None, "x", [None], [{"filters": 5}]),
    "verified": (
        *("x", {}, {"at": AT}, {"at": "then", "cursor": "0.5"}),
        *({"at": AT, "cursor": cursor} for cursor in NO_CURSORS),
    ),
}


@pytest.mark.parametrize(
    "value",
    [
        *("", "text", 5, 0, False, True, [], {}, {"book": "x"}),
        *(state(**{name: v}) for name, values in DAMAGED.items() for v in values),
        {name: value for name, value in state().items() if name != "book"},
        {name: value for name, value in state().items() if name != "selections"},
    ],
    ids=str,
)
def test_what_is_no_state_is_damaged(value: t.Any) -> None:
    with pytest.raises(StateError, match="damaged"):
        Digests.load(value)


def test_a_newer_format_is_refused_by_name() -> None:
    with pytest.raises(StateError, match=rf"newer .*format {digests.FORMAT + 1}"):
        Digests.load(state(format=digests.FORMAT + 1))
    assert Digests.load(state()).book["100"].answers == 4
