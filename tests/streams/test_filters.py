"""`job_opening_ids`, `candidate_filters` and `start_date` select candidates."""

from __future__ import annotations

import json
import typing as t

import pytest

from sandbox import Account
from tap_toggl_hire.errors import TapError
from tests.streams.checks import (
    Start,
    assert_holds,
    details_requested,
    expected,
    history,
    in_history,
    loaded,
    without_event,
)
from tests.support import catalog, extract, settings
from tests.support.streams import SYNC_RUNS, UPSERTED
from tests.support.tap import records

if t.TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, t.Any]

ACCOUNT = Account.example(candidates=60, openings=4)
"""No test changes it."""
OPENINGS = [row["id"] for row in ACCOUNT.openings()]
DETAILS = [ACCOUNT.detail(key) for key in ACCOUNT.listed_ids()]
TAGS = next(one["tag_ids"] for one in DETAILS if len(one["tag_ids"]) > 1)
PLUS = next(one["email"] for one in DETAILS if "+" in one["email"])
CATEGORY = next(one["category_id"] for one in DETAILS if one["category_id"])


def between(name: str, low: float, high: float) -> Callable[[Json], bool]:
    return lambda one: one[name] is not None and low <= one[name] <= high


FILTERS: list[tuple[Json, Callable[[Json], bool]]] = [
    ({"category_id": CATEGORY}, lambda one: one["category_id"] == CATEGORY),
    ({"tag_ids": TAGS}, lambda one: set(TAGS) <= set(one["tag_ids"])),
    ({"hire_state": "rejected"}, lambda one: one["hire_state"] == "rejected"),
    ({"min_score": 40}, between("score", 40, 1000)),
    ({"max_score": 60}, between("score", 0, 60)),
    ({"min_rating": 1, "max_rating": 2}, between("rating", 1, 2)),
    ({"email": PLUS}, lambda one: one["email"] == PLUS),
    (
        {"min_score": 20, "hire_state": "rejected", "tag_ids": None},
        lambda one: one["score"] >= 20 and one["hire_state"] == "rejected",
    ),
]


def ids(rows: t.Iterable[Json]) -> list[str]:
    return [row["id"] for row in rows]


@pytest.mark.parametrize(
    ("filters", "matches"), FILTERS, ids=[str(filters) for filters, _ in FILTERS]
)
def test_a_filter_of_the_api(
    sandbox: Start, filters: Json, matches: Callable[[Json], bool]
) -> None:
    box = sandbox(ACCOUNT)
    wanted = ids(filter(matches, DETAILS))
    assert 0 < len(wanted) < len(DETAILS)
    target = loaded(extract(settings(box, candidate_filters=filters, page_size=7)))
    assert_holds(target, expected(ACCOUNT, only=wanted))
    assert sorted(details_requested(box)) == sorted(wanted)
    created = history(target, "created")
    assert set(created) == set(wanted)
    for one, row in created.items():  # the tags, too, although lists are filtered
        assert without_event(row) == in_history(ACCOUNT, one)
    for request in box.stats.log:
        if request.kind == "candidates":
            tags = set(request.query.get("tag_ids", "").split(",")) - {""}
            assert set(filters.get("tag_ids") or ()) <= tags
            for name in filters.keys() - {"tag_ids"}:
                assert request.query[name] == str(filters[name])
        else:
            assert not set(request.query) & set(filters)


@pytest.mark.parametrize("count", [1, 2])
def test_job_openings(sandbox: Start, count: int) -> None:
    box = sandbox(ACCOUNT)
    chosen = OPENINGS[1 : 1 + count]
    named = [*chosen, int(chosen[0]), chosen[0]]  # twice, and as a number
    wanted = ids(one for one in DETAILS if one["job_opening_id"] in chosen)
    assert 0 < len(wanted) < len(DETAILS)
    target = loaded(extract(settings(box, job_opening_ids=named, page_size=7)))
    rows = expected(ACCOUNT, only=wanted)
    for stream, name in (("job_openings", "id"), ("categories", "job_opening_id")):
        table = rows[stream].items()
        rows[stream] = {key: row for key, row in table if row[name] in chosen}
        assert rows[stream]
    assert_holds(target, rows)
    # Each is requested once, and its categories.
    requested = [one.route.item_id for one in box.stats.log if one.kind == "opening"]
    assert sorted(requested) == sorted(chosen)
    assert box.stats.count("openings") == 0
    queries = [one.query for one in box.stats.log if one.kind == "categories"]
    assert [one["job_opening_id"] for one in queries] == chosen


@pytest.mark.parametrize("stream", ["candidates", "categories", "job_openings"])
def test_an_unknown_opening_is_an_error(sandbox: Start, stream: str) -> None:
    """Exit code 0 would say that its candidates were read."""
    box = sandbox(ACCOUNT)
    config = settings(box, job_opening_ids=[OPENINGS[0], "no/such"])
    sentence = "no job opening no/such: remove it from the setting job_opening_ids"
    with pytest.raises(TapError, match=sentence):
        extract(config, catalog=catalog(config, stream))
    assert box.stats.count("candidate") == 0


def test_all_narrowing_settings_together(sandbox: Start) -> None:
    box = sandbox(ACCOUNT)
    config = settings(
        box,
        job_opening_ids=OPENINGS[:2],
        candidate_filters={"min_score": 30, "tag_ids": None},
        start_date="2025-02-01",
    )
    wanted = ids(
        one
        for one in DETAILS
        if one["job_opening_id"] in OPENINGS[:2]
        and one["score"] >= 30
        and one["started_at"] >= "2025-02-01"
    )
    assert wanted
    messages = extract(config)
    assert_holds(loaded(messages), expected(ACCOUNT, only=wanted), UPSERTED)
    scope = json.loads(records(messages, SYNC_RUNS)[0]["scope"])
    assert scope == {
        "job_opening_ids": OPENINGS[:2],
        "candidate_filters": {"min_score": "30"},
        "start_date": "2025-02-01T00:00:00+00:00",
    }
