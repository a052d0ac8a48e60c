"""Whole runs over candidates, as values: the API, the target and the state in memory.

A cut at every point is a law here: of whatever a run emitted, and the last state that
it saved, the next run makes the truth.
"""

from __future__ import annotations

import itertools
import json
import logging
import random
import typing as t
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tap_toggl_hire.bases import SCHEMAS
from tap_toggl_hire.errors import NotServedError, TapError
from tap_toggl_hire.progress import Progress
from tap_toggl_hire.records import conformer
from tap_toggl_hire.sync import guard
from tap_toggl_hire.sync.absence import settle_scope
from tap_toggl_hire.sync.counts import Counts
from tap_toggl_hire.sync.engine import MOST_NOT_SERVED, UNREADABLE, Engine
from tap_toggl_hire.sync.finder import Finder, Source
from tap_toggl_hire.sync.observation import Change, Observer
from tap_toggl_hire.sync.plan import (
    ANSWERS,
    CANDIDATES,
    DETAILS,
    FROM_DETAILS,
    HISTORY,
    STREAMS,
    Known,
    Presence,
    Run,
)
from tap_toggl_hire.sync.rotation import Rotation, Turn
from tap_toggl_hire.sync.scope import Scope, widest
from tap_toggl_hire.sync.state import State
from tap_toggl_hire.sync.stretch import CANDIDATES as STRETCH
from tap_toggl_hire.sync.stretch import Stretch
from tap_toggl_hire.sync.sweep import Sweep
from tap_toggl_hire.sync.tags import TagLists
from tests.support.memory import InlineWorkers, MemoryApi, candidate, row_of

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tap_toggl_hire.records import Record

Json = dict[str, t.Any]

ALL = frozenset(STREAMS)
NOW = datetime(2026, 2, 1, tzinfo=UTC)


def report(field: str, trouble: str) -> None:
    del field, trouble


TO_ROW, TO_DETAILS = (
    t.cast(
        "Callable[[Json], Record]",
        conformer(SCHEMAS.get_schema(name), report),
    )
    for name in (CANDIDATES, DETAILS)
)


class Cut(BaseException):
    """The run is killed."""


class Target:
    """What the target holds, and the last state that it saw; records are upserted.

    Attributes:
        tables: By stream, then by key: rows; None for one that is a tombstone.
        state: As JSON values; None before the first.
        steps: How many steps (a record, a state) until the run is killed.
    """

    def __init__(self) -> None:
        self.tables: dict[str, dict[t.Any, t.Any]] = {name: {} for name in STREAMS}
        self.events: list[tuple[str, str | None]] = []
        self.state: Json | None = None
        self.known = State()
        self.steps = -1
        self.states = 0
        self.emitted: list[tuple[str, str]] = []
        self.written = 0

    def step(self) -> None:
        if self.steps == 0:
            raise Cut
        self.steps -= 1

    def put(self, stream: str, key: t.Any, row: t.Any) -> None:
        self.step()
        self.tables[stream][key] = row
        self.written += 100

    def emit(self, change: Change, streams: frozenset[str]) -> None:
        self.emitted += [(stream, change.id) for stream in sorted(streams)]
        for stream in STREAMS:
            if stream not in streams:
                continue
            if stream == HISTORY:
                self.step()
                self.events.append((change.id, change.event))
                tags = None if change.event == "deleted" else change.tags
                row = change.row and (change.row["rating"], tags)
                self.tables[HISTORY][change.id] = row
            elif stream == ANSWERS:
                shown = (change.details or {}).get("questions") or ()
                for position, question in enumerate(shown):
                    self.put(ANSWERS, (change.id, position), question["id"])
                for position in range(len(shown), change.answers_held):
                    self.put(ANSWERS, (change.id, position), None)
            else:
                row = change.row if stream == CANDIDATES else change.details
                self.put(stream, change.id, row)

    def save(self) -> None:
        self.step()
        self.states += 1
        self.state = json.loads(json.dumps(self.known.dump()))

    def alive(self, stream: str) -> dict[t.Any, t.Any]:
        return {key: row for key, row in self.tables[stream].items() if row is not None}


class Sync:
    """Runs of the engine, one after the other, on one API and one target."""

    def __init__(self, api: MemoryApi) -> None:
        self.api = api
        self.target = Target()
        self.workers = InlineWorkers()
        self.now = NOW
        self.days = 0
        self.page_size = 3
        self.warnings: list[str] = []
        self.engine: Engine | None = None

    def warn(self, message: str, *args: object) -> None:
        self.warnings.append(message % args)

    def run(
        self,
        selected: frozenset[str] = ALL,
        *,
        scope: Scope | None = None,
        full_table: frozenset[str] = frozenset(),
        cut: int = -1,
    ) -> Counts:
        """Run once from the state that was saved last, as the tap does."""
        scope = scope or Scope()
        target = self.target
        target.steps, target.emitted, self.warnings = cut, [], []
        target.known = state = State.load(deepcopy(target.state))
        earlier = [*filter(None, [state.last_scope]), *state.scopes]
        run = Run(
            selected,
            full_table,
            scope.relation(state.last_scope),
            covers_all=all(map(scope.covers, state.scopes)),
        )
        state.scopes = widest(state.last_scope, [*state.scopes, scope])
        source = self._source(state, scope)
        rotation = Rotation(state.turn, self.now, self.days)
        observer = Observer(TO_ROW, TO_DETAILS, privacy="", compares_extra=True)
        progress = Progress(logging.getLogger("engine"), clock=lambda: 0.0)
        shared: Json = {
            "inventory": state.inventory,
            "observer": observer,
            "progress": progress,
            "report": self.warn,
        }
        finder = Finder(source=source, run=run, rotation=rotation, **shared)
        self.engine = engine = Engine(
            finder=finder, sink=target, stretch=Stretch(lambda: 0.0), **shared
        )
        failures: list[TapError] = []
        try:
            engine.run()
            if source.sweep.is_complete:
                self._settle(state, engine, run, source, rotation)
                state.last_scope, state.scopes = scope, widest(scope, earlier)
                failures += engine.not_served
            else:
                short = guard.short_list(len(source.sweep.seen), source.sweep.total)
                failures.append(short)
        except TapError as error:
            failures.append(error)
        target.save()
        for failure in failures:
            raise failure
        return engine.counts

    def _source(self, state: State, scope: Scope) -> Source:
        workers: t.Any = self.workers
        api: t.Any = self.api
        sweep = Sweep(
            api,
            workers,
            state.inventory.ids,
            page_size=self.page_size,
            scope=scope,
            filters={},
            last=state.last_scope,
        )
        tags = TagLists(api, workers, sweep.shared_params, known=state.tags)
        tags.ask()
        sweep.ask(())
        tags.read()
        return Source(api, workers, sweep, tags)

    @staticmethod
    def _settle(
        state: State, engine: Engine, run: Run, source: Source, rotation: Rotation
    ) -> None:
        state.turn = rotation.finished()
        state.tags = len(source.tags)

        def settle(candidate_id: str, known: Known) -> Known:
            known = settle_scope(known, run, seen=candidate_id in source.sweep.seen)
            return replace(known, verified=False)

        engine.rewrite(settle)

    def check(self, selected: frozenset[str] = ALL) -> None:
        """See that the target holds what the API holds, but for those it hides."""
        hidden = self.api.hidden
        shown = {k: one for k, one in self.api.candidates.items() if k not in hidden}
        expected: dict[str, dict[t.Any, t.Any]] = {
            CANDIDATES: {
                key: {**TO_ROW(row_of(one)), "id": key} for key, one in shown.items()
            },
            DETAILS: {key: TO_DETAILS(one) for key, one in shown.items()},
            ANSWERS: {
                (key, place): str(question["id"])
                for key, one in shown.items()
                for place, question in enumerate(one["questions"])
            },
            HISTORY: {
                key: (one["rating"], tuple(sorted(one["tag_ids"])))
                for key, one in shown.items()
            },
        }
        for stream in selected:
            held = {
                key: row
                for key, row in self.target.alive(stream).items()
                if (key[0] if stream == ANSWERS else key) not in hidden
            }
            assert held == expected[stream], stream

    def known(self, number: int) -> Known:
        known = State.load(self.target.state).inventory.get(str(number))
        assert known is not None
        return known


def sync(count: int = 5) -> Sync:
    return Sync(MemoryApi(candidate(number) for number in range(1, count + 1)))


def test_a_first_run_brings_everything_and_a_second_nothing() -> None:
    one = sync()
    counts = one.run()
    one.check()
    assert counts == Counts(listed=5, created=5, details=5)
    assert one.target.events == [(str(n), "created") for n in range(1, 6)]
    one.api.asked.clear()
    assert one.run() == Counts(listed=5)
    assert not one.target.emitted
    assert one.api.asked["candidate"] == 0
    one.check()


def test_what_changes_is_emitted_in_the_streams_that_show_it() -> None:
    one = sync()
    one.run()
    one.api.candidates["2"]["rating"] = 3
    one.api.candidates["3"]["name"] = "Another Name"
    assert one.run() == Counts(listed=5, updated=2, details=2)
    assert set(one.target.emitted) == {
        *((stream, "2") for stream in STREAMS),
        *((stream, "3") for stream in ALL - {HISTORY}),
    }
    one.check()


def test_answers_that_are_no_more_get_tombstones() -> None:
    one = sync(2)
    one.api.candidates["1"]["questions"] = [{"id": n} for n in range(4)]
    one.run()
    one.api.candidates["1"].update(questions=[{"id": 0}], rating=1)
    one.run()
    one.check()
    assert one.target.tables[ANSWERS]["1", 3] is None
    assert one.known(1).answers == 1


def test_who_is_gone_gets_tombstones() -> None:
    one = sync()
    one.run()
    del one.api.candidates["4"]
    assert one.run() == Counts(listed=4, deleted=1)
    one.check()
    assert one.target.events[-1] == ("4", "deleted")
    assert State.load(one.target.state).inventory.get("4") is None
    assert one.run() == Counts(listed=4)


def test_a_deletion_is_told_in_each_stream_once_it_is_selected() -> None:
    one = sync()
    one.run()
    del one.api.candidates["4"]
    one.run(frozenset({CANDIDATES}))
    one.check(frozenset({CANDIDATES}))
    assert one.known(4).presence is Presence.DELETED
    one.api.asked.clear()
    one.run(ALL - {CANDIDATES})
    assert one.api.asked["candidate"] == 0
    one.check()


def test_one_that_comes_back_with_the_same_row_is_whole_later() -> None:
    """Deleted in a run of candidates alone, back, then a run of the history alone."""
    one = sync()
    one.run()
    gone = one.api.candidates.pop("4")
    one.run(frozenset({CANDIDATES}))
    one.api.candidates["4"] = gone
    one.run(frozenset({HISTORY}))
    one.run(ALL)
    assert {stream for stream, key in one.target.emitted if key == "4"} >= (
        ALL - {HISTORY}
    )
    one.check()


def test_one_that_no_list_shows_is_asked_for_twice_and_kept() -> None:
    one = sync()
    one.run()
    one.api.hidden.add("2")
    for asked, presence in (
        (1, Presence.MISSED_ONCE),
        (1, Presence.UNLISTED),
        (0, Presence.UNLISTED),
    ):
        one.api.asked.clear()
        one.run()
        assert one.api.asked["candidate"] == asked
        assert one.known(2).presence is presence
        assert one.engine is not None
        assert one.engine.found_missing is bool(asked)
        one.check()
    one.api.hidden.clear()
    one.run()  # another row may have replaced its own meanwhile
    assert {stream for stream, _ in one.target.emitted} == ALL - {HISTORY}


def test_a_turn_in_the_rotation_finds_what_no_row_shows() -> None:
    one = sync()
    one.days = 1
    one.run()
    one.api.candidates["2"]["answers"][0]["points"] = 0
    one.run()
    assert not one.target.emitted
    one.now += timedelta(days=2)
    counts = one.run()
    assert counts == Counts(listed=5, updated=1, reverified=5, details=5)
    assert set(one.target.emitted) == {(DETAILS, "2"), (ANSWERS, "2")}
    one.check()


def test_a_turn_of_one_that_no_list_shows_is_emitted_too() -> None:
    one = sync()
    one.days = 30
    one.api.hidden.add("2")
    one.run()
    assert "2" not in one.target.alive(CANDIDATES)
    one.api.hidden.clear()
    one.run()
    one.api.hidden.add("2")
    for _ in range(3):
        one.run()
    one.api.candidates["2"]["name"] = "Another Name"
    one.now += timedelta(days=40)
    counts = one.run()
    assert counts.reverified == 5
    assert {key for _, key in one.target.emitted} == {"2"}
    assert one.target.alive(CANDIDATES)["2"]["name"] == "Another Name"
    assert one.target.alive(DETAILS)["2"]["name"] == "Another Name"


def test_tags_come_with_the_lists_of_each_tag() -> None:
    one = sync()
    one.api.tag_rows = [{"id": "7"}]
    one.run()
    one.api.candidates["3"]["tag_ids"] = ["7"]
    one.run()
    assert {key for _, key in one.target.emitted} == {"3"}
    one.check()


def test_a_tag_that_only_details_name_is_looked_for_again() -> None:
    one = sync()
    one.run()
    one.api.candidates["3"].update(tag_ids=["7"], rating=2)
    reread = one.api.reread_tags

    def later() -> list[Json]:
        one.api.tag_rows = [{"id": "7"}]
        return reread()

    one.api.reread_tags = later  # type: ignore[method-assign]
    one.run()
    one.check()
    assert not one.run().updated


# Faults


def test_one_that_is_listed_and_404_for_good_has_its_row_and_a_warning() -> None:
    one = sync()
    one.api.unreadable.add("3")
    one.run()
    assert one.warnings == [UNREADABLE]
    assert "3" in one.target.alive(CANDIDATES)
    assert "3" not in one.target.alive(DETAILS)
    assert one.known(3).presence is Presence.UNREADABLE
    one.api.asked.clear()
    one.run()
    assert not one.target.emitted
    assert one.api.asked["candidate"] == 0
    one.api.unreadable.clear()
    one.api.candidates["3"]["rating"] = 1
    one.run()
    one.check()


def test_one_that_is_listed_and_404_once_is_asked_again() -> None:
    one = sync()
    one.run()
    one.api.candidates["3"]["rating"] = 1
    one.api.unreadable.add("3")
    real = one.api.candidate

    def twice(candidate_id: str) -> Json | None:
        answer = real(candidate_id)
        one.api.unreadable.discard(candidate_id)
        return answer

    one.api.candidate = twice  # type: ignore[method-assign]
    counts = one.run()
    assert counts == Counts(listed=5, updated=1, details=1)
    one.check()


def test_one_that_was_deleted_behind_its_page_gets_tombstones() -> None:
    one = sync()
    one.run()
    one.api.candidates["3"]["rating"] = 1
    one.api.unreadable.add("3")
    assert one.run().deleted == 1
    assert one.target.tables[DETAILS]["3"] is None


def test_three_of_those_listed_that_are_404_are_a_fault() -> None:
    one = sync()
    one.run()
    before = deepcopy(one.target.tables)
    for number in "123":
        one.api.candidates[number]["rating"] = 1
    one.api.unreadable |= set("123")
    with pytest.raises(TapError, match="3 of 3"):
        one.run()
    assert one.target.tables == before
    assert [one.known(number).presence for number in (1, 2, 3)] == [Presence.LISTED] * 3
    one.api.unreadable.clear()
    assert one.run().updated == 3
    one.check()


def test_two_of_those_listed_that_are_404_may_be_deleted() -> None:
    one = sync()
    one.run()
    for number in "12":
        one.api.candidates[number]["rating"] = 1
    one.api.unreadable |= set("12")
    assert one.run().deleted == 2


def test_a_mass_deletion_is_a_fault_unless_it_is_a_full_table() -> None:
    one = sync(50)
    one.run()
    before = deepcopy(one.target.tables)
    for number in range(1, 31):
        del one.api.candidates[str(number)]
    one.api.asked.clear()
    with pytest.raises(TapError, match="30 of 50 known candidates seem"):
        one.run()
    assert one.api.asked["candidate"] == guard.FEW + 1
    assert one.target.tables == before
    counts = one.run(full_table=frozenset({CANDIDATES}))
    assert counts.deleted == 30
    one.check()


def test_a_list_that_lacks_most_who_are_there_is_short() -> None:
    one = sync(50)
    one.run()
    one.api.hidden = set(map(str, range(1, 31)))
    with pytest.raises(TapError, match="short: it lacks 30 of 50"):
        one.run()
    full_table = frozenset({CANDIDATES})
    one.api.hidden = set(map(str, range(1, 51)))
    with pytest.raises(TapError, match="short: it lacks 50 of 50"):
        one.run(full_table=full_table)  # an empty list is short, whatever is asked for
    one.api.hidden = set(map(str, range(1, 31)))
    one.run(full_table=full_table)
    one.check()


def test_one_that_is_not_served_holds_up_no_other_and_keeps_its_turn() -> None:
    one = sync()
    one.run()
    one.api.candidates["2"]["rating"] = one.api.candidates["4"]["rating"] = 1
    one.api.not_served.add("2")
    with pytest.raises(NotServedError):
        one.run()
    assert {key for _, key in one.target.emitted} == {"4"}
    one.api.not_served.clear()
    one.run()
    assert {key for _, key in one.target.emitted} == {"2"}
    one.check()


def test_a_new_one_that_is_not_served_is_not_known() -> None:
    one = sync()
    one.api.not_served.add("2")
    with pytest.raises(NotServedError):
        one.run()
    assert State.load(one.target.state).inventory.get("2") is None
    one.api.not_served.clear()
    assert one.run().created == 1
    one.check()


def test_very_many_that_are_not_served_end_the_run() -> None:
    one = sync(20)
    one.api.not_served = set(map(str, range(1, MOST_NOT_SERVED + 2)))
    with pytest.raises(NotServedError):
        one.run()
    assert one.engine is not None
    assert len(one.engine.not_served) == MOST_NOT_SERVED
    one.api.not_served.clear()
    one.run()
    one.check()


def test_where_nothing_is_served_the_first_ends_the_run() -> None:
    one = sync()
    one.api.not_served, one.api.serves = {"2"}, False
    with pytest.raises(NotServedError):
        one.run()
    assert one.engine is not None
    assert one.engine.not_served == []


# A state in time


def test_more_rows_of_answers_than_any_had_are_announced() -> None:
    one = sync(3)
    one.api.candidates["2"]["questions"] = [{"id": n} for n in range(5)]
    for cut in range(40):
        again = sync(3)
        again.api = deepcopy(one.api)
        try:
            again.run(cut=cut)
        except Cut:
            held = [place for key, place in again.target.alive(ANSWERS) if key == "2"]
            if held:
                assert again.known(2).answers > max(held)
        else:
            break
    else:
        pytest.fail("it does not end")


def test_many_candidates_are_announced_stretch_by_stretch() -> None:
    one = sync(int(2.5 * STRETCH))
    one.page_size = 500
    one.run()
    one.check()
    assert 3 <= one.target.states <= 8


# A cut at every point


def change(one: Sync, rng: random.Random) -> None:
    """Change this and that in the workspace."""
    candidates = one.api.candidates
    for key in rng.sample(sorted(candidates), min(3, len(candidates))):
        match rng.randrange(9):
            case 0:
                candidates[key]["rating"] = rng.randrange(4)
            case 1:
                candidates[key]["name"] = f"Name {rng.randrange(9)}"
            case 2:
                candidates[key]["questions"] = [
                    {"id": number} for number in range(rng.randrange(4))
                ]
                candidates[key]["points"] += 1  # the row shows that they changed
            case 3 if key not in one.api.hidden:
                del candidates[key]
            case 4:
                candidates[key]["tag_ids"] = rng.choice(([], ["7"], ["7", "8"]))
            case 5:
                candidates[key]["new_field"] = rng.randrange(3)
            case 6:
                one.api.hidden ^= {key}
            case 7:
                candidates[key]["job_opening_id"] = rng.choice(("100", "101"))
            case _:
                number = str(rng.randrange(20, 40))
                candidates[number] = candidate(int(number))
                one.api.hidden.discard(number)


SELECTIONS = [
    frozenset(some)
    for size in (1, 2, 4)
    for some in itertools.combinations(STREAMS, size)
]


SCOPES = [
    Scope(),
    Scope.of(job_opening_ids=["100"]),
    Scope.of(job_opening_ids=["100", "101"]),
    Scope.of(start_date="2026-01-01T00:03:00+00:00"),
]


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_left_of_a_run_that_was_killed_the_next_makes_the_truth(
    seed: int,
) -> None:
    rng = random.Random(seed)
    one = sync(6)
    one.api.tag_rows = [{"id": "7"}, {"id": "8"}]
    one.api.opening_ids = {"100", "101"}
    one.run(rng.choice(SELECTIONS))
    for _ in range(2):
        change(one, rng)
        selected, scope = rng.choice(SELECTIONS), rng.choice(SCOPES)
        api, tables, state = deepcopy((one.api, one.target.tables, one.target.state))
        for cut in itertools.count():
            one.api, one.target = deepcopy(api), Target()
            one.target.tables, one.target.state = deepcopy((tables, state))
            try:
                one.run(selected, scope=scope, cut=cut)
            except Cut:
                change(one, random.Random(cut))  # it goes on meanwhile
                truth(one, random.Random(cut))
            else:
                break
        assert cut
        truth(one, rng)


def truth(one: Sync, rng: random.Random) -> None:
    """Run until all streams were selected, and see that all is right."""
    first = rng.choice(SELECTIONS)
    one.run(first)
    one.check(first)
    one.run(ALL)
    one.check()
    one.run(ALL)
    assert not one.target.emitted
    one.check()


def test_a_run_that_fails_takes_back_what_it_announced() -> None:
    """Else the next one would ask for all of them, changed or not."""
    one = sync(9)
    one.run()
    for number in "357":
        one.api.candidates[number]["rating"] = 1

    def fail(params: Json) -> None:
        if params.get("after_id") == "6":
            msg = "it fails"
            raise TapError(msg)

    before = State.load(one.target.state)
    one.api.before_page = fail
    with pytest.raises(TapError, match="it fails"):
        one.run()
    after = State.load(one.target.state)
    emitted = {key for _, key in one.target.emitted}
    for key, known in before.inventory.items():
        if key not in emitted:
            assert after.inventory.get(key) == known
    one.api.before_page = lambda _: None
    one.run()
    one.check()


def test_what_is_noted_of_a_turn_is_the_turn_of_a_complete_run() -> None:
    one = sync()
    one.days = 5
    one.run()
    turn = State.load(one.target.state).turn
    assert turn == Turn(NOW, 0.0, (0, 0), NOW)
    assert one.run(FROM_DETAILS).reverified == 0
