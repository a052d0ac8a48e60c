"""When a STATE is due, and how many candidates it announces.

A STATE says what the target holds by then, and announces the candidates that follow.
All of them together are to be a small part of what a run writes, however large the
inventory is: so the stretch between two of them grows with it. Pure arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

SHARE = 10
"""Times its own size a STATE waits for, in bytes of records."""
MARGIN = 1.1
"""What a stretch is longer by, since records differ in size."""
CANDIDATES = 1000
"""Read with details, after which a STATE is due; also the shortest stretch."""
LIGHT = 0.25
"""What a candidate counts of whom no details are read."""
SECONDS = 30.0
"""After which a STATE is due."""
GUESS = 500.0
"""Bytes of a candidate's records before any is written."""
SAMPLE = 50
"""Candidates that are emitted before their average counts."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: in all, and since the last STATE."""

    bytes: int = 0
    candidates: float = 0.0


def is_due(since: Written, seconds: float, state_size: int) -> bool:
    """Return whether a STATE is due.

    Args:
        since: What was written since the last STATE.
        seconds: How long ago that was.
        state_size: Bytes that the next STATE takes, about.
    """
    is_time = since.candidates >= CANDIDATES or seconds >= SECONDS
    return is_time and since.bytes >= SHARE * state_size


def is_enough(waiting: float, in_all: Written, state_size: int) -> bool:
    """Return whether the candidates that wait are enough to be announced.

    Args:
        waiting: How many they are; those without details count for less.
        in_all: What was written in this run so far.
        state_size: Bytes that the STATE takes, about.
    """
    average = GUESS
    if in_all.candidates >= SAMPLE:
        average = in_all.bytes / in_all.candidates
    return waiting >= CANDIDATES and waiting * average >= MARGIN * SHARE * state_size
