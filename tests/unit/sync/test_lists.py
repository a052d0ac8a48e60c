"""Lists of candidates: read to their end, whatever moves while they are read."""

from __future__ import annotations

import typing as t
from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import Fault
from tap_toggl_hire.api import workers
from tap_toggl_hire.api.workers import Workers
from tap_toggl_hire.errors import (
    BadRequestError,
    NotFoundError,
    TapError,
    UnavailableError,
)
from tap_toggl_hire.records import id_of
from tap_toggl_hire.stop import Stop
from tap_toggl_hire.sync import lists
from tap_toggl_hire.sync.ids import Ids
from tap_toggl_hire.sync.lists import (
    MAX_AHEAD,
    CandidateList,
    End,
    Outcome,
    Reading,
    ScopeLists,
    Source,
    outcome,
    parse_row,
    smallest,
)
from tap_toggl_hire.sync.scope import Query, Scope
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
    from collections.abc import Callable

    from sandbox.messages import Request

Json = dict[str, t.Any]

EVERY = Query((), None)


def started_since(minutes: int) -> Query:
    """Return the list of candidates that started so many minutes after the start."""
    return Query((), START + timedelta(minutes=minutes))


def api(candidates: int, **shapes: t.Any) -> SandboxTransport:
    """Return the API of a workspace with candidates "1", "2", ..."""
    transport = SandboxTransport(workspace(candidates))
    for name, value in shapes.items():
        setattr(transport.shapes, name, value)
    return transport


def source_of(transport: SandboxTransport, size: int = 8) -> Source:
    return Source(client_of(transport), Scheduler(size, Stop(transport.clock)))


Pages = list[list[str | None]]


def read(
    transport: SandboxTransport,
    page_size: int = 3,
    *,
    query: Query = EVERY,
    size: int = 8,
) -> tuple[Pages, CandidateList]:
    """Read a list; return the IDs of each page, and the list."""
    candidates = CandidateList(source_of(transport, size), query, page_size, Ids())
    candidates.ask()
    return [[row.id for row in page.rows] for page in candidates.pages()], candidates


def ids(pages: Pages) -> list[str]:
    return [*filter(None, chain(*pages))]


def pages_requested(transport: SandboxTransport) -> list[Json]:
    """Return the queries of the pages of candidates, in order."""
    return [r.query for r in transport.requests if r.kind == "candidates"]


def is_second_reading(request: Request) -> bool:
    """Return whether a request has the page size of a second reading, not 3."""
    return request.query.get("limit") == "2"


def before_page(
    transport: SandboxTransport, after: str, change: Callable[[], object]
) -> None:
    """Change the API when the page after a candidate is requested."""

    def on_request(request: Request) -> None:
        if request.query.get("after_id") == after:
            change()

    transport.on_request = on_request


def fail_page(
    transport: SandboxTransport, after: str, status: int = 503, **query: str
) -> None:
    """Let the page after a candidate fail permanently."""
    wanted = {**query, "after_id": after}

    def match(request: Request) -> bool:
        return wanted.items() <= request.query.items()

    transport.faults.append(Fault("status", status=status, match=match))


def rewrite(
    transport: SandboxTransport, change: Callable[[Request, Json], Json]
) -> None:
    """Change the pages of candidates."""
    fault = Fault("rewrite", match="candidates", change=change)
    transport.faults.append(fault)


# How a reading ends


def without_link(_: Request, page: Json) -> Json:
    """Return a page whose link to the next one is not where it should be."""
    return {**page, "links": {}, "next": page.get("links", {}).get("next")}


@pytest.mark.parametrize("total", [None, "9", 9])
def test_list_that_goes_on_after_a_page_without_a_link_is_an_error(
    total: t.Any,
) -> None:
    transport = api(9)
    rewrite(transport, lambda r, page: {**without_link(r, page), "total": total})
    with pytest.raises(TapError, match=r"links.next"):
        read(transport, size=1)
    assert [page.get("after_id") for page in pages_requested(transport)] == [None, "3"]


@pytest.mark.parametrize("dead_anchor", ["404", "400", "empty", "restart"])
def test_full_last_page_without_a_total_is_the_last_one(dead_anchor: str) -> None:
    transport = api(6, total="missing", dead_anchor=dead_anchor)
    pages, candidates = read(transport, size=1)
    assert ids(pages) == numbers(6)
    assert candidates.outcome is Outcome.COMPLETE
    assert [page.get("after_id") for page in pages_requested(transport)] == [
        None,
        "3",
        "6",
    ]


@pytest.mark.parametrize(("count", "total"), [(5, "missing"), (6, "present")])
def test_nothing_follows_a_short_page_or_one_that_reaches_the_total(
    count: int, total: str
) -> None:
    transport = api(count, total=total)
    _, candidates = read(transport, size=1)
    assert candidates.outcome is Outcome.COMPLETE
    assert len(pages_requested(transport)) == 2


def test_page_after_the_last_one_that_fails_fails_the_list() -> None:
    transport = api(6, total="missing")
    fail_page(transport, after="6")
    _, candidates = read(transport, size=1)
    assert candidates.outcome is Outcome.FAILED


def reading_of(
    transport: SandboxTransport, *, since: datetime | None = None, order: str = "asc"
) -> Reading:
    params = {"limit": "3", "order": order}
    return Reading(source_of(transport), params, Ids(), since)


def end_of(reading: Reading) -> tuple[Pages, End]:
    """Read to the end; return the IDs of each page, and how it ended."""
    pages: Pages = []
    while reading.end is None:
        reading.ask()
        pages.append([row.id for row in reading.take().rows])
    return pages, reading.end


def test_reading_ends_with_the_last_page() -> None:
    pages, end = end_of(reading_of(api(5)))
    assert pages == [["1", "2", "3"], ["4", "5"]]
    assert end is End.LAST_PAGE


def test_reading_ends_before_the_first_row_that_is_too_old() -> None:
    since = START + timedelta(minutes=3)
    pages, end = end_of(reading_of(api(9), since=since, order="desc"))
    assert pages == [["9", "8", "7"], ["6", "5", "4"], ["3"]]
    assert end is End.START_DATE


@pytest.mark.parametrize("dead", ["404", "400"])
def test_reading_is_lost_if_the_api_rejects_the_place_to_go_on_from(dead: str) -> None:
    transport = api(5, dead_anchor=dead)
    before_page(transport, "3", lambda: transport.account.delete("3"))
    reading = reading_of(transport)
    pages, end = end_of(reading)
    assert pages == [["1", "2", "3"], []]
    assert end is End.LOST
    assert reading.failure is None


def test_reading_fails_with_the_page_that_fails() -> None:
    transport = api(5)
    fail_page(transport, "3")
    reading = reading_of(transport)
    pages, end = end_of(reading)
    assert pages == [["1", "2", "3"], []]
    assert end is End.FAILED
    assert isinstance(reading.failure, UnavailableError)


@pytest.mark.parametrize("status", [400, 404, 503])
def test_first_page_that_fails_raises(status: int) -> None:
    transport = api(5)
    fault = Fault("status", status=status, match="candidates")
    transport.faults.append(fault)
    with pytest.raises((BadRequestError, NotFoundError, UnavailableError)):
        end_of(reading_of(transport))


def test_reading_ends_with_a_page_that_brings_nothing_new() -> None:
    transport = api(5, dead_anchor="restart")
    before_page(transport, "3", lambda: transport.account.delete("3"))
    pages, end = end_of(reading_of(transport))
    assert pages == [["1", "2", "3"], ["4"], ["5"]]
    assert end is End.LAST_PAGE
    again = Ids(("1", "2", "3"))
    for key in again:
        again.see(key)
    reading = Reading(source_of(transport), {"limit": "2", "order": "asc"}, again)
    pages, end = end_of(reading)
    assert pages == [[]]
    assert end is End.NOTHING_NEW


@pytest.mark.parametrize("rows", [[{"id": None}], ["x"], [{"uuid": "5"}]], ids=str)
def test_first_page_without_an_id_is_an_error_at_once(rows: list[t.Any]) -> None:
    transport = api(9)
    rewrite(transport, lambda _, page: {**page, "data": rows * 3})
    with pytest.raises(TapError, match="usable ID"):
        read(transport)
    assert len(pages_requested(transport)) == 1


@pytest.mark.parametrize("rows", [[], [{"id": None}], ["x"]], ids=str)
def test_pages_without_a_candidate_that_lead_on_are_a_loop(rows: list[t.Any]) -> None:
    transport = api(9)

    def lead_on(_: Request, page: Json) -> Json:
        number = len(transport.requests)
        data = page["data"][:1] if number == 2 else rows
        return {"data": data, "links": {"next": f"?after_id={number}"}}

    transport.shapes.dead_anchor = "restart"
    rewrite(transport, lead_on)
    with pytest.raises(TapError, match="loop") as raised:
        end_of(reading_of(transport))
    assert raised.value.is_transient
    # The one page with a row is the first, after the version; three more follow.
    assert len(pages_requested(transport)) == 1 + 3


def test_rows_that_go_on_in_time_contradict_the_order_that_start_date_needs() -> None:
    transport = api(0)
    for number in range(10, 90, 10):
        add_candidate(transport.account, number)
    transport.on_request = lambda request: request.query.update(order="asc")
    with pytest.raises(TapError, match="start_date") as raised:
        end_of(reading_of(transport, since=START, order="desc"))
    assert not raised.value.is_transient


@pytest.mark.parametrize(("seconds", "is_order"), [(60, True), (61, False)])
def test_rows_may_be_in_disorder_by_a_minute(seconds: int, is_order: bool) -> None:
    transport = api(2)
    first = START + timedelta(minutes=1)

    def swap(_: Request, page: Json) -> Json:
        earlier, later = page["data"][::-1]
        earlier["started_at"] = first.isoformat()
        later["started_at"] = (first + timedelta(seconds=seconds)).isoformat()
        return {**page, "data": [earlier, {"id": 3}, later]}

    rewrite(transport, swap)
    reading = reading_of(transport, since=START, order="desc")
    if is_order:
        assert end_of(reading)[1] is End.LAST_PAGE
    else:
        with pytest.raises(TapError, match="start_date"):
            end_of(reading)


# What one or two readings mean

WHOLE, BROKEN = (End.LAST_PAGE, End.START_DATE), (End.LOST, End.NOTHING_NEW)


@pytest.mark.parametrize("end", End)
@pytest.mark.parametrize("lacks_none", [True, False])
def test_two_readings_decide_whether_a_list_is_complete(
    end: End, lacks_none: bool
) -> None:
    def of(total: int | None, count: int) -> Outcome | None:
        return outcome(total, count, end, lacks_none=lacks_none)

    if end is End.FAILED:
        assert of(9, 9) is of(9, 8) is of(None, 9) is Outcome.FAILED
        return
    is_whole = end in WHOLE
    short = Outcome.ACCEPTED if is_whole and lacks_none else Outcome.SHORT
    assert of(9, 9) is of(9, 10) is of(0, 0) is Outcome.COMPLETE
    assert of(9, 8) is short
    assert of(1, 0) is Outcome.SHORT  # an empty list is never accepted
    assert of(None, 9) is (Outcome.COMPLETE if is_whole else Outcome.SHORT)


@pytest.mark.parametrize("end", End)
def test_list_is_read_again_unless_its_first_reading_is_complete_or_fails(
    end: End,
) -> None:
    if end is End.FAILED:
        assert outcome(9, 8, end) is Outcome.FAILED
        return
    assert outcome(9, 9, end) is Outcome.COMPLETE
    assert outcome(9, 8, end) is None
    unknown = Outcome.COMPLETE if end in WHOLE else None
    assert outcome(None, 9, end) is unknown


def test_candidates_are_missing_only_from_a_list_that_is_complete_or_accepted() -> None:
    complete = {outcome for outcome in Outcome if outcome.is_complete}
    assert complete == {Outcome.COMPLETE, Outcome.ACCEPTED}


# Both ends


@given(
    count=st.integers(0, 20),
    page_size=st.integers(1, 9),
    size=st.integers(1, 2),
    shapes=st.fixed_dictionaries(
        {
            "max_limit": st.integers(1, 9),
            "total": st.sampled_from(["present", "missing"]),
        }
    ),
    ignores_order=st.booleans(),
)
def test_each_candidate_is_listed_once(
    count: int, page_size: int, size: int, shapes: Json, *, ignores_order: bool
) -> None:
    transport = api(count, **shapes)
    if ignores_order:
        transport.on_request = lambda request: request.query.update(order="asc")
    pages, candidates = read(transport, page_size, size=size)
    assert sorted(ids(pages), key=int) == numbers(count)
    assert candidates.outcome is Outcome.COMPLETE
    requested = len(pages_requested(transport))
    actual_page_size = min(page_size, shapes["max_limit"])
    assert requested >= count / actual_page_size
    # One request more than there are pages, and another to see that order is ignored.
    assert requested <= count // actual_page_size + 1 + ignores_order


def test_long_list_is_read_from_both_ends_until_they_meet() -> None:
    transport = api(9)
    pages, candidates = read(transport)
    # The last page shows that the ends have met, whatever the total says.
    assert pages == [["1", "2", "3"], ["9", "8", "7"], ["4", "5", "6"], []]
    assert candidates.outcome is Outcome.COMPLETE
    assert candidates.count == candidates.total == 9
    orders = [query["order"] for query in pages_requested(transport)]
    assert sorted(orders) == ["asc", "asc", "asc", "desc"]


@pytest.mark.parametrize(
    ("candidates", "size", "query"),
    [(6, 8, EVERY), (9, 1, EVERY), (9, 8, started_since(0))],
)
def test_short_list_one_worker_or_a_start_date_is_read_from_one_end(
    candidates: int, size: int, query: Query
) -> None:
    transport = api(candidates)
    pages, _ = read(transport, size=size, query=query)
    assert sorted(ids(pages)) == numbers(candidates)
    assert len({query["order"] for query in pages_requested(transport)}) == 1


def test_pages_of_both_ends_are_requested_ahead() -> None:
    transport = api(30)
    source = source_of(transport)
    candidates = CandidateList(source, EVERY, 3, Ids())
    candidates.ask()
    pages = candidates.pages()
    for _ in range(4):
        next(pages)
    assert source.workers.most_waiting == 2  # type: ignore[attr-defined]


def test_api_that_ignores_the_order_is_read_from_one_end() -> None:
    transport = api(9)
    transport.on_request = lambda request: request.query.update(order="asc")
    pages, candidates = read(transport)
    assert pages == [["1", "2", "3"], ["4", "5", "6"], ["7", "8", "9"]]
    assert candidates.outcome is Outcome.COMPLETE
    assert len(pages_requested(transport)) == 3 + 1


@pytest.mark.parametrize("status", [400, 404, 503])
def test_api_that_rejects_the_order_is_read_from_one_end(status: int) -> None:
    transport = api(9)

    def match(request: Request) -> bool:
        return request.query.get("order") == "desc"

    transport.faults.append(Fault("status", status=status, match=match))
    pages, candidates = read(transport)
    assert ids(pages) == numbers(9)
    assert candidates.outcome is Outcome.COMPLETE


@pytest.mark.parametrize("size", [1, 8])
@pytest.mark.parametrize("is_counted", [True, False])
@pytest.mark.parametrize("place", [1, 4, 8])
def test_row_that_a_list_has_twice_makes_it_neither_short_nor_failed(
    place: int, is_counted: bool, size: int
) -> None:
    transport = api(9)

    def repeat(_: Request, page: Json) -> Json:
        doubled = [
            row for row in page["data"] for _ in range(1 + (row["id"] == str(place)))
        ]
        return {**page, "data": doubled, "total": page["total"] + is_counted}

    rewrite(transport, repeat)
    pages, candidates = read(transport, size=size)
    assert sorted(ids(pages)) == numbers(9)
    assert candidates.outcome is (Outcome.ACCEPTED if is_counted else Outcome.COMPLETE)
    limits = {query["limit"] for query in pages_requested(transport)}
    assert limits == ({"3", "2"} if is_counted else {"3"})  # 2: a second reading


def with_ties(**shapes: t.Any) -> SandboxTransport:
    """Return an API with candidates of which up to four started at the same time."""
    transport = api(0, **shapes)
    for number in range(1, 13):
        started_at = (START + timedelta(minutes=number // 4)).isoformat()
        add_candidate(transport.account, number, started_at=started_at)
    return transport


@pytest.mark.parametrize("size", [1, 8])
@pytest.mark.parametrize("page_size", [1, 2, 3, 4, 5])
def test_candidates_that_started_at_the_same_time_make_no_list_fail(
    page_size: int, size: int
) -> None:
    pages, candidates = read(with_ties(), page_size, size=size)
    assert sorted(ids(pages), key=int) == numbers(12)
    assert candidates.outcome is Outcome.COMPLETE


@pytest.mark.parametrize("size", [1, 8])
@pytest.mark.parametrize("page_size", [2, 3, 5])
def test_list_is_not_complete_if_the_api_skips_candidates(
    page_size: int, size: int
) -> None:
    pages, candidates = read(with_ties(skip_ties=True), page_size, size=size)
    is_whole = len(ids(pages)) == 12
    assert (candidates.outcome is Outcome.COMPLETE) is is_whole


@pytest.mark.parametrize("size", [1, 8])
@pytest.mark.parametrize("error", [-5, -1, 1, 5])
def test_wrong_total_makes_no_list_fail(error: int, size: int) -> None:
    transport = api(9, total_error=error)
    pages, candidates = read(transport, size=size)
    assert sorted(ids(pages)) == numbers(9)
    expected = Outcome.COMPLETE if error < 0 else Outcome.ACCEPTED
    assert candidates.outcome is expected


# A page that fails permanently, and a place that is lost


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_other_end_goes_on_to_the_page_that_fails(order: str) -> None:
    transport = api(30)
    after = "6" if order == "asc" else "25"
    fail_page(transport, after, order=order)
    pages, candidates = read(transport)
    assert sorted(ids(pages), key=int) == numbers(30)
    assert candidates.outcome is Outcome.FAILED
    assert isinstance(candidates.failure, UnavailableError)
    # There is no second reading.
    assert {query["limit"] for query in pages_requested(transport)} == {"3"}


def test_list_with_a_page_that_fails_from_both_ends_lacks_only_its_rows() -> None:
    transport = api(30)
    fail_page(transport, "12", order="asc")
    fail_page(transport, "16", order="desc")
    pages, candidates = read(transport)
    assert sorted(ids(pages), key=int) == numbers(12) + numbers(16, 31)
    assert candidates.outcome is Outcome.FAILED


def test_end_that_waits_for_the_rest_goes_on_if_the_other_one_fails() -> None:
    transport = api(12)
    fail_page(transport, "6", order="asc")
    fail_page(transport, "7", order="desc")
    pages, candidates = read(transport)
    assert sorted(ids(pages), key=int) == numbers(12)
    assert candidates.outcome is Outcome.FAILED


def test_list_that_is_read_from_one_end_ends_with_the_page_that_fails() -> None:
    transport = api(9)
    fail_page(transport, "3")
    pages, candidates = read(transport, size=1)
    assert ids(pages) == ["1", "2", "3"]
    assert candidates.outcome is Outcome.FAILED
    assert len(pages_requested(transport)) == 2


@pytest.mark.parametrize("dead", ["404", "400", "empty", "restart"])
@pytest.mark.parametrize("size", [1, 8])
@pytest.mark.parametrize("page_size", [1, 3])
def test_list_is_read_to_its_end_although_a_candidate_is_deleted_meanwhile(
    dead: str, size: int, page_size: int
) -> None:
    transport = api(9, dead_anchor=dead)
    deleted: list[str] = []

    def delete_once() -> None:
        if not deleted:
            transport.account.delete("3")
            deleted.append("3")

    before_page(transport, "3", delete_once)
    pages, candidates = read(transport, page_size, size=size)
    assert sorted({*ids(pages), "3"}) == numbers(9)
    assert candidates.outcome is Outcome.COMPLETE


def test_list_whose_place_is_lost_is_read_again_with_another_page_size() -> None:
    transport = api(9)
    fail_page(transport, "3", status=404, limit="3")
    pages, candidates = read(transport, size=1)
    assert ids(pages) == numbers(9)
    assert candidates.outcome is Outcome.COMPLETE
    assert pages_requested(transport)[2] == {"limit": "2", "order": "asc"}


# Lists that are short of their total


def hide(transport: SandboxTransport, first: str, second: str) -> None:
    """Hide a candidate from the first reading, and another one from the second."""

    def on_request(request: Request) -> None:
        is_second = is_second_reading(request)
        for key in (first, second):
            is_hidden = key == (second if is_second else first)
            transport.account.archive(key, listed=not is_hidden)

    transport.on_request = on_request


@pytest.mark.parametrize("size", [1, 8])
def test_two_readings_together_may_reach_the_total(size: int) -> None:
    transport = api(9, total_error=1)
    hide(transport, "5", "9")
    pages, candidates = read(transport, size=size)
    assert sorted(ids(pages)) == numbers(9)
    assert candidates.outcome is Outcome.COMPLETE


@pytest.mark.parametrize("size", [1, 8])
def test_list_is_short_if_the_second_reading_lacks_a_row_of_the_first(
    size: int,
) -> None:
    transport = api(9, total_error=3)
    hide(transport, "5", "9")
    pages, candidates = read(transport, size=size)
    assert sorted(ids(pages)) == numbers(9)
    assert candidates.outcome is Outcome.SHORT


@pytest.mark.parametrize("status", [404, 503])
def test_second_reading_may_fail(status: int) -> None:
    for after in ({}, {"after_id": "4"}):
        transport = api(9, total_error=1)

        def match(request: Request, after: Json = after) -> bool:
            return {"limit": "2", **after}.items() <= request.query.items()

        transport.faults.append(Fault("status", status=status, match=match))
        pages, candidates = read(transport, size=1)
        assert ids(pages) == numbers(9)
        is_short = status == 404 and bool(after)
        assert candidates.outcome is (Outcome.SHORT if is_short else Outcome.FAILED)
        assert (candidates.failure is None) is is_short


def test_smallest_total_counts() -> None:
    """A candidate that was deleted meanwhile is not missing."""
    transport = api(9)

    def delete() -> None:
        if "9" in transport.account.listed_ids():
            transport.account.delete("9")

    before_page(transport, "3", delete)
    pages, candidates = read(transport, size=1)
    assert ids(pages) == numbers(8)
    assert candidates.outcome is Outcome.COMPLETE
    assert len(pages_requested(transport)) == 3


@pytest.mark.parametrize(
    ("totals", "expected"), [([9, 8], 8), ([9, None], None), ([], None), ([0], 0)]
)
def test_smallest_total_is_unknown_where_a_page_has_none(
    totals: list[int | None], expected: int | None
) -> None:
    assert smallest(totals) == expected


@pytest.mark.parametrize(
    ("page_size", "max_limit", "second"),
    [(3, 100, "2"), (100, 4, "3"), (1, 100, "2"), (2, 100, "3"), (100, 100, "5")],
)
def test_second_reading_has_pages_of_another_size(
    page_size: int, max_limit: int, second: str
) -> None:
    transport = api(9, max_limit=max_limit, total_error=1)
    _, candidates = read(transport, page_size, size=1)
    assert pages_requested(transport)[-1]["limit"] == second
    assert candidates.outcome is Outcome.ACCEPTED


def test_second_reading_has_no_larger_pages_than_were_asked_for() -> None:
    """The API may ignore the page size, or reject a larger one."""
    transport = api(9, total_error=1)
    limits: list[str] = []

    def ignore_limit(request: Request) -> None:
        if request.kind == "candidates":
            limits.append(request.query["limit"])
            request.query["limit"] = "9"

    transport.on_request = ignore_limit
    read(transport, 4, size=1)
    # Each reading asks what follows its page, which the total says is not the last.
    assert limits == ["4", "4", "3", "3"]


def test_page_that_is_not_needed_any_more_does_not_wait_to_be_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is the next one of the other end, when both ends have met."""
    monkeypatch.setattr(workers, "MAX_WAITING", 0)
    transport = api(20, total_error=9)
    source = Source(client_of(transport), Workers(2, Stop(transport.clock)))
    candidates = CandidateList(source, EVERY, 3, Ids())
    candidates.ask()
    assert len([*candidates.pages()]) > 0
    # While a page waits, no call would start that is not urgent.
    assert source.workers.submit(int).result(10) == 0
    source.workers.close()


def test_empty_first_page_with_a_link_does_not_end_a_list() -> None:
    transport = api(9)

    def empty_first(request: Request, page: Json) -> Json:
        is_first = request.query == {"limit": "3", "order": "asc"}
        return {**page, "data": []} if is_first else page

    rewrite(transport, empty_first)
    pages, candidates = read(transport)
    assert sorted(ids(pages)) == numbers(9)
    assert candidates.outcome is Outcome.COMPLETE


# Start dates


def test_list_with_a_start_date_is_read_back_to_it() -> None:
    transport = api(9)
    pages, candidates = read(transport, query=started_since(5))
    assert pages == [["9", "8", "7"], ["6", "5"]]
    assert candidates.outcome is Outcome.COMPLETE
    assert [query["order"] for query in pages_requested(transport)] == ["desc"] * 2


@pytest.mark.parametrize(
    ("error", "expected"), [(0, Outcome.COMPLETE), (1, Outcome.ACCEPTED)]
)
def test_total_counts_if_all_candidates_started_since(
    error: int, expected: Outcome
) -> None:
    pages, candidates = read(api(9, total_error=error), query=started_since(0))
    assert ids(pages) == numbers(9)[::-1]
    assert candidates.outcome is expected


def test_second_reading_may_end_at_the_start_date() -> None:
    transport = api(9, dead_anchor="404")
    fail_page(transport, "7", status=404, limit="3")
    pages, candidates = read(transport, query=started_since(5))
    assert ids(pages) == ["9", "8", "7", "6", "5"]
    assert candidates.outcome is Outcome.COMPLETE


def test_start_date_after_the_last_candidate_leaves_none() -> None:
    transport = api(9)
    pages, candidates = read(transport, query=started_since(99))
    assert ids(pages) == []
    assert candidates.outcome is Outcome.COMPLETE
    assert len(pages_requested(transport)) == 1


def test_candidate_without_a_time_ends_no_list() -> None:
    transport = api(4)
    transport.account.show("3", in_list={"started_at": None})
    pages, candidates = read(transport, 9, query=started_since(2))
    assert ids(pages) == ["4", "3", "2"]
    assert candidates.outcome is Outcome.COMPLETE


# Rows


@pytest.mark.parametrize("data", [{"id": 5}, {"id": "a-b"}, {"id": ""}, None, "5", []])
def test_any_value_is_a_row(data: t.Any) -> None:
    row = parse_row(data)
    assert (row.id, row.started) == (id_of(data), None)
    assert row.data == (data if isinstance(data, dict) else {})


@pytest.mark.parametrize("value", [None, "", "then", 5, [], True])
def test_row_without_a_valid_time_has_no_start(value: t.Any) -> None:
    assert parse_row({"id": 1, "started_at": value}).started is None
    valid = parse_row({"id": 1, "started_at": "2026-01-01T10:00:00"})
    assert valid.started == datetime(2026, 1, 1, 10, tzinfo=UTC)


def test_rows_without_an_id_are_passed_on_and_not_counted() -> None:
    transport = api(3, total_error=-1)
    transport.account.show("3", in_list={"id": None})
    pages, candidates = read(transport)
    assert pages == [["1", "2", None]]
    assert candidates.count == 2
    assert candidates.outcome is Outcome.COMPLETE


# All lists of a scope


def scope_lists(
    transport: SandboxTransport,
    scope: Scope | None = None,
    page_size: int = 3,
) -> ScopeLists:
    source = source_of(transport, size=1)
    of_scope = ScopeLists(source, scope or Scope(), page_size, Ids())
    of_scope.ask()
    return of_scope


def of_three_openings() -> tuple[SandboxTransport, list[str]]:
    """Return an API with candidates of three openings in turn, and these openings."""
    transport = api(0)
    account = transport.account
    openings = [account.add_opening() for _ in range(3)]
    for number in range(1, 13):
        opening_id = openings[number % 3]
        add_candidate(account, number, opening_id=opening_id)
    return transport, openings


def test_lists_of_a_scope_are_read_in_turn() -> None:
    transport, openings = of_three_openings()
    of_scope = scope_lists(transport, Scope(job_opening_ids=(openings[1], openings[2])))
    assert of_scope.total is None
    assert of_scope.first_ids() == ["1", "4", "7", "2", "5", "8"]
    assert [of_scope.count, of_scope.total] == [0, 8]
    assert len(pages_requested(transport)) == 2
    pages = [[row.id for row in page] for page in of_scope.pages()]
    assert pages == [["1", "4", "7"], ["2", "5", "8"], ["10"], ["11"]]
    assert of_scope.count == 8
    assert of_scope.are_complete
    assert not of_scope.are_accepted


def test_scope_is_complete_only_if_all_its_lists_are() -> None:
    transport, openings = of_three_openings()
    first, second = openings[:2]

    def count_too_many(request: Request, page: Json) -> Json:
        is_first = request.query["job_opening_id"] == first
        return {**page, "total": page["total"] + is_first}

    rewrite(transport, count_too_many)
    scope = Scope(job_opening_ids=(first, second))
    of_scope = scope_lists(transport, scope)
    assert len([*chain(*of_scope.pages())]) == 8
    assert of_scope.are_complete
    assert of_scope.are_accepted
    assert of_scope.failure is None
    transport.faults.clear()
    fail_page(transport, "8" if second == openings[2] else "7")
    of_scope = scope_lists(transport, scope)
    assert len([*chain(*of_scope.pages())]) == 7
    assert not of_scope.are_complete
    assert not of_scope.are_accepted
    assert isinstance(of_scope.failure, UnavailableError)


def test_total_of_a_scope_is_unknown_if_a_list_has_none() -> None:
    of_scope = scope_lists(api(4, total="missing"))
    assert len([*chain(*of_scope.pages())]) == 4
    assert of_scope.total is None


def test_rows_without_an_id_are_not_counted() -> None:
    transport = api(10, total_error=-1)
    transport.account.show("10", in_list={"id": None})
    of_scope = scope_lists(transport)
    rows = [row.id for page in of_scope.pages() for row in page]
    assert rows == [*numbers(9), None]
    assert of_scope.count == of_scope.total == 9
    assert of_scope.are_complete


def test_some_pages_are_read_ahead_and_come_in_their_order() -> None:
    of_scope = scope_lists(api(2 * MAX_AHEAD), page_size=1)
    for count in range(1, MAX_AHEAD + 5):
        of_scope.read_ahead()
        assert of_scope.count == min(count, MAX_AHEAD)
    rows = [row.id for page in of_scope.pages() for row in page]
    assert rows == numbers(2 * MAX_AHEAD)


def test_fewer_pages_are_read_ahead_if_they_are_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    transport = api(9)
    of_scope = scope_lists(transport, page_size=1)
    of_scope.read_ahead()
    monkeypatch.setattr(lists, "MAX_AHEAD_BYTES", 500)  # a page has more than 250
    for _ in range(5):
        of_scope.read_ahead()
    assert 1 <= of_scope.count <= 2
