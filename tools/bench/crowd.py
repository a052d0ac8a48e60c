"""Any number of candidates, each invented on request.

An `Account` holds every candidate, about 20 KiB each. With a million of them, the
benchmark would measure the sandbox's memory; a crowd holds none.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, overload

from sandbox import Account
from sandbox.candidate import Fields, Key
from sandbox.invented import EPOCH

if TYPE_CHECKING:
    from sandbox.filters import Filters

OPENINGS = 12
TAGS = 20
TAG_STRIDE = 67
"""Of this many consecutive candidates, the first `TAGS` have one tag each: 30 %."""
SECONDS = 10
"""Seconds between the starts of two candidates."""
FIRST_ID, STEP, MODULUS = 10_000, 61_803_399, 99_999_989
"""IDs are `FIRST_ID + place * STEP % MODULUS`, a prime: unique and unordered."""
_STEP_BACK = pow(STEP, -1, MODULUS)


class Crowd(Account):
    """A workspace of many candidates with one question each, which never changes.

    Args:
        size: Number of candidates.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size
        self._opening_ids = [self.add_opening() for _ in range(OPENINGS)]
        for opening_id in self._opening_ids:
            self.add_category(opening_id)
        self._tag_ids = [self.add_tag() for _ in range(TAGS)]

    def find(self, filters: Filters) -> Sequence[Key]:
        """Return the keys of all candidates, or of those with one tag."""
        for tag_id in filters.tag_ids:
            if tag_id not in self._tag_ids:
                return Keys(range(0))
            return Keys(range(self._tag_ids.index(tag_id), self._size, TAG_STRIDE))
        return Keys(range(self._size))

    def place(self, candidate_id: str) -> Key | None:
        """Return the key of a candidate; None if it does not exist."""
        try:
            return _key(self._place(candidate_id))
        except KeyError:
            return None

    def revision(self, candidate_id: str) -> int:  # noqa: ARG002
        """Return 0: candidates never change."""
        return 0

    def row(self, candidate_id: str) -> Fields:
        """Return a candidate as in `/candidates`."""
        place = self._place(candidate_id)
        started = EPOCH + timedelta(seconds=place * SECONDS)
        points = place % 4
        return {
            "id": candidate_id,
            "name": f"Nemo Number {place}",
            "email": f"login.{candidate_id}@example.com",
            "profile_url": f"https://github.example.com/p{candidate_id}",
            "contact_info": {
                "full_name": f"Nemo Number {place}",
                "contact_email": f"person.{candidate_id}@example.com",
                "linkedin": f"https://linkedin.example.com/in/person-{candidate_id}",
                "phone": f"+000 555 {place % 10_000:04d}",
                "city": "Exampleville",
                "country": "Gibraltar",
            },
            "started_at": started.isoformat(),
            "finished_at": (started + timedelta(minutes=9)).isoformat(),
            "points": points,
            "score": 25 * points,
            "rating": place % 3,
            "hire_state": ("", "possible-hire", "rejected")[place % 3],
            "category_id": None,
            "job_opening_id": self._opening_ids[place % OPENINGS],
        }

    def detail(self, candidate_id: str) -> Fields:
        """Return a candidate as in `/candidates/{id}`."""
        row = self.row(candidate_id)
        place = self._place(candidate_id)
        tag = place % TAG_STRIDE
        number = 400 + place % 50
        options: list[dict[str, Any]] = [
            {"id": str(10 * number + one), "content": text, "correct": one == 0}
            for one, text in enumerate(("This one", "That one", "None of them"))
        ]
        question = {
            "id": number,
            "question_type": "single-choice",
            "skill": "SQL",
            "content": "Which one describes you better?",
            "points": 4,
            "options": options,
        }
        answer = {
            "question_id": str(number),
            "text_answer": None,
            "points": row["points"],
            "chosen_option_ids": [options[place % 3]["id"]],
        }
        return row | {
            "tag_ids": [self._tag_ids[tag]] if tag < TAGS else [],
            "questions": [question],
            "answers": [answer],
        }

    def _place(self, candidate_id: str) -> int:
        """Return the position in the list; raise KeyError if there is no candidate."""
        if candidate_id.isdecimal():
            place = (int(candidate_id) - FIRST_ID) * _STEP_BACK % MODULUS
            if place < self._size and _key(place).id == candidate_id:
                return place
        raise KeyError(candidate_id)


class Keys(Sequence[Key]):
    """The keys of the candidates at some positions, in order."""

    def __init__(self, places: range) -> None:
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, at: int) -> Key: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Key]: ...
    def __getitem__(self, at: int | slice) -> Key | Sequence[Key]:
        if isinstance(at, slice):
            return [_key(place) for place in self._places[at]]
        return _key(self._places[at])


def _key(place: int) -> Key:
    started = EPOCH + timedelta(seconds=place * SECONDS)
    return Key(started, 0, str(FIRST_ID + place * STEP % MODULUS))
