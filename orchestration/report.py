"""Reads the log of one `meltano el`: what the tap says, what was done, what failed."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

COUNTED = {
    "candidates": "candidates",
    "created": "new",
    "updated": "changed",
    "deleted": "deleted",
    "reverified": "re-verified",
    "requests": "requests",
    "refused": "refused",
}
"""The figures of a run, and the words after them in the tap's last line."""

_SUMMARY = re.compile(r"[\d,]+ candidates: .* requests, .* s\.")
_ERROR = re.compile(r"^(?:\w+\.)*(\w*(?:Error|Exception))\b:?(.*)")
_NO_REPEAT = re.compile(
    r"\bcheck |\bCheck |^Setting |^The state |REQUESTS_CA_BUNDLE|api_key|"
    r"replication method"
)
"""What a sentence has in it that asks for a change, without which nothing will pass."""


@dataclass(frozen=True)
class Figures:
    """What a run did."""

    counts: Mapping[str, int]
    seconds: float


class Report:
    """Takes the log, line by line.

    Args:
        tell: Called with the level and the text of each line of the tap.
        key: The API key, which is in no line; should it be, it is struck out.
    """

    def __init__(self, tell: Callable[[str, str], object], key: str) -> None:
        self.counts: dict[str, int] = {}
        self._tell = tell
        self._key = key
        self._of_tap = self._of_target = self._of_meltano = ""

    def take(self, line: str) -> None:
        """Take one line: an object in JSON, or whatever else came out."""
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if not isinstance(entry, dict):
            self._of_meltano = self._clean(line) or self._of_meltano
            return
        text = self._clean(str(entry.get("event", "")))
        level = str(entry.get("level", "info"))
        match entry.get("cmd_type") or entry.get("type"):
            case "extractor" | "discovery":
                self._take_tap(level, text)
            case "loader":
                self._take_target(text)
            case _ if level in {"error", "critical"}:
                self._of_meltano = text.splitlines()[0] if text else ""

    @property
    def may_pass(self) -> bool:
        """Whether the failure may be gone at another try."""
        return not (self._of_tap and _NO_REPEAT.search(self._of_tap))

    def failure(self, code: int) -> str:
        """Return the sentence of a failed run."""
        if self._of_target and self._of_tap.startswith("The target closed"):
            return self._of_target
        return (
            self._of_tap
            or self._of_target
            or self._of_meltano
            or f"Meltano ended with exit code {code}."
        )

    def _take_tap(self, level: str, text: str) -> None:
        if level in {"error", "critical"}:
            self._of_tap = text
        elif _SUMMARY.fullmatch(text):
            self.counts = {
                name: int(match[1].replace(",", ""))
                for name, word in COUNTED.items()
                if (match := re.search(rf"([\d,]+) {word}\b", text))
            }
        self._tell(level, text)

    def _take_target(self, text: str) -> None:
        """Keep the last error of the target, with no value of a row in it."""
        match = _ERROR.match(text)
        if match:
            # The text of another error may quote the row that it failed on.
            is_of_connection = match[1] in {"OperationalError", "InterfaceError"}
            told = match[2] if is_of_connection else ""
            self._of_target = f"The target failed: {match[1]}{told and f',{told}'}"

    def _clean(self, text: str) -> str:
        return text.strip().replace(self._key, "***")


def as_level(level: str) -> str:
    """Return a level's name as Python's loggers have it."""
    return level if level in {"debug", "info", "warning", "error"} else "info"


def metadata(figures: Figures) -> dict[str, Any]:
    """Return the figures as an engine's metadata."""
    return {**figures.counts, "seconds": round(figures.seconds, 1)}
