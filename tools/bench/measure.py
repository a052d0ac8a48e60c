"""Measure the cost of a whole process.

As a program, this module runs a command and writes its cost to a file. The process that
starts the command must be small, because its memory counts towards the command's peak.
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
"""Bytes per unit of `ru_maxrss`."""


class Cost(NamedTuple):
    """The cost of a process, from its start to its end."""

    wall: float
    """Elapsed seconds."""
    processor: float
    """Seconds of processor time of all threads, system time included."""
    memory: float
    """Peak memory in MiB."""


def run(command: list[str], output: Path) -> Cost:
    """Run a command to its end.

    Args:
        command: The command line.
        output: File for its stdout; stderr goes to the file with the suffix `.log`.

    Raises:
        RuntimeError: If it fails, with the end of its log.
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
    """Measures of a tap's output."""

    record_bytes: int
    states: int
    """Number of STATE messages."""
    state_bytes: int
    """Bytes of all STATE messages."""
    last_state: bytes
    """Value of the last STATE message, as JSON."""


def extract(command: list[str], folder: Path) -> tuple[Cost, Output]:
    """Run a tap to its end, and keep only the last state of its output.

    Args:
        command: The command line.
        folder: Folder for temporary files.

    Raises:
        RuntimeError: If it fails, with the end of its log.
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
    """Run a command with this process's stdout and stderr, and write its cost."""
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
    """Return the value of the last STATE message of a run."""
    states = [line for line in output if line.startswith(STATE)]
    return json.loads(states[-1])["value"]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
