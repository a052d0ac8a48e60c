"""A signal or a target that goes away: the run ends soon, and nothing is lost."""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
import threading
import time
import typing as t
from pathlib import Path

import pytest

from sandbox import Account, Fault, Sandbox
from tests.faults.trials import account, assert_true, attempt, small
from tests.streams.checks import loaded, of
from tests.support.streams import CANDIDATES, DETAILS, SYNC_RUNS
from tests.support.tap import clean_environment, command_line, records

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tests.streams.checks import Start

Json = dict[str, t.Any]

SOON = 5.0
"""Seconds within which the tap ends."""


class Running:
    """The command line while it runs, and a target that reads, or does not."""

    def __init__(
        self,
        config: Json,
        state: Json | None = None,
        *,
        reads: bool = True,
        stdout: int = subprocess.PIPE,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory()
        path = Path(self._folder.name)
        self._log = (path / "stderr").open("w+b")
        self.process = subprocess.Popen(
            command_line(path, config, state=state),
            stdout=stdout,
            stderr=self._log,
            env=clean_environment(),
        )
        self.written = b""
        self._reader = threading.Thread(target=self._read)
        if reads:
            self._reader.start()

    def __enter__(self) -> t.Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._join()
        if self.process.stdout:
            self.process.stdout.close()
        self._log.close()
        self._folder.cleanup()

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Wait for something to happen while the tap runs."""
        ends = time.monotonic() + 30
        while not condition():
            assert self.process.poll() is None, self.stderr
            assert time.monotonic() < ends
            time.sleep(0.01)

    def read(self) -> None:
        """Begin to read."""
        self._reader.start()

    def end(self) -> int:
        """Wait for the end, which comes soon; return the exit code."""
        code = self.process.wait(timeout=SOON)
        self._join()
        assert "Traceback" not in self.stderr
        assert "Exception ignored" not in self.stderr
        return code

    def end_with(self, number: signal.Signals) -> list[Json]:
        """Send a signal; return the messages once it has ended."""
        self.process.send_signal(number)
        assert self.end() == 128 + number
        assert f"Stopped by {number.name}" in self.stderr.splitlines()[-1]
        return self.messages

    @property
    def stderr(self) -> str:
        self._log.seek(0)
        return self._log.read().decode()

    @property
    def messages(self) -> list[Json]:
        """All messages, each a whole line."""
        assert self.written.endswith(b"\n") or not self.written
        return [json.loads(line) for line in self.written.splitlines()]

    def _join(self) -> None:
        if self._reader.ident is not None:
            self._reader.join()

    def _read(self) -> None:
        assert self.process.stdout
        while part := self.process.stdout.read1(65_536):  # type: ignore[attr-defined]
            self.written += part


@pytest.fixture
def box(sandbox: Start) -> Sandbox:
    return sandbox(account(150), latency=0.01)


def assert_goes_on(box: Sandbox, messages: list[Json]) -> None:
    """The next run brings the rest, and fetches none of the details again."""
    box.latency, box.faults = 0.0, []
    box.stats.reset()
    done = {row["id"] for row in records(messages, DETAILS)}
    config = small(box, page_size=100, max_concurrency=8)
    trial = attempt(config, state=loaded(of(messages, "STATE")).state).good()
    assert_true(messages + trial.messages, box.account)
    requested = {one.route.item_id for one in box.stats.log if one.kind == "candidate"}
    assert requested == set(box.account.listed_ids()) - done


@pytest.mark.parametrize(
    ("kind", "options", "number"),
    [
        (None, {}, signal.SIGTERM),
        (None, {}, signal.SIGINT),
        ("timeout", {}, signal.SIGTERM),  # no response
        ("429", {"retry_after": 600}, signal.SIGINT),  # all workers wait
        ("status", {}, signal.SIGTERM),  # they pause
    ],
)
def test_a_signal_in_the_middle_of_the_details(
    box: Sandbox, kind: str | None, options: Json, number: signal.Signals
) -> None:
    if kind:
        box.faults = [Fault(kind, match="candidate", after=60, **options)]
    with Running(small(box, page_size=100)) as run:
        run.wait_for(lambda: box.stats.count("candidate") > 60)
        messages = run.end_with(number)
    assert messages[-1]["type"] == "STATE"
    (row,) = records(messages, SYNC_RUNS)
    assert (row["outcome"], row["is_transient"]) == ("failed", True)
    assert_goes_on(box, messages)


@pytest.mark.parametrize(
    ("kind", "match", "options"),
    [
        ("timeout", "tags", {}),
        ("429", "candidates", {"retry_after": 600}),
        ("status", "openings", {}),
    ],
)
def test_a_signal_before_the_first_record(
    box: Sandbox, kind: str, match: str, options: Json
) -> None:
    box.faults = [Fault(kind, match=match, **options)]
    with Running(small(box)) as run:
        run.wait_for(lambda: box.faults[0].struck)
        messages = run.end_with(signal.SIGTERM)
    assert_goes_on(box, messages)


def test_a_signal_before_the_proof_of_the_workspace(box: Sandbox) -> None:
    """Nothing is written, so that the state stays as it is."""
    state = attempt(small(box)).good().state
    box.faults = [Fault("timeout", match="candidates")]
    with Running(small(box), state=state) as run:
        run.wait_for(lambda: box.faults[0].struck)
        assert run.end_with(signal.SIGTERM) == []


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux")
def test_an_interrupt_during_the_imports(box: Sandbox) -> None:
    box.faults = [Fault("timeout")]
    with Running(small(box)) as run:
        maps = Path(f"/proc/{run.process.pid}/maps")
        run.wait_for(lambda: "_ssl" in maps.read_text() or box.stats.requests)
        run.process.send_signal(signal.SIGINT)
        assert run.end() != 0


# The target


def is_stuck(box: Sandbox) -> Callable[[], bool]:
    """Whether there was no request for a while."""
    seen: list[tuple[int, float]] = [(0, 0.0)]

    def stuck() -> bool:
        count = box.stats.requests
        if count != seen[0][0]:
            seen[0] = count, time.monotonic()
        return count > 0 and time.monotonic() - seen[0][1] > 0.7

    return stuck


def test_a_signal_while_the_target_does_not_read(sandbox: Start) -> None:
    """The tap waits for it: a line that is cut short would be worse."""
    box = sandbox(Account.example(candidates=150))
    with Running(small(box, page_size=100), reads=False) as run:
        run.wait_for(is_stuck(box))
        run.process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            run.process.wait(timeout=0.5)
        run.read()
        assert run.end() == 128 + signal.SIGTERM
    assert run.messages[-1]["type"] == "STATE"
    assert records(run.messages, CANDIDATES)
    trial = attempt(small(box), state=loaded(of(run.messages, "STATE")).state).good()
    assert_true(run.messages + trial.messages, box.account)


@pytest.mark.parametrize("taken", [0, 1, 100_000])
def test_the_target_closes_the_pipe(sandbox: Start, taken: int) -> None:
    box = sandbox(Account.example(candidates=150))
    with Running(small(box, page_size=100), reads=False) as run:
        assert run.process.stdout
        assert len(run.process.stdout.read(taken)) == taken
        run.process.stdout.close()
        run.process.stdout = None
        assert run.end() == 1
        errors = [line for line in run.stderr.splitlines() if "| ERROR" in line]
        assert errors == run.stderr.splitlines()[-1:]
        assert "The target closed the pipe" in errors[0]
