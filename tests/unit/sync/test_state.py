"""The state: it comes back whole, is refused where it is damaged, and merges."""

from __future__ import annotations

import base64
import itertools
import json
import tracemalloc
import typing as t
import zlib
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_toggl_hire.errors import StateError
from tap_toggl_hire.sync import state as state_module
from tap_toggl_hire.sync.inventory import MOST_ANSWERS
from tap_toggl_hire.sync.plan import STREAMS, Held, Known, Presence
from tap_toggl_hire.sync.rotation import Turn
from tap_toggl_hire.sync.scope import Part, Scope
from tap_toggl_hire.sync.state import State

Json = dict[str, t.Any]

OLD = {
    path.stem: json.loads(path.read_text("utf-8"))["bookmarks"]["candidates"]["digests"]
    for path in sorted((Path(__file__).parent / "states").glob("*.json"))
}
"""States of format 1, written by the last version of the tap that wrote it."""

AT = datetime(2026, 1, 31, 10, 20, 30, 123456, tzinfo=UTC)
EMAIL = "zoe@example.com"
NARROW = Scope.of(
    start_date="2026-01-01T00:00:00+00:00",
    job_opening_ids=["1", "2"],
    filters={"email": EMAIL, "min_score": "40"},
)


def whole() -> State:
    """A state with something under each key."""
    state = State()
    state.inventory["100"] = Known(
        (Held.CURRENT,) * 4, Presence.LISTED, 1, 2, 3, 4, answers=5, verified=True
    )
    state.inventory["a-b"] = Known(presence=Presence.MISSED_ONCE)
    state.last_scope = NARROW
    state.scopes = [Scope(), Scope.of(job_opening_ids=["3"])]
    state.page_size = "100"
    state.anchors = ["100", "a-b"]
    state.turn = Turn(AT, 0.625, (3600, 7200), AT)
    state.columns = {"candidates": ["01234567"], "candidate_answers": ["89abcdef"]}
    state.load_version = 1_700_000_000_000
    state.workspace = ["s01234567", "i89abcdef"]
    state.part = "2/4"
    state.tags = 7
    return state


def died() -> State:
    """What a first load leaves that died."""
    state = State()
    state.inventory["7"] = Known((Held.PENDING,) * 4, answers=3)
    state.scopes = [Scope()]
    state.load_version = 1_800_000_000_000
    return state


def content(state: State) -> Json:
    """All that a state says."""
    return {
        **vars(state),
        "inventory": dict(state.inventory.items()),
        "columns": {name: state.columns.get(name, []) for name in STREAMS},
    }


def passed_on(value: Json) -> Json:
    """The state, as targets and orchestrators pass it on."""
    # Targets on the Singer SDK cannot pass on a state with a float in it.
    passed: Json = json.loads(json.dumps(value), parse_float=pytest.fail)
    return passed


@pytest.mark.parametrize("made", [State, died, whole])
def test_everything_comes_back(made: t.Callable[[], State]) -> None:
    value = passed_on(made().dump())
    loaded = State.load(value)
    assert content(loaded) == content(made())
    assert passed_on(loaded.dump()) == value
    assert value["format"] == state_module.FORMAT == 2


def test_without_a_state_everything_is_to_be_read() -> None:
    fresh = State.load(None)
    assert content(fresh) == content(State())
    assert fresh.is_new
    assert not whole().is_new
    assert not died().is_new
    of_none = State.load({**State().dump(), "scope": [{}]})
    assert not of_none.is_new  # a complete run that found no candidates


def test_a_new_state_says_nothing() -> None:
    value = State().dump()
    assert {name for name, said in value.items() if said} == {
        *("format", "rotation", "columns")  # which name what they say nothing of
    }
    assert not any(value["columns"].values())
    assert Turn.load(value["rotation"]) == Turn()


def test_nothing_personal_is_in_it() -> None:
    assert "zoe" not in json.dumps(whole().dump())


def test_a_state_that_was_dumped_does_not_change_any_more() -> None:
    state = whole()
    value = state.dump()
    before = passed_on(value)
    state.inventory["100"] = None
    state.columns["candidates"] = ["76543210"]
    state.turn = Turn()
    state.last_scope = None
    assert passed_on(value) == before


def test_a_part_keeps_its_own_candidates() -> None:
    """A state from the warehouse names those of all parts."""
    ids = [str(number) for number in range(100)]
    parts = [Part(number, 3) for number in (1, 2, 3)]
    kept = []
    for part in parts:
        state = State.load({"format": 2, "held": [[key, 1] for key in ids]})
        state.keep_part(part)
        assert state.part == str(part)
        kept.append({key for key, _ in state.inventory.items()})
        assert all(map(part.has, kept[-1]))
    assert set.union(*kept) == set(ids)
    assert sum(map(len, kept)) == len(ids)


# From the warehouse


def test_a_state_from_the_warehouse_says_what_is_held() -> None:
    state = State.load({"format": 2, "held": [["100", 8], ["a-b", 0]]})
    held = (Held.STALE,) * len(STREAMS)
    assert dict(state.inventory.items()) == {
        "100": Known(held, Presence.LISTED, answers=8),
        "a-b": Known(held, Presence.LISTED, answers=0),
    }
    assert state.last_scope is None
    assert state.part is None
    assert not state.is_new
    assert not state.is_upgraded
    assert state.dump()["held"] == []


def test_the_warehouse_counts_more_than_a_state_that_it_is_merged_onto() -> None:
    """Whoever it names is asked for; of answers there may be as many as either says."""
    merged = {**whole().dump(), "held": [["100", 1], ["5", 70_000]]}
    state = State.load(passed_on(merged))
    before = whole().inventory.get("100")
    assert before is not None
    held = (Held.STALE,) * len(STREAMS)
    assert before.answers > 1
    assert dict(state.inventory.items()) == {
        **dict(whole().inventory.items()),
        "100": Known(held, Presence.LISTED, answers=before.answers),
        "5": Known(held, Presence.LISTED, answers=MOST_ANSWERS),
    }


# What is refused

CANARY = "zoe"
NO_FILTERS: tuple[t.Any, ...] = (
    *(5, None, {}),
    *(CANARY, "[]", '{"a":1}', '{"a"', "0"),
)
NO_CURSORS: tuple[t.Any, ...] = (None, "x", "nan", "inf", "-1", "2", [], 0.5)
SCOPES: tuple[t.Any, ...] = (
    *(None, CANARY, [None], [CANARY], [[]]),
    *([{"start_date": date}] for date in (5, None, "then", "2026-01-01T00:00:00")),
    *([{"job_opening_ids": ids}] for ids in (None, "1", [1], [None], {"a": 1})),
    *([{"filters": filters}] for filters in NO_FILTERS),
)
DAMAGED: dict[str, tuple[t.Any, ...]] = {
    "format": (None, "2", 2.0, True, [], {}, 0, -1),
    "inventory": (None, 5, CANARY, {}, [CANARY], [5], [None], ["A" * 40], [[]]),
    "scope": SCOPES,
    "scopes": SCOPES,
    "page_size": (None, 5, [], {}),
    "list_anchors": (None, CANARY, {}, {"100": ["1"]}, [5], [None], [[]]),
    "rotation": (
        *(None, CANARY, [], 5, {"at": "x"}),
        {**Turn(AT).dump(), "cursor": "nan"},
        {**Turn(AT).dump(), "at": "2026-01-31T10:20:30"},
    ),
    "columns": (None, [], CANARY, {"candidates": CANARY}, {"candidates": [5]}),
    "load_version": (None, "5", 1.5, [], {}),
    "workspace": (None, {}, CANARY, [5], [None]),
    "part": (None, 5, [], {}, CANARY, "0/4", "5/4", "1/1000"),
    "tags": (None, "5", 1.5, []),
    "held": (
        *(None, {}, CANARY, ["1"], [["1"]], [["1", "5"]], [["1", None]], [[1, 5]]),
        *([["1", 5, 6]], [["1", -1]]),
    ),
}


@pytest.mark.parametrize(
    "value",
    [
        *("", "text", 5, 0, False, True, [], {}, {"inventory": []}),
        *(
            {**whole().dump(), name: wrong}
            for name, values in DAMAGED.items()
            for wrong in values
        ),
        {name: value for name, value in whole().dump().items() if name != "format"},
    ],
    ids=lambda value: str(value)[-60:],
)
def test_what_is_no_state_is_damaged(value: t.Any) -> None:
    with pytest.raises(StateError) as caught:
        State.load(value)
    assert str(caught.value) == state_module.DAMAGED


def test_every_key_is_tried() -> None:
    assert DAMAGED.keys() == whole().dump().keys()


def nested(depth: int) -> t.Any:
    value: t.Any = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("name", [name for name in DAMAGED if name != "format"])
def test_what_is_nested_without_end_is_damaged(name: str) -> None:
    for value in (nested(100_000), {"a": nested(100_000)}):
        with pytest.raises(StateError, match="damaged"):
            State.load({**whole().dump(), name: value})


def test_a_newer_format_is_refused_by_name() -> None:
    for newer in (3, 10**30):
        with pytest.raises(StateError, match=rf"newer .*format {newer};.* state\.$"):
            State.load({**whole().dump(), "format": newer})


def test_what_a_later_version_may_add_is_left_alone() -> None:
    loaded = State.load({**whole().dump(), "later": {"a": None}})
    assert content(loaded) == content(whole())


# Format 1


def test_a_whole_state_of_format_1_is_read() -> None:
    state = State.load(OLD["complete"])
    current, stale = Held.CURRENT, Held.STALE
    assert dict(state.inventory.items()) == {
        "100": Known(
            (current,) * 4,
            Presence.LISTED,
            *(577090037, 2444712010, 0, 3639700191, 8),
        ),
        "7": Known(
            (stale, current, current, stale),
            Presence.UNLISTED,
            *(3445702192, 3280387012, 0, 271041745, 0),
            verified=True,
        ),
        # Where the id is no number, 18 bits of each digest are kept.
        "007": Known(
            (Held.PENDING,) * 4,
            Presence.OUT_OF_SCOPE,
            *(1095513148 & 0x3FFFF, 506456969 & 0x3FFFF, 0, 2127877499 & 0x3FFFF, 127),
        ),
        "a-b": Known(
            (Held.NOTHING,) * 4,
            Presence.DELETED,
            *(3268308804 & 0x3FFFF, 1930549411 & 0x3FFFF, 0, 2028277857 & 0x3FFFF),
            answers=128,
            verified=True,
        ),
        "123456789012345678901234": Known(
            (stale, Held.NOTHING, Held.NOTHING, current),
            Presence.MISSED_ONCE,
            *(2798570523 & 0x3FFFF, 1630434966 & 0x3FFFF, 0, 3387541014 & 0x3FFFF),
            answers=65535,
        ),
        "123e4567-e89b-12d3-a456-426614174000": Known(
            (current, current, current, Held.NOTHING),
            Presence.LISTED,
            *(901749037 & 0x3FFFF, 403123852 & 0x3FFFF, 0, 2095328386 & 0x3FFFF),
            answers=MOST_ANSWERS,  # it had 70,000
            verified=True,
        ),
    }
    assert state.turn == Turn(
        AT, 0.625, (3600, 7200), datetime(2026, 1, 20, tzinfo=UTC)
    )
    assert state.last_scope is not None
    assert state.last_scope.start_date == "2026-01-01T00:00:00+00:00"
    assert state.last_scope.job_opening_ids == ("1", "2")
    assert state.last_scope.readable_filters is None  # an e-mail address was one
    assert state.scopes == [Scope()]
    assert (state.page_size, state.anchors) == ("100", ["100", "7"])
    assert state.is_upgraded
    assert not state.is_new


def test_a_scope_of_format_1_is_the_same_scope_today() -> None:
    old = deepcopy(OLD["complete"])
    old["selections"] = [
        {
            "start_date": None,
            "job_opening_ids": ["1"],
            "filters": '{"max_score":"90","min_score":"40"}',
        }
    ]
    filters = {"min_score": "40", "max_score": "90"}
    expected = Scope.of(job_opening_ids=["1"], filters=filters)
    assert State.load(old).last_scope == expected


def test_a_first_load_of_format_1_that_died_is_complete_in_no_scope() -> None:
    state = State.load(OLD["died"])
    assert state.last_scope is None
    assert state.scopes == [Scope()]
    assert state.turn == Turn()
    known = state.inventory.get("100")
    assert known is not None
    assert known.presence is Presence.OUT_OF_SCOPE
    assert known.held == (Held.CURRENT,) * 4
    fresh = State.load(OLD["empty"])
    assert fresh.is_new
    assert content(fresh) == {**content(State()), "is_upgraded": True}


@pytest.mark.parametrize("name", OLD)
def test_what_is_upgraded_is_written_in_the_new_format(name: str) -> None:
    upgraded = State.load(OLD[name])
    again = State.load(passed_on(upgraded.dump()))
    assert content(again) == {**content(upgraded), "is_upgraded": False}


OLD_SCOPES: tuple[t.Any, ...] = (
    *(None, CANARY, [None], [{"filters": 5}], [{"start_date": "then"}]),
    *([{"filters": one}] for one in (CANARY, "[]", '{"a":1}')),
)
OLD_DAMAGED: dict[str, tuple[t.Any, ...]] = {
    "format": (None, "1", 1.0, True),
    "book": (None, 5, "", CANARY, "====", "A" * 40, [], {}, "\ud800"),
    "selections": OLD_SCOPES,
    "anchors": (None, [], {"100": "1"}, {"100": [1]}, {"100": None}),
    "verified": (
        *(CANARY, {}, [], {"at": AT.isoformat()}),
        *({**OLD["complete"]["verified"], "cursor": cursor} for cursor in NO_CURSORS),
        *(
            {**OLD["complete"]["verified"], name: one}
            for name in ("at", "since")
            for one in ("then", "2026-01-31T10:20:30", 5)
        ),
        *(
            {**OLD["complete"]["verified"], "pauses": one}
            for one in (None, [1], [1, 2, 3], [1.5, 2], "x")
        ),
    ),
}


@pytest.mark.parametrize(
    "value",
    [
        *(
            {**OLD["complete"], name: wrong}
            for name, values in OLD_DAMAGED.items()
            for wrong in values
        ),
        *(
            {key: value for key, value in OLD["complete"].items() if key != name}
            for name in ("format", "book", "selections", "anchors")
        ),
    ],
    ids=lambda value: str(value)[-60:],
)
def test_what_is_no_state_of_format_1_is_damaged(value: t.Any) -> None:
    with pytest.raises(StateError) as caught:
        State.load(value)
    assert str(caught.value) == state_module.DAMAGED


def test_a_count_that_no_columns_bear_out_takes_no_memory() -> None:
    columns = b"\xff\xff\xff\x7f" + bytes(1 << 20)  # 268 million ids
    book = base64.b64encode(zlib.compress(columns)).decode()
    tracemalloc.start()
    with pytest.raises(StateError, match="damaged"):
        State.load({**OLD["empty"], "book": book})
    assert tracemalloc.get_traced_memory()[1] < 10 << 20
    tracemalloc.stop()


# Merged in depth, as Meltano does: `meltano run` after a run that died, `state merge`


def merge(src: Json, dest: Json) -> Json:
    """Merge two states as Meltano does (tests/pipeline does it with Meltano)."""
    for key, value in src.items():
        if isinstance(value, dict):
            merge(value, dest.setdefault(key, {}))
        else:
            dest[key] = value
    return dest


NEW = {
    "fresh": State().dump(),
    "died": died().dump(),
    "whole": whole().dump(),
    "warehouse": {"format": 2, "held": [["100", 8], ["5", 0]]},
    **{f"upgraded {name}": State.load(old).dump() for name, old in OLD.items()},
}
ALL = {**NEW, **{f"old {name}": old for name, old in OLD.items()}}


def ids_of(value: Json) -> set[str]:
    return {key for key, _ in State.load(passed_on(value)).inventory.items()}


@pytest.mark.parametrize(
    ("later", "earlier"),
    [
        (later, earlier)
        for later, earlier in itertools.product(ALL, ALL)
        # The old format could not be merged with itself: that is why there is a new.
        if not (later.startswith("old") and earlier.startswith("old"))
    ],
)
def test_a_state_merges_onto_every_other(later: str, earlier: str) -> None:
    merged = merge(deepcopy(ALL[later]), deepcopy(ALL[earlier]))
    state = State.load(passed_on(merged))
    if later == "warehouse":
        assert {key for key, _ in state.inventory.items()} >= {"100", "5"}
        return
    assert content(state) == content(State.load(ALL[later]))


@given(st.lists(st.sampled_from(sorted(NEW)), min_size=1, max_size=6))
def test_states_merge_one_after_the_other(names: list[str]) -> None:
    merged: Json = {}
    for name in names:
        merged = merge(deepcopy(NEW[name]), merged)
    state = State.load(passed_on(merged))
    written = [name for name in names if name != "warehouse"]
    if names[-1] != "warehouse":
        assert content(state) == content(State.load(NEW[written[-1]]))


def test_no_key_is_null_here_and_an_object_or_a_list_there() -> None:
    def kinds(value: t.Any, path: str = "") -> t.Iterator[tuple[str, type]]:
        yield path, type(value)
        if isinstance(value, dict):
            for name, item in value.items():
                yield from kinds(item, f"{path}.{name}")

    found: dict[str, set[type]] = {}
    for value in NEW.values():
        for path, kind in kinds(value):
            found.setdefault(path, set()).add(kind)
    assert all(len(types) == 1 for types in found.values()), found
    assert not any(type(None) in types for types in found.values())
