"""Which candidates the settings select, and which lists make them up."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from tap_toggl_hire.sync.scope import ALL, Query, Scope

START = datetime(2026, 1, 1, tzinfo=UTC)
SCOPES = [
    Scope(),
    Scope(START),
    Scope(START.replace(microsecond=1)),
    Scope(job_opening_ids=()),
    Scope(job_opening_ids=("1",)),
    Scope(job_opening_ids=("1", "2")),
    Scope(filters=(("email", "zoe@example.com"),)),
    Scope(filters=(("min_score", "1"),)),
    Scope(filters=(("min_score", "2"),)),
    Scope(START, ("1",), (("min_score", "1"),)),
]


def test_each_scope_has_a_key_of_its_own() -> None:
    keys = [scope.key for scope in SCOPES]
    assert len(set(keys)) == len(keys)
    assert keys[0] == ALL == "all"


def test_order_of_openings_does_not_change_the_key() -> None:
    keys = {Scope(job_opening_ids=ids).key for ids in (("1", "2"), ("2", "1"))}
    assert len(keys) == 1


@pytest.mark.parametrize("scope", SCOPES)
def test_key_of_a_narrowed_scope_is_a_hash(scope: Scope) -> None:
    """A filter may be an e-mail address."""
    assert scope.is_narrowed is (scope != Scope())
    assert re.fullmatch("[0-9a-f]{16}" if scope.is_narrowed else "all", scope.key)


def test_keys_are_the_same_in_every_version() -> None:
    """Another one would ask for all candidates that left the selection."""
    assert Scope(filters=(("min_score", "40"),)).key == "d1321384e287ef34"
    assert SCOPES[-1].key == "c1411fdb0d29ec42"


def test_scope_is_one_list_or_one_per_opening() -> None:
    filters = (("email", "zoe@example.com"), ("min_score", "4"))
    of_openings = Scope(START, ("2", "1"), filters)
    assert Scope().queries() == [Query((), None)]
    assert Scope(START, filters=filters).queries() == [Query(filters, START)]
    assert of_openings.queries() == [
        Query((*filters, ("job_opening_id", "2")), START),
        Query((*filters, ("job_opening_id", "1")), START),
    ]
    assert of_openings.shared == Query(filters, START)
    assert Scope(job_opening_ids=()).queries() == []


def test_first_page_has_the_filters_the_limit_and_the_order() -> None:
    query = Query((("min_score", "4"),), START)
    first = {"min_score": "4", "limit": "7", "order": "asc"}
    assert query.first_page(7) == first
    assert query.first_page(7, order="desc") == {**first, "order": "desc"}
