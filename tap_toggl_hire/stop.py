"""Why and when a run is to end before it has read everything.

A signal, the time limit and a failure after which nothing more can be read (a quota, a
key that is revoked, a loop) are the same stop: no further request is sent (except the
question that deletions need), requests in flight may still be answered for a while, and
what was read is emitted. They differ in how long that while is: 0 seconds after a
signal, else 5. Once that is done, a signal and a failure fail the run.
"""

from __future__ import annotations

import math
import typing as t

from tap_toggl_hire.errors import StoppedError

if t.TYPE_CHECKING:
    from tap_toggl_hire.clock import Machine
    from tap_toggl_hire.errors import TapError

GRACE = 5.0
"""Seconds that requests in flight may take after the time limit or a failure."""
HASTE = 3.0
"""Seconds after a signal for which the run goes on to emit what it has read."""


class Stop:
    """A flag that a signal, the time limit or a failure sets; the run looks at it.

    The tap makes it first of all, so that the time limit counts from there. An
    exception in a signal handler could come in the middle of a line of output.
    """

    def __init__(self, machine: Machine) -> None:
        self.signum: int | None = None  # the signal, once it came
        self.failure: TapError | None = None  # the first that ends the reading
        self._signalled = 0.0
        self._now = machine.monotonic
        self._started = self._now()
        self._limit = math.inf

    def limit(self, minutes: float) -> None:
        """Set the time limit, counted from when this was made."""
        self._limit = self._started + 60 * minutes

    def signal(self, signum: int) -> None:
        """Ask the run to stop, from a signal handler."""
        self._signalled = self._now()
        self.signum = signum

    def fail(self, error: TapError) -> None:
        """End the reading because of a failure, as if the time limit were reached.

        A StoppedError is this stop itself, which has been raised somewhere.
        """
        if self.failure is None and not isinstance(error, StoppedError):
            self.failure = error
            self._limit = min(self._limit, self._now())

    @property
    def is_due(self) -> bool:
        """Whether the run has to stop."""
        return self.signum is not None or self._now() >= self._limit

    @property
    def patience(self) -> float:
        """Seconds for which requests in flight are still awaited; infinite at first."""
        if self.signum is not None:
            return 0.0
        return max(self._limit + GRACE - self._now(), 0.0)

    @property
    def is_urgent(self) -> bool:
        """Whether a signal came so long ago that nothing more is emitted."""
        return self.signum is not None and self._now() >= self._signalled + HASTE

    def check(self) -> None:
        """Raise StoppedError if the run has to stop."""
        if self.is_due:
            raise self.error()

    def error(self) -> StoppedError:
        """Return what leaves the work that is stopped; `failure` is raised at the end.

        It is never the failure itself, which may be about one candidate.
        """
        return StoppedError(self.signum)
