"""Singer messages: the stdout writer, and the messages of one stream."""

from __future__ import annotations

import sys
import typing as t
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec
from singer_sdk.batch import Batcher
from singer_sdk.contrib.msgspec import MsgSpecWriter

# Private: a public batch message, or a stream's method that writes one batch of records
# without reading them itself, would replace it.
from singer_sdk.helpers._batch import SDKBatchMessage
from singer_sdk.singerlib import (
    ActivateVersionMessage,
    RecordMessage,
    SchemaMessage,
    StateMessage,
)
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from tap_toggl_hire.errors import BatchFileError, OutputError, SettingError
from tap_toggl_hire.projection import projections

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk import Stream, Tap
    from singer_sdk.helpers._batch import BatchConfig
    from singer_sdk.singerlib import Message

    from tap_toggl_hire.records import Record

MAX_BUFFERED_BYTES = 64 << 20  # of records that wait for their BATCH file, as JSON


def output_error(error: OSError) -> OutputError:
    """Return the error to raise when stdout cannot be written."""
    if isinstance(error, BrokenPipeError):
        return OutputError("The target closed the pipe: see its log for the reason.")
    return OutputError(f"The messages cannot be written: {error.strerror}.")


class MessageWriter(MsgSpecWriter):
    """Write messages to stdout, each as one whole line.

    Records are buffered. A STATE is flushed at once, with the records that it
    commits. No signal handler raises an exception, so a signal never tears a line.
    """

    def __init__(self) -> None:
        super().__init__()
        self.record_bytes = 0  # of RECORD messages so far

    def write_message(self, message: Message) -> None:
        """Write a message, or raise OutputError."""
        line = self.format_message(message)
        try:
            sys.stdout.buffer.write(line)
            if isinstance(message, StateMessage):
                sys.stdout.buffer.flush()
        except OSError as error:
            raise output_error(error) from error
        if isinstance(message, RecordMessage):
            self.record_bytes += len(line)


class Output:
    """Write the messages of one stream."""

    def __init__(self, tap: Tap, stream: Stream) -> None:
        self.count = 0  # records and tombstones so far
        self.version: int | None = None  # in records that ACTIVATE_VERSION may follow
        self._tap = tap
        self._stream = stream
        self._write = tap.write_message
        self._is_schema_written = False
        self._has_warned = False
        self._projections = projections(stream, tap.config)

    @property
    def is_selected(self) -> bool:
        """Whether the catalog selects the stream and a stream map keeps it."""
        return bool(self._projections)

    @property
    def is_filtered(self) -> bool:
        """Whether a stream map leaves records out."""
        return any(projection.is_filtered for projection in self._projections)

    @property
    def is_full_table(self) -> bool:
        """Whether the catalog asks for all records of the stream."""
        return self._stream.replication_method == REPLICATION_FULL_TABLE

    def write_schema(self) -> None:
        """Write SCHEMA, the first time only."""
        if self._is_schema_written:
            return
        self._is_schema_written = True
        key = self._stream.replication_key
        bookmark = [key] if key else None
        for projection in self._projections:
            alias, schema, keys = projection.alias, projection.schema, projection.keys
            self._write(SchemaMessage(alias, schema, keys, bookmark))

    def write(self, record: Record) -> None:
        """Write a record; raise SettingError if an expression of stream_maps fails."""
        self.count += 1
        for projection in self._projections:
            try:
                mapped = projection.record(record)
            except Exception as error:
                # The text of the error may hold the record.
                reason = type(error.__cause__ or error).__name__
                raise SettingError(
                    f"Setting stream_maps: an expression for stream "
                    f"{self._stream.name} failed on a record ({reason}). Expressions "
                    "have to accept nulls."
                ) from error
            if mapped is not None:
                self._put(projection.alias, mapped)

    def write_tombstone(self, record: Record) -> None:
        """Write a tombstone: the key and the time of the deletion, all else null."""
        self.count += 1
        for projection in self._projections:
            try:
                mapped = projection.tombstone(record)
            except Exception:  # noqa: BLE001 - raised by a user's expression
                if not self._has_warned:
                    self._has_warned = True
                    self._stream.logger.warning(
                        "Deletions in stream %s are not emitted: setting stream_maps "
                        "computes its key from columns that a tombstone does not have.",
                        self._stream.name,
                    )
                continue
            if mapped is not None:
                self._put(projection.alias, mapped)

    def activate(self, version: int) -> None:
        """Write ACTIVATE_VERSION: the target marks rows of other versions."""
        for projection in self._projections:
            self._write(ActivateVersionMessage(projection.alias, version))

    def flush(self) -> None:
        """Write the buffered records, so that a STATE may commit them."""

    def _put(self, alias: str, record: Record) -> None:
        extracted = datetime.now(UTC)  # as the SDK writes it, see `clock.Machine`
        self._write(RecordMessage(alias, record, self.version, extracted))


class BatchOutput(Output):
    """Write the records of one stream to files, and BATCH messages that name them."""

    def __init__(self, tap: Tap, stream: Stream, batch_config: BatchConfig) -> None:
        super().__init__(tap, stream)
        self.written = 0  # bytes of records so far, uncompressed
        self._batch_config = batch_config
        self._buffered: dict[str, list[Record]] = {}
        self._buffered_bytes = 0

    def activate(self, version: int) -> None:
        """Write nothing: records in files have no version."""

    def flush(self) -> None:
        """Write the buffered records to files, and their BATCH messages.

        Raises:
            BatchFileError: If a file cannot be written. Its records are lost: no STATE
                may follow.
        """
        config = self._batch_config
        for alias, records in self._buffered.items():
            for manifest in self._files(alias, records):
                self._write(SDKBatchMessage(alias, config.encoding, manifest))
        self._buffered, self._buffered_bytes = {}, 0

    def _files(self, alias: str, records: list[Record]) -> Iterator[list[str]]:
        """Write records to files; yield their URLs."""
        config = self._batch_config
        try:
            batcher = Batcher(self._tap.name, alias, config)
            yield from batcher.get_batches(iter(records))
        except ModuleNotFoundError as error:
            raise BatchFileError(
                f"Setting batch_config: the format {config.encoding.format} needs "
                f"the package {error.name}, which is not installed. For parquet, "
                "install tap-toggl-hire[parquet]."
            ) from error
        except Exception as error:  # of a file system, whose errors are its own
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise BatchFileError(
                f"Setting batch_config: no file can be written to "
                f"{_without_user(config.storage.root)} ({reason})."
            ) from error

    def _put(self, alias: str, record: Record) -> None:
        buffered = self._buffered.setdefault(alias, [])
        buffered.append(record)
        size = len(msgspec.json.encode(record))
        self.written += size
        self._buffered_bytes += size
        is_full = len(buffered) >= self._batch_config.batch_size
        if is_full or self._buffered_bytes >= MAX_BUFFERED_BYTES:
            self.flush()


def _without_user(url: str) -> str:
    """Return a URL without a user, password or query, which may be secret."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host, query="").geturl()


def output_of(tap: Tap, stream: Stream) -> Output:
    """Return the output of a stream: messages or, with `batch_config`, files."""
    batch_config = stream.get_batch_config(tap.config)
    if batch_config is None:
        return Output(tap, stream)
    return BatchOutput(tap, stream, batch_config)
