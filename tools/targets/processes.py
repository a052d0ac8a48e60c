"""Singer programs that run: one that is given all, and one that is killed."""

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
"""Seconds without work, after which a program waits for more."""


class ProgramError(Exception):
    """A program failed; the message is the end of its log."""


@contextlib.contextmanager
def started(program: Path, config: Json) -> Iterator[subprocess.Popen[bytes]]:
    """A Singer program that reads its configuration from a file."""
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
    """What a program prints that is given messages.

    Raises:
        ProgramError: if it fails.
    """
    with started(program, config) as process:
        printed, log = process.communicate(_lines(messages), timeout=300)
    if process.returncode:
        raise ProgramError(log.decode()[-2000:])
    return printed


def killed_when_quiet(program: Path, config: Json, messages: list[Json]) -> bytes:
    """What a target prints that is given messages, waits for more, and is killed."""
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
