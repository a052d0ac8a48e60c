"""The streams: what each resource of the API becomes."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from sandbox import Fault
from tap_toggl_hire.errors import TapError
from tap_toggl_hire.streams import (
    WITHOUT_ID,
    CandidateAnswers,
    CandidateStream,
    ListStream,
)
from tap_toggl_hire.sync.change import Change
from tests.support.api_rows import api_rows
from tests.support.http import SandboxTransport
from tests.support.streams import (
    ALL_STREAMS,
    ANSWERS,
    CANDIDATE_STREAMS,
    CANDIDATES,
    DETAILS,
    HISTORY,
    LISTS,
    SYNC_RUNS,
)
from tests.unit.offline_tap import offline_tap
from tests.unit.sync.observed import details_of, observer, row_of
from tests.unit.sync.world import numbers, workspace

Json = dict[str, t.Any]

DELETED_AT = "_sdc_deleted_at"


@pytest.fixture
def transport() -> SandboxTransport:
    """Return the API of a workspace with candidates "1" to "3"."""
    transport = SandboxTransport(workspace(3))
    account = transport.account
    account.add_tag("A tag")
    for _ in range(2):
        account.add_category(account.add_opening())
    return transport


def streams(transport: SandboxTransport, **config: t.Any) -> dict[str, t.Any]:
    """Return the streams of a tap, by name."""
    return dict(offline_tap(transport, config).streams)


def records(stream: t.Any, context: Json | None = None) -> list[Json]:
    """Read a stream as the SDK does."""
    return [*stream.get_records(context)]


def requested(transport: SandboxTransport) -> list[tuple[str, str]]:
    """Return the kind and the query of each request, the search for tags aside."""
    return [
        (request.route.item_id or request.kind, request.query.get("job_opening_id", ""))
        for request in transport.requests
        if request.kind != "tags"
    ]


def change(**fields: t.Any) -> Change:
    """Return what is emitted of a candidate that changed."""
    shown = details_of(**fields)
    row = observer().row("1", row_of(shown))
    details = observer().details.of(shown)
    return Change("1", row, ("300",), details, "updated", answers_held=2)


DELETED = Change("1", event="deleted", answers_held=2, is_deleted=True)


# All of them


def test_streams_are_these(transport: SandboxTransport) -> None:
    assert set(streams(transport)) == set(ALL_STREAMS)


@pytest.mark.parametrize(
    ("name", "keys", "replication_key", "method"),
    [
        *((name, ("id",), None, "FULL_TABLE") for name in LISTS),
        (CANDIDATES, ("id",), "started_at", "INCREMENTAL"),
        (DETAILS, ("id",), "started_at", "INCREMENTAL"),
        (ANSWERS, ("candidate_id", "position"), None, "INCREMENTAL"),
        (HISTORY, ("event_id",), "observed_at", "INCREMENTAL"),
        (SYNC_RUNS, ("started_at",), "started_at", "INCREMENTAL"),
    ],
)
def test_streams_have_their_keys_and_replication_methods(
    transport: SandboxTransport,
    name: str,
    keys: tuple[str, ...],
    replication_key: str | None,
    method: str,
) -> None:
    stream = streams(transport)[name]
    assert tuple(stream.primary_keys) == keys
    assert stream.replication_key == replication_key
    assert stream.replication_method == method
    assert set(keys) <= set(stream.schema["properties"])


def test_details_answers_and_history_are_children_of_candidates(
    transport: SandboxTransport,
) -> None:
    by_name = streams(transport)
    parents = {name: stream.parent_stream_type for name, stream in by_name.items()}
    parent = type(by_name[CANDIDATES])
    children = {name for name, stream in parents.items() if stream is parent}
    assert children == {DETAILS, ANSWERS, HISTORY}


def test_candidate_streams_have_their_place_among_the_records_of_a_candidate(
    transport: SandboxTransport,
) -> None:
    of_candidates = [
        s for s in streams(transport).values() if isinstance(s, CandidateStream)
    ]
    ordered = sorted(of_candidates, key=CandidateStream.place)
    assert [stream.name for stream in ordered] == list(CANDIDATE_STREAMS)


# Lists


@pytest.mark.parametrize("name", LISTS)
def test_list_has_every_row_with_every_column(
    transport: SandboxTransport, name: str
) -> None:
    stream = streams(transport)[name]
    rows = api_rows(transport.account)[name]
    read = records(stream)
    assert [row["id"] for row in read] == [*rows]
    assert [row["name"] for row in read] == [row["name"] for row in rows.values()]
    assert set(read[0]) == set(stream.schema["properties"])


def test_list_that_was_asked_for_is_read_once(transport: SandboxTransport) -> None:
    stream = streams(transport)["categories"]
    stream.ask()
    assert len(records(stream)) == len(transport.account.categories())
    assert requested(transport) == [("categories", "")]


def test_list_is_read_page_by_page(transport: SandboxTransport) -> None:
    transport.shapes.page_small_lists = 1
    account = transport.account
    for name, rows in (
        ("categories", account.categories()),
        ("job_openings", account.openings()),
    ):
        read = records(streams(transport)[name])
        assert [row["id"] for row in read] == [row["id"] for row in rows]


def test_tags_are_read_once_in_a_run(transport: SandboxTransport) -> None:
    """Which candidate has which tag depends on them, too."""
    stream = streams(transport)["tags"]
    records(stream)
    records(stream)
    assert [request.kind for request in transport.requests] == ["tags"]


def test_rows_without_an_id_are_left_out_and_counted(
    transport: SandboxTransport, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [{"id": 5, "name": "A tag"}, {"name": "Another tag"}, None]
    transport.faults.append(Fault("body", body={"data": rows}, match="categories"))
    assert [row["id"] for row in records(streams(transport)["categories"])] == ["5"]
    assert WITHOUT_ID % (2, "categories") in caplog.messages
    caplog.clear()
    records(streams(transport)["tags"])
    assert caplog.messages == []


def test_list_whose_rows_have_no_id_at_all_is_an_error(
    transport: SandboxTransport,
) -> None:
    rows = [{"uuid": "5", "name": "A tag"}] * 3
    transport.faults.append(Fault("body", body={"data": rows}, match="categories"))
    with pytest.raises(TapError, match="No row of categories has a usable ID"):
        records(streams(transport)["categories"])


@pytest.mark.parametrize(
    ("pii", "extra"), [("keep", '{"new_field":1}'), ("drop", None)]
)
def test_unknown_fields_of_lists_are_kept_unless_personal_data_is_dropped(
    transport: SandboxTransport, pii: str, extra: str | None
) -> None:
    rows = [{"id": 5, "new_field": 1}]
    transport.faults.append(Fault("body", body={"data": rows}, match="categories"))
    (row,) = records(streams(transport, pii=pii)["categories"])
    assert row["extra"] == extra


def test_openings_and_categories_are_narrowed_to_openings(
    transport: SandboxTransport,
) -> None:
    ids = [opening["id"] for opening in transport.account.openings()][:2]
    by_name = streams(transport, job_opening_ids=ids)
    assert [row["id"] for row in records(by_name["job_openings"])] == ids
    categories = records(by_name["categories"])
    assert {row["job_opening_id"] for row in categories} <= set(ids)
    assert requested(transport) == [
        (ids[0], ""),
        (ids[1], ""),
        ("categories", ids[0]),
        ("categories", ids[1]),
    ]
    narrowed = {name for name in LISTS if by_name[name].is_narrowed}
    assert narrowed == {"job_openings", "categories"}


def test_nothing_is_narrowed_without_openings_in_the_settings(
    transport: SandboxTransport,
) -> None:
    lists = [s for s in streams(transport).values() if isinstance(s, ListStream)]
    assert not any(stream.is_narrowed for stream in lists)


# What is emitted of a candidate


def emitted(stream: t.Any, given: Change) -> list[tuple[Json, bool]]:
    return [*stream.emitted(given)]


def test_row_and_details_are_the_records_of_a_change(
    transport: SandboxTransport,
) -> None:
    given = change()
    for name, record in ((CANDIDATES, given.row), (DETAILS, given.details)):
        assert record is not None
        expected = {**record, DELETED_AT: None}
        assert emitted(streams(transport)[name], given) == [(expected, False)]


@pytest.mark.parametrize("name", CANDIDATE_STREAMS)
def test_change_without_the_record_of_a_stream_emits_nothing(
    transport: SandboxTransport, name: str
) -> None:
    given = Change("1", event="updated")
    assert emitted(streams(transport)[name], given) == []


@pytest.mark.parametrize("name", [CANDIDATES, DETAILS])
def test_deleted_candidate_is_a_key_and_a_time(
    transport: SandboxTransport, name: str
) -> None:
    ((record, is_tombstone),) = emitted(streams(transport)[name], DELETED)
    assert is_tombstone
    assert set(record) == {"id", DELETED_AT}
    assert record["id"] == "1"
    assert record[DELETED_AT]


def test_answers_are_one_row_per_question_and_tombstones_of_rows_that_are_gone(
    transport: SandboxTransport,
) -> None:
    stream = streams(transport)[ANSWERS]
    rows = emitted(stream, replace(change(), answers_held=4))
    assert [(row["position"], is_tombstone) for row, is_tombstone in rows] == [
        (0, False),
        (1, False),
        (2, True),
        (3, True),
    ]
    assert {row["candidate_id"] for row, _ in rows} == {"1"}
    assert [row[DELETED_AT] is None for row, _ in rows] == [True, True, False, False]
    assert len(emitted(stream, replace(change(), answers_held=1))) == 2


def test_questions_that_could_not_be_read_leave_no_tombstone(
    transport: SandboxTransport,
) -> None:
    assert emitted(streams(transport)[ANSWERS], change(questions=None)) == []


def test_deleted_candidate_leaves_a_tombstone_per_answer(
    transport: SandboxTransport,
) -> None:
    rows = emitted(streams(transport)[ANSWERS], DELETED)
    assert [(row["position"], is_tombstone) for row, is_tombstone in rows] == [
        (0, True),
        (1, True),
    ]


def test_history_has_the_event_its_time_and_the_fields_it_is_about(
    transport: SandboxTransport,
) -> None:
    given = change(rating=3, hire_state="rejected")
    ((row, is_tombstone),) = emitted(streams(transport)[HISTORY], given)
    assert not is_tombstone
    assert len(row.pop("event_id")) == 32
    assert row.pop("observed_at")
    assert row == {
        "candidate_id": "1",
        "event": "updated",
        "job_opening_id": "100",
        "category_id": "200",
        "hire_state": "rejected",
        "rating": 3,
        "points": 3,
        "score": 75,
        "finished_at": "2026-01-05T09:30:00+00:00",
        "tag_ids": ["300"],
    }


@pytest.mark.parametrize("tags", [None, ()])
def test_history_has_no_tags_where_they_are_unknown(
    transport: SandboxTransport, tags: tuple[str, ...] | None
) -> None:
    given = replace(change(), tags=tags)
    ((row, _),) = emitted(streams(transport)[HISTORY], given)
    assert row["tag_ids"] == (None if tags is None else [])


def test_history_has_no_tags_where_the_settings_drop_them(
    transport: SandboxTransport,
) -> None:
    stream = streams(transport, pii="drop", pii_tags="drop")[HISTORY]
    ((row, _),) = emitted(stream, change())
    assert row["tag_ids"] is None


def test_history_of_a_deletion_has_only_the_event(transport: SandboxTransport) -> None:
    ((row, is_tombstone),) = emitted(streams(transport)[HISTORY], DELETED)
    assert is_tombstone
    assert set(row) == {"event_id", "candidate_id", "observed_at", "event"}
    assert row["event"] == "deleted"


def test_event_id_is_of_the_candidate_and_the_time(transport: SandboxTransport) -> None:
    stream = streams(transport)[HISTORY]
    rows = [emitted(stream, replace(change(), id=key))[0][0] for key in "12"]
    assert rows[0]["event_id"] != rows[1]["event_id"]


# Read by the SDK's own loop


def test_candidates_are_the_parents_of_their_details(
    transport: SandboxTransport,
) -> None:
    by_name = streams(transport, page_size=2)
    rows = records(by_name[CANDIDATES])
    assert [row["id"] for row in rows] == numbers(3)
    assert set(rows[0]) == set(by_name[CANDIDATES].schema["properties"])
    context = by_name[CANDIDATES].get_child_context(rows[1], None)
    assert context == {"candidate_id": "2"}
    (details,) = records(by_name[DETAILS], context)
    assert details["id"] == "2"
    assert details[DELETED_AT] is None
    assert [row["position"] for row in records(by_name[ANSWERS], context)] == [0, 1]
    (history,) = records(by_name[HISTORY], context)
    assert (history["candidate_id"], history["event"]) == ("2", "created")


def test_candidates_of_the_settings_are_read(transport: SandboxTransport) -> None:
    opening_id = transport.account.openings()[0]["id"]
    rows = records(streams(transport, job_opening_ids=[opening_id])[CANDIDATES])
    assert [row["id"] for row in rows] == numbers(3)
    assert ("candidates", opening_id) in requested(transport)


@pytest.mark.parametrize("context", [None, {"candidate_id": "99"}])
def test_candidate_that_is_not_found_has_no_records(
    transport: SandboxTransport, context: Json | None
) -> None:
    for name in (DETAILS, ANSWERS, HISTORY):
        assert records(streams(transport)[name], context) == []


def test_history_of_details_has_those_of_their_tags_that_are_ids(
    transport: SandboxTransport,
) -> None:
    tag_id = transport.account.tags()[0]["id"]
    transport.account.tag("2", tag_id)
    transport.account.show("2", in_details={"tag_ids": [tag_id, False]})  # no ID
    (row,) = records(streams(transport)[HISTORY], {"candidate_id": "2"})
    assert row["tag_ids"] == [tag_id]


def test_answers_look_like_a_full_table_to_the_loop_of_the_sdk(
    transport: SandboxTransport,
) -> None:
    """It would look for a replication key that they do not have."""
    stream = streams(transport)[ANSWERS]
    assert isinstance(stream, CandidateAnswers)
    stream.context = {"candidate_id": "1"}
    assert stream.replication_method == "FULL_TABLE"


def test_runs_have_no_records_of_their_own(transport: SandboxTransport) -> None:
    assert records(streams(transport)[SYNC_RUNS]) == []
