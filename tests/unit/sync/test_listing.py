"""One list, page after page: nothing lost, no circle, dead anchors stepped over."""

from __future__ import annotations

import itertools
import typing as t
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_toggl_hire.errors import NotFoundError, TapError
from tap_toggl_hire.sync.ids import Ids, IdSet
from tap_toggl_hire.sync.listing import MOST_DEAD, Listing, Row, parsed, total_of
from tests.support.memory import InlineWorkers, MemoryApi, candidate

Json = dict[str, t.Any]
Any = t.Any


def api(count: int, **fields: t.Any) -> MemoryApi:
    made = MemoryApi(candidate(number) for number in range(1, count + 1))
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def listing(
    one: MemoryApi, limit: int = 3, *, order: str = "asc", **more: t.Any
) -> Listing:
    client: Any = one
    workers: Any = InlineWorkers()
    params = {"limit": str(limit), "order": order}
    read = more.pop("read", None)
    return Listing(client, workers, params, set() if read is None else read, **more)


def ids(pages: t.Iterable[list[Row]]) -> list[list[str | None]]:
    return [[row.id for row in page] for page in pages]


@given(count=st.integers(0, 20), limit=st.integers(1, 9))
def test_each_row_comes_once_and_in_order(count: int, limit: int) -> None:
    one = api(count)
    pages = ids(listing(one, limit).ask())
    assert list(itertools.chain(*pages)) == [str(n) for n in range(1, count + 1)]
    assert one.asked["page"] == max(1, -(-count // limit))


def test_the_first_page_tells_the_total_and_the_size() -> None:
    one = listing(api(20, largest_page=4), 10).ask()
    assert len(one.start()) == 4
    assert (one.total, one.page_size) == (20, 4)
    assert len(list(itertools.chain(*one))) == 20
    unknown = listing(api(2, has_total=False)).ask()
    unknown.start()
    assert unknown.total is None


def test_rows_that_came_before_are_left_out() -> None:
    numbers = Ids()
    read = IdSet(numbers)
    read.add("2")
    one = listing(api(4), read=read).ask()
    assert ids(one) == [["1", "3"], ["4"]]
    assert [numbers[number] for number in one.order] == ["1", "3", "4"]
    assert len(read) == 4


def test_rows_without_an_id_are_handed_on() -> None:
    one = api(2)
    one.candidates["x"] = {**candidate(3), "id": None}
    assert ids(listing(one).ask()) == [["1", "2", None]]


def test_a_list_ends_where_rows_start_too_early() -> None:
    one = api(9)
    until = datetime(2026, 1, 1, 0, 5, tzinfo=UTC)
    made = listing(one, order="desc", until=until).ask()
    assert ids(made) == [["9", "8", "7"], ["6", "5"]]
    assert made.is_cut
    assert one.asked["page"] == 2
    whole = listing(one, order="desc", until=datetime(2025, 1, 1, tzinfo=UTC)).ask()
    assert len(list(itertools.chain(*whole))) == 9
    assert not whole.is_cut


def test_a_part_ends_where_another_begins() -> None:
    one = api(9)
    made = listing(one, ends={"5"}).ask()
    assert ids(made) == [["1", "2", "3"], ["4", "5", "6"]]
    assert one.asked["page"] == 2


def test_a_part_whose_end_is_gone_ends_where_it_meets_the_next() -> None:
    one = api(9)
    read = {"4", "5", "6", "7", "8", "9"}
    assert ids(listing(one, read=read, ends={"gone"}).ask()) == [["1", "2", "3"], []]
    assert one.asked["page"] == 2


# The list moves


@pytest.mark.parametrize("dead", ["error", "refused", "empty", "start"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_anchors_that_are_deleted_are_stepped_over(dead: str, count: int) -> None:
    one = api(9, dead_anchor=dead)

    def delete(params: Json) -> None:
        if params.get("after_id") == "3":
            for number in range(4 - count, 4):
                one.candidates.pop(str(number), None)

    one.before_page = delete
    found = list(itertools.chain(*ids(listing(one).ask())))
    assert set(found) == {str(n) for n in range(1, 10)}
    assert len(found) == 9


@pytest.mark.parametrize("dead", ["error", "start"])
def test_all_anchors_that_came_may_be_dead(dead: str) -> None:
    """Then the list is read from its start."""
    one = api(9, dead_anchor=dead)

    def delete(params: Json) -> None:
        if params.get("after_id") == "3":
            for number in "123":
                one.candidates.pop(number, None)

    one.before_page = delete
    assert set(itertools.chain(*ids(listing(one).ask()))) == set("123456789")


def test_more_dead_anchors_than_deletions_can_be_are_a_fault() -> None:
    """Two requests for each candidate that came would be endless."""
    one = api(40)

    def fail(params: Json) -> None:
        if "after_id" in params:
            one.candidates.clear()
            msg = "gone"
            raise NotFoundError(msg)

    one.before_page = fail
    with pytest.raises(TapError, match="one after the other"):
        list(listing(one, 10).ask())
    assert one.asked["candidate"] == MOST_DEAD + 1


def test_a_refusal_with_a_living_anchor_is_what_it_is() -> None:
    one = api(9)

    def fail(params: Json) -> None:
        if "after_id" in params:
            msg = "no"
            raise NotFoundError(msg)

    one.before_page = fail
    with pytest.raises(NotFoundError):
        list(listing(one).ask())
    assert one.asked["candidate"] == 1


def test_a_refusal_of_the_first_page_is_what_it_is() -> None:
    one = api(9)

    def fail(params: Json) -> None:
        del params
        msg = "no"
        raise NotFoundError(msg)

    one.before_page = fail
    with pytest.raises(NotFoundError):
        listing(one).ask().start()
    assert one.asked["candidate"] == 0


def test_an_empty_page_before_the_end_asks_whether_its_anchor_lives() -> None:
    """And is believed, if it does: the list is short, which the sweep sees."""
    one = api(9)

    def hide(params: Json) -> None:
        if params.get("after_id") == "3":
            one.hidden = {str(n) for n in range(4, 10)}

    one.before_page = hide
    assert ids(listing(one).ask()) == [["1", "2", "3"], []]
    assert one.asked["candidate"] == 1


def test_pages_that_bring_nothing_new_are_a_loop() -> None:
    one = api(40, dead_anchor="start")
    read = {str(n) for n in range(1, 41)}
    with pytest.raises(TapError, match="loop"):
        list(listing(one, read=read).ask())
    assert one.asked["page"] == 3


# Rows


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"id": 5}, "5"),
        ({"id": 0}, "0"),
        ({"id": "5"}, "5"),
        ({"id": "a-b"}, "a-b"),
        ({"id": ""}, None),
        ({"id": None}, None),
        ({"id": True}, None),
        ({"id": 1.5}, None),
        ({"id": ["5"]}, None),
        ({}, None),
        (None, None),
        ("5", None),
        ([], None),
    ],
)
def test_the_id_of_a_row(data: t.Any, expected: str | None) -> None:
    row = parsed(data)
    assert row.id == expected
    assert row.data == (data if isinstance(data, dict) else {})


@pytest.mark.parametrize("value", [None, "", "then", 5, [], True])
def test_what_is_no_time_is_no_start(value: t.Any) -> None:
    assert parsed({"id": 1, "started_at": value}).started is None
    assert parsed({"id": 1}).started is None


def test_a_start_has_an_offset() -> None:
    row = parsed({"id": 1, "started_at": "2026-01-01T10:00:00"})
    assert row.started == datetime(2026, 1, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("page", "expected"),
    [({}, None), ({"total": None}, None), ({"total": "5"}, None), ({"total": 5.0}, 5)],
)
def test_the_total_of_a_page(page: Json, expected: int | None) -> None:
    assert total_of(page) == expected
