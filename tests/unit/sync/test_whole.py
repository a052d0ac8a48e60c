"""A whole list: short ones are read again, believed or told, and parts make it up."""

from __future__ import annotations

import itertools
import typing as t
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_toggl_hire.errors import RefusedError
from tap_toggl_hire.sync.ids import Ids
from tap_toggl_hire.sync.whole import (
    LARGE,
    MOST_PARTS,
    READINGS,
    WholeList,
    in_turn,
    page_sizes,
)
from tests.support.memory import InlineWorkers, MemoryApi, candidate

Json = dict[str, t.Any]
Any = t.Any


def api(count: int) -> MemoryApi:
    return MemoryApi(candidate(number) for number in range(1, count + 1))


def whole(
    one: MemoryApi, limit: int = 3, *, order: str = "asc", **more: t.Any
) -> WholeList:
    client: Any = one
    workers: Any = InlineWorkers()
    more.setdefault("ids", Ids())
    params = {"limit": str(limit), "order": order}
    return WholeList(client, workers, params, **more).ask()


def read(one: WholeList) -> list[str | None]:
    return [row.id for rows in one.pages() for row in rows]


def ids(*numbers: int) -> list[str | None]:
    return [str(number) for number in numbers]


def test_a_whole_list_is_read_once() -> None:
    one = api(7)
    made = whole(one)
    assert read(made) == ids(*range(1, 8))
    assert made.total == 7
    assert made.is_complete
    assert not made.is_believed
    assert one.asked["page"] == 3


def test_without_a_total_nothing_is_short() -> None:
    one = api(7)
    one.has_total = False
    made = whole(one)
    assert len(read(made)) == 7
    assert made.total is None
    assert made.is_complete
    assert one.asked["page"] == 3


def test_a_list_that_shrank_meanwhile_is_whole() -> None:
    one = api(7)

    def delete(params: Json) -> None:
        if params.get("after_id") == "3":
            one.candidates.pop("6", None)

    one.before_page = delete
    made = whole(one)
    assert read(made) == ids(1, 2, 3, 4, 5, 7)
    assert made.is_complete
    assert not made.is_believed
    assert one.asked["page"] == 3  # 2 pages, and the total once more


class Skipping(MemoryApi):
    """Skips some rows with the page sizes that are named."""

    def __init__(self, skipped: dict[str, set[str]], count: int) -> None:
        super().__init__(candidate(number) for number in range(1, count + 1))
        self.skipped = skipped
        self.sizes: list[str] = []

    def candidates_page(self, params: Json) -> Json:
        if "after_id" not in params:
            self.sizes.append(params["limit"])
        page = super().candidates_page(params)
        out = self.skipped.get(params["limit"], self.skipped.get("any", set()))
        page["data"] = [row for row in page["data"] if str(row["id"]) not in out]
        return page


def test_rows_that_one_page_size_skips_come_with_another() -> None:
    one = Skipping({"4": {"4", "8"}}, 9)
    made = whole(one, 4)
    assert sorted(t.cast("list[str]", read(made))) == sorted(map(str, range(1, 10)))
    assert made.is_complete
    assert not made.is_believed
    assert one.sizes == ["4", "1", "3"]


@pytest.mark.parametrize(
    ("limit", "other"), [(1, 2), (2, 3), (3, 2), (4, 3), (5, 3), (100, 51)]
)
def test_a_list_that_is_short_the_same_way_twice_is_believed(
    limit: int, other: int
) -> None:
    """The API counts a candidate that it never shows."""
    one = api(9)
    one.miscounted = 1
    sizes: list[str] = []
    one.before_page = lambda params: (
        sizes.append(params["limit"]) if "after_id" not in params else None
    )
    made = whole(one, limit)
    assert len(read(made)) == 9
    assert made.is_complete
    assert made.is_believed
    assert sizes == [str(limit), "1", str(other), "1"]


def test_a_list_of_one_that_counts_two_is_believed() -> None:
    one = api(1)
    one.miscounted = 1
    made = whole(one)
    assert read(made) == ids(1)
    assert made.is_complete
    assert made.is_believed


def test_a_list_that_is_short_in_other_ways_each_time_is_not_whole() -> None:
    one = Skipping({}, 9)
    one.miscounted = 2
    sizes = itertools.count()

    def shrink(params: Json) -> None:
        if "after_id" not in params and params["limit"] != "1":
            one.skipped = {"any": {str(9 - next(sizes)), "1"}}
            one.miscounted += 1

    one.before_page = shrink
    made = whole(one, 5)
    read(made)
    assert not made.is_complete
    assert not made.is_believed
    assert len([size for size in one.sizes if size != "1"]) == READINGS


def test_what_only_the_last_reading_brings_makes_the_list_whole() -> None:
    one = Skipping({"5": {"1"}, "3": {"1", "2"}, "4": {"1"}, "2": {"1", "2"}}, 9)
    made = whole(one, 5)
    assert len(read(made)) == 9
    assert made.is_complete
    assert not made.is_believed


def test_a_list_of_which_only_the_last_two_readings_agree_is_believed() -> None:
    fewer = {"3": {"1", "2"}, "4": {"1", "2", "3"}}
    one = Skipping({"any": {"1"}, **fewer}, 9)
    one.miscounted = 1
    made = whole(one, 5)
    assert len(read(made)) == 8
    assert made.is_complete
    assert made.is_believed
    assert [size for size in one.sizes if size != "1"] == ["5", "3", "4", "2", "6"]


@pytest.mark.parametrize("usual", [12, 50, 100, 1000])
def test_the_page_sizes_of_the_readings_differ_and_none_is_larger(usual: int) -> None:
    sizes = [int(size) for size in page_sizes(usual)]
    assert sizes[0] == max(sizes) == usual
    assert len(set(sizes)) == READINGS


def test_a_list_that_says_there_are_some_and_shows_none_is_not_whole() -> None:
    one = api(0)
    one.miscounted = 9
    made = whole(one, 5)
    assert read(made) == []
    assert not made.is_complete
    assert not made.is_believed


def test_where_none_are_shown_and_no_total_is_told_any_more_none_are_short() -> None:
    one = api(0)
    one.miscounted = 9
    made = whole(one, 5)
    one.has_total = False
    assert read(made) == []
    assert made.is_complete


def test_an_empty_list_is_whole() -> None:
    made = whole(api(0))
    assert read(made) == []
    assert made.is_complete
    assert not made.is_believed


def test_pages_of_one_are_read_again_as_pages_of_two() -> None:
    one = Skipping({"1": {"2"}}, 3)
    made = whole(one, 1)
    assert set(read(made)) == set(ids(1, 2, 3))
    assert "2" in one.sizes


def test_a_list_that_is_left_early_is_not_short() -> None:
    one = api(9)
    until = datetime(2026, 1, 1, 0, 5, tzinfo=UTC)
    made = whole(one, order="desc", until=until)
    assert read(made) == ids(9, 8, 7, 6, 5)
    assert made.is_cut
    assert made.is_complete
    assert made.anchors() == []


def test_a_small_list_of_few_is_a_set_of_its_own() -> None:
    made = whole(api(5), ids=None)
    assert read(made) == ids(1, 2, 3, 4, 5)
    assert made.read == set("12345")
    assert made.anchors() == []


# Parts


def test_where_parts_may_begin() -> None:
    small = whole(api(3 * LARGE - 3))
    read(small)
    assert small.anchors() == []
    large = whole(api(3 * LARGE))
    read(large)
    assert large.anchors() == [str(number) for number in range(6, 3 * LARGE, 6)]
    assert len(large.anchors()) < MOST_PARTS


def test_parts_of_pages_of_one_may_begin_up_to_the_last_but_one() -> None:
    made = whole(api(LARGE + 1), 1)
    read(made)
    assert made.anchors() == [str(number) for number in range(2, LARGE + 1, 2)]


def test_of_a_list_whose_total_is_unknown_there_are_no_parts() -> None:
    one = api(3 * LARGE)
    one.has_total = False
    made = whole(one)
    read(made)
    assert made.anchors() == []


def test_of_an_order_from_the_newest_on_there_are_no_parts() -> None:
    made = whole(api(3 * LARGE), order="desc")
    read(made)
    assert made.anchors() == []


@given(count=st.integers(0, 60), limit=st.integers(1, 7), data=st.data())
def test_parts_make_up_the_whole(count: int, limit: int, data: st.DataObject) -> None:
    one = api(count)
    anchors = data.draw(
        st.lists(st.integers(1, 60), unique=True, max_size=5).map(sorted)
    )
    one.dead_anchor = data.draw(st.sampled_from(["error", "empty", "start"]))
    made = whole(one, limit, anchors=[str(number) for number in anchors])
    found = read(made)
    assert set(found) == {str(number) for number in range(1, count + 1)}
    assert len(found) == count
    assert made.is_complete
    assert not made.is_believed


def test_parts_take_no_more_requests_than_the_whole() -> None:
    one = api(3 * LARGE)
    first = whole(one)
    read(first)
    pages = one.asked["page"]
    one.asked.clear()
    again = whole(one, anchors=first.anchors())
    read(again)
    assert one.asked["page"] == pages
    assert again.anchors() == first.anchors()


def test_parts_are_asked_for_at_once() -> None:
    one = api(30)
    whole(one, 3, anchors=["9", "18"])
    assert one.asked["page"] == 3


def test_a_part_that_fails_is_read_by_the_one_before_it() -> None:
    one = api(30)

    def fail(params: Json) -> None:
        if params.get("after_id") == "18" and not one.asked["failed"]:
            one.asked["failed"] += 1
            msg = "no"
            raise RefusedError(msg)

    one.before_page = fail
    made = whole(one, 3, anchors=["9", "18"])
    assert set(read(made)) == set(ids(*range(1, 31)))
    assert one.asked["page"] == 10


def test_without_a_total_there_are_no_parts() -> None:
    one = api(30)
    one.has_total = False
    made = whole(one, 3, anchors=["9", "18"])
    assert read(made) == ids(*range(1, 31))


def test_what_is_new_meanwhile_comes_too() -> None:
    one = api(30)

    def add(params: Json) -> None:
        if params.get("after_id") == "21":
            one.candidates["99"] = candidate(99)

    one.before_page = add
    made = whole(one, 3, anchors=["9", "18"])
    assert set(read(made)) == {*map(str, range(1, 31)), "99"}


def test_as_many_parts_as_are_used_and_no_more() -> None:
    """A state made to harm names very many."""
    one = api(100)
    made = whole(one, 3, anchors=[str(number) for number in range(1, 101)])
    assert one.asked["page"] <= MOST_PARTS + 1
    assert len(read(made)) == 100


# Turns


@given(st.lists(st.lists(st.integers(), max_size=4), max_size=4))
def test_each_has_its_turn(lists: list[list[int]]) -> None:
    missing = object()
    expected = [
        item
        for column in itertools.zip_longest(*lists, fillvalue=missing)
        for item in column
        if item is not missing
    ]
    assert list(in_turn(lists)) == expected


@pytest.mark.parametrize("position", [0, 1])
def test_the_next_of_one_is_asked_for_only_in_its_turn(position: int) -> None:
    taken: list[str] = []

    def source(name: str) -> t.Iterator[str]:
        for _ in range(2):
            taken.append(name)
            yield name

    turns = in_turn([source("a"), source("b")])
    for _ in range(position + 1):
        next(turns)
    assert taken == ["a", "b"][: position + 1]
