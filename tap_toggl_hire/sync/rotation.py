"""The rotation: whose details are read again though nothing seems to have changed.

What no list row shows (an unlocked answer, a regrade with an equal sum) is found only
in the details. So all candidates have their turn within some days, spread evenly over
the runs, without a time for each in the state: an id is a place on a circle, and each
run verifies an arc of it, from where the last one ended.
"""

from __future__ import annotations

import math
import typing as t
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

if t.TYPE_CHECKING:
    from collections.abc import Iterable

DAY = 86400
RHYTHM = 14 * DAY
"""Seconds for which the pauses between runs are watched at least: weekends recur."""
OUTAGE = 2 / 3
"""Of the time for a whole turn: a pause that is longer belongs to no schedule."""


@dataclass(frozen=True)
class Turn:
    """How far the rotation has come.

    Attributes:
        at: When the last complete run started; None before the first.
        cursor: The place up to which candidates were verified, from 0 to 1.
        pauses: The longest seconds between runs, before and after `since`.
        since: When the second of the pauses began to be watched.
    """

    at: datetime | None = None
    cursor: float = 0.0
    pauses: tuple[int, int] = (0, 0)
    since: datetime | None = None

    def dump(self) -> dict[str, t.Any]:
        """Write it as JSON values, none of them null and none a float.

        Targets on the Singer SDK cannot pass on a state with a float.
        """
        return {
            "at": self.at.isoformat() if self.at else "",
            "cursor": str(self.cursor),
            "pauses": list(self.pauses),
            "since": self.since.isoformat() if self.since else "",
        }

    @classmethod
    def load(cls, value: dict[str, t.Any]) -> Turn:
        """Read what `dump` wrote; an empty object is no turn yet.

        Raises:
            ValueError: If it is damaged.
        """
        if not value:
            return cls()
        try:
            before, present = value["pauses"]
            turn = cls(
                datetime.fromisoformat(value["at"]) if value["at"] else None,
                float(value["cursor"]),
                (int(before), int(present)),
                datetime.fromisoformat(value["since"]) if value["since"] else None,
            )
        except (KeyError, TypeError) as error:
            raise ValueError from error
        return turn.checked()

    def checked(self) -> Turn:
        """Return this turn.

        Raises:
            ValueError: If it cannot be one.
        """
        times = filter(None, (self.at, self.since))
        if not 0 <= self.cursor <= 1 or any(time.tzinfo is None for time in times):
            raise ValueError
        return self


class Rotation:
    """The turn of one run.

    Args:
        turn: How far the rotation has come.
        now: When the run started.
        days: In which each candidate is to have a turn; 0 for never.
    """

    def __init__(self, turn: Turn, now: datetime, days: int) -> None:
        self._turn = turn
        self._now = now
        self._seconds = days * DAY
        self._elapsed = (now - turn.at).total_seconds() if turn.at else 0.0
        # The days may have been more when the pauses were noted.
        pauses = [pause for pause in turn.pauses if self._is_usual(pause)]
        self._arc = arc(self._elapsed, pauses, self._seconds)

    def is_due(self, candidate_id: str, *, verified: bool) -> bool:
        """Return whether it is a candidate's turn; verified: it had one already."""
        if not self._arc or verified:
            return False
        place = _place(candidate_id)
        return (place - self._turn.cursor) % 1.0 < self._arc

    def finished(self) -> Turn:
        """Return how far the rotation has come once all had their turn."""
        before, present = self._turn.pauses
        since = self._turn.since or self._now
        if (self._now - since).total_seconds() > max(self._seconds, RHYTHM):
            before, present, since = present, 0, self._now
        if self._is_usual(self._elapsed):
            present = max(present, math.ceil(self._elapsed))
        cursor = (self._turn.cursor + self._arc) % 1.0
        return Turn(self._now, cursor, (before, present), since)

    def _is_usual(self, pause: float) -> bool:
        return pause < OUTAGE * self._seconds


def _place(candidate_id: str) -> float:
    """Return the place of an id on the circle, from 0 to 1."""
    text = f'"{candidate_id}"'.encode()
    return int.from_bytes(blake2b(text, digest_size=4).digest(), "little") / 2**32


def arc(elapsed: float, pauses: Iterable[int], seconds: int) -> float:
    """Return the part of the circle that a run verifies, from 0 to 1.

    It grows with the time that has passed, and is ahead by the longest pause between
    runs: a candidate that would be late after the next one has its turn before.

    Args:
        elapsed: Seconds since the last run.
        pauses: The longest seconds between runs before.
        seconds: In which each candidate is to have a turn; 0 for never.
    """
    if elapsed <= 0 or not seconds:
        return 0.0
    spare = seconds - max((elapsed, *pauses))
    return min(elapsed / spare, 1.0) if spare > 0 else 1.0
