"""Told to stop, or left by its target, the tap ends at once and loses nothing."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import typing as t
from pathlib import Path

import pytest

from sandbox import Account, Fault, Sandbox
from tests.faults.trials import assert_true, attempt, settings
from tests.support.tap import clean_environment, command_line, records

if t.TYPE_CHECKING:
    from collections.abc import Callable

    Json = dict[str, t.Any]
    Start = Callable[..., Sandbox]

SOON = 5.0
"""Seconds in which the tap ends."""

SMALL_PIPE = 4096
"""Bytes that fit into the smallest pipe."""


class Running:
    """The command line, while it runs.

    Args:
        config: Settings.
        state: To start from.
        reads: Whether somebody takes what the tap writes.
        stdout: Where it writes to, if not to a pipe.
    """

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
        self._written = b""
        self._reader = threading.Thread(target=self._read)
        self._reads = reads
        if reads:
            self._reader.start()

    def __enter__(self) -> t.Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        if self._reads:
            self._reader.join()
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

    def ends(self, seconds: float = SOON) -> int:
        """Wait for the end, which must come soon; the exit code."""
        try:
            code = self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"it still runs after {seconds} s")
        if self._reads:
            self._reader.join()
        return code

    @property
    def stderr(self) -> str:
        """All that was logged."""
        self._log.seek(0)
        return self._log.read().decode()

    @property
    def written(self) -> bytes:
        """All that was written; read now, if nobody did so far."""
        if not self._reads:
            self._read()
        return self._written

    @property
    def messages(self) -> list[Json]:
        """All messages, each on a line of its own to its end."""
        written = self.written
        assert written.endswith(b"\n") or not written
        return [json.loads(line) for line in written.splitlines()]

    def _read(self) -> None:
        assert self.process.stdout
        while part := self.process.stdout.read1(65_536):  # type: ignore[attr-defined]
            self._written += part


def last_state(messages: list[Json]) -> Json | None:
    states = [m["value"] for m in messages if m["type"] == "STATE"]
    return states[-1] if states else None


def assert_goes_on(box: Sandbox, messages: list[Json]) -> None:
    """See that the next run brings the rest, and fetches none of it again.

    But for the one between whose records the signal came.
    """
    box.latency, box.faults = 0.0, []
    box.stats.reset()
    done = {row["id"] for row in records(messages, "candidate_details")}
    config = settings(box, page_size=100, max_concurrency=8)
    trial = attempt(config, state=last_state(messages)).good()
    assert_true(messages + trial.messages, box.account)
    asked = {one.route.item_id for one in box.stats.log if one.kind == "candidate"}
    assert asked >= set(box.account.listed_ids()) - done
    assert len(asked & done) <= 1


def assert_stopped(run: Running, number: signal.Signals) -> None:
    assert run.ends() == 128 + number
    lines = run.stderr.splitlines()
    assert f"Stopped by {number.name}" in lines[-1]
    assert "Traceback" not in run.stderr
    assert "Exception ignored" not in run.stderr


@pytest.fixture
def account() -> Account:
    return Account.example(candidates=150, openings=2, tags=2, questions=2)


@pytest.mark.parametrize(
    ("kind", "options", "number"),
    [
        (None, {}, signal.SIGTERM),
        (None, {}, signal.SIGINT),
        ("timeout", {}, signal.SIGTERM),
        ("429", {"retry_after": 3600}, signal.SIGTERM),
        ("429", {}, signal.SIGINT),
        ("status", {}, signal.SIGTERM),
        ("close", {}, signal.SIGINT),
    ],
)
def test_a_signal_in_the_middle_of_the_details(
    sandbox: Start,
    account: Account,
    kind: str | None,
    options: Json,
    number: signal.Signals,
) -> None:
    box = sandbox(account, latency=0.01)
    if kind:
        box.faults = [Fault(kind, match="candidate", after=60, **options)]
    with Running(settings(box, page_size=100)) as run:
        run.wait_for(lambda: box.stats.count("candidate") > 60)
        if kind:
            time.sleep(0.3)  # all workers are in it now
        run.process.send_signal(number)
        assert_stopped(run, number)
    assert run.messages[-1]["type"] == "STATE"
    assert_goes_on(box, run.messages)


@pytest.mark.parametrize(
    ("kind", "match", "options", "number"),
    [
        ("timeout", "tags", {}, signal.SIGINT),
        ("429", "tags", {"retry_after": 3600}, signal.SIGTERM),
        ("status", "tags", {}, signal.SIGINT),
        ("timeout", "candidates", {}, signal.SIGTERM),
        ("429", "candidates", {"retry_after": 3600}, signal.SIGINT),
        ("timeout", "openings", {}, signal.SIGTERM),
    ],
)
def test_a_signal_before_the_first_record(
    sandbox: Start, kind: str, match: str, options: Json, number: signal.Signals
) -> None:
    box = sandbox(Account.example(candidates=5))
    box.faults = [Fault(kind, match=match, **options)]
    with Running(settings(box)) as run:
        run.wait_for(lambda: box.faults[0].struck)
        time.sleep(0.2)
        run.process.send_signal(number)
        assert_stopped(run, number)
    assert_goes_on(box, run.messages)


def test_two_signals_are_one(sandbox: Start, account: Account) -> None:
    box = sandbox(account, latency=0.01)
    with Running(settings(box, page_size=100)) as run:
        run.wait_for(lambda: box.stats.count("candidate") > 50)
        run.process.send_signal(signal.SIGINT)
        run.process.send_signal(signal.SIGTERM)
        assert run.ends() > 128
        assert "Traceback" not in run.stderr
    assert_goes_on(box, run.messages)


def test_a_signal_in_a_later_run(sandbox: Start, account: Account) -> None:
    """Without a change, nothing is written but the state."""
    number = signal.SIGTERM
    box = sandbox(account)
    first = attempt(settings(box)).good()
    box.faults = [Fault("timeout", match="candidates")]
    with Running(settings(box), state=first.state) as run:
        run.wait_for(lambda: box.faults[0].struck)
        time.sleep(0.2)
        run.process.send_signal(number)
        assert_stopped(run, number)
    box.faults = []
    box.stats.reset()
    second = attempt(settings(box, reverify_days=0), state=last_state(run.messages))
    assert second.good().records("candidate_details") == []
    assert box.stats.count("candidate") == 0


def test_a_signal_while_a_redirect_waits_for_its_turn(sandbox: Start) -> None:
    """In the main thread, between two requests of one try."""
    box = sandbox(Account.example(candidates=5))
    box.faults = [Fault("redirect", location="/api/v2.1/tags?moved=1", times=1)]
    with Running(settings(box, requests_per_second=0.05)) as run:
        run.wait_for(lambda: box.faults[0].struck)
        time.sleep(0.3)
        run.process.send_signal(signal.SIGTERM)
        assert_stopped(run, signal.SIGTERM)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="Linux has these")
def test_an_interrupt_while_it_starts(sandbox: Start) -> None:
    """Modules are still imported."""
    box = sandbox(Account.example(candidates=5))
    box.faults = [Fault("timeout")]
    with Running(settings(box)) as run:
        maps = Path(f"/proc/{run.process.pid}/maps")
        run.wait_for(lambda: "_ssl" in maps.read_text() or box.stats.requests)
        run.process.send_signal(signal.SIGINT)
        assert run.ends() != 0
        assert "Traceback" not in run.stderr


# Nobody reads


def is_stuck(box: Sandbox) -> Callable[[], bool]:
    """A test that there was no request for a while."""
    seen: list[tuple[int, float]] = [(0, 0.0)]

    def stuck() -> bool:
        count = box.stats.requests
        if count != seen[0][0]:
            seen[0] = count, time.monotonic()
        return count > 0 and time.monotonic() - seen[0][1] > 0.7

    return stuck


def whole_lines(written: bytes) -> list[Json]:
    """The messages that came to their end, all of which are JSON."""
    *lines, _rest = written.split(b"\n")
    return [json.loads(line) for line in lines]


def test_a_signal_while_nobody_reads(sandbox: Start, account: Account) -> None:
    box = sandbox(account)
    with Running(settings(box, page_size=100), reads=False) as run:
        run.wait_for(is_stuck(box))
        run.process.send_signal(signal.SIGTERM)
        assert run.ends() != 0
        messages = whole_lines(run.written)
    assert records(messages, "candidates")
    loaded_up_to = max(
        (i for i, message in enumerate(messages) if message["type"] == "STATE"),
        default=-1,
    )
    state = last_state(messages[: loaded_up_to + 1])
    trial = attempt(settings(box), state=state).good()
    assert_true(messages + trial.messages, box.account)


def test_a_signal_while_nobody_reads_and_the_state_does_not_fit_into_the_pipe(
    sandbox: Start,
) -> None:
    """The signal comes while the tap waits for the API; then it has to write."""
    account = Account.example(candidates=500, openings=1, tags=0, questions=1)
    box = sandbox(account)
    state = attempt(settings(box, page_size=100)).good().state
    assert len(json.dumps(state)) > 2 * SMALL_PIPE
    box.faults = [Fault("timeout", match="candidates")]
    config = settings(box, start_date="2001-01-01")  # which the state will tell
    with Running(config, state=state, reads=False) as run:
        assert run.process.stdout
        pipe = run.process.stdout.fileno()
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, SMALL_PIPE)
        os.set_blocking(pipe, False)
        taken = b""

        def take() -> int:
            nonlocal taken
            with contextlib.suppress(BlockingIOError):
                taken += os.read(pipe, 65_536)
            return box.faults[0].struck

        run.wait_for(take)
        time.sleep(0.2)
        take()
        run.process.send_signal(signal.SIGINT)
        assert run.ends() != 0
        assert whole_lines(taken + run.written)


# The target goes away


@pytest.mark.parametrize("taken", [0, 1, 5_000, 100_000])
def test_the_target_closes_the_pipe(
    sandbox: Start, account: Account, taken: int
) -> None:
    box = sandbox(account, latency=0.002)
    with Running(settings(box, page_size=100), reads=False) as run:
        assert run.process.stdout
        if taken:
            assert len(run.process.stdout.read(taken)) == taken
        run.process.stdout.close()
        assert run.ends(10 if taken < 5_000 else SOON) == 1
        errors = [line for line in run.stderr.splitlines() if "| ERROR" in line]
        assert len(errors) == 1
        assert "The target closed the pipe" in run.stderr.splitlines()[-1]
        assert "Traceback" not in run.stderr
        assert "Exception ignored" not in run.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_the_disk_is_full(sandbox: Start) -> None:
    box = sandbox(Account.example(candidates=5))
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        with Running(settings(box), reads=False, stdout=full) as run:
            assert run.ends(10) == 1
            assert "No space left" in run.stderr.splitlines()[-1]
            assert "Traceback" not in run.stderr
            assert "Exception ignored" not in run.stderr
    finally:
        os.close(full)
