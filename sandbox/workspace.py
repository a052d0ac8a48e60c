"""Job openings with their questions, categories and tags."""

from __future__ import annotations

import random
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sandbox import invented

if TYPE_CHECKING:
    from sandbox.candidate import Fields


class Workspace:
    """A Toggl Hire workspace without its candidates.

    Args:
        seed: decides everything that is invented from here on.
        text_ids: IDs have letters; IDs of questions are numbers otherwise.

    Attributes:
        lock: held by every method; hold it for several changes together.
        version: incremented by every change.
    """

    def __init__(self, seed: int = 0, *, text_ids: bool = False) -> None:
        self.lock = threading.RLock()
        self.version = 0
        self._rng = random.Random(seed)
        self._text_ids = text_ids
        self._ids: set[str] = set()
        self._openings: dict[str, Fields] = {}
        self._categories: dict[str, Fields] = {}
        self._tags: dict[str, Fields] = {}
        self._questions: dict[str, list[Fields]] = {}  # what an opening asks

    # Reading, as the API gives it

    def openings(self) -> list[Fields]:
        """Return the job openings as `/openings` shows them."""
        with self.lock:
            return [dict(opening) for opening in self._openings.values()]

    def categories(self) -> list[Fields]:
        """Return the categories as `/categories` shows them."""
        with self.lock:
            return [dict(category) for category in self._categories.values()]

    def tags(self) -> list[Fields]:
        """Return the tags as `/tags` shows them."""
        with self.lock:
            return [dict(tag) for tag in self._tags.values()]

    # What happens

    def add_opening(self, name: str | None = None) -> str:
        """Add a job opening, without categories."""
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

    def change_opening(self, opening_id: str, **fields: Any) -> None:
        """Set fields of an opening, documented or not."""
        self._change(self._openings, opening_id, fields)

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

    def change_category(self, category_id: str, **fields: Any) -> None:
        """Set fields of a category, documented or not."""
        self._change(self._categories, category_id, fields)

    def rename_category(self, category_id: str, name: str) -> None:
        """Rename a category."""
        self.change_category(category_id, name=name)

    def delete_category(self, category_id: str) -> None:
        """Delete a category."""
        with self.lock:
            del self._categories[category_id]
            self.version += 1

    def add_tag(self, name: str | None = None, tag_id: str | None = None) -> str:
        """Add a tag that no candidate has yet."""
        with self.lock:
            tag_id = tag_id or self._new_id()
            given = invented.tag_name(self._rng) if name is None else name
            self._tags[tag_id] = {"id": tag_id, "name": given}
            self.version += 1
            return tag_id

    def change_tag(self, tag_id: str, **fields: Any) -> None:
        """Set fields of a tag, documented or not."""
        self._change(self._tags, tag_id, fields)

    def delete_tag(self, tag_id: str) -> None:
        """Delete a tag."""
        with self.lock:
            del self._tags[tag_id]
            self.version += 1

    # The inside

    def _change(self, items: dict[str, Fields], item_id: str, fields: Fields) -> None:
        with self.lock:
            items[item_id] |= fields
            self.version += 1

    def _new_id(self) -> str:
        """Return an unused ID; in no order, as the API promises none."""
        while True:
            number = self._rng.randrange(10_000, 100_000_000)
            new_id = f"id-{number:x}" if self._text_ids else str(number)
            if new_id not in self._ids:
                self._ids.add(new_id)
                return new_id

    def _category_ids(self, opening_id: str) -> list[str]:
        categories = self._categories.values()
        return [
            category["id"]
            for category in categories
            if category["job_opening_id"] == opening_id
        ]

    def _questions_for(self, opening_id: str, count: int) -> list[Fields]:
        """Return some of an opening's questions, adding questions to its bank."""
        bank = self._questions.setdefault(opening_id, [])
        while len(bank) < count + count // 2:
            bank.append(invented.question(self._rng, self._new_id))
        return self._rng.sample(bank, count)
