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


def test_equal_scopes_and_no_others_have_equal_keys() -> None:
    keys = [scope.key for scope in SCOPES]
    assert len(set(keys)) == len(keys)
    assert keys[0] == ALL == "all"
    two = [Scope(job_opening_ids=ids) for ids in (("1", "2"), ("2", "1"))]
    assert two[0].key == two[1].key
    for scope in SCOPES:
        assert scope.is_narrowed is (scope is not SCOPES[0])
        assert len(scope.key) == 16 or not scope.is_narrowed
        assert "zoe" not in scope.key


def test_keys_are_the_same_in_every_version() -> None:
    """Another one would ask for all candidates that left the selection."""
    assert Scope(filters=(("min_score", "40"),)).key == "d1321384e287ef34"
    assert SCOPES[-1].key == "c1411fdb0d29ec42"


def test_a_scope_is_one_list_or_one_per_opening() -> None:
    filters = (("email", "zoe@example.com"), ("min_score", "4"))
    two = Scope(START, ("2", "1"), filters)
    assert Scope().queries() == [Query((), None)]
    assert Scope(START, filters=filters).queries() == [Query(filters, START)]
    assert two.queries() == [
        Query((*filters, ("job_opening_id", "2")), START),
        Query((*filters, ("job_opening_id", "1")), START),
    ]
    assert two.shared == Query(filters, START)  # whatever the opening
    assert Scope(job_opening_ids=()).queries() == []


def test_the_first_page_of_a_list() -> None:
    query = Query((("min_score", "4"),), START)
    first = {"min_score": "4", "limit": "7", "order": "asc"}
    assert query.first_page(7) == first
    assert query.first_page(7, order="desc") == {**first, "order": "desc"}


# Parts


def test_a_part_is_parsed() -> None:
    for text in ("1/1", "1/2", "2/4", "4/4", "256/256"):
        number, parts = map(int, text.split("/"))
        assert Part.parse(text) == Part(number, parts)
        assert str(Part.parse(text)) == ("" if parts == 1 else text)
    assert Part() == ALL_PARTS


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


@pytest.mark.parametrize("parts", [1, 2, 3, 4, MOST_PARTS])
def test_each_candidate_is_in_one_part(parts: int) -> None:
    for candidate_id in map(str, range(8 * parts)):
        all_parts = [Part(number, parts) for number in range(1, parts + 1)]
        assert [part.has(candidate_id) for part in all_parts].count(True) == 1


def test_parts_are_even_and_never_change() -> None:
    part = Part(2, 4)
    assert 2_300 < sum(part.has(str(number)) for number in range(10_000)) < 2_700
    assert [i for i in map(str, range(30)) if part.has(i)] == ["1", "14", "29"]
