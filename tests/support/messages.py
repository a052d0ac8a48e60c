"""What a run wrote: Singer messages, and questions that tests ask about them."""

from __future__ import annotations

import typing as t
from collections import Counter

from tests.support.streams import CANDIDATE_STREAMS, DELETED_AT, HISTORY

if t.TYPE_CHECKING:
    from collections.abc import Iterable

Json = dict[str, t.Any]
Message = dict[str, t.Any]
Row = dict[str, t.Any]


class Messages:
    """The messages of one run, in order.

    Attributes:
        messages: Each as it is in its line, decoded.
    """

    messages: list[Message]

    def of_type(self, kind: str) -> list[Message]:
        """Return the messages of a type, such as "STATE"."""
        return [message for message in self.messages if message["type"] == kind]

    def schema(self, stream: str) -> Json:
        """Return the JSON Schema of the one SCHEMA message of a stream."""
        (message,) = (m for m in self.of_type("SCHEMA") if m["stream"] == stream)
        schema: Json = message["schema"]
        return schema

    @property
    def states(self) -> list[Json]:
        """The values of all STATE messages."""
        return [message["value"] for message in self.of_type("STATE")]

    @property
    def activated(self) -> set[str]:
        """The streams with an ACTIVATE_VERSION message."""
        return {message["stream"] for message in self.of_type("ACTIVATE_VERSION")}

    # Records; `Target` reads those of BATCH files, too

    def records(self, stream: str) -> list[Row]:
        """Return all records of a stream, tombstones among them."""
        return [m["record"] for m in self.of_type("RECORD") if m["stream"] == stream]

    def emitted(self, stream: str) -> list[str]:
        """Return the IDs of the candidates with rows in a stream, each once."""
        rows = [row for row in self.records(stream) if not row.get(DELETED_AT)]
        return list(dict.fromkeys(map(candidate_of, rows)))

    def tombstones(self, stream: str) -> list[Row]:
        """Return the tombstones of a stream."""
        return [row for row in self.records(stream) if row.get(DELETED_AT)]

    def deleted(self, stream: str) -> list[str]:
        """Return the IDs of the candidates with tombstones in a stream, each once."""
        return list(dict.fromkeys(map(candidate_of, self.tombstones(stream))))

    def events(self) -> list[tuple[str, str]]:
        """Return event and candidate of each record of `candidate_history`."""
        return [(row["event"], row["candidate_id"]) for row in self.records(HISTORY)]

    @property
    def candidate_records(self) -> list[Message]:
        """All RECORD messages of the four streams of candidates."""
        return [m for m in self.of_type("RECORD") if m["stream"] in CANDIDATE_STREAMS]

    @property
    def candidate_streams(self) -> set[str]:
        """The streams of candidates that have a record."""
        return {message["stream"] for message in self.candidate_records}


def assert_one_schema_per_stream(messages: Iterable[Message]) -> None:
    """Check a promise that every run keeps, whatever else it does."""
    schemas = Counter(m["stream"] for m in messages if m["type"] == "SCHEMA")
    assert set(schemas.values()) <= {1}, schemas


def candidate_of(row: Row) -> str:
    """Return the ID of the candidate that a row of a candidate stream is about."""
    candidate_id: str = row["candidate_id"] if "candidate_id" in row else row["id"]
    return candidate_id


def key_of_tombstone(row: Row) -> Row:
    """Return the key of a tombstone, which has nothing else but its time."""
    assert row[DELETED_AT]
    filled = {name: value for name, value in row.items() if value is not None}
    del filled[DELETED_AT]
    return filled
