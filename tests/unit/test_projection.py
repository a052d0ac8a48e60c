"""Selection, stream maps and flattening; and the fingerprint of all three."""

from __future__ import annotations

import typing as t

import pytest
from singer_sdk.exceptions import MapExpressionError

from tap_toggl_hire.projection import Projection, fingerprints, projections
from tests.unit.small_tap import PERSON, TOMBSTONE, People, small_tap

if t.TYPE_CHECKING:
    from singer_sdk import Stream

Json = dict[str, t.Any]

FLAT: Json = {"flattening_enabled": True, "flattening_max_depth": 2}


def source(
    maps: Json | None = None, *deselected: tuple[str, ...], **config: t.Any
) -> tuple[Stream, Json]:
    """The stream `people`, and the settings."""
    config["stream_maps"] = maps or {}
    tap = small_tap(config, [("people", *place) for place in deselected])
    return tap.streams["people"], config


def people(*arguments: t.Any, **config: t.Any) -> list[Projection]:
    """The projections of the stream `people`."""
    return projections(*source(*arguments, **config))


def mapped(
    maps: Json | None = None, *deselected: tuple[str, ...], **config: t.Any
) -> tuple[Json, Json]:
    """A record and a tombstone, each checked to have every column of the schema."""
    (projection,) = people(maps, *deselected, **config)
    record = projection.record(PERSON)
    tombstone = projection.tombstone(TOMBSTONE)
    assert record is not None
    assert tombstone is not None
    columns = list(projection.schema["properties"])
    assert list(record) == list(tombstone) == columns
    return record, tombstone


def values(record: Json) -> Json:
    return {name: value for name, value in record.items() if value is not None}


def test_without_maps_a_record_stays_as_it_is() -> None:
    record, tombstone = mapped()
    assert record == PERSON
    assert values(tombstone) == TOMBSTONE
    (projection,) = people()  # a column that the record lacks is null
    assert projection.record({"id": "6"}) == {**dict.fromkeys(PERSON), "id": "6"}


def test_deselected_properties_are_left_out() -> None:
    phone = ("properties", "contact", "properties", "phone")
    record, tombstone = mapped({}, ("properties", "name"), phone)
    assert "name" not in record
    assert record["contact"] == {"city": "Nowhere"}
    assert tombstone["contact"] is None


def test_stream_that_is_not_selected_has_no_output() -> None:
    assert people({}, ()) == []
    for maps in (
        {"people": None},
        {"people": "__NULL__"},
        {"p*": None},
        {"__else__": None},
    ):
        assert people(maps) == []


def test_expressions_apply_to_records_and_not_to_tombstones() -> None:
    gone = {"gone_at": "_sdc_deleted_at"}
    rules = {"initial": "name[0]", "rating": "rating * 2", "tag_ids": None, **gone}
    record, tombstone = mapped({"people": rules})
    assert (record["initial"], record["rating"]) == ("A", 6)
    assert "tag_ids" not in record
    assert values(tombstone) == {**TOMBSTONE, "gone_at": TOMBSTONE["_sdc_deleted_at"]}


@pytest.mark.parametrize("expression", ["name", "str(name)", "_['name']"])
def test_key_from_a_column_that_a_tombstone_lacks_fails(expression: str) -> None:
    rules = {"key": expression, "__key_properties__": ["key"], "full": "name"}
    (projection,) = people({"people": rules})
    record = projection.record(PERSON) or {}
    assert record["key"] == record["full"] == PERSON["name"]
    with pytest.raises((MapExpressionError, KeyError)):
        projection.tombstone(TOMBSTONE)


def test_filter_applies_to_records_and_not_to_tombstones() -> None:
    (projection,) = people({"people": {"__filter__": "rating > 3"}})
    assert projection.record(PERSON) is None
    assert projection.record({**PERSON, "rating": 4}) is not None
    assert values(projection.tombstone(TOMBSTONE) or {}) == TOMBSTONE


def test_expression_for_the_key_applies_to_tombstones() -> None:
    rules: Json = {"__alias__": "persons", "__else__": None, "id": "'x' + id"}
    record, tombstone = mapped({"people": rules})
    assert record == tombstone == {"id": "x5"}
    (projection,) = people({"people": rules})
    assert projection.alias == "persons"
    rules = {"key": "'x' + id", "__key_properties__": ["key"], "id": None}
    record, tombstone = mapped({"people": rules})
    assert record["key"] == tombstone["key"] == "x5"


@pytest.mark.parametrize("keys", [None, []])
def test_key_may_be_removed_if_the_map_names_no_other(keys: list[str] | None) -> None:
    record, tombstone = mapped({"people": {"__key_properties__": keys, "id": None}})
    assert "id" not in record
    assert "id" not in tombstone


def test_copy_is_an_output_of_its_own() -> None:
    copy = {"__source__": "people", "name": None, "__key_properties__": ["rating"]}
    own, other = people({"copy": copy, "people": {"tag_ids": None}})
    assert (own.alias, other.alias) == ("people", "copy")
    assert (own.keys, other.keys) == (("id",), ["rating"])
    assert PERSON.keys() - own.schema["properties"] == {"tag_ids"}
    assert PERSON.keys() - other.schema["properties"] == {"name"}


@pytest.mark.parametrize("contact", [None, PERSON["contact"]])
def test_flattened_records_have_every_column(contact: Json | None) -> None:
    (projection,) = people(**FLAT)
    record = projection.record({**PERSON, "contact": contact})
    assert record is not None
    assert list(record) == list(projection.schema["properties"])
    assert record["contact__phone"] == (contact and contact["phone"])
    assert record["tag_ids"] == '["7"]'
    mapped(**FLAT)


# Fingerprint


def fingerprints_of(*arguments: t.Any, **config: t.Any) -> set[str]:
    digests = fingerprints(*source(*arguments, **config))
    assert len(set(digests)) == len(digests)
    assert {len(digest) for digest in digests} == {8}  # the state has all of them
    return set(digests)


MASK = "sha256(config['seed'] + name)"
SEEDED = {"stream_map_config": {"seed": "a"}}
RESEEDED = {"stream_map_config": {"seed": "b"}}


FIRST, SECOND = {"name": "name[0]"}, {"name": "name[1]"}
LOW, HIGH = {"__filter__": "rating > 1"}, {"__filter__": "rating > 2"}
CHANGED: list[tuple[Json, Json]] = [
    *(({}, {"people": rules}) for rules in (FIRST, LOW, {"initial": "name[0]"})),
    *((({"people": rules}), {}) for rules in (FIRST, LOW)),
    ({}, {"people": {"__alias__": "persons"}}),
    ({}, {"people": {"__key_properties__": ["name"]}}),
    ({}, {"copy": {"__source__": "people"}}),
    ({"people": FIRST}, {"people": SECOND}),
    ({"*": FIRST}, {"*": SECOND}),
    ({"people": FIRST, "p*": FIRST}, {"people": FIRST, "p*": SECOND}),
    (
        {"copy": {"__source__": "people", **FIRST}},
        {"copy": {"__source__": "people", **SECOND}},
    ),
    ({"copy": {"__source__": "p*", **LOW}}, {"copy": {"__source__": "p*", **HIGH}}),
]


@pytest.mark.parametrize(("before", "after"), CHANGED, ids=str)
def test_new_column_expression_filter_or_key_is_noticed(
    before: Json, after: Json
) -> None:
    assert not fingerprints_of(after) <= fingerprints_of(before)


MASKED = (
    {"people": {"name": MASK}},
    {"*": {"name": MASK}},
    {"people": {"__filter__": MASK}},
    {"copy": {"__source__": "people", "name": MASK}},
)


@pytest.mark.parametrize("maps", MASKED, ids=str)
def test_settings_of_expressions_are_noticed(maps: Json) -> None:
    fakers = ({"faker_config": {"seed": seed}} for seed in (1, 2))
    for before, after in ((SEEDED, RESEEDED), fakers):
        assert not fingerprints_of(maps, **after) <= fingerprints_of(maps, **before)


def test_settings_of_expressions_cost_nothing_without_expressions() -> None:
    for maps in ({}, {"labels": {"name": MASK}}, {"people": {"name": None}}):
        assert fingerprints_of(maps, **RESEEDED) == fingerprints_of(maps, **SEEDED)


def test_flattening_is_noticed() -> None:
    for name, value in (
        ("flattening_max_depth", 1),
        ("flattening_separator", "-"),
        ("flattening_max_key_length", 5),
    ):
        flat = fingerprints_of(**{**FLAT, name: value})
        assert flat.isdisjoint(fingerprints_of(**FLAT))
    assert fingerprints_of(**FLAT).isdisjoint(fingerprints_of())
    off = {**FLAT, "flattening_enabled": False}
    assert fingerprints_of(**off) == fingerprints_of()


def test_new_expression_for_a_flattened_column_is_noticed() -> None:
    before = {"people": {"contact": "contact"}}
    after = {"people": {"contact": "contact or 0"}}
    assert not fingerprints_of(after, **FLAT) <= fingerprints_of(before, **FLAT)


@pytest.mark.parametrize("config", [{}, FLAT, SEEDED], ids=str)
def test_fewer_columns_are_a_subset(config: Json) -> None:
    whole, name = fingerprints_of(**config), ("properties", "name")
    assert fingerprints_of({}, name, **config) < whole
    phone = ("properties", "contact", "properties", "phone")
    assert fingerprints_of({}, phone, **config) < whole
    assert fingerprints_of({"people": {"name": None}}, **config) < whole
    assert fingerprints_of({"p*": {"rating": "__NULL__"}}, **config) < whole


def test_removed_copy_or_expression_is_a_subset() -> None:
    maps = {
        "copy": {"__source__": "people", "name": "name[0]"},
        "people": {"initial": "name[0]"},
        "other": {"__source__": "people"},
    }
    whole = fingerprints_of(maps, **SEEDED)
    for name in maps:
        rest = {other: rules for other, rules in maps.items() if other != name}
        assert fingerprints_of(rest, **SEEDED) < whole


def test_copy_of_a_removed_stream_has_fingerprints() -> None:
    copy = {"copy": {"__source__": "people"}}
    maps = {"people": None, **copy}
    assert fingerprints_of(maps) == fingerprints_of(copy) - fingerprints_of()


def test_order_of_settings_is_not_noticed_and_they_are_not_changed() -> None:
    seeds = {"seed": "a", "salt": "b"}
    stream, config = source({"people": {"name": MASK}, "__else__": None})
    digests = [
        fingerprints(stream, {**config, "stream_map_config": dict(pairs)})
        for pairs in (seeds.items(), reversed(seeds.items()))
    ]
    assert digests[0] == digests[1]
    assert "__else__" in config["stream_maps"]


def test_types_are_noticed_and_texts_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprints_of()
    name = People.schema["properties"]["name"]
    monkeypatch.setitem(name, "description", "Another text.")
    monkeypatch.setitem(name, "title", "Another title")
    assert fingerprints_of() == before
    monkeypatch.setitem(name, "type", ["integer", "null"])
    assert len(fingerprints_of() - before) == 1
