"""Run Singer programs: to their end, or until they are killed."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Json = dict[str, Any]

QUIET = 1.0
"""Seconds without processor time after which a program is waiting for input."""


class ProgramError(Exception):
    """Raised if a program fails; the message is the end of its log."""


@contextlib.contextmanager
def started(program: Path, config: Json) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a running Singer program that reads its configuration from a file."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(config, file)
        file.flush()
        with subprocess.Popen(
            [program, "--config", file.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PGTZ": "UTC"},
        ) as process:
            try:
                yield process
            finally:
                process.kill()


def output_of(program: Path, config: Json, messages: list[Json]) -> bytes:
    """Return what a program prints for messages.

    Raises:
        ProgramError: If it fails.
    """
    with started(program, config) as process:
        printed, log = process.communicate(_lines(messages), timeout=300)
    if process.returncode:
        raise ProgramError(log.decode()[-2000:])
    return printed


def killed_when_quiet(program: Path, config: Json, messages: list[Json]) -> bytes:
    """Return what a target prints for messages; kill it while it waits for more."""
    with started(program, config) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(_lines(messages))
        process.stdin.flush()
        usage, worked = psutil.Process(process.pid), -1.0
        while (now := sum(usage.cpu_times()[:2])) != worked:
            worked = now
            time.sleep(QUIET)
        process.kill()
        return process.stdout.read()


def _lines(messages: list[Json]) -> bytes:
    return b"".join(json.dumps(message).encode() + b"\n" for message in messages)
