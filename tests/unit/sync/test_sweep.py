"""All candidates of a scope, each once, and of the last one, if it is another."""

from __future__ import annotations

import itertools
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_toggl_hire.errors import NotFoundError, RefusedError, TapError
from tap_toggl_hire.sync.ids import Ids, IdSet
from tap_toggl_hire.sync.scope import Part, Scope
from tap_toggl_hire.sync.sweep import Sweep
from tap_toggl_hire.sync.whole import LARGE
from tests.support.memory import InlineWorkers, MemoryApi, candidate

Json = dict[str, t.Any]
Any = t.Any

OPENINGS = {1: "100", 2: "101", 3: "102", 4: "100", 5: "101", 6: "102"}
"""Of each candidate."""


def start(minute: int) -> str:
    return f"2026-01-01T00:{minute:02}:00+00:00"


def api(openings: dict[int, str] | None = None) -> MemoryApi:
    openings = openings or OPENINGS
    one = MemoryApi(
        candidate(number, job_opening_id=opening)
        for number, opening in openings.items()
    )
    one.opening_ids = set(openings.values())
    return one


def sweep(  # noqa: PLR0913 - what a run may read
    one: MemoryApi,
    scope: Scope | None = None,
    last: Scope | None = None,
    *,
    anchors: t.Sequence[str] = (),
    size: int = 8,
    limit: int = 2,
    **more: t.Any,
) -> Sweep:
    """A sweep, and what it brought."""
    client: Any = one
    workers: Any = InlineWorkers(size)
    scope = scope or Scope()
    more.setdefault("filters", {})
    made = Sweep(
        client, workers, Ids(), page_size=limit, scope=scope, last=last, **more
    )
    made.ask(anchors)
    return made


def read(made: Sweep) -> list[str | None]:
    return [row.id for rows in made.pages() for row in rows]


def members(some: IdSet) -> set[str]:
    return {str(number) for number in range(200) if str(number) in some}


def test_everything_is_one_list() -> None:
    made = sweep(api())
    assert read(made) == list("123456")
    assert members(made.seen) == set("123456")
    assert members(made.elsewhere) == set()
    assert made.total == 6
    assert made.is_complete
    assert made.is_elsewhere_complete
    assert not made.is_believed


def test_each_opening_is_read_and_seen_to_be_there() -> None:
    one = api()
    scope = Scope.of(job_opening_ids=["101", "100"])
    made = sweep(one, scope)
    assert set(read(made)) == set("1245")
    assert made.total == 4
    assert one.asked["opening"] == 2
    assert made.shared_params == {"limit": "2", "order": "asc"}
    with pytest.raises(TapError, match="no job opening 999"):
        sweep(one, Scope.of(job_opening_ids=["999"]))


def test_a_filter_is_sent() -> None:
    one = api()
    one.candidates["3"]["tag_ids"] = ["7"]
    filters = {"tag_ids": "7"}
    made = sweep(one, Scope.of(filters=filters), filters=filters)
    assert read(made) == ["3"]
    assert made.shared_params == {"limit": "2", "order": "asc", "tag_ids": "7"}


def test_of_one_opening_the_tags_are_those_of_the_opening() -> None:
    made = sweep(api(), Scope.of(job_opening_ids=["101"]))
    assert made.shared_params["job_opening_id"] == "101"


def test_a_start_date_ends_the_list() -> None:
    made = sweep(api(), Scope.of(start_date=start(4)))
    assert read(made) == ["6", "5", "4"]
    assert made.shared_params["order"] == "desc"
    assert members(made.seen) == set("456")


def test_a_part_is_of_all_lists() -> None:
    part = Part(1, 2)
    made = sweep(api(), is_mine=part.has)
    mine = {key for key in "123456" if part.has(key)}
    assert 0 < len(mine) < 6
    assert set(read(made)) == members(made.seen) == mine
    assert made.is_complete
    assert made.total == 6


def test_a_row_without_an_id_is_handed_on_by_lists_of_the_scope_alone() -> None:
    one = api()
    one.candidates["x"] = {**candidate(9, job_opening_id="100"), "id": None}
    assert None in read(sweep(one))
    last = Scope.of(job_opening_ids=["100"])
    made = sweep(one, Scope.of(job_opening_ids=["101"]), last)
    assert read(made) == ["2", "5"]


# Another scope than the last


def test_where_the_scope_is_another_both_are_read() -> None:
    one = api()
    last = Scope.of(job_opening_ids=["100", "101"])
    made = sweep(one, Scope.of(job_opening_ids=["101", "102"]), last)
    assert set(read(made)) == set("2356")
    assert members(made.seen) == set("2356")
    assert members(made.elsewhere) == set("14")
    assert made.total == 4


@pytest.mark.parametrize("last", [None, Scope(), Scope.of(job_opening_ids=["101"])])
def test_where_the_last_scope_is_covered_nothing_else_is_read(
    last: Scope | None,
) -> None:
    one = api()
    made = sweep(one, Scope(), last)
    read(made)
    assert one.asked["page"] == 3


def test_a_start_date_that_moved_on_reads_one_list_as_far_as_before() -> None:
    one = api()
    made = sweep(one, Scope.of(start_date=start(4)), Scope.of(start_date=start(2)))
    assert set(read(made)) == set("456")
    assert members(made.seen) == set("456")
    assert members(made.elsewhere) == set("23")
    assert one.asked["page"] == 3


def test_an_opening_of_the_last_scope_that_is_gone_is_no_fault() -> None:
    for error in (NotFoundError, RefusedError):
        one = api()

        def fail(params: Json, error: type[TapError] = error) -> None:
            if params.get("job_opening_id") == "100":
                msg = "no"
                raise error(msg)

        one.before_page = fail
        last = Scope.of(job_opening_ids=["100"])
        made = sweep(one, Scope.of(job_opening_ids=["101"]), last)
        assert read(made) == ["2", "5"]
        assert made.is_complete
        assert not made.is_elsewhere_complete
        with pytest.raises(error):
            read(sweep(one, Scope.of(job_opening_ids=["100"])))


def test_lists_of_a_filter_that_is_digested_cannot_be_read() -> None:
    last = Scope.of(filters={"email": "me@example.com"})
    one = api()
    made = sweep(one, Scope.of(job_opening_ids=["101"]), last)
    assert read(made) == ["2", "5"]
    assert not made.is_elsewhere_complete
    assert made.is_complete


SCOPES = st.builds(
    Scope.of,
    start_date=st.none() | st.integers(0, 8).map(start),
    job_opening_ids=st.none()
    | st.lists(st.sampled_from(["100", "101", "102"]), min_size=1),
)


@given(present=SCOPES, last=st.none() | SCOPES, limit=st.integers(1, 7))
def test_whatever_the_scopes_each_candidate_is_where_it_belongs(
    present: Scope, last: Scope | None, limit: int
) -> None:
    def has(scope: Scope, number: int) -> bool:
        openings = scope.job_opening_ids or ("100", "101", "102")
        began = scope.start_date or start(0)
        return OPENINGS[number] in openings and start(number) >= began

    made = sweep(api(), present, last, limit=limit)
    found = read(made)
    expected = {str(number) for number in OPENINGS if has(present, number)}
    assert len(found) == len(set(found))
    assert set(found) == members(made.seen) == expected
    elsewhere = members(made.elsewhere) - expected
    if last is not None and not present.covers(last):
        only_last = {str(number) for number in OPENINGS if has(last, number)}
        assert elsewhere >= only_last - expected
    assert made.is_complete
    assert made.is_elsewhere_complete


# Whether that is all


def test_a_list_that_is_short_is_not_complete() -> None:
    one = api()

    def miscount(params: Json) -> None:
        one.miscounted += params.get("job_opening_id") == "101"

    one.before_page = miscount
    made = sweep(one, Scope.of(job_opening_ids=["100", "101"]))
    read(made)
    assert not made.is_complete
    again = sweep(
        one, Scope.of(job_opening_ids=["100"]), Scope.of(job_opening_ids=["101"])
    )
    read(again)
    assert not again.is_elsewhere_complete


def test_a_list_that_is_short_for_good_is_believed() -> None:
    one = api()
    one.miscounted = 1
    made = sweep(one)
    assert len(read(made)) == 6
    assert made.is_complete
    assert made.is_believed


def test_without_a_total_of_each_list_there_is_none() -> None:
    one = api()
    one.has_total = False
    made = sweep(one, Scope.of(job_opening_ids=["100", "101"]))
    read(made)
    assert made.total is None
    assert made.is_complete


# Parts of the list


def large(**more: t.Any) -> tuple[MemoryApi, Sweep]:
    one = api(dict.fromkeys(range(1, 2 * LARGE + 1), "100"))
    return one, sweep(one, **more)


def test_a_large_list_has_anchors_for_the_next_run() -> None:
    _, first = large()
    assert len(read(first)) == 2 * LARGE
    assert first.anchors
    one, again = large(anchors=first.anchors)
    asked = one.asked["page"]
    assert asked == len(first.anchors) + 1  # all parts at once
    assert len(read(again)) == 2 * LARGE
    assert again.anchors == first.anchors


@pytest.mark.parametrize(
    "more",
    [
        {"size": 1},
        {"scope": Scope.of(job_opening_ids=["100"])},
        {"scope": Scope.of(start_date=start(0))},
    ],
    ids=["one worker", "an opening", "a start date"],
)
def test_where_parts_make_no_sense_there_are_none(more: Json) -> None:
    one, made = large(anchors=["10", "20"], **more)
    assert one.asked["page"] == 1
    assert len(read(made)) == 2 * LARGE


def test_of_several_lists_there_are_no_anchors() -> None:
    numbers = range(1, 4 * LARGE + 1)
    one = api(dict(zip(numbers, itertools.cycle(["100", "101"]), strict=False)))
    made = sweep(one, Scope.of(job_opening_ids=["100", "101"]))
    assert len(read(made)) == 4 * LARGE
    assert made.anchors == []
