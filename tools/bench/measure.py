"""What a whole process costs.

As a program, it runs a command and leaves its cost in a file. That keeps the process
that starts the command small, whose memory would else count as the command's peak.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any, NamedTuple

ROOT = Path(__file__).parents[2]
STATE, RECORD = b'{"type":"STATE"', b'{"type":"RECORD"'
RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes that `ru_maxrss` counts in."""


class Cost(NamedTuple):
    """What a process took, from its start to its end."""

    wall: float
    """Seconds on the clock."""
    processor: float
    """Seconds of processor, of all threads, the system's share too."""
    memory: float
    """MiB at the peak."""


def run(command: list[str], output: Path) -> Cost:
    """Run a command to its end.

    Args:
        command: The command line.
        output: Where its stdout goes; stderr goes beside it, with suffix `.log`.

    Raises:
        RuntimeError: If it fails; with the end of what it logged.
    """
    cost, log = output.with_suffix(".cost"), output.with_suffix(".log")
    with output.open("wb") as stdout, log.open("wb") as stderr:
        here = [sys.executable, "-m", "tools.bench.measure", str(cost), *command]
        ended = subprocess.run(
            here, stdout=stdout, stderr=stderr, check=False, cwd=ROOT
        )
    if ended.returncode:
        raise RuntimeError(log.read_text()[-2000:])
    return Cost(*json.loads(cost.read_text()))


class Output(NamedTuple):
    """What a tap wrote."""

    record_bytes: int
    states: int
    """How many STATE messages."""
    state_bytes: int
    """Of all of them."""
    last_state: bytes
    """The value of the last of them, as JSON."""


def extract(command: list[str], folder: Path) -> tuple[Cost, Output]:
    """Run a tap to its end, and keep of its output the last state alone.

    Args:
        command: The command line.
        folder: For files of a moment.

    Raises:
        RuntimeError: If it fails; with the end of what it logged.
    """
    cost, log = folder / "tap.cost", folder / "tap.log"
    records = states = state_bytes = 0
    last = b""
    with log.open("wb") as stderr:
        here = [sys.executable, "-m", "tools.bench.measure", str(cost), *command]
        with subprocess.Popen(
            here, stdout=subprocess.PIPE, stderr=stderr, cwd=ROOT
        ) as process:
            for line in process.stdout or ():
                if line.startswith(RECORD):
                    records += len(line)
                elif line.startswith(STATE):
                    states += 1
                    state_bytes += len(line)
                    last = line
    if process.returncode:
        raise RuntimeError(log.read_text()[-2000:])
    value = json.dumps(json.loads(last)["value"]).encode()
    return Cost(*json.loads(cost.read_text())), Output(
        records, states, state_bytes, value
    )


def main(cost: Path, command: list[str]) -> int:
    """Run a command with this process's stdout and stderr, and note its cost."""
    # Without variables that change how Python starts and writes.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    started = time.perf_counter()
    with subprocess.Popen(command, env=environment) as process:
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    processor = usage.ru_utime + usage.ru_stime
    memory = usage.ru_maxrss * RSS_UNIT / 2**20
    cost.write_text(json.dumps([wall, processor, memory]))
    return process.returncode


def last_state(output: IO[bytes]) -> Any:
    """Find the value of the last STATE message of a run."""
    states = [line for line in output if line.startswith(STATE)]
    return json.loads(states[-1])["value"]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
