"""One run of the tap: what is written, when, and how a run ends."""

from __future__ import annotations

import json
import logging
import shutil
import signal
import typing as t
from collections import Counter
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import pytest

from sandbox import Fault, details_of
from tap_toggl_hire import records
from tap_toggl_hire import run as module
from tap_toggl_hire.errors import (
    OutputError,
    SettingError,
    StateError,
    StoppedError,
    UnavailableError,
)
from tap_toggl_hire.progress import INTERVAL
from tap_toggl_hire.streams import WITHOUT_ID, ListStream
from tap_toggl_hire.summary import SUMMARY
from tap_toggl_hire.sync.candidates import LEFT_SCOPE
from tap_toggl_hire.sync.plan import FEW_LEFT
from tests.support.http import SandboxTransport
from tests.support.messages import Messages
from tests.support.streams import (
    ALL_STREAMS,
    ANSWERS,
    CANDIDATE_STREAMS,
    CANDIDATES,
    DETAILS,
    HISTORY,
    LISTS,
    SYNC_RUNS,
    UPSERTED,
)
from tests.support.tap import CollectingWriter, catalog
from tests.unit.offline_tap import offline_tap
from tests.unit.sync.world import numbers, workspace

if t.TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sandbox.messages import Request
    from tests.support.scheduler import Scheduler

Json = dict[str, t.Any]

ACTIVATES = {"emit_activate_version_messages": True}


@dataclass
class Run(Messages):
    """What a run wrote, and how it ended."""

    messages: list[Json]
    error: Exception | None

    @property
    def sync_run(self) -> Json:
        """The record of the run."""
        (record,) = self.records(SYNC_RUNS)
        return record


class Extraction:
    """Runs of the tap inside the test, without sockets and threads.

    Attributes:
        config: Settings of all runs.
        selected: The streams that the catalog selects.
        full_table: The streams that emit all of their records.
        state: Of the last run.
        clock: Of all runs.
        before_run: Called before each run.
        before_message: Called before each message.
        tap: That of the last run.
    """

    def __init__(self, candidates: int = 3, **config: t.Any) -> None:
        self.transport = SandboxTransport(workspace(candidates))
        self.account = self.transport.account
        self.account.add_tag("A tag")
        self.account.add_category(self.account.add_opening())
        self.config = {"reverify_days": 0, **config}
        self.selected: Iterable[str] = ALL_STREAMS
        self.full_table: Iterable[str] = ()
        self.state: Json = {}
        self.clock = self.transport.clock
        self.before_run: t.Callable[[], object] = lambda: None
        self.before_message: t.Callable[[], object] = lambda: None

    def run(self) -> Run:
        """Run once, from the state of the run before."""
        self.writer = CollectingWriter(self.before_message)
        self.tap = offline_tap(
            self.transport,
            self.config,
            state=self.state or None,
            catalog=catalog(
                frozenset(self.selected), full_table=frozenset(self.full_table)
            ),
            message_writer=self.writer,
        )
        self.before_run()
        error: Exception | None = None
        try:
            self.tap.sync_all()
        except Exception as failure:  # noqa: BLE001 - a test looks at it
            error = failure
        run = Run(self.writer.messages, error)
        if run.states:
            self.state = run.states[-1]
        return run

    def fail(self, match: t.Any, status: int = 503) -> None:
        """Let requests fail."""
        self.transport.faults.append(Fault("status", status=status, match=match))

    def count_too_many(self) -> None:
        """Let the `total` of the list of candidates be larger than the list."""

        def is_list(request: Request) -> bool:
            return request.kind == "candidates" and "tag_ids" not in request.query

        def change(_: Request, page: Json) -> Json:
            return {**page, "total": page["total"] + 1}

        self.transport.faults.append(Fault("rewrite", match=is_list, change=change))

    def drop(self, *fields: str, only: str | None = None) -> None:
        """Let all objects lack fields; `only` names a kind of requests."""

        def without(value: t.Any) -> t.Any:
            if isinstance(value, list):
                return [*map(without, value)]
            if not isinstance(value, dict):
                return value
            return {n: without(v) for n, v in value.items() if n not in fields}

        def change(_: Request, page: Json) -> t.Any:
            return without(page)

        self.transport.faults.append(Fault("rewrite", match=only, change=change))

    def empty(self, kind: str) -> None:
        """Let a list be empty."""
        self.transport.faults.append(Fault("body", body={"data": []}, match=kind))


@pytest.fixture
def extraction() -> Extraction:
    return Extraction()


# Messages


def test_each_stream_begins_with_its_schema_and_a_state_is_last(
    extraction: Extraction,
) -> None:
    run = extraction.run()
    assert run.error is None
    schemas = [message["stream"] for message in run.of_type("SCHEMA")]
    assert sorted(schemas) == sorted(ALL_STREAMS)
    assert schemas[-5:] == [*CANDIDATE_STREAMS, SYNC_RUNS]
    seen: set[str] = set()
    for message in run.messages:
        if message["type"] == "SCHEMA":
            seen.add(message["stream"])
        elif message["type"] == "RECORD":
            assert message["stream"] in seen
    assert {message["stream"] for message in run.of_type("RECORD")} == seen
    last_record, last = run.messages[-2:]
    assert (last_record["stream"], last["type"]) == (SYNC_RUNS, "STATE")


def test_records_of_a_candidate_come_together(extraction: Extraction) -> None:
    run = extraction.run()
    streams = [
        m["stream"] for m in run.candidate_records if "1" in run_key(m["record"])
    ]
    once = [s for s, after in pairwise([*streams, None]) if s != after]
    assert once == list(CANDIDATE_STREAMS)


def run_key(record: Json) -> tuple[str | None, ...]:
    return record.get("candidate_id"), record.get("id")


def test_only_selected_streams_are_written(extraction: Extraction) -> None:
    extraction.selected = [ANSWERS, "tags"]
    run = extraction.run()
    assert {m["stream"] for m in run.messages if "stream" in m} == {ANSWERS, "tags"}
    assert run.states
    kinds = {request.kind for request in extraction.transport.requests}
    assert kinds == {"tags", "candidates", "candidate"}


def test_next_run_goes_on_from_the_state(extraction: Extraction) -> None:
    extraction.run()
    extraction.account.rate("2", 3)
    run = extraction.run()
    assert run.emitted(CANDIDATES) == ["2"]
    assert run.events() == [("updated", "2")]


def test_run_without_a_change_requests_no_details(extraction: Extraction) -> None:
    extraction.run()
    before = len(extraction.transport.requests)
    run = extraction.run()
    assert run.error is None
    assert run.candidate_records == []
    requests = extraction.transport.requests[before:]
    assert [request for request in requests if request.kind == "candidate"] == []


def test_lists_are_requested_at_the_same_time(extraction: Extraction) -> None:
    extraction.selected = LISTS
    extraction.run()
    workers = t.cast("Scheduler", extraction.tap.session.workers)
    assert workers.most_waiting == len(LISTS)


def test_full_table_stream_is_emitted_again(extraction: Extraction) -> None:
    extraction.run()
    extraction.full_table = [CANDIDATES]
    run = extraction.run()
    assert run.emitted(CANDIDATES) == numbers(3)
    assert run.emitted(DETAILS) == []


def test_history_is_not_emitted_again_as_a_full_table(extraction: Extraction) -> None:
    """Its rows are events, which happened once."""
    extraction.run()
    extraction.full_table = [HISTORY]
    assert extraction.run().candidate_records == []


def test_stream_with_a_new_column_is_emitted_again(
    extraction: Extraction, caplog: pytest.LogCaptureFixture
) -> None:
    extraction.run()
    extraction.config["stream_maps"] = {CANDIDATES: {"opening": "job_opening_id"}}
    run = extraction.run()
    assert run.emitted(CANDIDATES) == numbers(3)
    assert run.emitted(DETAILS) == []
    assert any("re-emitting all 3 candidates" in line for line in caplog.messages)


def test_due_details_are_fetched_again(extraction: Extraction) -> None:
    extraction.config["reverify_days"] = 30
    extraction.run()
    extraction.clock.now += 30 * 86_400
    extraction.account.show("2", in_details={"profile_url": "https://example.com"})
    run = extraction.run()
    assert run.sync_run["candidates_reverified"] == 3
    assert run.emitted(DETAILS) == ["2"]


def test_lists_of_tags_that_are_dropped_are_not_requested(
    extraction: Extraction,
) -> None:
    extraction.config |= {"pii": "drop", "pii_tags": "drop"}
    extraction.selected = [DETAILS]
    run = extraction.run()
    assert [row["tag_ids"] for row in run.records(DETAILS)] == [None] * 3
    assert not any("tag_ids" in r.query for r in extraction.transport.requests)


def test_many_candidates_outside_new_filters_cost_no_requests(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    many = FEW_LEFT + 1
    extraction = Extraction(many)
    extraction.selected = [CANDIDATES]
    extraction.run()
    extraction.config["job_opening_ids"] = [extraction.account.add_opening()]
    for _ in range(2):
        before = len(extraction.transport.requests)
        run = extraction.run()
        assert run.error is None
        assert run.candidate_records == []
        kinds = [r.kind for r in extraction.transport.requests[before:]]
        assert kinds.count("candidate") == 1  # the proof of the workspace
    assert caplog.messages.count(LEFT_SCOPE % many) == 1


def test_candidates_that_leave_the_same_filters_are_asked_for_however_many() -> None:
    many = FEW_LEFT + 1
    extraction = Extraction(1 + many)
    account = extraction.account
    opening_id = account.openings()[0]["id"]
    extraction.config["job_opening_ids"] = [opening_id]
    extraction.selected = [CANDIDATES]
    extraction.run()
    other = account.add_opening()
    for candidate_id in numbers(2, many + 2):
        account.set_field(candidate_id, "job_opening_id", other)
    before = len(extraction.transport.requests)
    extraction.run()
    requests = extraction.transport.requests[before:]
    assert sum(r.kind == "candidate" for r in requests) == many


def test_bookmarks_have_the_largest_key_of_each_stream(extraction: Extraction) -> None:
    run = extraction.run()
    bookmarks = run.states[-1]["bookmarks"]
    assert bookmarks[SYNC_RUNS] == {
        "replication_key": "started_at",
        "replication_key_value": run.sync_run["started_at"],
    }
    times = [row["started_at"] for row in run.records(CANDIDATES)]
    assert bookmarks[CANDIDATES]["replication_key_value"] == max(times)


# Without a stream to read


def test_run_without_a_selected_stream_is_rejected(extraction: Extraction) -> None:
    extraction.selected = []
    run = extraction.run()
    assert str(run.error) == module.NOTHING_SELECTED
    assert (run.messages, extraction.transport.requests) == ([], [])


def test_time_limit_is_rejected_with_a_full_table_candidate_stream() -> None:
    extraction = Extraction(time_limit_minutes=5)
    extraction.full_table = [DETAILS]
    run = extraction.run()
    assert isinstance(run.error, SettingError)
    assert str(run.error) == module.LIMITED_FULL_TABLE.format(DETAILS)
    assert (run.messages, extraction.transport.requests) == ([], [])
    del extraction.config["time_limit_minutes"]
    assert extraction.run().error is None


# ACTIVATE_VERSION


def activated(run: Run) -> set[str]:
    """Return the streams with an ACTIVATE_VERSION, which follows their last record."""
    for message in run.of_type("ACTIVATE_VERSION"):
        stream, place = message["stream"], run.messages.index(message)
        records = [
            (number, m)
            for number, m in enumerate(run.messages)
            if m["type"] == "RECORD" and m["stream"] == stream
        ]
        assert {m["version"] for _, m in records} == {message["version"]}
        assert max(number for number, _ in records) < place
    return run.activated


def test_first_run_activates_the_lists_and_the_candidates() -> None:
    extraction = Extraction(**ACTIVATES)
    assert activated(extraction.run()) == {*LISTS, *UPSERTED}
    run = extraction.run()
    assert activated(run) == set(LISTS)
    candidates = extraction.tap.initialized_at
    assert {m["version"] for m in run.of_type("ACTIVATE_VERSION")} == {candidates}


def test_nothing_is_activated_unless_the_setting_asks_for_it(
    extraction: Extraction,
) -> None:
    extraction.config["emit_activate_version_messages"] = False
    run = extraction.run()
    assert activated(run) == set()
    assert not any("version" in message for message in run.of_type("RECORD"))


@pytest.mark.parametrize("stream", LISTS)
def test_empty_list_is_not_activated(stream: str) -> None:
    """The target would delete every row, for what is more likely a fault."""
    extraction = Extraction(**ACTIVATES)
    extraction.empty({"job_openings": "openings"}.get(stream, stream))
    run = extraction.run()
    assert run.error is None
    assert run.records(stream) == []
    assert activated(run) == {*LISTS, *UPSERTED} - {stream}


def test_narrowed_lists_and_candidates_are_not_activated() -> None:
    extraction = Extraction(**ACTIVATES)
    opening_id = extraction.account.openings()[0]["id"]
    extraction.config["job_opening_ids"] = [opening_id]
    run = extraction.run()
    assert run.records("job_openings")
    streams = extraction.tap.streams.values()
    lists = [stream for stream in streams if isinstance(stream, ListStream)]
    whole = {stream.name for stream in lists if not stream.is_of_openings}
    assert activated(run) == whole >= {"tags"}
    extraction = Extraction(start_date="2026-01-01", **ACTIVATES)
    run = extraction.run()
    assert run.records(CANDIDATES)
    assert activated(run) == set(LISTS)


def test_candidates_are_not_activated_if_their_list_is_empty_or_accepted() -> None:
    extraction = Extraction(0, **ACTIVATES)
    assert activated(extraction.run()) == set(LISTS)
    extraction = Extraction(3, **ACTIVATES)
    extraction.count_too_many()
    run = extraction.run()
    assert run.error is None
    assert run.emitted(CANDIDATES) == numbers(3)
    assert activated(run) == set(LISTS)


def test_candidates_are_not_activated_by_a_run_that_goes_on_from_another() -> None:
    extraction = Extraction(**ACTIVATES)
    extraction.fail(details_of("2"))
    run = extraction.run()
    assert isinstance(run.error, UnavailableError)
    assert activated(run) == set(LISTS)
    extraction.transport.faults.clear()
    run = extraction.run()
    assert run.emitted(DETAILS) == ["2"]
    assert activated(run) == set(LISTS)


def test_candidates_are_not_activated_after_a_run_that_found_none() -> None:
    extraction = Extraction(0, **ACTIVATES)
    extraction.run()
    extraction.account.add_candidate()
    run = extraction.run()
    assert run.records(CANDIDATES)
    assert activated(run) == set(LISTS)


def test_candidates_in_batch_files_are_not_activated(tmp_path: Path) -> None:
    storage = {"root": tmp_path.as_uri(), "prefix": "batch-"}
    encoding = {"format": "jsonl", "compression": "gzip"}
    batch = {"encoding": encoding, "storage": storage}
    run = Extraction(**ACTIVATES, batch_config=batch).run()
    assert run.error is None
    assert {m["stream"] for m in run.of_type("BATCH")} == set(ALL_STREAMS)
    assert run.activated == set()


# The proof of the workspace


def of_another_workspace(**config: t.Any) -> Extraction:
    """Return an extraction whose state knows other candidates than the API."""
    extraction = Extraction(5, **config)
    extraction.run()
    for candidate_id in numbers(5):
        extraction.account.delete(candidate_id)
    return extraction


@pytest.mark.parametrize("selected", [ALL_STREAMS, LISTS, [CANDIDATES]])
def test_run_without_proof_of_the_workspace_writes_nothing(
    selected: Iterable[str],
) -> None:
    extraction = of_another_workspace()
    extraction.selected = selected
    run = extraction.run()
    assert isinstance(run.error, StateError)
    assert str(run.error) == module.UNPROVED
    assert run.messages == []


def test_confirmed_run_needs_no_proof_and_warns(
    caplog: pytest.LogCaptureFixture,
) -> None:
    extraction = of_another_workspace(confirm_mass_deletion=True)
    assert caplog.messages.count(module.CONFIRMED) == 1  # although nothing needed it
    run = extraction.run()
    assert run.error is None
    assert run.deleted(CANDIDATES) == numbers(5)
    assert caplog.messages.count(module.CONFIRMED) == 2


def test_proof_that_meets_only_failures_fails_and_writes_nothing() -> None:
    extraction = of_another_workspace()
    extraction.fail("candidate")
    run = extraction.run()
    assert isinstance(run.error, UnavailableError)
    assert run.messages == []


# Openings in the settings


def test_openings_in_the_settings_are_read_once_before_any_message() -> None:
    extraction = Extraction(job_opening_ids=["999", "998"])
    run = extraction.run()
    assert "no job opening 999" in str(run.error)
    # There is nothing to prove, so the failed run has a record.
    assert {m["stream"] for m in run.messages if "stream" in m} == {SYNC_RUNS}
    openings = [o["id"] for o in extraction.account.openings()]
    extraction.config["job_opening_ids"] = openings
    before = len(extraction.transport.requests)
    run = extraction.run()
    requests = extraction.transport.requests[before:]
    assert [r.route.item_id for r in requests if r.kind == "opening"] == openings
    assert [row["id"] for row in run.records("job_openings")] == openings


def test_openings_in_the_settings_are_not_read_if_no_stream_needs_them() -> None:
    extraction = Extraction(job_opening_ids=["999"])
    extraction.selected = ["tags", SYNC_RUNS]
    assert extraction.run().error is None


@pytest.mark.parametrize("stream", ["categories", CANDIDATES])
def test_openings_in_the_settings_are_read_for_what_they_narrow(stream: str) -> None:
    extraction = Extraction(job_opening_ids=["999"])
    extraction.selected = [stream]
    assert "no job opening 999" in str(extraction.run().error)


def test_list_of_a_tag_is_not_compared_with_the_lists_of_some_openings() -> None:
    """It is not narrowed to openings, and may be as long by chance."""
    extraction = Extraction(4)
    account = extraction.account
    tag_id = account.tags()[0]["id"]
    for key in "12":
        account.tag(key, tag_id)
    other = account.add_opening()
    for key in "24":
        account.set_field(key, "job_opening_id", other)
    extraction.config["job_opening_ids"] = [other]
    extraction.run()
    extraction.empty("tags")
    run = extraction.run()
    assert run.emitted(CANDIDATES) == []


# Unknown fields


@pytest.mark.parametrize(
    ("selected", "rules", "is_emitted"),
    [
        ([CANDIDATES, DETAILS], {}, True),
        ([CANDIDATES], {CANDIDATES: {"extra": None}}, False),
    ],
)
def test_unknown_fields_of_rows_are_compared_if_they_are_emitted(
    selected: list[str], rules: Json, *, is_emitted: bool
) -> None:
    extraction = Extraction(stream_maps=rules)
    extraction.selected = selected
    extraction.run()
    extraction.account.show("2", in_list={"new_field": 5})
    run = extraction.run()
    assert (CANDIDATES in run.candidate_streams) is is_emitted
    assert DETAILS not in run.candidate_streams


# The end of a run


def test_failure_is_raised_after_its_record_and_a_state(
    extraction: Extraction,
) -> None:
    extraction.fail(details_of("2"))
    run = extraction.run()
    assert isinstance(run.error, UnavailableError)
    assert run.sync_run["outcome"] == "failed"
    assert run.sync_run["is_transient"] is True
    assert run.sync_run["message"] == str(run.error)
    assert run.messages[-1]["type"] == "STATE"
    extraction.transport.faults.clear()
    assert extraction.run().emitted(DETAILS) == ["2"]


def test_failure_of_a_list_stream_is_raised_before_candidates(
    extraction: Extraction,
) -> None:
    extraction.fail("categories")
    run = extraction.run()
    assert isinstance(run.error, UnavailableError)
    assert run.candidate_records == []
    assert run.sync_run["outcome"] == "failed"


def test_run_whose_output_is_closed_writes_no_end(extraction: Extraction) -> None:
    attempts: list[int] = []

    def close() -> None:
        if len(extraction.writer.messages) == 9:
            attempts.append(9)
            raise OutputError("The target closed the pipe.")

    extraction.before_message = close
    run = extraction.run()
    assert isinstance(run.error, OutputError)
    assert (len(run.messages), len(attempts)) == (9, 1)


def test_no_state_follows_a_batch_file_that_cannot_be_written(tmp_path: Path) -> None:
    """Its records are lost, and a STATE would say that the target has them."""
    folder = tmp_path / "batches"
    storage = {"root": folder.as_uri()}
    encoding = {"format": "jsonl", "compression": "gzip"}
    extraction = Extraction(9, batch_config={"encoding": encoding, "storage": storage})

    def block() -> None:
        if any(m["type"] == "STATE" for m in extraction.writer.messages):
            shutil.rmtree(folder)
            folder.touch()
            extraction.before_message = lambda: None

    extraction.before_message = block
    run = extraction.run()
    assert isinstance(run.error, OutputError)
    assert [m["type"] for m in run.messages].count("STATE") == 1


def test_last_state_is_written_although_the_record_of_the_run_is_not(
    extraction: Extraction,
) -> None:
    extraction.config["stream_maps"] = {SYNC_RUNS: {"n": "message.upper()"}}
    run = extraction.run()
    assert isinstance(run.error, SettingError)
    assert run.messages[-1]["type"] == "STATE"
    extraction.config["stream_maps"] = {}
    assert extraction.run().emitted(DETAILS) == []


def test_requests_that_wait_are_dropped_if_the_output_is_closed() -> None:
    extraction = Extraction(9)

    def close() -> None:
        if any(m["type"] == "RECORD" for m in extraction.writer.messages):
            raise OutputError("The target closed the pipe.")

    extraction.selected = [DETAILS]
    extraction.before_message = close
    assert isinstance(extraction.run().error, OutputError)
    before = len(extraction.transport.requests)
    workers = extraction.tap.session.workers
    workers.result(workers.submit(int))  # whatever else waits is answered before
    assert len(extraction.transport.requests[before:]) <= workers.size


def test_text_of_an_unexpected_exception_is_not_in_the_record(
    extraction: Extraction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its text may be personal."""

    def fail(*_: object) -> None:
        raise LookupError("Ada Quell")

    monkeypatch.setattr(module, "make_changed_streams_stale", fail)
    run = extraction.run()
    assert isinstance(run.error, LookupError)
    assert run.sync_run["message"] == "Unexpected LookupError."
    assert run.sync_run["is_transient"] is False


# A time limit, and signals


def stop_at(
    extraction: Extraction, match: t.Callable[[Request], bool], signum: int = 0
) -> None:
    """Reach the time limit, or send a signal, with a request."""

    def on_request(request: Request) -> None:
        if match(request):
            stop(extraction, signum)

    extraction.transport.on_request = on_request


def stop(extraction: Extraction, signum: int = 0) -> None:
    """Let a minute pass, or send a signal."""
    extraction.clock.now += 60
    if signum:
        extraction.tap.stop.signal(signum)


def is_third(request: Request) -> bool:
    return request.kind == "candidate" and request.route.item_id == "3"


def test_time_limit_ends_a_run_as_stopped_and_the_next_one_continues(
    caplog: pytest.LogCaptureFixture,
) -> None:
    extraction = Extraction(5, time_limit_minutes=1)
    stop_at(extraction, is_third)
    run = extraction.run()
    assert run.error is None
    assert run.emitted(DETAILS) == ["1", "2", "3", "4"]  # it was in flight
    assert run.sync_run["outcome"] == "stopped"
    assert run.sync_run["is_transient"] is None
    assert run.sync_run["message"] is None
    done = " with 4 of 5 candidates done"
    assert module.STOPPED % ("1", done) in caplog.messages
    extraction.transport.on_request = lambda _: None
    assert extraction.run().emitted(DETAILS) == ["5"]


def test_time_limit_before_candidates_are_counted_names_no_numbers(
    caplog: pytest.LogCaptureFixture,
) -> None:
    extraction = Extraction(time_limit_minutes=0.5)
    extraction.before_message = partial(stop, extraction)
    run = extraction.run()
    assert run.error is None
    assert run.sync_run["outcome"] == "stopped"
    assert run.candidate_records == []
    assert module.STOPPED % ("0.5", "") in caplog.messages


def test_no_more_candidates_are_done_than_there_are(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Re-verification does more, which the list has shown already."""
    extraction = Extraction(5, time_limit_minutes=1, reverify_days=30)
    extraction.run()
    extraction.clock.now += 30 * 86_400
    stop_at(extraction, is_third)
    run = extraction.run()
    assert run.sync_run["outcome"] == "stopped"
    assert module.STOPPED % ("1", " with 5 of 5 candidates done") in caplog.messages


@pytest.mark.parametrize("signum", [0, signal.SIGTERM])
def test_run_that_is_stopped_before_the_first_page_writes_nothing(signum: int) -> None:
    extraction = Extraction(time_limit_minutes=1)
    extraction.before_run = partial(stop, extraction, signum)
    run = extraction.run()
    assert isinstance(run.error, StoppedError)
    assert run.messages == []


def test_signal_fails_a_run_that_has_begun() -> None:
    extraction = Extraction(5)
    stop_at(extraction, is_third, signal.SIGTERM)
    run = extraction.run()
    assert isinstance(run.error, StoppedError)
    assert run.sync_run["outcome"] == "failed"
    assert run.sync_run["is_transient"] is True
    assert set(run.emitted(DETAILS)) >= {"1", "2"}
    assert run.messages[-1]["type"] == "STATE"


def test_failure_counts_although_the_time_limit_was_reached() -> None:
    extraction = Extraction(5, time_limit_minutes=1)
    extraction.fail(details_of("1"))
    stop_at(extraction, is_third)
    run = extraction.run()
    assert isinstance(run.error, UnavailableError)
    assert run.sync_run["outcome"] == "failed"


# Warnings


def test_what_was_odd_about_candidates_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    extraction = Extraction(5)
    extraction.account.show("2", in_list={"id": None})
    extraction.fail(details_of("3"), status=404)
    extraction.count_too_many()
    run = extraction.run()
    assert run.error is None
    warnings = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert WITHOUT_ID % (1, CANDIDATES) in warnings
    assert module.ACCEPTED in warnings
    assert module.WITHOUT_DETAILS % "1" in warnings


def test_nothing_is_logged_of_candidates_that_are_not_odd(
    extraction: Extraction, caplog: pytest.LogCaptureFixture
) -> None:
    extraction.run()
    assert [r.getMessage() for r in caplog.records if r.levelname == "WARNING"] == []


# The record of the run, and its last lines


def test_record_of_the_first_run(extraction: Extraction) -> None:
    extraction.config["start_date"] = "2026-01-01T00:00:00Z"
    extraction.config["candidate_filters"] = {"email": "ada@example.com"}
    extraction.account.show("1", in_list={"email": "ada@example.com"})
    run = extraction.run()
    record = run.sync_run
    assert record["outcome"] == "complete"
    assert record["tap_version"] == extraction.tap.plugin_version
    assert record["api_version"] == "v2.1"
    assert record["scope"] == (
        '{"candidate_filters":{"email":"set"},"start_date":"2026-01-01T00:00:00+00:00"}'
    )
    assert record["started_at"] <= record["finished_at"]


def test_record_counts_candidates_and_requests() -> None:
    extraction = Extraction(5)
    record = extraction.run().sync_run
    assert record["scope"] is None
    for problem in ("unknown", "mismatched", "missing"):
        assert record[f"{problem}_fields"] is None
    assert record["requests"] == len(extraction.transport.requests)
    expected = {"listed": 5, "created": 5, "updated": 0, "deleted": 0, "reverified": 0}
    assert {name: record[f"candidates_{name}"] for name in expected} == expected
    assert record["details_read"] == 5
    assert (record["requests_rate_limited"], record["requests_retried"]) == (0, 0)
    assert (record["candidates_held"], record["details_held"]) == (5, 5)
    assert record["answers_held"] == 2 * 5
    extraction.account.delete("1")
    extraction.account.rate("2", 2)
    extraction.fail(details_of("2"), status=404)
    record = extraction.run().sync_run
    assert record["candidates_updated"] == record["candidates_deleted"] == 1
    assert record["candidates_without_details"] == 1
    assert (record["candidates_held"], record["details_held"]) == (4, 3)
    assert record["answers_held"] == 2 * 3


def test_rows_held_are_null_for_streams_that_are_deselected_or_filtered() -> None:
    extraction = Extraction(stream_maps={CANDIDATES: {"__filter__": "rating == 0"}})
    extraction.selected = [CANDIDATES, DETAILS, SYNC_RUNS]
    record = extraction.run().sync_run
    assert record["candidates_held"] is None
    assert record["details_held"] == 3
    assert record["answers_held"] is None


def test_record_names_fields_that_no_schema_declares() -> None:
    extraction = Extraction()
    extraction.account.show("1", in_list={"zeta": 1, "rating": "x"})
    extraction.account.show("2", in_list={"zeta": 1, "alpha": 1})
    extraction.account.change_opening(
        extraction.account.openings()[0]["id"], new_field=1
    )
    record = extraction.run().sync_run
    assert record["unknown_fields"] == (
        '{"candidates.alpha":1,"candidates.zeta":2,"job_openings.new_field":1}'
    )
    assert record["mismatched_fields"] == '{"candidates.rating":1}'


def test_record_and_log_name_fields_that_no_object_had(
    extraction: Extraction, caplog: pytest.LogCaptureFixture
) -> None:
    extraction.drop("score", "skill")
    assert json.loads(extraction.run().sync_run["missing_fields"]) == {
        "candidates.score": 3,
        "candidate_details.score": 3,
        "candidate_details.questions[].skill": 2 * 3,
    }
    assert [m for m in caplog.messages if m.startswith("The API sent none")] == [
        records.MISSING % ("candidates", "score"),
        records.MISSING % ("candidate_details", "questions[].skill, score"),
    ]
    record = extraction.run().sync_run  # nothing differs: no details are read
    assert record["missing_fields"] == '{"candidates.score":3}'


def test_fields_of_details_do_not_hide_that_the_list_lacks_them() -> None:
    extraction = Extraction(reverify_days=1)
    extraction.run()
    extraction.account.archive("1")
    extraction.drop("score", only="candidates")
    extraction.selected = [CANDIDATES, SYNC_RUNS]
    extraction.clock.now += 2 * 86_400
    record = extraction.run().sync_run
    assert record["details_read"] == 1
    assert json.loads(record["missing_fields"]) == {"candidates.score": 2}


def test_run_logs_its_progress(
    extraction: Extraction, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    extraction.transport.latency = INTERVAL
    extraction.run()
    assert any("candidates done" in line for line in caplog.messages)


def metrics(caplog: pytest.LogCaptureFixture) -> dict[str, dict[str, float]]:
    """Return the value of each METRIC line, by metric and tag."""
    values: dict[str, dict[str, float]] = {}
    for message in caplog.messages:
        if message.startswith("METRIC: "):
            point = json.loads(message.removeprefix("METRIC: "))
            is_timer = point["metric"] == "sync_duration"
            assert point["type"] == ("timer" if is_timer else "counter")
            (tag,) = (v for name, v in point["tags"].items() if name != "pid")
            values.setdefault(point["metric"], {})[tag] = point["value"]
    return values


def test_run_ends_with_metrics_and_one_line(
    extraction: Extraction, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    extraction.transport.latency = 0.5
    run = extraction.run()
    last = caplog.records[-1]
    assert last.getMessage() == SUMMARY % run.sync_run
    assert vars(last)["sync_run"] == run.sync_run
    values = metrics(caplog)
    records = {stream: len(run.records(stream)) for stream in ALL_STREAMS}
    assert values["record_count"] == records
    requests = Counter(request.kind for request in extraction.transport.requests)
    assert values["http_request_count"] == {
        "/candidates": requests["candidates"],
        "/candidates/{id}": requests["candidate"],
        **{
            stream.path: 1
            for stream in extraction.tap.streams.values()
            if isinstance(stream, ListStream)
        },
    }
    assert list(values["sync_duration"]) == ["succeeded"]
    assert values["sync_duration"]["succeeded"] == 0.5 * requests.total()


def test_failed_run_ends_with_metrics_alone(
    extraction: Extraction, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    extraction.fail(details_of("2"))
    run = extraction.run()
    assert run.error is not None
    assert SUMMARY % run.sync_run not in caplog.messages
    assert list(metrics(caplog)["sync_duration"]) == ["failed"]


def test_run_without_sync_runs_still_saves_its_state(extraction: Extraction) -> None:
    extraction.selected = [CANDIDATES]
    run = extraction.run()
    assert run.records(SYNC_RUNS) == []
    assert run.emitted(CANDIDATES) == numbers(3)
    assert extraction.run().emitted(CANDIDATES) == []
