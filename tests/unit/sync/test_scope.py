"""Which candidates the settings select, and which lists make them up."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tap_toggl_hire.sync.scope import ALL, ALL_PARTS, MOST_PARTS, Part, Query, Scope

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


def test_all_scopes_but_the_widest_are_narrowed() -> None:
    assert [scope.is_narrowed for scope in SCOPES] == [False] + [True] * 9


def test_equal_scopes_and_no_others_have_equal_keys() -> None:
    keys = [scope.key for scope in SCOPES]
    assert len(set(keys)) == len(keys)
    assert keys[0] == ALL == "all"
    two, reversed_two = Scope(job_opening_ids=("1", "2")), ("2", "1")
    assert Scope(job_opening_ids=reversed_two).key == two.key


def test_a_key_is_short_and_has_nothing_personal() -> None:
    for scope in SCOPES[1:]:
        assert len(scope.key) == 16
        assert "zoe" not in scope.key


def test_keys_are_the_same_in_every_version() -> None:
    """Another one would ask for all candidates that left the selection."""
    assert Scope(filters=(("min_score", "40"),)).key == "d1321384e287ef34"
    assert SCOPES[-1].key == "c1411fdb0d29ec42"


def test_a_scope_is_one_list_or_one_per_opening() -> None:
    filters = (("email", "zoe@example.com"), ("min_score", "4"))
    assert Scope().queries() == [Query((), None)]
    assert Scope(START, filters=filters).queries() == [Query(filters, START)]
    assert Scope(START, ("2", "1"), filters).queries() == [
        Query((*filters, ("job_opening_id", "2")), START),
        Query((*filters, ("job_opening_id", "1")), START),
    ]
    assert Scope(job_opening_ids=()).queries() == []


def test_the_shared_list_has_all_candidates_whatever_their_opening() -> None:
    filters = (("min_score", "4"),)
    assert Scope(START, ("1", "2"), filters).shared == Query(filters, START)


def test_the_first_page_of_a_list() -> None:
    query = Query((("min_score", "4"),), START)
    assert query.first_page(7) == {"min_score": "4", "limit": "7", "order": "asc"}
    assert query.first_page(100, order="desc") == {
        "min_score": "4",
        "limit": "100",
        "order": "desc",
    }


# Parts


@pytest.mark.parametrize(
    ("text", "number", "parts"),
    [("1/1", 1, 1), ("1/2", 1, 2), ("2/4", 2, 4), ("4/4", 4, 4), ("256/256", 256, 256)],
)
def test_a_part_is_parsed(text: str, number: int, parts: int) -> None:
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
def test_what_is_not_a_part_is_rejected(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - it has no message
        Part.parse(text)


def test_without_parts_every_candidate_is_in_the_only_one() -> None:
    assert Part() == ALL_PARTS
    assert str(ALL_PARTS) == ""
    assert all(ALL_PARTS.has(str(number)) for number in range(100))


@pytest.mark.parametrize("parts", [2, 3, 4, MOST_PARTS])
def test_each_candidate_is_in_one_part(parts: int) -> None:
    ids = [str(number) for number in range(8 * parts)]
    members = [
        {candidate_id for candidate_id in ids if Part(number, parts).has(candidate_id)}
        for number in range(1, parts + 1)
    ]
    assert sum(map(len, members)) == len(ids)
    assert set.union(*members) == set(ids)


def test_parts_are_even_and_never_change() -> None:
    part = Part(2, 4)
    assert 2_300 < sum(part.has(str(number)) for number in range(10_000)) < 2_700
    assert [i for i in map(str, range(30)) if part.has(i)] == ["1", "14", "29"]
