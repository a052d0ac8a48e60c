"""The inventory: what the target holds, in columns."""

from __future__ import annotations

import base64
import itertools
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
    COLUMNS,
    MOST_ANSWERS,
    PIECE,
    Inventory,
    digest,
)
from tap_toggl_hire.sync.plan import ANSWERS, CANDIDATES, STREAMS, Held, Known, Presence

DIGESTS = st.integers(0, 2**32 - 1)
KNOWN = st.builds(
    Known,
    st.tuples(*[st.sampled_from(Held)] * len(STREAMS)),
    st.sampled_from(Presence),
    *[DIGESTS] * 5,
    answers=st.integers(0, MOST_ANSWERS),
)
IDS = st.text(min_size=1, max_size=6) | st.integers(0, 10**6).map(str)
CURRENT = Known((Held.CURRENT,) * 4)


def of(entries: dict[str, Known]) -> Inventory:
    inventory = Inventory()
    for candidate_id, known in entries.items():
        inventory[candidate_id] = known
    return inventory


@given(st.lists(st.tuples(IDS, st.none() | KNOWN), max_size=20))
def test_it_keeps_what_was_set_last(changes: list[tuple[str, Known | None]]) -> None:
    inventory, expected = Inventory(), dict[str, Known]()
    for candidate_id, known in changes:
        inventory[candidate_id] = known
        expected.pop(candidate_id, None)
        if known is not None:
            expected[candidate_id] = known
    assert dict(inventory.items()) == expected
    assert len(inventory) == len(expected)
    for candidate_id, _ in changes:
        assert inventory.get(candidate_id) == expected.get(candidate_id)


@given(st.dictionaries(IDS, KNOWN, max_size=20))
def test_it_comes_back_from_its_columns(entries: dict[str, Known]) -> None:
    inventory = of({"gone": CURRENT, **entries, "last": CURRENT})
    if "gone" not in entries:
        inventory["gone"] = None
    inventory.see("only listed")
    columns = inventory.dump()
    loaded = Inventory.load(columns)
    assert dict(loaded.items()) == dict(inventory.items())
    assert loaded.dump() == columns
    assert list(columns) == list(COLUMNS)
    assert not loaded.is_listed("last")


def test_columns_longer_than_a_piece_come_back() -> None:
    entries = {
        str(number): replace(CURRENT, row=number * 2_654_435_761 % 2**32)
        for number in range(PIECE // 4 * 3)
    }
    assert dict(Inventory.load(of(entries).dump()).items()) == entries


def test_a_forgotten_candidate_takes_no_part() -> None:
    inventory = of({"1": CURRENT, "2": CURRENT})
    inventory["1"] = inventory["3"] = None
    assert inventory.get("1") is None
    assert (len(inventory), inventory.ids()) == (1, ["2"])
    assert inventory.count_current(CANDIDATES) == 1


def test_known_candidates_are_held_by_a_stream_and_not_deleted() -> None:
    held = Known((Held.ABSENT, Held.ABSENT, Held.ABSENT, Held.STALE))
    inventory = of({"held": held, "absent": Known()})
    inventory["deleted"] = replace(held, presence=Presence.DELETED)
    inventory["archived"] = replace(held, presence=Presence.UNLISTED)
    inventory.see("listed")
    assert inventory.ids() == ["held", "archived"]
    for candidate_id in ("held", "absent", "deleted", "archived", "listed", "new"):
        assert inventory.is_known(candidate_id) is (candidate_id in inventory.ids())


def test_it_knows_whether_details_are_held() -> None:
    for stream, value in itertools.product(STREAMS, (Held.STALE, Held.CURRENT)):
        held = tuple(value if one == stream else Held.ABSENT for one in STREAMS)
        inventory = of({"1": Known(), "2": Known(held)})
        assert inventory.has_details is (stream in {plan.DETAILS, ANSWERS})
        is_current = stream == CANDIDATES and value is Held.CURRENT
        assert inventory.count_current(CANDIDATES) == is_current


@given(st.dictionaries(IDS, KNOWN, max_size=20), st.sampled_from(STREAMS))
def test_a_whole_stream_becomes_stale(entries: dict[str, Known], stream: str) -> None:
    inventory = of(entries)
    inventory.make_stale(stream)
    assert dict(inventory.items()) == {
        candidate_id: plan.make_stale(known, stream)
        for candidate_id, known in entries.items()
    }


def test_candidates_are_counted_by_their_presence() -> None:
    inventory = of({presence.name: Known(presence=presence) for presence in Presence})
    inventory["9"] = Known(presence=Presence.UNLISTED)
    assert inventory.count(Presence.UNLISTED) == 2
    assert inventory.count(Presence.UNLISTED, Presence.LISTED) == 3
    assert inventory.count() == 0


# What a run has seen


def test_a_candidate_is_seen_once() -> None:
    inventory = of({"1": CURRENT, "2": CURRENT})
    assert [inventory.see(i) for i in ("1", "1", "new")] == [True, False, True]
    listed = [i for i in ("1", "2", "new", "never") if inventory.is_listed(i)]
    assert listed == ["1", "new"]
    assert inventory.get("new") is None
    assert [i for i, _ in inventory.items(is_listed=True)] == ["1"]
    assert [i for i, _ in inventory.items(is_listed=False)] == ["2"]


def test_a_candidate_that_was_asked_for_is_marked_apart_from_the_list() -> None:
    inventory = of({"1": CURRENT, "2": CURRENT})
    inventory.mark_fetched("1")
    inventory.see("2")
    assert (inventory.is_fetched("1"), inventory.is_listed("1")) == (True, False)
    assert (inventory.is_fetched("2"), inventory.is_listed("2")) == (False, True)
    assert not inventory.is_fetched("never")
    inventory.mark_fetched("2")
    assert inventory.is_listed("2")


# Digests


def test_a_digest_has_32_bits_and_no_reserved_value() -> None:
    digests = [digest(number) for number in range(50_000)]
    assert min(digests) > plan.UNKNOWN_VALUE > plan.NEVER
    assert max(digests) > 2**31
    assert max(digests) < 2**32
    assert len(set(digests)) > 49_990


def test_digests_are_the_same_in_every_version() -> None:
    """Others would emit every candidate again."""
    record = {"id": "1", "rating": 5, "name": "Zoë", "score": 1.5, "category": None}
    assert digest(record) == 3442337268
    assert digest(["a", ["b"]]) == 3050839310


@pytest.mark.parametrize("value", [plan.NEVER, plan.UNKNOWN_VALUE, 2])
def test_a_digest_that_would_be_reserved_is_another(
    monkeypatch: pytest.MonkeyPatch, value: int
) -> None:
    hashed = SimpleNamespace(digest=lambda: value.to_bytes(4, "little"))
    monkeypatch.setattr(inventory_module, "blake2b", lambda *_, **__: hashed)
    assert digest("anything") == 2


# Damage


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_that_is_missing_or_of_another_length_is_rejected(name: str) -> None:
    columns = of({"1": CURRENT, "2": CURRENT}).dump()
    longer = of({str(n): CURRENT for n in range(3)}).dump()[name]
    rejected({key: value for key, value in columns.items() if key != name})
    for text in (longer, "", "!", columns[name][:-5], "é", None):
        rejected({**columns, name: text})


def rejected(columns: t.Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - it has no message
        Inventory.load(columns)


def column(content: bytes) -> str:
    return base64.b85encode(zlib.compress(content)).decode()


def test_values_that_mean_nothing_are_rejected() -> None:
    columns = of({"1": CURRENT, "2": CURRENT}).dump()
    wrong: dict[str, tuple[bytes, ...]] = {
        "ids": (b'["1","1"]', b'["1",2]', b'{"1":2}', b"1"),
        "presence": (bytes([1, 0]), bytes([1, 5])),
        "row": (b"1234567",),
        "answers": (b"123",),
    }
    for name, contents in wrong.items():
        for content in contents:
            rejected({**columns, name: column(content)})


def test_a_held_value_that_does_not_exist_counts_as_the_largest() -> None:
    columns = of({"1": CURRENT, "2": CURRENT}).dump()
    loaded = Inventory.load({**columns, "held": column(bytes([255, 0]))})
    assert loaded.get("1") == CURRENT
    assert loaded.get("2") == Known()


def test_loading_takes_little_more_memory_than_the_inventory() -> None:
    inventory = Inventory()
    for number in range(20_000):
        inventory[str(10_000_000 + 7919 * number)] = Known(row=number * 104_729)
    columns = inventory.dump()
    del inventory
    tracemalloc.start()
    try:
        loaded = Inventory.load(columns)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(loaded) == 20_000
    assert peak < 1.4 * held
