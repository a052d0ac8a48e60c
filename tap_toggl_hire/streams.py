"""The streams: what each resource of the API becomes.

The lists (`job_openings`, `categories`, `tags`) are read whole. The streams of
candidates say how the records of one candidate are made; which candidates, `sync`
decides. For the SDK's own loop, candidates are an ordinary parent stream and the
others its children.
"""

from __future__ import annotations

import typing as t
from functools import cached_property
from hashlib import blake2b

from singer_sdk.singerlib.catalog import (
    REPLICATION_FULL_TABLE,
    REPLICATION_INCREMENTAL,
)

from tap_toggl_hire.answers import answer_rows
from tap_toggl_hire.bases import (
    DELETED_AT,
    SCHEMAS,
    CandidateStream,
    ListStream,
    TogglHireStream,
    now,
)
from tap_toggl_hire.records import conformer
from tap_toggl_hire.sync.observation import (
    HISTORY_FIELDS,
    ONLY_IN_DETAILS,
    Change,
    tags_of,
)
from tap_toggl_hire.sync.plan import ANSWERS, CANDIDATES, DETAILS, HISTORY
from tap_toggl_hire.sync.scope import queries

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from tap_toggl_hire.records import Record
    from tap_toggl_hire.session import Session


class JobOpenings(ListStream):
    """Job openings: `/openings`, or `/openings/{id}` for those of the settings."""

    name = "job_openings"

    def rows(self) -> Iterable[t.Any]:
        """Read the job openings."""
        client, ids = self.session.client, self.session.settings.job_opening_ids
        return client.openings if ids is None else map(client.opening, ids)


class Categories(ListStream):
    """Categories, the steps of a job opening's pipeline: `/categories`."""

    name = "categories"

    def rows(self) -> Iterable[t.Any]:
        """Read the categories, of the openings of the settings, which must be there."""
        client = self.session.client
        for opening_id in self.session.settings.job_opening_ids or (None,):
            if opening_id is not None:
                client.opening(opening_id)
            yield from client.categories(opening_id)


class Tags(ListStream):
    """Tags: `/tags`."""

    name = "tags"
    is_whole = True

    def rows(self) -> Iterable[t.Any]:
        """Read the tags."""
        return self.session.client.tags


class Candidates(CandidateStream):
    """Candidates who have submitted the test: `/candidates`."""

    name = CANDIDATES
    primary_keys = ("id",)
    replication_key = "started_at"

    def get_records(self, context: Context | None) -> Iterator[Record]:  # noqa: ARG002
        """Read the list."""
        settings = self.session.settings
        for query in queries(settings.scope, settings.candidate_filters):
            params = query.params(settings.page_size)
            for page in self.session.client.pages("/candidates", params):
                for row in page:
                    yield from self.records(Change("", self.treated(row)))

    def get_child_context(
        self,
        record: Record,
        context: Context | None,  # noqa: ARG002
    ) -> Context:
        """Tell the child streams which candidate to read."""
        return {"candidate_id": record["id"]}

    def records(self, change: Change) -> Iterable[Record]:
        """Make the record of a candidate."""
        if change.row is not None:
            yield {**change.row, DELETED_AT: None}


class CandidateChild(CandidateStream):
    """A stream that takes the details of each candidate: `/candidates/{id}`."""

    parent_stream_type = Candidates

    @cached_property
    def conform(self) -> Callable[[t.Any], Record | None]:
        """Fits details to the schema of `candidate_details`, which has all of them."""
        return conformer(SCHEMAS.get_schema(DETAILS), self.session.fields.of(DETAILS))

    def get_records(self, context: Context | None) -> Iterator[Record]:
        """Read one candidate."""
        answer = context and self.session.client.candidate(context["candidate_id"])
        if answer:
            details = self.treated(answer)
            row = {n: v for n, v in details.items() if n not in ONLY_IN_DETAILS}
            tags = tags_of(details)
            yield from self.records(Change(row["id"], row, tags, details, "created"))


class CandidateDetails(CandidateChild):
    """Candidates with questions and answers."""

    name = DETAILS
    primary_keys = ("id",)
    replication_key = "started_at"

    def records(self, change: Change) -> Iterable[Record]:
        """Make the record of a candidate."""
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
        """Incremental, though it has no time of its own to be its replication key.

        The SDK's loop, as in `--test`, gives it a context, and looks for such a key.
        """
        return REPLICATION_FULL_TABLE if self.context else super().replication_method

    def records(self, change: Change) -> Iterable[Record]:
        """Make a record for each question."""
        for row in _answer_rows(change):
            if row is not None:
                yield {**row, DELETED_AT: None}

    def tombstones(self, change: Change) -> Iterable[Record]:
        """Make one for each row that may be held, and is no more."""
        rows = _answer_rows(change)
        for position in range(change.answers_held):
            if position >= len(rows) or rows[position] is None:
                yield {
                    "candidate_id": change.id,
                    "position": position,
                    DELETED_AT: now(),
                }


class CandidateHistory(CandidateChild):
    """What the tap saw change, which the API does not keep."""

    name = HISTORY
    primary_keys = ("event_id",)
    replication_key = "observed_at"

    def records(self, change: Change) -> Iterable[Record]:
        """Make the record of an event."""
        if change.row is not None:
            yield {
                **self._event(change),
                **{name: change.row[name] for name in HISTORY_FIELDS},
                "tag_ids": None if change.tags is None else list(change.tags),
            }

    def tombstones(self, change: Change) -> Iterable[Record]:
        """Make the record of a deletion."""
        if change.row is None:
            yield self._event(change)

    @staticmethod
    def _event(change: Change) -> Record:
        observed_at = now()
        event = f"{change.id} {observed_at}".encode()
        return {
            # Some warehouses take no time as a key, or cut it to seconds.
            "event_id": blake2b(event, digest_size=16).hexdigest(),
            "candidate_id": change.id,
            "observed_at": observed_at,
            "event": change.event,
        }


class SyncRuns(TogglHireStream):
    """The runs of the tap themselves; the record of a run is its last."""

    name = "sync_runs"
    primary_keys = ("started_at",)
    replication_key = "started_at"

    def get_records(self, context: Context | None) -> Iterator[Record]:  # noqa: ARG002
        """Tell nothing: a run is told at its end."""
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
