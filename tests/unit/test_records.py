"""What the API sends is made to fit the schema, whatever it is."""

from __future__ import annotations

import json
import re
import typing as t
from datetime import datetime
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from tap_toggl_hire.bases import FOLDER
from tap_toggl_hire.records import EXTRA, UNFIT, UNKNOWN, conformer
from tap_toggl_hire.times import moment

Json = dict[str, t.Any]

NULLABLE: dict[str, Json] = {
    "text": {"type": ["string", "null"]},
    "number": {"type": ["number", "null"]},
    "flag": {"type": ["boolean", "null"]},
    "at": {"type": ["string", "null"], "format": "date-time"},
    "list": {"type": ["array", "null"], "items": {"type": ["string", "null"]}},
}
SCHEMA: Json = {
    "type": "object",
    "properties": {
        **NULLABLE,
        "one": {"type": ["object", "null"], "properties": NULLABLE},
        "many": {
            "type": ["array", "null"],
            "items": {"type": ["object", "null"], "properties": NULLABLE},
        },
        "_sdc_deleted_at": NULLABLE["at"],
    },
}
NOTHING: Json = dict.fromkeys(NULLABLE)


def fitted(value: t.Any, schema: Json = SCHEMA) -> tuple[t.Any, list[tuple[str, str]]]:
    """The record, and what was reported."""
    reported: list[tuple[str, str]] = []
    fit = conformer(schema, lambda field, trouble: reported.append((field, trouble)))
    return fit(value), reported


def field(name: str, value: t.Any) -> tuple[t.Any, bool]:
    """What becomes of the value of a field, and whether it was reported as unfit."""
    record, reported = fitted({name: value})
    assert reported in ([], [(name, UNFIT)])
    return record[name], bool(reported)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("text", "", ""),
        ("text", " as it is\n", " as it is\n"),
        ("text", 400, "400"),
        ("text", 2**70, str(2**70)),
        ("text", 1.5, "1.5"),
        ("text", True, "true"),
        ("text", ["\u00fc", None], '["\u00fc",null]'),
        ("text", {"a": 1}, '{"a":1}'),
        ("number", 0, 0),
        ("number", -2, -2),
        ("number", 85.714286, 85.714286),
        ("number", "12", 12),
        ("number", "85.5", 85.5),
        ("flag", True, True),
        ("flag", False, False),
        ("list", [], []),
        ("list", ["a", None, 5], ["a", None, "5"]),
        ("list", [["b"]], ['["b"]']),
    ],
)
def test_a_value_is_kept_or_converted_without_loss(
    name: str, value: t.Any, expected: t.Any
) -> None:
    made, is_unfit = field(name, value)
    assert made == expected
    assert type(made) is type(expected) or name == "number"
    assert not is_unfit


UNFITTING: dict[str, tuple[t.Any, ...]] = {
    "number": ("", "many", "nan", "inf", "1e999", True, [], {}),
    "flag": ("true", 1, 0, "", [], {}),
    "at": (0, 1_700_000_000, True, [], {}),
    "list": ("", "a", 1, {}, True),
    "one": ("", "a", 1, [], True),
    "many": ("", "a", 1, {}, True),
}


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name, values in UNFITTING.items() for value in values],
)
def test_a_value_that_does_not_fit_becomes_null_and_is_told(
    name: str, value: t.Any
) -> None:
    assert field(name, value) == (None, True)


@pytest.mark.parametrize("name", list(SCHEMA["properties"])[:-1])
def test_null_and_missing_are_null_and_no_trouble(name: str) -> None:
    assert field(name, None) == (None, False)
    record, reported = fitted({})
    assert record[name] is None
    assert not reported


def test_fields_of_the_tap_itself_are_left_to_it() -> None:
    assert "_sdc_deleted_at" not in fitted({})[0]
    record, reported = fitted({"_sdc_deleted_at": "2024-01-31T00:00:00Z"})
    assert "_sdc_deleted_at" not in record
    assert reported == [("_sdc_deleted_at", UNKNOWN)]


@pytest.mark.parametrize("value", [None, [], "text", 5, True])
def test_what_is_no_object_is_no_record(value: t.Any) -> None:
    assert fitted(value) == (None, [("", UNFIT)])


def test_unknown_fields_go_into_one_column_and_are_told_by_their_path() -> None:
    value = {
        "text": "a",
        "new": 1,
        "one": {"new": {"deep": 1}, "text": "b"},
        "many": [{"new": 1}, {"newer": 2}],
    }
    record, reported = fitted(value)
    assert json.loads(record.pop(EXTRA)) == {
        "new": 1,
        "one": {"new": {"deep": 1}},
        "many": [{"new": 1}, {"newer": 2}],
    }
    assert record == {
        **NOTHING,
        "text": "a",
        "one": {**NOTHING, "text": "b"},
        "many": [NOTHING, NOTHING],
    }
    assert sorted(reported) == [
        ("many[].new", UNKNOWN),
        ("many[].newer", UNKNOWN),
        ("new", UNKNOWN),
        ("one.new", UNKNOWN),
    ]


def test_nested_values_are_fitted_and_told_by_their_path() -> None:
    bad = {"text": 5, "number": "x", "flag": 1, "at": "then", "list": [1, {}]}
    fine = {"text": "5", **dict.fromkeys(("number", "flag", "at")), "list": ["1", "{}"]}
    record, reported = fitted({"one": bad, "many": [bad, None, "x"]})
    assert record["one"] == fine
    assert record["many"] == [fine, None, None]
    unfit = {"number", "flag", "at"}
    assert {path for path, _ in reported} == {
        *(f"one.{name}" for name in unfit),
        *(f"many[].{name}" for name in unfit),
        "many[]",
    }
    assert {trouble for _, trouble in reported} == {UNFIT}


def test_the_api_s_object_is_left_as_it_was() -> None:
    value = {"text": 1, "one": {"text": 2, "new": 3}, "many": [{"text": 4}, None]}
    before = json.dumps(value)
    record, _ = fitted(value)
    assert json.dumps(value) == before
    record["one"]["text"] = "changed"
    assert json.dumps(value) == before


# Times


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2019-03-10T02:39:32.59275", "2019-03-10T02:39:32.59275+00:00"),
        ("2020-02-10T10:00:00", "2020-02-10T10:00:00+00:00"),
        ("2020-02-10T10:00:00.1", "2020-02-10T10:00:00.1+00:00"),
        ("2020-02-10T10:00:00.123456789", "2020-02-10T10:00:00.123456789+00:00"),
        ("2020-02-10 10:00:00", "2020-02-10T10:00:00+00:00"),
        ("2020-02-10T10:00:00Z", "2020-02-10T10:00:00Z"),
        ("2020-02-10T10:00:00.5Z", "2020-02-10T10:00:00.5Z"),
        ("2020-02-10T10:00:00+05:30", "2020-02-10T10:00:00+05:30"),
        ("2020-02-10T10:00:00-0330", "2020-02-10T10:00:00-03:30"),
        ("2020-02-29T23:59:59", "2020-02-29T23:59:59+00:00"),
    ],
)
def test_a_time_gets_an_offset_and_keeps_its_digits(text: str, expected: str) -> None:
    assert field("at", text) == (expected, False)
    assert field("at", expected) == (expected, False)


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "2020-02-10", "10:00:00", "2020-02-10T10:00", "1581328800"),
        *("2021-02-29T10:00:00", "2020-13-01T10:00:00", "2020-00-10T10:00:00"),
        *("2020-02-10T24:30:00", "2020-02-10T10:60:00", "2020-02-10T10:00:61"),
        *("0000-01-01T00:00:00", "20-02-10T10:00:00", "2020-2-10T10:00:00"),
        *("2020-02-10T10:00:00.", "2020-02-10T10:00:00 Z", " 2020-02-10T10:00:00"),
        *("2020-02-10T10:00:00\n", "2020-02-10T10:00:00+5", "2020-02-10X10:00:00"),
        *("2020-02-10T10:00:00+99:99", "2020-02-10T10:00:00-24:00"),
        "\uff12\uff10\uff12\uff10-02-10T10:00:00",
    ],
)
def test_what_is_no_time_becomes_null_and_is_told(text: str) -> None:
    assert field("at", text) == (None, True)


RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


@given(
    when=st.datetimes(
        datetime(1, 1, 2),  # noqa: DTZ001
        datetime(9999, 12, 30),  # noqa: DTZ001
    ),
    fraction=st.from_regex(r"(\.[0-9]{1,12})?", fullmatch=True),
    separator=st.sampled_from("Tt "),
    offset=st.from_regex(r"([Zz]|[+-]([01][0-9]|2[0-9]):?[0-9]{2})?", fullmatch=True),
)
def test_every_time_that_is_emitted_can_be_read_again(
    when: datetime, fraction: str, separator: str, offset: str
) -> None:
    text = f"{when:%m-%dT%H:%M:%S}".replace("T", separator)
    made, is_unfit = field("at", f"{when.year:04d}-{text}{fraction}{offset}")
    if is_unfit:
        assert int(offset[1:3]) > 23 or int(offset[-2:]) > 59
        return
    assert RFC_3339.fullmatch(made)
    assert fraction in made
    micros = int((fraction[1:] + "000000")[:6])
    read = moment(made)
    assert read.replace(tzinfo=None) == when.replace(microsecond=micros)
    assert read.tzinfo is not None


# The real schemas


@cache
def schema_of(stream: str) -> Json:
    schema: Json = json.loads((FOLDER / f"{stream}.json").read_text("utf-8"))
    return schema


STREAMS = sorted(path.stem for path in FOLDER.glob("*.json"))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.text(max_size=4), inner, max_size=2)
    ),
    max_leaves=3,
)


@cache
def like(stream: str) -> st.SearchStrategy[t.Any]:
    return _like(schema_of(stream))


def _like(schema: Json) -> st.SearchStrategy[t.Any]:
    """Values that fit a schema, or are anything."""
    types = schema["type"]
    fits: st.SearchStrategy[t.Any]
    if "object" in types:
        fields = {
            name: _like(inner)
            for name, inner in schema["properties"].items()
            if not name.startswith("_sdc")
        }
        fits = st.fixed_dictionaries({}, optional={**fields, "new": SCALARS})
    elif "array" in types:
        fits = st.lists(_like(schema["items"]), max_size=2)
    elif schema.get("format") == "date-time":
        fits = st.datetimes().map(datetime.isoformat)
    elif "number" in types:
        fits = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    else:
        fits = st.booleans() if "boolean" in types else st.text(max_size=8)
    return fits if schema is schema_of("candidate_details") else fits | ANYTHING


@given(data=st.data())
@pytest.mark.parametrize("stream", ["candidate_details", "job_openings", "categories"])
def test_whatever_comes_the_record_fits_its_schema(
    stream: str, data: st.DataObject
) -> None:
    schema = schema_of(stream)
    value = data.draw(like(stream))
    record, reported = fitted(value, schema)
    if not isinstance(value, dict):
        assert record is None
        return
    trouble = [
        error
        for error in Draft7Validator(schema).iter_errors(record)
        if list(error.path) != ["id"]  # missing, which the stream deals with
    ]
    assert not trouble
    rest = {name: value for name, value in record.items() if name != EXTRA}
    assert fitted(rest, schema) == ({**rest, EXTRA: None}, [])
    assert (record[EXTRA] is None) is (not reported)
    told = {path for path, _ in reported}
    assert all("new" not in path or path.endswith("new") for path in told)


@pytest.mark.parametrize("stream", STREAMS)
def test_a_schema_says_of_each_field_whether_it_may_be_null(stream: str) -> None:
    """What does not fit becomes null, so every field but a key must take it."""
    keys = {"id", "candidate_id", "position", "observed_at", "event_id", "started_at"}

    def fields(schema: Json, *, top: bool = True) -> t.Iterator[tuple[str, Json]]:
        for name, inner in schema.get("properties", {}).items():
            if not (top and name in keys):
                yield name, inner
            yield from fields(inner, top=False)
        if "items" in schema:
            yield "[]", schema["items"]
            yield from fields(schema["items"], top=False)

    assert [n for n, s in fields(schema_of(stream)) if "null" not in s["type"]] == []
