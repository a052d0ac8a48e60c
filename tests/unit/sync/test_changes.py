"""A page and the inventory become tasks; what the API sends becomes digests."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from datetime import timedelta

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
from tap_toggl_hire.sync.plan import ANSWERS, CANDIDATES, NEVER, Absence, Known, Run
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
CURRENT = (plan.Held.CURRENT,) * 4


@dataclass
class Tagged:
    """A stand-in for `TagLists`."""

    members: dict[str, tuple[str, ...] | None]
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


def listed(body: Json, tags: tuple[str, ...] | None = ()) -> plan.Listed:
    return observer().listed(row_record(body), tags)


# Digests


def test_every_field_of_a_row_counts() -> None:
    before = listed(candidate(1))
    assert listed(candidate(2)) != before
    for name in (name for name in ROW_FIELDS if name != "id"):
        body = candidate(1, **{name: "other"})
        after = listed(body)
        assert before.row != after.row
        assert before.extra == after.extra
        assert (before.history != after.history) is (name in HISTORY_FIELDS)
        assert read(body, candidate(1), ()).torn


def test_unknown_fields_count_apart_if_they_are_emitted() -> None:
    bodies = [candidate(1), candidate(1, unknown=5), candidate(1, unknown=6)]
    none, one, other = map(listed, bodies)
    assert none.extra == NEVER
    assert len({none.extra, one.extra, other.extra, None}) == 4
    assert replace(one, extra=NEVER) == none
    looks = observer(compares_extra=False)
    for body in bodies:
        shown = looks.listed(looks.row("1", row_of(body)), ())
        assert shown == replace(none, extra=None)


def test_tags_count_apart_and_in_the_history() -> None:
    body = candidate(1)
    without, tagged = listed(body), listed(body, ("7",))
    assert without.tags == NEVER
    assert tagged.tags not in {NEVER, None}
    assert tagged.history != without.history
    assert replace(tagged, tags=NEVER, history=without.history) == without
    assert listed(body, None) == replace(without, tags=None, history=None)


def test_the_row_of_details_is_that_of_the_list() -> None:
    body = candidate(1, tag_ids=["7"], unknown=5)
    assert observer().row_of("1", body) == row_record(body)


# Details of another moment


def read(body: Json, row: Json | None, tags: tuple[str, ...] | None) -> plan.Details:
    details = to_details(body)
    return observer().read(row and row_record(row), tags, details, body)


def test_details_that_agree_with_the_row_are_not_torn() -> None:
    body, tags = candidate(1, tag_ids=["8", "7", None, "7"], unknown=5), ("7", "8")
    found = read(body, body, tags)
    assert not found.torn
    assert found.answers == 2
    assert found.digest == read(body, None, tags).digest
    assert found.digest != read({**body, "answers": []}, body, tags).digest
    # Nor if they lack a field, or show another one that is unknown.
    for name in ("name", "unknown"):
        rest = {key: value for key, value in body.items() if key != name}
        assert not read(rest, body, tags).torn


def test_details_with_other_tags_are_torn() -> None:
    """Also with tags that are unknown in this run: no later run would see a change."""
    cases: list[tuple[list[str] | None, tuple[str, ...] | None, bool]] = [
        (["7"], ("7",), False),
        ([], (), False),
        (None, ("7",), False),
        (None, None, False),
        (["7"], (), True),
        ([], ("7",), True),
        (["7"], None, True),
        ([], None, True),
    ]
    for own, tags, torn in cases:
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
    decided = plan.plan_listed(plan.NEW, shown, details, Run(ALL))
    assert decided.after is not None
    assert decided.after.held == CURRENT
    return decided.after


def of_page(one: Changes, *bodies: Json) -> list[Task]:
    return one.of_page([parse_row(row_of(body)) for body in bodies])


def test_a_page_becomes_the_candidates_that_are_new_or_changed() -> None:
    same, new = candidate(1), candidate(3)
    known = known_of(candidate(2))
    one = changes({"1": known_of(same), "2": known})
    no_id = [{**same, "id": None}, {**same, "id": ""}]
    changed, added = of_page(one, same, candidate(2, rating=9), *no_id, new)
    assert (changed.id, changed.known) == ("2", known)
    assert (added.id, added.known) == ("3", plan.NEW)
    assert (added.row, added.listed) == (row_record(new), listed(new))
    assert added.tags_version == 5
    for task in (changed, added):
        assert task.is_asked
        assert task.due is None
    assert one.without_id == 2


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


def test_a_task_announces_what_may_be_emitted() -> None:
    body, run = candidate(1), Run(ALL)
    known = known_of(body)
    (task,) = of_page(changes(), body)
    assert task.may_emit(run) == ALL
    (extra,) = of_page(changes({"1": known}), {**body, "unknown": 5})
    assert extra.may_emit(run) == {CANDIDATES}
    missing = Task("1", known)
    assert missing.row is None
    assert missing.may_emit(run) == plan.UPSERTED
    due = Task("1", known, listed=plan.unchanged(known), due=NOW)
    assert due.may_emit(run) == plan.FROM_DETAILS
    assert due.may_emit(Run(frozenset({ANSWERS, CANDIDATES}))) == {ANSWERS}


# Missing candidates


def test_missing_candidates_are_sorted_by_what_follows() -> None:
    known = {presence.name: Known(CURRENT, presence) for presence in plan.Presence}
    one = changes({**known, "seen": Known(CURRENT)})
    one.inventory.see("seen")
    one.inventory.see("new")
    same = Run(ALL, narrowed=True)
    other = replace(same, same_scope=False)
    for run, expected in (
        (Run(ALL), {Absence.ASK: ["LISTED", "OUT_OF_SCOPE"]}),
        (same, {Absence.ASK: ["LISTED"]}),
        (other, {Absence.ASK_IF_FEW: ["LISTED"]}),
    ):
        tasks = replace(one, run=run).missing()
        found = {what: [task.id for task in some] for what, some in tasks.items()}
        nothing: dict[Absence, list[str]] = {what: [] for what in Absence}
        assert found == {**nothing, **expected, Absence.TOMBSTONE: ["DELETED"]}
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
    tasks = due(one)
    times = [task.due for task in tasks if task.due]
    assert times == sorted(times)
    assert len(times) == len({task.id for task in tasks}) == CHUNK + 5
    assert all(task.is_asked for task in tasks)
    assert [*one.due(NOW, NOW, 30)] == []
    assert due(one, 0) == []


def test_what_this_run_has_seen_is_not_looked_at_again() -> None:
    """The details of one that was fetched, and the row of one that is listed."""
    one = changes({str(n): Known(CURRENT, row=n) for n in (1, 2, 3)})
    one.inventory.mark_fetched("1")
    one.inventory.see("2")
    tasks = {task.id: task.listed for task in due(one)}
    assert tasks == {"2": plan.Listed(2, None, None, None), "3": None}


def test_without_details_only_candidates_that_the_lists_lack_are_due() -> None:
    for stream in plan.STREAMS:
        run = Run(frozenset({stream}))
        one = changes({"1": Known(CURRENT), "2": Known(CURRENT)}, run)
        one.inventory.see("1")
        expected = {"1", "2"} if stream in plan.FROM_DETAILS else {"2"}
        assert {task.id for task in due(one)} == expected


# A suspect answer of `/tags`


def test_a_listed_candidate_that_lost_its_tags_is_suspect() -> None:
    tagged = Known(CURRENT, tags=7)
    known = {
        "untagged": Known(CURRENT),
        "archived": replace(tagged, presence=plan.Presence.UNLISTED),
        **dict.fromkeys(("tagged", "lost", "lost too"), tagged),
    }
    suspect = changes(known, members={"tagged": ("7",)}).suspect()
    assert suspect is not None
    assert suspect.id == "lost"
    assert changes(known, members=dict.fromkeys(known, ("7",))).suspect() is None
