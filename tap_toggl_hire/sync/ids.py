"""The candidates of a run, by ID.

There may be a million of them. A dict gives each ID a position, so that whatever is
known of candidates (what the target holds, their tags) can be an array.
"""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LISTED, _REQUESTED = 1, 2


class Ids:
    """IDs with their positions, and what this run has seen of each candidate."""

    def __init__(self, ids: Iterable[str] = ()) -> None:
        self._positions = {
            candidate_id: place for place, candidate_id in enumerate(ids)
        }
        self._flags = bytearray(len(self._positions))

    def __len__(self) -> int:
        return len(self._positions)

    def __iter__(self) -> Iterator[str]:
        return iter(self._positions)

    def find(self, candidate_id: str) -> int | None:
        """Return the position of a candidate; None if it has none."""
        return self._positions.get(candidate_id)

    def position(self, candidate_id: str) -> int:
        """Return the position of a candidate, a new one if it has none."""
        position = self._positions.setdefault(candidate_id, len(self._positions))
        if position == len(self._flags):
            self._flags.append(0)
        return position

    # What this run has seen

    def see(self, candidate_id: str) -> bool:
        """Mark a candidate as listed; return whether it was not yet."""
        position = self.position(candidate_id)
        is_new = not self._flags[position] & _LISTED
        self._flags[position] |= _LISTED
        return is_new

    def is_listed(self, candidate_id: str) -> bool:
        """Return whether this run's lists showed a candidate."""
        return bool(self._flag(candidate_id) & _LISTED)

    def mark_requested(self, candidate_id: str) -> None:
        """Mark a candidate whose details were requested, whatever the API answered."""
        self._flags[self.position(candidate_id)] |= _REQUESTED

    def is_requested(self, candidate_id: str) -> bool:
        """Return whether a request for the details of a candidate has ended."""
        return bool(self._flag(candidate_id) & _REQUESTED)

    def _flag(self, candidate_id: str) -> int:
        position = self._positions.get(candidate_id)
        return 0 if position is None else self._flags[position]
