"""Any JSON becomes a record that fits its schema; the rest is kept and reported."""

from __future__ import annotations

import json
import logging
import re
import typing as t
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from tap_toggl_hire import records
from tap_toggl_hire.clock import moment
from tap_toggl_hire.records import (
    EXTRA,
    MAX_DEPTH,
    MAX_NAMES,
    MISMATCHED,
    UNKNOWN,
    FieldLog,
    FieldReport,
    id_of,
)

Json = dict[str, t.Any]

FOLDER = Path(__file__).parents[2] / "schemas"
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
        "id": NULLABLE["text"],
        "other_id": NULLABLE["text"],
        "one": {"type": ["object", "null"], "properties": NULLABLE},
        "many": {
            "type": ["array", "null"],
            "items": {"type": ["object", "null"], "properties": NULLABLE},
        },
        "_sdc_deleted_at": NULLABLE["at"],
    },
}
NULLS: Json = dict.fromkeys(NULLABLE)


def conformed(
    value: t.Any, schema: Json = SCHEMA
) -> tuple[t.Any, list[tuple[str, str]]]:
    """The record, and what was reported."""
    reported: list[tuple[str, str]] = []
    report = FieldReport(lambda field, problem: reported.append((field, problem)))
    conform = records.conformer(schema, report)
    return conform(value), reported


def field(name: str, value: t.Any) -> tuple[t.Any, bool]:
    """The column of a field, and whether the value was reported as a type mismatch."""
    record, reported = conformed({name: value})
    assert reported in ([], [(name, MISMATCHED)])
    return record[name], bool(reported)


KEPT: dict[str, tuple[tuple[t.Any, t.Any], ...]] = {
    "text": (
        ("", ""),
        (" as it is\n", " as it is\n"),
        (400, "400"),
        (1.5, "1.5"),
        (2**70, str(2**70)),
        (True, "true"),
    ),
    "id": (("", ""), ("a", "a"), (100, "100"), (-1, "-1"), (2**70, str(2**70))),
    "other_id": (("007", "007"), (100, "100")),
    "number": ((0, 0), (-2, -2), (85.714286, 85.714286), ("12", 12.0), ("85.5", 85.5)),
    "flag": ((True, True), (False, False)),
    "list": (([], []), (["a", None, 5], ["a", None, "5"])),
}


@pytest.mark.parametrize("name", KEPT)
def test_value_is_kept_or_converted_without_loss(name: str) -> None:
    for value, expected in KEPT[name]:
        column, is_mismatched = field(name, value)
        assert column == expected
        assert type(column) is type(expected)
        assert not is_mismatched


MISMATCHES: dict[str, tuple[t.Any, ...]] = {
    "text": ([], {}, {"a": 1}, ["\u00fc", None]),
    "id": ([], {}, {"id": 5}, [5], 100.0, True),
    "other_id": ([], {}, {"id": 5}, [5], 100.0, False),
    "number": ("", "many", "nan", "inf", "1e999", True, [], {}),
    "flag": ("true", 1, 0, "", [], {}),
    "at": (0, 1_700_000_000, True, [], {}),
    "list": ("", "a", 1, {}, True),
    "one": ("", "a", 1, [], True),
    "many": ("", "a", 1, {}, True),
}


@pytest.mark.parametrize("name", MISMATCHES)
def test_type_mismatch_becomes_null_and_is_reported(name: str) -> None:
    for value in MISMATCHES[name]:
        assert field(name, value) == (None, True)


def test_null_and_a_missing_field_are_null() -> None:
    names = list(SCHEMA["properties"])[:-1]
    nulls = {**dict.fromkeys(names), EXTRA: None}
    assert conformed({}) == conformed(dict.fromkeys(names)) == (nulls, [])


def test_columns_of_the_tap_are_left_out() -> None:
    record, reported = conformed({"_sdc_deleted_at": "2024-01-31T00:00:00Z"})
    assert "_sdc_deleted_at" not in record
    assert reported == [("_sdc_deleted_at", UNKNOWN)]


@pytest.mark.parametrize("value", [None, [], "text", 5, True])
def test_only_an_object_becomes_a_record(value: t.Any) -> None:
    assert conformed(value) == (None, [("", MISMATCHED)])


def test_id_is_a_string_or_an_integer() -> None:
    assert id_of({"id": "a"}) == "a"
    assert id_of({"id": 5}) == "5"
    for value in ("", True, 1.5, ["5"], None):
        assert id_of({"id": value}) is None
    rows: tuple[t.Any, ...] = ({}, None, [], "5")
    assert [*map(id_of, rows)] == [None] * 4


def test_unknown_fields_go_into_extra_and_are_reported_by_path() -> None:
    unknown: Json = {
        "new": 1,
        "one": {"new": {"deep": 1}},
        "many": [{"new": 1}, {"newer": 2}],
    }
    record, reported = conformed(
        {**unknown, "text": "a", "one": {**unknown["one"], "text": "b"}}
    )
    assert json.loads(record.pop(EXTRA)) == unknown
    assert record == {
        **NULLS,
        "id": None,
        "other_id": None,
        "text": "a",
        "one": {**NULLS, "text": "b"},
        "many": [NULLS, NULLS],
    }
    paths = ["many[].new", "many[].newer", "new", "one.new"]
    assert sorted(reported) == [(path, UNKNOWN) for path in paths]


def test_nested_values_are_conformed_and_reported_by_path() -> None:
    bad = {"text": {}, "number": "x", "flag": 1, "at": "then", "list": [1, {}]}
    mismatches = {"text", "number", "flag", "at"}
    fine = {**dict.fromkeys(mismatches), "list": ["1", None]}
    record, reported = conformed({"one": bad, "many": [bad, None, "x"]})
    assert record["one"] == fine
    assert record["many"] == [fine, None, None]
    assert set(reported) == {
        *((f"one.{name}", MISMATCHED) for name in mismatches),
        *((f"many[].{name}", MISMATCHED) for name in mismatches),
        ("one.list[]", MISMATCHED),
        ("many[].list[]", MISMATCHED),
        ("many[]", MISMATCHED),
    }
    kept = {name: bad[name] for name in mismatches} | {"list": [None, {}]}
    assert json.loads(record[EXTRA]) == {"one": kept, "many": [kept, None, "x"]}


def test_items_of_a_list_of_ids_that_are_no_ids_are_null() -> None:
    items = [{"id": "300"}, 301, False, "", 1.5, ["302"], None, "303"]
    record, reported = conformed({"list": items})
    assert record["list"] == [None, "301", None, None, None, None, None, "303"]
    assert reported == [("list[]", MISMATCHED)] * 5
    kept = [{"id": "300"}, None, False, "", 1.5, ["302"], None, None]
    assert json.loads(record[EXTRA]) == {"list": kept}


def test_names_in_extra_are_sorted_at_every_depth() -> None:
    value = {"b": 1, "a": [{"d": 1, "c": 2}]}
    record, _ = conformed({"text": value, "new": value})
    text = '{"a":[{"c":2,"d":1}],"b":1}'
    assert record[EXTRA] == f'{{"new":{text},"text":{text}}}'


def nested(levels: int) -> t.Any:
    """Nest objects and lists."""
    value: t.Any = {}
    for level in range(levels - 1):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 985])
def test_value_that_is_nested_too_deep_is_left_out_and_reported(levels: int) -> None:
    deep = nested(levels)
    record, reported = conformed(
        {"text": deep, "new": deep, "newer": None, "one": {"new": deep, "text": "a"}}
    )
    assert record["text"] is None
    assert record["one"] == {**NULLS, "text": "a"}
    assert json.loads(record[EXTRA]) == {"newer": None}
    assert sorted(reported) == [
        ("new", MISMATCHED),
        ("new", UNKNOWN),
        ("newer", UNKNOWN),
        ("one.new", MISMATCHED),
        ("one.new", UNKNOWN),
        ("text", MISMATCHED),
    ]


def test_value_that_is_nested_deep_but_not_too_deep_is_kept() -> None:
    deep = nested(MAX_DEPTH)
    record, _ = conformed({"text": deep, "one": {"new": deep}})
    assert json.loads(record[EXTRA]) == {"text": deep, "one": {"new": deep}}


def test_object_of_the_api_is_not_changed() -> None:
    value = {"text": 1, "one": {"text": 2, "new": 3}, "many": [{"text": 4}, None]}
    before = json.dumps(value)
    record, _ = conformed(value)
    assert json.dumps(value) == before
    record["one"]["text"] = "changed"
    assert json.dumps(value) == before


# Times


def test_time_gets_an_offset_and_keeps_its_digits() -> None:
    for text, offset in (
        ("2019-03-10T02:39:32.59275", "+00:00"),
        ("2020-02-10T10:00:00", "+00:00"),
        ("2020-02-10T10:00:00.1", "+00:00"),
        ("2020-02-29T23:59:59", "+00:00"),
        ("2020-02-10T10:00:00.123456789", "+00:00"),
        ("2020-02-10T10:00:00Z", ""),
        ("2020-02-10T10:00:00.5Z", ""),
        ("2020-02-10T10:00:00+05:30", ""),
    ):
        assert field("at", text) == (text + offset, False)
        assert field("at", text + offset) == (text + offset, False)
    assert field("at", "2020-02-10 10:00:00")[0] == "2020-02-10T10:00:00+00:00"
    assert field("at", "2020-02-10T10:00:00-0330")[0] == "2020-02-10T10:00:00-03:30"


INVALID_TIMES = (
    "",
    "now",
    "2020-02-10",
    "10:00:00",
    "2020-02-10T10:00",
    "1581328800",
    "2021-02-29T10:00:00",
    "2020-13-01T10:00:00",
    "2020-00-10T10:00:00",
    "2020-02-10T24:30:00",
    "2020-02-10T10:60:00",
    "2020-02-10T10:00:61",
    "0000-01-01T00:00:00",
    "20-02-10T10:00:00",
    "2020-2-10T10:00:00",
    "2020-02-10T10:00:00.",
    "2020-02-10T10:00:00 Z",
    " 2020-02-10T10:00:00",
    "2020-02-10T10:00:00\n",
    "2020-02-10T10:00:00+5",
    "2020-02-10X10:00:00",
    "2020-02-10T10:00:00+99:99",
    "2020-02-10T10:00:00-24:00",
    "\uff12\uff10\uff12\uff10-02-10T10:00:00",
)


@pytest.mark.parametrize("text", INVALID_TIMES)
def test_invalid_time_is_a_type_mismatch(text: str) -> None:
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
def test_every_emitted_time_can_be_parsed(
    when: datetime, fraction: str, separator: str, offset: str
) -> None:
    text = f"{when:%m-%dT%H:%M:%S}".replace("T", separator)
    column, is_mismatched = field("at", f"{when.year:04d}-{text}{fraction}{offset}")
    if is_mismatched:
        assert int(offset[1:3]) > 23 or int(offset[-2:]) > 59
        return
    assert RFC_3339.fullmatch(column)
    assert fraction in column
    micros = int((fraction[1:] + "000000")[:6])
    read = moment(column)
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
    """Values that fit a schema, or any JSON."""
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
def test_any_value_becomes_a_record_that_fits_its_schema(
    stream: str, data: st.DataObject
) -> None:
    schema = schema_of(stream)
    value = data.draw(like(stream))
    record, reported = conformed(value, schema)
    if not isinstance(value, dict):
        assert record is None
        return
    errors = Draft7Validator(schema).iter_errors(record)
    # The stream leaves out rows without an ID.
    assert all([*error.path] == ["id"] for error in errors)
    rest = {name: value for name, value in record.items() if name != EXTRA}
    assert conformed(rest, schema) == ({**rest, EXTRA: None}, [])
    assert (record[EXTRA] is None) is (not reported)
    assert ("new" in value) is (("new", UNKNOWN) in reported)


def properties(schema: Json, depth: int = 0) -> t.Iterator[tuple[int, str, Json]]:
    """Yield the depth, the name and the schema of each property and item."""
    for name, inner in schema.get("properties", {}).items():
        yield depth, name, inner
        yield from properties(inner, depth + 1)
    if "items" in schema:
        yield depth, "[]", schema["items"]
        yield from properties(schema["items"], depth + 1)


@pytest.mark.parametrize("stream", STREAMS)
def test_every_property_is_described_and_may_be_null_unless_it_is_a_key(
    stream: str,
) -> None:
    """A type mismatch becomes null."""
    keys = {"id", "candidate_id", "position", "observed_at", "event_id", "started_at"}
    assert schema_of(stream)["description"].endswith(".")
    for depth, name, schema in properties(schema_of(stream)):
        assert name == "[]" or schema["description"].endswith("."), name
        assert "null" in schema["type"] or (depth == 0 and name in keys), name


# The log of fields


@pytest.fixture
def fields() -> FieldLog:
    return FieldLog(logging.getLogger("fields"))


def test_each_field_is_logged_once_and_counted(
    fields: FieldLog, caplog: pytest.LogCaptureFixture
) -> None:
    report = fields.of("candidates").note
    for _ in range(3):
        report("one.two[]", UNKNOWN)
    report("one.two[]", MISMATCHED)
    fields.of("candidates").note("one.two[]", UNKNOWN)
    fields.of("tags").note("one.two[]", UNKNOWN)
    assert caplog.messages == [
        f"Field one.two[] of candidates {UNKNOWN}.",
        f"Field one.two[] of candidates {MISMATCHED}.",
        f"Field one.two[] of tags {UNKNOWN}.",
    ]
    assert fields.unknown == {"candidates.one.two[]": 4, "tags.one.two[]": 1}
    assert fields.mismatched == {"candidates.one.two[]": 1}


def test_limited_number_of_names_is_logged(
    fields: FieldLog, caplog: pytest.LogCaptureFixture
) -> None:
    report = fields.of("tags").note
    for _ in range(2):
        for number in range(MAX_NAMES + 5):
            report(f"field{number}", UNKNOWN)
        report("field0", MISMATCHED)
    assert len(caplog.messages) == MAX_NAMES + 2  # one for each problem
    assert caplog.messages[MAX_NAMES:] == ["There are more such fields of tags."] * 2
    assert fields.unknown["tags.more"] == 10
    assert fields.unknown.total() == 2 * (MAX_NAMES + 5)
    assert fields.mismatched == {"tags.more": 2}


def test_plain_name_is_shown() -> None:
    names = (
        "a",
        "_x",
        "contact_info.phone",
        "answers[].a-b",
        "x[][]",
        "A1." + "b" * 40,
    )
    assert [*map(records.loggable, names)] == [*names]


ODD_NAMES = (
    "",
    "me@example.com",
    "a b",
    "a\nb",
    "1a",
    "a..b",
    ".a",
    "a.",
    "a[]b",
    "\u00fc",
    "b" * 41,
    "a.\x1b[31m",
    "Zo\u00eb",
    "a\n",
)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_name_is_not_repeated(
    fields: FieldLog, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    fields.of("tags").note(name, UNKNOWN)
    assert caplog.messages == [f"Field {records.UNPRINTABLE} of tags {UNKNOWN}."]


def test_fields_that_no_object_had_are_missing_where_there_was_an_object() -> None:
    fields = FieldLog(logging.getLogger("fields"))
    conform = records.conformer(SCHEMA, fields.of("tags"))
    assert fields.missing == {}  # nothing was read
    names = [name for name in SCHEMA["properties"] if not name.startswith("_sdc")]
    everything: Json = {name: None for name in names if name != "number"}
    conform({**everything, "many": [{"text": "a"}, {"flag": None}, None]})
    conform({})
    conform("no object")
    assert fields.missing == {
        "tags.number": 2,
        **dict.fromkeys(
            ("tags.many[].number", "tags.many[].at", "tags.many[].list"), 2
        ),
    }


def test_missing_fields_are_logged_in_one_line_per_stream(
    fields: FieldLog, caplog: pytest.LogCaptureFixture
) -> None:
    for stream in ("candidates", "tags"):
        records.conformer(SCHEMA, fields.of(stream))
    records.conformer(SCHEMA, fields.of("categories"))({"text": "", "many": []})
    fields.log_missing()
    names = "at, flag, id, list, number, one, other_id"
    assert caplog.messages == [records.MISSING % ("categories", names)]
