"""The body of an answer, never more of it than the limit.

Decoded here and not by urllib3, of whose decoder a body of 1,300 bytes, made to harm,
asks for gigabytes: where a member of a gzip file ends at the size of a read, it takes
what follows twice, and again at the next.
"""

from __future__ import annotations

import io
import typing as t
import zlib

import requests
from urllib3.exceptions import DecodeError

if t.TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

ENCODING = "gzip"
"""What is asked for, and the one that is decoded."""
LARGEST_PIECE = 1 << 16
"""Bytes that are read at once."""
LARGEST_ANSWER = 64 << 20
"""Bytes, decoded, of an answer with status 200."""
LARGEST_ERROR = 64 << 10
"""Bytes, decoded, of any other, whose body says little."""


def receive(response: BaseHTTPResponse) -> bytes | None:
    """Read a body, piece by piece as they arrive.

    Returns:
        The body, decoded; None if it is too large.

    Raises:
        HTTPError: If it breaks off, or is not encoded as it says.
    """
    is_good = response.status == requests.codes.ok
    body = _Body(LARGEST_ANSWER if is_good else LARGEST_ERROR)
    is_encoded = response.headers.get("Content-Encoding", "").lower() == ENCODING
    add = body.add_encoded if is_encoded else body.add
    while piece := response.read1(LARGEST_PIECE, decode_content=False):
        add(piece)
        if body.is_too_large:
            response.close()
            return None
    return body.whole()


class _Body:
    """What was read so far.

    Args:
        most: The bytes that it may have.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._buffer = io.BytesIO()  # a list of pieces is large where they are tiny
        self._member: zlib._Decompress | None = None

    @property
    def is_too_large(self) -> bool:
        """Whether it has more bytes than it may have."""
        return self._buffer.tell() > self._most

    def add(self, piece: bytes) -> None:
        """Add bytes as they are."""
        self._buffer.write(piece)

    def add_encoded(self, piece: bytes) -> None:
        """Add bytes of a gzip file, which has one member or several."""
        while piece and not self.is_too_large:
            if self._member is None:
                self._member = zlib.decompressobj(zlib.MAX_WBITS | 16)
            try:
                self._buffer.write(self._member.decompress(piece, LARGEST_PIECE))
            except zlib.error as error:
                raise DecodeError from error
            piece = self._member.unconsumed_tail or self._member.unused_data
            if self._member.eof:
                self._member = None

    def whole(self) -> bytes:
        """Return all of it.

        Raises:
            DecodeError: If the end is missing.
        """
        if self._member is not None:
            raise DecodeError
        return self._buffer.getvalue()
