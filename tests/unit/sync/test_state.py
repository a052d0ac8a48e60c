"""The state: it loads as it was dumped, merges, and is rejected if it is damaged."""

from __future__ import annotations

import itertools
import json
import random
import re
import typing as t
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_toggl_hire.errors import StateError
from tap_toggl_hire.sync.inventory import CODES, MAX_COUNT, digest
from tap_toggl_hire.sync.plan import (
    ANSWERS,
    CANDIDATE_STREAMS,
    CANDIDATES,
    NEVER,
    UNKNOWN_VALUE,
    Held,
    Known,
    Presence,
)
from tap_toggl_hire.sync.state import FORMAT, KEY, State, unwrap
from tests.support.target import merged

Json = dict[str, t.Any]

LIST_STREAMS = ("job_openings", "categories", "tags")
TIME = datetime(2026, 1, 31, 10, 20, 30, 123456, tzinfo=UTC)
CURRENT = Known((Held.CURRENT,) * 4, Presence.LISTED, 11, 12, 13, 14, 15, answers=5)
ARCHIVED = Known(
    (Held.ABSENT, Held.STALE, Held.CURRENT, Held.ABSENT), Presence.UNLISTED, 21
)
UNKNOWN_VERSION = Known((Held.STALE,) * 4, Presence.LISTED, *(UNKNOWN_VALUE,) * 5)


def full() -> State:
    """Return a state with something under each key."""
    state = State()
    state.inventory["100"] = CURRENT
    state.inventory["a-b"] = ARCHIVED
    state.scope = "0123456789abcdef"
    state.reverified_until = TIME
    state.fingerprints = {CANDIDATES: ["01234567"], ANSWERS: ["89abcdef", "pii-0123"]}
    state.tags = {"300", "a-tag"}
    state.distrusts_tags = True
    return state


def killed() -> State:
    """Return what a first run leaves that was killed."""
    state = State()
    state.inventory["7"] = Known((Held.STALE,) * 4, answers=3)
    state.reverified_until = TIME
    return state


MAKERS = pytest.mark.parametrize("make", [State, killed, full])


def content(state: State) -> Json:
    """Return everything in a state, as values that compare."""
    return {
        "inventory": dict(state.inventory.items()),
        "scope": state.scope,
        "reverified_until": state.reverified_until,
        "fingerprints": {
            name: state.fingerprints.get(name, []) for name in CANDIDATE_STREAMS
        },
        "tags": state.tags,
        "distrusts_tags": state.distrusts_tags,
    }


def passed_on(value: t.Any) -> t.Any:
    """Return a state as targets and orchestrators pass it on, without floats."""
    return json.loads(json.dumps(value), parse_float=pytest.fail)


def leaves(value: t.Any) -> t.Iterator[t.Any]:
    """Yield the values in a state that are neither objects nor lists."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from leaves(item)
    else:
        yield value


# What it says


@MAKERS
def test_state_loads_as_it_was_dumped(make: t.Callable[[], State]) -> None:
    stored = passed_on(make().dump())
    loaded = State.load(stored)
    assert content(loaded) == content(make())
    assert passed_on(loaded.dump()) == stored


STORED: Json = {
    "format": 3,
    "candidates": {
        "ids": "c$|w?GBhwy(oss(O;U;l025yV?f",
        "row": "c%0*AU|<jhVgLZN03i",
        "tags": "c%0*5fB*mhXaEf",
        "extra": "c%0*9fB*mhZ~zV",
        "details": "c%0*7fB*mhcmNL",
        "history": "c%0*BfB*mhfB+B",
        "answers": "c${NpU|;|M02lxU",
        "presence": "c${No0ssI800a",
        "candidates": "c${Nm0000600R",
        "candidate_details": "c${Nm1ONaB00a",
        "candidate_answers": "c${Nm0ssIA00j",
        "candidate_history": "c${Nm0000600R",
    },
    "checksum": "f50918ba",
    "scope": "0123456789abcdef",
    "reverified_until": "2026-01-31T10:20:30.123456+00:00",
    "fingerprints": {
        "candidates": ["01234567"],
        "candidate_details": [],
        "candidate_answers": ["89abcdef", "pii-0123"],
        "candidate_history": [],
    },
    "tags": ["300", "a-tag"],
    "distrusts_tags": True,
    "held": [],
}
"""`full`, as version 0.3.0 writes it."""


def test_format_3_is_the_same_in_every_version() -> None:
    assert content(State.load(STORED)) == content(full())
    stored = full().dump()
    assert stored.keys() == STORED.keys()
    assert stored["candidates"].keys() == STORED["candidates"].keys()
    for key in STORED.keys() - {"candidates", "checksum"}:  # each zlib has its own
        assert stored[key] == STORED[key]


@MAKERS
def test_every_state_has_every_key_and_neither_null_nor_float(
    make: t.Callable[[], State],
) -> None:
    stored, whole = passed_on(make().dump()), full().dump()
    assert {key: type(value) for key, value in stored.items()} == {
        key: type(value) for key, value in whole.items()
    }
    assert {type(value) for value in leaves(stored)} <= {int, str, bool}
    assert stored["format"] == FORMAT == 3
    assert stored["candidates"].keys() == {"ids", *CODES}
    assert stored["fingerprints"].keys() == set(CANDIDATE_STREAMS)


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-3))])))
def test_time_reached_loads_as_it_was_dumped(time: datetime) -> None:
    state = State()
    state.reverified_until = time
    assert State.load(passed_on(state.dump())).reverified_until == time


def test_tags_are_a_sorted_list_of_ids() -> None:
    state = State()
    state.tags = {"9", "10", "a"}
    assert state.dump()["tags"] == ["10", "9", "a"]


def test_stream_that_the_state_does_not_know_is_not_held() -> None:
    """A version that adds a stream reads the state of one that did not have it."""
    columns = {**STORED["candidates"]}
    del columns[ANSWERS]
    stored = {**STORED, "candidates": columns, "checksum": "d8b57795"}
    held = (Held.ABSENT, Held.STALE, Held.ABSENT, Held.ABSENT)
    known = State.load(stored).inventory.get("a-b")
    assert known == replace(ARCHIVED, held=held)


def test_nothing_is_known_without_a_state() -> None:
    state = State.load(None)
    assert content(state) == content(State())
    assert len(state.inventory) == 0
    assert (state.scope, state.reverified_until) == ("", None)
    assert (state.tags, state.distrusts_tags) == (set(), False)


def test_dumped_state_does_not_change_any_more() -> None:
    state = full()
    stored = state.dump()
    before = passed_on(stored)
    state.inventory["100"] = None
    state.fingerprints[CANDIDATES][0] = "76543210"
    state.tags.add("301")
    state.scope = "other"
    assert passed_on(stored) == before
    assert passed_on(state.dump()) != before


def size_of(ids: t.Iterable[str], *, are_tagged: bool = False) -> int:
    """Return the size of a state with some candidates in bytes."""
    state, rng = full(), random.Random(1)
    for number, candidate_id in enumerate(ids):
        is_tagged = are_tagged and number % 3 == 0
        state.inventory[candidate_id] = replace(
            CURRENT,
            row=digest([number, "row"]),
            tags=digest(rng.randrange(8)) if is_tagged else NEVER,
            extra=NEVER,
            details=digest([number, "details"]),
            history=digest([number, "history"]),
            answers=rng.choice([5, 8, 10]),
        )
    return len(json.dumps(state.dump()))


def test_state_has_at_most_24_bytes_per_candidate_with_a_number_as_id() -> None:
    numbers = sorted(random.Random(2).sample(range(10**6, 2 * 10**6), 10_000))
    assert size_of(map(str, numbers)) <= 24 * 10_000


def test_state_has_at_most_45_bytes_per_candidate_with_a_uuid() -> None:
    uuids = [
        str(uuid.UUID(int=random.Random(number).getrandbits(128)))
        for number in range(10_000)
    ]
    assert size_of(uuids, are_tagged=True) <= 45 * 10_000


# What is merged


def test_any_state_over_any_other_is_the_newer_one() -> None:
    """So it is over one from the warehouse, with which the newer one began."""
    states = [passed_on(make().dump()) for make in (State, killed, full)]
    warehouse: Json = {"format": 3, "held": [["100", 8], ["5", 2]]}
    for older, newer in itertools.product([*states, warehouse], states):
        state = merged(older, newer)
        assert state == newer
        assert content(State.load(state)) == content(State.load(newer))


def test_state_from_the_warehouse_names_candidates_in_an_unknown_version() -> None:
    state = State.load({"format": 3, "held": [["100", 8], ["a-b", 0]]})
    assert dict(state.inventory.items()) == {
        "100": replace(UNKNOWN_VERSION, answers=8),
        "a-b": UNKNOWN_VERSION,
    }
    assert (state.scope, state.tags) == ("", set())


def test_state_from_the_warehouse_may_be_merged_over_a_full_one() -> None:
    """There may be as many rows of answers as either of them says."""
    held = [["100", 1], ["5", 70_000]]
    state = State.load(merged(passed_on(full().dump()), {"format": 3, "held": held}))
    assert state.reverified_until == TIME
    assert dict(state.inventory.items()) == {
        "100": replace(UNKNOWN_VERSION, answers=5),
        "a-b": ARCHIVED,
        "5": replace(UNKNOWN_VERSION, answers=MAX_COUNT),
    }


# What is rejected


def reject(value: t.Any, reason: str) -> None:
    """Check that a state is rejected, by a message without its values."""
    with pytest.raises(StateError, match=reason) as caught:
        State.load(value)
    assert "Nothing was extracted." in str(caught.value)
    assert "canary" not in str(caught.value)
    assert not caught.value.is_transient


@pytest.mark.parametrize("name", ["ids", *CODES])
def test_damaged_column_is_rejected(name: str) -> None:
    stored, other = passed_on(full().dump()), killed().dump()["candidates"]
    columns = stored["candidates"]
    text = columns[name]
    damaged = [other[name]]
    for place, character in enumerate(text):
        changed = "0" if character != "0" else "1"
        damaged.append(text[:place] + changed + text[place + 1 :])
    for wrong in damaged:
        reject({**stored, "candidates": {**columns, name: wrong}}, "damaged")
    rest = {key: value for key, value in columns.items() if key != name}
    reject({**stored, "candidates": rest}, "damaged")


def test_exchanged_columns_are_rejected() -> None:
    stored = passed_on(full().dump())
    columns = stored["candidates"]
    exchanged = {**columns, "row": columns["details"], "details": columns["row"]}
    reject({**stored, "candidates": exchanged}, "damaged")


WRONG: dict[str, tuple[t.Any, ...]] = {
    "format": (None, "3", 3.0, True, [], {}, 0, -1, 2),
    "candidates": (None, 5, "canary", ["canary"], {"ids": 5}, {"ids": None}),
    "checksum": (None, 5, "canary", ""),
    "scope": (None, 5, [], {}),
    "reverified_until": (None, 5, "canary", "2026-13-01T00:00:00+00:00", [], "0"),
    "fingerprints": (None, "canary", {CANDIDATES: "canary"}, {CANDIDATES: [5]}),
    "tags": (None, 7, "canary", {"canary": 1}, [5], [None]),
    "distrusts_tags": (None, 0, "canary", []),
    "held": (None, "canary", [5], [["1"]], [["1", -1]], [[1, 1]], [["1", 1, 1]]),
}


@pytest.mark.parametrize("key", WRONG)
def test_value_of_another_type_is_damage(key: str) -> None:
    stored = passed_on(full().dump())
    for value in WRONG[key]:
        reject({**stored, key: value}, "damaged.*--full-refresh")


@pytest.mark.parametrize("value", ["canary", 5, [], [[]], True, {}, {"held": []}])
def test_anything_else_under_the_key_is_damage(value: t.Any) -> None:
    reject(value, "damaged")


@pytest.mark.parametrize("part", ["canary", "1/4", 5, 0, False, [], {}])
def test_state_of_a_part_is_rejected(part: t.Any) -> None:
    reject({**STORED, "part": part}, "of a part of the candidates.* warehouse")


@pytest.mark.parametrize("part", [None, ""])
def test_state_without_a_part_loads(part: t.Any) -> None:
    assert content(State.load({**STORED, "part": part})) == content(full())


def test_newer_format_is_rejected_by_its_number() -> None:
    reason = r"newer version .*\(format 4; this version reads 3\).*Upgrade"
    reject({"format": 4}, reason)
    reject({**full().dump(), "format": 4}, reason)


# What `--state` accepts


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"bookmarks": {}},
        {"bookmarks": {stream: {} for stream in LIST_STREAMS}},
        {"bookmarks": {"tags": {"starting_replication_value": None}}},
        {KEY: {"format": 3}, "bookmarks": {"candidates": {}}},
        {KEY: {"format": 3}},
        {KEY: {"format": 3}, "type": "STATE", "other": 5},
    ],
)
def test_state_is_accepted_as_it_is_and_as_meltano_prints_it(value: Json) -> None:
    assert unwrap(value, LIST_STREAMS) == value
    assert unwrap({"singer_state": value}, LIST_STREAMS) == value


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "it is not a JSON object"),
        ("x", "it is not a JSON object"),
        ([{}], "it is not a JSON object"),
        ({"singer_state": None}, "it is not a JSON object"),
        ({"bookmarks": None}, "its bookmarks are malformed"),
        ({"bookmarks": []}, "its bookmarks are malformed"),
        ({"bookmarks": {"tags": 5}}, "its bookmarks are malformed"),
        ({KEY: {}, "bookmarks": 5}, "its bookmarks are malformed"),
        ({KEY: None}, "damaged"),
        ({KEY: [], "bookmarks": {}}, "damaged"),
        ({"type": "STATE", "value": {}}, "it is a whole STATE message"),
        ({"other": {}}, f"it lacks the key {KEY}"),
        ({"singer_state": {}, "other": {}}, f"it lacks the key {KEY}"),
        ({"bookmarks": {}, "other": {}}, f"it lacks the key {KEY}"),
        ({"bookmarks": {"candidates": {}}}, f"it lacks the key {KEY}"),
        ({"bookmarks": {"tags": {}, "candidate_details": {}}}, f"lacks the key {KEY}"),
        ({"bookmarks": {"candidates": {"digests": {}}}}, "a version before 0.3"),
    ],
)
def test_anything_else_is_rejected_with_its_reason(value: t.Any, reason: str) -> None:
    with pytest.raises(StateError, match=re.escape(reason)) as caught:
        unwrap(value, LIST_STREAMS)
    assert "Nothing was extracted." in str(caught.value)
