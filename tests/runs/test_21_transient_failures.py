"""Transient failures: the run retries and succeeds, nothing is lost or emitted twice;
or it fails and keeps the state of everything emitted (fault table, 2).

Which failures are transient, and the pauses between attempts, are tested in
`tests/unit/api/test_client.py`.
"""

from __future__ import annotations

import random
import threading
import typing as t

import pytest

from sandbox import Account, Fault, Sandbox, random_change
from tests.support.streams import CANDIDATES, DETAILS, HISTORY

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.messages import Request
    from tests.support.pipeline import MakePipeline, Pipeline, Run

ENDPOINTS: dict[str, Callable[[Request], bool]] = {
    "tags": lambda r: r.kind == "tags",
    "openings": lambda r: r.kind == "openings",
    "an opening": lambda r: r.kind == "opening",
    "categories": lambda r: r.kind == "categories",
    "candidates": lambda r: r.kind == "candidates" and "tag_ids" not in r.query,
    "candidates of a tag": lambda r: r.kind == "candidates" and "tag_ids" in r.query,
    "a candidate": lambda r: r.kind == "candidate",
}


def assert_emitted_once(pipeline: Pipeline, run: Run) -> None:
    ids = sorted(pipeline.ids)
    for stream in (CANDIDATES, DETAILS):
        assert sorted(row["id"] for row in run.records(stream)) == ids
    assert sorted(row["candidate_id"] for row in run.records(HISTORY)) == ids


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_failures_of_each_endpoint_are_retried(
    pipeline: Pipeline, endpoint: str
) -> None:
    # Before anything was served, a first run gives up after two attempts.
    times = 1 if endpoint == "tags" else 3
    fault = Fault("status", match=ENDPOINTS[endpoint], times=times)
    pipeline.sandbox.faults = [fault]
    if endpoint == "an opening":
        openings = [opening["id"] for opening in pipeline.account.openings()]
        pipeline.config["job_opening_ids"] = openings
    run = pipeline.run()
    assert fault.struck == times
    pipeline.assert_target_matches_api()
    assert_emitted_once(pipeline, run)


def test_failures_that_several_workers_meet_at_once_are_retried(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = make_pipeline(30, page_size=5, max_concurrency=4)
    kinds = ("reset", "close", "cut", "not_json", "status")
    # One less than the attempts of a request, if one candidate meets them all.
    faults = [Fault(kind, match="candidate", after=4, times=1) for kind in kinds]
    pipeline.sandbox.faults = faults
    run = pipeline.run()
    assert [fault.struck for fault in faults] == [1] * len(kinds)
    assert run.details_served(*faults) == dict.fromkeys(pipeline.ids, 1)
    assert_emitted_once(pipeline, run)
    pipeline.assert_target_matches_api()


@pytest.mark.parametrize("is_away_at_first", [True, False])
def test_server_that_is_away_for_a_while_is_waited_for(
    make_pipeline: MakePipeline,
    sandbox: Callable[..., Sandbox],
    *,
    is_away_at_first: bool,
) -> None:
    """Requests in flight break off, others are refused, then it is back."""
    pipeline = make_pipeline(30, page_size=5)
    first = pipeline.sandbox
    port = int(first.url.rsplit(":", 1)[1].split("/")[0])
    first.faults = [Fault("reset", match="candidate", after=9)]
    if is_away_at_first:
        first.stop()
    lock = threading.Lock()
    second: list[Sandbox] = []

    def restart(_: float) -> None:
        with lock:
            if len(pipeline.clock.pauses) == 1 and not is_away_at_first:
                first.stop()
            elif (is_away_at_first or len(pipeline.clock.pauses) > 3) and not second:
                second.append(sandbox(pipeline.account, port=port))

    pipeline.clock.on_pause = restart
    run = pipeline.run()
    assert second
    assert_emitted_once(pipeline, run)
    pipeline.assert_target_matches_api()


@pytest.mark.parametrize("knows_candidates", [False, True])
def test_first_run_gives_up_soon_if_nothing_was_served(
    pipeline: Pipeline, *, knows_candidates: bool
) -> None:
    """Its address may be misspelt; a later run waits for the server."""
    if knows_candidates:
        pipeline.run()
    pipeline.sandbox.faults = [Fault("status")]
    begun = pipeline.clock.now
    run = pipeline.run_failing("HTTP 500")
    assert run.is_transient_failure
    assert (pipeline.clock.now - begun < 10) is not knows_candidates
    pipeline.sandbox.faults = []
    pipeline.run()
    pipeline.assert_target_matches_api()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("status", "HTTP 500"),
        ("reset", "connection refused or reset"),
        ("cut", "truncated"),
        ("wrong_shape", "not what the API documents"),
    ],
)
def test_run_that_gives_up_keeps_what_was_emitted(
    make_pipeline: MakePipeline, kind: str, words: str
) -> None:
    pipeline = make_pipeline(30, page_size=5, max_concurrency=4)
    fault = Fault(kind, match="candidate", after=17)
    pipeline.sandbox.faults = [fault]
    run = pipeline.run_failing(words)
    assert "GET /candidates/" in str(run.error)
    assert "failed 6 times" in str(run.error)
    assert run.is_transient_failure
    assert run.messages[-1]["type"] == "STATE"
    done = set(run.emitted(DETAILS))
    assert len(done) == 17
    # The row of a list is emitted, although its details failed.
    assert set(run.emitted(CANDIDATES)) > done
    pipeline.sandbox.faults = []
    rest = set(pipeline.ids) - done
    assert pipeline.run().details_served() == dict.fromkeys(rest, 1)
    pipeline.assert_target_matches_api()


SOAK: tuple[tuple[str, dict[str, t.Any]], ...] = (
    ("429", {"retry_after": 7}),
    ("429", {}),
    ("status", {"status": 503, "html": True}),
    ("status", {"status": 408}),
    ("status", {"status": 404, "html": True}),
    ("timeout", {}),
    ("reset", {}),
    ("close", {}),
    ("cut", {}),
    ("not_json", {}),
    ("empty", {}),
    ("wrong_shape", {"value": []}),
)


@pytest.mark.slow
def test_soak_with_every_fault_at_two_percent_together(
    make_pipeline: MakePipeline,
) -> None:
    """There are four runs, and 150 changes before each but the first."""
    account = Account.example(candidates=2500, openings=4, tags=5, seed=4)
    pipeline = make_pipeline(account, page_size=50, request_timeout=3)
    rng = random.Random(11)
    for run in range(4):
        for _ in range(150 if run else 0):
            random_change(account, rng, ("grade", "rate", "move", "tag", "submit"))
        pipeline.sandbox.faults = [
            Fault(
                kind, probability=0.02 / len(SOAK), seed=100 * run + number, **options
            )
            for number, (kind, options) in enumerate(SOAK)
        ]
        pipeline.run()
        pipeline.assert_target_matches_api()
    stats = pipeline.sandbox.stats
    assert stats.max_in_flight <= 8
    assert stats.without_key == 0
    assert sum(fault.struck for fault in pipeline.sandbox.faults) >= 5
