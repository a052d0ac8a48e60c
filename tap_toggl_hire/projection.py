"""Selection, stream maps and flattening: from a stream's record to a RECORD.

Every RECORD has every column of its SCHEMA, null where the record has no value: targets
and mappers rely on it. In a tombstone only the key goes through expressions, and the
filter does not apply.
"""

from __future__ import annotations

import typing as t
from dataclasses import asdict
from fnmatch import fnmatch
from hashlib import blake2b

import msgspec
from singer_sdk.helpers._catalog import get_selected_schema
from singer_sdk.mapper import (
    CustomStreamMap,
    PluginMapper,
    RemoveRecordTransform,
    SameRecordTransform,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from singer_sdk import Stream
    from singer_sdk.mapper import StreamMap

    from tap_toggl_hire.records import Record

Json = dict[str, t.Any]


class Projection:
    """One output of a stream: the stream itself, or a copy of it (`__source__`).

    Args:
        stream: The stream.
        rules: The rules in the setting stream_maps; empty without a map.
        whole: The map for records.
        keys: The same map with only the rules that apply to tombstones.
        unflattened: The same map without flattening.
    """

    def __init__(
        self,
        stream: Stream,
        rules: Json,
        *,
        whole: StreamMap,
        keys: StreamMap,
        unflattened: StreamMap,
    ) -> None:
        self.alias = whole.stream_alias
        self.schema = {
            name: value
            for name, value in whole.transformed_schema.items()
            if name != "$schema"
        }
        self.keys = whole.transformed_key_properties
        self._columns = tuple(self.schema["properties"])
        self._select = _selector(selected_schema(stream), stream.schema)
        self._rules = rules
        self._whole = whole
        self._keys = keys
        self._unflattened = unflattened
        self._is_identity = (
            isinstance(whole, SameRecordTransform) and not whole.flattening_enabled
        )

    def record(self, record: Record) -> Record | None:
        """Return a record with every column; None if the filter excludes it."""
        selected = self._select(record)
        if self._is_identity:  # the usual case; it has every column
            return selected
        return self._complete(self._whole.transform(selected))

    def tombstone(self, record: Record) -> Record | None:
        """Return a tombstone with every column, whatever the filter says."""
        return self._complete(self._keys.transform(self._select(record)))

    def fingerprint(self) -> list[str]:
        """Return one digest per field, and one for the filter and the key.

        A digest covers the name, the type (not title and description), the expression,
        and the settings that flattening and expressions depend on. The fields are those
        before flattening, since expressions are for these.
        """
        options = t.cast("t.Any", self._whole.flattening_options)
        context = [
            self.alias,
            asdict(options) if self._whole.flattening_enabled else None,
        ]
        return [
            _digest([*context, self.keys, self._expression("__filter__")]),
            *(
                _digest([*context, path, kind, self._expression(path[0])])
                for path, kind in _fields(self._unflattened.transformed_schema)
            ),
        ]

    def _expression(self, name: str) -> list[t.Any] | None:
        """Return an expression, and the settings that it may use."""
        rule = self._rules.get(name)
        if rule is None or not isinstance(self._whole, CustomStreamMap):
            return None
        # As a digest: a seed in it must not be guessable from the state.
        settings = _digest([self._whole.map_config, self._whole.faker_config])
        return [rule, settings]

    def _complete(self, mapped: Record | None) -> Record | None:
        if mapped is None:
            return None
        return {name: mapped.get(name) for name in self._columns}


def selected_schema(stream: Stream) -> Json:
    """Return the schema with the properties that the catalog selects.

    `StreamMap.raw_schema` is no substitute: it lacks the properties that the map
    removes, which its expressions may use.
    """
    return get_selected_schema(stream.name, stream.effective_schema, stream.mask)


def projections(stream: Stream, config: Mapping[str, t.Any]) -> list[Projection]:
    """Return the outputs of a stream; none if it is not selected.

    Args:
        stream: The stream.
        config: The tap's settings.
    """
    if not stream.selected:
        return []
    maps = config.get("stream_maps") or {}
    of_keys = {
        name: _tombstone_rules(stream, rules) if isinstance(rules, dict) else rules
        for name, rules in maps.items()
    }
    return [
        Projection(stream, rules, whole=whole, keys=keys, unflattened=unflattened)
        for rules, whole, keys, unflattened in zip(
            _rules(stream.name, maps),
            stream.stream_maps,
            _stream_maps(stream, config, stream_maps=of_keys),
            _stream_maps(
                stream, config, stream_maps={**maps}, flattening_enabled=False
            ),
            strict=True,
        )
        if not isinstance(whole, RemoveRecordTransform)
    ]


def _stream_maps(
    stream: Stream, config: Mapping[str, t.Any], **changes: t.Any
) -> list[StreamMap]:
    mapper = PluginMapper({**config, **changes}, stream.logger)
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
        if not fnmatch(name, rules["__source__"] if is_copy else key):
            continue
        if is_copy:
            found.append(rules)
        else:
            found[0] = rules if isinstance(rules, dict) else {}
    return found


def _tombstone_rules(stream: Stream, rules: Json) -> Json:
    """Return the rules that apply to tombstones: keys, and renamed columns."""
    keys = rules.get("__key_properties__") or stream.primary_keys
    kept = {"__alias__", "__key_properties__", "__source__", *keys}
    columns = stream.schema["properties"]
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
            yield path, _without_texts(field)


def _without_texts(schema: t.Any) -> t.Any:
    if not isinstance(schema, dict):
        return schema
    return {
        name: _without_texts(value)
        for name, value in schema.items()
        # A property may have one of these names, too; its value is an object.
        if name not in {"description", "title"} or isinstance(value, dict)
    }


def _digest(value: t.Any) -> str:
    text = msgspec.json.encode(value, order="sorted")
    return blake2b(text, digest_size=4).hexdigest()
