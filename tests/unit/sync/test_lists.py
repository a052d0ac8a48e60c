"""Lists of candidates: read to their end, whatever moves while they are read."""

from __future__ import annotations

import itertools
import typing as t
from datetime import UTC, datetime
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_toggl_hire.errors import (
    BadRequestError,
    ForbiddenError,
    NotFoundError,
    TapError,
    UnavailableError,
)
from tap_toggl_hire.records import id_of
from tap_toggl_hire.sync.lists import (
    MOST_AHEAD,
    CandidateList,
    ScopeLists,
    parse_row,
    seen_in,
    smallest,
)
from tap_toggl_hire.sync.scope import ALL_PARTS, Part, Query, Scope
from tests.unit.sync.fakes import FakeApi, FakeWorkers, candidate, row_of, source

if t.TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, t.Any]

EVERY = Query((), None)


def since(time: str) -> Query:
    return Query((), datetime.fromisoformat(time).replace(tzinfo=UTC))


def api(count: int, **fields: t.Any) -> FakeApi:
    made = FakeApi(candidate(number) for number in range(1, count + 1))
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def read(
    one: FakeApi, page_size: int = 3, *, query: Query = EVERY, workers: int = 8
) -> tuple[list[list[str | None]], CandidateList]:
    """Read a list; return the IDs of each page, and the list."""
    lists = source(one, FakeWorkers(workers))
    made = CandidateList(lists, query, page_size, seen_in(set()))
    made.ask()
    return [[row.id for row in page] for page in made.pages()], made


def ids(pages: list[list[str | None]]) -> list[str]:
    return [*filter(None, itertools.chain(*pages))]


def numbers(count: int) -> list[str]:
    return [str(number) for number in range(1, count + 1)]


def on_page(one: FakeApi, anchor: str, change: Callable[[], object]) -> None:
    """Change the API when the page after an anchor is requested."""

    def before_page(params: Json) -> None:
        if params.get("after_id") == anchor:
            change()

    one.before_page = before_page


# Both ends


@given(
    count=st.integers(0, 20),
    page_size=st.integers(1, 9),
    workers=st.integers(1, 2),
    options=st.fixed_dictionaries(
        {
            "largest_page": st.integers(1, 9),
            "has_total": st.booleans(),
            "knows_order": st.booleans(),
        }
    ),
)
@example(5, 2, 2, {})
def test_each_candidate_is_listed_once(
    count: int, page_size: int, workers: int, options: dict[str, t.Any]
) -> None:
    one = api(count, **options)
    pages, made = read(one, page_size, workers=workers)
    assert sorted(ids(pages), key=int) == numbers(count)
    assert made.is_complete
    assert not made.is_accepted
    granted = min(page_size, one.largest_page)
    assert len(one.pages) >= count / granted
    # The lists of tags together stay within one request more each.
    assert len(one.pages) <= count // granted + 1 + (not one.knows_order)


def test_a_long_list_is_read_from_both_ends_until_they_meet() -> None:
    one = api(9)
    pages, made = read(one)
    assert read(api(6))[0] == [["1", "2", "3"], ["4", "5", "6"]]  # this one is short
    assert pages == [["1", "2", "3"], ["9", "8", "7"], ["4", "5", "6"], []]
    assert made.is_complete
    assert [page["order"] for page in one.pages] == ["asc", "desc", "asc", "asc"]


def test_the_pages_of_both_ends_are_requested_ahead() -> None:
    workers = FakeWorkers(is_eager=False)
    made = CandidateList(source(api(30), workers), EVERY, 3, seen_in(set()))
    made.ask()
    workers.submit(pytest.fail, "Details were requested before a page.")
    assert len([*itertools.islice(made.pages(), 2)]) == 2
    assert workers.most_waiting == 2 + 1


@pytest.mark.parametrize("rejection", [BadRequestError("no"), NotFoundError("no")])
def test_an_api_that_rejects_the_order_is_read_from_one_end(
    rejection: Exception,
) -> None:
    pages, made = read(api(9, rejection=rejection))
    assert ids(pages) == numbers(9)
    assert made.is_complete
    with pytest.raises(UnavailableError):
        read(api(9, rejection=UnavailableError("down")))


def test_an_api_that_ignores_the_order_is_read_from_one_end() -> None:
    one = api(9, knows_order=False)
    pages, made = read(one)
    assert ids(pages) == numbers(9)
    assert made.is_complete
    assert len(one.pages) == 4


# Short lists


SHORT: dict[str, tuple[Json, Json, tuple[bool, bool]]] = {
    # the first reading, what changes for the second one, complete and accepted
    "as short": ({"miscounted": 2}, {}, (True, True)),
    "complete together": (
        {"hidden": {"5"}, "miscounted": 1},
        {"hidden": set(), "miscounted": 0},
        (True, False),
    ),
    "a total that was wrong once": (
        {"miscounted": 1},
        {"miscounted": 0},
        (True, False),
    ),
    "different": (
        {"hidden": {"5"}, "miscounted": 3},
        {"hidden": set(), "miscounted": 2},
        (False, False),
    ),
    "as many others": (
        {"hidden": {"9"}, "miscounted": 2},
        {"hidden": {"1"}},
        (False, False),
    ),
}


@pytest.mark.parametrize("case", SHORT)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_short_list_is_read_twice(case: str, workers: int) -> None:
    first, second, expected = SHORT[case]
    one = api(9, **first)

    def before_page(params: Json) -> None:
        if params["limit"] == "2":
            vars(one).update(second)

    one.before_page = before_page
    pages, made = read(one, workers=workers)
    assert sorted(ids(pages), key=int) == numbers(9)
    assert (made.is_complete, made.is_accepted) == expected


def test_the_smallest_total_counts() -> None:
    """A candidate that was deleted meanwhile is not missing."""
    one = api(9)
    on_page(one, "3", lambda: one.candidates.pop("9"))
    pages, made = read(one, workers=1)
    assert ids(pages) == numbers(8)
    assert made.is_complete
    assert len(one.pages) == 3
    assert (smallest([9, 8]), smallest([9, None]), smallest([])) == (8, None, None)


@pytest.mark.parametrize(
    ("page_size", "largest", "second"),
    [(3, 1000, "2"), (100, 4, "3"), (1, 1000, "2"), (2, 1000, "3"), (100, 1000, "5")],
)
def test_the_second_reading_has_pages_of_another_size(
    page_size: int, largest: int, second: str
) -> None:
    one = api(9, largest_page=largest, miscounted=1)
    _, made = read(one, page_size, workers=1)
    assert one.pages[-1]["limit"] == second
    assert made.is_accepted


def test_an_empty_first_page_with_a_link_does_not_end_a_list() -> None:
    one = api(9)
    whole = one.candidates_page

    def page(params: Json) -> Json:
        is_first = "after_id" not in params and params["order"] == "asc"
        return {**whole(params), "data": []} if is_first else whole(params)

    one.candidates_page = page  # type: ignore[method-assign,assignment]
    pages, made = read(one)
    assert set(ids(pages)) >= set(numbers(9)) - {"1", "2", "3"}
    assert not made.is_accepted


# Lists that move

ERRORS = (NotFoundError, BadRequestError, ForbiddenError)


@pytest.mark.parametrize("dead", [*ERRORS, "empty", "start"])
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("page_size", [1, 3])
def test_after_a_deleted_anchor_the_list_is_read_again(
    dead: t.Any, workers: int, page_size: int
) -> None:
    one = api(9, dead_anchor=dead if isinstance(dead, str) else dead("gone"))
    one.has_total = isinstance(dead, str)  # an error needs none to be noticed
    on_page(one, "3", lambda: one.candidates.pop("3", None))
    pages, made = read(one, page_size, workers=workers)
    assert sorted(ids(pages)) == numbers(9)
    assert made.is_complete


def test_a_list_with_a_start_that_begins_anew_is_read_again() -> None:
    one = api(9, dead_anchor="start")
    on_page(one, "6", lambda: one.candidates.pop("6", None))
    pages, made = read(one, 2, query=since("2026-01-01T00:05"))
    assert ids(pages) == ["9", "8", "7", "6", "5"]
    assert (made.is_complete, made.is_accepted) == (True, False)
    assert {page["order"] for page in one.pages} == {"desc"}


@pytest.mark.parametrize("error", [NotFoundError, BadRequestError])
def test_an_error_on_the_first_page_and_a_failure_are_no_deleted_anchor(
    error: type[TapError],
) -> None:
    one = api(9)
    one.before_page = mock.Mock(side_effect=error("no"))
    with pytest.raises(error):
        read(one)
    other = api(9)
    on_page(other, "3", mock.Mock(side_effect=UnavailableError("down")))
    with pytest.raises(UnavailableError):
        read(other)


def looping(one: FakeApi, rows: Callable[[], list[Json]]) -> None:
    """Make every page lead on to another one."""
    number = itertools.count()

    def page(params: Json) -> Json:
        one.pages.append(params)
        link = f"?after_id={next(number)}"
        return {"data": rows(), "links": {"next": link}}

    one.candidates_page = page  # type: ignore[method-assign,assignment]


@pytest.mark.parametrize("rows", [[], [{"id": None}], ["x"]], ids=str)
def test_pages_without_candidates_that_lead_on_are_a_loop(rows: list[t.Any]) -> None:
    one = api(0)
    looping(one, lambda: [row_of(candidate(1))] if len(one.pages) == 3 else rows)
    with pytest.raises(TapError, match="loop") as caught:
        read(one)
    assert caught.value.is_transient
    assert len(one.pages) == 3 + 3


def test_pages_that_repeat_themselves_make_a_list_short() -> None:
    one = api(2)
    looping(one, lambda: [row_of(candidate(1)), row_of(candidate(2))])
    pages, made = read(one)
    assert ids(pages) == numbers(2)
    assert not made.is_complete
    assert len(one.pages) == 4


# Start dates


def test_a_list_with_a_start_is_read_back_to_it() -> None:
    one = api(9)
    pages, made = read(one, query=since("2026-01-01T00:05"))
    assert pages == [["9", "8", "7"], ["6", "5"]]
    assert [page["order"] for page in one.pages] == ["desc", "desc"]
    assert (made.is_complete, made.is_accepted) == (True, False)


def test_a_start_before_the_first_candidate_is_checked_by_the_total() -> None:
    for miscounted, is_accepted in ((0, False), (1, True)):
        pages, made = read(api(9, miscounted=miscounted), query=since("2025-01-01"))
        assert ids(pages) == numbers(9)[::-1]
        assert (made.is_complete, made.is_accepted) == (True, is_accepted)


def test_a_start_after_the_last_candidate_leaves_none() -> None:
    one = api(9)
    pages, made = read(one, query=since("2027-01-01"))
    assert ids(pages) == []
    assert made.is_complete
    assert len(one.pages) == 1


def test_a_candidate_without_a_time_ends_no_list() -> None:
    one = api(4)
    one.change("3", started_at=None)
    pages, made = read(one, 9, query=since("2026-01-01T00:02"))
    assert set(ids(pages)) == {"2", "3", "4"}
    assert made.is_complete


# Rows


@pytest.mark.parametrize("data", [{"id": 5}, {"id": "a-b"}, {"id": ""}, None, "5", []])
def test_any_value_is_a_row(data: t.Any) -> None:
    row = parse_row(data)
    assert (row.id, row.started) == (id_of(data), None)
    assert row.data == (data if isinstance(data, dict) else {})


@pytest.mark.parametrize("value", [None, "", "then", 5, [], True])
def test_what_is_not_a_time_is_no_start(value: t.Any) -> None:
    assert parse_row({"id": 1, "started_at": value}).started is None
    valid = parse_row({"id": 1, "started_at": "2026-01-01T10:00:00"})
    assert valid.started == datetime(2026, 1, 1, 10, tzinfo=UTC)


def test_rows_without_an_id_are_passed_on_and_not_counted() -> None:
    one = api(2, miscounted=-1)
    one.candidates["x"] = candidate(3, id=None)
    pages, made = read(one)
    assert pages == [["1", "2", None]]
    assert made.is_complete


# All lists of a scope


def scope_lists(
    one: FakeApi, scope: Scope | None = None, part: Part = ALL_PARTS, page_size: int = 3
) -> ScopeLists:
    made = ScopeLists(source(one), scope or Scope(), part, page_size, seen_in(set()))
    made.ask()
    return made


def two_openings() -> FakeApi:
    one = api(12)
    for number, body in enumerate(one.candidates.values()):
        body["job_opening_id"] = str(number % 3)
    return one


def test_the_lists_of_a_scope_are_read_in_turn() -> None:
    one = two_openings()
    made = scope_lists(one, Scope(job_opening_ids=("0", "1")))
    assert [*made.first_ids()] == ["1", "4", "7", "2", "5", "8"]
    assert (made.count, made.total, len(one.pages)) == (0, 8, 2)
    pages = [[row.id for row in page] for page in made.pages()]
    assert pages == [["1", "4", "7"], ["2", "5", "8"], ["10"], ["11"]]
    assert (made.count, made.total, len(one.pages)) == (8, 8, 4)
    assert (made.is_complete, made.is_accepted) == (True, False)
    assert {page["job_opening_id"] for page in one.pages} == {"0", "1"}


@pytest.mark.parametrize("hidden", [set(), {"2"}])
def test_a_scope_is_complete_or_accepted_only_if_all_its_lists_are(
    hidden: set[str],
) -> None:
    one = two_openings()

    def move(params: Json) -> None:
        one.hidden = hidden if params["limit"] == "3" else set()
        one.miscounted = 5 * (params["job_opening_id"] == "1")

    one.before_page = move
    made = scope_lists(one, Scope(job_opening_ids=("1", "0")))
    assert sum(map(len, made.pages())) == 8
    assert made.is_complete is made.is_accepted is (not hidden)


def test_the_total_is_unknown_until_the_first_page_or_if_that_lacks_it() -> None:
    assert scope_lists(api(4)).total is None
    made = scope_lists(api(4, has_total=False))
    assert sum(map(len, made.pages())) == 4
    assert made.total is None


def test_candidates_of_other_parts_are_left_out() -> None:
    one = api(9, miscounted=-1)
    one.candidates["x"] = candidate(10, id=None)
    part = Part(1, 2)
    made = scope_lists(one, part=part)
    rows = [row.id for page in made.pages() for row in page]
    own = [i for i in numbers(9) if part.has(i)]
    assert sorted(filter(None, rows)) == own
    assert rows.count(None) == 1
    assert made.count == len(own)
    assert made.is_complete


def test_some_pages_are_read_ahead_and_come_in_their_order() -> None:
    made = scope_lists(api(2 * MOST_AHEAD, knows_order=False), page_size=1)
    for count in range(1, MOST_AHEAD + 5):
        made.read_ahead()
        assert made.count == min(count, MOST_AHEAD)
    rows = [row.id for page in made.pages() for row in page]
    assert rows == numbers(2 * MOST_AHEAD)
