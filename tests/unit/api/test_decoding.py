"""JSON as far as a target can take it; and where it is broken."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_toggl_hire.api.decoding import (
    MOST_VALUES,
    broken_row,
    decode,
    error_type,
    has_too_many_values,
    plain_id,
)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    max_leaves=8,
)


@given(VALUES)
def test_what_is_json_is_decoded(value: t.Any) -> None:
    for ensure_ascii in (True, False):
        content = json.dumps(value, ensure_ascii=ensure_ascii).encode()
        decoded = decode(content)
        assert decoded == value
        assert type(decoded) is type(value)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (rb'"a\u0000b"', "a\ufffdb"),
        (rb'{"a\u0000": ["\u0000"]}', {"a\ufffd": ["\ufffd"]}),
        (rb'"\ud800"', "\ufffd"),
        (rb'["\udfff!", {"\ud83d": 1}]', ["\ufffd!", {"\ufffd": 1}]),
        (rb'"\ud83d\ude42"', "🙂"),
        (rb'"\\u0000"', "\\u0000"),
        (b"null", None),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        ('{"ä": 1}'.encode("utf-16"), {"ä": 1}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
    ],
)
def test_what_a_target_cannot_take_is_replaced(content: bytes, value: object) -> None:
    assert decode(content) == value


BROKEN = (
    b"NaN",
    b"-Infinity",
    b"1e400",
    b"-1e999",
    b"9" * 5000,
    '"M\u00fcller"'.encode("latin-1"),
    '{"M\u00fcller": 1}'.encode("latin-1"),
    b'{"deep": [1, {"in": [1e400]}]}',
)


@pytest.mark.parametrize(
    "content",
    [
        *BROKEN,
        b"",
        b"<html>",
        b'{"data": [',
        b"{'data': []}",
        b'{"data": []}{}',
        b"[" * 100_000 + b"]" * 100_000,
        b'"\x00"',
        b'"\xed\xa0\x80"',
    ],
)
def test_what_is_no_json_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json has several
        decode(content)


@pytest.mark.parametrize("broken", BROKEN)
def test_the_row_that_is_broken_is_found(broken: bytes) -> None:
    good = b'{"id": "1", "a": "\xc3\xa4", "b": 1.5, "c": null, "d": [-7]}'
    rows = b'%s, {"id": "2", "b": %s}, {"id": 3}' % (good, broken)
    assert broken_row(b'{"data": [%s], "total": 3}' % rows) == "2"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[1e400]",
        b'{"data": {"id": "1", "b": NaN}}',
        b'{"data": null, "b": NaN}',
        b'{"data": [NaN]}',
        b'{"data": [{"b": NaN}]}',
        b'{"data": [{"id": "jane@example.com", "b": NaN}]}',
        b'{"data": [{"id": NaN}]}',
        b'{"data": [{"id": "1"}], "total": NaN}',
        b'{"data": [{"id": "1", "b": ' + b"[" * 100_000,
        b'{"data": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}",
    ],
)
def test_where_it_cannot_be_told_nothing_is(content: bytes) -> None:
    row = broken_row(content)
    assert row is None or row == "nan"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("100", "100"),
        (100, "100"),
        ("a-B_9", "a-B_9"),
        ("a" * 64, "a" * 64),
        ("a" * 65, None),
        ("", None),
        ("jane@example.com", None),
        ("Jane Doe", None),
        ("1\n", None),
        ("\u0661", None),
        (1.5, None),
        (["1"], None),
    ],
)
def test_an_id_that_may_be_told(value: object, told: str | None) -> None:
    assert plain_id(value) == told


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'{"error": {"type": "NotFound"}}', "NotFound"),
        (b'{"error": {"type": "", "more": 1}}', ""),
        (b'{"error": {"type": null}}', None),
        (b'{"error": {"type": 5}}', None),
        (b'{"error": {}}', None),
        (b'{"error": "type"}', None),
        (b'{"error": ["type"]}', None),
        (b"{}", None),
        (b"[]", None),
        (b"null", None),
        (b"<html>", None),
        (b"", None),
    ],
)
def test_the_type_of_an_error(content: bytes, kind: str | None) -> None:
    assert error_type(content) == kind


@pytest.mark.parametrize("value", [b"0", b"{}", b"[]"])
def test_values_are_counted_not_bytes(value: bytes) -> None:
    marks = 1 + value.count(b"{") + value.count(b"[")
    most = MOST_VALUES // marks
    assert not has_too_many_values(b",".join([value] * most))
    assert has_too_many_values(b",".join([value] * (most + 2)))
    assert not has_too_many_values(b'"' + b" " * (MOST_VALUES + 1) + b'"')
