"""Times: how they are parsed, and the clock of the API."""

from __future__ import annotations

import typing as t
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable

TOLERANCE = timedelta(seconds=5)
"""Smaller differences are latency and rounding: HTTP dates have whole seconds."""
SUSPICIOUS = timedelta(days=1)  # a larger difference is logged
PLAUSIBLE_YEARS = range(2000, 2200)  # a Date header outside is not a clock


def moment(text: str) -> datetime:
    """Parse a time in ISO 8601, or raise ValueError; one without an offset is UTC."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def http_date(text: str) -> datetime | None:
    """Parse a date of an HTTP header (RFC 9110, section 5.6.7), or return None."""
    try:
        date = parsedate_to_datetime(text)
        return date.replace(tzinfo=date.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


class Clock:
    """The clock of the API: the machine's, corrected.

    Times that the tap writes into records are compared with the API's own.
    """

    def __init__(
        self,
        logger: logging.Logger,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._logger = logger
        self._machine = now
        self._offset = timedelta()

    def correct(self, date: str | None) -> None:
        """Set the clock by the Date header of a response, if it is usable."""
        theirs = http_date(date or "")
        if theirs is None or theirs.year not in PLAUSIBLE_YEARS:
            return
        offset = theirs - self._machine()
        if abs(offset) > TOLERANCE:
            self._offset = offset
        if abs(offset) > SUSPICIOUS:
            self._logger.warning(
                "The clock of this machine differs from the API's by %.1f days: set "
                "it. Times in records follow the API's clock.",
                abs(offset) / timedelta(days=1),
            )

    def now(self) -> datetime:
        """Return the time of the API, in UTC."""
        return self._machine() + self._offset
