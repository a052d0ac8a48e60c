"""The rotation: whose details are read again though nothing seems to have changed.

What no list row shows (an unlocked answer, a regrade with an equal sum) is found only
in the details. So all candidates have their turn within some days, spread evenly over
the runs, without a time for each in the state: an id is a place on a circle, and each
run verifies an arc of it, from where the last one ended.
"""

from __future__ import annotations

import math
import typing as t

from tap_toggl_hire.digests import digest

if t.TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from tap_toggl_hire.digests import Digests, Entry

DAY = 86400
RHYTHM = 14 * DAY
"""Seconds for which the pauses between runs are watched at least: weekends recur."""
OUTAGE = 2 / 3
"""Of the time for a whole turn: a pause that is longer belongs to no schedule."""


class Rotation:
    """The turn of one run.

    Args:
        digests: Where the rotation is; moved on by `finish`.
        now: When the run started.
        days: In which each candidate is to have a turn; 0 for never.
    """

    def __init__(self, digests: Digests, now: datetime, days: int) -> None:
        self._digests = digests
        self._now = now
        self._seconds = days * DAY
        before = digests.verified_at
        self._elapsed = (now - before).total_seconds() if before else 0.0
        # The days may have been more when the pauses were noted.
        pauses = [pause for pause in digests.pauses if self._is_usual(pause)]
        self._arc = arc(self._elapsed, pauses, self._seconds)

    def is_due(self, candidate_id: str, entry: Entry) -> bool:
        """Tell whether it is a candidate's turn, and it had none in a run that died."""
        if not self._arc or entry.is_verified:
            return False
        place = digest(candidate_id) / 2**32
        return (place - self._digests.cursor) % 1.0 < self._arc

    def finish(self) -> None:
        """Move on: all whose turn it was were verified."""
        digests = self._digests
        for entry in digests.book.values():
            entry.is_verified = False
        digests.cursor = (digests.cursor + self._arc) % 1.0
        digests.verified_at = self._now
        before, present = digests.pauses
        since = digests.pauses_since or self._now
        if (self._now - since).total_seconds() > max(self._seconds, RHYTHM):
            before, present, since = present, 0, self._now
        if self._is_usual(self._elapsed):
            present = max(present, math.ceil(self._elapsed))
        digests.pauses, digests.pauses_since = (before, present), since

    def _is_usual(self, pause: float) -> bool:
        return pause < OUTAGE * self._seconds


def arc(elapsed: float, pauses: Iterable[int], seconds: int) -> float:
    """The part of the circle that a run verifies, from 0 to 1.

    It grows with the time that has passed, and is ahead by the longest pause between
    runs: whoever would be late after the next one has their turn before.

    Args:
        elapsed: Seconds since the last run.
        pauses: The longest seconds between runs before.
        seconds: In which each candidate is to have a turn; 0 for never.
    """
    if elapsed <= 0 or not seconds:
        return 0.0
    spare = seconds - max((elapsed, *pauses))
    return min(elapsed / spare, 1.0) if spare > 0 else 1.0
