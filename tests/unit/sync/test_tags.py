"""Who has which tag."""

from __future__ import annotations

import typing as t
from datetime import UTC, datetime

import pytest

from tap_toggl_hire.errors import NotFoundError
from tap_toggl_hire.sync.tags import TagLists
from tests.support.memory import InlineWorkers, MemoryApi, candidate

Json = dict[str, t.Any]
Any = t.Any

TAGGED = {1: ["7"], 2: [], 3: ["8", "7"], 4: ["8"]}


def api() -> MemoryApi:
    one = MemoryApi(candidate(number, tag_ids=tags) for number, tags in TAGGED.items())
    one.tag_rows = [{"id": 7}, {"id": "8"}, {"id": None}, {}]
    return one


def lists(
    one: MemoryApi, *, known: int = 0, until: datetime | None = None, **params: str
) -> TagLists:
    client: Any = one
    workers: Any = InlineWorkers()
    query = {"limit": "2", "order": "asc", **params}
    made = TagLists(client, workers, query, known=known, until=until)
    made.ask()
    made.read()
    return made


def test_each_candidate_has_its_tags_in_one_order() -> None:
    one = lists(api())
    assert {number: one.of(str(number)) for number in (1, 2, 3, 4, 99)} == {
        1: ("7",),
        2: (),
        3: ("7", "8"),
        4: ("8",),
        99: (),
    }
    assert len(one) == 2
    assert one.is_complete
    assert one.believed == []
    assert one.version == 0


def test_a_filter_by_tags_is_asked_for_too() -> None:
    one = lists(api(), tag_ids="8")
    assert one.of("3") == ("7", "8")
    assert one.of("1") == ()  # the run does not list it


def test_lists_end_where_those_end_who_are_looked_for() -> None:
    one = api()
    one.candidates = {
        str(number): candidate(number, tag_ids=["7"]) for number in range(1, 10)
    }
    until = datetime(2026, 1, 1, 0, 8, tzinfo=UTC)
    made = lists(one, until=until, order="desc")
    assert made.of("8") == ("7",)
    assert made.of("1") == ()
    assert made.is_complete


def test_fewer_tags_than_there_were_are_asked_for_twice() -> None:
    one = api()
    rows, one.tag_rows = one.tag_rows, []
    reread = one.reread_tags

    def later() -> list[Json]:
        one.tag_rows = rows
        return reread()

    one.reread_tags = later  # type: ignore[method-assign]
    assert lists(one, known=2).of("3") == ("7", "8")
    assert one.asked["tags"] == 1
    one.asked.clear()
    assert lists(one, known=2).of("3") == ("7", "8")
    assert one.asked["tags"] == 0


def test_what_either_reading_of_the_tags_has_is_read() -> None:
    one = api()
    rows, one.tag_rows = one.tag_rows, [{"id": "7"}]
    reread = one.reread_tags

    def later() -> list[Json]:
        one.tag_rows = [row for row in rows if row.get("id") == "8"]
        return reread()

    one.reread_tags = later  # type: ignore[method-assign]
    assert lists(one, known=2).of("3") == ("7", "8")


def test_a_short_list_leaves_all_tags_unknown() -> None:
    one = api()

    def miscount(params: Json) -> None:
        one.miscounted += params.get("tag_ids") == "8"  # another total each time

    one.before_page = miscount
    made = lists(one)
    assert not made.is_complete
    assert {made.of(str(number)) for number in TAGGED} == {None}


def test_a_list_that_is_short_for_good_is_believed() -> None:
    one = api()

    def miscount(params: Json) -> None:
        one.miscounted = int(params.get("tag_ids") == "8")

    one.before_page = miscount
    made = lists(one)
    assert made.is_complete
    assert made.believed == ["8"]
    assert made.of("3") == ("7", "8")


def failing(one: MemoryApi, *, deleted: bool) -> None:
    def fail(params: Json) -> None:
        if params.get("tag_ids") == "8":
            if deleted:
                one.tag_rows = [{"id": "7"}]
            msg = "no"
            raise NotFoundError(msg)

    one.before_page = fail


def test_a_tag_that_was_deleted_a_moment_ago_is_left_out() -> None:
    one = api()
    failing(one, deleted=True)
    made = lists(one)
    assert made.is_complete
    assert len(made) == 1
    assert made.of("3") == ("7",)


def test_a_tag_that_is_there_and_fails_is_a_fault() -> None:
    one = api()
    failing(one, deleted=False)
    with pytest.raises(NotFoundError):
        lists(one)


# Tags that only details name


def test_tags_that_are_known_are_not_looked_for() -> None:
    one = api()
    made = lists(one)
    made.learn(["7", "8"])
    made.learn([])
    assert one.asked["tags"] == 0
    assert made.version == 0


def test_a_tag_that_came_meanwhile_is_read() -> None:
    one = api()
    made = lists(one)
    one.tag_rows += [{"id": "9"}, {"id": "10"}]
    one.candidates["2"]["tag_ids"] = ["9"]
    one.candidates["4"]["tag_ids"] = ["8", "10"]
    made.learn(["9"])
    assert made.version == 1
    assert made.of("2") == ("9",)
    assert made.of("4") == ("10", "8")
    assert len(made) == 4
    made.learn(["9", "10"])
    assert made.version == 1
    assert one.asked["tags"] == 1
    one.tag_rows.append({"id": "11"})
    made.learn(["11"])
    assert made.version == 2


def test_a_tag_that_is_not_there_is_looked_for_once() -> None:
    one = api()
    made = lists(one)
    pages = one.asked["page"]
    for _ in range(3):
        made.learn(["99"])
    assert one.asked["tags"] == 1
    assert one.asked["page"] == pages
    assert made.version == 0
    for tag_id in ("98", "99", "98"):
        made.learn([tag_id])
    assert one.asked["tags"] == 2
