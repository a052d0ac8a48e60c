"""The shape of responses has types, forms and common names, and no value."""

from __future__ import annotations

import json

import pytest

from tap_toggl_hire.shape import form_of, shape_of


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("", "empty, up to 8"),
        ("12", "integer, up to 8"),
        ("1.5", "decimal, up to 8"),
        ("2024-05-01", "date, up to 32"),
        ("2024-05-01T10:00:00Z", "time with offset, up to 32"),
        ("2024-05-01T10:00:00", "time without offset, up to 32"),
        ("https://example.com/a", "url, up to 32"),
        ("1b4e28ba-2fa1-11d2-883f-0016d3cca427", "uuid, up to 128"),
        ("x" * 2000, "other, longer"),
    ],
)
def test_form_of_strings(text: str, form: str) -> None:
    assert form_of(text) == form


def test_declared_names_are_written_even_if_missing() -> None:
    shape = shape_of([{}], {"properties": {"score": {}}})
    assert shape["fields"] == {"score": {"missing": 1, "types": {}}}


@pytest.mark.parametrize(("having", "objects"), [(4, 4), (2, 5), (3, 8)])
def test_rare_names_are_counted(having: int, objects: int) -> None:
    rows = [{"surname": 1}] * having + [{}] * (objects - having)
    assert shape_of(rows, {}) == {
        "types": {"object": objects},
        "fields": {},
        "other_names": 1,
    }


def test_common_plain_word_is_written() -> None:
    rows = [{"level": None}] * 3 + [{}] * 3
    field = {"missing": 3, "types": {"null": 3}}
    assert shape_of(rows, {})["fields"] == {"level": field}


def test_no_value_and_no_key_of_a_map_is_written() -> None:
    rows = [
        {
            "name": "canary",
            "canary@example.com": 1,
            f"canary{n}": {"canary": ["canary"]},
        }
        for n in range(9)
    ]
    rows.append({"name": "canary", "by_person": {"canary": {"canary": 1}}})
    shape = shape_of(rows, {"properties": {"name": {}, "by_person": {}}})
    assert "canary" not in json.dumps(shape)
    assert shape["fields"]["by_person"]["other_names"] == 1
