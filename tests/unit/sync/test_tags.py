"""Which candidate has which tag."""

from __future__ import annotations

import typing as t
from collections import deque
from datetime import UTC, datetime
from unittest import mock

import pytest

from tap_toggl_hire.errors import BadRequestError, NotFoundError
from tap_toggl_hire.sync.inventory import Inventory
from tap_toggl_hire.sync.scope import Query
from tap_toggl_hire.sync.tags import TagLists
from tests.unit.sync.fakes import FakeApi, FakeWorkers, candidate, source

Json = dict[str, t.Any]

TAGGED = {1: ["7"], 2: [], 3: ["8", "7"], 4: ["8"]}


def api() -> FakeApi:
    one = FakeApi(candidate(number, tag_ids=tags) for number, tags in TAGGED.items())
    one.tag_rows = [{"id": 7}, {"id": "8"}, {"id": None}, {}]
    return one


def lists(
    one: FakeApi,
    *params: tuple[str, str],
    since: datetime | None = None,
    is_dropped: bool = False,
) -> TagLists:
    made = TagLists(
        source(one), Query(params, since), 2, Inventory().number, is_dropped
    )
    deque(made.read(), maxlen=0)
    return made


def tags_of(made: TagLists) -> list[tuple[str, ...] | None]:
    return [made.of(str(number)) for number in (*TAGGED, 99)]


def on_list_of(one: FakeApi, tag_id: str, change: t.Callable[[], object]) -> None:
    def before_page(params: Json) -> None:
        one.miscounted = 0
        if params.get("tag_ids") == tag_id:
            change()

    one.before_page = before_page


def hide(one: FakeApi, tag_id: str, candidate_id: str) -> None:
    """Leave a candidate out of the first page of a list, and count too many."""
    seen: list[str] = []

    def move() -> None:
        one.hidden = set() if seen else {candidate_id}
        one.miscounted = 5
        seen.append(tag_id)

    on_list_of(one, tag_id, move)


def test_each_candidate_has_its_tags_sorted() -> None:
    one = api()
    one.candidates["5"] = candidate(5, tag_ids=["7", "8"])
    made = lists(one)
    assert tags_of(made) == [("7",), (), ("7", "8"), ("8",), ()]
    assert made.of("5") is made.of("3")  # equal combinations are kept once
    assert len(made) == 2
    assert (made.are_unknown, made.is_accepted, made.version) == (False, False, 0)


def test_as_many_lists_as_workers_are_requested_at_the_same_time() -> None:
    one, workers = api(), FakeWorkers(2, is_eager=False)
    one.tag_rows = [{"id": number} for number in range(5)]
    made = TagLists(
        source(one, workers), Query((), None), 2, Inventory().number, is_dropped=False
    )
    assert len([*made.read()]) == 5 + 5  # it yields before and after each page
    assert workers.most_waiting == 2
    assert sorted(page["tag_ids"] for page in one.pages) == [*"01234"]


def test_tags_that_are_dropped_are_not_read() -> None:
    one = api()
    made = lists(one, is_dropped=True)
    made.learn(["7", "99"])
    assert (made.of("3"), len(made), made.version) == ((), 0, 0)
    assert (one.pages, one.tags_reread) == ([], 0)


def test_a_filter_by_tags_is_kept() -> None:
    one = api()
    made = lists(one, ("tag_ids", "8"), ("min_score", "4"))
    assert made.of("3") == ("7", "8")
    assert made.of("1") == ()  # outside the scope
    assert [page["tag_ids"] for page in one.pages] == ["8,7", "8,8"]
    assert {page["min_score"] for page in one.pages} == {"4"}


def test_the_lists_end_at_the_start_date() -> None:
    one = api()
    one.candidates = {str(n): candidate(n, tag_ids=["7"]) for n in range(1, 10)}
    made = lists(one, since=datetime(2026, 1, 1, 0, 8, tzinfo=UTC))
    assert [made.of(str(number)) for number in (9, 8, 7)] == [("7",), ("7",), ()]
    assert not made.are_unknown
    assert {page["order"] for page in one.pages} == {"desc"}


def test_a_short_list_leaves_all_tags_unknown() -> None:
    one = api()
    hide(one, "8", "3")
    made = lists(one)
    assert made.are_unknown
    assert set(tags_of(made)) == {None}


def test_a_list_that_is_short_in_the_same_way_is_accepted() -> None:
    one = api()
    on_list_of(one, "8", lambda: setattr(one, "miscounted", 1))
    made = lists(one)
    assert (made.are_unknown, made.is_accepted) == (False, True)
    assert made.of("3") == ("7", "8")


ERROR = pytest.mark.parametrize("error", [NotFoundError("no"), BadRequestError("no")])


@ERROR
def test_a_tag_that_was_deleted_while_the_lists_are_read_is_left_out(
    error: Exception,
) -> None:
    one = api()
    one.later_tag_rows = [{"id": "7"}]
    on_list_of(one, "8", mock.Mock(side_effect=error))
    made = lists(one)
    assert not made.are_unknown
    assert len(made) == 1
    assert made.of("3") == ("7",)


@ERROR
def test_a_tag_that_exists_and_fails_fails_the_run(error: Exception) -> None:
    one = api()
    on_list_of(one, "8", mock.Mock(side_effect=error))
    with pytest.raises(type(error)):
        lists(one)


# Tags that only details name


def test_known_tags_are_not_looked_up() -> None:
    one = api()
    made = lists(one)
    made.learn(["7", "8"])
    made.learn([])
    assert (one.tags_reread, made.version) == (0, 0)


def test_a_tag_that_came_meanwhile_is_read() -> None:
    one = api()
    made = lists(one)
    one.tag_rows += [{"id": "9"}, {"id": "10"}]
    one.change("2", tag_ids=["9"])
    one.change("4", tag_ids=["8", "10"])
    pages = len(one.pages)
    made.learn(["9"])
    assert (made.of("2"), made.of("4")) == (("9",), ("10", "8"))
    assert len(made) == 4
    assert [page["tag_ids"] for page in one.pages[pages:]] == ["10", "9"]
    made.learn(["9", "10"])
    assert (made.version, one.tags_reread) == (1, 1)
    one.tag_rows.append({"id": "11"})
    made.learn(["11"])
    assert made.version == 2
    assert not made.are_unknown


def test_a_tag_that_does_not_exist_leaves_all_tags_unknown() -> None:
    one = api()
    made = lists(one)
    for _ in range(3):
        made.learn(["99"])
    assert one.tags_reread == 1
    assert made.are_unknown
    assert made.of("1") is None
    one.tag_rows.append({"id": "9"})
    made.learn(["9"])
    assert made.are_unknown  # whatever is learned later


def test_the_list_of_a_tag_that_came_meanwhile_may_be_short() -> None:
    one = api()
    made = lists(one)
    assert not made.are_unknown
    one.tag_rows.append({"id": "9"})
    one.change("2", tag_ids=["9"])
    hide(one, "9", "2")
    made.learn(["9"])
    assert made.are_unknown
