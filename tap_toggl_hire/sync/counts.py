"""What a run did, for people and for `sync_runs`."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from tap_toggl_hire.sync.plan import UNKNOWN

if t.TYPE_CHECKING:
    from tap_toggl_hire.sync.asking import Task
    from tap_toggl_hire.sync.plan import Plan


@dataclass
class Counts:
    """How many candidates came, and what became of them."""

    listed: int = 0
    created: int = 0
    updated: int = 0
    deleted: int = 0
    reverified: int = 0
    details: int = 0

    def add(self, task: Task, decided: Plan, *, is_gone: bool) -> None:
        """Count what was done about a candidate."""
        self.reverified += task.due
        self.details += task.asked and not is_gone
        if decided.emit:
            self.deleted += is_gone
            self.created += not is_gone and task.known is UNKNOWN
            self.updated += not is_gone and task.known is not UNKNOWN
