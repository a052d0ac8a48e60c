"""Decisions that are kept until one STATE announces all of them exactly.

What is emitted of a missing or re-verified candidate is known only once its details
are read. Announced earlier, its history would be STALE if the run died, and the next
run would write rows for changes that never happened.
"""

from __future__ import annotations

import typing as t

import msgspec

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_toggl_hire.sync.tasks import Decision

MAX_KEPT = 64 << 20  # bytes of records that are kept, as JSON


class Kept:
    """Decisions in their order, with their records as JSON."""

    def __init__(self) -> None:
        self.decisions: list[Decision] = []  # without their records
        self._packed: list[bytes] = []
        self._size = 0

    @property
    def is_full(self) -> bool:
        """Whether there is no room for more."""
        return self._size >= MAX_KEPT

    def add(self, decision: Decision) -> None:
        """Keep a decision."""
        change = decision.change
        packed = msgspec.json.encode([change.row, change.details])
        change.row = change.details = None
        self.decisions.append(decision)
        self._packed.append(packed)
        self._size += len(packed)

    def release(self) -> Iterator[Decision]:
        """Yield the decisions with their records, and remove them."""
        decisions, packed = self.decisions, self._packed
        self.decisions, self._packed, self._size = [], [], 0
        for place, decision in enumerate(decisions):
            change = decision.change
            change.row, change.details = msgspec.json.decode(packed[place])
            packed[place] = b""
            yield decision
