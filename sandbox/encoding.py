"""Candidates as JSON, cached until they change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.messages import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.distortion import Distortion
    from sandbox.roster import Roster

    Kept = dict[str, tuple[int, Distortion, bytes]]


KEPT = 20_000
"""Maximum number of rows, and of details, in the cache."""


class Encoder:
    """Encode the candidates of an account, each once while the cache has room."""

    def __init__(self, account: Roster) -> None:
        self._account = account
        self._rows: Kept = {}
        self._details: Kept = {}

    def row(self, candidate_id: str, distortion: Distortion) -> bytes:
        """Return one candidate as the list shows it. Raises KeyError if unknown."""
        read = self._account.row
        return self._encoded(self._rows, "rows", candidate_id, distortion, read)

    def detail(self, candidate_id: str, distortion: Distortion) -> bytes:
        """Return one candidate's details. Raises KeyError where they are a 404."""
        read = self._account.detail
        return self._encoded(self._details, "details", candidate_id, distortion, read)

    def _encoded(
        self,
        kept: Kept,
        level: str,
        candidate_id: str,
        distortion: Distortion,
        read: Callable[[str], dict[str, Any]],
    ) -> bytes:
        revision = self._account.revision(candidate_id)
        known = kept.get(candidate_id)
        if known and known[0] == revision and known[1] == distortion:
            return known[2]
        path = f"candidates/{candidate_id}"
        encoded = encode(distortion.apply(read(candidate_id), path, level))
        if distortion.is_steady and (known or len(kept) < KEPT):
            kept[candidate_id] = revision, distortion, encoded
        return encoded
