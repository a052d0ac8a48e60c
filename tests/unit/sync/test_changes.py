"""A page and the inventory become tasks; what the API sends becomes digests."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from tap_toggl_hire.sync import plan
from tap_toggl_hire.sync.changes import (
    CHUNK,
    HISTORY_FIELDS,
    Changes,
    Task,
    answers_of,
    tags_of,
)
from tap_toggl_hire.sync.inventory import Inventory
from tap_toggl_hire.sync.lists import parse_row
from tap_toggl_hire.sync.plan import (
    ANSWERS,
    CANDIDATES,
    DETAILS,
    FROM_DETAILS,
    NEVER,
    NEW,
    STREAMS,
    Absence,
    Held,
    Known,
    Listed,
    Presence,
    Run,
)
from tests.unit.sync.fakes import (
    ALL,
    NOW,
    ROW_FIELDS,
    candidate,
    observer,
    row_of,
    to_details,
)

Json = dict[str, t.Any]
CURRENT = (Held.CURRENT,) * 4


@dataclass
class Tagged:
    """A stand-in for `TagLists`."""

    members: dict[str, tuple[str, ...] | None] = field(default_factory=dict)
    version: int = 5

    def of(self, candidate_id: str) -> tuple[str, ...] | None:
        return self.members.get(candidate_id, ())


def changes(
    known: dict[str, Known] | None = None,
    run: Run | None = None,
    members: dict[str, tuple[str, ...] | None] | None = None,
) -> Changes:
    inventory = Inventory()
    for candidate_id, one in (known or {}).items():
        inventory[candidate_id] = one
    tags: t.Any = Tagged(members or {})
    return Changes(inventory, run or Run(ALL), observer(), tags)


def row_record(body: Json) -> Json:
    return observer().row(str(body["id"]), row_of(body))


def listed(body: Json, tags: tuple[str, ...] | None = ()) -> Listed:
    return observer().listed(row_record(body), tags)


# Digests


@pytest.mark.parametrize("name", ROW_FIELDS)
def test_every_field_of_a_row_counts(name: str) -> None:
    before, after = listed(candidate(1)), listed(candidate(1, **{name: "other"}))
    if name == "id":
        assert before != after
        return
    assert before.row != after.row
    assert before.extra == after.extra
    assert (before.history != after.history) is (name in HISTORY_FIELDS)


def test_unknown_fields_count_apart() -> None:
    before, after = listed(candidate(1)), listed(candidate(1, unknown=5))
    assert before.extra == NEVER
    assert after.extra not in {NEVER, None}
    assert replace(after, extra=NEVER) == before
    assert listed(candidate(1, unknown=6)).extra != after.extra


def test_unknown_fields_that_are_not_emitted_are_not_compared() -> None:
    one = observer(compares_extra=False)
    for body in (candidate(1), candidate(1, unknown=5)):
        record = one.row("1", row_of(body))
        shown = one.listed(record, ())
        assert shown == replace(listed(body), extra=None)


def test_tags_count_apart_and_in_the_history() -> None:
    without, tagged = listed(candidate(1)), listed(candidate(1), ("7",))
    assert without.tags == NEVER
    assert tagged.tags not in {NEVER, None}
    assert tagged.row == without.row
    assert tagged.history != without.history
    unknown = listed(candidate(1), None)
    assert (unknown.tags, unknown.history) == (None, None)
    assert unknown.row == without.row


def test_the_row_of_details_is_that_of_the_list() -> None:
    body = candidate(1, tag_ids=["7"], unknown=5)
    assert observer().row_of("1", body) == row_record(body)


# Details of another moment


def read(body: Json, row: Json | None, tags: tuple[str, ...] | None) -> plan.Details:
    details = to_details(body)
    return observer().read(row and row_record(row), tags, details, body)


def test_details_that_agree_with_the_row_are_not_torn() -> None:
    body = candidate(1, tag_ids=["8", "7", None, "7"], unknown=5)
    found = read(body, body, ("7", "8"))
    assert not found.torn
    assert found.answers == 2
    assert found.digest == read(body, None, ("7", "8")).digest
    assert found.digest != read({**body, "answers": []}, body, ("7", "8")).digest


@pytest.mark.parametrize("name", [n for n in ROW_FIELDS if n != "id"])
def test_details_with_another_value_are_torn(name: str) -> None:
    body = candidate(1)
    assert read({**body, name: "other"}, body, ()).torn


def test_a_field_that_details_lack_or_that_is_unknown_does_not_tear_them() -> None:
    body = candidate(1, unknown=5)
    without = {key: value for key, value in body.items() if key != "name"}
    assert not read(without, body, ()).torn
    assert not read(candidate(1), body, ()).torn


@pytest.mark.parametrize(
    ("own", "tags", "torn"),
    [
        (["7"], ("7",), False),
        ([], (), False),
        (None, ("7",), False),
        (None, None, False),
        (["7"], (), True),
        ([], ("7",), True),
        (["7"], None, True),
        ([], None, True),
    ],
)
def test_details_with_other_tags_are_torn(
    own: list[str] | None, tags: tuple[str, ...] | None, torn: bool
) -> None:
    """Also with tags that are unknown in this run: no later run would see a change."""
    body = candidate(1, tag_ids=own)
    assert read(body, body, tags).torn is torn
    assert read(body, None, tags).torn is torn


def test_answers_and_tags_of_details() -> None:
    assert answers_of({"questions": None}) == 0
    assert answers_of({"questions": [None, {}, {}]}) == 3
    assert tags_of({"tag_ids": None}) is None
    assert tags_of({"tag_ids": []}) == ()
    assert tags_of({"tag_ids": ["8", None, "", "7", "8"]}) == ("7", "8")


# Pages


def known_of(body: Json, tags: tuple[str, ...] = ()) -> Known:
    """Return what is known of a candidate whose every stream is current."""
    shown = listed(body, tags)
    details = read({**body, "tag_ids": [*tags]}, body, tags)
    decided = plan.plan_listed(NEW, shown, details, Run(ALL))
    assert decided.after is not None
    assert decided.after.held == CURRENT
    return decided.after


def of_page(one: Changes, *bodies: Json) -> list[Task]:
    return one.of_page([parse_row(row_of(body)) for body in bodies])


def test_a_page_becomes_the_candidates_that_are_new_or_changed() -> None:
    same, changed, new = candidate(1), candidate(2), candidate(3)
    one = changes({"1": known_of(same), "2": known_of(changed)})
    found = of_page(one, same, {**changed, "rating": 9}, new)
    assert [task.id for task in found] == ["2", "3"]
    assert found[0].known == known_of(changed)
    assert found[1].known is NEW
    assert found[1].row == row_record(new)
    assert found[1].listed == listed(new)
    assert found[1].tags_version == 5
    assert all(task.is_asked for task in found)
    assert all(task.due is None for task in found)
    assert one.without_id == 0


def test_the_tags_of_the_lists_are_compared() -> None:
    body = candidate(1)
    known = {"1": known_of(body, ("7",))}
    assert of_page(changes(known, members={"1": ("7",)}), body) == []
    assert of_page(changes(known, members={"1": None}), body) == []
    (task,) = of_page(changes(known), body)
    assert task.tags == ()
    assert task.is_asked
    (tagged,) = of_page(changes(known, members={"1": ("7", "8")}), body)
    assert tagged.tags == ("7", "8")


def test_rows_without_an_id_are_counted() -> None:
    one = changes()
    assert of_page(one, {**candidate(1), "id": None}, {**candidate(1), "id": ""}) == []
    assert one.without_id == 2


def test_a_task_announces_what_may_be_emitted() -> None:
    body = candidate(1)
    run = Run(ALL)
    (task,) = of_page(changes(), body)
    assert task.may_emit(run) == ALL
    (extra,) = of_page(changes({"1": known_of(body)}), {**body, "unknown": 5})
    assert extra.may_emit(run) == {CANDIDATES}
    missing = Task("1", known_of(body))
    assert missing.row is None
    assert missing.may_emit(run) == plan.UPSERTED
    due = Task("1", known_of(body), listed=plan.unchanged(known_of(body)), due=NOW)
    assert due.may_emit(run) == FROM_DETAILS
    assert due.may_emit(Run(frozenset({ANSWERS, CANDIDATES}))) == {ANSWERS}


# Missing candidates


def test_missing_candidates_are_sorted_by_what_follows() -> None:
    known = {presence.name: Known(CURRENT, presence) for presence in Presence}
    one = changes({**known, "seen": Known(CURRENT)})
    one.inventory.see("seen")
    one.inventory.see("new")

    def found(run: Run) -> dict[Absence, list[str]]:
        tasks = replace(one, run=run).missing()
        return {what: [task.id for task in some] for what, some in tasks.items()}

    nothing: dict[Absence, list[str]] = {what: [] for what in Absence}
    deleted = {Absence.TOMBSTONE: ["DELETED"]}
    assert found(Run(ALL)) == {
        **nothing,
        **deleted,
        Absence.ASK: ["LISTED", "OUT_OF_SCOPE"],
    }
    same = Run(ALL, narrowed=True)
    assert found(same) == {**nothing, **deleted, Absence.ASK: ["LISTED"]}
    changed = replace(same, same_scope=False)
    assert found(changed) == {**nothing, **deleted, Absence.ASK_IF_FEW: ["LISTED"]}
    (task,) = one.missing()[Absence.TOMBSTONE]
    assert (task.known, task.listed, task.is_asked) == (known["DELETED"], None, True)


# Re-verification


def due(one: Changes, days: int = 30) -> list[Task]:
    """Return everything that is due after a pause longer than a turn."""
    pages = one.due(NOW - timedelta(days=days), NOW, days)
    return [task for page in pages for task in page]


def test_all_candidates_are_due_in_the_order_of_their_time() -> None:
    one = changes({str(number): Known(CURRENT) for number in range(CHUNK + 5)})
    pages = [*one.due(NOW - timedelta(days=30), NOW, 30)]
    assert [len(page) for page in pages] == [CHUNK, 5]
    tasks = [task for page in pages for task in page]
    times = [task.due for task in tasks]
    assert None not in times
    assert times == sorted(times)  # type: ignore[type-var]
    assert len({task.id for task in tasks}) == CHUNK + 5
    assert all(task.is_asked for task in tasks)
    assert [*one.due(NOW, NOW, 30)] == []
    assert due(one, 0) == []


def test_a_candidate_that_was_fetched_in_this_run_is_not_due() -> None:
    one = changes({"1": Known(CURRENT), "2": Known(CURRENT)})
    one.inventory.mark_fetched("1")
    assert [task.id for task in due(one)] == ["2"]


def test_the_row_of_a_listed_candidate_is_not_compared_again() -> None:
    one = changes({"1": Known(CURRENT, row=7), "2": Known(CURRENT, row=8)})
    one.inventory.see("1")
    tasks = {task.id: task for task in due(one)}
    assert tasks["1"].listed == Listed(7, None, None, None)
    assert tasks["2"].listed is None


@pytest.mark.parametrize("stream", STREAMS)
def test_without_details_only_candidates_that_the_lists_lack_are_due(
    stream: str,
) -> None:
    one = changes({"1": Known(CURRENT), "2": Known(CURRENT)}, Run(frozenset({stream})))
    one.inventory.see("1")
    has_details = stream in {DETAILS, ANSWERS}
    assert {task.id for task in due(one)} == ({"1", "2"} if has_details else {"2"})


# A suspect answer of `/tags`


def test_a_listed_candidate_that_lost_its_tags_is_suspect() -> None:
    known = {
        "untagged": Known(CURRENT),
        "archived": Known(CURRENT, Presence.UNLISTED, tags=7),
        "tagged": Known(CURRENT, tags=7),
        "lost": Known(CURRENT, tags=7),
        "lost too": Known(CURRENT, tags=7),
    }
    one = changes(known, members={"tagged": ("7",)})
    suspect = one.suspect()
    assert suspect is not None
    assert suspect.id == "lost"
    assert changes(known, members=dict.fromkeys(known, ("7",))).suspect() is None
