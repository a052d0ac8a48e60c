"""`job_opening_ids`, `candidate_filters` and `start_date` select, and nothing else."""

from __future__ import annotations

import json
import typing as t
from datetime import UTC, datetime

import pytest

from sandbox import Account, Fault
from tap_toggl_hire.errors import TapError
from tests.streams.checks import (
    CANDIDATES,
    LISTS,
    assert_holds,
    details_asked,
    expected,
    expected_history,
    history,
    loaded,
    said,
    settings,
)
from tests.support import catalog, extract, run_tap

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox

Json = dict[str, t.Any]

ACCOUNT = Account.example(candidates=60, openings=4)
"""Not changed by any test here."""
OPENINGS = [row["id"] for row in ACCOUNT.openings()]
DETAILS = [ACCOUNT.detail(key) for key in ACCOUNT.listed_ids()]
TAGGED = next(one for one in DETAILS if len(one["tag_ids"]) > 1)
TAGS = TAGGED["tag_ids"]
PLUS = next(one["email"] for one in DETAILS if "+" in one["email"])
CATEGORY = next(one["category_id"] for one in DETAILS if one["category_id"])


def between(name: str, low: float, high: float) -> Callable[[Json], bool]:
    return lambda one: one[name] is not None and low <= one[name] <= high


FILTERS: list[tuple[Json, Callable[[Json], bool]]] = [
    ({}, lambda _: True),
    ({"category_id": CATEGORY}, lambda one: one["category_id"] == CATEGORY),
    ({"tag_ids": TAGS[:1]}, lambda one: TAGS[0] in one["tag_ids"]),
    ({"tag_ids": TAGS}, lambda one: set(TAGS) <= set(one["tag_ids"])),
    ({"hire_state": "rejected"}, lambda one: one["hire_state"] == "rejected"),
    ({"hire_state": "possible-hire"}, lambda o: o["hire_state"] == "possible-hire"),
    ({"min_score": 40}, between("score", 40, 1000)),
    ({"max_score": 60.5}, between("score", -1, 60.5)),
    ({"min_score": 0, "max_score": 0}, between("score", 0, 0)),
    ({"min_rating": 2}, between("rating", 2, 3)),
    ({"max_rating": 1}, between("rating", 0, 1)),
    ({"min_rating": 1, "max_rating": 2}, between("rating", 1, 2)),
    ({"email": PLUS}, lambda one: one["email"] == PLUS),
    ({"email": "nobody@example.com"}, lambda _: False),
    (
        {"min_score": 20, "hire_state": "rejected", "tag_ids": None},
        lambda one: one["score"] >= 20 and one["hire_state"] == "rejected",
    ),
]


def ids(rows: list[Json]) -> list[str]:
    return [row["id"] for row in rows]


@pytest.mark.parametrize(
    ("filters", "matches"), FILTERS, ids=[str(filters) for filters, _ in FILTERS]
)
def test_each_filter_of_the_api(
    sandbox: Callable[..., Sandbox], filters: Json, matches: Callable[[Json], bool]
) -> None:
    box = sandbox(ACCOUNT)
    wanted = ids([one for one in DETAILS if matches(one)])
    config = settings(box, candidate_filters=filters, page_size=7)
    target = loaded(extract(config))
    assert_holds(target, expected(ACCOUNT, only=wanted))
    assert sorted(details_asked(box)) == sorted(wanted)
    created = history(target, "created")
    assert set(created) == set(wanted)
    for candidate_id, row in created.items():  # the tags, too, though lists filter
        assert said(row) == expected_history(ACCOUNT, candidate_id)
    # What they said is what the lists were asked with.
    for request in box.stats.log:
        if request.kind == "candidates":
            said_tags = set(request.query.get("tag_ids", "").split(",")) - {""}
            assert set(filters.get("tag_ids") or ()) <= said_tags
            for name, value in filters.items():
                if name != "tag_ids":
                    assert request.query[name] == str(value)
        else:
            assert not set(request.query) & set(filters)


def test_the_filters_select_some_and_not_all() -> None:
    """Else the tests above would prove little."""
    counts = [sum(map(matches, DETAILS)) for _, matches in FILTERS]
    assert counts[0] == len(DETAILS)
    assert counts[-2] == 0
    assert all(0 < count < len(DETAILS) for count in counts[1:-2])


@pytest.mark.parametrize("count", [1, 2])
def test_only_these_openings(sandbox: Callable[..., Sandbox], count: int) -> None:
    box = sandbox(ACCOUNT)
    chosen = OPENINGS[1 : 1 + count]
    wanted = ids([one for one in DETAILS if one["job_opening_id"] in chosen])
    assert 0 < len(wanted) < len(DETAILS)
    target = loaded(extract(settings(box, job_opening_ids=chosen, page_size=7)))
    rows = expected(ACCOUNT, only=wanted)
    rows["job_openings"] = {
        key: row for key, row in rows["job_openings"].items() if key in chosen
    }
    rows["categories"] = {
        key: row
        for key, row in rows["categories"].items()
        if row["job_opening_id"] in chosen
    }
    assert rows["categories"]
    assert_holds(target, rows)
    assert len(history(target, "created")) == len(wanted)
    assert sorted(details_asked(box)) == sorted(wanted)
    # Read from where the contract says, each once.
    read = [one.route.item_id for one in box.stats.log if one.kind == "opening"]
    assert sorted(read) == sorted(chosen)
    assert box.stats.count("openings") == 0
    categories = [one.query for one in box.stats.log if one.kind == "categories"]
    assert [one["job_opening_id"] for one in categories] == chosen


def test_an_opening_that_is_named_twice_or_as_a_number_is_read_once(
    sandbox: Callable[..., Sandbox],
) -> None:
    box = sandbox(ACCOUNT)
    named = [OPENINGS[0], int(OPENINGS[0]), OPENINGS[0]]
    messages = extract(settings(box, job_opening_ids=named))
    for stream in (*LISTS, "candidates", "candidate_details"):
        rows = [
            m["record"]["id"]
            for m in messages
            if m.get("stream") == stream and m["type"] == "RECORD"
        ]
        assert len(rows) == len(set(rows))
    assert box.stats.count("opening") == 1


def test_openings_and_filters_together(sandbox: Callable[..., Sandbox]) -> None:
    box = sandbox(ACCOUNT)
    config = settings(
        box, job_opening_ids=OPENINGS[:2], candidate_filters={"min_score": 30}
    )
    wanted = ids(
        [
            one
            for one in DETAILS
            if one["job_opening_id"] in OPENINGS[:2] and one["score"] >= 30
        ]
    )
    target = loaded(extract(config))
    assert wanted
    assert_holds(target, expected(ACCOUNT, only=wanted), CANDIDATES)


def test_the_parts_together_are_the_whole(sandbox: Callable[..., Sandbox]) -> None:
    """As the README says: the openings in parts, and the lists in one more."""
    box = sandbox(ACCOUNT)
    whole = settings(box)
    target = loaded(extract(whole, catalog=catalog(whole, *LISTS)))
    for part in (OPENINGS[:1], OPENINGS[1:3], OPENINGS[3:]):
        config = settings(box, job_opening_ids=part)
        target.load(extract(config, catalog=catalog(config, *CANDIDATES)))
    assert_holds(target, expected(ACCOUNT))
    assert len(history(target, "created")) == len(DETAILS)
    assert sorted(details_asked(box)) == sorted(ACCOUNT.listed_ids())


def test_an_opening_that_is_not_there_is_an_error_that_names_it(
    sandbox: Callable[..., Sandbox],
) -> None:
    run = run_tap(settings(sandbox(ACCOUNT), job_opening_ids=[OPENINGS[0], "999"]))
    assert run.returncode == 1
    error = run.stderr.splitlines()[-1]
    assert "ERROR" in error
    assert "no job opening 999, which setting job_opening_ids names" in error
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("missing", ["999", "no/such id"])
@pytest.mark.parametrize("stream", ["candidates", "categories", "candidate_answers"])
def test_an_opening_that_is_not_there_is_an_error_in_each_stream(
    sandbox: Callable[..., Sandbox], stream: str, missing: str
) -> None:
    """Exit code 0 would say that its candidates were read."""
    box = sandbox(ACCOUNT)
    config = settings(box, job_opening_ids=[OPENINGS[0], missing])
    with pytest.raises(TapError, match=f"no job opening {missing},"):
        extract(config, catalog=catalog(config, stream))
    assert box.stats.count("candidate") == 0


@pytest.mark.parametrize(
    "start",
    [
        *("2025-03-01", "2025-03-01T12:00:00Z", "2025-03-01T12:00:00.123456+05:30"),
        *("2030-01-01", "2000-01-01", DETAILS[30]["started_at"]),
    ],
)
def test_only_candidates_that_started_at_or_after(
    sandbox: Callable[..., Sandbox], start: str
) -> None:
    box = sandbox(ACCOUNT)
    time = datetime.fromisoformat(start)
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    wanted = [
        one["id"]
        for one in DETAILS
        if datetime.fromisoformat(one["started_at"]).replace(tzinfo=UTC) >= time
    ]
    target = loaded(extract(settings(box, start_date=start, page_size=5)))
    assert_holds(target, expected(ACCOUNT, only=wanted))
    assert sorted(details_asked(box)) == sorted(wanted)
    if start == DETAILS[30]["started_at"]:
        assert DETAILS[30]["id"] in wanted
        assert len(wanted) >= 30


@pytest.mark.parametrize(
    "email",
    ["s\u00f8ren@example.com", "\u738b+test@b\u00fccher.example", "a@\u4f8b.example"],
)
def test_an_email_with_letters_outside_ascii(
    sandbox: Callable[..., Sandbox], email: str
) -> None:
    box = sandbox(Account.example(candidates=10))
    one = box.account.listed_ids()[4]
    box.account.set_field(one, "email", email)
    run = run_tap(settings(box, candidate_filters={"email": email}))
    assert run.returncode == 0, run.stderr
    assert [(row["id"], row["email"]) for row in run.records("candidates")] == [
        (one, email)
    ]
    others = [
        m for m in run.messages if m["type"] != "RECORD" or m["stream"] == "sync_runs"
    ]
    assert email not in json.dumps(others, ensure_ascii=False) + run.stderr


def test_a_filter_that_the_api_refuses_is_named_without_its_value(
    sandbox: Callable[..., Sandbox],
) -> None:
    box = sandbox(Account())
    refuse = Fault("status", status=400, error_type="BadFilter", match="candidates")
    box.faults = [refuse]
    filters = {"email": "s3cr3t@example.com"}
    run = run_tap(settings(box, candidate_filters=filters))
    assert run.returncode == 1
    error = run.stderr.splitlines()[-1]
    assert "ERROR" in error
    assert "candidate_filters.email" in error
    assert "BadFilter" in error
    assert "s3cr3t" not in run.stderr
