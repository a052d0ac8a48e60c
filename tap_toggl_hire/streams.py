"""The streams: what each resource of the API becomes.

The lists (`job_openings`, `categories`, `tags`) are read whole. The candidate streams
say what the records of one candidate are; `sync/` decides which candidates are emitted.
For the SDK's own loop, `candidates` is an ordinary parent stream with child streams.
"""

from __future__ import annotations

import typing as t
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

from singer_sdk import SchemaDirectory, StreamSchema
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib.catalog import (
    REPLICATION_FULL_TABLE,
    REPLICATION_INCREMENTAL,
)
from singer_sdk.streams import Stream

from tap_toggl_hire.answers import answer_rows
from tap_toggl_hire.errors import NotFoundError
from tap_toggl_hire.privacy import scrubber
from tap_toggl_hire.records import EXTRA, conformer, id_of
from tap_toggl_hire.sync.changes import HISTORY_FIELDS, ONLY_IN_DETAILS, Change, tags_of
from tap_toggl_hire.sync.plan import ANSWERS, CANDIDATES, DETAILS, HISTORY

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from tap_toggl_hire.records import Record
    from tap_toggl_hire.run import Session

PACKAGE = Path(__file__).parent
FOLDER = PACKAGE / "schemas"
if not FOLDER.is_dir():  # a checkout; the wheel has them inside the package
    FOLDER = PACKAGE.parent / "schemas"
SCHEMAS = SchemaDirectory(FOLDER)

DELETED_AT = "_sdc_deleted_at"
WITHOUT_ID = "%s rows of %s have no ID and were left out."


class TogglHireStream(Stream):
    """What all streams share."""

    primary_keys: tuple[str, ...] = ("id",)
    schema = StreamSchema(SCHEMAS)
    resource = ""  # the stream whose schema the API's objects fit, if another
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE  # `conform` does it
    state_partitioning_keys = ()

    def __init__(self, tap: Tap, session: Session) -> None:
        self.session = session
        super().__init__(tap)

    @cached_property
    def conform(self) -> Callable[[t.Any], Record | None]:
        """Fits an object of the API to its schema."""
        name = self.resource or self.name
        return conformer(SCHEMAS.get_schema(name), self.session.fields.of(name))

    def now(self) -> str:
        """Return the present time of the API, as records have it."""
        return self.session.clock.now().isoformat()


class ListStream(TogglHireStream):
    """A resource that one list has completely."""

    _requested: Future[t.Any] | None = None

    @property
    def is_narrowed(self) -> bool:
        """Whether the settings leave rows out, so that a missing row is not gone."""
        return self.session.settings.job_opening_ids is not None

    def rows(self) -> Iterable[t.Any]:
        """Read the resource."""
        raise NotImplementedError

    def ask(self) -> None:
        """Request the resource, without waiting for it."""
        self._requested = self.session.workers.submit(lambda: [*self.rows()])

    def get_records(self, context: Context | None) -> Iterator[Record]:  # noqa: ARG002
        """Read the resource, fitted to its schema."""
        requested = self._requested
        rows = self.rows() if requested is None else self.session.stop.wait(requested)
        rows = [*rows]
        usable = [row for row in rows if id_of(row) is not None]
        for row in usable:
            record = t.cast("Record", self.conform(row))
            if self.session.settings.pii != "keep":
                record[EXTRA] = None  # unknown fields may hold anything
            yield record
        if len(usable) < len(rows):
            self.logger.warning(WITHOUT_ID, len(rows) - len(usable), self.name)


class JobOpenings(ListStream):
    """Job openings: `/openings`, or `/openings/{id}` for those in the settings."""

    name = "job_openings"

    def rows(self) -> Iterable[t.Any]:
        """Read the job openings."""
        client, ids = self.session.client, self.session.settings.job_opening_ids
        return client.openings if ids is None else map(client.opening, ids)


class Categories(ListStream):
    """Categories, the stages of a job opening's pipeline: `/categories`."""

    name = "categories"

    def rows(self) -> Iterable[t.Any]:
        """Read the categories, of the openings in the settings."""
        for opening_id in self.session.settings.job_opening_ids or (None,):
            yield from self.session.client.categories(opening_id)


class Tags(ListStream):
    """Tags: `/tags`."""

    name = "tags"
    is_narrowed = False

    def rows(self) -> Iterable[t.Any]:
        """Read the tags."""
        return self.session.client.tags


class CandidateStream(TogglHireStream):
    """A stream that has some records of each candidate."""

    def redacted(self, body: t.Any) -> Record:
        """Return a record of what the API sent, with personal data redacted."""
        return self._scrub(t.cast("Record", self.conform(body)))

    @cached_property
    def _scrub(self) -> Callable[[Record], Record]:
        pii = self.session.settings
        return scrubber(pii.pii, pii.pii_hash_key, drops_tags=pii.drops_tags)

    def records(self, change: Change) -> Iterable[Record]:
        """Return the records of a candidate, none of a deleted one."""
        raise NotImplementedError

    def tombstones(self, change: Change) -> Iterable[Record]:
        """Return the tombstones of a deleted candidate: the key and the time."""
        if change.is_deleted:
            yield {"id": change.id, DELETED_AT: self.now()}


class Candidates(CandidateStream):
    """Candidates who have submitted the test: `/candidates`."""

    name = CANDIDATES
    replication_key = "started_at"

    def get_records(self, context: Context | None) -> Iterator[Record]:  # noqa: ARG002
        """Read the list."""
        settings = self.session.settings
        for query in settings.scope.queries():
            params = query.first_page(settings.page_size)
            for page in self.session.client.pages("/candidates", params):
                for row in page:
                    yield from self.records(Change("", self.redacted(row)))

    def get_child_context(self, record: Record, context: Context | None) -> Context:  # noqa: ARG002
        """Return which candidate the child streams read."""
        return {"candidate_id": record["id"]}

    def records(self, change: Change) -> Iterable[Record]:
        """Return the record of a candidate."""
        if change.row is not None:
            yield {**change.row, DELETED_AT: None}


class CandidateChild(CandidateStream):
    """A stream that needs the details of each candidate: `/candidates/{id}`."""

    parent_stream_type = Candidates
    resource = DETAILS  # whose schema has all fields

    def get_records(self, context: Context | None) -> Iterator[Record]:
        """Read one candidate."""
        try:
            body = context and self.session.client.candidate(context["candidate_id"])
        except NotFoundError:
            return
        if body:
            details = self.redacted(body)
            row = {n: v for n, v in details.items() if n not in ONLY_IN_DETAILS}
            tags = tags_of(details)
            yield from self.records(Change(row["id"], row, tags, details, "created"))


class CandidateDetails(CandidateChild):
    """Candidates with questions and answers."""

    name = DETAILS
    replication_key = "started_at"

    def records(self, change: Change) -> Iterable[Record]:
        """Return the record of a candidate."""
        if change.details is not None:
            yield {**change.details, DELETED_AT: None}


class CandidateAnswers(CandidateChild):
    """One row per question shown, from the response of `candidate_details`."""

    name = ANSWERS
    primary_keys = ("candidate_id", "position")

    def __init__(self, tap: Tap, session: Session) -> None:
        super().__init__(tap, session)
        self.forced_replication_method = REPLICATION_INCREMENTAL

    @property
    def replication_method(self) -> str:
        """Incremental, although no field of it can be the replication key.

        The SDK's own loop gives it a context, and looks for such a key.
        """
        return REPLICATION_FULL_TABLE if self.context else super().replication_method

    def records(self, change: Change) -> Iterable[Record]:
        """Return one record per question."""
        for row in _answer_rows(change):
            if row is not None:
                yield {**row, DELETED_AT: None}

    def tombstones(self, change: Change) -> Iterable[Record]:
        """Return one per answer row that the target may hold and that is gone."""
        rows = _answer_rows(change)
        for position in range(change.answers_held):
            if position >= len(rows) or rows[position] is None:
                yield {
                    "candidate_id": change.id,
                    "position": position,
                    DELETED_AT: self.now(),
                }


class CandidateHistory(CandidateChild):
    """The changes that the tap has observed, which the API does not keep."""

    name = HISTORY
    primary_keys = ("event_id",)
    replication_key = "observed_at"

    def records(self, change: Change) -> Iterable[Record]:
        """Return the record of an event."""
        if change.row is not None:
            is_known = change.tags is not None and not self.session.settings.drops_tags
            yield {
                **self._event(change),
                **{name: change.row[name] for name in HISTORY_FIELDS},
                "tag_ids": list(change.tags or ()) if is_known else None,
            }

    def tombstones(self, change: Change) -> Iterable[Record]:
        """Return the record of a deletion."""
        if change.is_deleted:
            yield self._event(change)

    def _event(self, change: Change) -> Record:
        observed_at = self.now()
        event = f"{change.id} {observed_at}".encode()
        return {
            # Some warehouses reject a time as a key, or cut it to seconds.
            "event_id": blake2b(event, digest_size=16).hexdigest(),
            "candidate_id": change.id,
            "observed_at": observed_at,
            "event": change.event,
        }


class SyncRuns(TogglHireStream):
    """The runs of the tap; the record of a run is its last."""

    name = "sync_runs"
    primary_keys = ("started_at",)
    replication_key = "started_at"

    def get_records(self, context: Context | None) -> Iterator[Record]:  # noqa: ARG002
        """Yield nothing: the runner emits the single record of a run."""
        yield from ()


def _answer_rows(change: Change) -> list[Record | None]:
    return [] if change.details is None else answer_rows(change.id, change.details)


STREAMS: tuple[type[TogglHireStream], ...] = (
    JobOpenings,
    Categories,
    Tags,
    Candidates,
    CandidateDetails,
    CandidateAnswers,
    CandidateHistory,
    SyncRuns,
)
