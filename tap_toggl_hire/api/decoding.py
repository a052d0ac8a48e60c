"""The bodies of answers: JSON, as far as a target can take it."""

from __future__ import annotations

import json
import math
import re
import typing as t

import msgspec

Json = t.Any

MOST_VALUES = 4_000_000
"""Of an answer: an empty object has 2 bytes there, and takes 64 in memory."""


def has_too_many_values(content: bytes) -> bool:
    """Return whether JSON, short as it may be, would take very much memory."""
    if len(content) <= MOST_VALUES:
        return False
    # Each but the first follows one of these bytes.
    return sum(map(content.count, (b"[", b"{", b","))) > MOST_VALUES


def decode(content: bytes) -> Json:
    """Decode JSON.

    JSON allows half a surrogate pair, which is no text, and the character NUL, which
    PostgreSQL takes in none. Both become U+FFFD, the replacement character.

    Raises:
        ValueError: If it is no JSON.
    """
    try:
        body = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError):
        body = None
    if body is not None and b"\\u0000" not in content:
        return body
    try:
        text = json.dumps(_printable(json.loads(content)))
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError from error


def error_type(content: bytes) -> str | None:
    """Read the `error.type` of the API's error object (documentation: Errors).

    Returns:
        The type, of which nothing is sure but that it is a text; None where the body
        is no such object, but a proxy's page, say.
    """
    try:
        kind = decode(content)["error"]["type"]
    except (ValueError, LookupError, TypeError):
        return None
    return kind if isinstance(kind, str) else None


def broken_row(content: bytes) -> str | None:
    """Find the row for which a page is no JSON: NaN, 1e400, bytes that are no UTF-8.

    Returns:
        Its id, if there is such a row and its id is a plain word.
    """
    try:
        # Reads numbers that JSON does not have; odd bytes become odd characters.
        text = content.decode("utf-8", "surrogateescape")
        rows = json.loads(text, parse_int=_whole_number)["data"]
        broken = next(row["id"] for row in rows if _is_broken(row))
    except (ValueError, LookupError, TypeError, RecursionError, StopIteration):
        return None
    return plain_id(broken)


def plain_id(value: Json) -> str | None:
    """Return an id that may be told to the user: a plain word; None for any other."""
    is_plain = re.fullmatch("[A-Za-z0-9_-]{1,64}", str(value)) is not None
    return str(value) if is_plain else None


def _whole_number(digits: str) -> float:
    """Read an integer; one of too many digits for Python is as broken as 1e400."""
    try:
        return int(digits)
    except ValueError:
        return math.inf


def _is_broken(value: Json) -> bool:
    if isinstance(value, dict):
        return any(map(_is_broken, (*value, *value.values())))
    if isinstance(value, list):
        return any(map(_is_broken, value))
    if isinstance(value, str):
        return re.search("[\udc80-\udcff]", value) is not None
    return isinstance(value, float) and not math.isfinite(value)


def _printable(value: Json) -> Json:
    if isinstance(value, dict):
        return {_printable(name): _printable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_printable(item) for item in value]
    if isinstance(value, str):
        text = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return text.replace("\0", "\ufffd")
    return value
