"""The state: it comes back whole, merges, and is rejected where it is damaged."""

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
from tap_toggl_hire.sync import plan
from tap_toggl_hire.sync.inventory import COLUMNS, MOST_ANSWERS, digest
from tap_toggl_hire.sync.plan import CANDIDATES, NEVER, STREAMS, Held, Known, Presence
from tap_toggl_hire.sync.scope import ALL_PARTS, Part
from tap_toggl_hire.sync.state import FORMAT, KEY, LISTS, State, unwrap

Json = dict[str, t.Any]

AT = datetime(2026, 1, 31, 10, 20, 30, 123456, tzinfo=UTC)
CURRENT = Known((Held.CURRENT,) * 4, Presence.LISTED, 11, 12, 13, 14, 15, answers=5)


def whole() -> State:
    """Make a state with something under each key."""
    state = State()
    state.inventory["100"] = CURRENT
    state.inventory["a-b"] = Known(presence=Presence.UNLISTED)
    state.scope = "0123456789abcdef"
    state.reverified_until = AT
    state.columns = {CANDIDATES: ["01234567"], plan.ANSWERS: ["89abcdef", "pii-0123"]}
    state.part = "2/4"
    state.tags = 7
    return state


def died() -> State:
    """Make what a first run leaves that died."""
    state = State()
    state.inventory["7"] = Known((Held.STALE,) * 4, answers=3)
    state.reverified_until = AT
    return state


def content(state: State) -> Json:
    return {
        **vars(state),
        "inventory": dict(state.inventory.items()),
        "columns": {name: state.columns.get(name, []) for name in STREAMS},
        "part": state.part or "",
    }


def passed_on(value: t.Any) -> t.Any:
    """Return a state as targets and orchestrators pass it on: without floats."""
    return json.loads(json.dumps(value), parse_float=pytest.fail)


def values(value: t.Any) -> t.Iterator[t.Any]:
    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from values(one)
    else:
        yield value


@pytest.mark.parametrize("made", [State, died, whole])
def test_everything_comes_back(made: t.Callable[[], State]) -> None:
    value, full = passed_on(made().dump()), whole().dump()
    loaded = State.load(value)
    assert content(loaded) == content(made())
    assert passed_on(loaded.dump()) == value
    assert value["format"] == FORMAT == 3
    # Every key is there, and neither null nor a float.
    assert {type(one) for one in values(value)} <= {int, str}
    assert {key: type(one) for key, one in value.items()} == {
        key: type(one) for key, one in full.items()
    }
    assert value["candidates"].keys() == set(COLUMNS)
    assert value["columns"].keys() == set(STREAMS)


WRITTEN = {
    **whole().dump(),
    "candidates": {
        "ids": "c$|w?GBhwy(oss(O;U;l025yV?f",
        "row": "c%0*AfB*mhU;qp",
        "tags": "c%0*5fB*mhXaEf",
        "extra": "c%0*9fB*mhZ~zV",
        "details": "c%0*7fB*mhcmNL",
        "history": "c%0*BfB*mhfB+B",
        "answers": "c${NpU|;|M02lxU",
        "held": "c${0s000420IL",
        "presence": "c${No0ssI800a",
    },
    "checksum": "19318d92",
}
"""`whole`, as version 0.3.0 wrote it."""


def test_a_state_of_an_earlier_version_is_read() -> None:
    assert content(State.load(WRITTEN)) == content(whole())


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-3))])))
def test_the_time_reached_comes_back(time: datetime) -> None:
    state = State()
    state.reverified_until = time
    assert State.load(passed_on(state.dump())).reverified_until == time


def test_without_a_state_nothing_is_known() -> None:
    state = State.load(None)
    assert content(state) == content(State())
    assert (state.scope, state.reverified_until, state.part) == ("", None, None)
    assert state.tags == 0


def test_a_state_that_was_dumped_does_not_change_any_more() -> None:
    state = whole()
    value = state.dump()
    before = passed_on(value)
    state.inventory["100"] = None
    state.columns[CANDIDATES][0] = "76543210"
    state.scope = "other"
    assert passed_on(value) == before


def size_of(ids: t.Iterable[str], *, tags: bool = False) -> int:
    state, chance = whole(), random.Random(1)
    for number, candidate_id in enumerate(ids):
        state.inventory[candidate_id] = replace(
            CURRENT,
            row=digest([number, "row"]),
            tags=digest(chance.randrange(8)) if tags and number % 3 == 0 else NEVER,
            extra=NEVER,
            details=digest([number, "details"]),
            history=digest([number, "history"]),
            answers=chance.choice([5, 8, 10]),
        )
    return len(json.dumps(state.dump()))


def test_the_state_is_small() -> None:
    numbers = sorted(random.Random(2).sample(range(10**6, 2 * 10**6), 10_000))
    assert size_of(map(str, numbers)) <= 24 * 10_000
    uuids = (str(uuid.UUID(int=random.Random(n).getrandbits(128))) for n in numbers)
    assert size_of(uuids, tags=True) <= 45 * 10_000


# What is merged


def merged(older: t.Any, newer: t.Any) -> t.Any:
    """Merge as Meltano does: objects item by item, all else whole."""
    if not (isinstance(older, dict) and isinstance(newer, dict)):
        return newer
    return {**older, **{k: merged(older.get(k), v) for k, v in newer.items()}}


def warehouse() -> Json:
    return {"format": 3, "held": [["100", 8], ["5", 2]]}


def test_any_state_over_any_other_is_the_newer_one() -> None:
    """Also over one from the warehouse, with which the newer one began."""
    made = [passed_on(make().dump()) for make in (State, died, whole)]
    for older, newer in itertools.product([*made, warehouse()], made):
        value = merged(older, newer)
        assert value == newer
        assert content(State.load(value)) == content(State.load(newer))


def test_a_state_from_the_warehouse_says_what_is_held_in_an_unknown_version() -> None:
    state = State.load({"format": 3, "held": [["100", 8], ["a-b", 0]]})
    unknown = Known((Held.STALE,) * 4, Presence.LISTED, *(plan.UNKNOWN_VALUE,) * 5)
    assert dict(state.inventory.items()) == {
        "100": replace(unknown, answers=8),
        "a-b": unknown,
    }
    assert (state.scope, state.part) == ("", None)


def test_a_state_from_the_warehouse_may_be_merged_over_a_full_one() -> None:
    """Of answers there may be as many as either says."""
    held = [["100", 1], ["5", 70_000]]
    value = merged(passed_on(whole().dump()), {"format": 3, "held": held})
    state = State.load(value)
    assert (state.reverified_until, state.part) == (AT, None)
    known = dict(state.inventory.items())
    for candidate_id, answers in (("100", 5), ("5", MOST_ANSWERS)):
        assert known[candidate_id].held == (Held.STALE,) * 4
        assert known[candidate_id].answers == answers
        assert known[candidate_id].history == plan.UNKNOWN_VALUE
    assert known["a-b"] == Known(presence=Presence.UNLISTED)


# Parts


def test_each_part_takes_its_own_candidates_from_the_warehouse() -> None:
    ids = [str(number) for number in range(100)]
    for part in (Part(1, 3), Part(2, 3), Part(3, 3)):
        state = State.load({"format": 3, "held": [[key, 1] for key in ids]})
        state.take_part(part)
        assert state.part == State.load(state.dump()).part == str(part)
        assert state.inventory.ids() == [*filter(part.has, ids)]


@pytest.mark.parametrize(
    ("stored", "part", "says"),
    [
        ("2/4", Part(1, 4), "of part 2/4, but setting part is 1/4."),
        ("2/4", ALL_PARTS, "of part 2/4, but setting part is not set."),
        ("", Part(1, 4), "of part 1/1, but setting part is 1/4."),
    ],
)
def test_the_state_of_another_part_is_rejected(
    stored: str, part: Part, says: str
) -> None:
    state = State.load({**whole().dump(), "part": stored})
    with pytest.raises(StateError) as caught:
        state.take_part(part)
    for words in (says, "Nothing was extracted.", "state from the warehouse"):
        assert words in str(caught.value)


@pytest.mark.parametrize("part", [ALL_PARTS, Part(2, 4)])
def test_the_state_of_the_same_part_is_taken_as_it_is(part: Part) -> None:
    state, fresh = State.load({**whole().dump(), "part": str(part)}), State()
    state.take_part(part)
    fresh.take_part(part)
    assert dict(state.inventory.items()) == dict(whole().inventory.items())
    assert fresh.part == str(part)


# What is rejected


def rejected(value: t.Any, says: str) -> None:
    with pytest.raises(StateError, match=says) as caught:
        State.load(value)
    assert "Nothing was extracted." in str(caught.value)
    assert "canary" not in str(caught.value)
    assert not caught.value.is_transient


def test_damage_of_the_columns_is_found() -> None:
    value, other = passed_on(whole().dump()), passed_on(died().dump())
    columns = value["candidates"]
    wrong = [{**columns, "row": columns["details"], "details": columns["row"]}]
    for name, text in columns.items():
        wrong.append({key: one for key, one in columns.items() if key != name})
        wrong.append({**columns, name: other["candidates"][name]})
        for place in range(len(text)):  # any character
            character = "0" if text[place] != "0" else "1"
            damaged = text[:place] + character + text[place + 1 :]
            wrong.append({**columns, name: damaged})
    for one in wrong:
        rejected({**value, "candidates": one}, "damaged")


WRONG: dict[str, tuple[t.Any, ...]] = {
    "format": (None, "3", 3.0, True, [], {}, 0, -1, 2),
    "candidates": (None, 5, "canary", ["canary"], {"ids": 5}, {"ids": None}),
    "checksum": (None, 5, "canary", ""),
    "scope": (None, 5, [], {}),
    "reverified_until": (None, 5, "canary", "2026-13-01T00:00:00+00:00", [], "0"),
    "columns": (None, "canary", {CANDIDATES: "canary"}, {CANDIDATES: [5]}),
    "part": (None, 5, "canary", "5/4", "0/1"),
    "tags": (None, "7", 7.5, -1, []),
    "held": (None, "canary", [5], [["1"]], [["1", -1]], [[1, 1]], [["1", 1, 1]]),
}


@pytest.mark.parametrize("key", WRONG)
def test_a_value_of_the_wrong_kind_is_damage(key: str) -> None:
    state = passed_on(whole().dump())
    for value in WRONG[key]:
        rejected({**state, key: value}, "damaged.*--full-refresh")


@pytest.mark.parametrize("value", ["canary", 5, [], [[]], True, {}, {"held": []}])
def test_what_is_not_a_state_under_the_key_is_damage(value: t.Any) -> None:
    rejected(value, "damaged")


def test_a_newer_format_is_rejected_by_its_number() -> None:
    says = r"newer version .*\(format 4; this version reads 3\).*Upgrade"
    rejected({"format": 4}, says)
    rejected({**whole().dump(), "format": 4}, says)


# What `--state` accepts


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"bookmarks": {}},
        {"bookmarks": {stream: {} for stream in LISTS}},
        {"bookmarks": {"tags": {"starting_replication_value": None}}},
        {KEY: {"format": 3}, "bookmarks": {"candidates": {}}},
        {KEY: {"format": 3}},
        {KEY: {"format": 3}, "type": "STATE", "other": 5},
    ],
)
def test_what_is_a_state_is_taken_as_it_is(value: Json) -> None:
    assert unwrap(value) == value
    assert unwrap({"singer_state": value}) == value


REJECTED: dict[str, tuple[t.Any, ...]] = {
    "it is not a JSON object. Nothing was extracted. Pass what the last run printed in "
    "its last STATE message, or what `meltano state get` prints; without a state, pass "
    "no --state, or {}.": (None, "x", [{}], {"singer_state": None}),
    "its bookmarks are malformed.": (
        *({"bookmarks": None}, {"bookmarks": []}, {"bookmarks": {"tags": 5}}),
        {KEY: {}, "bookmarks": 5},
    ),
    "damaged": ({KEY: None}, {KEY: [], "bookmarks": {}}),
    "it is a whole STATE message; its field `value` is the state.": (
        {"type": "STATE", "value": {}},
    ),
    "it lacks the key tap_toggl_hire.": (
        *({"other": {}}, {"singer_state": {}, "other": {}}),
        *({"bookmarks": {"candidates": {}}}, {"bookmarks": {}, "other": {}}),
        {"bookmarks": {"tags": {}, "candidate_details": {}}},
    ),
    "a version before 0.3.": ({"bookmarks": {"candidates": {"digests": {}}}},),
}


@pytest.mark.parametrize("says", REJECTED)
def test_anything_else_is_rejected(says: str) -> None:
    for value in REJECTED[says]:
        with pytest.raises(StateError, match=re.escape(says)) as caught:
            unwrap(value)
        assert "Nothing was extracted." in str(caught.value)
        is_old = says == "a version before 0.3."
        assert ("make a state from the warehouse" in str(caught.value)) >= is_old
