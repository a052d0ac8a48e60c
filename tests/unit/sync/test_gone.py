"""Candidates that answered 404."""

from __future__ import annotations

import pytest

from tap_toggl_hire.errors import TapError
from tap_toggl_hire.sync.asking import Task
from tap_toggl_hire.sync.gone import Gone
from tap_toggl_hire.sync.plan import (
    CANDIDATES,
    UNKNOWN,
    Held,
    Known,
    Listed,
    Presence,
    Run,
)

INCREMENTAL = Run(frozenset({CANDIDATES}))
FULL_TABLE = Run(frozenset({CANDIDATES}), full_table=frozenset({CANDIDATES}))
KNOWN = Known((Held.CURRENT,) * 4, Presence.LISTED)
ROW = Listed(1, 1)


def gone(count: int, known: Known = KNOWN, listed: Listed | None = None) -> Gone:
    """So many that answered 404."""
    made = Gone()
    for number in range(count):
        made.add(Task(str(number), known, listed=listed))
    return made


def test_a_mass_deletion_says_how_many_of_whom() -> None:
    some = gone(21)
    with pytest.raises(TapError, match="21 of 40 known"):
        next(some.deleted(40, INCREMENTAL))
    assert len(list(some)) == 21


def test_by_a_full_table_any_number_may_be_gone() -> None:
    some = gone(21)
    assert len(list(some.deleted(21, FULL_TABLE))) == 21
    assert list(some) == []


def test_one_is_held_until_the_caller_is_done_with_it() -> None:
    some = gone(2)
    for task, left in zip(some.deleted(50, INCREMENTAL), (2, 1), strict=True):
        assert len(list(some)) == left
        assert task in list(some)
    assert list(some) == []


def test_of_those_listed_so_many_are_a_fault() -> None:
    """One that could not be read before is not counted."""
    with pytest.raises(TapError, match="3 of 5 of them"):
        next(gone(3, UNKNOWN, ROW).unreadable(2))
    assert len(list(gone(3, UNKNOWN, ROW).unreadable(3))) == 3
    before = Known(presence=Presence.UNREADABLE)
    assert len(list(gone(50, before, ROW).unreadable(0))) == 50


def test_one_that_was_read_before_is_left_as_deleted() -> None:
    some = gone(1, KNOWN, ROW)
    assert list(some.unreadable(9)) == []
    assert len(list(some.deleted(9, INCREMENTAL))) == 1


def test_one_that_no_list_shows_is_not_unreadable() -> None:
    some = gone(1, UNKNOWN)
    assert list(some.unreadable(9)) == []
    assert len(list(some)) == 1
