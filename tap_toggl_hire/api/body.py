"""Bodies of responses: read within a limit, decoded within a limit.

The two limits bound the memory that a response takes, whatever a server sends: bytes,
since compression shrinks them a thousandfold, and JSON values, since an empty object
is 2 bytes in JSON and 64 in memory.
"""

from __future__ import annotations

import codecs
import gzip
import io
import re
import typing as t
import zlib

import msgspec
from urllib3.exceptions import DecodeError

if t.TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

MAX_BODY = 64 << 20  # bytes, decompressed, of a response with status 200
MAX_ERROR_BODY = 64 << 10
"""Bytes, decompressed, of any other response, whose body says little."""
MAX_VALUES = 4_000_000  # JSON values of a body
MAX_NESTING = 700
"""Levels that are decoded: Python's recursion limit ends the decoder at about 990. A
record leaves out values of more than `records.MAX_DEPTH` levels, which are fewer."""
MAX_READ = 64 << 10
"""Bytes that are read at once. A list of tiny chunks takes forty times its content."""
MAX_FIRST_READ = 1 << 20  # bytes that the fast decompressor may return


class Body(dict[str, t.Any]):
    """A JSON object that the API sent, with its size."""

    __slots__ = ("size",)

    def __init__(self, fields: dict[str, t.Any], size: int) -> None:
        super().__init__(fields)
        self.size = size  # bytes of JSON


def read_body(raw: BaseHTTPResponse, limit: int) -> bytes | None:
    """Read a body; return None, and close the connection, if it is too large.

    The standard library decompresses it. The decoder of urllib3 2.6 takes gigabytes for
    a body of 1,300 bytes: if a gzip member ends at the size of a read, it keeps what
    follows twice, at every read.

    The limit is for the bytes before and after decompression.

    Raises:
        HTTPError: If it is truncated or not encoded as stated.
    """
    body = _read_at_most(limit, raw)
    if body is None:
        raw.close()
    elif raw.headers.get("Content-Encoding", "").lower() == "gzip":
        try:
            # Faster than GzipFile, but not bounded if there are many members.
            first = zlib.decompressobj(wbits=31)
            decoded = first.decompress(body, min(limit, MAX_FIRST_READ))
            if first.eof and not first.unused_data:
                return decoded
            return _read_at_most(limit, gzip.GzipFile(fileobj=io.BytesIO(body)))
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DecodeError from error
    return body


def _read_at_most(limit: int, stream: t.Any) -> bytes | None:
    content, size = io.BytesIO(), 0
    while piece := stream.read(MAX_READ):
        size += content.write(piece)
        if size > limit:
            return None
    return content.getvalue()


def has_too_many_values(content: bytes) -> bool:
    """Return whether JSON has more than `MAX_VALUES` values, without decoding it."""
    # Every value but the first follows one of these bytes.
    marks = (b"[", b"{", b",")
    return len(content) > MAX_VALUES < sum(map(content.count, marks))


def decode(content: bytes) -> t.Any:
    r"""Decode JSON, or raise ValueError.

    What is not text becomes U+FFFD: bytes that are not UTF-8, half a surrogate pair
    (`\ud800`), and the character NUL (`\u0000`), which PostgreSQL does not store.
    """
    if b"\\u0000" not in content:
        try:
            return msgspec.json.decode(content)
        except (msgspec.DecodeError, RecursionError):
            pass  # something that is not text, maybe
    content = content.removeprefix(codecs.BOM_UTF8)
    content = content.decode("utf-8", "replace").encode()
    content = _ESCAPE.sub(_replaced, content)
    try:
        return msgspec.json.decode(content)
    except RecursionError:
        content = _without_deep_values(content)
    try:
        return msgspec.json.decode(content)
    except RecursionError as error:  # brackets that are not closed
        raise ValueError from error


_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u0000|u[dD][89a-fA-F]..)|.)", re.DOTALL
)
"""An escape of JSON; the group is one that is not text."""


def _replaced(escape: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if escape[1] else escape[0]


def _without_deep_values(content: bytes) -> bytes:
    """Replace what is nested deeper than `MAX_NESTING` by null."""
    pieces, kept, depth, is_string = [], 0, 0, False
    for match in _MARK.finditer(content):
        mark = match[0]
        if mark == b'"':
            is_string = not is_string
        elif is_string:
            continue
        elif mark in {b"[", b"{"}:
            depth += 1
            if depth == MAX_NESTING:
                pieces.append(content[kept : match.start()] + b"null")
        elif mark in {b"]", b"}"}:
            if depth == MAX_NESTING:
                kept = match.end()
            depth -= 1
    return b"".join([*pieces, content[kept:]])


_MARK = re.compile(rb'\\.|["\[\]{}]', re.DOTALL)
"""What begins or ends a string, an array or an object; or an escape."""


def error_type(content: bytes) -> str | None:
    """Return the `error.type` of the API's error object (documentation: Errors).

    It is None if the body is not that object, but a proxy's page.
    """
    try:
        kind = decode(content)["error"]["type"]
    except (ValueError, LookupError, TypeError):
        return None
    return kind if isinstance(kind, str) else None
