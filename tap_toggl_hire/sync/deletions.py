"""Deletions that a run has proved, and whether their tombstones may be written.

With a key of another workspace, or an endpoint that fails, candidates look deleted that
are alive. So the deletions of a phase wait for its end. They are emitted if they are
not most of the known candidates and the endpoint works after the last 404, or if
`confirm_mass_deletion` is set.
"""

from __future__ import annotations

import typing as t

from tap_toggl_hire.errors import TapError
from tap_toggl_hire.sync import plan

if t.TYPE_CHECKING:
    from tap_toggl_hire.sync.proofs import Endpoint
    from tap_toggl_hire.sync.tasks import Decision


class Deletions:
    """The deletions that one run has proved."""

    def __init__(self, endpoint: Endpoint, known: int, *, confirmed: bool) -> None:
        """Begin a run.

        Args:
            endpoint: Whether details can be read at all.
            known: Candidates that were known before the run, the deleted ones apart.
            confirmed: Whether any number of candidates may be deleted.
        """
        self.known = known
        self.waiting: list[Decision] = []  # for the end of the phase
        self._proved = 0
        self._endpoint = endpoint
        self._confirmed = confirmed

    def add(self, decision: Decision) -> None:
        """Let a deletion wait for the end of the phase."""
        self.waiting.append(decision)
        self._proved += 1

    def check(self) -> None:
        """Raise TapError if too many candidates are deleted: none of them is then."""
        if self._would_be_most(self._proved):
            message = MASS_DELETION.format(gone=self._proved, known=self.known)
            raise TapError(message)

    def release(self, unanswered: int) -> list[Decision]:
        """Return the deletions of a phase, if they may be emitted.

        Args:
            unanswered: Missing candidates that a stopped phase did not ask for. It is
                not known how many of them are gone, too.
        """
        if not self.waiting or self._would_be_most(self._proved + unanswered):
            return []
        if not self._confirmed and not self._endpoint_works():
            return []
        released, self.waiting = self.waiting, []
        return released

    def _endpoint_works(self) -> bool:
        return not self._endpoint.is_dead and self._endpoint.works()

    def _would_be_most(self, count: int) -> bool:
        return not self._confirmed and plan.is_most(count, self.known)


MASS_DELETION = (
    "{gone:,} of {known:,} known candidates are not found. This looks like a mistake, "
    "such as the API key of another workspace. No deletions were emitted. If they were "
    "deleted, set confirm_mass_deletion to true for one run."
)
