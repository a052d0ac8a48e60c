"""Candidate records as they leave the API: fitted to a schema, then redacted (`pii`).

Streams emit them and `sync/observer` digests them, so neither a message nor the state
holds more than what this module returns.
"""

from __future__ import annotations

import hmac
import typing as t

from tap_toggl_hire.records import EXTRA, conformer

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tap_toggl_hire.records import FieldReport, Record, Schema
    from tap_toggl_hire.settings import Settings

PERSONAL_FIELDS = ("name", "email", "profile_url")
"""Fields of a candidate that identify the person, beside all of `contact_info`."""


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


def scrubber(
    mode: str, key: str | None, *, drops_tags: bool
) -> Callable[[Record], Record]:
    """Return the function that redacts the personal data of a record, in place.

    Args:
        mode: `keep`, `hash` or `drop`. Null and empty strings are unchanged.
        key: The key of the hashes; only `hash` needs it.
        drops_tags: Whether `tag_ids` becomes null; `keep` ignores it.
    """
    if mode == "keep":
        return lambda record: record
    secret = (key or "").encode()

    def drop(value: str | None) -> str | None:
        return value if value == "" else None

    def hash_(value: str | None) -> str | None:
        return _hmac(secret, value) if value else value

    hide = hash_ if mode == "hash" else drop

    def scrub(record: Record) -> Record:
        record["extra"] = None  # unknown fields may hold anything
        for field in PERSONAL_FIELDS:
            record[field] = hide(record[field])
        if contact_info := record["contact_info"]:
            record["contact_info"] = {
                field: hide(value) for field, value in contact_info.items()
            }
        for answer in record.get("answers") or ():
            if answer is not None:
                answer["text_answer"] = drop(answer["text_answer"])
        if drops_tags and "tag_ids" in record:
            record["tag_ids"] = None
        return record

    return scrub


def pii_fingerprint(mode: str, key: str | None, *, drops_tags: bool) -> str:
    """Return a text that identifies these settings and does not reveal the key.

    The state has its hash: if the settings change, all records are emitted again.
    """
    if mode == "keep":
        return mode
    secret = _hmac((key or "").encode(), "fingerprint") if mode == "hash" else ""
    return f"{mode} {secret} {'without' if drops_tags else 'with'} tags"


def _hmac(secret: bytes, text: str) -> str:
    return hmac.digest(secret, text.encode(), "sha256").hex()
