"""Candidates as the API shows them, and what they are compared on."""

from __future__ import annotations

import logging
import typing as t
from dataclasses import dataclass, field
from functools import cache

from tap_toggl_hire.privacy import RedactedRecords
from tap_toggl_hire.records import FieldLog
from tap_toggl_hire.settings import Settings
from tap_toggl_hire.streams import SCHEMAS
from tap_toggl_hire.sync import plan
from tap_toggl_hire.sync.observer import Observer
from tap_toggl_hire.sync.plan import (
    CANDIDATE_STREAMS,
    CANDIDATES,
    DETAILS,
    NEW,
    Known,
    Selection,
)

Json = dict[str, t.Any]

ONLY_IN_DETAILS = ("tag_ids", "questions", "answers")


def details_of(candidate_id: str = "1", **fields: t.Any) -> Json:
    """Return a candidate as `/candidates/{id}` shows it."""
    return {
        "id": candidate_id,
        "name": f"Candidate {candidate_id}",
        "email": f"candidate{candidate_id}@example.com",
        "profile_url": "",
        "contact_info": None,
        "started_at": "2026-01-05T09:00:00+00:00",
        "finished_at": "2026-01-05T09:30:00+00:00",
        "points": 3,
        "score": 75,
        "rating": 0,
        "hire_state": "",
        "category_id": "200",
        "job_opening_id": "100",
        "tag_ids": [],
        "questions": [question("500"), question("501")],
        "answers": [
            {
                "question_id": "500",
                "text_answer": "An answer",
                "points": 3,
                "chosen_option_ids": None,
            }
        ],
        **fields,
    }


def question(question_id: str) -> Json:
    """Return a question as details show it."""
    return {
        "id": question_id,
        "question_type": "free_text",
        "skill": None,
        "content": "A question",
        "points": 2,
        "options": None,
    }


def row_of(details: Json) -> Json:
    """Return the list row of a candidate."""
    return {
        name: value for name, value in details.items() if name not in ONLY_IN_DETAILS
    }


def redacted(stream: str, **config: t.Any) -> RedactedRecords:
    """Return what makes records of a stream, under some settings."""
    report = FieldLog(logging.getLogger(__name__)).of(stream)
    settings = Settings.parse({"pii": "keep", "pii_tags": "keep", **config})
    return RedactedRecords(SCHEMAS.get_schema(stream), report, settings)


@cache
def observer(*, compares_extra: bool = True, **config: t.Any) -> Observer:
    """Return an observer with the schemas of the tap, under some settings."""
    rows, details = redacted(CANDIDATES, **config), redacted(DETAILS, **config)
    return Observer(rows, details, compares_extra=compares_extra)


def emitted(details: Json, tags: tuple[str, ...] = ()) -> Known:
    """Return what is known of a candidate that was emitted to every stream."""
    row = observer().row(details["id"], row_of(details))
    record = observer().details.of(details)
    read = observer().read(record, is_torn=False, contradicts_tags=False)
    selection = Selection(frozenset(CANDIDATE_STREAMS))
    listed = observer().listed(row, tags)
    after = plan.plan_listed(NEW, listed, read, selection).after
    assert after is not None
    return after


@dataclass
class KnownTags:
    """The tags of candidates, without an API: a stand-in for `TagLists`."""

    members: dict[str, tuple[str, ...]] = field(default_factory=dict)
    are_unknown: bool = False
    version: int = 0

    def of(self, candidate_id: str) -> tuple[str, ...] | None:
        return None if self.are_unknown else self.members.get(candidate_id, ())

    def in_details(self, details: Json) -> tuple[str, ...] | None:
        tag_ids = details["tag_ids"]
        return None if tag_ids is None else tuple(sorted(tag_ids))

    def known_in_details(self, details: Json) -> tuple[str, ...] | None:
        return self.in_details(details)

    def contradict(self, candidate_id: str, details: Json) -> bool:
        named = self.in_details(details)
        return not self.are_unknown and named not in {None, self.of(candidate_id)}
