"""A Toggl Hire workspace in memory, and all changes to its candidates."""

from __future__ import annotations

import itertools
from typing import Any

from sandbox import invented
from sandbox.candidate import Fields, sum_up, tidy
from sandbox.roster import Roster


class Account(Roster):
    """A workspace whose openings, categories, tags and candidates may change."""

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
        *,
        text_ids: bool = False,
    ) -> Account:
        """Invent an account; equal arguments give equal accounts.

        Args:
            candidates: how many have submitted.
            openings: how many job openings, each with three categories.
            tags: how many tags.
            questions: how many a candidate is shown.
            seed: of everything that is random.
            in_progress: how many more have started and not submitted.
            tagged: the share of candidates that have a tag or more, 0 to 1.
            text_ids: ids have letters, those of questions too.
        """
        account = cls(seed, text_ids=text_ids)
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

    # What happens to candidates

    def grade(self, candidate_id: str, position: int, points: float) -> None:
        """Give points to the answer to the question at `position` (from 0).

        The candidate's points and score follow. Raises KeyError without an answer.
        """
        with self._changing(candidate_id) as candidate:
            question = candidate.fields["questions"][position]
            candidate.answer_to(str(question["id"]))["points"] = tidy(points)
            sum_up(candidate.fields)

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
                    giver["points"] = tidy(giver["points"] - moved)
                    taker["points"] = tidy(taker["points"] + moved)
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
        """Remove a tag."""
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
        """Remove questions and answers from the end, or add unanswered questions."""
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
            sum_up(fields)

    # What the API may show of them

    def hold_details(self, candidate_id: str) -> None:
        """Freeze the details until `release_details`; the list stays current.

        An API does so if a replica that lags behind serves the details.
        """
        with self._changing(candidate_id) as candidate:
            candidate.held = candidate.detail()

    def release_details(self, candidate_id: str) -> None:
        """Unfreeze the details: they show the current candidate again."""
        with self._changing(candidate_id) as candidate:
            candidate.held = None

    def show(
        self,
        candidate_id: str,
        *,
        in_list: Fields | None = None,
        in_details: Fields | None = None,
    ) -> None:
        """Override fields in the list or in the details, permanently."""
        with self._changing(candidate_id) as candidate:
            candidate.in_list |= in_list or {}
            candidate.in_details |= in_details or {}

    # What happens to the workspace has an effect on candidates

    def delete_category(self, category_id: str) -> None:
        """Delete a category; its candidates then have none."""
        with self.lock:
            super().delete_category(category_id)
            for candidate_id, candidate in self._candidates.items():
                if candidate.fields.get("category_id") == category_id:
                    self.move(candidate_id, None)

    def delete_tag(self, tag_id: str) -> None:
        """Delete a tag, and remove it from every candidate."""
        with self.lock:
            super().delete_tag(tag_id)
            for candidate_id, candidate in self._candidates.items():
                if tag_id in candidate.fields["tag_ids"]:
                    self.untag(candidate_id, tag_id)
