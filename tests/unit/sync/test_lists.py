"""Lists of candidates: read to their end, whatever moves while they are read."""

from __future__ import annotations

import itertools
import typing as t
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_toggl_hire.errors import (
    BadRequestError,
    ForbiddenError,
    NotFoundError,
    TapError,
    UnavailableError,
)
from tap_toggl_hire.sync.lists import (
    MOST_AHEAD,
    CandidateList,
    ScopeLists,
    in_turn,
    parse_row,
    seen_in,
)
from tap_toggl_hire.sync.scope import ALL_PARTS, Part, Query, Scope
from tests.unit.sync.fakes import FakeApi, FakeWorkers, candidate, row_of, source

if t.TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, t.Any]

EVERY = Query((), None)


def api(count: int, **fields: t.Any) -> FakeApi:
    made = FakeApi(candidate(number) for number in range(1, count + 1))
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def read(
    one: FakeApi, page_size: int = 3, *, query: Query = EVERY, workers: int = 8
) -> tuple[list[list[str | None]], CandidateList]:
    """Read a list; return the IDs of each page, and the list."""
    made = CandidateList(source(one, FakeWorkers(workers)), query, page_size).ask()
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
def test_each_candidate_is_listed_once(
    count: int, page_size: int, workers: int, options: dict[str, t.Any]
) -> None:
    one = api(count, **options)
    pages, made = read(one, page_size, workers=workers)
    assert sorted(ids(pages), key=int) == numbers(count)
    assert made.is_complete
    assert not made.is_accepted
    least = max(1, -(-count // min(page_size, one.largest_page)))
    assert least <= len(one.pages) <= least + 3


def test_a_long_list_is_read_from_both_ends_until_they_meet() -> None:
    pages, made = read(api(9))
    assert pages == [["1", "2", "3"], ["9", "8", "7"], ["4", "5", "6"], []]
    assert made.is_complete


def test_the_pages_of_both_ends_are_requested_ahead() -> None:
    one, workers = api(30), FakeWorkers(is_eager=False)
    made = CandidateList(source(one, workers), EVERY, 3).ask()
    pages = made.pages()
    next(pages)
    assert workers.most_waiting == 2


@pytest.mark.parametrize("rejection", [BadRequestError("no"), NotFoundError("no")])
def test_an_api_that_rejects_the_order_is_read_from_one_end(
    rejection: Exception,
) -> None:
    pages, made = read(api(9, rejection=rejection))
    assert ids(pages) == numbers(9)
    assert made.is_complete


def test_an_api_that_fails_at_the_other_end_fails() -> None:
    with pytest.raises(UnavailableError):
        read(api(9, rejection=UnavailableError("down")))


def test_an_api_that_ignores_the_order_is_read_from_one_end() -> None:
    one = api(9, knows_order=False)
    pages, made = read(one)
    assert ids(pages) == numbers(9)
    assert made.is_complete
    assert len(one.pages) == 4


# Short lists


def test_a_list_as_short_in_two_readings_is_accepted() -> None:
    one = api(9, miscounted=2)
    pages, made = read(one)
    assert sorted(ids(pages), key=int) == numbers(9)
    assert (made.is_complete, made.is_accepted) == (True, True)


def test_two_readings_together_may_be_complete() -> None:
    """The second one, with pages of another size, finds what the first one missed."""
    one = api(9)
    one.hidden = {"5"}
    one.miscounted = 1

    def show() -> None:
        one.hidden, one.miscounted = set(), 0

    one.before_page = lambda params: show() if params["limit"] == "2" else None
    pages, made = read(one)
    assert sorted(ids(pages), key=int) == numbers(9)
    assert pages[-3:].count(["5"]) == 1
    assert (made.is_complete, made.is_accepted) == (True, False)


def test_a_total_that_was_wrong_once_is_not_a_short_list() -> None:
    one = api(9)
    one.before_page = lambda params: setattr(one, "miscounted", params["limit"] == "3")
    pages, made = read(one)
    assert sorted(ids(pages), key=int) == numbers(9)
    assert (made.is_complete, made.is_accepted) == (True, False)


def test_two_readings_that_differ_are_no_list() -> None:
    one = api(9, miscounted=3)
    one.hidden = {"5"}

    def show() -> None:
        one.hidden, one.miscounted = set(), 2

    one.before_page = lambda params: show() if params["limit"] == "2" else None
    pages, made = read(one)
    assert sorted(ids(pages), key=int) == numbers(9)
    assert (made.is_complete, made.is_accepted) == (False, False)


def test_two_readings_of_as_many_other_candidates_are_no_list() -> None:
    one = api(4, miscounted=2)
    one.hidden = {"4"}

    def move() -> None:
        one.hidden, one.miscounted = {"1"}, 2

    one.before_page = lambda params: move() if params["limit"] == "2" else None
    pages, made = read(one, workers=1)
    assert sorted(ids(pages)) == numbers(4)
    assert (made.is_complete, made.is_accepted) == (False, False)


def test_the_smallest_total_counts() -> None:
    """A candidate that was deleted meanwhile is not missing."""
    one = api(9)
    on_page(one, "3", lambda: one.candidates.pop("9"))
    pages, made = read(one, workers=1)
    assert ids(pages) == numbers(8)
    assert made.is_complete
    assert len(one.pages) == 3


def test_the_second_reading_has_pages_of_another_size() -> None:
    for page_size, largest, second in (
        (3, 1000, "2"),
        (100, 4, "3"),
        (1, 1000, "2"),
        (2, 1000, "3"),
        (100, 1000, "5"),
    ):
        one = api(9, largest_page=largest, miscounted=1)
        _, made = read(one, page_size, workers=1)
        assert one.pages[-1]["limit"] == second
        assert made.is_accepted


def test_an_empty_first_page_with_a_link_does_not_end_a_list() -> None:
    one = api(9)
    whole = one.candidates_page

    def page(params: Json) -> Json:
        found = whole(params)
        if "after_id" in params or params["order"] == "desc":
            return found
        return {**found, "data": []}

    one.candidates_page = page  # type: ignore[method-assign,assignment]
    pages, made = read(one)
    assert set(ids(pages)) >= set(numbers(9)) - {"1", "2", "3"}
    assert not made.is_accepted


# Lists that move


@pytest.mark.parametrize(
    "dead",
    [NotFoundError("gone"), BadRequestError("no"), ForbiddenError("no"), "empty"],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_after_a_deleted_anchor_the_list_is_read_again(
    dead: str | Exception, workers: int
) -> None:
    one = api(9, dead_anchor=dead)
    on_page(one, "3", lambda: one.candidates.pop("3"))
    pages, made = read(one, workers=workers)
    assert set(ids(pages)) == set(numbers(9))
    assert len(ids(pages)) == 9
    assert made.is_complete


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("page_size", [1, 3])
def test_a_list_that_begins_anew_after_a_deleted_anchor_is_read_again(
    workers: int, page_size: int
) -> None:
    one = api(9, dead_anchor="start")
    on_page(one, "3", lambda: one.candidates.pop("3", None))
    pages, made = read(one, page_size, workers=workers)
    assert set(ids(pages)) == set(numbers(9))
    assert len(ids(pages)) == 9
    assert made.is_complete


def test_a_list_with_a_start_that_begins_anew_is_read_again() -> None:
    one = api(9, dead_anchor="start")
    on_page(one, "7", lambda: one.candidates.pop("7", None))
    query = Query((), datetime(2026, 1, 1, 0, 5, tzinfo=UTC))
    pages, made = read(one, query=query)
    assert ids(pages) == ["9", "8", "7", "6", "5"]
    assert (made.is_complete, made.is_accepted) == (True, False)


def test_a_failure_is_not_a_deleted_anchor() -> None:
    one = api(9)
    on_page(one, "3", lambda: one.candidates.pop("3"))
    one.dead_anchor = UnavailableError("down")
    with pytest.raises(UnavailableError):
        read(one)


@pytest.mark.parametrize("error", [NotFoundError("no"), BadRequestError("no")])
def test_an_error_on_the_first_page_is_raised(error: Exception) -> None:
    one = api(9)

    def fail(params: Json) -> None:
        del params
        raise error

    one.before_page = fail
    with pytest.raises(type(error)):
        read(one)


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
    looping(one, lambda: rows)
    with pytest.raises(TapError, match="loop") as caught:
        read(one)
    assert caught.value.is_transient
    assert len(one.pages) == 3


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
    pages, made = read(one, query=Query((), datetime(2026, 1, 1, 0, 5, tzinfo=UTC)))
    assert pages == [["9", "8", "7"], ["6", "5"]]
    assert [page["order"] for page in one.pages] == ["desc", "desc"]
    assert (made.is_complete, made.is_accepted) == (True, False)


def test_a_start_before_the_first_candidate_is_checked_by_the_total() -> None:
    since = Query((), datetime(2025, 1, 1, tzinfo=UTC))
    pages, made = read(api(9), query=since)
    assert ids(pages) == numbers(9)[::-1]
    assert (made.is_complete, made.is_accepted) == (True, False)
    _, short = read(api(9, miscounted=1), query=since)
    assert (short.is_complete, short.is_accepted) == (True, True)


def test_a_start_after_the_last_candidate_leaves_none() -> None:
    one = api(9)
    pages, made = read(one, query=Query((), datetime(2027, 1, 1, tzinfo=UTC)))
    assert ids(pages) == []
    assert made.is_complete
    assert len(one.pages) == 1


def test_a_candidate_without_a_time_ends_no_list() -> None:
    one = api(4)
    one.candidates["3"]["started_at"] = None
    pages, made = read(one, 9, query=Query((), datetime(2026, 1, 1, 0, 2, tzinfo=UTC)))
    assert set(ids(pages)) == {"2", "3", "4"}
    assert made.is_complete


# Rows


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"id": 5}, "5"),
        ({"id": "a-b"}, "a-b"),
        ({"id": ""}, None),
        ({"id": True}, None),
        ({}, None),
        (None, None),
        ("5", None),
        ([], None),
    ],
)
def test_a_row_is_parsed(data: t.Any, expected: str | None) -> None:
    row = parse_row(data)
    assert row.id == expected
    assert row.data == (data if isinstance(data, dict) else {})
    assert row.started is None


@pytest.mark.parametrize("value", [None, "", "then", 5, [], True])
def test_what_is_not_a_time_is_no_start(value: t.Any) -> None:
    assert parse_row({"id": 1, "started_at": value}).started is None


def test_a_start_without_an_offset_is_utc() -> None:
    row = parse_row({"id": 1, "started_at": "2026-01-01T10:00:00"})
    assert row.started == datetime(2026, 1, 1, 10, tzinfo=UTC)


def test_rows_without_an_id_are_passed_on_and_not_counted() -> None:
    one = api(2)
    one.candidates["x"] = {**candidate(3), "id": None}
    one.miscounted = -1
    pages, made = read(one)
    assert pages == [["1", "2", None]]
    assert made.is_complete


# All lists of a scope


def scope_lists(
    one: FakeApi, scope: Scope, part: Part = ALL_PARTS, **options: t.Any
) -> ScopeLists:
    made = ScopeLists(
        source(one, options.get("workers")), scope, part, 3, seen_in(set())
    )
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
    pages = [[row.id for row in page] for page in made.pages()]
    assert pages == [["1", "4", "7"], ["2", "5", "8"], ["10"], ["11"]]
    assert (made.count, made.total) == (8, 8)
    assert made.is_complete
    assert not made.is_accepted
    assert {page["job_opening_id"] for page in one.pages} == {"0", "1"}


def test_the_first_ids_are_known_before_the_lists_are_read() -> None:
    one = two_openings()
    made = scope_lists(one, Scope(job_opening_ids=("0", "1")))
    assert [*made.first_ids()] == ["1", "4", "7", "2", "5", "8"]
    assert made.total == 8
    assert made.count == 0
    assert len(one.pages) == 2
    assert sum(map(len, made.pages())) == 8
    assert len(one.pages) == 4


def test_a_scope_is_complete_only_if_all_its_lists_are() -> None:
    one = two_openings()

    def move(params: Json) -> None:
        one.hidden = {"2"} if params["limit"] == "3" else set()
        one.miscounted = 5 * (params["job_opening_id"] == "1")

    one.before_page = move
    made = scope_lists(one, Scope(job_opening_ids=("1", "0")))
    assert sum(map(len, made.pages())) == 8
    assert not made.is_complete
    assert not made.is_accepted


def test_an_accepted_list_is_reported() -> None:
    one = two_openings()

    def miscount(params: Json) -> None:
        one.miscounted = int(params["job_opening_id"] == "1")

    one.before_page = miscount
    made = scope_lists(one, Scope(job_opening_ids=("0", "1")))
    assert sum(map(len, made.pages())) == 8
    assert (made.is_complete, made.is_accepted) == (True, True)


def test_the_total_is_unknown_until_the_first_page_or_if_that_lacks_it() -> None:
    assert scope_lists(api(4), Scope()).total is None
    made = scope_lists(api(4, has_total=False), Scope())
    assert sum(map(len, made.pages())) == 4
    assert made.total is None


def test_candidates_of_other_parts_are_left_out() -> None:
    one = api(9)
    one.candidates["x"] = {**candidate(10), "id": None}
    one.miscounted = -1
    part = Part(1, 2)
    made = scope_lists(one, Scope(), part)
    rows = [row.id for page in made.pages() for row in page]
    own = [i for i in numbers(9) if part.has(i)]
    assert sorted(filter(None, rows)) == own
    assert rows.count(None) == 1
    assert made.count == len(own)
    assert made.is_complete


def test_pages_that_were_read_ahead_come_in_their_order() -> None:
    made = scope_lists(api(6), Scope())
    made.read_ahead()
    assert made.count == 3
    made.read_ahead()
    made.read_ahead()
    pages = [[row.id for row in page] for page in made.pages()]
    assert pages == [["1", "2", "3"], ["4", "5", "6"]]


def test_only_some_pages_are_read_ahead() -> None:
    one = api(2 * MOST_AHEAD)
    workers = FakeWorkers(1)
    made = ScopeLists(source(one, workers), Scope(), ALL_PARTS, 1, seen_in(set()))
    made.ask()
    for _ in range(MOST_AHEAD + 5):
        made.read_ahead()
    assert made.count == MOST_AHEAD
    assert sum(map(len, made.pages())) == 2 * MOST_AHEAD


def test_iterables_of_any_length_are_read_in_turn() -> None:
    assert [*in_turn(["abc", "", "d", "ef"])] == ["a", "d", "e", "b", "f", "c"]
    assert [*in_turn([])] == []
