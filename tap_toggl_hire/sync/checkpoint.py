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
MAX_ANSWERED = 1_000  # requests for details, after which a STATE is due
MAX_AGE = 600.0  # seconds after which a portion of re-verification ends in any case
MIN_RATIO = 10  # bytes of records before a STATE, by its own bytes
UNCHANGED = 1_000
"""Bytes of records that details count for which differ in nothing, or are not found.
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

    def announce(
        self, decisions: Iterable[Decision], ahead: Iterable[ListedTask] = ()
    ) -> None:
        """Write a STATE that commits what was emitted, and announces what follows.

        Args:
            decisions: What is certain to be emitted, which is announced exactly.
            ahead: Listed candidates, whose details may not be read yet.
        """
        for decision in decisions:
            answers = self._answers(decision)
            self._most_answers = max(self._most_answers, answers)
            self._intend(decision.id, decision.known, decision.plan.emit, answers)
        count = size = 0
        for task in ahead:
            if not self.has_room(count, size):
                break
            count, size = count + 1, size + task.size
            answers = plan.expected_answers(task.known, self._most_answers)
            self._intend(task.id, task.known, task.may_emit(), answers)
        self.save()

    def has_announced(self, candidate_id: str) -> bool:
        """Return whether a candidate is announced, and not committed yet."""
        return candidate_id in self._pending

    def covers(self, decision: Decision) -> bool:
        """Return whether the last STATE announced everything that is to be emitted."""
        emit, answers = decision.plan.emit, self._answers(decision)
        pending = self._pending.get(decision.id)
        if pending is None:
            return not emit
        return emit <= pending.streams and answers <= pending.answers

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
        self._emitted += bool(decision.plan.emit)

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

    def answered(self, *, is_unchanged: bool) -> None:
        """Count an answer to a request for details, also if nothing differs."""
        self._answered += 1
        self._unchanged += is_unchanged

    def is_due(self, kept: int) -> bool:
        """Return whether a STATE is due: enough work is done, and enough written.

        Args:
            kept: Bytes of records that wait for it, which count as written.
        """
        is_late = self._now() >= self._begun + MAX_SECONDS
        has_worked = is_late or self._answered >= MAX_ANSWERED
        written = self._sink.written - self._written + UNCHANGED * self._unchanged
        return has_worked and written + kept >= MIN_RATIO * self._state_size

    def is_late(self) -> bool:
        """Return whether the last STATE is so long ago that its size does not matter.

        Few candidates may be read in an hour, if the API has a quota.
        """
        return self._now() >= self._begun + MAX_AGE

    def save(self) -> None:
        """Write a STATE."""
        self._begin(self._sink.save())

    def _begin(self, state_size: int) -> None:
        """Begin the interval after a STATE of so many bytes."""
        self._state_size = state_size
        self._written = self._sink.written
        self._answered = 0  # requests for details
        self._unchanged = 0  # of these, those that found nothing to emit
        self._begun = self._now()
