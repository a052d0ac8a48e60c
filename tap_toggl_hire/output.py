"""The messages of one stream: SCHEMA once, RECORD or BATCH, ACTIVATE_VERSION last."""

from __future__ import annotations

import typing as t
from datetime import UTC, datetime
from hashlib import blake2b

import msgspec
from singer_sdk.batch import Batcher
from singer_sdk.helpers._batch import SDKBatchMessage
from singer_sdk.singerlib import ActivateVersionMessage, RecordMessage, SchemaMessage
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from tap_toggl_hire.errors import SettingError
from tap_toggl_hire.projection import projections

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from singer_sdk import Stream
    from singer_sdk.helpers._batch import BatchConfig
    from singer_sdk.singerlib import Message

    from tap_toggl_hire.projection import Projection
    from tap_toggl_hire.records import Record

LARGEST_FILE = 10_000
"""Records that wait for a BATCH file, unless the state is written before."""


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
        self._projections = projections(stream, maps)

    @property
    def is_selected(self) -> bool:
        """Whether the catalog selects the stream, and no map takes it out."""
        return bool(self._projections)

    @property
    def is_full_table(self) -> bool:
        """Whether the catalog asks for every record of the stream."""
        return self._stream.replication_method == REPLICATION_FULL_TABLE

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
            blake2b(msgspec.json.encode(p, order="sorted"), digest_size=4).hexdigest()
            for p in parts
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


def _shape(field: t.Any) -> t.Any:
    """Return a schema without what is for people."""
    if isinstance(field, dict):
        return {
            name: _shape(value)
            for name, value in field.items()
            if name not in {"description", "title"} or isinstance(value, dict)
        }
    return field
