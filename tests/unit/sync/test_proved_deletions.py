"""Deletions that a run has found, and whether their tombstones may be written."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import pytest

from tap_toggl_hire.sync.change import Change
from tap_toggl_hire.sync.deletions import MASS_DELETION, SAMPLE_DELETED, Deletions
from tap_toggl_hire.sync.plan import NEW, Plan
from tap_toggl_hire.sync.tasks import Decision
from tests.unit.sync.world import numbers


@dataclass
class KnownEndpoint:
    """An endpoint that is known to work, or not to."""

    is_working: bool = True
    is_dead: bool = False
    asked: int = 0

    def works(self) -> bool:
        self.asked += 1
        return self.is_working


def deletions(
    gone: int,
    known: int,
    endpoint: KnownEndpoint | None = None,
    *,
    confirmed: bool = False,
) -> Deletions:
    """Return the deletions of a run over so many known candidates."""
    stand_in = t.cast("t.Any", endpoint or KnownEndpoint())
    deleted = Deletions(stand_in, known, confirmed=confirmed)
    for candidate_id in numbers(gone):
        deleted.add(deletion(candidate_id))
    return deleted


def deletion(candidate_id: str) -> Decision:
    return Decision(candidate_id, NEW, Plan(None), Change(candidate_id))


def test_deletions_are_released_once_they_are_proved() -> None:
    deleted = deletions(3, known=10)
    assert deleted.release() == []
    deleted.prove()
    assert deleted.waiting == []
    assert [decision.id for decision in deleted.release()] == numbers(3)
    assert deleted.release() == []


def test_question_is_asked_only_for_deletions_that_wait() -> None:
    endpoint = KnownEndpoint()
    deleted = deletions(3, known=10, endpoint=endpoint)
    deleted.prove()
    deleted.prove()
    assert endpoint.asked == 1


@pytest.mark.parametrize(("gone", "is_most"), [(20, False), (50, False), (51, True)])
def test_half_of_the_known_candidates_may_be_deleted_and_no_more(
    gone: int, *, is_most: bool
) -> None:
    deleted = deletions(gone, known=100)
    deleted.prove()
    assert len(deleted.release()) == (0 if is_most else gone)
    message = MASS_DELETION.format(gone=51, known=100)
    assert str(deleted.failure) == (message if is_most else "None")


def test_deletions_that_were_released_count() -> None:
    deleted = deletions(40, known=100)
    deleted.prove()
    assert len(deleted.release()) == 40
    for candidate_id in numbers(101, 112):
        deleted.add(deletion(candidate_id))
    deleted.prove()
    assert deleted.failure is not None
    assert deleted.release() == []


def test_deletions_of_an_earlier_run_are_released_without_a_proof_or_a_count() -> None:
    deleted = deletions(0, known=0, endpoint=KnownEndpoint(is_working=False))
    deleted.proved_before(map(deletion, numbers(30)))
    assert len(deleted.release()) == 30
    assert deleted.count == 0


@pytest.mark.parametrize(("gone", "is_withheld"), [(10, False), (11, True)])
def test_deletions_are_withheld_while_most_may_be_among_those_not_asked_for(
    gone: int, *, is_withheld: bool
) -> None:
    deleted = deletions(0, known=90)
    deleted.suspect(60)
    for number in range(21):
        deleted.asked()
        if number < gone:
            deleted.add(deletion(str(number)))
    deleted.prove()
    assert deleted.release() == []  # the sample is not judged yet
    deleted.judge(21 - gone)
    assert len(deleted.release()) == (0 if is_withheld else gone)
    if is_withheld:
        for unasked in (38, 37, 36, 35):
            deleted.asked()
            assert deleted.unasked == unasked
            assert deleted.release() == []
        deleted.asked()
        assert len(deleted.release()) == gone  # 34 others: half of all


def test_sample_of_deleted_candidates_ends_the_run() -> None:
    deleted = deletions(21, known=100)
    deleted.unasked = 39
    deleted.prove()
    deleted.judge(0)
    assert str(deleted.failure) == SAMPLE_DELETED.format(21, 60, 100)
    deleted.unasked = 0
    assert deleted.release() == []


def test_sample_that_is_not_proved_judges_nothing() -> None:
    deleted = deletions(21, known=100, endpoint=KnownEndpoint(is_working=False))
    deleted.unasked = 39
    deleted.prove()
    deleted.judge(0)
    assert deleted.failure is None
    assert deleted.unasked == 39


@pytest.mark.parametrize(
    "endpoint", [KnownEndpoint(is_working=False), KnownEndpoint(is_dead=True)]
)
def test_nothing_is_released_if_the_endpoint_does_not_work(
    endpoint: KnownEndpoint,
) -> None:
    deleted = deletions(1, known=100, endpoint=endpoint)
    deleted.prove()
    assert deleted.release() == []
    assert len(deleted.waiting) == 1


def test_any_number_may_be_deleted_if_that_is_confirmed() -> None:
    endpoint = KnownEndpoint(is_working=False)
    deleted = deletions(100, known=100, endpoint=endpoint, confirmed=True)
    deleted.judge(0)
    assert len(deleted.release()) == 100
    assert endpoint.asked == 0
