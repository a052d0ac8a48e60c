"""Bodies: read within a limit, decoded within a limit."""

from __future__ import annotations

import gzip
import io
import json
import typing as t
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from tap_toggl_hire.api import body
from tap_toggl_hire.api.body import MAX_READ, decode, read_body
from tap_toggl_hire.records import MAX_DEPTH
from tests.support.memory import memory_below

# Reading


def raw(content: bytes, encoding: str | None = None) -> HTTPResponse:
    """Make a response that `requests` hands over."""
    return HTTPResponse(
        io.BytesIO(content),
        {} if encoding is None else {"content-encoding": encoding},
        preload_content=False,
        decode_content=False,
    )


@given(st.lists(st.binary(max_size=60), max_size=4))
def test_body_is_read_whole(parts: list[bytes]) -> None:
    """A compressed body may have several gzip members, empty ones, or none."""
    whole = b"".join(parts)
    assert read_body(raw(whole), 999) == whole
    assert read_body(raw(b"".join(map(gzip.compress, parts)), "GZIP"), 999) == whole


@pytest.mark.parametrize(
    "content",
    [
        *(gzip.compress(b"{}", mtime=0)[:-cut] for cut in range(1, 22)),
        b"{}",
        zlib.compress(b"{}"),
        gzip.compress(b"{}", mtime=0) + b"garbage",
    ],
)
def test_truncated_or_malformed_encoding_is_an_error(content: bytes) -> None:
    with pytest.raises(HTTPError):
        read_body(raw(content, "gzip"), 999)


def test_body_over_the_limit_is_not_read_and_closes_the_connection() -> None:
    fitting, larger = b" " * 200_000, b" " * 200_001
    for encoding, encode in ((None, bytes), ("gzip", gzip.compress)):
        assert read_body(raw(encode(fitting), encoding), 200_000) == fitting
        response = raw(encode(larger), encoding)
        assert read_body(response, 200_000) is None
        assert response.closed


@pytest.mark.parametrize("size", [MAX_READ, 1])
def test_gzip_members_that_end_where_a_read_ends_take_no_memory(size: int) -> None:
    """The memory that urllib3's decoder takes doubles with each of them."""
    content = gzip.compress(b" " * size) * 30
    with memory_below(3 * 30 * size + 300_000):
        assert read_body(raw(content, "gzip"), 1 << 30) == b" " * size * 30


def test_gzip_bomb_is_not_decoded_beyond_the_limit() -> None:
    content = gzip.compress(b" " * 20_000_000)
    with memory_below(1_000_000):
        assert read_body(raw(content, "gzip"), 64 << 10) is None


# JSON

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=8,
)


@given(VALUES, st.booleans())
def test_json_is_decoded(value: t.Any, ensure_ascii: bool) -> None:
    content = json.dumps(value, ensure_ascii=ensure_ascii).encode()
    assert decode(content) == value
    with_nul = b'["\\u0000", %s]' % content
    assert decode(with_nul) == ["\ufffd", value]


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (rb'{"a\u0000": ["b\u0000"]}', {"a\ufffd": ["b\ufffd"]}),
        (rb'"\ud800"', "\ufffd"),
        (rb'["\uDFFF!", {"\uD83d": 1}]', ["\ufffd!", {"\ufffd": 1}]),
        (rb'"\ud83d\ud83d\ude42\u0000"', "\ufffd🙂\ufffd"),
        (rb'"\\u0000\\\u0000\\ud800"', "\\u0000\\\ufffd\\ud800"),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'"M\xfcller"', "M\ufffdller"),
        (
            b'{"\xff": "\xf0\x9f \\u0000 \xed\xa0\x80"}',
            {"\ufffd": "\ufffd \ufffd \ufffd\ufffd\ufffd"},
        ),
        (b"null", None),
    ],
)
def test_what_a_target_cannot_store_is_replaced(content: bytes, value: object) -> None:
    assert decode(content) == value


@pytest.mark.parametrize("levels", [985, 100_000])
def test_what_is_nested_too_deep_does_not_fail_its_neighbours(levels: int) -> None:
    deep = b'{"a": [' * (levels // 2) + b"1" + b"]}" * (levels // 2)
    page = b'{"data": [{"new": %s, "name": "[{\\"]"}, {"new": %s}, {"b": 2}]}' % (
        deep,
        deep,
    )
    first, second, third = decode(page)["data"]
    assert first == {"new": second["new"], "name": '[{"]'}
    assert third == {"b": 2}
    # Too deep for a record, which leaves it out.
    assert MAX_DEPTH < depth_of(first["new"]) <= min(levels, 1000)


def depth_of(value: t.Any) -> int:
    """Count the levels of a nested value with one child each."""
    levels = 0
    while isinstance(value, (dict, list)):
        (value,) = value.values() if isinstance(value, dict) else value
        levels += 1
    return levels


NOT_JSON = (
    b"",
    b"<html>",
    b'{"data": [',
    b'{"data": []}{}',
    b"NaN",
    b"1e400",
    b"9" * 5000,
    b"[" * 100_000,
    b"[" * 100_000 + b"}" * 100_000,
    b"]" * 1000,
    b'"\x00"',
    b"\xff\xfe[\x00]\x00",
)


@pytest.mark.parametrize("content", NOT_JSON)
def test_what_is_not_json_is_rejected(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - msgspec has several
        decode(content)


def test_error_type_comes_from_the_error_object_of_the_api_alone() -> None:
    assert body.error_type(b'{"error": {"type": "NotFound", "more": 1}}') == "NotFound"
    assert body.error_type(b'{"error": {"type": ""}}') == ""
    others = (b'{"error": {"type": 5}}', b'{"error": {}}', b'{"error": ["type"]}')
    for content in (*others, b"[]", b"null", b"<html>"):
        assert body.error_type(content) is None


@pytest.mark.parametrize("value", [b"0", b"{}", b"[]"])
def test_values_are_counted_not_bytes(value: bytes) -> None:
    marks = 1 + value.count(b"{") + value.count(b"[")
    most = body.MAX_VALUES // marks
    assert not body.has_too_many_values(b",".join([value] * most))
    assert body.has_too_many_values(b",".join([value] * (most + 2)))
    assert not body.has_too_many_values(b'"' + b" " * (body.MAX_VALUES + 1) + b'"')
