"""Which candidates there is something to do about."""

from __future__ import annotations

import logging
import typing as t
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tap_toggl_hire.bases import SCHEMAS
from tap_toggl_hire.errors import TapError
from tap_toggl_hire.fields import MOST_NAMES
from tap_toggl_hire.progress import Progress
from tap_toggl_hire.records import conformer
from tap_toggl_hire.sync.finder import NO_ID, Finder, Source
from tap_toggl_hire.sync.guard import FEW
from tap_toggl_hire.sync.inventory import Inventory
from tap_toggl_hire.sync.observation import Observer
from tap_toggl_hire.sync.plan import (
    CANDIDATES,
    DETAILS,
    HISTORY,
    STREAMS,
    Held,
    Known,
    Presence,
    Relation,
    Run,
)
from tap_toggl_hire.sync.rotation import Rotation, Turn
from tap_toggl_hire.sync.scope import Scope
from tap_toggl_hire.sync.sweep import Sweep
from tap_toggl_hire.sync.tags import TagLists
from tests.support.memory import InlineWorkers, MemoryApi, candidate, row_of

if t.TYPE_CHECKING:
    from tap_toggl_hire.sync.asking import Task

Any = t.Any
NOW = datetime(2026, 2, 1, tzinfo=UTC)


def report(field: str, trouble: str) -> None:
    del field, trouble


ROW: Any
ROW, DETAILS_OF = (
    conformer(SCHEMAS.get_schema(name), report) for name in (CANDIDATES, DETAILS)
)
OBSERVER = Observer(ROW, t.cast("Any", DETAILS_OF), privacy="", compares_extra=True)


class Case:
    """A finder, on an API and an inventory that a test changes before it looks."""

    def __init__(self, count: int) -> None:
        self.api = MemoryApi(candidate(number) for number in range(1, count + 1))
        self.api.opening_ids = {"100"}
        self.inventory = Inventory()
        self.run = Run(frozenset(STREAMS))
        self.scope, self.last = Scope(), Scope()
        self.rotation = Rotation(Turn(), NOW, 0)
        self.warnings: list[str] = []
        for key, one in self.api.candidates.items():
            listed = OBSERVER.listed(OBSERVER.row(key, row_of(one)), ())
            history, extra = listed.history or 0, listed.extra or 0
            self.inventory[key] = Known(
                (Held.CURRENT,) * 4, Presence.LISTED, history, listed.row, extra, 5, 1
            )

    def finder(self) -> Finder:
        client: Any = self.api
        workers: Any = InlineWorkers()
        sweep = Sweep(
            client,
            workers,
            self.inventory.ids,
            page_size=50,
            scope=self.scope,
            filters={},
            last=self.last,
        )
        tags = TagLists(client, workers, sweep.shared_params, known=0)
        tags.ask()
        sweep.ask(())
        tags.read()
        self.progress = Progress(logging.getLogger("finder"), clock=lambda: 0.0)
        return Finder(
            source=Source(client, workers, sweep, tags),
            inventory=self.inventory,
            run=self.run,
            rotation=self.rotation,
            observer=OBSERVER,
            progress=self.progress,
            report=lambda message, *args: self.warnings.append(message % args),
        )

    def put(self, number: int, **changes: t.Any) -> None:
        known = self.inventory.get(str(number)) or Known()
        self.inventory[str(number)] = replace(known, **changes)


def tasks(pages: t.Iterable[list[Task]]) -> dict[str, Task]:
    return {task.id: task for page in pages for task in page}


def test_of_those_that_did_not_change_there_are_none() -> None:
    case = Case(5)
    finder = case.finder()
    assert tasks(finder.listed()) == {}
    assert tasks(finder.missing()) == {}
    assert (case.progress.done, case.progress.total) == (5, 5)
    assert finder.known == 5


def test_new_ones_and_those_that_differ_are_found() -> None:
    case = Case(5)
    case.api.candidates["2"]["rating"] = 3
    case.api.candidates["9"] = candidate(9)
    case.put(4, held=(Held.CURRENT, Held.STALE, Held.CURRENT, Held.CURRENT))
    finder = case.finder()
    found = tasks(finder.listed())
    assert set(found) == {"2", "4", "9"}
    assert all(task.asked for task in found.values())
    assert found["9"].previous is None
    assert found["2"].previous == case.inventory.get("2")
    assert found["2"].row == OBSERVER.row("2", row_of(case.api.candidates["2"]))
    assert not any(task.due for task in found.values())
    assert finder.known == 5


def test_who_needs_no_details_is_not_asked_for() -> None:
    case = Case(5)
    case.api.candidates["2"]["rating"] = 3
    case.run = Run(frozenset({CANDIDATES, HISTORY}))
    (task,) = tasks(case.finder().listed()).values()
    assert not task.asked


def test_a_row_without_an_id_is_told() -> None:
    case = Case(1)
    case.api.candidates["x"] = {**candidate(2), "id": None}
    assert tasks(case.finder().listed()) == {}
    assert set(case.warnings) == {NO_ID}


def test_whose_turn_it_is() -> None:
    case = Case(5)
    case.rotation = Rotation(Turn(NOW - timedelta(days=40)), NOW, 30)
    case.put(2, verified=True)
    case.api.hidden = {"3"}
    case.api.candidates["9"] = candidate(9)
    finder = case.finder()
    found = tasks(finder.listed())
    assert {key for key, task in found.items() if task.due} == set("145")
    assert not found["9"].due  # it is new
    (task,) = tasks(finder.missing()).values()
    assert (task.id, task.due) == ("3", True)
    case.run = Run(frozenset({CANDIDATES}))
    assert not any(task.due for task in tasks(case.finder().listed()).values())


# Unknown fields


def changed(case: Case, count: int) -> None:
    for number in range(1, count + 1):
        case.api.candidates[str(number)]["new_field"] = number


def test_those_that_differ_by_unknown_fields_alone_wait() -> None:
    case = Case(60)
    changed(case, 10)
    case.api.candidates["20"]["rating"] = 3
    pages = [[task.id for task in page] for page in case.finder().listed()]
    assert pages == [["20"], [], [str(number) for number in range(1, 11)]]
    assert case.warnings == []
    found = tasks(case.finder().listed())
    assert all(task.asked for task in found.values())


def test_where_very_many_differ_the_fields_change_by_themselves() -> None:
    case = Case(200)
    changed(case, 101)
    finder = case.finder()
    found = tasks(finder.listed())
    assert len(found) == 101
    assert not any(task.asked for task in found.values())
    assert finder.run.volatile
    (warning,) = case.warnings
    assert "(new_field)" in warning


def test_a_hundred_or_a_small_share_are_changes() -> None:
    for count, of in ((100, 200), (101, 1_010)):
        case = Case(of)
        changed(case, count)
        finder = case.finder()
        assert all(task.asked for task in tasks(finder.listed()).values())
        assert not finder.run.volatile
        assert case.warnings == []


def test_those_that_differ_otherwise_too_are_no_sign_of_it() -> None:
    case = Case(200)
    changed(case, 200)
    for number in range(1, 101):
        case.api.candidates[str(number)]["rating"] = 3
    finder = case.finder()
    assert len(tasks(finder.listed())) == 200
    assert not finder.run.volatile


def test_of_many_names_some_are_told() -> None:
    case = Case(200)
    for number in range(1, 200):
        case.api.candidates[str(number)][f"new_{number}"] = 1
    case.run = replace(case.run)
    tasks(case.finder().listed())
    (warning,) = case.warnings
    assert warning.count("new_") == MOST_NAMES


# Missing ones


def test_those_that_no_list_shows_are_asked_for() -> None:
    case = Case(5)
    del case.api.candidates["2"]
    case.api.hidden = {"4"}
    case.put(3, presence=Presence.OUT_OF_SCOPE)
    case.put(8, presence=Presence.UNLISTED)
    finder = case.finder()
    assert set(tasks(finder.listed())) == {"3"}
    assert set(tasks(finder.missing())) == {"2", "4"}
    assert finder.known == 5  # three that are listed, two that are looked for


def test_those_that_were_deleted_and_not_told_of_are_not_asked_for_again() -> None:
    case = Case(5)
    del case.api.candidates["2"]
    case.put(2, presence=Presence.DELETED)
    case.put(4, presence=Presence.DELETED)  # and back
    finder = case.finder()
    assert set(tasks(finder.listed())) == {"4"}
    (task,) = tasks(finder.missing()).values()
    assert task.id == "2"
    assert not task.asked


def test_of_a_short_list_no_one_is_missing() -> None:
    case = Case(5)
    case.put(9, presence=Presence.LISTED)
    case.put(8, presence=Presence.DELETED)
    case.api.before_page = lambda _: setattr(
        case.api, "miscounted", case.api.miscounted + 1
    )
    finder = case.finder()
    tasks(finder.listed())
    assert not finder.source.sweep.is_complete
    assert set(tasks(finder.missing())) == {"8"}


def test_very_many_missing_are_looked_at_first() -> None:
    case = Case(2 * FEW + 2)
    gone = [str(number) for number in range(1, FEW + 3)]
    for key in gone:
        del case.api.candidates[key]
    finder = case.finder()
    tasks(finder.listed())
    with pytest.raises(TapError, match=f"{FEW + 2} of {2 * FEW + 2} known"):
        tasks(finder.missing())
    assert case.api.asked["candidate"] == FEW + 1
    case.run = replace(case.run, full_table=frozenset({CANDIDATES}))
    allowed = case.finder()
    tasks(allowed.listed())
    assert set(tasks(allowed.missing())) == set(gone)


def test_half_of_them_missing_are_no_fault() -> None:
    case = Case(2 * FEW + 2)
    for number in range(1, FEW + 2):
        del case.api.candidates[str(number)]
    finder = case.finder()
    tasks(finder.listed())
    assert len(tasks(finder.missing())) == FEW + 1


def narrowed(case: Case) -> Case:
    """A scope that leaves out what the last one had: some e-mail address."""
    case.last = Scope.of(filters={"email": "me@example.com"})
    case.scope = Scope.of(job_opening_ids=["100"])
    case.run = replace(case.run, relation=Relation.OTHER)
    return case


@pytest.mark.parametrize(("count", "asked"), [(FEW, FEW), (FEW + 1, 0)])
def test_of_a_scope_that_cannot_be_read_few_are_asked_for(
    count: int, asked: int
) -> None:
    case = narrowed(Case(5 * FEW))
    for number in range(1, count + 1):
        case.api.candidates[str(number)]["job_opening_id"] = "999"
    finder = case.finder()
    tasks(finder.listed())
    assert len(tasks(finder.missing())) == asked


def test_what_only_the_last_scope_has_is_not_missing() -> None:
    case = Case(5)
    case.api.opening_ids = {"100", "101"}
    case.last = Scope.of(job_opening_ids=["100", "101"])
    case.scope = Scope.of(job_opening_ids=["100"])
    case.run = replace(case.run, relation=Relation.OTHER)
    case.api.candidates["2"]["job_opening_id"] = "101"
    del case.api.candidates["3"]
    finder = case.finder()
    tasks(finder.listed())
    assert set(tasks(finder.missing())) == {"3"}


def test_a_candidate_is_compared_again_once_more_tags_are_known() -> None:
    case = Case(2)
    case.api.candidates["2"].update(rating=3, tag_ids=["7"])
    finder = case.finder()
    (task,) = tasks(finder.listed()).values()
    before = task.listed
    assert task.row is not None
    finder.observe_again(task, task.row)
    assert task.listed == before
    case.api.tag_rows = [{"id": "7"}]
    finder.source.tags.learn(["7"])
    finder.observe_again(task, task.row)
    assert task.tags == ("7",)
    assert task.listed == OBSERVER.listed(task.row, ("7",))
