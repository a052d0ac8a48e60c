"""The messages of one stream: SCHEMA once, RECORD or BATCH, ACTIVATE_VERSION last.

Every RECORD has every column of its SCHEMA, after stream maps and flattening, null
where there is nothing: targets and mappers rely on it. A tombstone is filled in from
the mapped schema; only its key is ever given to an expression.
"""

from __future__ import annotations

import typing as t
from copy import deepcopy
from datetime import UTC, datetime
from hashlib import blake2b

import msgspec
from singer_sdk.batch import Batcher
from singer_sdk.helpers._batch import SDKBatchMessage
from singer_sdk.mapper import PluginMapper, RemoveRecordTransform
from singer_sdk.singerlib import ActivateVersionMessage, RecordMessage, SchemaMessage

from tap_toggl_hire.errors import SettingError

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_sdk import Stream
    from singer_sdk.helpers._batch import BatchConfig
    from singer_sdk.mapper import StreamMap
    from singer_sdk.singerlib import Message

    from tap_toggl_hire.records import Record

LARGEST_FILE = 10_000
"""Records that wait for a BATCH file, unless the state is written before."""


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
        self._select = _selector(whole.raw_schema, stream.schema)
        self._whole = whole
        self._keys = keys

    def record(self, record: Record) -> Record | None:
        """Return a record with every column; None for one that is filtered out."""
        return self._complete(self._whole.transform(self._select(record)))

    def tombstone(self, record: Record) -> Record | None:
        """Return a tombstone with every column, whatever the map's filter says."""
        return self._complete(self._keys.transform(self._select(record)))

    def _complete(self, mapped: Record | None) -> Record | None:
        if mapped is None:
            return None
        return {name: mapped.get(name) for name in self.columns}


class Output:
    """Writes the messages of one stream.

    Args:
        stream: The stream.
        write: Writes a message.
        maps: The setting `stream_maps`.
    """

    def __init__(
        self, stream: Stream, write: Callable[[Message], None], maps: dict[str, t.Any]
    ) -> None:
        self.count = 0
        """Records so far."""
        self.version: int | None = None
        """That records carry, where ACTIVATE_VERSION may follow."""
        self._stream = stream
        self._write = write
        self._maps = maps
        self._bookmarks = [stream.replication_key] if stream.replication_key else None
        self._is_schema_written = False
        self._is_warned = False
        self._projections = list(self._project())

    @property
    def is_selected(self) -> bool:
        """Whether the catalog selects the stream, and no map takes it out."""
        return bool(self._projections)

    def write_schema(self) -> None:
        """Write SCHEMA, the first time."""
        if not self._is_schema_written:
            self._is_schema_written = True
            for one in self._projections:
                self._write(
                    SchemaMessage(one.alias, one.schema, one.keys, self._bookmarks)
                )

    def write(self, record: Record) -> None:
        """Write a record.

        Raises:
            SettingError: If an expression of the setting stream_maps fails on it.
        """
        self.count += 1
        for one in self._projections:
            try:
                mapped = one.record(record)
            except Exception as error:
                # The text of the error may hold the record.
                msg = (
                    f"An expression of setting stream_maps for stream "
                    f"{self._stream.name} fails on a record "
                    f"({type(error.__cause__ or error).__name__}): it has to take "
                    "nulls, too."
                )
                raise SettingError(msg) from error
            if mapped is not None:
                self._put(one, mapped)

    def write_tombstone(self, record: Record) -> None:
        """Write the record of something that is gone: its key, and what tells of it."""
        self.count += 1
        for one in self._projections:
            try:
                mapped = one.tombstone(record)
            except Exception:  # noqa: BLE001 - of an expression of the user's
                self._warn_of_key()
                continue
            if mapped is not None:
                self._put(one, mapped)

    def activate(self, version: int) -> None:
        """Write ACTIVATE_VERSION: rows of another version are gone."""
        for one in self._projections:
            self._write(ActivateVersionMessage(one.alias, version))

    def flush(self) -> None:
        """Write what waits, so that a state may vouch for it."""

    def fingerprint(self) -> list[str]:
        """Tell what is written: a digest for each column of each map, and its filter.

        A stream that writes more, or something else, than before is to be read again.
        """
        rules = self._maps.get(self._stream.name)
        rules = rules if isinstance(rules, dict) else {}
        parts: list[t.Any] = [["__filter__", rules.get("__filter__")]]
        for one in self._projections:
            parts += [
                [one.alias, name, _shape(field), rules.get(name)]
                for name, field in one.schema["properties"].items()
            ]
        return [
            blake2b(msgspec.json.encode(p), digest_size=4).hexdigest() for p in parts
        ]

    def _put(self, one: Projection, record: Record) -> None:
        self._write(
            RecordMessage(
                stream=one.alias,
                record=record,
                version=self.version,
                time_extracted=datetime.now(UTC),
            )
        )

    def _project(self) -> Iterator[Projection]:
        if self._stream.selected:
            for whole, keys in zip(
                self._stream.stream_maps, self._key_maps(), strict=True
            ):
                if not isinstance(whole, RemoveRecordTransform):
                    yield Projection(self._stream, whole, keys)

    def _key_maps(self) -> list[StreamMap]:
        """Return the stream maps, of which only keys and plain names are mapped."""
        stream = self._stream
        maps = {
            name: {
                key: value
                for key, value in rules.items()
                if self._is_of_key(key, value, rules)
            }
            if isinstance(rules, dict)
            else rules
            for name, rules in deepcopy(self._maps).items()
        }
        mapper = PluginMapper({**stream.config, "stream_maps": maps}, stream.logger)
        raw_schema = stream.stream_maps[0].raw_schema
        mapper.register_raw_stream_schema(stream.name, raw_schema, stream.primary_keys)
        return mapper.stream_maps[stream.name]

    def _is_of_key(self, name: str, value: t.Any, rules: dict[str, t.Any]) -> bool:
        keys = rules.get("__key_properties__") or self._stream.primary_keys
        is_column = (
            isinstance(value, str) and value in self._stream.schema["properties"]
        )
        return is_column or name in {
            *("__alias__", "__key_properties__", "__source__"),
            *keys,
        }

    def _warn_of_key(self) -> None:
        if not self._is_warned:
            self._is_warned = True
            self._stream.logger.warning(
                "Deletions cannot be told in %s: the key in setting stream_maps is "
                "made of other columns.",
                self._stream.name,
            )


class BatchOutput(Output):
    """Writes files and BATCH messages instead of records.

    Args:
        stream: The stream.
        write: Writes a message.
        maps: The setting `stream_maps`.
        config: Where files go, and how they are written.
    """

    def __init__(
        self,
        stream: Stream,
        write: Callable[[Message], None],
        maps: dict[str, t.Any],
        config: BatchConfig,
    ) -> None:
        super().__init__(stream, write, maps)
        self.written = 0
        """Bytes of records, about."""
        self._config = config
        self._waiting: dict[str, list[Record]] = {}

    def activate(self, version: int) -> None:
        """Write nothing: the rows of files have no version."""

    def flush(self) -> None:
        """Write the records that wait to files, and BATCH messages that name them."""
        for alias, records in self._waiting.items():
            batcher = Batcher(self._stream.tap_name, alias, self._config)
            for manifest in batcher.get_batches(iter(records)):
                self._write(SDKBatchMessage(alias, self._config.encoding, manifest))
        self._waiting = {}

    def _put(self, one: Projection, record: Record) -> None:
        waiting = self._waiting.setdefault(one.alias, [])
        waiting.append(record)
        self.written += len(msgspec.json.encode(record))
        if len(waiting) >= LARGEST_FILE:
            self.flush()


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


def _shape(field: t.Any) -> t.Any:
    """Return a schema without what is for people."""
    if isinstance(field, dict):
        return {
            name: _shape(value)
            for name, value in field.items()
            if name not in {"description", "title"} or isinstance(value, dict)
        }
    return field
