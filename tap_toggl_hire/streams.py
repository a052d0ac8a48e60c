"""The streams: what each resource of the API becomes.

The lists (`job_openings`, `categories`, `tags`) are read whole. `Candidates` drives
everything about candidates: it finds the changes, emits their rows, and syncs its
child streams with the same batch of changes, so that a candidate's records are
together, and the state vouches for them only once they all are written.
"""

from __future__ import annotations

import contextlib
import logging
import typing as t
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import msgspec
from singer_sdk import SchemaDirectory, StreamSchema, metrics
from singer_sdk.batch import Batcher
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import PluginMapper
from singer_sdk.singerlib import RecordMessage
from singer_sdk.singerlib.catalog import (
    REPLICATION_FULL_TABLE,
    REPLICATION_INCREMENTAL,
)
from singer_sdk.streams import Stream

from tap_toggl_hire.answers import answer_rows
from tap_toggl_hire.changes import (
    ANSWERS,
    CANDIDATES,
    DETAILS,
    HISTORY,
    HISTORY_FIELDS,
    Change,
    Changes,
)
from tap_toggl_hire.privacy import fingerprint, scrubber
from tap_toggl_hire.progress import Progress
from tap_toggl_hire.records import conformer
from tap_toggl_hire.settings import moment
from tap_toggl_hire.sweep import Sweep, row_id

if t.TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig
    from singer_sdk.helpers.types import Context
    from singer_sdk.mapper import StreamMap

    from tap_toggl_hire.api.client import Row
    from tap_toggl_hire.records import Record
    from tap_toggl_hire.tap import TapTogglHire

PACKAGE = Path(__file__).parent
SCHEMAS = PACKAGE / "schemas"
if not SCHEMAS.is_dir():  # a checkout; the wheel carries them inside the package
    SCHEMAS = PACKAGE.parent / "schemas"

DELETED_AT = "_sdc_deleted_at"

DIGESTS_KEY = "digests"
"""Where the digests are in the state, under `bookmarks.candidates`."""
BATCH_KEY = "batch"
"""Where a child stream finds its changes, in the context."""


class TogglHireStream(Stream):
    """What all streams share."""

    schema = StreamSchema(SchemaDirectory(SCHEMAS))
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE  # `fit` has seen to it
    _tap: TapTogglHire

    def __init__(self, tap: TapTogglHire) -> None:
        super().__init__(tap)
        self._messages_logged: set[str] = set()
        self._schema_written = False

    @cached_property
    def fit(self) -> Callable[[t.Any], Record | None]:
        """Fits an object of the API to the stream's schema."""
        return conformer(self.schema, self.report)

    def report(self, field: str, trouble: str) -> None:
        """Warn of a field that the schema does not know or fit, once a run."""
        self._log_once(logging.WARNING, "Field %s of %s %s.", field, self.name, trouble)

    @property
    def is_whole(self) -> bool:
        """Whether the stream reads all there is, so that what is missing is gone."""
        return True

    # Overridden hooks of the SDK. `tests/streams/test_sdk.py` fails where an upgrade
    # changes what they rely on.

    def log(
        self,
        message: str,
        *args: t.Any,
        level: int = logging.INFO,
        **kwargs: t.Any,
    ) -> None:
        """Log what the SDK says of a stream, once a run.

        The SDK announces every sync, and a child stream is synced with each batch.
        That a sync failed is told in one line at the end, by `__main__`.
        """
        if message in self._messages_logged or level >= logging.ERROR:
            level = logging.DEBUG
        self._messages_logged.add(message)
        super().log(message, *args, level=level, **kwargs)

    def _write_schema_message(self) -> None:
        # The SDK sends it at every sync, and so with each batch of a child stream.
        if not self._schema_written:
            self._schema_written = True
            super()._write_schema_message()

    def _write_activate_version_message(self, full_table_version: int) -> None:  # noqa: ARG002
        # The SDK sends it before the first record. A run that fails would then leave
        # a warehouse in which every row is marked as deleted. It waits for the end.
        # The SDK's version is in seconds, which two short runs may share.
        self._stream_version = self._initialized_at

    def finalize_state_progress_markers(
        self, state: dict[str, t.Any] | None = None
    ) -> None:
        """Finish the stream: the SDK calls this once it was read to its end."""
        is_batch = self.get_batch_config(self.config)  # whose rows have no version
        if self._stream_version is not None and self.is_whole and not is_batch:
            super()._write_activate_version_message(self._stream_version)
        self._stream_version = None
        super().finalize_state_progress_markers(state)

    def _log_once(self, level: int, message: str, *args: object) -> None:
        text = message % args
        if text not in self._messages_logged:
            self._messages_logged.add(text)
            self.logger.log(level, "%s", text)


class ListStream(TogglHireStream):
    """A resource that is read whole, by one list."""

    def rows(self) -> Iterable[Row]:
        """Read the resource."""
        raise NotImplementedError

    def get_records(self, context: Context | None) -> Iterator[Record]:  # noqa: ARG002
        """Read the resource, fitted to its schema."""
        for row in self.rows():
            record = self.fit(row)
            if record is None or row_id(row) is None:
                self.report("id", "is missing: the record is left out")
                continue
            yield record

    def _write_state_message(self) -> None:
        # There is nothing to remember; the SDK would repeat the whole state.
        pass


class JobOpenings(ListStream):
    """Job openings: `/openings`, or `/openings/{id}` for those of the settings."""

    name = "job_openings"
    primary_keys = ("id",)

    @property
    def is_whole(self) -> bool:
        """Whether all job openings are read."""
        return self._tap.opening_ids is None

    def rows(self) -> Iterable[Row]:
        """Read the job openings."""
        if self._tap.opening_ids is None:
            return self._tap.client.openings
        return map(self._tap.client.opening, self._tap.opening_ids)


class Categories(ListStream):
    """Categories, the steps of a job opening's pipeline: `/categories`."""

    name = "categories"
    primary_keys = ("id",)

    @property
    def is_whole(self) -> bool:
        """Whether the categories of all job openings are read."""
        return self._tap.opening_ids is None

    def rows(self) -> Iterable[Row]:
        """Read the categories."""
        if self._tap.opening_ids is None:
            return self._tap.client.categories()
        return self._of_openings(self._tap.opening_ids)

    def _of_openings(self, opening_ids: list[str]) -> Iterator[Row]:
        for opening_id in opening_ids:
            self._tap.client.opening(opening_id)  # which must be there
            yield from self._tap.client.categories(opening_id)


class Tags(ListStream):
    """Tags: `/tags`."""

    name = "tags"
    primary_keys = ("id",)

    def rows(self) -> Iterable[Row]:
        """Read the tags."""
        return self._tap.client.tags


class CandidateStream(TogglHireStream):
    """What the streams of candidates share."""

    state_partitioning_keys = ()

    @property
    def is_whole(self) -> bool:
        """Whether all candidates are read."""
        return self._tap.selection == self._tap.everything

    @property
    def is_full_table(self) -> bool:
        """Whether the catalog asks for every record, not for changes."""
        return self.replication_method == REPLICATION_FULL_TABLE

    def tombstone(self, **key: t.Any) -> Record:
        """Make the record of a candidate that is gone: its key and the mark."""
        return {**key, DELETED_AT: _now()}

    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """Have no upper bound for the bookmark."""

    def _write_starting_replication_value(self, context: Context | None) -> None:
        # The whole list is read whatever the bookmark; it is there for people.
        pass

    def _increment_stream_state(
        self, latest_record: Record, *, context: Context | None = None
    ) -> None:
        # The SDK would move the bookmark with each record, before the records of the
        # other streams are out. `Candidates` moves it, with the digests.
        pass

    def _generate_record_messages(
        self, record: Record
    ) -> Generator[RecordMessage, None, None]:
        if not record.get(DELETED_AT):
            yield from super()._generate_record_messages(record)
            return
        # A tombstone has nothing for a filter or an expression to work with.
        if not self.mask["properties", DELETED_AT]:
            record = {k: v for k, v in record.items() if k != DELETED_AT}
        for whole_map, stream_map in zip(self.stream_maps, self._key_maps, strict=True):
            mapped = stream_map.transform(record)
            if mapped is not None:
                columns = whole_map.transformed_schema["properties"]
                yield RecordMessage(
                    stream=stream_map.stream_alias,
                    record={k: v for k, v in mapped.items() if k in columns},
                    version=self._stream_version,
                    time_extracted=datetime.now(UTC),
                )

    @cached_property
    def _key_maps(self) -> list[StreamMap]:
        """The stream maps of the settings, of which only keys are mapped."""
        maps = {
            name: {
                key: value
                for key, value in rules.items()
                if self._is_of_key(key, rules)
            }
            if isinstance(rules, dict)
            else rules
            for name, rules in (self.config.get("stream_maps") or {}).items()
        }
        mapper = PluginMapper({**self.config, "stream_maps": maps}, self.logger)
        mapper.register_raw_stream_schema(self.name, self.schema, self.primary_keys)
        return mapper.stream_maps[self.name]

    def _is_of_key(self, name: str, rules: dict[str, t.Any]) -> bool:
        keys = rules.get("__key_properties__") or self.primary_keys
        return name in {"__alias__", "__key_properties__", "__source__", *keys}


class Candidates(CandidateStream):
    """Candidates who have submitted: `/candidates`."""

    name = CANDIDATES
    primary_keys = ("id",)
    replication_key = "started_at"

    def __init__(self, tap: TapTogglHire) -> None:
        super().__init__(tap)
        self._bookmark: str | None = None
        self._file: list[Record] = []
        """Records for the next BATCH file."""

    def get_records(self, context: Context | None) -> Iterator[Record]:  # noqa: ARG002
        """Find the changes of candidates; emit them here and in the child streams.

        Yields:
            A record for each candidate that is new, changed or gone.
        """
        self._read_bookmark()
        changes = self._changes()
        is_test = self.ABORT_AT_RECORD_COUNT is not None
        self._sync_batch([])  # the schemas of all streams, changes or not
        for batch in changes.first() if is_test else changes.batches():
            changes.announce(batch)
            self._write_digests()
            for change in batch:
                if CANDIDATES in change.streams:
                    yield self._record(change)
            self._write_file()
            self._sync_batch(batch)
            changes.note(batch)
            self._advance(batch)

    def generate_child_contexts(
        self,
        record: Record,  # noqa: ARG002
        context: Context | None,  # noqa: ARG002
    ) -> Iterable[Context]:
        """Leave the child streams alone: they are synced by batch, not by record."""
        return ()

    def get_batches(
        self,
        batch_config: BatchConfig,  # noqa: ARG002
        context: Context | None = None,
    ) -> Iterable[tuple[BaseBatchFileEncoding, list[str]]]:
        """Collect records for a BATCH file; `get_records` has it written.

        The SDK would fill a file over many batches of changes, and look ahead for the
        next: the state could not follow what it vouches for.
        """
        for record in self._sync_records(context, write_messages=False):
            self._file.append(record)
        return ()

    def _write_file(self) -> None:
        config = self.get_batch_config(self.config)
        if config and self._file:
            batcher = Batcher(self.tap_name, self.name, config)
            for manifest in batcher.get_batches(iter(self._file)):
                self._write_batch_message(config.encoding, manifest)
            self._file.clear()

    def log_sync_costs(self) -> None:
        """Write the last state: the SDK calls this at the very end of a run."""
        super().log_sync_costs()
        if self.tap_state:
            self._tap.state_writer.write_state(self.tap_state)

    def _sync_records(
        self, context: Context | None = None, *, write_messages: bool = True
    ) -> Generator[Record, None, None]:
        # However the run ends (an error, a signal), what was emitted is vouched for.
        try:
            yield from super()._sync_records(context, write_messages=write_messages)
        finally:
            self._write_digests()

    def _changes(self) -> Changes:
        tap = self._tap
        privacy = self.config["pii"], self.config.get("pii_hash_key")
        scrub = scrubber(*privacy)
        family = [self, *t.cast("list[CandidateStream]", self.child_streams)]
        details = next(stream for stream in family if stream.name == DETAILS)
        return Changes(
            client=tap.client,
            workers=tap.workers,
            sweep=Sweep(
                tap.client,
                tap.workers,
                params=tap.candidate_params,
                opening_ids=tap.opening_ids,
                is_past=self._is_past,
            ),
            digests=self._tap.digests,
            selection=tap.selection,
            selected={stream.name for stream in family if stream.selected},
            full_table={stream.name for stream in family if stream.is_full_table},
            to_row=lambda row: scrub(t.cast("Record", self.fit(row))),
            to_details=lambda row: scrub(t.cast("Record", details.fit(row))),
            privacy=fingerprint(*privacy),
            reverify_days=self.config["reverify_days"],
            progress=Progress(self.logger),
            report=self.report,
        )

    def _is_past(self, row: Row) -> bool:
        start = self._tap.start
        try:
            return start is not None and moment(row["started_at"]) < start
        except (KeyError, TypeError, ValueError):
            return False  # a candidate without a time is not known to be too old

    def _record(self, change: Change) -> Record:
        if change.row is None:
            return self.tombstone(id=change.id)
        return {**change.row, DELETED_AT: None}

    def _sync_batch(self, batch: list[Change]) -> None:
        self._sync_children({BATCH_KEY: Batch(batch)})

    # State

    def _read_bookmark(self) -> None:
        # It is there for people: one that is no time is replaced.
        bookmark = self.stream_state.get("replication_key_value")
        if isinstance(bookmark, str):
            with contextlib.suppress(ValueError):
                moment(bookmark)
                self._bookmark = bookmark

    def _advance(self, batch: list[Change]) -> None:
        for change in batch:
            started = change.row and change.row["started_at"]
            if started and (
                self._bookmark is None or moment(started) > moment(self._bookmark)
            ):
                self._bookmark = started

    def _write_digests(self) -> None:
        """Put the digests and bookmarks into the state, and write it."""
        self.stream_state[DIGESTS_KEY] = self._tap.digests.dump()
        for stream in (self, *self.child_streams):
            if stream.selected and self._bookmark:
                stream.stream_state["replication_key"] = self.replication_key
                stream.stream_state["replication_key_value"] = self._bookmark
        self._tap.state_writer.write_state(self.tap_state)


class Batch:
    """Changes on their way to a child stream, in the context of its sync.

    The SDK logs contexts; of this one it sees no more than the size.
    """

    def __init__(self, changes: Sequence[Change]) -> None:
        self.changes = changes

    def __repr__(self) -> str:
        return f"<{len(self.changes)} candidates>"


class CandidateChild(CandidateStream):
    """A stream that is made of the changes that `Candidates` found."""

    parent_stream_type = Candidates

    def __init__(self, tap: TapTogglHire) -> None:
        super().__init__(tap)
        self._record_counter = _RunCounter(self.name)

    def records(self, change: Change) -> Iterable[Record]:
        """Make the records of a change."""
        raise NotImplementedError

    def get_records(self, context: Context | None) -> Iterator[Record]:
        """Make the records of a batch of changes."""
        if context is None:
            return
        for change in context[BATCH_KEY].changes:
            if self.name in change.streams:
                yield from self.records(change)

    def get_record_counter(self, **_: t.Any) -> metrics.Counter:
        """Count over the whole run, not over each batch."""
        return self._record_counter

    def get_sync_timer(self) -> metrics.Timer:
        """Time nothing: a batch takes no time worth a line."""
        return _QuietTimer(metrics.Metric.SYNC_DURATION)

    def log_sync_costs(self) -> None:
        """Log the count of the run."""
        super().log_sync_costs()
        if self.selected:
            self._record_counter.exit()

    def _write_state_message(self) -> None:
        # The state is `Candidates`' to write: the batch is not out in all streams.
        pass


class CandidateDetails(CandidateChild):
    """Candidates with questions and answers: `/candidates/{id}`."""

    name = DETAILS
    primary_keys = ("id",)
    replication_key = "started_at"

    def records(self, change: Change) -> Iterable[Record]:
        """Make the record of a candidate."""
        if change.details is None:
            yield self.tombstone(id=change.id)
        else:
            yield {**msgspec.json.decode(change.details), DELETED_AT: None}


class CandidateAnswers(CandidateChild):
    """One row per question shown, from the response of `candidate_details`."""

    name = ANSWERS
    primary_keys = ("candidate_id", "position")

    def __init__(self, tap: TapTogglHire) -> None:
        super().__init__(tap)
        # It has no time of its own to be its replication key.
        self.forced_replication_method = REPLICATION_INCREMENTAL

    def records(self, change: Change) -> Iterable[Record]:
        """Make a record for each question; a tombstone for each that is no more."""
        rows: list[Record | None] = []
        if change.details is not None:
            rows = answer_rows(change.id, msgspec.json.decode(change.details))
        for row in filter(None, rows):
            yield {**row, DELETED_AT: None}
        for position in range(change.answers_held):
            if position >= len(rows) or rows[position] is None:
                yield self.tombstone(candidate_id=change.id, position=position)


class CandidateHistory(CandidateChild):
    """What the tap saw change, which the API does not keep."""

    name = HISTORY
    primary_keys = ("candidate_id", "observed_at")
    replication_key = "observed_at"
    is_whole = False
    """It is appended to, whatever the catalog says; no row of it is ever gone."""

    def records(self, change: Change) -> Iterable[Record]:
        """Make the record of an event."""
        row = change.row or {}
        yield {
            "candidate_id": change.id,
            "observed_at": _now(),
            "event": change.event,
            **{name: row.get(name) for name in HISTORY_FIELDS},
            "tag_ids": None if change.is_gone else change.tag_ids,
        }


def _now() -> str:
    return datetime.now(UTC).isoformat()


class _RunCounter(metrics.Counter):
    """A counter that goes on over many syncs; `exit` logs it."""

    def __init__(self, stream: str) -> None:
        super().__init__(metrics.Metric.RECORD_COUNT, {metrics.Tag.STREAM: stream})

    def with_context(self, value: Context | None) -> None:
        """Keep the batch out of the log."""

    def __exit__(self, *_: object) -> None:
        """Go on counting."""


class _QuietTimer(metrics.Timer):
    """A timer that says nothing."""

    def __exit__(self, *_: object) -> None:
        """Say nothing."""


STREAMS: tuple[type[TogglHireStream], ...] = (
    JobOpenings,
    Categories,
    Tags,
    Candidates,
    CandidateDetails,
    CandidateAnswers,
    CandidateHistory,
)
