"""Read the log of one `meltano el`: lines of the tap, figures, and the failure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_ERROR = re.compile(r"^(?:\w+\.)*(\w*(?:Error|Exception))\b:?(.*)")
"""The last line of a Python traceback."""
_CONNECTION_ERRORS = {"OperationalError", "InterfaceError"}
"""Errors whose text quotes no row."""


@dataclass(frozen=True)
class Figures:
    """The figures of a run.

    Attributes:
        counts: The counts of the record in `sync_runs`, by column.
        seconds: Duration of the run, Meltano's start-up included.
    """

    counts: Mapping[str, int]
    seconds: float


class Report:
    """Read the log line by line.

    Meltano logs JSON objects and passes on the extra fields of the tap's records:
    `sync_run` (the counts of the run) and, with a failure, `is_transient`. It moves
    what a METRIC line says to `metric_info`.

    Args:
        log: Called with the level and the text of each line of the tap.
        key: The API key, replaced wherever it should appear.
    """

    def __init__(self, log: Callable[[str, str], object], key: str) -> None:
        self.counts: dict[str, int] = {}
        self.is_transient = True
        """Whether a retry may succeed; true unless the tap says otherwise."""
        self._log = log
        self._key = key
        self._tap_error = self._target_error = self._meltano_error = ""

    def read(self, line: str) -> None:
        """Read one line: a JSON object, or any other text."""
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if not isinstance(entry, dict):
            self._meltano_error = self._clean(line) or self._meltano_error
            return
        text = self._clean(str(entry.get("event", "")))
        level = str(entry.get("level", "info"))
        match entry.get("cmd_type") or entry.get("type"):
            case "extractor" | "discovery":
                self._read_tap(entry, level, text)
            case "loader":
                self._read_target(text)
            case _ if level in {"error", "critical"}:
                self._meltano_error = text.splitlines()[0] if text else ""

    def failure(self, code: int) -> str:
        """Return the message of a failed run.

        A target that fails closes the pipe, which is a transient failure of the tap:
        the target's error is then the cause.

        Args:
            code: Exit code of Meltano.
        """
        if self._target_error and self.is_transient:
            return self._target_error
        return (
            self._tap_error
            or self._target_error
            or self._meltano_error
            or f"Meltano ended with exit code {code}."
        )

    def _read_tap(self, entry: Mapping[str, Any], level: str, text: str) -> None:
        if level in {"error", "critical"}:
            self._tap_error = text
            self.is_transient = entry.get("is_transient") is not False
        if isinstance(entry.get("sync_run"), dict):
            self.counts = {
                name: count
                for name, count in entry["sync_run"].items()
                if isinstance(count, int) and not isinstance(count, bool)
            }
        match entry.get("metric_info"):
            case {"metric": metric, "value": value, "tags": {**tags}}:
                place = tags.get("stream") or tags.get("endpoint") or "all"
                text = f"{text} {metric}={value} ({place})"
        self._log(level, text)

    def _read_target(self, text: str) -> None:
        """Keep the type of the target's last error, since its text may quote a row."""
        match = _ERROR.match(text)
        if match:
            detail = match[2] if match[1] in _CONNECTION_ERRORS else ""
            self._target_error = (
                f"The target failed: {match[1]}{detail and f',{detail}'}"
            )

    def _clean(self, text: str) -> str:
        return text.strip().replace(self._key, "***")


def as_level(level: str) -> str:
    """Return a level's name as Python's loggers have it."""
    return level if level in {"debug", "info", "warning", "error"} else "info"


def metadata(figures: Figures) -> dict[str, Any]:
    """Return the figures as metadata for an orchestrator."""
    return {**figures.counts, "seconds": round(figures.seconds, 1)}
