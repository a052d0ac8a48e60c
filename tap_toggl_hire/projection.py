"""What selection, stream maps and flattening make of the records of a stream.

Every record has every column of its SCHEMA, null where there is nothing: targets and
mappers rely on it. A tombstone is filled in from the mapped schema; only its key is
ever given to an expression.
"""

from __future__ import annotations

import typing as t
from copy import deepcopy

from singer_sdk.helpers._catalog import get_selected_schema
from singer_sdk.mapper import (
    PluginMapper,
    RemoveRecordTransform,
    SameRecordTransform,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from singer_sdk import Stream
    from singer_sdk.mapper import StreamMap

    from tap_toggl_hire.records import Record

Maps = dict[str, t.Any]
"""The setting `stream_maps`."""


class Projection:
    """What one stream map makes of records.

    Args:
        stream: The stream.
        whole: The map of the settings.
        keys: The same map with nothing but what a tombstone can be given to.
    """

    def __init__(self, stream: Stream, whole: StreamMap, keys: StreamMap) -> None:
        self.alias = whole.stream_alias
        self.schema = {
            name: value
            for name, value in whole.transformed_schema.items()
            if name != "$schema"
        }
        self.keys = whole.transformed_key_properties
        self.columns = tuple(self.schema["properties"])
        self._select = _selector(selected_schema(stream), stream.schema)
        self._whole = whole
        self._keys = keys
        self._is_plain = (
            isinstance(whole, SameRecordTransform) and not whole.flattening_enabled
        )

    def record(self, record: Record) -> Record | None:
        """Return a record with every column; None for one that is filtered out."""
        selected = self._select(record)
        if self._is_plain:  # nearly all; it has every column
            return selected
        return self._complete(self._whole.transform(selected))

    def tombstone(self, record: Record) -> Record | None:
        """Return a tombstone with every column, whatever the map's filter says."""
        return self._complete(self._keys.transform(self._select(record)))

    def _complete(self, mapped: Record | None) -> Record | None:
        if mapped is None:
            return None
        return {name: mapped.get(name) for name in self.columns}


def selected_schema(stream: Stream) -> dict[str, t.Any]:
    """Return the schema of the properties that the catalog selects.

    A map's own `raw_schema` has only those that the map leaves, though its expressions
    may use all.
    """
    return get_selected_schema(stream.name, stream.effective_schema, stream.mask)


def projections(stream: Stream, maps: Maps) -> list[Projection]:
    """Return what is written of a stream; nothing where it is not selected."""
    if not stream.selected:
        return []
    return [
        Projection(stream, whole, keys)
        for whole, keys in zip(stream.stream_maps, _key_maps(stream, maps), strict=True)
        if not isinstance(whole, RemoveRecordTransform)
    ]


def _key_maps(stream: Stream, maps: Maps) -> list[StreamMap]:
    """Return the stream maps, of which only keys and plain names are mapped."""
    of_keys = {
        name: {
            key: value
            for key, value in rules.items()
            if _is_of_key(stream, key, value, rules)
        }
        if isinstance(rules, dict)
        else rules
        for name, rules in deepcopy(maps).items()
    }
    mapper = PluginMapper({**stream.config, "stream_maps": of_keys}, stream.logger)
    schema = selected_schema(stream)
    mapper.register_raw_stream_schema(stream.name, schema, stream.primary_keys)
    return mapper.stream_maps[stream.name]


def _is_of_key(stream: Stream, name: str, value: t.Any, rules: Maps) -> bool:
    keys = rules.get("__key_properties__") or stream.primary_keys
    is_column = isinstance(value, str) and value in stream.schema["properties"]
    return is_column or name in {
        *("__alias__", "__key_properties__", "__source__"),
        *keys,
    }


def _selector(
    selected: dict[str, t.Any], schema: dict[str, t.Any]
) -> Callable[[Record], Record]:
    """Return what leaves the deselected properties out of a record."""
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
