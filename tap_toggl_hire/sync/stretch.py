"""When a STATE is due, and how many candidates it announces.

A STATE says what the target holds by then, and announces the candidates that follow.
All of them together are to be a small part of what a run writes, however large the
inventory is: so the stretch between two of them grows with it.
"""

from __future__ import annotations

import time
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable

SHARE = 10
"""Times its own size a STATE waits for, in bytes of records."""
MARGIN = 1.1
"""What a stretch is longer by, since records differ in size."""
CANDIDATES = 1000
"""Read with details, after which a STATE is due."""
FIRST = 100
"""Candidates of the first stretch; each that follows is as long as all before it, until
they are of full length: else workers would wait while the list is read."""
LIGHT = 0.25
"""What a candidate counts of whom no details are read."""
SECONDS = 30.0
"""After which a STATE is due."""
GUESS = 500.0
"""Bytes of a candidate's records before any is written."""
SAMPLE = 50
"""Candidates that are emitted before their average counts."""


class Stretch:
    """What lies between two STATEs.

    Args:
        clock: Tells seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._bytes_in_all = 0
        self._candidates_in_all = 0.0
        self.begin()

    def begin(self) -> None:
        """Begin anew: a STATE was written, and announced all that waits."""
        self._waiting = 0.0
        self._bytes = 0
        self._candidates = 0.0
        self._begun = self._clock()

    def wait(self, *, asked: bool) -> None:
        """Take in a candidate that waits; asked: for its details."""
        self._waiting += 1 if asked else LIGHT

    def emit(self, size: int, *, asked: bool) -> None:
        """Take in a candidate whose records, of so many bytes, are out."""
        weight = 1 if asked else LIGHT
        self._bytes += size
        self._candidates += weight
        self._bytes_in_all += size
        self._candidates_in_all += weight

    def is_due(self, state_size: int) -> bool:
        """Return whether a STATE of so many bytes, about, is due."""
        seconds = self._clock() - self._begun
        is_time = self._candidates >= CANDIDATES or seconds >= SECONDS
        return is_time and self._bytes >= SHARE * state_size

    def is_enough(self, state_size: int) -> bool:
        """Return whether the candidates that wait are enough to be announced."""
        average = GUESS
        if self._candidates_in_all >= SAMPLE:
            average = self._bytes_in_all / self._candidates_in_all
        is_long = self._waiting * average >= MARGIN * SHARE * state_size
        shortest = min(max(FIRST, self._candidates_in_all), CANDIDATES)
        return self._waiting >= shortest and is_long
