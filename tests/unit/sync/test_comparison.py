"""A page and the inventory become tasks."""

from __future__ import annotations

import json
import typing as t
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tap_toggl_hire.sync import plan
from tap_toggl_hire.sync.comparison import Comparison
from tap_toggl_hire.sync.inventory import Inventory
from tap_toggl_hire.sync.lists import parse_row
from tap_toggl_hire.sync.plan import (
    CANDIDATE_STREAMS,
    NEW,
    Absence,
    Held,
    Known,
    Presence,
    Selection,
)
from tap_toggl_hire.sync.rotation import due_time
from tap_toggl_hire.sync.tasks import DueTask, MissingTask, Terms
from tests.unit.sync.observed import KnownTags, details_of, emitted, observer, row_of

if t.TYPE_CHECKING:
    from tap_toggl_hire.sync.tasks import ListedTask

Json = dict[str, t.Any]

ALL = Selection(frozenset(CANDIDATE_STREAMS))
CURRENT = Known((Held.CURRENT,) * 4)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
TURN = timedelta(days=30)


def comparison(
    known: dict[str, Known] | None = None,
    selection: Selection = ALL,
    tags: KnownTags | None = None,
) -> Comparison:
    """Return a comparison with what is known of some candidates."""
    inventory, given = Inventory(), t.cast("t.Any", tags or KnownTags())
    for candidate_id, each in (known or {}).items():
        inventory[candidate_id] = each
    return Comparison(inventory, Terms(observer(), given, selection))


def listed(compared: Comparison, *candidates: Json) -> list[ListedTask]:
    """Compare a page of the list."""
    return compared.listed([parse_row(row_of(each)) for each in candidates])


# Candidates that the lists show


def test_page_becomes_the_candidates_that_are_new_or_changed() -> None:
    same, changed = details_of("1"), details_of("2")
    compared = comparison({"1": emitted(same), "2": emitted(changed)})
    tasks = listed(compared, same, {**changed, "rating": 2}, details_of("3"))
    assert [task.id for task in tasks] == ["2", "3"]
    assert [task.known for task in tasks] == [emitted(changed), NEW]


def test_task_has_the_record_of_the_list_row() -> None:
    (task,) = listed(comparison(), details_of("1", rating=2, new_field=[5]))
    record = json.loads(task.packed)
    assert (record["id"], record["rating"]) == ("1", 2)
    assert record["extra"] == '{"new_field":[5]}'
    assert task.size == len(task.packed)


def test_stale_stream_makes_a_task_of_an_unchanged_candidate() -> None:
    same = details_of("1")
    stale = plan.make_stale(emitted(same), plan.HISTORY)
    assert len(listed(comparison({"1": stale}), same)) == 1
    without_history = Selection(ALL.selected - {plan.HISTORY})
    assert listed(comparison({"1": stale}, without_history), same) == []


def test_tags_of_the_lists_are_compared() -> None:
    same = details_of("1")
    known = {"1": emitted(same, ("300",))}
    tagged = KnownTags({"1": ("300",)}, version=5)
    assert listed(comparison(known, tags=tagged), same) == []
    (task,) = listed(comparison(known, tags=KnownTags(version=5)), same)
    assert (task.tags, task.tags_version) == ((), 5)


def test_unknown_tags_are_not_compared() -> None:
    same = details_of("1")
    known = {"1": emitted(same, ("300",))}
    assert listed(comparison(known, tags=KnownTags(are_unknown=True)), same) == []


@pytest.mark.parametrize("value", [None, "", 1.5])
def test_rows_without_a_usable_id_are_counted_and_left_out(value: t.Any) -> None:
    compared = comparison()
    row = {**details_of(), "id": value}
    assert listed(compared, row, row) == []
    assert compared.without_id == 2


# Candidates that the lists lack


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (ALL, {Absence.ASK: ["LISTED", "OUT_OF_SCOPE"]}),
        (replace(ALL, narrowed=True), {Absence.ASK: ["LISTED"]}),
        (
            replace(ALL, narrowed=True, same_scope=False),
            {Absence.ASK_IF_FEW: ["LISTED"]},
        ),
    ],
)
def test_missing_candidates_are_sorted_by_what_follows(
    selection: Selection, expected: dict[Absence, list[str]]
) -> None:
    known = {presence.name: Known(CURRENT.held, presence) for presence in Presence}
    compared = comparison({**known, "seen": CURRENT}, selection)
    compared.inventory.ids.see("seen")
    compared.inventory.ids.see("never emitted")
    tasks = compared.missing(confirmed=False)
    assert {absence: [task.id for task in each] for absence, each in tasks.items()} == {
        Absence.ASK: [],
        Absence.ASK_IF_FEW: [],
        Absence.LEAVE: [],
        **expected,
        Absence.TOMBSTONE: ["DELETED"],
    }
    (deleted,) = tasks[Absence.TOMBSTONE]
    assert deleted.known == known["DELETED"]


# Re-verification


def due(compared: Comparison, since: datetime = NOW - TURN) -> list[str]:
    """Return the IDs of the candidates that are due."""
    ids = list(compared.inventory.ids)
    return [each.id for each in compared.due(ids, since, NOW, days=30)]


def test_candidates_are_due_at_the_time_of_their_place() -> None:
    ids = [str(number) for number in range(20)]
    compared = comparison(dict.fromkeys(ids, CURRENT))
    candidates = list(compared.due(ids, NOW - TURN, NOW, days=30))
    assert [each.id for each in candidates] == ids
    for each in candidates:
        assert each.time == due_time(each.id, NOW - TURN, NOW, 30)
    since = NOW - TURN / 2
    assert due(compared, since) == [each.id for each in candidates if each.time > since]
    assert due(compared, NOW) == []


def test_only_candidates_among_those_that_were_named_are_due() -> None:
    compared = comparison({"1": CURRENT, "2": CURRENT})
    named = compared.due(["2"], NOW - TURN, NOW, days=30)
    assert [each.id for each in named] == ["2"]


def test_candidates_that_this_run_has_read_are_not_due() -> None:
    compared = comparison({"1": CURRENT, "2": CURRENT})
    compared.inventory.ids.mark_requested("1")
    assert due(compared) == ["2"]


def test_deleted_and_unknown_candidates_are_not_due() -> None:
    known = {presence.name: Known(CURRENT.held, presence) for presence in Presence}
    compared = comparison(known)
    compared.inventory.ids.see("never emitted")
    assert due(compared) == ["LISTED", "UNLISTED", "OUT_OF_SCOPE"]


def test_due_candidate_that_the_list_shows_keeps_its_row() -> None:
    compared = comparison({"listed": CURRENT, "archived": CURRENT})
    compared.inventory.ids.see("listed")
    tasks = {
        each.id: compared.reverified(each)
        for each in compared.due(["listed", "archived"], NOW - TURN, NOW, days=30)
    }
    assert isinstance(tasks["listed"], DueTask)
    assert isinstance(tasks["archived"], MissingTask)
    for candidate_id, task in tasks.items():
        assert (task.id, task.known) == (candidate_id, CURRENT)
        assert task.due == due_time(candidate_id, NOW - TURN, NOW, 30)
