"""The shape of responses has types, forms and common names, and no value."""

from __future__ import annotations

import json

import pytest

from tap_toggl_hire.shape import (
    MAX_DEPTH,
    form_of,
    link_form,
    order_of,
    paging_of,
    shape_of,
    with_names,
)


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


def test_documented_words_of_declared_fields_are_seen_or_not() -> None:
    rows = [{"hire_state": "rejected"}, {"hire_state": "x"}, {"hire_state": "y"}]
    field = shape_of(rows, {"properties": {"hire_state": {}}})["fields"]["hire_state"]
    assert field["words"] == {"": False, "possible-hire": False, "rejected": True}
    assert field["other_words"] == 2
    undeclared = shape_of(rows * 2, {})["fields"]["hire_state"]
    assert "words" not in undeclared


def test_shape_ends_at_a_depth() -> None:
    value: object = []
    for _ in range(600):
        value = [value]
    shape, depth = shape_of([value], {}), 0
    while "items" in shape:
        shape, depth = shape["items"], depth + 1
    assert depth == MAX_DEPTH


def test_names_that_a_shape_has_are_declared() -> None:
    shape = shape_of([{"a": {"b": 1}, "c": [{"d": 1}]}] * 5, {})
    names = with_names({"properties": {"e": {}}}, shape)["properties"]
    assert names.keys() == {"a", "c", "e"}
    few = shape_of([{"a": {"b": 1}, "c": [{"d": 1}]}], {"properties": names})
    assert few["fields"]["a"]["fields"].keys() == {"b"}
    assert few["fields"]["c"]["items"]["fields"].keys() == {"d"}


ROOT = "https://api.example/api"


@pytest.mark.parametrize(
    ("link", "form"),
    [
        ("https://api.example/api/v2.1/tags?after_id=1", "URL"),
        ("//api.example/api/v2.1/tags?after_id=1", "URL"),
        ("https://other.example/tags?after_id=1", "another origin"),
        ("/api/v2.1/tags?after_id=1", "path"),
        ("/tags?after_id=1", "path without root"),
        ("tags?after_id=1", "relative"),
        ("?after_id=1", "relative"),
    ],
)
def test_form_of_links(link: str, form: str) -> None:
    page = {"data": [], "links": {"next": link}}
    found = {"form": form, "parameters": ["after_id"], "other_parameters": 0}
    assert link_form(page, ROOT) == found


@pytest.mark.parametrize("links", [None, [], {}, {"next": None}, {"next": ""}])
def test_page_without_a_link(links: object) -> None:
    assert link_form({"links": links}, ROOT) == {"form": "none"}


def test_malformed_link_is_no_url() -> None:
    assert link_form({"links": {"next": "http://["}}, ROOT) == {"form": "no URL"}


@pytest.mark.parametrize(
    ("total", "form"),
    [
        (2, "equal to the rows read"),
        (3, "larger than the rows read"),
        (1, "smaller than the rows read"),
        (None, "missing"),
        ("2", "missing"),
    ],
)
def test_total_is_compared_with_the_rows(total: object, form: str) -> None:
    paging = paging_of([{"data": [{}, {}], "total": total}], ROOT)
    assert paging["total"] == form


@pytest.mark.parametrize(("row", "form"), [(2, "new rows"), (1, "repeats rows")])
def test_second_page_is_compared_with_the_first(row: int, form: str) -> None:
    paging = paging_of([{"data": [1]}, {"data": [row]}], ROOT, 1)
    assert paging["second_page"] == form


@pytest.mark.parametrize(
    ("times", "order"),
    [
        (["2025-01-06T08:00:00", "2025-01-06T08:00:00.1Z"], "ascending"),
        (["2025-01-06T08:00:00Z", "2025-01-06T08:00:00+01:00"], "descending"),
        (["2025-01-06", "2025-01-08", "2025-01-07"], "none"),
        (["2025-01-06"], "not tried"),
        (["2025-01-06", 1], "not tried"),
    ],
)
def test_order_of_rows(times: list[object], order: str) -> None:
    assert order_of([{"started_at": time} for time in times]) == order
