"""Bodies are whole, decoded, and never more than their limit."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import HTTPResponse
from urllib3.exceptions import DecodeError, HTTPError

from tap_toggl_hire.api.body import LARGEST_PIECE, receive

GZIP = "gzip"


class Slowly(io.BytesIO):
    """Hands out so many bytes at once, as a network does."""

    def __init__(self, content: bytes, at_once: int) -> None:
        super().__init__(content)
        self._at_once = at_once

    def read1(self, size: int | None = -1, /) -> bytes:
        wanted = self._at_once if size is None or size < 0 else size
        return super().read(min(wanted, self._at_once))


def response(
    content: bytes,
    status: int = 200,
    encoding: str | None = None,
    at_once: int = 1 << 20,
) -> HTTPResponse:
    headers = {} if encoding is None else {"content-encoding": encoding}
    return HTTPResponse(
        Slowly(content, at_once), headers, status, preload_content=False
    )


@given(
    parts=st.lists(st.binary(max_size=60), max_size=4),
    at_once=st.integers(1, 100),
)
def test_however_it_is_cut_it_comes_whole(parts: list[bytes], at_once: int) -> None:
    """With several members, empty ones too, each of which may end anywhere."""
    whole = b"".join(parts)
    assert receive(response(whole, at_once=at_once)) == whole
    members = b"".join(map(gzip.compress, parts))
    assert receive(response(members, at_once=at_once, encoding=GZIP)) == whole


@pytest.mark.parametrize("name", ["gzip", "GZIP"])
def test_the_encoding_is_named_in_any_case(name: str) -> None:
    zipped = gzip.compress(b"{}")
    assert receive(response(zipped, encoding=name)) == b"{}"


@pytest.mark.parametrize("name", ["", "identity", "br", "gzip, gzip"])
def test_what_was_not_asked_for_is_not_decoded(name: str) -> None:
    zipped = gzip.compress(b"{}")
    assert receive(response(zipped, encoding=name)) == zipped


def test_nothing_is_nothing_whatever_its_encoding() -> None:
    assert receive(response(b"", 204, encoding=GZIP)) == b""


@pytest.mark.parametrize("cut", range(1, len(gzip.compress(b"{}"))))
def test_a_member_without_its_end_is_no_body(cut: int) -> None:
    with pytest.raises(DecodeError):
        receive(response(gzip.compress(b"{}")[:-cut], encoding=GZIP))


@pytest.mark.parametrize(
    "content",
    [b"{}", zlib.compress(b"{}"), gzip.compress(b"{}") + b"garbage"],
    ids=["plain", "of zlib", "and more"],
)
def test_what_is_not_encoded_as_it_says_is_no_body(content: bytes) -> None:
    with pytest.raises(HTTPError):
        receive(response(content, encoding=GZIP))


@pytest.mark.parametrize(("status", "most"), [(200, 64 << 20), (500, 64 << 10)])
@pytest.mark.parametrize("encoded", [False, True])
def test_the_limit(status: int, most: int, *, encoded: bool) -> None:
    def made(size: int) -> HTTPResponse:
        if not encoded:
            return response(b" " * size, status)
        block = gzip.compress(b" " * LARGEST_PIECE)
        blocks, rest = divmod(size, LARGEST_PIECE)
        content = block * blocks + (gzip.compress(b" " * rest) if rest else b"")
        return response(content, status, encoding=GZIP)

    content = receive(made(most))
    assert content is not None
    assert len(content) == most
    del content
    assert receive(made(most + 1)) is None


def test_what_is_too_large_is_read_no_further() -> None:
    answer = response(b" " * 1_000_000, 500, at_once=1000)
    assert receive(answer) is None
    assert answer.closed


@pytest.mark.parametrize("size", [LARGEST_PIECE, 1])
def test_members_that_end_where_a_read_ends_take_no_memory(size: int) -> None:
    """In urllib3's decoder, the memory doubles with each: 30 of them are the end."""
    block = b" " * size
    content = gzip.compress(block) * 30
    tracemalloc.start()
    try:
        assert receive(response(content, encoding=GZIP)) == block * 30
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * 30 * size + 200_000


def test_a_bomb_is_not_decoded_beyond_the_limit() -> None:
    content = gzip.compress(b" " * 20_000_000)
    tracemalloc.start()
    try:
        assert receive(response(content, 500, encoding=GZIP)) is None
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 500_000
