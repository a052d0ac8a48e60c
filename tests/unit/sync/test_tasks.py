"""The work on one candidate, given what the API answers."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tap_toggl_hire.errors import NotFoundError, RequestError, UnavailableError
from tap_toggl_hire.sync import plan
from tap_toggl_hire.sync.comparison import Comparison
from tap_toggl_hire.sync.inventory import Inventory
from tap_toggl_hire.sync.lists import parse_row
from tap_toggl_hire.sync.plan import (
    ANSWERS,
    CANDIDATE_STREAMS,
    CANDIDATES,
    DETAILS,
    FROM_DETAILS,
    HISTORY,
    NEW,
    UPSERTED,
    Held,
    Known,
    Plan,
    Presence,
    Selection,
)
from tap_toggl_hire.sync.tasks import DueTask, ListedTask, MissingTask, Terms
from tests.unit.sync.observed import KnownTags, details_of, observer, question, row_of

Json = dict[str, t.Any]

ALL = frozenset(CANDIDATE_STREAMS)
DUE = datetime(2026, 3, 1, tzinfo=UTC)
NOT_FOUND, FAILURE = NotFoundError("gone"), UnavailableError("down")


def terms_of(selected: t.Iterable[str] = ALL, tags: KnownTags | None = None) -> Terms:
    """Return what a run compares candidates on."""
    given = t.cast("t.Any", tags or KnownTags())
    return Terms(observer(), given, Selection(frozenset(selected)))


def listed_task(
    details: Json, known: Known = NEW, terms: Terms | None = None
) -> ListedTask:
    """Return the task of a candidate that the list shows."""
    inventory = Inventory()
    inventory[details["id"]] = known
    compared = Comparison(inventory, terms or terms_of())
    (task,) = compared.listed([parse_row(row_of(details))])
    return task


def emitted(details: Json, tags: KnownTags | None = None) -> Known:
    """Return what is known of a candidate that was emitted to every stream."""
    decision = listed_task(details, terms=terms_of(tags=tags)).decide(details)
    assert decision.plan.after is not None
    assert set(decision.plan.after.held) == {Held.CURRENT}
    return decision.plan.after


# The selection


def test_history_is_not_selected_while_tags_are_unknown() -> None:
    tags = KnownTags()
    terms = terms_of(tags=tags)
    assert terms.selection == terms.full_selection == Selection(ALL)
    tags.are_unknown = True
    assert terms.selection == Selection(ALL - {HISTORY})


# A candidate that the lists show


def test_new_candidate_is_emitted_with_its_row_tags_and_details() -> None:
    details = details_of(tag_ids=["300"])
    task = listed_task(details, terms=terms_of(tags=KnownTags({"1": ("300",)})))
    assert task.wants_details()
    assert task.may_emit() == ALL
    decision = task.decide(details)
    assert (decision.id, decision.known) == ("1", NEW)
    assert (decision.plan.emit, decision.plan.event) == (ALL, "created")
    change = decision.change
    assert (change.id, change.event, change.tags) == ("1", "created", ("300",))
    assert change.row == observer().row("1", row_of(details))
    assert change.details == observer().details.of(details)
    assert decision.answers == 2


def test_row_is_emitted_without_details_that_are_not_wanted() -> None:
    details = details_of(new_field=5)
    task = listed_task(details, emitted(details_of()))
    assert not task.wants_details()
    assert task.may_emit() == {CANDIDATES}
    decision = task.decide(None)
    assert decision.plan.emit == {CANDIDATES}
    assert decision.change.details is None


@pytest.mark.parametrize("error", [NOT_FOUND, FAILURE])
def test_row_is_emitted_without_details_that_were_not_read(error: RequestError) -> None:
    known = emitted(details_of())
    decision = listed_task(details_of(rating=2), known).decide(error)
    assert decision.plan.emit == {CANDIDATES, HISTORY}
    assert not decision.change.is_deleted
    after = decision.plan.after
    assert after is not None
    assert [after.holds(stream) for stream in (DETAILS, ANSWERS)] == [Held.STALE] * 2


def test_details_of_another_moment_are_due_again() -> None:
    row = details_of(rating=2)
    decision = listed_task(row, emitted(details_of())).decide(details_of(answers=[]))
    assert decision.plan.emit == ALL
    after = decision.plan.after
    assert after is not None
    assert after.holds(DETAILS) is Held.STALE


def test_details_with_other_tags_are_due_again_and_hold_the_history_back() -> None:
    details = details_of(rating=2, tag_ids=["301"])
    decision = listed_task(details, emitted(details_of())).decide(details)
    assert decision.plan.emit == UPSERTED
    after = decision.plan.after
    assert after is not None
    assert after.holds(DETAILS) is Held.STALE


def test_tags_that_were_learned_meanwhile_are_compared_and_emitted() -> None:
    tags = KnownTags()
    known = emitted(details_of())
    task = listed_task(details_of(new_field=5), known, terms_of(tags=tags))
    assert not task.wants_details()
    tags.members, tags.version = {"1": ("300",)}, 1
    assert task.wants_details()
    assert task.may_emit() == ALL
    decision = task.decide(details_of(tag_ids=["300"]))
    assert decision.change.tags == ("300",)
    assert decision.plan.event == "updated"


def test_tags_that_its_own_details_name_are_learned_first() -> None:
    class Learning(KnownTags):
        """Tags of which the details of a candidate make another one known."""

        def contradict(self, candidate_id: str, details: Json) -> bool:
            if self.version == 0:
                self.members, self.version = {"1": ("300",)}, 1
            return super().contradict(candidate_id, details)

    details = details_of(tag_ids=["300"])
    decision = listed_task(details, terms=terms_of(tags=Learning())).decide(details)
    assert decision.change.tags == ("300",)
    assert decision.plan.emit == ALL


def test_no_history_is_emitted_once_tags_are_unknown() -> None:
    tags = KnownTags()
    task = listed_task(details_of(rating=2), emitted(details_of()), terms_of(tags=tags))
    tags.are_unknown, tags.version = True, 1
    decision = task.decide(details_of(rating=2))
    assert decision.plan.emit == UPSERTED
    assert (decision.plan.event, decision.change.tags) == (None, None)


def test_tags_in_details_are_noted_while_the_lists_of_tags_are_unknown() -> None:
    known = emitted(details_of())
    tagged = details_of(tag_ids=["300"])
    expected = emitted(tagged, KnownTags({"1": ("300",)}))
    terms = terms_of(tags=KnownTags(are_unknown=True))
    row_changed = listed_task(details_of(rating=2), known, terms).decide(
        details_of(rating=2, tag_ids=["300"])
    )
    reverified = DueTask(terms, "1", known, DUE).decide(tagged)
    for decision in (row_changed, reverified):
        assert decision.plan.after is not None
        assert decision.plan.after.tags == expected.tags != known.tags


def test_tombstones_of_answers_are_for_those_that_were_committed() -> None:
    """What a killed first run announced is its guess."""
    details = details_of(rating=2, questions=[question("500")])
    announced = plan.intent(NEW, ALL, 9)
    assert listed_task(details, announced).decide(details).change.answers_held == 0
    committed = emitted(details_of())
    decision = listed_task(details, committed).decide(details)
    assert (decision.change.answers_held, decision.answers) == (2, 1)


# A candidate that the lists lack


def missing_task(known: Known, **terms: t.Any) -> MissingTask:
    """Return the task of a known candidate that the lists lack."""
    return MissingTask(terms_of(**terms), "1", known, DUE)


def test_missing_candidate_is_asked_for_whatever_is_selected() -> None:
    for stream in CANDIDATE_STREAMS:
        assert missing_task(NEW, selected=[stream]).wants_details()


def test_missing_candidate_that_is_not_found_gets_tombstones() -> None:
    known = replace(emitted(details_of()), answers=9)
    decision = missing_task(known).decide(NOT_FOUND)
    assert decision.plan == Plan(None, ALL, "deleted")
    change = decision.change
    assert (change.is_deleted, change.event, change.answers_held) == (
        True,
        "deleted",
        9,
    )
    assert (change.row, change.details, decision.answers) == (None, None, 0)
    assert missing_task(known).delete().plan == decision.plan


def test_deleted_candidate_gets_tombstones_of_announced_answers_too() -> None:
    announced = plan.intent(NEW, ALL, 9)
    assert missing_task(announced).decide(NOT_FOUND).change.answers_held == 9


def test_missing_candidate_that_could_not_be_read_stays_as_it_is() -> None:
    known = emitted(details_of())
    decision = missing_task(known).decide(FAILURE)
    assert decision.plan == Plan(known)
    assert not decision.change.is_deleted


def test_missing_candidate_that_is_unchanged_is_archived_and_not_emitted() -> None:
    known = emitted(details_of())
    decision = missing_task(known).decide(details_of())
    assert decision.plan == Plan(replace(known, presence=Presence.UNLISTED))
    assert decision.change.details is not None


def test_missing_candidate_is_compared_on_the_row_and_tags_in_its_details() -> None:
    details = details_of(rating=2, tag_ids=["301", "300"])
    decision = missing_task(emitted(details_of())).decide(details)
    assert (decision.plan.emit, decision.plan.event) == (ALL, "updated")
    change = decision.change
    assert change.row == observer().row("1", row_of(details))
    assert (change.tags, change.answers_held) == (("300", "301"), 2)


def test_unknown_fields_of_details_are_not_those_of_the_row() -> None:
    known = emitted(details_of(new_field=5))
    decision = missing_task(known).decide(details_of(other_field=6))
    assert CANDIDATES not in decision.plan.emit
    assert decision.plan.after is not None
    assert decision.plan.after.extra == known.extra


# A listed candidate that is due for re-verification


def due_task(known: Known, **terms: t.Any) -> DueTask:
    """Return the task of a listed candidate that is due."""
    return DueTask(terms_of(**terms), "1", known, DUE)


def test_due_candidate_is_requested_if_a_stream_needs_its_details() -> None:
    for stream in CANDIDATE_STREAMS:
        needs = stream in FROM_DETAILS
        assert due_task(NEW, selected=[stream]).wants_details() is needs


def test_due_candidate_is_emitted_if_its_details_differ() -> None:
    known = emitted(details_of())
    decision = due_task(known).decide(details_of(answers=[]))
    assert (decision.plan.emit, decision.plan.event) == (FROM_DETAILS, None)
    assert decision.change.row is None
    assert decision.change.details == observer().details.of(details_of(answers=[]))
    assert decision.change.answers_held == 2
    unchanged = due_task(known).decide(details_of())
    assert unchanged.plan == Plan(known)


@pytest.mark.parametrize("response", [None, NOT_FOUND, FAILURE])
def test_due_candidate_that_was_not_read_stays_due(response: t.Any) -> None:
    """It is not deleted either, since the list shows it."""
    known = emitted(details_of())
    decision = due_task(known).decide(response)
    held = (Held.CURRENT, Held.STALE, Held.STALE, Held.CURRENT)
    assert decision.plan == Plan(replace(known, held=held))
    assert not decision.change.is_deleted
    assert decision.change.details is None


def test_due_details_of_another_moment_than_the_row_are_due_again() -> None:
    decision = due_task(emitted(details_of())).decide(details_of(rating=2))
    assert decision.plan.emit == FROM_DETAILS
    assert decision.plan.after is not None
    assert decision.plan.after.holds(DETAILS) is Held.STALE


def test_due_details_with_other_tags_are_due_again() -> None:
    known = emitted(details_of())
    decision = due_task(known).decide(details_of(tag_ids=["300"]))
    assert decision.plan.after is not None
    assert decision.plan.after.holds(DETAILS) is Held.STALE
    assert decision.plan.after.tags == known.tags  # those of the lists
