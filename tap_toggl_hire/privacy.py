"""Personal data: kept, hashed or dropped, in one place, before anything else.

What leaves here is what digests are made of and what is emitted, so neither the
state nor a message can hold more.
"""

from __future__ import annotations

import hashlib
import hmac
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable

PERSONAL_FIELDS = ("name", "email", "profile_url")
"""Fields of a candidate that tell who it is, beside all of `contact_info`."""

Record = dict[str, t.Any]


def fingerprint(mode: str, key: str | None = None) -> str:
    """Tell one treatment from another, without telling the key.

    What is emitted for a candidate depends on it, even where the list row has no
    personal data. So it goes into the digest.
    """
    if mode != "hash":
        return mode
    return hmac.new((key or "").encode(), b"fingerprint", hashlib.sha256).hexdigest()


def scrubber(mode: str, key: str | None = None) -> Callable[[Record], Record]:
    """Make the function that every candidate record goes through.

    Args:
        mode: `keep`, `hash` or `drop`, as the setting `pii`.
        key: The key of the hashes, for `hash`.

    Returns:
        A function that changes a candidate's list row or details in place and
        returns it. Null and the empty string stay as they are.
    """
    if mode == "keep":
        return lambda record: record

    def drop(value: t.Any) -> t.Any:
        return value if value == "" else None

    def keyed_hash(value: t.Any) -> t.Any:
        if not value:
            return value
        return hmac.new(secret, value.encode(), hashlib.sha256).hexdigest()

    secret = (key or "").encode()
    hide = keyed_hash if mode == "hash" else drop

    def scrub(record: Record) -> Record:
        record["extra"] = None  # nobody knows what is in there
        for field in PERSONAL_FIELDS:
            record[field] = hide(record[field])
        if record["contact_info"] is not None:
            contact_info = record["contact_info"]
            record["contact_info"] = {
                field: hide(value) for field, value in contact_info.items()
            }
        for answer in record.get("answers") or ():
            if answer is not None:
                answer["text_answer"] = drop(answer["text_answer"])
        return record

    return scrub
