"""The process: exit codes, the last line of stderr, whole lines, no key in the log."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import typing as t

import pytest
from singer_sdk.logging import StructuredFormatter

from tap_toggl_hire.logs import redact

if t.TYPE_CHECKING:
    from collections.abc import Iterator

# Logs as Meltano makes a tap log: one JSON object per line.
PROGRAM = """
import logging, signal, sys
from singer_sdk.logging import StructuredFormatter
from singer_sdk.singerlib import RecordMessage, StateMessage
from tap_toggl_hire import errors
from tap_toggl_hire.__main__ import main
from tap_toggl_hire.messages import MessageWriter

handler = logging.StreamHandler()
handler.setFormatter(StructuredFormatter())
logging.basicConfig(handlers=[handler], level=logging.INFO)

class FakeTap:
    @staticmethod
    def cli():
        {body}

main(FakeTap)
"""
RAISE_ON_SIGTERM = """
        stops = []
        signal.signal(signal.SIGTERM, lambda signum, frame: stops.append(signum))
        writer = MessageWriter()
        while not stops:
            record = {"name": "x" * 100_000}
            writer.write_message(RecordMessage(stream="people", record=record))
        writer.write_message(StateMessage({}))
        raise errors.StoppedError(stops[0])
"""


def start(body: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[str]:
    program = PROGRAM.replace("{body}", body)
    return subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(body: str, stdout: int = subprocess.PIPE) -> tuple[int, list[dict[str, t.Any]]]:
    """Return the exit code, and the log records."""
    with start(body, stdout) as process:
        _, errors = process.communicate()
    return process.returncode, [json.loads(line) for line in errors.splitlines()]


@pytest.mark.parametrize(
    ("error", "code", "message", "is_transient"),
    [
        ("errors.SettingError('Setting x.')", 1, "Setting x.", False),
        ("errors.RateLimitError('Later.')", 1, "Later.", True),
        ("errors.StoppedError(signal.SIGINT)", 130, "Stopped by SIGINT", True),
        ("ValueError('Zo\u00eb')", 1, "Unexpected ValueError in <string>", False),
    ],
)
def test_failure_ends_with_one_structured_line(
    error: str, code: int, message: str, *, is_transient: bool
) -> None:
    exit_code, (entry,) = run(f"raise {error}")
    assert exit_code == code
    assert entry["level"] == "error"
    assert message in entry["message"]
    assert entry["extra"] == {"is_transient": is_transient}
    assert "Zo" not in str(entry)


def test_worker_logs_nothing_after_the_last_line() -> None:
    late = "__import__('atexit').register(logging.getLogger('api').warning, 'Late.')"
    code, lines = run(f"import logging; {late}; raise errors.TapError('No.')")
    assert (code, [line["message"] for line in lines]) == (1, ["No."])


@pytest.mark.parametrize("code", [0, 2])
def test_exit_code_of_the_command_line_stays(code: int) -> None:
    assert run(f"sys.exit({code})") == (code, [])


@pytest.mark.parametrize("end", ["sys.exit(0)", "raise errors.OutputError('Closed.')"])
def test_closed_pipe_is_a_transient_failure(end: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    code, (line,) = run(f"sys.stdout.write('x'); {end}", stdout=writer)
    os.close(writer)
    assert code == 1
    assert "losed" in line["message"]
    assert line["extra"] == {"is_transient": True}


def test_signal_tears_no_line() -> None:
    with start(RAISE_ON_SIGTERM) as process:
        assert process.stdout is not None
        first = os.read(process.stdout.fileno(), 1).decode()
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate()
    messages = [json.loads(line) for line in (first + rest).splitlines()]
    assert {message["type"] for message in messages[:-1]} == {"RECORD"}
    assert messages[-1]["type"] == "STATE"
    assert process.returncode == 128 + signal.SIGTERM


# The API key in the log


class Lines(logging.Handler):
    """Keep lines, as people read them and as Meltano does."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.structured: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))
        self.structured.append(StructuredFormatter().format(record))


@pytest.fixture
def handler() -> Iterator[Lines]:
    handler = Lines()
    root = logging.getLogger()
    root.addHandler(handler)
    redact("an-old-key")
    redact("a-key")
    yield handler
    root.removeHandler(handler)
    for other in root.handlers:
        other.filters.clear()


def test_no_line_has_the_key(handler: Lines) -> None:
    logger = logging.getLogger("library")
    logger.warning("Bearer %s of %s", "a-key", "an-old-key")
    logger.error("A failure with a-key", exc_info=ValueError("a-key"))
    wrong = "%s of %s"  # logging itself would print its arguments
    logger.warning(wrong, "a-key")
    assert "a-key" not in str(handler.structured)
    first, second = handler.lines
    assert first == "Bearer *** of an-old-key"
    assert second.splitlines() == ["A failure with ***", "ValueError: ***"]


def test_urllib3_warns_of_nothing(handler: Lines) -> None:
    logger = logging.getLogger("urllib3.connectionpool")
    logger.warning("Retrying /candidates/5")
    assert handler.lines == []
