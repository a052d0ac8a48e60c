"""Deletions that a run has proved, and whether their tombstones may be written."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

import pytest

from tap_toggl_hire.errors import TapError
from tap_toggl_hire.sync.change import Change
from tap_toggl_hire.sync.deletions import MASS_DELETION, Deletions
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
        deleted.add(Decision(candidate_id, NEW, Plan(None), Change(candidate_id)))
    return deleted


def test_deletions_are_released_once() -> None:
    deleted = deletions(3, known=10)
    assert [decision.id for decision in deleted.release(0)] == numbers(3)
    assert deleted.release(0) == deleted.waiting == []


def test_half_of_the_known_candidates_may_be_deleted_and_no_more() -> None:
    deletions(50, known=100).check()
    with pytest.raises(TapError) as raised:
        deletions(51, known=100).check()
    assert str(raised.value) == MASS_DELETION.format(gone=51, known=100)


def test_candidates_that_were_not_asked_for_may_be_deleted_too() -> None:
    assert len(deletions(30, known=100).release(unanswered=20)) == 30
    deleted = deletions(30, known=100)
    assert deleted.release(unanswered=21) == []
    assert len(deleted.waiting) == 30


@pytest.mark.parametrize(
    "endpoint", [KnownEndpoint(is_working=False), KnownEndpoint(is_dead=True)]
)
def test_nothing_is_released_if_the_endpoint_does_not_work(
    endpoint: KnownEndpoint,
) -> None:
    assert deletions(1, known=100, endpoint=endpoint).release(0) == []


def test_any_number_may_be_deleted_if_that_is_confirmed() -> None:
    endpoint = KnownEndpoint(is_working=False)
    deleted = deletions(100, known=100, endpoint=endpoint, confirmed=True)
    deleted.check()
    assert len(deleted.release(unanswered=5)) == 100
    assert endpoint.asked == 0
