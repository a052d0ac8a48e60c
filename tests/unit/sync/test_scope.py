"""Scopes: what covers what, and which lists make them up."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_toggl_hire.sync.plan import Relation
from tap_toggl_hire.sync.scope import (
    EVERYBODY,
    MOST_PARTS,
    Part,
    Query,
    Scope,
    both,
    queries,
    widest,
)

FILTERS: tuple[dict[str, str], ...] = (
    {},
    {"min_score": "40"},
    {"email": "zoe@example.com"},
)
SCOPES = st.builds(
    Scope.of,
    start_date=st.none()
    | st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat)
    | st.sampled_from(
        ("2024-01-31T00:00:00+00:00", "2024-01-31T00:00:00.000001+00:00")
    ),
    job_opening_ids=st.none() | st.lists(st.sampled_from("123"), min_size=1),
    filters=st.sampled_from(FILTERS),
)
EVERYTHING = Scope()


@given(SCOPES)
def test_a_scope_covers_itself_and_everything_covers_it(one: Scope) -> None:
    assert one.covers(one)
    assert EVERYTHING.covers(one)
    assert one.covers(EVERYTHING) is (one == EVERYTHING)


@given(SCOPES, SCOPES)
def test_two_that_cover_each_other_are_equal(one: Scope, other: Scope) -> None:
    assert (one.covers(other) and other.covers(one)) is (one == other)


@given(SCOPES, SCOPES, SCOPES)
def test_covering_goes_on(one: Scope, two: Scope, three: Scope) -> None:
    if one.covers(two) and two.covers(three):
        assert one.covers(three)


@given(
    one=st.datetimes(timezones=st.just(UTC)), other=st.datetimes(timezones=st.just(UTC))
)
def test_an_earlier_start_covers_a_later_one(one: datetime, other: datetime) -> None:
    def since(start: datetime) -> Scope:
        return Scope.of(start_date=start.isoformat())

    assert since(one).covers(since(other)) is (one <= other)


def test_more_openings_cover_fewer() -> None:
    def of(*ids: str) -> Scope:
        return Scope.of(job_opening_ids=ids)

    assert of("1", "2").covers(of("2"))
    assert not of("2").covers(of("1", "2"))
    assert not of("1").covers(of("2"))
    assert of("2", "1", "2") == of("1", "2")
    assert not of("1").covers(EVERYTHING)


def test_filters_cover_themselves_alone() -> None:
    def of(**filters: str) -> Scope:
        return Scope.of(filters=filters)

    one = of(email="zoe@example.com", min_score="1")
    assert one == of(min_score="1", email="zoe@example.com")
    assert not one.covers(of(email="zoe@example.com"))
    assert not of(email="zoe@example.com").covers(one)
    assert of() == EVERYTHING


def test_an_address_is_digested_the_same_whatever_the_key() -> None:
    """A key may be rotated, and the state stays the same."""
    scope = Scope.of(filters={"email": "zoe@example.com"})
    assert scope.filters is not None
    assert "zoe" not in scope.filters
    digested = sha256(b"candidate_filters.email:zoe@example.com").hexdigest()[:16]
    assert json.loads(scope.filters) == {"email": digested}
    assert scope.readable_filters is None
    assert Scope.of(filters={"min_score": "1"}).readable_filters == {"min_score": "1"}
    assert EVERYTHING.readable_filters == {}


@given(one=SCOPES, last=st.none() | SCOPES)
def test_how_a_scope_stands_to_the_last_one(one: Scope, last: Scope | None) -> None:
    relation = one.relation(last)
    assert (relation is Relation.SAME) is (one == last)
    if last is None:
        assert relation is Relation.WIDER
    elif one != last:
        assert (relation is Relation.WIDER) is one.covers(last)


@given(SCOPES)
def test_a_scope_that_was_made_is_one(one: Scope) -> None:
    assert one.checked() == one


@given(last=st.none() | SCOPES, some=st.lists(SCOPES, max_size=6))
def test_only_what_another_does_not_cover_is_remembered(
    last: Scope | None, some: list[Scope]
) -> None:
    left = widest(last, some)
    kept = [*left, *filter(None, [last])]
    assert all(any(one.covers(other) for one in kept) for other in some)
    assert set(left) <= set(some)
    for one, other in itertools.permutations(left, 2):
        assert not one.covers(other)
    assert last is None or not any(last.covers(one) for one in left)


# Parts


@pytest.mark.parametrize(
    ("text", "number", "parts"),
    [("1/1", 1, 1), ("1/2", 1, 2), ("2/4", 2, 4), ("4/4", 4, 4), ("256/256", 256, 256)],
)
def test_a_part_is_read(text: str, number: int, parts: int) -> None:
    part = Part.parse(text)
    assert part == Part(number, parts)
    assert str(part) == ("" if parts == 1 else text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "1", "/", "1/", "/4", "0/4", "5/4", "-1/4", "01/4", "1/04", "1/4/4"),
        *("1/257", "1/1000", " 1/4", "1/4 ", "1/4\n", "1 /4", "\u0661/4", "a/b"),
    ],
)
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - it says nothing
        Part.parse(text)


def test_no_part_is_everybody() -> None:
    assert Part(1, 1) == EVERYBODY
    assert str(EVERYBODY) == ""
    assert all(EVERYBODY.has(str(number)) for number in range(100))


@pytest.mark.parametrize("parts", [2, 3, 4, MOST_PARTS])
def test_each_candidate_is_in_one_part(parts: int) -> None:
    ids = [str(number) for number in range(8 * parts)]
    members = [
        {key for key in ids if Part(number, parts).has(key)}
        for number in range(1, parts + 1)
    ]
    assert sum(map(len, members)) == len(ids)
    assert set.union(*members) == set(ids)


def test_parts_are_even_and_the_same_for_good() -> None:
    part = Part(2, 4)
    assert 2_300 < sum(part.has(str(number)) for number in range(10_000)) < 2_700
    expected = ["1", "14", "29"]
    assert [key for key in map(str, range(30)) if part.has(key)] == expected


# Lists


def test_everything_is_one_list() -> None:
    (query,) = queries(EVERYTHING, {})
    assert query == Query(None, (), None)
    assert query.params(7) == {"limit": "7", "order": "asc"}


def test_a_start_date_is_read_from_the_newest_on() -> None:
    scope = Scope.of(start_date="2026-01-01T00:00:00+00:00")
    (query,) = queries(scope, {})
    assert query.params(100) == {"limit": "100", "order": "desc"}


def test_each_opening_has_a_list() -> None:
    filters = {"min_score": "4", "email": "zoe@example.com"}
    scope = Scope.of(job_opening_ids=["2", "1"], filters=filters)
    first, second = queries(scope, filters)
    assert first.params(5) == {
        **filters,
        "job_opening_id": "1",
        "limit": "5",
        "order": "asc",
    }
    assert second.params(5) == {**first.params(5), "job_opening_id": "2"}


EARLY, LATE = "2026-01-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("present", "last", "expected"),
    [
        (None, None, None),
        (EARLY, LATE, EARLY),
        (LATE, EARLY, EARLY),
        (LATE, LATE, LATE),
        (None, LATE, None),
        (LATE, None, None),
    ],
)
def test_a_list_of_two_scopes_is_read_once_as_far_as_one_needs(
    present: str | None, last: str | None, expected: str | None
) -> None:
    one, other = (queries(Scope(start_date=start), {}) for start in (present, last))
    assert both(one, other) == queries(Scope(start_date=expected), {})


def test_lists_that_only_the_last_scope_needs_come_last() -> None:
    def of(*ids: str, **filters: str) -> list[Query]:
        return queries(Scope.of(job_opening_ids=ids), filters)

    assert both(of("1", "2"), of("2", "3")) == of("1", "2", "3")
    filtered = of("1", min_score="4")
    assert both(of("1"), filtered) == of("1") + filtered
    assert both(of("1"), []) == of("1")


@pytest.mark.parametrize("text", ["x", "[]", "5", '{"a":1}', '{"a":null}'])
def test_what_are_no_filters_make_no_scope(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - it says nothing
        Scope(filters=text).checked()


@pytest.mark.parametrize("text", ["x", "2026-01-01T00:00:00", "2026-13-01"])
def test_what_is_no_time_makes_no_scope(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - it says nothing
        Scope(start_date=text).checked()


def test_filters_are_written_in_one_way() -> None:
    one = Scope(filters='{"min_score":"1","max_score":"2"}').checked()
    assert one == Scope.of(filters={"max_score": "2", "min_score": "1"})
    assert Scope(filters="{}").checked() == EVERYTHING
