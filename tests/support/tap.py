"""Ways to run the tap: the command line, or inside the test where many runs count."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import typing as t
from dataclasses import dataclass
from pathlib import Path

import msgspec
from singer_sdk.singerlib import RecordMessage

from tap_toggl_hire.messages import MessageWriter
from tap_toggl_hire.tap import TapTogglHire

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from singer_sdk.singerlib import Message as SingerMessage

    from sandbox import Sandbox

Message = dict[str, t.Any]
Json = dict[str, t.Any]

COMMAND = (sys.executable, "-m", "tap_toggl_hire")


def settings(box: Sandbox, **more: t.Any) -> Json:
    """Return the settings of a run against a sandbox."""
    return {"api_key": box.api_key, "api_url": box.url, **more}


@dataclass
class Run:
    """The result of the command line."""

    returncode: int
    messages: list[Message]
    stderr: str
    stdout: str

    def records(self, stream: str) -> list[Json]:
        """Return the records of a stream, in order."""
        return records(self.messages, stream)


def run_tap(
    config: Json,
    *arguments: str,
    state: Json | None = None,
    catalog: Json | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: float = 120,
) -> Run:
    """Run the command line to its end."""
    with tempfile.TemporaryDirectory() as folder:
        files = {"state": state, "catalog": catalog}
        process = subprocess.run(
            command_line(Path(folder), config, *arguments, **files),
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
    return Run(process.returncode, messages, process.stderr, process.stdout)


def command_line(
    folder: Path,
    config: Json,
    *arguments: str,
    state: Json | None = None,
    catalog: Json | None = None,
) -> list[str]:
    """Write the files of a run, and make its command line."""
    command = list(COMMAND)
    for option, content in (("config", config), ("state", state), ("catalog", catalog)):
        if content is not None:
            path = folder / f"{option}.json"
            path.write_text(json.dumps(content))
            command += [f"--{option}", str(path)]
    return [*command, *arguments]


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


def catalog(config: Json, *selected: str, **methods: str) -> Json:
    """Make a catalog that selects streams, with the replication methods of some."""
    found: Json = TapTogglHire(config=config).catalog_dict
    for stream in found["streams"]:
        name = stream["tap_stream_id"]
        root = next(m for m in stream["metadata"] if not m["breadcrumb"])["metadata"]
        root["selected"] = name in selected
        if name in methods:
            stream["replication_method"] = methods[name]
            root["forced-replication-method"] = methods[name]
    return found


def records(messages: Iterable[Message], stream: str) -> list[Json]:
    """Return the records of a stream, in order."""
    return [
        message["record"]
        for message in messages
        if message["type"] == "RECORD" and message["stream"] == stream
    ]


class CollectingWriter(MessageWriter):
    """Keeps what would go to stdout; calls a function before each message."""

    def __init__(self, note: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.messages: list[Message] = []
        self._note = note

    def write_message(self, message: SingerMessage) -> None:
        """Keep a message."""
        self._note()
        line = bytes(self.format_message(message))
        if isinstance(message, RecordMessage):
            self.record_bytes += len(line)
        self.messages.append(msgspec.json.decode(line))
