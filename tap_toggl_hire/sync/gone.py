"""Candidates that answered 404, until it is sure what that means.

Of one that no list shows, it is the proof that it is deleted. One that this run's own
list showed is asked for once more, when all others are done.
"""

from __future__ import annotations

import typing as t

from tap_toggl_hire.sync import absence, guard
from tap_toggl_hire.sync.plan import Presence

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_toggl_hire.sync.asking import Answer, Asker, Task
    from tap_toggl_hire.sync.plan import Run


class Gone:
    """Holds them; one that is yielded is dropped once the caller is done with it."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}

    def __iter__(self) -> Iterator[Task]:
        return iter(self._tasks.values())

    def add(self, task: Task) -> None:
        """Take in a candidate that answered 404."""
        self._tasks[task.id] = task

    def asked_again(self, asker: Asker) -> Iterator[tuple[Task, Answer]]:
        """Ask again for those that are listed; yield what is not 404 any more."""
        again = self._listed()
        for task in again:
            asker.add(task)
        for task in again:
            answer = asker.wait(task)
            if answer is not None:
                yield task, answer
                del self._tasks[task.id]

    def unreadable(self, others: int) -> Iterator[Task]:
        """Yield those that are listed and were never read.

        Args:
            others: Listed candidates that were asked for, and answered.

        Raises:
            TapError: If so many that are listed answer 404 that it is rather a fault.
        """
        listed = self._listed()
        new = [t for t in listed if t.known.presence is not Presence.UNREADABLE]
        asked = others + len(new)
        if guard.is_mass_of_listed(len(new), asked):
            raise guard.mass_of_listed(len(new), asked)
        for task in listed:
            if absence.is_unreadable(task.known):
                yield task
                del self._tasks[task.id]

    def deleted(self, known: int, run: Run) -> Iterator[Task]:
        """Yield those that are left.

        Args:
            known: Candidates that the run looked for.
            run: What it selects; with a full table, any number may be gone.

        Raises:
            TapError: If there are so many that it is rather a fault.
        """
        if guard.is_mass(len(self._tasks), known) and not run.full_table:
            raise guard.mass_deletion(len(self._tasks), known)
        for task in list(self._tasks.values()):
            yield task
            del self._tasks[task.id]

    def _listed(self) -> list[Task]:
        return [task for task in self if task.listed is not None]
