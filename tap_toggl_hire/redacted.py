"""Records of candidates as they leave the API: fitted to a schema, then redacted.

Streams emit them and `sync/observer` digests them: nothing sees what the API sent.
"""

from __future__ import annotations

import typing as t

from tap_toggl_hire.privacy import scrubber
from tap_toggl_hire.records import EXTRA, conformer

if t.TYPE_CHECKING:
    from tap_toggl_hire.records import FieldReport, Record, Schema
    from tap_toggl_hire.settings import Settings


class RedactedRecords:
    """Makes the records of one schema, with personal data redacted as `pii` says."""

    def __init__(self, schema: Schema, report: FieldReport, settings: Settings) -> None:
        self.columns = tuple(
            name
            for name in schema["properties"]
            if name != EXTRA and not name.startswith("_sdc")
        )
        self._conform = conformer(schema, report)
        self._scrub = scrubber(
            settings.pii, settings.pii_hash_key, drops_tags=settings.drops_tags
        )

    def of(self, body: dict[str, t.Any]) -> Record:
        """Turn an object of the API into a record."""
        return self._scrub(t.cast("Record", self._conform(body)))
