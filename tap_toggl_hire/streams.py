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
from tap_toggl_hire.errors import NotFoundError, TapError
from tap_toggl_hire.privacy import RedactedRecords
from tap_toggl_hire.records import EXTRA, conformer, id_of
from tap_toggl_hire.sync.change import HISTORY_COLUMNS, ONLY_IN_DETAILS, Change
from tap_toggl_hire.sync.plan import (
    ANSWERS,
    CANDIDATE_STREAMS,
    CANDIDATES,
    DETAILS,
    HISTORY,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from singer_sdk.helpers.types import Context

    from tap_toggl_hire.records import Record
    from tap_toggl_hire.session import Session, SessionTap

PACKAGE = Path(__file__).parent
FOLDER = PACKAGE / "schemas"
if not FOLDER.is_dir():  # a checkout; the wheel has them inside the package
    FOLDER = PACKAGE.parent / "schemas"
SCHEMAS = SchemaDirectory(FOLDER)

DELETED_AT = "_sdc_deleted_at"
WITHOUT_ID = "%s rows of %s have no ID and were left out."
NO_IDS = (
    "No row of {} has a usable ID: this is a form of the API that the tap does not "
    "know. Check api_version, and report what tap-toggl-hire --test prints."
)


class TogglHireStream(Stream):
    """What all streams share."""

    primary_keys: tuple[str, ...] = ("id",)
    schema = StreamSchema(SCHEMAS)
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE  # the records fit their schema
    state_partitioning_keys = ()

    def __init__(self, tap: SessionTap) -> None:
        super().__init__(tap)
        self._session_tap = tap

    @property
    def session(self) -> Session:
        """What the streams of the run share."""
        return self._session_tap.session

    def now(self) -> str:
        """Return the present time of the API, as records have it."""
        return self.session.clock.now().isoformat()


class ListStream(TogglHireStream):
    """A resource that one list has completely.

    A new one needs a name, a path and a schema; `--test`, the order of requests, states
    and the documents follow from the class.
    """

    path = ""  # of the list, without the version
    is_of_openings = False  # whether the setting `job_opening_ids` narrows it
    _requested: Future[list[t.Any]] | None = None

    @property
    def is_narrowed(self) -> bool:
        """Whether the settings leave rows out, so that a missing row is not gone."""
        return self.is_of_openings and self.session.settings.job_opening_ids is not None

    def pages(self) -> Iterator[list[t.Any]]:
        """Read the resource, page by page."""
        return self.session.client.pages(self.path, {})

    def ask(self) -> None:
        """Request the resource, without waiting for it."""
        self._requested = self.session.workers.submit(self._rows)

    def _rows(self) -> list[t.Any]:
        return [row for page in self.pages() for row in page]

    def get_records(self, context: Context | None) -> Iterator[Record]:  # noqa: ARG002
        """Read the resource, fitted to its schema."""
        requested, session = self._requested, self.session
        rows = self._rows() if requested is None else session.workers.result(requested)
        usable = [row for row in rows if id_of(row) is not None]
        if rows and not usable:
            raise TapError(NO_IDS.format(self.name))
        for row in usable:
            record = t.cast("Record", self._conform(row))
            if session.settings.pii != "keep":
                record[EXTRA] = None  # unknown fields may hold anything
            yield record
        if len(usable) < len(rows):
            self.logger.warning(WITHOUT_ID, len(rows) - len(usable), self.name)

    @cached_property
    def _conform(self) -> Callable[[t.Any], Record | None]:
        schema = SCHEMAS.get_schema(self.name)
        return conformer(schema, self.session.fields.of(self.name))


class JobOpenings(ListStream):
    """Job openings: `/openings`, or `/openings/{id}` for those in the settings."""

    name = "job_openings"
    path = "/openings"
    is_of_openings = True

    def pages(self) -> Iterator[list[t.Any]]:
        """Read the job openings."""
        client, ids = self.session.client, self.session.settings.job_opening_ids
        if ids is None:
            yield from super().pages()
        for opening_id in ids or ():
            yield [client.opening(opening_id)]


class Categories(ListStream):
    """Categories, the stages of a job opening's pipeline: `/categories`."""

    name = "categories"
    path = "/categories"
    is_of_openings = True

    def pages(self) -> Iterator[list[t.Any]]:
        """Read the categories, of the openings in the settings."""
        for opening_id in self.session.settings.job_opening_ids or (None,):
            params = {} if opening_id is None else {"job_opening_id": opening_id}
            yield from self.session.client.pages(self.path, params)


class Tags(ListStream):
    """Tags: `/tags`."""

    name = "tags"
    path = "/tags"

    def pages(self) -> Iterator[list[t.Any]]:
        """Read the tags."""
        return self.session.client.pages_of_tags()

    def _rows(self) -> list[t.Any]:
        # They are read once in a run: which candidate has which tag depends on them.
        return self.session.client.tags


class CandidateStream(TogglHireStream):
    """A stream that has some records of each candidate."""

    resource = CANDIDATES  # the stream whose schema the API's objects are fitted to

    def place(self) -> int:
        """Return the place of its records among those of a candidate."""
        return CANDIDATE_STREAMS.index(self.name)

    @cached_property
    def redacted(self) -> RedactedRecords:
        """Makes records of what the API sent, with personal data redacted."""
        session, schema = self.session, SCHEMAS.get_schema(self.resource)
        report = session.fields.of(self.resource)
        return RedactedRecords(schema, report, session.settings)

    def emitted(self, change: Change) -> Iterator[tuple[Record, bool]]:
        """Yield the records of a candidate, each with whether it is a tombstone.

        The tombstone of a row has its key and the time of the deletion.
        """
        if change.is_deleted:
            yield {"id": change.id, DELETED_AT: self.now()}, True
        elif (record := self.record(change)) is not None:
            yield {**record, DELETED_AT: None}, False

    def record(self, change: Change) -> Record | None:
        """Return the record of a living candidate, if the change has what it takes."""
        raise NotImplementedError


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
                    yield {**self.redacted.of(row), DELETED_AT: None}

    def get_child_context(self, record: Record, context: Context | None) -> Context:  # noqa: ARG002
        """Return which candidate the child streams read."""
        return {"candidate_id": record["id"]}

    def record(self, change: Change) -> Record | None:
        """Return the list row."""
        return change.row


class CandidateChild(CandidateStream):
    """A stream that needs the details of each candidate: `/candidates/{id}`."""

    parent_stream_type = Candidates
    resource = DETAILS

    def get_records(self, context: Context | None) -> Iterator[Record]:
        """Read one candidate."""
        try:
            body = context and self.session.client.candidate(context["candidate_id"])
        except NotFoundError:
            return
        if body:
            details = self.redacted.of(dict(body))
            row = {n: v for n, v in details.items() if n not in ONLY_IN_DETAILS}
            tags = tuple(filter(None, details["tag_ids"] or ()))
            change = Change(row["id"], row, tags, details, "created")
            yield from (record for record, _ in self.emitted(change))


class CandidateDetails(CandidateChild):
    """Candidates with questions and answers."""

    name = DETAILS
    replication_key = "started_at"

    def record(self, change: Change) -> Record | None:
        """Return the details."""
        return change.details


class CandidateAnswers(CandidateChild):
    """One row per question shown, from the response of `candidate_details`."""

    name = ANSWERS
    primary_keys = ("candidate_id", "position")

    def __init__(self, tap: SessionTap) -> None:
        super().__init__(tap)
        self.forced_replication_method = REPLICATION_INCREMENTAL

    @property
    def replication_method(self) -> str:
        """Incremental, although no field of it can be the replication key.

        The SDK's own loop gives it a context, and looks for such a key.
        """
        return REPLICATION_FULL_TABLE if self.context else super().replication_method

    def emitted(self, change: Change) -> Iterator[tuple[Record, bool]]:
        """Yield one row per question, and tombstones of rows that are gone.

        Questions that could not be read are not gone.
        """
        details = change.details
        if details is not None and details["questions"] is None:
            return
        rows = [] if details is None else answer_rows(change.id, details)
        for row in rows:
            yield {**row, DELETED_AT: None}, False
        for position in range(len(rows), change.answers_held):
            key = {"candidate_id": change.id, "position": position}
            yield {**key, DELETED_AT: self.now()}, True


class CandidateHistory(CandidateChild):
    """The changes that the tap has observed, which the API does not keep."""

    name = HISTORY
    primary_keys = ("event_id",)
    replication_key = "observed_at"

    def emitted(self, change: Change) -> Iterator[tuple[Record, bool]]:
        """Yield the row of an event; that of a deletion has only the event."""
        observed_at = self.now()
        event = f"{change.id} {observed_at}".encode()
        row = {
            # Some warehouses reject a time as a key, or cut it to seconds.
            "event_id": blake2b(event, digest_size=16).hexdigest(),
            "candidate_id": change.id,
            "observed_at": observed_at,
            "event": change.event,
        }
        if change.is_deleted:
            yield row, True
        elif change.row is not None:
            drops_tags = self.session.settings.drops_tags
            has_tags = change.tags is not None and not drops_tags
            fields = {name: change.row[name] for name in HISTORY_COLUMNS}
            tag_ids = list(change.tags or ()) if has_tags else None
            yield {**row, **fields, "tag_ids": tag_ids}, False


class SyncRuns(TogglHireStream):
    """The runs of the tap; the record of a run is its last."""

    name = "sync_runs"
    primary_keys = ("started_at",)
    replication_key = "started_at"

    def get_records(self, context: Context | None) -> Iterator[Record]:  # noqa: ARG002
        """Yield nothing: `run` writes the single record of a run."""
        yield from ()


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
