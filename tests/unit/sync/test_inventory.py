"""The inventory: what the target holds of each candidate, in columns."""

from __future__ import annotations

import base64
import tracemalloc
import typing as t
import zlib
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_toggl_hire.sync import inventory as inventory_module
from tap_toggl_hire.sync import plan
from tap_toggl_hire.sync.inventory import (
    CODES,
    DIGESTS,
    MAX_COUNT,
    PIECE,
    Inventory,
    digest,
)
from tap_toggl_hire.sync.plan import (
    ANSWERS,
    CANDIDATE_STREAMS,
    HISTORY,
    NEVER,
    UNKNOWN_VALUE,
    Held,
    Known,
    Presence,
)

IDS = st.text(min_size=1, max_size=6) | st.integers(0, 10**6).map(str)
KNOWN = st.builds(
    Known,
    st.tuples(*[st.sampled_from(Held)] * len(CANDIDATE_STREAMS)),
    st.sampled_from(Presence),
    *[st.integers(0, 2**32 - 1)] * 5,
    answers=st.integers(0, MAX_COUNT),
)
CURRENT = Known((Held.CURRENT,) * len(CANDIDATE_STREAMS))


def filled(entries: dict[str, Known]) -> Inventory:
    """Return an inventory with some candidates."""
    inventory = Inventory()
    for candidate_id, known in entries.items():
        inventory[candidate_id] = known
    return inventory


@given(st.lists(st.tuples(IDS, st.none() | KNOWN), max_size=20))
def test_inventory_keeps_what_was_noted_last(
    notes: list[tuple[str, Known | None]],
) -> None:
    inventory, expected = Inventory(), dict[str, Known | None]()
    for candidate_id, known in notes:
        inventory[candidate_id] = expected[candidate_id] = known
    for candidate_id, known in expected.items():
        assert inventory.get(candidate_id) == known
    kept = {key: known for key, known in expected.items() if known is not None}
    assert dict(inventory.items()) == kept
    assert len(inventory) == len(kept)


def test_nothing_is_known_of_a_candidate_that_was_only_listed() -> None:
    inventory = filled({"1": CURRENT})
    inventory.ids.see("listed")
    assert inventory.get("listed") is None
    assert inventory.get("never seen") is None
    assert list(dict(inventory.items())) == ["1"]


def test_candidates_may_be_forgotten_while_they_are_looked_at() -> None:
    inventory = filled({"1": CURRENT, "2": CURRENT, "3": CURRENT})
    for candidate_id, known in inventory.items():
        assert known == CURRENT
        inventory[candidate_id] = None
    assert len(inventory) == 0


def test_larger_numbers_of_answers_are_cut() -> None:
    inventory = filled({"1": replace(CURRENT, answers=70_000)})
    known = inventory.get("1")
    assert known is not None
    assert known.answers == 65_535


# Counts


def test_living_candidates_are_held_by_a_stream_and_not_deleted() -> None:
    in_history = Known((Held.ABSENT, Held.ABSENT, Held.ABSENT, Held.STALE))
    inventory = filled(
        {
            "held": in_history,
            "absent": Known(),
            "deleted": replace(in_history, presence=Presence.DELETED),
            "archived": replace(in_history, presence=Presence.UNLISTED),
            "out of scope": replace(in_history, presence=Presence.OUT_OF_SCOPE),
            "forgotten": in_history,
        }
    )
    inventory["forgotten"] = None
    inventory.ids.see("listed")
    assert inventory.living() == ["held", "archived", "out of scope"]
    for candidate_id in ("absent", "deleted", "forgotten", "listed", "never seen"):
        assert not inventory.is_living(candidate_id)


def test_candidates_are_counted_by_their_presence() -> None:
    inventory = filled({place.name: Known(presence=place) for place in Presence})
    inventory["another"] = Known(presence=Presence.UNLISTED)
    assert inventory.count(Presence.UNLISTED) == 2
    assert inventory.count(Presence.UNLISTED, Presence.LISTED) == 3
    assert inventory.count() == 0
    assert len(inventory) == 5


@pytest.mark.parametrize("stream", CANDIDATE_STREAMS)
def test_current_candidates_are_counted_per_stream(stream: str) -> None:
    values = dict.fromkeys(CANDIDATE_STREAMS, Held.CURRENT)
    inventory = filled({"1": CURRENT, "2": CURRENT})
    for candidate_id, held in (("3", Held.STALE), ("4", Held.ABSENT)):
        inventory[candidate_id] = Known((*{**values, stream: held}.values(),))
    assert inventory.current(stream) == 2
    inventory["1"] = None
    assert inventory.current(stream) == 1


def test_rows_of_answers_are_those_of_current_candidates() -> None:
    inventory = filled(
        {
            "1": replace(CURRENT, answers=8),
            "2": replace(CURRENT, answers=5),
            "stale": plan.make_stale(replace(CURRENT, answers=9), ANSWERS),
            "stale in the history": plan.make_stale(
                replace(CURRENT, answers=10), HISTORY
            ),
        }
    )
    assert inventory.current_answers == 8 + 5 + 10
    assert inventory.most_answers == 10
    assert (Inventory().current_answers, Inventory().most_answers) == (0, 0)


@given(st.dictionaries(IDS, KNOWN, max_size=20), st.sampled_from(CANDIDATE_STREAMS))
def test_whole_stream_becomes_stale(entries: dict[str, Known], stream: str) -> None:
    inventory = filled(entries)
    inventory.make_stale(stream)
    assert dict(inventory.items()) == {
        candidate_id: plan.make_stale(known, stream)
        for candidate_id, known in entries.items()
    }


# Digests


def test_digest_has_32_bits_and_no_reserved_value() -> None:
    digests = [digest(number) for number in range(50_000)]
    assert min(digests) > UNKNOWN_VALUE > NEVER
    assert 2**31 < max(digests) < 2**32
    assert len(set(digests)) > 49_990


def test_digest_is_the_same_in_every_version() -> None:
    """Another one would emit every candidate again."""
    record = {
        "id": "1",
        "rating": 5,
        "name": "Zo\u00eb",
        "score": 1.5,
        "category": None,
    }
    assert digest(record) == 3442337268
    assert digest(["a", ["b"]]) == 3050839310


@pytest.mark.parametrize("value", [NEVER, UNKNOWN_VALUE, 2])
def test_reserved_digest_is_replaced(
    monkeypatch: pytest.MonkeyPatch, value: int
) -> None:
    hashed = SimpleNamespace(digest=lambda: value.to_bytes(4, "little"))
    monkeypatch.setattr(inventory_module, "blake2b", lambda *_, **__: hashed)
    assert digest("anything") == 2


# The state


@given(st.dictionaries(IDS, KNOWN, max_size=20))
def test_columns_load_as_they_were_dumped(entries: dict[str, Known]) -> None:
    inventory = filled({"forgotten": CURRENT, **entries, "last": CURRENT})
    inventory["forgotten"] = None
    inventory.ids.see("only listed")
    columns = inventory.dump()
    loaded = Inventory.load(columns)
    assert dict(loaded.items()) == dict(inventory.items())
    assert loaded.dump() == columns
    assert not loaded.ids.is_listed("last")


def test_columns_longer_than_a_piece_load() -> None:
    entries = {
        str(number): replace(CURRENT, row=number * 2_654_435_761 % 2**32)
        for number in range(PIECE // 4 * 3)
    }
    assert dict(Inventory.load(filled(entries).dump()).items()) == entries


def test_there_is_a_column_per_stream() -> None:
    columns = filled({"1": CURRENT}).dump()
    fields = {"ids", "row", "tags", "extra", "details", "history", "answers"}
    assert columns.keys() == {*fields, "presence", *CANDIDATE_STREAMS}


@pytest.mark.parametrize("stream", CANDIDATE_STREAMS)
def test_missing_column_of_a_stream_means_that_the_target_holds_nothing(
    stream: str,
) -> None:
    """The version that wrote the state did not know the stream."""
    columns = filled({"1": CURRENT, "2": CURRENT}).dump()
    del columns[stream]
    held = tuple(
        Held.ABSENT if each == stream else Held.CURRENT for each in CANDIDATE_STREAMS
    )
    loaded = dict(Inventory.load(columns).items())
    assert loaded == {"1": Known(held), "2": Known(held)}


def reject(columns: t.Any) -> None:
    """Check that columns are rejected."""
    with pytest.raises(ValueError):  # noqa: PT011 - it has no message
        Inventory.load(columns)


@pytest.mark.parametrize("name", ["ids", *CODES])
def test_column_that_is_damaged_or_of_another_length_is_rejected(name: str) -> None:
    columns = filled({"1": CURRENT, "2": CURRENT}).dump()
    longer = filled({str(number): CURRENT for number in range(3)}).dump()[name]
    assert len(Inventory.load(columns)) == 2
    for text in (longer, "", "!", columns[name][:-5], "\u00e9", None):
        reject({**columns, name: text})


@pytest.mark.parametrize("name", ["ids", *DIGESTS, "answers", "presence"])
def test_missing_column_of_digests_or_numbers_is_rejected(name: str) -> None:
    columns = filled({"1": CURRENT}).dump()
    del columns[name]
    reject(columns)


def column(content: bytes) -> str:
    """Compress and encode a column as `dump` does."""
    return base64.b85encode(zlib.compress(content)).decode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ids", b'["1","1"]'),
        ("ids", b'["1",2]'),
        ("ids", b'{"1":2}'),
        ("ids", b"1"),
        ("presence", bytes([1, 0])),
        ("presence", bytes([1, 5])),
        ("row", b"1234567"),
        ("answers", b"123"),
        *((stream, bytes([0, 3])) for stream in CANDIDATE_STREAMS),
    ],
)
def test_values_without_a_meaning_are_rejected(name: str, content: bytes) -> None:
    columns = filled({"1": CURRENT, "2": CURRENT}).dump()
    reject({**columns, name: column(content)})


def test_bytes_after_a_column_are_rejected() -> None:
    columns = filled({"1": CURRENT}).dump()
    compressed = base64.b85decode(columns["row"])
    assert len(Inventory.load(columns)) == 1
    reject({**columns, "row": base64.b85encode(compressed + b"more").decode()})


def test_loading_takes_less_than_300_bytes_per_candidate() -> None:
    inventory = Inventory()
    for number in range(20_000):
        inventory[str(10_000_000 + 7919 * number)] = Known(row=number * 104_729)
    columns = inventory.dump()
    del inventory
    tracemalloc.start()
    try:
        loaded = Inventory.load(columns)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(loaded) == 20_000
    assert peak < 300 * 20_000
