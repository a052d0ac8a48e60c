"""Progress lines in the log."""

from __future__ import annotations

import typing as t
from datetime import timedelta

if t.TYPE_CHECKING:
    import logging

    from tap_toggl_hire.clock import Machine

INTERVAL = 10.0  # seconds between the first lines
GROWTH = 0.5
"""Part of the elapsed time that passes before the next line: 23 lines in 24 hours."""


class Progress:
    """Log the progress of a run through the candidates."""

    def __init__(self, logger: logging.Logger, machine: Machine) -> None:
        self.done = 0  # candidates compared and, where due, fetched
        self.total: int | None = None  # candidates in the list, if the API says so
        self._logger = logger
        self._now = machine.monotonic
        self._started = self._now()
        self._next = INTERVAL

    def tick(self) -> None:
        """Log a line if one is due."""
        elapsed = self._now() - self._started
        if elapsed < self._next:
            return
        self._next = elapsed + max(INTERVAL, elapsed * GROWTH)
        done, rate = f"{self.done:,}", self.done / elapsed
        if not self.total or not rate or self.done > self.total:  # unknown or wrong
            self._logger.info("%s candidates done, %.1f per second.", done, rate)
            return
        self._logger.info(
            "%s of %s candidates done (%.0f %%), %.1f per second, %s left.",
            done,
            f"{self.total:,}",
            100 * self.done / self.total,
            rate,
            timedelta(seconds=round((self.total - self.done) / rate)),
        )
