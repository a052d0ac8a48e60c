"""`sync_runs`: one row a run, its last record, and the same as a line for people."""

from __future__ import annotations

import importlib.metadata
import json
import re
import typing as t
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from sandbox import Account, Fault, RateLimit, Shapes
from tests.streams.checks import (
    CANDIDATES,
    LISTS,
    RUNS,
    details_asked,
    loaded,
    settings,
)
from tests.support import Run, Target, catalog, extract, run_tap
from tests.support.tap import records

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox

Json = dict[str, t.Any]

SUMMARY = re.compile(
    r"([\d,]+) candidates: ([\d,]+) new, ([\d,]+) changed, ([\d,]+) deleted, "
    r"([\d,]+) re-verified; ([\d,]+) requests, ([\d,]+) refused, in \d+ s\.$"
)
OF_CANDIDATES = ("listed", "created", "updated", "deleted", "reverified")


def the_row(run: Run) -> Json:
    """The record of a run, which is its last; its state follows."""
    last = [m for m in run.messages if m["type"] == "RECORD"][-1]
    assert last["stream"] == RUNS
    (row,) = run.records(RUNS)
    assert row == last["record"]
    return dict(row)


def counts(row: Json) -> dict[str, int]:
    return {name: row[f"candidates_{name}"] for name in OF_CANDIDATES}


def line(run: Run) -> str:
    """The last line on stderr, without time and level."""
    return run.stderr.splitlines()[-1].rpartition(" | ")[2]


def assert_told(run: Run) -> None:
    """See that the line for people says what the row says."""
    row, told = the_row(run), SUMMARY.match(line(run))
    assert told
    assert [int(number.replace(",", "")) for number in told.groups()] == [
        *counts(row).values(),
        row["requests"],
        row["requests_refused"],
    ]


def test_a_run_that_is_complete(sandbox: Callable[..., Sandbox]) -> None:
    box = sandbox(Account.example(candidates=40))
    before = datetime.now(UTC)
    run = run_tap(settings(box))
    after = datetime.now(UTC)
    row = the_row(run)
    started, finished = (
        datetime.fromisoformat(row.pop(name)) for name in ("started_at", "finished_at")
    )
    assert before <= started <= finished <= after
    assert row == {
        "outcome": "complete",
        "message": None,
        "tap_version": importlib.metadata.version("tap-toggl-hire"),
        "api_version": "v2.1",
        "scope": None,
        "requests": box.stats.requests,
        "requests_refused": 0,
        "requests_retried": 0,
        "candidates_listed": 40,
        "candidates_created": 40,
        "candidates_updated": 0,
        "candidates_deleted": 0,
        "candidates_reverified": 0,
        "details_read": 40,
        "unknown_fields": None,
        "unfit_fields": None,
    }
    assert_told(run)
    assert run.messages[-1]["type"] == "STATE"


def test_what_happened_to_candidates(sandbox: Callable[..., Sandbox]) -> None:
    box = sandbox(Account.example(candidates=30))
    account = box.account
    target = loaded(run_tap(settings(box)).messages)
    ids = account.listed_ids()
    for one in ids[:4]:
        account.rate(one, 3 - account.row(one)["rating"])
    for one in ids[10:12]:
        account.delete(one)
    for _ in range(3):
        account.add_candidate()
    box.stats.reset()
    run = run_tap(settings(box), state=target.state)
    row = the_row(run)
    assert counts(row) == {
        "listed": 31,
        "created": 3,
        "updated": 4,
        "deleted": 2,
        "reverified": 0,
    }
    assert row["details_read"] == 7
    assert row["requests"] == box.stats.requests
    assert_told(run)
    target.load(run.messages)
    # Nothing changed: the row is all that tells of it, beside the lists.
    box.stats.reset()
    run = run_tap(settings(box), state=target.state)
    row = the_row(run)
    assert counts(row) == {
        "listed": 31,
        "created": 0,
        "updated": 0,
        "deleted": 0,
        "reverified": 0,
    }
    assert row["details_read"] == 0
    assert row["requests"] == box.stats.requests
    told = {m["stream"] for m in run.messages if m["type"] == "RECORD"}
    assert told == {*LISTS, RUNS}
    target.load(run.messages)
    assert len(target.alive(RUNS)) == 3


def test_those_that_are_re_verified(sandbox: Callable[..., Sandbox]) -> None:
    box = sandbox(Account.example(candidates=40))
    config = settings(box, reverify_days=10)
    target = loaded(extract(config))
    with time_machine.travel(datetime.now(UTC) + timedelta(days=2)):
        box.stats.reset()
        messages = extract(config, target.state)
    (row,) = records(messages, RUNS)
    asked = len(details_asked(box))
    assert 0 < asked < 40
    assert (row["candidates_reverified"], row["details_read"]) == (asked, asked)
    assert row["candidates_updated"] == 0


def test_large_numbers_are_easy_to_read(sandbox: Callable[..., Sandbox]) -> None:
    box = sandbox(Account.example(candidates=1204, questions=1))
    config = settings(box)
    run = run_tap(config, catalog=catalog(config, "candidates", RUNS))
    assert line(run).startswith("1,204 candidates: 1,204 new, 0 changed, ")
    assert_told(run)


def test_requests_that_are_refused_or_sent_again(
    sandbox: Callable[..., Sandbox],
) -> None:
    box = sandbox(
        Account.example(candidates=60),
        rate_limit=RateLimit(200, burst=20, retry_after="none"),
    )
    box.faults = [Fault("status", status=503, match="candidate", times=2)]
    run = run_tap(settings(box))
    assert run.returncode == 0, run.stderr
    row = the_row(run)
    assert row["requests"] == box.stats.requests
    assert row["requests_refused"] == box.stats.refused > 0
    assert row["requests_retried"] == 2
    assert row["details_read"] == 60
    assert_told(run)


def test_fields_are_counted(sandbox: Callable[..., Sandbox]) -> None:
    box = sandbox(Account.example(candidates=5))
    for one in box.account.listed_ids()[:2]:
        box.account.set_field(one, "portfolio", 1)
    box.account.set_field(box.account.listed_ids()[4], "rating", {"stars": 2})
    row = the_row(run_tap(settings(box)))
    assert json.loads(row["unknown_fields"]) == {
        "candidate_details.portfolio": 2,
        "candidates.portfolio": 2,
    }
    assert json.loads(row["unfit_fields"]) == {
        "candidate_details.rating": 1,
        "candidates.rating": 1,
    }


def test_the_version_that_was_found(sandbox: Callable[..., Sandbox]) -> None:
    box = sandbox(Account.example(candidates=3), shapes=Shapes(versions=("v2",)))
    row = the_row(run_tap(settings(box)))
    assert row["api_version"] == "v2"
    assert row["requests"] == box.stats.requests


def test_the_scope_tells_of_an_email_that_it_is_set(
    sandbox: Callable[..., Sandbox],
) -> None:
    box = sandbox(Account.example(candidates=10))
    opening = box.account.openings()[0]["id"]
    email = box.account.list_rows()[0]["email"]
    config = settings(
        box,
        job_opening_ids=[opening],
        start_date="2025-01-01",
        candidate_filters={"email": email, "min_score": 1},
    )
    run = run_tap(config)
    scope = json.loads(the_row(run)["scope"])
    assert scope["job_opening_ids"] == [opening]
    assert scope["start_date"].startswith("2025-01-01")
    assert scope["candidate_filters"] == {"email": "set", "min_score": "1"}
    assert email not in json.dumps(the_row(run))


def test_a_run_that_fails(sandbox: Callable[..., Sandbox]) -> None:
    """Its message is the line that it ends with; the state follows, too."""
    box = sandbox(Account.example(candidates=150))
    box.faults = [Fault("status", status=403, match="candidate", after=120)]
    run = run_tap(settings(box, max_concurrency=1))
    assert run.returncode == 1
    row = the_row(run)
    assert row["outcome"] == "failed"
    assert row["message"] == line(run)
    assert "api_key" in row["message"]
    # One may be under way while the run ends; no other is begun.
    assert box.stats.requests - 1 <= row["requests"] <= box.stats.requests
    assert 100 <= row["details_read"] <= 120
    assert row["candidates_created"] == row["details_read"]
    assert len(run.records("candidate_history")) == row["candidates_created"]
    assert run.messages[-1]["type"] == "STATE"
    assert not SUMMARY.match(line(run))
    for candidate in box.account.list_rows():
        assert candidate["email"] not in json.dumps(row)


@pytest.mark.parametrize("status", [401, 404])
def test_a_run_that_fails_at_its_first_request(
    sandbox: Callable[..., Sandbox], status: int
) -> None:
    box = sandbox(Account.example(candidates=3))
    box.faults = [Fault("status", status=status)]
    run = run_tap(settings(box))
    assert run.returncode == 1
    row = the_row(run)
    assert (row["outcome"], row["message"]) == ("failed", line(run))
    assert row["api_version"] is None
    assert row["requests"] == box.stats.requests
    assert set(counts(row).values()) == {0}


def test_settings_that_are_refused_leave_no_row(
    sandbox: Callable[..., Sandbox],
) -> None:
    """They are no run: nothing was asked for."""
    run = run_tap(settings(sandbox(), page_size=0))
    assert run.returncode == 1
    assert run.messages == []


def test_it_may_be_selected_alone_or_left_out(sandbox: Callable[..., Sandbox]) -> None:
    box = sandbox(Account.example(candidates=5))
    config = settings(box)
    alone = extract(config, catalog=catalog(config, RUNS))
    assert [m["stream"] for m in alone if m["type"] == "RECORD"] == [RUNS]
    assert box.stats.requests == 0
    others = extract(config, catalog=catalog(config, *LISTS, *CANDIDATES))
    assert RUNS not in {m.get("stream") for m in others}


def test_its_rows_are_only_added(sandbox: Callable[..., Sandbox]) -> None:
    box = sandbox(Account.example(candidates=5))
    config = settings(box, emit_activate_version_messages=True)
    target = Target()
    for _ in range(3):
        target.load(extract(config, target.state))
    assert len(target.alive(RUNS)) == 3
    assert not target.deleted(RUNS)
