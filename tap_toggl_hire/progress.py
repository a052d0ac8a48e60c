"""Progress for people: one line every few seconds of work."""

from __future__ import annotations

import time
import typing as t

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable

INTERVAL = 10.0
"""Seconds between two lines."""


class Progress:
    """Tell how far the extraction of candidates is.

    Args:
        logger: Where to tell it.
        clock: Seconds, only ever growing.
    """

    def __init__(
        self, logger: logging.Logger, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.done = 0
        """Candidates that were compared and, where needed, read."""
        self.total: int | None = None
        """Candidates in the list, if the API tells."""
        self._logger = logger
        self._clock = clock
        self._started = self._told = clock()

    def tick(self) -> None:
        """Log a line if it is time for one."""
        now = self._clock()
        if now - self._told < INTERVAL:
            return
        self._told = now
        rate = self.done / (now - self._started)
        if not self.total or not rate or self.done > self.total:  # a wrong total
            self._logger.info(
                "%s candidates done, %.1f a second.", f"{self.done:,}", rate
            )
            return
        left = (self.total - self.done) / rate
        self._logger.info(
            "%s of %s candidates done (%.0f %%), %.1f a second, %s left.",
            f"{self.done:,}",
            f"{self.total:,}",
            100 * self.done / self.total,
            rate,
            _duration(left),
        )


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:.0f} h {minutes:.0f} min"
    return f"{minutes:.0f} min {seconds:.0f} s" if minutes else f"{seconds:.0f} s"
