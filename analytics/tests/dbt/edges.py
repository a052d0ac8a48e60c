"""A workspace of cases that no generated world has, and what the models make of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

Row = dict[str, Any]

HISTORY = [
    # candidate, day of March, event, category, hire state
    ("steady", 2, "created", "a", None),
    ("steady", 5, "updated", "b", None),
    ("undone", 2, "created", "a", None),
    ("undone", 3, "updated", "a", "rejected"),
    ("undone", 6, "updated", "a", None),
    ("undone", 8, "updated", "b", None),
    ("returns", 2, "created", "a", None),
    ("returns", 3, "deleted", None, None),
    ("returns", 5, "created", "a", None),
    ("orphan", 2, "created", "b", None),
    ("orphan", 4, "updated", None, None),
    ("homeless", 2, "created", None, None),
    ("homeless", 4, "updated", "a", None),
    ("forgotten", 2, "created", "a", None),
    ("forgotten", 4, "updated", "b", None),
    ("forgotten", 6, "deleted", None, None),
    ("late", 9, "created", "b", None),
]
STAGES = {
    ("steady", 1): ("a", 2, 5, "moved on"),
    ("steady", 2): ("b", 5, None, None),
    ("undone", 1): ("a", 2, 8, "moved on"),
    ("undone", 2): ("b", 8, None, None),
    ("returns", 1): ("a", 2, 3, None),
    ("returns", 2): ("a", 5, None, None),
    ("orphan", 1): ("b", 2, 4, None),
    ("orphan", 2): (None, 4, None, None),
    ("homeless", 1): (None, 2, 4, None),
    ("homeless", 2): ("a", 4, None, None),
    ("late", 1): ("b", 9, None, None),
}
DECISIONS = {
    "steady": ("decided", 5),
    "undone": ("decided", 3),
    "returns": ("waiting", None),
    "orphan": ("decided before", None),  # the entry is a
    "homeless": ("decided", 4),  # a category after none is a move
    "late": ("decided before", None),
}
WAITING_SINCE = {
    "steady": 5,
    "undone": 8,
    "returns": 2,
    "orphan": 2,  # a move to no category is none
    "homeless": 4,
    "late": 9,
}


def tables() -> dict[str, list[Row]]:
    """Rows by table: a history alone, with runs of which the last failed."""
    return {
        "categories": [
            {"id": "a", "name": "Applied", "job_opening_id": "1"},
            {"id": "b", "name": "Interview", "job_opening_id": "1"},
            {
                "id": "c",
                "name": "Deleted, never used",
                "job_opening_id": "1",
                "_sdc_deleted_at": march(3),
            },
        ],
        "candidate_history": [
            {
                "event_id": str(number),
                "candidate_id": candidate,
                "observed_at": march(day),
                "event": event,
                "job_opening_id": None if event == "deleted" else "1",
                "category_id": category,
                "hire_state": hire_state,
            }
            for number, (candidate, day, event, category, hire_state) in enumerate(
                HISTORY
            )
        ],
        "sync_runs": [
            {
                "started_at": march(day),
                "finished_at": march(day, hour=7),
                "outcome": "failed" if day == 12 else "complete",
            }
            for day in (2, 3, 10, 12)
        ],
    }


def march(day: int, hour: int = 6) -> datetime:
    """A time in March 2026."""
    return datetime(2026, 3, day, hour)  # noqa: DTZ001 - UTC, as in a warehouse
