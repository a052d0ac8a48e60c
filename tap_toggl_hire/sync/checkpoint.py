"""What the state says of the candidates that are being emitted.

Every change of the inventory around a STATE is here. A STATE *announces* candidates:
the target may hold anything of them once it has confirmed that STATE. Once the records
of a candidate are out, they are *committed*: the next STATE says what the target holds.
What was announced and not emitted is *reverted* at the end of the run.
"""

from __future__ import annotations

import typing as t

from tap_toggl_hire.sync import plan
from tap_toggl_hire.sync.plan import ANSWERS, NEW

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_toggl_hire.clock import Machine
    from tap_toggl_hire.sink import CandidateSink
    from tap_toggl_hire.sync.inventory import Inventory
    from tap_toggl_hire.sync.plan import Known, Streams
    from tap_toggl_hire.sync.tasks import Decision, ListedTask

MIN_ANNOUNCED = 10_000  # candidates that a STATE announces, unless their rows are large
MAX_ANNOUNCED_BYTES = 64 << 20  # of rows beyond which fewer are announced
MAX_SECONDS = 30.0  # of work, after which a STATE is due
MAX_READ = 1_000  # candidates read with details, after which a STATE is due
MIN_RATIO = 10  # bytes of records before a STATE, by its own bytes
UNCHANGED = 1_000
"""Bytes of records that details count for which were read and differ in nothing.
Without them, a long re-verification that is killed would begin again."""
MARGIN = 1.25  # spare candidates in an announcement, as records differ in size


class _Pending(t.NamedTuple):
    """A candidate that is announced, and not committed yet."""

    known: Known  # before the announcement
    streams: Streams  # that may be emitted
    answers: int  # the largest number of answer rows that may be emitted


class Checkpoint:
    """Announces, commits and reverts candidates, and writes STATE."""

    def __init__(
        self, inventory: Inventory, sink: CandidateSink, machine: Machine
    ) -> None:
        self._inventory = inventory
        self._sink = sink
        self._now = machine.monotonic
        self._pending: dict[str, _Pending] = {}
        self._most_answers = inventory.most_answers
        self._emitted = 0  # candidates, in this run
        self._written_before = sink.written
        self._begin(0)

    # Announcements

    def has_room(self, count: int, size: int) -> bool:
        """Return whether a STATE announces more than so many candidates.

        Args:
            count: Candidates.
            size: Bytes of their rows.
        """
        average = (self._sink.written - self._written_before) / max(self._emitted, 1)
        needed = MARGIN * MIN_RATIO * self._state_size / average if average else 0
        is_small = count < MIN_ANNOUNCED and size < MAX_ANNOUNCED_BYTES
        return is_small or count < needed  # so many last until a STATE may be due

    def announce(self, tasks: Iterable[ListedTask]) -> None:
        """Write a STATE that commits what was emitted, and announces what follows.

        The details of these candidates may not be read yet.
        """
        count = size = 0
        for task in tasks:
            if not self.has_room(count, size):
                break
            count, size = count + 1, size + task.size
            answers = plan.expected_answers(task.known, self._most_answers)
            self._intend(task.id, task.known, task.may_emit(), answers)
        self.save()

    def announce_exactly(self, decisions: Iterable[Decision]) -> None:
        """Write a STATE that announces what is certain to be emitted."""
        for decision in decisions:
            known, streams = decision.known, decision.plan.emit
            self._intend(decision.id, known, streams, decision.answers)
        self.save()

    def covers(self, decision: Decision) -> bool:
        """Return whether the last STATE announced everything that is to be emitted."""
        emit, answers = decision.plan.emit, self._answers(decision)
        pending = self._pending.get(decision.id)
        if pending is None:
            return not emit
        return emit <= pending.streams and answers <= pending.answers

    def add(self, decision: Decision) -> None:
        """Let the next announcement cover a candidate that turned out to need more."""
        answers = self._answers(decision)
        self._most_answers = max(self._most_answers, answers)
        self._intend(decision.id, decision.known, decision.plan.emit, answers)

    def _intend(
        self, candidate_id: str, known: Known, streams: Streams, answers: int
    ) -> None:
        self._pending[candidate_id] = _Pending(known, streams, answers)
        self._inventory[candidate_id] = plan.intent(known, streams, answers)

    def _answers(self, decision: Decision) -> int:
        return decision.answers if ANSWERS in decision.plan.emit else 0

    # Commits

    def commit(self, decision: Decision) -> None:
        """Note what the target holds of a candidate once its records are out."""
        self._pending.pop(decision.id, None)
        self._inventory[decision.id] = decision.plan.after
        is_emitted, is_read = bool(decision.plan.emit), decision.is_read
        self._emitted += is_emitted
        self._read += is_read
        self._unchanged += is_read and not is_emitted

    def leave(self, decision: Decision) -> None:
        """Leave a candidate as announced: some of its records may be out."""
        self._pending.pop(decision.id, None)

    def revert(self) -> None:
        """Take back what was announced, and is not emitted by this run any more."""
        for candidate_id, pending in self._pending.items():
            known = pending.known
            self._inventory[candidate_id] = None if known == NEW else known
        self._pending.clear()

    # STATE

    def is_due(self) -> bool:
        """Return whether a STATE is due: enough work is done, and enough written."""
        has_worked = self._read >= MAX_READ or self._now() >= self._begun + MAX_SECONDS
        written = self._sink.written - self._written + UNCHANGED * self._unchanged
        return has_worked and written >= MIN_RATIO * self._state_size

    def save(self) -> None:
        """Write a STATE."""
        self._begin(self._sink.save())

    def _begin(self, state_size: int) -> None:
        """Begin the interval after a STATE of so many bytes."""
        self._state_size = state_size
        self._written = self._sink.written
        self._read = 0  # candidates whose details were read
        self._unchanged = 0  # of these, those that differ in nothing
        self._begun = self._now()
