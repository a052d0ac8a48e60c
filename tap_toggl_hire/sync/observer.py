"""Turn what the API shows of a candidate into records and digests. Pure: no requests.

Personal data are redacted first, so that neither a digest nor a record has them where
the settings say so.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from tap_toggl_hire.records import EXTRA, as_text
from tap_toggl_hire.sync.change import HISTORY_FIELDS, ONLY_IN_DETAILS
from tap_toggl_hire.sync.inventory import digest
from tap_toggl_hire.sync.plan import NEVER, Details, Listed

if t.TYPE_CHECKING:
    from tap_toggl_hire.privacy import RedactedRecords
    from tap_toggl_hire.records import Record
    from tap_toggl_hire.sync.change import TagIds

Json = dict[str, t.Any]


@dataclass(frozen=True)
class Observer:
    """Turns what the API sends into records and digests."""

    rows: RedactedRecords  # makes records of `candidates`
    details: RedactedRecords  # makes records of `candidate_details`
    compares_extra: bool  # whether the unknown fields of list rows are emitted

    def row(self, candidate_id: str, data: Json) -> Record:
        """Make a record of `candidates` from a list row."""
        return {**self.rows.of(data), "id": candidate_id}

    def row_in(self, candidate_id: str, details: Record) -> Record:
        """Make a record of `candidates` from one of `candidate_details`.

        Its fields are not those of the list: they are not reported as such.
        """
        extra = json.loads(details[EXTRA] or "{}")
        rest = {name: extra[name] for name in extra.keys() - ONLY_IN_DETAILS}
        return {
            **self.row_part(details),
            "id": candidate_id,
            EXTRA: as_text(rest) if rest else None,
        }

    def row_part(self, details: Record) -> Record:
        """Return the fields of a record of `candidate_details` that a list row has."""
        return {name: details[name] for name in self.rows.columns}

    def listed(self, row: Record, tags: TagIds | None) -> Listed:
        """Digest a record of `candidates`, and the candidate's tags."""
        extra = row.pop(EXTRA)  # a digest of its own: a change of it costs no request
        fields = [row[name] for name in HISTORY_FIELDS]
        listed = Listed(
            row=digest(row),
            tags=_tags_digest(tags),
            extra=(digest(extra) if extra else NEVER) if self.compares_extra else None,
            history=None if tags is None else digest([fields, tags]),
        )
        row[EXTRA] = extra
        return listed

    def read(
        self,
        details: Record,
        *,
        is_torn: bool,
        contradicts_tags: bool,
        tags: TagIds | None = None,
    ) -> Details:
        """Digest a record of `candidate_details`, and tags that only it shows."""
        questions = details["questions"]
        return Details(
            digest(details),
            answers=None if questions is None else len(questions),
            is_torn=is_torn,
            contradicts_tags=contradicts_tags,
            tags=_tags_digest(tags),
        )


def _tags_digest(tags: TagIds | None) -> int | None:
    if tags is None:
        return None
    return digest(tags) if tags else NEVER


def is_torn(row: Record, details: Record, body: Json) -> bool:
    """Return whether details are of another moment than a list row.

    A field that the body of `/candidates/{id}` lacks altogether does not make it one.
    """
    return any(
        details[name] != value
        for name, value in row.items()
        if name in body and name in details and name != EXTRA
    )
