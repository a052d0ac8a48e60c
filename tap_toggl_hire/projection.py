"""Selection, stream maps and flattening: from a stream's record to a RECORD.

Every RECORD has every column of its SCHEMA, null where the record has no value: targets
and mappers rely on it. In a tombstone only the key goes through expressions, and the
filter does not apply.
"""

from __future__ import annotations

import json
import typing as t
from fnmatch import fnmatch
from hashlib import blake2b

import msgspec

# Private: a stream's public method for the schema of the selected columns would
# replace it.
from singer_sdk.helpers._catalog import get_selected_schema
from singer_sdk.mapper import PluginMapper, RemoveRecordTransform, SameRecordTransform

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_sdk import Stream
    from singer_sdk.mapper import StreamMap

    from tap_toggl_hire.records import Record

Json = dict[str, t.Any]
Config = t.Mapping[str, t.Any]


class Projection:
    """One output of a stream: the stream itself, or a copy of it (`__source__`).

    `whole` is the map for records; `keys` has only the rules that apply to tombstones.
    """

    def __init__(
        self, stream: Stream, whole: StreamMap, keys: StreamMap, *, is_filtered: bool
    ) -> None:
        self.is_filtered = is_filtered
        self.alias = whole.stream_alias
        self.schema = {**whole.transformed_schema}
        self.schema.pop("$schema", None)
        self.keys = whole.transformed_key_properties
        self._columns = tuple(self.schema["properties"])
        self._select = _selector(selected_schema(stream), stream.schema)
        self._whole = whole
        self._keys = keys
        is_same = isinstance(whole, SameRecordTransform)
        self._is_identity = is_same and not whole.flattening_enabled

    def record(self, record: Record) -> Record | None:
        """Return a record with every column; None if the filter excludes it."""
        selected = self._select(record)
        if self._is_identity:  # the usual case; it has every column
            return selected
        return self._complete(self._whole.transform(selected))

    def tombstone(self, record: Record) -> Record | None:
        """Return a tombstone with every column, whatever the filter says.

        Raises:
            Exception: If an expression of the key uses a column that it lacks.
        """
        selected = self._select(record).items()
        present = {name: value for name, value in selected if value is not None}
        return self._complete(self._keys.transform(present))

    def _complete(self, mapped: Record | None) -> Record | None:
        if mapped is None:
            return None
        return {name: mapped.get(name) for name in self._columns}


def projections(stream: Stream, config: Config) -> list[Projection]:
    """Return the outputs of a stream; none if it is not selected."""
    if not stream.selected:
        return []
    maps = config.get("stream_maps") or {}
    of_tombstones = {
        name: _tombstone_rules(stream, rules) if isinstance(rules, dict) else rules
        for name, rules in maps.items()
    }
    return [
        Projection(stream, whole, keys, is_filtered="__filter__" in rules)
        for whole, keys, rules in zip(
            stream.stream_maps,
            _maps(stream, {**config, "stream_maps": of_tombstones}),
            _rules(stream.name, maps),
            strict=True,
        )
        if not isinstance(whole, RemoveRecordTransform)
    ]


def fingerprints(stream: Stream, config: Config) -> list[str]:
    """Return one digest per field of each output, and one for its filter and key.

    A digest covers the name, the type (not title and description), the expression, and
    the settings that flattening and expressions depend on. The fields are those before
    flattening, since expressions are for these. A digest that the last run did not have
    means that all records of the stream are to be emitted again.
    """
    rules = config.get("stream_maps") or {}
    names = [name for name in config if name.startswith("flattening_")]
    flat = [[n, config[n]] for n in names] if config.get("flattening_enabled") else None
    # As a digest: a seed in it must not be guessable from the state.
    settings = _digest([config.get("stream_map_config"), config.get("faker_config")])
    unflattened = {**config, "flattening_enabled": False, "stream_maps": {**rules}}
    found = []
    pairs = zip(_rules(stream.name, rules), _maps(stream, unflattened), strict=True)
    for own, stream_map in pairs:
        if isinstance(stream_map, RemoveRecordTransform):
            continue
        fields = _fields(stream_map.transformed_schema)
        columns = [
            ((), stream_map.transformed_key_properties, "__filter__"),
            *((path, kind, path[0]) for path, kind in fields),
        ]
        for path, kind, name in columns:
            rule = own.get(name)
            expression = None if rule is None else [rule, settings]
            digest = _digest([stream_map.stream_alias, flat, path, kind, expression])
            found.append(digest)
    return found


def selected_schema(stream: Stream) -> Json:
    """Return the schema with the properties that the catalog selects.

    `StreamMap.raw_schema` is no substitute: it lacks the properties that the map
    removes, which its expressions may use.
    """
    return get_selected_schema(stream.name, stream.effective_schema, stream.mask)


def _maps(stream: Stream, config: Json) -> list[StreamMap]:
    mapper = PluginMapper(config, stream.logger)
    schema = selected_schema(stream)
    mapper.register_raw_stream_schema(stream.name, schema, stream.primary_keys)
    return mapper.stream_maps[stream.name]


def _rules(name: str, maps: Json) -> list[Json]:
    """Return the rules of each map of a stream, in the order of the SDK's mapper.

    The mapper (`PluginMapper.register_raw_stream_schema`) does not keep them. Its first
    map is the stream's own, which a later entry replaces; copies follow.
    """
    found: list[Json] = [{}]
    for key, rules in maps.items():
        is_copy = isinstance(rules, dict) and "__source__" in rules
        if is_copy and fnmatch(name, rules["__source__"]):
            found.append(rules)
        elif not is_copy and fnmatch(name, key):
            found[0] = rules if isinstance(rules, dict) else {}
    return found


def _tombstone_rules(stream: Stream, rules: Json) -> Json:
    """Return the rules that apply to tombstones: keys, and renamed times."""
    keys = rules.get("__key_properties__") or stream.primary_keys
    kept = {"__alias__", "__key_properties__", "__source__", *keys}
    columns = {"_sdc_deleted_at", *stream.primary_keys}
    return {
        name: rule
        for name, rule in rules.items()
        if name in kept or (isinstance(rule, str) and rule in columns)
    }


def _selector(selected: Json, schema: Json) -> Callable[[Record], Record]:
    """Return a function that leaves deselected properties out of a record."""
    names = tuple(selected["properties"])
    nested = {
        name: tuple(field["properties"])
        for name, field in selected["properties"].items()
        if "properties" in field
        and field["properties"].keys()
        != schema["properties"][name]["properties"].keys()
    }

    def select(record: Record) -> Record:
        chosen: Record = {name: record.get(name) for name in names}
        for name, parts in nested.items():
            if chosen[name] is not None:
                chosen[name] = {part: chosen[name].get(part) for part in parts}
        return chosen

    return select


def _fields(
    schema: Json, parents: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], t.Any]]:
    """Yield the path and the type of each field, objects resolved."""
    for name, field in schema["properties"].items():
        path = (*parents, name)
        if "properties" in field:
            yield from _fields(field, path)
        else:
            yield path, json.loads(json.dumps(field), object_hook=_without_texts)


def _without_texts(schema: Json) -> Json:
    return {
        name: value
        for name, value in schema.items()
        # A property may have one of these names, too; its value is an object.
        if name not in {"description", "title"} or isinstance(value, dict)
    }


def _digest(value: t.Any) -> str:
    text = msgspec.json.encode(value, order="sorted")
    return blake2b(text, digest_size=4).hexdigest()
