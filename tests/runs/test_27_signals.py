"""A signal, or a target that goes away: the run ends soon, and nothing is lost (fault
table, 12)."""

from __future__ import annotations

import signal
import subprocess
import time
import typing as t
from pathlib import Path

import pytest

from sandbox import Account, Fault, Sandbox
from tests.support.pipeline import make_account
from tests.support.process import LONG, TapProcess
from tests.support.streams import CANDIDATES, SYNC_RUNS

if t.TYPE_CHECKING:
    from tests.support.pipeline import MakePipeline, Pipeline


@pytest.fixture
def slow_pipeline(make_pipeline: MakePipeline) -> Pipeline:
    """A pipeline whose first run takes a while."""
    return make_pipeline(Sandbox(make_account(150), latency=0.01))


def assert_next_run_goes_on(pipeline: Pipeline, stopped: TapProcess) -> None:
    """It brings the rest, and requests none of the details again."""
    pipeline.sandbox.latency, pipeline.sandbox.faults = 0.0, []
    pipeline.target.load(stopped.messages)
    done = set(stopped.emitted("candidate_details"))
    run = pipeline.run()
    assert set(run.details_requested) == {*pipeline.ids} - done
    pipeline.assert_target_matches_api()


@pytest.mark.parametrize(
    ("fault", "number"),
    [
        (None, signal.SIGTERM),
        (None, signal.SIGINT),
        (("timeout", {}), signal.SIGTERM),  # requests get no response
        (("429", {"retry_after": 600}), signal.SIGINT),  # all workers wait
        (("status", {}), signal.SIGTERM),  # they pause between attempts
    ],
    ids=str,
)
def test_signal_while_details_are_read_keeps_what_was_read(
    slow_pipeline: Pipeline, fault: t.Any, number: signal.Signals
) -> None:
    sandbox = slow_pipeline.sandbox
    if fault is not None:
        kind, options = fault
        sandbox.faults = [Fault(kind, match="candidate", after=60, **options)]
    with TapProcess(slow_pipeline.config) as process:
        process.wait_until(lambda: sandbox.stats.count("candidate") > 60)
        process.stop(number)
    assert process.messages[-1]["type"] == "STATE"
    [summary] = process.records(SYNC_RUNS)
    assert (summary["outcome"], summary["is_transient"]) == ("failed", True)
    assert_next_run_goes_on(slow_pipeline, process)


@pytest.mark.parametrize(
    ("kind", "match", "options"),
    [
        ("timeout", "tags", {}),
        ("429", "candidates", {"retry_after": 600}),
        ("status", "openings", {}),
    ],
)
def test_signal_before_the_first_record_ends_the_run(
    slow_pipeline: Pipeline, kind: str, match: str, options: dict[str, t.Any]
) -> None:
    fault = Fault(kind, match=match, **options)
    slow_pipeline.sandbox.faults = [fault]
    with TapProcess(slow_pipeline.config) as process:
        process.wait_until(lambda: fault.struck)
        process.stop(signal.SIGTERM)
    assert_next_run_goes_on(slow_pipeline, process)


def test_signal_before_the_proof_of_the_workspace_writes_nothing(
    slow_pipeline: Pipeline,
) -> None:
    slow_pipeline.run()
    fault = Fault("timeout", match="candidates")
    slow_pipeline.sandbox.faults = [fault]
    with TapProcess(slow_pipeline.config, slow_pipeline.target.state) as process:
        process.wait_until(lambda: fault.struck)
        process.stop(signal.SIGTERM)
    assert process.messages == []


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux")
def test_interrupt_during_the_imports_ends_the_program(pipeline: Pipeline) -> None:
    pipeline.sandbox.faults = [Fault("timeout")]
    with TapProcess(pipeline.config) as process:
        maps = Path(f"/proc/{process.process.pid}/maps")
        process.wait_until(
            lambda: "_ssl" in maps.read_text() or pipeline.sandbox.stats.requests
        )
        process.process.send_signal(signal.SIGINT)
        assert process.wait() != 0


# The target


def has_paused(sandbox: Sandbox) -> bool:
    """Return whether requests came, and none of late."""
    log = sandbox.stats.log
    return bool(log) and time.monotonic() - log[-1].at > 0.7


def test_signal_while_the_target_does_not_read_waits_for_it(
    make_pipeline: MakePipeline,
) -> None:
    """A line that is cut short would be worse."""
    pipeline = make_pipeline(Account.example(candidates=150))
    with TapProcess(pipeline.config, reads=False) as process:
        process.wait_until(lambda: has_paused(pipeline.sandbox))
        process.process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            process.process.wait(timeout=0.5)
        process.read()
        assert process.wait() == 128 + signal.SIGTERM
    assert process.written.endswith(b"\n")
    assert process.messages[-1]["type"] == "STATE"
    assert process.records(CANDIDATES)
    assert_next_run_goes_on(pipeline, process)


@pytest.mark.parametrize("taken", [0, 1, 100_000])
def test_target_that_closes_the_pipe_ends_the_run_with_one_sentence(
    make_pipeline: MakePipeline, taken: int
) -> None:
    pipeline = make_pipeline(Account.example(candidates=150))
    with TapProcess(pipeline.config, reads=False) as process:
        process.close_pipe(after=taken)
        assert process.wait(within=LONG) == 1  # its start is part of it
        lines = process.stderr.splitlines()
    assert [line for line in lines if "| ERROR" in line] == lines[-1:]
    assert "The target closed the pipe" in lines[-1]
