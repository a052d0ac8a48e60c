"""The candidates of a workspace, in the order of the API's list."""

from __future__ import annotations

from bisect import bisect_left, insort
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zlib import crc32

from sandbox import invented
from sandbox.candidate import Candidate, Fields, Key, copied, instant, sum_up
from sandbox.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox.filters import Filters


class Roster(Workspace):
    """A workspace with candidates, who arrive and are deleted.

    Every method takes and returns ids (strings) and holds `lock`, so that a test may
    change the account while the server reads it. An unknown ID raises
    `KeyError`.
    """

    def __init__(self, seed: int = 0, *, text_ids: bool = False) -> None:
        super().__init__(seed, text_ids=text_ids)
        self._candidates: dict[str, Candidate] = {}
        self._order: list[Key] = []  # of the listed ones
        self._found: dict[Filters, tuple[int, list[Key]]] = {}
        self._shown = 8  # how many of an opening's questions a candidate is shown
        self._latest = invented.EPOCH

    def list_rows(self) -> list[Fields]:
        """Return every listed candidate as `/candidates` shows it, in order."""
        with self.lock:
            return [self.row(key.id) for key in self._order]

    def row(self, candidate_id: str) -> Fields:
        """Return one candidate as `/candidates` shows it, listed or not."""
        with self.lock:
            return self._candidates[candidate_id].row()

    def detail(self, candidate_id: str) -> Fields:
        """Return one candidate as `/candidates/{id}` shows it.

        Raises:
            KeyError: if there is none, or it has not submitted: a 404.
        """
        with self.lock:
            candidate = self._candidates[candidate_id]
            if not candidate.submitted:
                raise KeyError(candidate_id)
            return candidate.detail()

    def listed_ids(self) -> list[str]:
        """Return the IDs of the listed candidates, in the list's order."""
        with self.lock:
            return [key.id for key in self._order]

    def in_progress_ids(self) -> list[str]:
        """Return the IDs of candidates who have started but not submitted."""
        with self.lock:
            return [
                key
                for key, candidate in self._candidates.items()
                if not candidate.submitted
            ]

    def archived_ids(self) -> list[str]:
        """Return the IDs of candidates who are archived and no longer listed."""
        with self.lock:
            return [
                key for key, candidate in self._candidates.items() if candidate.archived
            ]

    def locked_ids(self) -> list[str]:
        """Return the IDs of the listed candidates who are locked."""
        with self.lock:
            listed = (self._candidates[key.id] for key in self._order)
            return [
                candidate.key.id for candidate in listed if candidate.lock == "locked"
            ]

    def find(self, filters: Filters) -> Sequence[Key]:
        """Return the places of the listed candidates that match, in order; read-only.

        Cached until the account changes, so that a page costs little.
        """
        with self.lock:
            tests = filters.tests()
            if not tests:
                return self._order
            version, keys = self._found.get(filters, (-1, []))
            if version != self.version:
                keys = [
                    key
                    for key in self._order
                    if all(t(self._candidates[key.id].fields) for t in tests)
                ]
                self._found[filters] = self.version, keys
            return keys

    def place(self, candidate_id: str) -> Key | None:
        """Return a candidate's place in the list, shown or not; None if unknown."""
        with self.lock:
            candidate = self._candidates.get(candidate_id)
            return None if candidate is None else candidate.key

    def revision(self, candidate_id: str) -> int:
        """Return the account's version when the candidate last changed."""
        with self.lock:
            return self._candidates[candidate_id].revision

    # Candidates come and go

    def add_candidate(
        self,
        opening_id: str | None = None,
        started_at: str | None = None,
        *,
        submitted: bool = True,
        locked: bool = False,
        **fields: Any,
    ) -> str:
        """Add an invented candidate.

        Args:
            opening_id: any opening by default; a new one where there is none.
            started_at: as the API writes it; by default after all others.
            submitted: False for a candidate who is still at the test.
            locked: contact details and text answers hide until `unlock`.
            fields: of the details, in place of invented ones.
        """
        rng = self._rng
        with self.lock:
            if opening_id is None:
                known = list(self._openings) or [self.add_opening()]
                opening_id = rng.choice(known)
            if started_at is None:
                later = self._latest + timedelta(seconds=rng.uniform(1, 3600))
                started_at = invented.stamp(rng, later)
            started = instant(started_at)
            self._latest = max(self._latest, started)
            candidate_id = fields.get("id") or self._new_id()
            steps = self._category_ids(opening_id)
            asked = self._questions_for(opening_id, self._shown)
            answers = invented.answers(rng, asked)
            given = {
                "id": candidate_id,
                **invented.person(rng, candidate_id),
                "started_at": started_at,
                "finished_at": invented.finish(rng, started) if submitted else None,
                "points": 0,
                "score": 0,
                "rating": 0,
                "hire_state": "",
                "category_id": rng.choice([None, *steps]),
                "job_opening_id": opening_id,
                "tag_ids": [],
                "questions": asked,
                "answers": answers,
            }
            given |= copied(fields)
            sum_up(given)
            given |= {k: v for k, v in fields.items() if k in ("points", "score")}
            key = Key(started, crc32(candidate_id.encode()), candidate_id)
            candidate = Candidate(given, key, submitted)
            candidate.lock = "locked" if locked else "never"
            self._candidates[candidate_id] = candidate
            self._changed(candidate)
            if candidate.listed:
                insort(self._order, key)
            return candidate_id

    def submit(self, candidate_id: str) -> None:
        """Submit the test: the candidate appears in the list, by its start."""
        with self._changing(candidate_id) as candidate:
            candidate.submitted = True
            candidate.fields["finished_at"] = invented.finish(
                self._rng, candidate.key.started
            )

    def archive(self, candidate_id: str, *, listed: bool = False) -> None:
        """Archive a candidate; its details are still served.

        The API does not document whether the list still shows it: `listed` decides.
        """
        with self._changing(candidate_id) as candidate:
            candidate.archived = not listed

    def delete(self, candidate_id: str) -> None:
        """Delete permanently: no longer listed, and the details answer 404."""
        with self.lock:
            with self._changing(candidate_id) as candidate:
                candidate.submitted = False  # which takes it out of the list
            del self._candidates[candidate_id]

    # For what happens to candidates

    @contextmanager
    def _changing(self, candidate_id: str) -> Iterator[Candidate]:
        """Change a candidate; keep the list in order and count the version."""
        with self.lock:
            candidate = self._candidates[candidate_id]
            before = candidate.key if candidate.listed else None
            yield candidate
            started = instant(candidate.fields.get("started_at"))
            candidate.key = candidate.key._replace(started=started)
            after = candidate.key if candidate.listed else None
            if before != after:
                if before is not None:
                    del self._order[bisect_left(self._order, before)]
                if after is not None:
                    insort(self._order, after)
            self._changed(candidate)

    def _changed(self, candidate: Candidate) -> None:
        self.version += 1
        candidate.revision = self.version
