"""The measured programs, and their configuration files."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tools.bench.measure import Cost, last_state, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tools.bench.server import Server

CORE_STREAMS = frozenset(
    ("job_openings", "categories", "tags", "candidates", "candidate_details")
)
TAP = ("-m", "tap_toggl_hire")
COMMAND = (sys.executable, *TAP)
TEMPLATE = ("-m", "tools.bench.template_tap")
THREADS = ("-m", "tools.bench.threads")


class Programs:
    """Run programs against a server, with their files in a folder.

    Args:
        server: The sandbox.
        folder: Folder for configurations and output; each run overwrites the last.
        tap: The command of the tap.
    """

    def __init__(
        self, server: Server, folder: Path, tap: tuple[str, ...] = COMMAND
    ) -> None:
        self._server = server
        self._folder = folder
        self._tap = tap
        self._config: dict[str, Any] = {"api_url": server.url, "api_key": server.key}
        self._catalog = self._write("catalog", catalog(CORE_STREAMS.__contains__, tap))
        self._state: str | None = None

    def tap(self, **settings: Any) -> Cost:
        """Run this tap with the core streams, from the state of `remember` if any."""
        config = self._write("config", {**self._config, **settings})
        state = ["--state", self._state] if self._state else []
        arguments = ["--config", config, "--catalog", self._catalog, *state]
        return run([*self._tap, *arguments], self._output)

    def template(self) -> Cost:
        """Run the tap built from the template, with the same streams."""
        return self._run(*TEMPLATE, "--config", self._write("config", self._config))

    def threads(self) -> Cost:
        """Run the program without a framework."""
        return self._run(*THREADS, self._server.url, self._server.key)

    def remember(self) -> None:
        """Start later runs of the tap from the state of the last one."""
        with self._output.open("rb") as output:
            self._state = self._write("state", last_state(output))

    @property
    def _output(self) -> Path:
        return self._folder / "output.jsonl"

    def _run(self, *arguments: str) -> Cost:
        return run([sys.executable, *arguments], self._output)

    def _write(self, name: str, value: Any) -> str:
        path = self._folder / f"{name}.json"
        path.write_text(json.dumps(value))
        return str(path)


def catalog(
    is_selected: Callable[[str], bool], tap: tuple[str, ...] = COMMAND
) -> dict[str, Any]:
    """Return a tap's catalog with some streams selected."""
    discover = subprocess.run([*tap, "--discover"], check=True, capture_output=True)
    found = discover.stdout
    made: dict[str, Any] = json.loads(found)
    for stream in made["streams"]:
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = is_selected(stream["tap_stream_id"])
    return made
