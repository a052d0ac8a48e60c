"""Times: how they are parsed, this machine's clock, and the clock of the API."""

from __future__ import annotations

import random
import time
import typing as t
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

if t.TYPE_CHECKING:
    import logging

TOLERANCE = timedelta(seconds=5)
"""Smaller differences are latency and rounding: HTTP dates have whole seconds."""
SUSPICIOUS = timedelta(days=1)  # a larger difference is logged
PLAUSIBLE_YEARS = range(2000, 2200)  # a Date header outside is not a clock


def moment(text: str) -> datetime:
    """Parse a time in ISO 8601, or raise ValueError; one without an offset is UTC."""
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def http_date(text: str) -> datetime | None:
    """Parse a date of an HTTP header (RFC 9110, section 5.6.7), or return None."""
    try:
        date = parsedate_to_datetime(text)
        return date.replace(tzinfo=date.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


class Machine:
    """The clock of this machine, and chance: all that a run takes of either.

    Two things go by the real clock, whatever a tap was given: the deadline of a request
    on a socket (`api/http`), and `time_extracted`, which the SDK reads, too.
    """

    def utcnow(self) -> datetime:
        """Return the time, in UTC. It may jump."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds since some moment; they never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let this thread wait."""
        time.sleep(seconds)

    def uniform(self, low: float, high: float) -> float:
        """Return a number by chance, between two others."""
        return random.uniform(low, high)  # noqa: S311 - no secret


MACHINE = Machine()


class Clock:
    """The clock of the API: the machine's, corrected.

    Times that the tap writes into records are compared with the API's own.

    Attributes:
        machine: The clock that is corrected.
    """

    def __init__(self, logger: logging.Logger, machine: Machine) -> None:
        self.machine = machine
        self._logger = logger
        self._offset = timedelta()
        self._last: datetime | None = None  # that the run before has written

    def correct(self, date: str | None) -> None:
        """Set the clock by the Date header of a response, if it is usable."""
        theirs = http_date(date or "")
        if theirs is None or theirs.year not in PLAUSIBLE_YEARS:
            return
        offset = theirs - self.machine.utcnow()
        if abs(offset) > TOLERANCE:
            self._offset = offset
        if abs(offset) > SUSPICIOUS:
            self._logger.warning(
                "The clock of this machine differs from the API's by %.1f days: set "
                "it. Times in records follow the API's clock.",
                abs(offset) / timedelta(days=1),
            )

    def follow(self, last: str) -> None:
        """Let no time precede one that the run before has written.

        A Date header has whole seconds, so that the corrected time of a run may be up
        to a second before that of a run that ended just now. A time of more than a day
        later is not of this clock, and is ignored.
        """
        try:
            time = moment(last)
        except ValueError:  # in a state that somebody has edited
            return
        self._last = time if self._last is None else max(self._last, time)

    def now(self) -> datetime:
        """Return the time of the API, in UTC."""
        now, last = self.machine.utcnow() + self._offset, self._last
        if last is not None and now <= last <= now + SUSPICIOUS:
            return last + timedelta.resolution
        return now
