"""A Singer target that keeps tables in memory, as target-postgres keeps them."""

from __future__ import annotations

import gzip
import json
import typing as t
from urllib.parse import urlsplit

from tests.support.streams import DELETED_AT

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Message = dict[str, t.Any]
Row = dict[str, t.Any]
Key = str | tuple[t.Any, ...]


class Target:
    """Upsert records by the key of their SCHEMA; a tombstone nulls the rest of its row.

    Attributes:
        tables: Rows by stream and key. A key of one column is its value.
        state: All states received, merged as Meltano merges them; None before the
            first. A test that kills the target sets the one that it had confirmed.
    """

    def __init__(self) -> None:
        self.tables: dict[str, dict[Key, Row]] = {}
        self.state: dict[str, t.Any] | None = None
        self._schemas: dict[str, Message] = {}
        self._versions: dict[str, dict[Key, int]] = {}

    def load(self, messages: Iterable[Message]) -> None:
        """Receive messages, in order."""
        for message in messages:
            match message["type"]:
                case "SCHEMA":
                    self._schemas[message["stream"]] = message
                    self.tables.setdefault(message["stream"], {})
                case "RECORD":
                    self._upsert(message)
                case "BATCH":
                    for record in records_of(message):
                        self._upsert({"stream": message["stream"], "record": record})
                case "ACTIVATE_VERSION":
                    self._activate(message["stream"], message["version"])
                case "STATE":
                    self.state = merged(self.state or {}, message["value"])

    def alive(self, stream: str) -> dict[Key, Row]:
        """Return the rows that are not marked as deleted."""
        rows = self.tables.get(stream, {})
        return {key: row for key, row in rows.items() if not row.get(DELETED_AT)}

    def deleted(self, stream: str) -> dict[Key, Row]:
        """Return the rows that are marked as deleted."""
        rows = self.tables.get(stream, {})
        return {key: row for key, row in rows.items() if row.get(DELETED_AT)}

    def _upsert(self, message: Message) -> None:
        stream, record = message["stream"], message["record"]
        assert stream in self._schemas, f"RECORD of {stream} before its SCHEMA"
        schema = self._schemas[stream]
        assert record.keys() == schema["schema"]["properties"].keys(), stream
        values = tuple(record[name] for name in schema["key_properties"])
        key = values[0] if len(values) == 1 else values
        self.tables[stream][key] = {**record, DELETED_AT: record.get(DELETED_AT)}
        if "version" in message:
            self._versions.setdefault(stream, {})[key] = message["version"]

    def _activate(self, stream: str, version: int) -> None:
        versions = self._versions.get(stream, {})
        for key, row in self.tables[stream].items():
            if versions.get(key, 0) < version:
                row[DELETED_AT] = row[DELETED_AT] or "activated"


def records_of(batch: Message) -> Iterator[Row]:
    """Read the records in the files of a BATCH message."""
    for url in batch["manifest"]:
        with gzip.open(urlsplit(url).path, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def candidate_of_key(key: Key) -> str:
    """Return the ID of the candidate in a key of a candidate stream."""
    return t.cast("str", key[0] if isinstance(key, tuple) else key)


def merged(base: t.Any, over: t.Any) -> t.Any:
    """Merge a state over another as Meltano does: objects in depth, lists whole."""
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return over
    return base | {name: merged(base.get(name), value) for name, value in over.items()}
