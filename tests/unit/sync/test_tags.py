"""Which candidate has which tag, by the lists of tags and by details."""

from __future__ import annotations

import typing as t
from datetime import timedelta

import pytest

from sandbox import Fault
from tap_toggl_hire.errors import RateLimitError
from tap_toggl_hire.stop import Stop
from tap_toggl_hire.sync.ids import Ids
from tap_toggl_hire.sync.lists import Source
from tap_toggl_hire.sync.scope import Query
from tap_toggl_hire.sync.tags import TagLists
from tests.support.http import SandboxTransport
from tests.support.scheduler import Scheduler
from tests.unit.sync.world import (
    START,
    add_candidate,
    client_of,
    numbers,
    workspace,
)

if t.TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sandbox.messages import Request

Json = dict[str, t.Any]

RED, BLUE, NEW = "70", "80", "90"
TAGGED = {"1": (RED,), "2": (), "3": (RED, BLUE), "4": (BLUE,)}


class Tagged:
    """A workspace whose candidates have tags, and the lists of these tags."""

    def __init__(self, tagged: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self.transport = SandboxTransport(workspace())
        self.account = self.transport.account
        tagged = TAGGED if tagged is None else tagged
        for candidate_id, tag_ids in tagged.items():
            add_candidate(self.account, int(candidate_id), tag_ids=[*tag_ids])
        self.shown = [RED, BLUE]  # by `/tags`
        self.transport.faults.append(
            Fault("rewrite", match="tags", change=lambda *_: {"data": self.rows})
        )
        self.ids = Ids()
        self.stop = Stop(self.transport.clock)

    @property
    def rows(self) -> list[Json]:
        return [{"id": tag_id} for tag_id in self.shown]

    def lists(self, *params: tuple[str, str], size: int = 1, **options: t.Any) -> t.Any:
        """Return the lists of tags, not read."""
        since: datetime | None = options.pop("since", None)
        source = Source(client_of(self.transport), Scheduler(size, self.stop))
        options = {"are_dropped": False, **options}
        return TagLists(source, Query(params, since), 2, self.ids, **options)

    def read(
        self,
        *params: tuple[str, str],
        remembered: t.Iterable[str] = (),
        **options: t.Any,
    ) -> TagLists:
        """Read the lists of tags."""
        total = options.pop("total", len(self.account.listed_ids()))
        lists: TagLists = self.lists(*params, **options)
        for _ in lists.read(remembered, total):
            pass
        return lists

    def tag(self, candidate_id: str, *tag_ids: str) -> None:
        """Set the tags of a candidate."""
        self.account.set_field(candidate_id, "tag_ids", [*tag_ids])

    def contradict(self, lists: TagLists, candidate_id: str) -> bool:
        """Compare the details of a candidate with the lists."""
        return lists.contradict(candidate_id, self.account.detail(candidate_id))

    def fail(self, tag_id: str, status: int = 503, **query: str) -> None:
        """Let pages of the list of a tag fail."""
        wanted = {"tag_ids": tag_id, **query}
        self.transport.faults.append(
            Fault("status", status=status, match=lambda r: is_page(r, wanted))
        )

    def change_list(self, tag_id: str, change: t.Callable[[Json], Json]) -> None:
        """Change the pages of the list of a tag."""
        self.transport.faults.append(
            Fault(
                "rewrite",
                match=lambda request: is_page(request, {"tag_ids": tag_id}),
                change=lambda _, page: change(page),
            )
        )

    def ignore_filter(self) -> None:
        """Let the API answer a list of a tag with all candidates."""
        self.transport.on_request = lambda request: request.query.pop("tag_ids", None)

    @property
    def lists_requested(self) -> list[str]:
        """The tags whose lists were requested, page by page."""
        queries = [request.query for request in self.transport.requests]
        return [query["tag_ids"] for query in queries if "tag_ids" in query]


def is_page(request: Request, wanted: Json) -> bool:
    return request.kind == "candidates" and wanted.items() <= request.query.items()


def tags_of(lists: TagLists, *candidate_ids: str) -> list[tuple[str, ...] | None]:
    return [lists.of(candidate_id) for candidate_id in candidate_ids or TAGGED]


@pytest.fixture
def tagged() -> Tagged:
    return Tagged()


# The lists


def test_each_candidate_has_the_tags_whose_lists_show_it(tagged: Tagged) -> None:
    lists = tagged.read()
    assert tags_of(lists) == [(RED,), (), (RED, BLUE), (BLUE,)]
    assert lists.of("99") == ()
    assert lists.known == {RED, BLUE}
    assert (lists.are_unknown, lists.are_accepted, lists.version) == (False, False, 0)


def test_equal_combinations_of_tags_are_kept_once() -> None:
    tagged = Tagged(dict.fromkeys(numbers(4), (BLUE, RED)))
    lists = tagged.read()
    assert lists.of("1") == (RED, BLUE)
    assert lists.of("1") is lists.of("4")


def test_rows_of_tags_without_an_id_are_left_out(tagged: Tagged) -> None:
    tagged.shown += [None, ""]  # type: ignore[list-item]
    assert tagged.read().known == {RED, BLUE}
    assert tagged.lists_requested == [RED, BLUE]


def test_as_many_lists_as_workers_are_read_at_the_same_time(tagged: Tagged) -> None:
    tagged.shown = numbers(5)
    source = Source(
        client_of(tagged.transport), Scheduler(2, Stop(tagged.transport.clock))
    )
    lists = TagLists(source, Query((), None), 2, tagged.ids, are_dropped=False)
    steps = [*lists.read((), None)]
    assert len(steps) == 5 + 5  # before and after each of five pages
    assert source.workers.most_waiting == 2  # type: ignore[attr-defined]
    assert sorted(tagged.lists_requested) == numbers(5)


def test_filter_by_tags_is_kept(tagged: Tagged) -> None:
    lists = tagged.read(("tag_ids", BLUE), ("min_score", "0"), total=2)
    assert lists.of("3") == (RED, BLUE)
    assert lists.of("1") == ()  # outside the scope
    assert tagged.lists_requested == [f"{BLUE},{RED}", f"{BLUE},{BLUE}"]
    pages = [r.query for r in tagged.transport.requests if "tag_ids" in r.query]
    assert {query["min_score"] for query in pages} == {"0"}


def test_lists_end_at_the_start_date() -> None:
    tagged = Tagged(dict.fromkeys(numbers(9), (RED,)))
    lists = tagged.read(since=START + timedelta(minutes=8))
    assert tags_of(lists, "9", "8", "7") == [(RED,), (RED,), ()]
    assert not lists.are_unknown


def test_tags_that_are_dropped_are_not_read(tagged: Tagged) -> None:
    lists = tagged.read(remembered=[RED], are_dropped=True)
    assert lists.of("3") == ()
    assert lists.known == set()
    assert not tagged.contradict(lists, "3")
    assert lists.in_details({"tag_ids": [RED]}) == ()
    assert tagged.transport.requests == []


# Lists that are short, and that fail


@pytest.mark.parametrize("status", [400, 404, 503])
def test_tags_are_unknown_if_a_list_that_tags_shows_is_rejected_or_fails(
    tagged: Tagged, status: int
) -> None:
    tagged.fail(BLUE, status)
    lists = tagged.read()
    assert lists.are_unknown
    assert tags_of(lists) == [None] * 4
    assert lists.known == {RED, BLUE}


def test_tags_are_unknown_if_a_later_page_fails() -> None:
    tagged = Tagged(dict.fromkeys(numbers(5), (RED,)))
    tagged.fail(RED, after_id="2")
    assert tagged.read().are_unknown


@pytest.mark.parametrize("short", [RED, BLUE])
def test_list_that_is_short_in_the_same_way_twice_is_accepted(
    tagged: Tagged, short: str
) -> None:
    tagged.change_list(short, lambda page: {**page, "total": 3})
    lists = tagged.read()
    assert lists.are_accepted
    assert not lists.are_unknown
    assert lists.of("3") == (RED, BLUE)


def test_list_that_is_short_in_another_way_leaves_tags_unknown(tagged: Tagged) -> None:
    rows = [["3"], ["4"]]

    def show_other(page: Json) -> Json:
        shown = rows.pop(0)
        data = [row for row in page["data"] if row["id"] in shown]
        return {"data": data, "total": 5}

    tagged.change_list(BLUE, show_other)
    assert tagged.read().are_unknown


@pytest.mark.parametrize("is_shown", [True, False])
def test_empty_list_with_a_total_is_never_accepted(
    tagged: Tagged, *, is_shown: bool
) -> None:
    tagged.change_list(BLUE, lambda _: {"data": [], "total": 2})
    tagged.shown = [RED, BLUE] if is_shown else [RED]
    lists = tagged.read(remembered=[BLUE])
    assert lists.are_unknown
    assert not lists.are_accepted


# Tags that `/tags` does not show


def test_tag_that_the_state_knows_is_listed_too(tagged: Tagged) -> None:
    """An incomplete answer of `/tags` changes nothing."""
    tagged.shown = []
    lists = tagged.read(remembered=[BLUE, RED])
    assert tags_of(lists) == [(RED,), (), (RED, BLUE), (BLUE,)]
    assert lists.known == {RED, BLUE}


def test_tag_whose_list_is_empty_is_forgotten(tagged: Tagged) -> None:
    tagged.shown = [RED]
    for key in ("3", "4"):
        tagged.tag(key, RED)
    lists = tagged.read(remembered=[RED, BLUE])
    assert lists.known == {RED}
    assert not lists.are_unknown
    assert lists.in_details({"tag_ids": [BLUE, RED]}) == (RED,)


def test_tag_that_is_shown_and_has_no_candidates_is_known(tagged: Tagged) -> None:
    tagged.shown = [RED, BLUE, NEW]
    lists = tagged.read()
    assert lists.known == {RED, BLUE, NEW}
    assert lists.in_details({"tag_ids": [NEW]}) == (NEW,)


@pytest.mark.parametrize("status", [400, 404, 410])
def test_tag_whose_list_is_rejected_is_forgotten(tagged: Tagged, status: int) -> None:
    tagged.shown = [RED]
    tagged.fail(BLUE, status)
    lists = tagged.read(remembered=[BLUE])
    assert lists.known == {RED}
    assert not lists.are_unknown
    assert tags_of(lists) == [(RED,), (), (RED,), ()]


def test_tag_whose_list_fails_is_not_forgotten(tagged: Tagged) -> None:
    tagged.shown = [RED]
    tagged.fail(BLUE)
    lists = tagged.read(remembered=[BLUE])
    assert lists.known == {RED, BLUE}
    assert lists.are_unknown


def test_tag_whose_list_is_as_long_as_that_of_all_candidates_is_forgotten(
    tagged: Tagged,
) -> None:
    """The API answers an unknown tag with all candidates."""
    tagged.shown = []
    tagged.ignore_filter()
    lists = tagged.read(remembered=[BLUE])
    assert lists.known == set()
    assert not lists.are_unknown
    assert tags_of(lists) == [()] * 4


def test_tag_that_every_candidate_has_is_known_if_tags_shows_it() -> None:
    tagged = Tagged(dict.fromkeys(numbers(4), (RED,)))
    tagged.shown = [RED]
    lists = tagged.read()
    assert tags_of(lists) == [(RED,)] * 4


def test_list_of_a_tag_is_not_compared_with_a_total_that_is_unknown() -> None:
    tagged = Tagged(dict.fromkeys(numbers(4), (RED,)))
    tagged.shown = []
    lists = tagged.read(remembered=[RED], total=None)
    assert lists.known == {RED}
    assert tags_of(lists) == [(RED,)] * 4


# What details say


def test_archived_candidate_has_the_tags_that_exist(tagged: Tagged) -> None:
    """Nobody reads the list of a tag that only the archived have."""
    tagged.shown = [RED, NEW]
    lists = tagged.read(remembered=[BLUE])
    named = {"tag_ids": [RED, BLUE, NEW, "909"]}
    assert lists.known_in_details(named) == (RED, BLUE, NEW)
    assert lists.known_in_details({"tag_ids": None}) is None


def test_forgotten_tag_does_not_come_back_with_the_archived(tagged: Tagged) -> None:
    tagged.shown = [RED]
    tagged.fail(BLUE, 404)
    tagged.read(remembered=[BLUE])  # this run forgets it, and its state lacks it
    lists = tagged.read(remembered=[RED])
    assert lists.known_in_details({"tag_ids": [RED, BLUE]}) == (RED,)


@pytest.mark.parametrize("tag_ids", [None, [RED, None], [None]])
def test_details_without_tags_or_with_an_invalid_one_say_nothing(
    tagged: Tagged, tag_ids: t.Any
) -> None:
    lists = tagged.read()
    assert lists.in_details({"tag_ids": tag_ids}) is None
    assert not lists.contradict("1", {"tag_ids": tag_ids})


def test_tags_in_details_are_sorted_and_each_there_once(tagged: Tagged) -> None:
    lists = tagged.read()
    assert lists.in_details({"tag_ids": [BLUE, RED, BLUE]}) == (RED, BLUE)
    assert lists.in_details({"tag_ids": []}) == ()


def test_details_contradict_the_lists_if_their_tags_differ(tagged: Tagged) -> None:
    lists = tagged.read()
    assert not any(tagged.contradict(lists, key) for key in TAGGED)
    tagged.tag("2", RED)
    tagged.tag("4")
    assert [tagged.contradict(lists, key) for key in ("2", "4")] == [True, True]
    assert not lists.are_unknown
    assert (tagged.lists_requested, lists.version) == ([RED, BLUE], 0)


def test_tag_that_details_name_is_listed(tagged: Tagged) -> None:
    lists = tagged.read()
    tagged.tag("2", NEW)
    tagged.tag("4", BLUE, NEW)
    assert not tagged.contradict(lists, "2")
    assert lists.known == {RED, BLUE, NEW}
    assert tags_of(lists, "2", "4") == [(NEW,), (BLUE, NEW)]
    assert lists.version == 1
    assert not tagged.contradict(lists, "4")
    assert lists.version == 1
    assert tagged.lists_requested == [RED, BLUE, NEW]


def test_each_learned_tag_makes_another_version_of_the_lists(tagged: Tagged) -> None:
    lists = tagged.read()
    versions = {lists.version}
    for new in ("91", "92", "93"):
        tagged.tag("2", new)
        tagged.contradict(lists, "2")
        versions.add(lists.version)
    assert len(versions) == 4


def test_details_that_a_stop_leaves_uncompared_contradict(tagged: Tagged) -> None:
    """So the next run reads them again."""
    lists = tagged.read()
    tagged.tag("2", NEW)
    tagged.stop.signal(15)
    assert tagged.contradict(lists, "2")
    assert not lists.are_unknown


def test_quota_that_leaves_the_list_of_a_tag_unread_is_no_contradiction() -> None:
    """It would make tags unknown in this run and be distrust in the next."""
    tagged = Tagged(dict.fromkeys(numbers(60), ()))
    lists = tagged.read()
    for key in numbers(60):
        tagged.tag(key, NEW)
    tagged.stop.fail(RateLimitError("The API limits the rate of requests."))
    for key in numbers(60):
        assert tagged.contradict(lists, key)  # so the next run reads it again
    assert not lists.are_unknown
    assert not lists.are_contradicted


def test_forgotten_tag_that_details_go_on_naming_is_no_contradiction(
    tagged: Tagged,
) -> None:
    lists = tagged.read()
    tagged.tag("2", NEW)
    tagged.fail(NEW, 404)
    for _ in range(3):
        assert not tagged.contradict(lists, "2")
    assert lists.of("2") == ()
    assert lists.known == {RED, BLUE}


def test_tags_are_unknown_from_then_on_if_the_list_of_a_learned_tag_fails(
    tagged: Tagged,
) -> None:
    lists = tagged.read()
    tagged.tag("2", NEW)
    tagged.fail(NEW)
    assert not tagged.contradict(lists, "2")  # no list says otherwise
    assert lists.are_unknown
    assert lists.of("1") is None
    version = lists.version
    assert version > 0
    tagged.tag("4")
    assert not tagged.contradict(lists, "4")
    assert lists.version == version


def test_nothing_is_learned_while_tags_are_unknown(tagged: Tagged) -> None:
    tagged.fail(RED)
    lists = tagged.read()
    tagged.tag("2", NEW)
    tagged.contradict(lists, "2")
    assert NEW not in lists.known
    assert NEW not in tagged.lists_requested


# Distrust


def test_tags_are_unknown_once_most_details_contradict_the_lists() -> None:
    tagged = Tagged(dict.fromkeys(numbers(60), ()))
    tagged.shown = [RED]
    tagged.ignore_filter()
    lists = tagged.read()
    contradicting = [tagged.contradict(lists, key) for key in numbers(20)]
    assert contradicting == [True] * 20
    assert tags_of(lists, "1") == [(RED,)]
    version = lists.version
    assert tagged.contradict(lists, "21")
    assert lists.are_unknown
    assert lists.are_contradicted
    assert lists.version > version
    assert lists.known == {RED}


def test_lists_are_trusted_while_most_details_agree() -> None:
    tagged = Tagged(dict.fromkeys(numbers(60), ()))
    lists = tagged.read()
    for key in numbers(30):
        assert not tagged.contradict(lists, key)
    for key in numbers(31, 61):
        tagged.tag(key, RED)
        assert tagged.contradict(lists, key)
    assert not lists.are_unknown
    assert not lists.are_contradicted


def test_lists_that_are_distrusted_are_unknown(tagged: Tagged) -> None:
    lists = tagged.read()
    lists.distrust()
    assert lists.are_unknown
    assert lists.are_contradicted
    assert tags_of(lists) == [None] * 4


@pytest.mark.parametrize(
    ("count", "samples"),
    [(3, ["1", "4", "7"]), (9, numbers(9)), (1, ["1"]), (20, numbers(9))],
)
def test_samples_are_candidates_with_a_tag_spread_over_them(
    count: int, samples: list[str]
) -> None:
    tags = {key: (RED,) if int(key) < 10 else () for key in numbers(12)}
    assert Tagged(tags).read().samples(count) == samples


def test_there_are_no_samples_without_tagged_candidates() -> None:
    assert Tagged({"1": ()}).read().samples(3) == []
