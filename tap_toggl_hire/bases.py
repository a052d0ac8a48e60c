"""What the streams have in common."""

from __future__ import annotations

import typing as t
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from singer_sdk import SchemaDirectory, StreamSchema
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.streams import Stream

from tap_toggl_hire.privacy import scrubber
from tap_toggl_hire.records import conformer, id_of

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context

    from tap_toggl_hire.records import Record
    from tap_toggl_hire.session import Session
    from tap_toggl_hire.sync.observation import Change

PACKAGE = Path(__file__).parent
FOLDER = PACKAGE / "schemas"
if not FOLDER.is_dir():  # a checkout; the wheel carries them inside the package
    FOLDER = PACKAGE.parent / "schemas"
SCHEMAS = SchemaDirectory(FOLDER)

DELETED_AT = "_sdc_deleted_at"


class TogglHireStream(Stream):
    """What all streams share.

    Args:
        tap: The tap, for the SDK.
        session: What the streams of a run share.
    """

    schema = StreamSchema(SCHEMAS)
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE  # `conform` has seen to it
    state_partitioning_keys = ()

    def __init__(self, tap: Tap, session: Session) -> None:
        self.session = session
        super().__init__(tap)

    @cached_property
    def conform(self) -> Callable[[t.Any], Record | None]:
        """Fits an object of the API to the stream's schema."""
        return conformer(self.schema, self.session.fields.of(self.name))


class ListStream(TogglHireStream):
    """A resource that is read whole, by one list."""

    primary_keys = ("id",)
    _asked: Future[list[t.Any]] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it reads all there is, so that what is missing is gone."""
        return self.session.settings.job_opening_ids is None

    def rows(self) -> Iterable[t.Any]:
        """Read the resource."""
        raise NotImplementedError

    def ask(self) -> None:
        """Ask for the resource, without waiting for it."""
        self._asked = self.session.workers.submit(lambda: [*self.rows()])

    def get_records(self, context: Context | None) -> Iterator[Record]:  # noqa: ARG002
        """Read the resource, fitted to its schema."""
        for row in self.rows() if self._asked is None else self._asked.result():
            if id_of(row) is not None:
                yield t.cast("Record", self.conform(row))
            else:
                self.session.warn_once(
                    "A record of %s has no id: it is left out.", self.name
                )


class CandidateStream(TogglHireStream):
    """A stream of which each candidate has some records."""

    def treated(self, answer: t.Any) -> Record:
        """Make a record of what the API sent, personal data treated."""
        return self._scrub(t.cast("Record", self.conform(answer)))

    @cached_property
    def _scrub(self) -> Callable[[Record], Record]:
        settings = self.session.settings
        return scrubber(settings.pii, settings.pii_hash_key)

    def records(self, change: Change) -> Iterable[Record]:
        """Make the records of a candidate, none of one that is gone."""
        raise NotImplementedError

    def tombstones(self, change: Change) -> Iterable[Record]:
        """Make those of one that is gone: the key, and what tells of it."""
        if change.row is None:
            yield {"id": change.id, DELETED_AT: now()}


def now() -> str:
    """Return the time as records have it."""
    return datetime.now(UTC).isoformat()
