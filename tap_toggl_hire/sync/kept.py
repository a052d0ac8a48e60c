"""Decisions that are kept, in order, until one STATE announces all of them exactly.

What is emitted of a missing or re-verified candidate is known only once its details
are read. Announced earlier, its history would be STALE if the run died, and the next
run would write rows for changes that never happened. A listed candidate that needs
more than was announced waits, too: otherwise a series of them costs a STATE each.
"""

from __future__ import annotations

import typing as t
from collections import deque

import msgspec

if t.TYPE_CHECKING:
    from tap_toggl_hire.sync.tasks import Decision

MAX_KEPT = 64 << 20  # bytes of records that are kept, as JSON


class Kept:
    """A queue of decisions, with their records as JSON."""

    def __init__(self) -> None:
        self.decisions: deque[Decision] = deque()  # without their records
        self._packed: deque[bytes] = deque()
        self.size = 0  # bytes of the records that are kept

    @property
    def is_full(self) -> bool:
        """Whether there is no room for more."""
        return self.size >= MAX_KEPT

    def add(self, decision: Decision) -> None:
        """Keep a decision."""
        change = decision.change
        packed = msgspec.json.encode([change.row, change.details])
        change.row = change.details = None
        self.decisions.append(decision)
        self._packed.append(packed)
        self.size += len(packed)

    def take(self) -> Decision:
        """Remove the first decision, and return it with its records."""
        decision, packed = self.decisions.popleft(), self._packed.popleft()
        self.size -= len(packed)
        change = decision.change
        change.row, change.details = msgspec.json.decode(packed)
        return decision
