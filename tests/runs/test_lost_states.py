"""States that are lost, old, merged or made from the warehouse."""

from __future__ import annotations

import itertools
import json
import typing as t
from pathlib import Path

import pytest

from sandbox import Account, Fault
from tap_toggl_hire.errors import TapError
from tap_toggl_hire.sync.state import State
from tests.runs.pipelines import (
    ANSWERS,
    CANDIDATES,
    DETAILS,
    FAMILY,
    UPSERTED,
    Outcome,
    Pipeline,
    copied,
    pipeline,
)

Json = dict[str, t.Any]

FORMAT_1 = sorted(Path(__file__).parents[1].glob("unit/sync/states/*.json"))
"""States of version 0.1."""


def account(candidates: int = 16) -> Account:
    return Account.example(candidates=candidates, openings=2, tags=2, questions=2)


def rate(account: Account, one: str) -> None:
    account.rate(one, (account.row(one)["rating"] + 1) % 4)


# Lost


def test_a_tombstone_whose_state_is_lost_and_the_candidate_is_restored() -> None:
    """The target committed the tombstone, and never saw the state behind it."""
    with pipeline(account()) as line:
        line.run()
        one = line.account.listed_ids()[3]
        detail = line.account.detail(one)
        line.account.delete(one)
        outcome = line.attempt(slow=True).good()
        assert outcome.buried(DETAILS) == [one]
        places = [n for n, m in enumerate(outcome.messages) if m["type"] == "STATE"]
        line.load(outcome.messages[: places[-1]])
        assert one in line.target.deleted(DETAILS)
        line.restore(detail)
        again = line.run()
        assert again.details == [one]
        for stream in UPSERTED:
            assert again.emitted(stream) == [one]
        line.assert_true()
        assert not line.run().details


@pytest.mark.parametrize("share", [0.0, 0.4, 0.8])
def test_a_load_without_a_state_marks_who_was_deleted_meanwhile(share: float) -> None:
    """However many runs that died it takes."""
    with pipeline(account()) as line:
        line.run()
        gone = line.account.listed_ids()[:2]
        for one in gone:
            line.account.delete(one)
        line.target.state = {}
        load = line.attempt(slow=True).good()
        line.load(load.messages[: int(share * len(load.messages))])
        line.target.state = line.target.state or {}
        rate(line.account, line.account.listed_ids()[0])
        last = line.run()
        assert set(UPSERTED) < set(last.activated)
        line.assert_true()
        for stream in (CANDIDATES, DETAILS):
            assert set(line.target.deleted(stream)) == set(gone)
        assert not set(line.run().activated) & set(FAMILY)
        line.assert_true()


NARROW: Json = {"candidate_filters": {"max_rating": 3}}


@pytest.mark.parametrize("case", ["narrowed", "fails", "one is not listed"])
def test_a_load_that_is_not_whole_marks_nobody(case: str) -> None:
    with pipeline(account()) as line:
        line.run()
        gone, archived, bad, *_ = line.account.listed_ids()
        line.account.delete(gone)
        line.target.state = {}
        if case == "one is not listed":
            # It is known by the time the load is resumed.
            load = line.attempt(slow=True).good()
            line.load(load.messages[:-2])
            line.account.archive(archived)
        if case == "fails":
            line.sandbox.faults = [
                Fault("status", match=lambda r: r.route.item_id == bad)
            ]
        outcome = line.attempt(**(NARROW if case == "narrowed" else {}))
        assert (outcome.error is not None) is (case == "fails")
        assert not set(outcome.activated) & set(FAMILY)


# Made from the warehouse


def of_the_warehouse(line: Pipeline) -> Json:
    """A state that says which ids are held, and how many rows of answers of each."""
    rows = line.target.tables
    held = [
        [key, sum(row["candidate_id"] == key for row in rows[ANSWERS].values())]
        for key in rows[CANDIDATES]
    ]
    return {"bookmarks": {"candidates": {"digests": {"format": 2, "held": held}}}}


def test_a_state_from_the_warehouse_finds_who_was_deleted_meanwhile() -> None:
    with pipeline(account(), emit_activate_version_messages=False) as line:
        line.run()
        ids = line.account.listed_ids()
        gone = ids[:2]
        for one in gone:
            line.account.delete(one)
        line.target.state = of_the_warehouse(line)
        outcome = line.run()
        assert sorted(outcome.details) == sorted(ids)
        for stream in UPSERTED:
            assert sorted(outcome.buried(stream)) == sorted(gone)
        line.assert_true()
        for one in gone:
            assert line.target.tables[CANDIDATES][one]["email"] is None
        assert not line.run().details


def test_the_guard_holds_with_a_state_from_the_warehouse() -> None:
    with pipeline(account(50), emit_activate_version_messages=False) as line:
        line.run()
        state = of_the_warehouse(line)
        for one in line.account.listed_ids()[:30]:
            line.account.delete(one)
        outcome = line.attempt(state=state)
        assert isinstance(outcome.error, TapError)
        assert not any(outcome.tombstones(stream) for stream in UPSERTED)


# Merged


def merged(base: t.Any, over: t.Any) -> t.Any:
    """One state on top of another, as Meltano merges them: dicts in depth alone."""
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return copied({"": over})[""]  # type: ignore[index]
    return base | {
        name: merged(base[name], value) if name in base else value
        for name, value in over.items()
    }


def kinds(value: t.Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    """The kind of value at each path of objects."""
    if not isinstance(value, dict):
        return {path: {True: "list", False: "plain"}[isinstance(value, list)]}
    found = {path: "object"}
    for name, item in value.items():
        found |= kinds(item, (*path, name))
    return found


def histories(line: Pipeline) -> list[list[Json]]:
    """The states of several runs, each of which died, failed or ended well."""
    runs: list[Outcome] = [line.attempt(slow=True).good()]
    line.load(runs[0].messages[: len(runs[0].messages) // 2])
    runs.append(line.attempt(slow=True).good())
    line.load(runs[1].messages)
    one, other, gone, *_ = line.account.listed_ids()
    rate(line.account, one)
    line.account.delete(gone)
    runs.append(line.attempt(slow=True, **NARROW).good())
    line.load(runs[2].messages)
    rate(line.account, other)
    line.sandbox.faults = [
        Fault("status", match=lambda r: r.route.item_id == one, times=20)
    ]
    rate(line.account, one)
    runs.append(line.attempt(slow=True))
    line.load(runs[3].messages)
    line.sandbox.faults = []
    runs.append(line.attempt(select=[CANDIDATES]).good())
    line.load(runs[4].messages)
    runs.append(line.attempt(state={}, slow=True).good())  # a full refresh
    return [run.states for run in runs]


def test_no_key_has_values_of_two_types_and_none_is_null() -> None:
    with pipeline(account(), page_size=1) as line:
        states = [state for states in histories(line) for state in states]
        found: dict[tuple[str, ...], set[str]] = {}
        for state in states:
            assert ": null" not in json.dumps(state)
            for path, kind in kinds(state).items():
                found.setdefault(path, set()).add(kind)
        assert {path: kind for path, kind in found.items() if len(kind) > 1} == {}


def test_any_state_merged_onto_any_other_is_as_good_as_written_whole() -> None:
    with pipeline(account(), page_size=1) as line:
        runs = histories(line)
        states = [s for states in runs for s in (*states[:2], *states[-2:])]
        old = [json.loads(path.read_text()) for path in FORMAT_1]
        pairs = [
            *itertools.product([*states, *old], states),
            *itertools.product(states, old),
        ]
        for base, over in pairs:
            whole, said = (digests(state) for state in (merged(base, over), over))
            assert State.load(whole).dump() == State.load(said).dump()


def test_a_run_goes_on_with_states_that_were_merged() -> None:
    """A load that dies, full refreshes, runs: as `meltano run` keeps the state."""
    runs = ((False, True), (True, True), (True, False), (False, True), (True, True))
    with pipeline(account()) as line:
        kept: Json = {}
        for number, (is_refresh, dies) in enumerate(runs):
            state = {} if is_refresh else kept
            messages = line.attempt(state=state, slow=True).good().messages
            if dies:
                messages = messages[: len(messages) // 2]
            line.load(messages)
            for message in messages:
                if message["type"] == "STATE":
                    kept = merged(kept, message["value"])
            rate(line.account, line.account.listed_ids()[number])
        gone = line.account.listed_ids()[-1]
        line.account.delete(gone)
        line.target.state = kept
        line.run()
        line.assert_true()
        assert not line.run().details


def test_a_state_from_the_warehouse_that_is_merged_onto_another() -> None:
    with pipeline(account(), emit_activate_version_messages=False) as line:
        line.run()
        archived, gone, *_ = line.account.listed_ids()
        line.account.archive(archived)
        for _ in range(3):
            line.run()  # by now it is not asked for
        line.account.delete(gone)
        line.account.delete(archived)
        line.target.state = merged(line.target.state, of_the_warehouse(line))
        outcome = line.run()
        assert len(outcome.details) == 16
        assert sorted(outcome.buried(DETAILS)) == sorted([archived, gone])
        line.assert_true()


def digests(state: Json) -> Json:
    found: Json = state["bookmarks"][CANDIDATES]["digests"]
    return found
