"""Ways to run the tap: the command line, or inside the test where many runs count."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import typing as t
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec
from click.testing import CliRunner
from singer_sdk.singerlib import RecordMessage

from tap_toggl_hire.errors import TapError
from tap_toggl_hire.messages import MessageWriter
from tap_toggl_hire.tap import TapTogglHire
from tests.support.messages import Message, Messages

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from singer_sdk.singerlib import Message as SingerMessage

    from sandbox import Sandbox

Json = dict[str, t.Any]

COMMAND = (sys.executable, "-m", "tap_toggl_hire")
QUICK_COMMAND = (
    sys.executable,
    "-P",  # modules of this folder hide none of the standard library
    str(Path(__file__).with_name("quick_tap.py")),
)
"""The command line, whose pauses between attempts take no time."""


def settings(sandbox: Sandbox, **more: t.Any) -> Json:
    """Return the settings of a run against a sandbox."""
    return {"api_key": sandbox.api_key, "api_url": sandbox.url, **more}


@dataclass
class CommandLineRun(Messages):
    """What a run on the command line wrote, and its exit code."""

    returncode: int
    messages: list[Message]
    stderr: str
    stdout: str


def run_tap(  # noqa: PLR0913
    config: Json,
    *arguments: str,
    state: Json | None = None,
    catalog: Json | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: float = 120,
    command: tuple[str, ...] = COMMAND,
) -> CommandLineRun:
    """Run the command line to its end."""
    with tempfile.TemporaryDirectory() as folder:
        files = {"state": state, "catalog": catalog}
        process = subprocess.run(
            command_line(Path(folder), config, *arguments, command=command, **files),
            capture_output=True,
            check=False,
            text=True,
            timeout=timeout,
            env={**clean_environment(), **(environment or {})},
        )
    messages = [
        json.loads(line)
        for line in process.stdout.split("\n")  # a text may hold U+2028
        if line.startswith('{"type"')
    ]
    return CommandLineRun(process.returncode, messages, process.stderr, process.stdout)


def command_line(
    folder: Path,
    config: Json,
    *arguments: str,
    state: Json | None = None,
    catalog: Json | None = None,
    command: tuple[str, ...] = COMMAND,
) -> list[str]:
    """Write the files of a run, and return its command line."""
    line = list(command)
    for option, content in (("config", config), ("state", state), ("catalog", catalog)):
        if content is not None:
            path = folder / f"{option}.json"
            path.write_text(json.dumps(content))
            line += [f"--{option}", str(path)]
    return [*line, *arguments]


def clean_environment() -> dict[str, str]:
    """Return the environment without settings of the tap."""
    return {k: v for k, v in os.environ.items() if not k.startswith("TAP_TOGGL_HIRE")}


def extract(
    config: Json, state: Json | None = None, catalog: Json | None = None
) -> list[Message]:
    """Run the tap inside this process, which is quick, and return all messages."""
    writer = CollectingWriter()
    TapTogglHire(
        config=config, state=state, catalog=catalog, message_writer=writer
    ).sync_all()
    return writer.messages


@cache
def catalog(
    selected: frozenset[str],
    without: frozenset[str] = frozenset(),
    full_table: frozenset[str] = frozenset(),
) -> Json:
    """Discover a catalog, which no setting changes, and select in it.

    Discovery takes as long as a small run, so callers share each catalog.

    Args:
        selected: The streams to select.
        without: Properties to deselect, such as "candidates.contact_info.phone".
        full_table: The streams that emit all of their records.
    """
    discovered: Json = TapTogglHire(config={"api_key": "any"}).catalog_dict
    left = set(without)
    for stream in discovered["streams"]:
        name = stream["tap_stream_id"]
        for entry in stream["metadata"]:
            place = [
                name,
                *(part for part in entry["breadcrumb"] if part != "properties"),
            ]
            metadata = entry["metadata"]
            if not entry["breadcrumb"]:
                metadata["selected"] = name in selected
                if name in full_table:
                    stream["replication_method"] = "FULL_TABLE"
                    metadata["forced-replication-method"] = "FULL_TABLE"
            elif ".".join(place) in left:
                metadata["selected"] = False
                left.remove(".".join(place))
    assert not left, f"no such properties: {left}"
    return discovered


class CollectingWriter(MessageWriter):
    """Keeps what would go to stdout; calls a function before each message."""

    def __init__(self, before_message: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.messages: list[Message] = []
        self._before_message = before_message

    def write_message(self, message: SingerMessage) -> None:
        """Keep a message, decoded."""
        self._before_message()
        line = bytes(self.format_message(message))
        if isinstance(message, RecordMessage):
            self.record_bytes += len(line)
        self.messages.append(msgspec.json.decode(line))


def invoke(*arguments: str) -> t.Any:
    """Run the command line in this process; return what click's CliRunner does."""
    excepthook = sys.excepthook
    try:
        return CliRunner().invoke(TapTogglHire.get_singer_command(), arguments)
    finally:  # the SDK changes both, for a process of its own
        sys.excepthook = excepthook
        logging.captureWarnings(capture=False)


def rejection(*arguments: str) -> str:
    """Run the command line in this process; return the one line that it fails with."""
    result = invoke(*arguments)
    assert isinstance(result.exception, TapError), repr(result.exception)
    assert result.stdout == ""
    assert "\n" not in str(result.exception)
    return str(result.exception)
