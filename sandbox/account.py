"""A Toggl Hire workspace in memory: its data and everything that can happen to it."""

from __future__ import annotations

import itertools
import random
import threading
from bisect import bisect_left, insort
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from zlib import crc32

from sandbox import changes, invented

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sandbox.filters import Filters

Fields = dict[str, Any]

ROW_FIELDS = (
    *("id", "name", "email", "profile_url", "contact_info", "started_at"),
    *("finished_at", "points", "score", "rating", "hire_state", "category_id"),
    "job_opening_id",
)
"""The fields of a candidate in the list; the details have more."""


class Key(NamedTuple):
    """A candidate's place in the list: by start, ties in an order of no meaning."""

    started: datetime
    tie: int
    id: str


@dataclass
class Candidate:
    """A candidate with all that the API knows, shown or not."""

    fields: Fields
    key: Key
    submitted: bool
    archived: bool = False
    lock: Literal["never", "locked", "unlocked"] = "never"
    revision: int = 0
    """The account's version at the last change."""

    @property
    def listed(self) -> bool:
        """Whether the list of candidates shows it."""
        return self.submitted and not self.archived


class Account:
    """Openings, categories, tags and candidates, in the shapes the API gives them.

    Every method takes and returns ids (strings) and holds `lock`, so that a test may
    change the account while the server reads it. An id that is not there is a
    `KeyError`.

    Attributes:
        lock: held by every method; hold it to do several things at once.
        version: grows with every change.
    """

    def __init__(self, seed: int = 0) -> None:
        """Make an empty account. `seed` decides what is made up from here on."""
        self.lock = threading.RLock()
        self.version = 0
        self._rng = random.Random(seed)
        self._ids: set[str] = set()
        self._openings: dict[str, Fields] = {}
        self._categories: dict[str, Fields] = {}
        self._tags: dict[str, Fields] = {}
        self._questions: dict[str, list[Fields]] = {}  # what an opening asks
        self._shown = 8  # how many of those a candidate is shown
        self._candidates: dict[str, Candidate] = {}
        self._order: list[Key] = []  # of the listed ones
        self._latest = invented.EPOCH
        self._found: dict[Filters, tuple[int, list[Key]]] = {}

    @classmethod
    def example(  # noqa: PLR0913, PLR0917
        cls,
        candidates: int = 200,
        openings: int = 3,
        tags: int = 6,
        questions: int = 8,
        seed: int = 1,
        in_progress: int = 0,
        tagged: float = 0.4,
    ) -> Account:
        """Make up an account; the same one for the same arguments.

        Args:
            candidates: how many have submitted.
            openings: how many job openings, each with three categories.
            tags: how many tags.
            questions: how many a candidate is shown.
            seed: of everything that is random.
            in_progress: how many more have started and not submitted.
            tagged: the share of candidates that have a tag or more, 0 to 1.
        """
        account = cls(seed)
        rng = account._rng
        account._shown = questions
        for _ in range(openings):
            opening_id = account.add_opening()
            for _ in range(3):
                account.add_category(opening_id)
        tag_ids = [account.add_tag() for _ in range(tags)]
        started: list[str] = []
        for number in range(candidates + in_progress):
            tie = bool(started) and invented.chance(rng, 0.1)
            moment = invented.stamp(rng, invented.some_moment(rng, days=180))
            started.append(rng.choice(started) if tie else moment)
            some = rng.sample(tag_ids, rng.randint(1, min(3, tags))) if tags else []
            account.add_candidate(
                started_at=started[-1],
                submitted=number < candidates,
                locked=invented.chance(rng, 0.1),
                tag_ids=some if invented.chance(rng, tagged) else [],
                rating=rng.choice((0, 0, 1, 2, 3)),
                hire_state=rng.choice(("", "", "possible-hire", "rejected")),
            )
        return account

    # Reading, as the API gives it

    def list_rows(self) -> list[Fields]:
        """Every listed candidate as `/candidates` shows it, in the list's order."""
        with self.lock:
            return [self.row(key.id) for key in self._order]

    def row(self, candidate_id: str) -> Fields:
        """One candidate as `/candidates` shows it, listed or not.

        Contact details of a candidate that came locked never show in the list: the
        unlocking leaves no trace there.
        """
        with self.lock:
            candidate = self._candidates[candidate_id]
            fields = candidate.fields
            row = {name: fields[name] for name in ROW_FIELDS if name in fields}
            if candidate.lock != "never":
                row["contact_info"] = None
            return {name: _copy(value) for name, value in row.items()}

    def detail(self, candidate_id: str) -> Fields:
        """One candidate as `/candidates/{id}` shows it.

        Raises:
            KeyError: if there is none, or it has not submitted: a 404.
        """
        with self.lock:
            candidate = self._candidates[candidate_id]
            if not candidate.submitted:
                raise KeyError(candidate_id)
            detail: Fields = _copy(candidate.fields)
            if candidate.lock == "locked":
                detail["contact_info"] = None
                for answer in detail["answers"] or ():
                    answer["text_answer"] = None
            return detail

    def openings(self) -> list[Fields]:
        """The job openings as `/openings` shows them."""
        with self.lock:
            return [dict(one) for one in self._openings.values()]

    def categories(self) -> list[Fields]:
        """The categories as `/categories` shows them."""
        with self.lock:
            return [dict(one) for one in self._categories.values()]

    def tags(self) -> list[Fields]:
        """The tags as `/tags` shows them."""
        with self.lock:
            return [dict(one) for one in self._tags.values()]

    def listed_ids(self) -> list[str]:
        """The ids of the listed candidates, in the list's order."""
        with self.lock:
            return [key.id for key in self._order]

    def in_progress_ids(self) -> list[str]:
        """The ids of those that have started and not submitted."""
        with self.lock:
            return [key for key, one in self._candidates.items() if not one.submitted]

    def archived_ids(self) -> list[str]:
        """The ids of those that are archived and no longer listed."""
        with self.lock:
            return [key for key, one in self._candidates.items() if one.archived]

    def locked_ids(self) -> list[str]:
        """The ids of the listed candidates that are locked."""
        with self.lock:
            everyone = (self._candidates[key.id] for key in self._order)
            return [one.key.id for one in everyone if one.lock == "locked"]

    def find(self, filters: Filters) -> Sequence[Key]:
        """The places of the listed candidates that match, in order: do not change it.

        Kept until the account changes, so that a page costs next to nothing.
        """
        with self.lock:
            tests = filters.tests()
            if not tests:
                return self._order
            version, found = self._found.get(filters, (-1, []))
            if version != self.version:
                found = [
                    key
                    for key in self._order
                    if all(t(self._candidates[key.id].fields) for t in tests)
                ]
                self._found[filters] = self.version, found
            return found

    def place(self, candidate_id: str) -> Key | None:
        """Where a candidate stands, or would stand, in the list; None if unknown."""
        with self.lock:
            candidate = self._candidates.get(candidate_id)
            return None if candidate is None else candidate.key

    def revision(self, candidate_id: str) -> int:
        """The account's version when the candidate last changed."""
        with self.lock:
            return self._candidates[candidate_id].revision

    # What happens to candidates

    def add_candidate(
        self,
        opening_id: str | None = None,
        started_at: str | None = None,
        *,
        submitted: bool = True,
        locked: bool = False,
        **fields: Any,
    ) -> str:
        """Add a made-up candidate.

        Args:
            opening_id: any opening by default; a new one where there is none.
            started_at: as the API writes it; by default after everybody else.
            submitted: False for one that is still at the test.
            locked: contact details and text answers hide until `unlock`.
            fields: of the details, in place of what would be made up.
        """
        rng = self._rng
        with self.lock:
            if opening_id is None:
                known = list(self._openings) or [self.add_opening()]
                opening_id = rng.choice(known)
            if started_at is None:
                later = self._latest + timedelta(seconds=rng.uniform(1, 3600))
                started_at = invented.stamp(rng, later)
            started = _instant(started_at)
            self._latest = max(self._latest, started)
            candidate_id = fields.get("id") or self._new_id()
            steps = self._category_ids(opening_id)
            asked = self._questions_for(opening_id, self._shown)
            answered = [one for one in asked if invented.chance(rng, 0.85)]
            answers = [invented.answer(rng, one) for one in answered]
            rng.shuffle(answers)
            made = {
                "id": candidate_id,
                **invented.person(rng, candidate_id),
                "started_at": started_at,
                "finished_at": self._finish(started) if submitted else None,
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
            made |= _copy(fields)
            _sum_up(made)
            made |= {k: v for k, v in fields.items() if k in ("points", "score")}
            key = Key(started, crc32(candidate_id.encode()), candidate_id)
            candidate = Candidate(made, key, submitted)
            candidate.lock = "locked" if locked else "never"
            self._candidates[candidate_id] = candidate
            self._changed(candidate)
            if candidate.listed:
                insort(self._order, key)
            return candidate_id

    def submit(self, candidate_id: str) -> None:
        """Hand in the test: the candidate appears in the list, where it started."""
        with self._changing(candidate_id) as candidate:
            candidate.submitted = True
            candidate.fields["finished_at"] = self._finish(candidate.key.started)

    def grade(self, candidate_id: str, position: int, points: float) -> None:
        """Give points to the answer to the question at `position` (from 0).

        The candidate's points and score follow. Raises KeyError without an answer.
        """
        with self._changing(candidate_id) as candidate:
            question = candidate.fields["questions"][position]
            self._answer(candidate, str(question["id"]))["points"] = _tidy(points)
            _sum_up(candidate.fields)

    def regrade_equal_sum(self, candidate_id: str) -> None:
        """Move points from one answer to another; the list row does not change.

        Raises:
            ValueError: if no answer has a point that another may take.
        """
        with self._changing(candidate_id) as candidate:
            most = {str(q["id"]): q["points"] for q in candidate.fields["questions"]}
            pairs = itertools.permutations(candidate.fields["answers"], 2)
            for giver, taker in pairs:
                room = most[taker["question_id"]] - taker["points"]
                moved = min(giver["points"], room)
                if moved > 0:
                    giver["points"] = _tidy(giver["points"] - moved)
                    taker["points"] = _tidy(taker["points"] + moved)
                    return
            raise ValueError(f"candidate {candidate_id} has no points to move")

    def rate(self, candidate_id: str, stars: int) -> None:
        """Give stars, 0 to 3."""
        self.set_field(candidate_id, "rating", stars)

    def set_hire_state(self, candidate_id: str, state: str) -> None:
        """Set "possible-hire", "rejected" or ""."""
        self.set_field(candidate_id, "hire_state", state)

    def move(self, candidate_id: str, category_id: str | None) -> None:
        """Move to another step of the pipeline, or out of all."""
        self.set_field(candidate_id, "category_id", category_id)

    def tag(self, candidate_id: str, tag_id: str) -> None:
        """Add a tag, once."""
        with self._changing(candidate_id) as candidate:
            held = candidate.fields["tag_ids"]
            candidate.fields["tag_ids"] = [*(t for t in held if t != tag_id), tag_id]

    def untag(self, candidate_id: str, tag_id: str) -> None:
        """Take a tag away."""
        with self._changing(candidate_id) as candidate:
            held = candidate.fields["tag_ids"]
            candidate.fields["tag_ids"] = [t for t in held if t != tag_id]

    def set_contact_info(self, candidate_id: str, **fields: str | None) -> None:
        """Fill in contact details, such as `city`; the others stay."""
        with self._changing(candidate_id) as candidate:
            known = candidate.fields["contact_info"] or {}
            candidate.fields["contact_info"] = {**known, **fields}

    def unlock(self, candidate_id: str) -> None:
        """Show contact details and text answers, in the details alone."""
        with self._changing(candidate_id) as candidate:
            if candidate.lock == "locked":
                candidate.lock = "unlocked"

    def set_field(self, candidate_id: str, name: str, value: Any) -> None:
        """Set any field; a new `started_at` moves the candidate in the list."""
        with self._changing(candidate_id) as candidate:
            candidate.fields[name] = value

    def set_questions(self, candidate_id: str, count: int) -> None:
        """Take questions away from the end, with their answers, or add unanswered."""
        with self._changing(candidate_id) as candidate:
            fields = candidate.fields
            asked = fields["questions"][:count]
            for _ in range(count - len(asked)):
                asked.append(invented.question(self._rng, self._new_id))
            kept = {str(question["id"]) for question in asked}
            fields["questions"] = asked
            fields["answers"] = [
                answer for answer in fields["answers"] if answer["question_id"] in kept
            ]
            _sum_up(fields)

    def archive(self, candidate_id: str, *, listed: bool = False) -> None:
        """Archive: the details still answer.

        Whether the list still shows it is not documented: `listed` says.
        """
        with self._changing(candidate_id) as candidate:
            candidate.archived = not listed

    def delete(self, candidate_id: str) -> None:
        """Delete for good: out of the list, and its details are a 404."""
        with self.lock:
            with self._changing(candidate_id) as candidate:
                candidate.submitted = False  # which takes it out of the list
            del self._candidates[candidate_id]

    # What happens to the workspace

    def add_opening(self, name: str | None = None) -> str:
        """Open a job, without categories."""
        with self.lock:
            opening_id, rng = self._new_id(), self._rng
            created = invented.some_moment(rng, days=-365)
            stamps = [
                invented.stamp(rng, created + timedelta(days=days))
                for days in (0, 1, 90)
            ]
            self._openings[opening_id] = {
                "id": opening_id,
                "name": invented.opening_name(rng) if name is None else name,
                "slug": f"SANDBOX{opening_id}",
                "created_at": stamps[0],
                "published_at": rng.choice((stamps[1], stamps[1], None)),
                "closed_at": rng.choice((None, None, stamps[2])),
            }
            self._questions[opening_id] = []
            self.version += 1
            return opening_id

    def delete_opening(self, opening_id: str) -> None:
        """Delete an opening with its categories. Its candidates stay as they are."""
        with self.lock:
            del self._openings[opening_id]
            for category_id in self._category_ids(opening_id):
                del self._categories[category_id]
            self.version += 1

    def add_category(self, opening_id: str, name: str | None = None) -> str:
        """Add a step to an opening's pipeline."""
        with self.lock:
            category_id = self._new_id()
            self._categories[category_id] = {
                "id": category_id,
                "name": invented.category_name(self._rng) if name is None else name,
                "job_opening_id": opening_id,
            }
            self.version += 1
            return category_id

    def rename_category(self, category_id: str, name: str) -> None:
        """Call a category something else."""
        with self.lock:
            self._categories[category_id]["name"] = name
            self.version += 1

    def delete_category(self, category_id: str) -> None:
        """Delete a category; its candidates are in none then."""
        with self.lock:
            del self._categories[category_id]
            self.version += 1
            for candidate_id, candidate in self._candidates.items():
                if candidate.fields.get("category_id") == category_id:
                    self.move(candidate_id, None)

    def add_tag(self, name: str | None = None) -> str:
        """Make a tag that nobody has yet."""
        with self.lock:
            tag_id = self._new_id()
            made = invented.tag_name(self._rng) if name is None else name
            self._tags[tag_id] = {"id": tag_id, "name": made}
            self.version += 1
            return tag_id

    def delete_tag(self, tag_id: str) -> None:
        """Delete a tag, from every candidate too."""
        with self.lock:
            del self._tags[tag_id]
            self.version += 1
            for candidate_id, candidate in self._candidates.items():
                if tag_id in candidate.fields["tag_ids"]:
                    self.untag(candidate_id, tag_id)

    def random_change(
        self, rng: random.Random, kinds: Sequence[str] = changes.VISIBLE
    ) -> tuple[str, str]:
        """Do one of `kinds` at random, a real change in any case.

        The default are those that a list shows; `changes.HIDDEN` are those that show
        in a candidate's details alone.

        Returns:
            Its kind and the id of what it happened to.
        """
        with self.lock:
            return changes.random_change(self, rng, kinds)

    # The inside

    @contextmanager
    def _changing(self, candidate_id: str) -> Iterator[Candidate]:
        """Change a candidate: keeps the list in order and the versions counting."""
        with self.lock:
            candidate = self._candidates[candidate_id]
            before = candidate.key if candidate.listed else None
            yield candidate
            started = _instant(candidate.fields.get("started_at"))
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

    def _new_id(self) -> str:
        """A numeric id that was never used; of no order, as nothing promises one."""
        while True:
            made = str(self._rng.randrange(10_000, 100_000_000))
            if made not in self._ids:
                self._ids.add(made)
                return made

    def _category_ids(self, opening_id: str) -> list[str]:
        everyone = self._categories.values()
        return [one["id"] for one in everyone if one["job_opening_id"] == opening_id]

    def _questions_for(self, opening_id: str, count: int) -> list[Fields]:
        """Some of an opening's questions, which grow to half as many again."""
        bank = self._questions.setdefault(opening_id, [])
        while len(bank) < count + count // 2:
            bank.append(invented.question(self._rng, self._new_id))
        return self._rng.sample(bank, count)

    def _finish(self, started: datetime) -> str:
        minutes = timedelta(minutes=self._rng.uniform(5, 90))
        return invented.stamp(self._rng, started + minutes)

    @staticmethod
    def _answer(candidate: Candidate, question_id: str) -> Fields:
        for answer in candidate.fields["answers"]:
            if answer["question_id"] == question_id:
                found: Fields = answer
                return found
        raise KeyError(question_id)


def _copy(value: Any) -> Any:
    """A deep copy of a JSON value."""
    if isinstance(value, dict):
        return {name: _copy(item) for name, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _sum_up(fields: Fields) -> None:
    """Candidate's points and score, from its answers and its questions."""
    points = sum(answer["points"] or 0 for answer in fields["answers"])
    most = sum(question["points"] or 0 for question in fields["questions"])
    fields["points"] = _tidy(points)
    fields["score"] = _tidy(round(100 * points / most, 6)) if most else 0


def _tidy(points: float) -> float:
    """A whole number without a fraction, as JSON of most servers has it."""
    return int(points) if points == int(points) else points


def _instant(text: str | None) -> datetime:
    """A time of the API to sort by; null sorts first."""
    if text is None:
        return datetime.min  # noqa: DTZ901
    when = datetime.fromisoformat(text)
    return when.astimezone(UTC).replace(tzinfo=None) if when.tzinfo else when
