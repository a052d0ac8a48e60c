"""Deletions that a run has found, and whether their tombstones may be written.

With a key of another workspace, or an endpoint that fails, candidates look deleted that
are alive. So a deletion waits until the endpoint was found to work after its 404: then
it is *proved*. It is emitted unless most of the known candidates are deleted, or may
be. `confirm_mass_deletion` switches both off.
"""

from __future__ import annotations

import typing as t

from tap_toggl_hire.errors import TapError
from tap_toggl_hire.sync import plan

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_toggl_hire.sync.proofs import Endpoint
    from tap_toggl_hire.sync.tasks import Decision


class Deletions:
    """The deletions that one run has found."""

    def __init__(self, endpoint: Endpoint, known: int, *, confirmed: bool) -> None:
        """Begin a run.

        Args:
            endpoint: Whether details can be read at all.
            known: Candidates that were known before the run, the deleted ones apart.
            confirmed: Whether any number of candidates may be deleted.
        """
        self.known = known
        self.waiting: list[Decision] = []  # for the proof
        self.proved: list[Decision] = []  # and not released yet
        self.count = 0  # proved by this run, those that were released too
        self.unasked = 0
        """Missing candidates that were not asked for, while these may be gone, too."""
        self.failure: TapError | None = None  # too many are deleted
        self._endpoint = endpoint
        self._confirmed = confirmed

    def proved_before(self, decisions: Iterable[Decision]) -> None:
        """Add deletions that an earlier run has proved, and counted."""
        self.proved += decisions

    def add(self, decision: Decision) -> None:
        """Let a deletion wait for its proof."""
        self.waiting.append(decision)
        if self._confirmed:
            self.prove()

    def prove(self) -> None:
        """Ask whether the endpoint works, after the 404s of the deletions that wait."""
        if not self.waiting:
            return
        count = self.count + len(self.waiting)
        if self._would_be_most(count):
            self._fail(TapError(MASS_DELETION.format(gone=count, known=self.known)))
        elif self._confirmed or self._endpoint_works():
            self.count = count
            self.proved += self.waiting
            self.waiting = []

    def release(self) -> list[Decision]:
        """Return the deletions whose tombstones may be written now."""
        if self.failure or self._would_be_most(self.count + self.unasked):
            return []
        released, self.proved = self.proved, []
        return released

    # Where most of the known candidates are missing

    def suspect(self, missing: int) -> None:
        """Withhold deletions as long as most of the known may be among the missing."""
        self.unasked = missing

    def asked(self) -> None:
        """Note that one of the missing candidates was asked for."""
        self.unasked = max(self.unasked - 1, 0)

    def judge(self, alive: int) -> None:
        """Judge the missing candidates by a sample of them.

        Args:
            alive: Those of `SAMPLE` candidates that exist.
        """
        missing = plan.SAMPLE + self.unasked
        if self.count == plan.SAMPLE and not self._confirmed:
            counts = self.count, missing, self.known
            self._fail(TapError(SAMPLE_DELETED.format(*counts)))
        elif 2 * alive > plan.SAMPLE:
            self.unasked = 0

    def _fail(self, error: TapError) -> None:
        if self.failure is None:
            self.failure = error

    def _endpoint_works(self) -> bool:
        return not self._endpoint.is_dead and self._endpoint.works()

    def _would_be_most(self, count: int) -> bool:
        return not self._confirmed and plan.is_most(count, self.known)


MASS_DELETION = (
    "{gone:,} of {known:,} known candidates are not found. This looks like a mistake, "
    "such as the API key of another workspace. No further deletions were emitted. If "
    "they were deleted, set confirm_mass_deletion to true for one run."
)
SAMPLE_DELETED = (
    "{:,} of {:,} missing candidates were checked and none of them is found, out of "
    "{:,} known ones. This looks like a mistake, such as the API key of another "
    "workspace. No deletions were emitted. If they were deleted, set "
    "confirm_mass_deletion to true for one run."
)
