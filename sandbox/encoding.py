"""Candidates as JSON, kept until they change: what makes the server quick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.messages import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.account import Account
    from sandbox.shapes import Distortion

    Kept = dict[str, tuple[int, Distortion, bytes]]


class Encoder:
    """Encodes the candidates of an account, each once."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._rows: Kept = {}
        self._details: Kept = {}

    def row(self, candidate_id: str, distortion: Distortion) -> bytes:
        """One candidate as the list shows it. Raises KeyError where there is none."""
        return self._kept(self._rows, candidate_id, distortion, self._account.row)

    def detail(self, candidate_id: str, distortion: Distortion) -> bytes:
        """One candidate's details. Raises KeyError where they are a 404."""
        return self._kept(self._details, candidate_id, distortion, self._account.detail)

    def _kept(
        self,
        kept: Kept,
        candidate_id: str,
        distortion: Distortion,
        read: Callable[[str], dict[str, Any]],
    ) -> bytes:
        revision = self._account.revision(candidate_id)
        known = kept.get(candidate_id)
        if known and known[0] == revision and known[1] == distortion:
            return known[2]
        value = distortion.apply(read(candidate_id), f"candidates/{candidate_id}")
        kept[candidate_id] = revision, distortion, encode(value)
        return kept[candidate_id][2]
