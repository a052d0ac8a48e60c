"""The check-up of `--test`: what this API sends, beside what the tap knows of it.

One screen without personal data, fit to be pasted into an issue. It makes at most 12
requests, and fails only where a run would.
"""

from __future__ import annotations

import re
import textwrap
import typing as t
from collections import Counter
from itertools import chain, islice

from tap_toggl_hire.bases import ListStream
from tap_toggl_hire.errors import NotFoundError, RefusedError, TapError
from tap_toggl_hire.fields import MOST_NAMES, plain
from tap_toggl_hire.records import EXTRA, UNKNOWN, conformer
from tap_toggl_hire.streams import Candidates
from tap_toggl_hire.sync.listing import total_of
from tap_toggl_hire.sync.plan import DETAILS
from tap_toggl_hire.sync.scope import queries

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk import Tap

    from tap_toggl_hire.api.pagination import Params
    from tap_toggl_hire.bases import CandidateStream, TogglHireStream
    from tap_toggl_hire.records import Record, Schema
    from tap_toggl_hire.session import Session

SAMPLE = 2
"""Candidates whose details are read."""
NOBODY = "0"
"""An id that no candidate has."""
WIDTH = 88
"""Characters of a line."""
_OFFSET = re.compile(r"([Zz]|[+-]\d\d:?\d\d)$")


class Resource:
    """What one stream was given.

    Args:
        stream: Its schema says what is known.
    """

    def __init__(self, stream: TogglHireStream) -> None:
        self.name = stream.name
        self.rows = 0
        self.unknown: Counter[str] = Counter()
        self.unfit: Counter[str] = Counter()
        self._came: set[str] = set()
        self._schema = stream.schema
        self._conform = conformer(stream.schema, self._report)

    def conform(self, row: t.Any) -> Record | None:
        """Fit a row to the schema, and note what came."""
        self.rows += 1
        self._came.update(_paths(row, self._schema, ""))
        return self._conform(row)

    @property
    def absent(self) -> list[str]:
        """Fields that the schema declares, and that never came where they could."""
        return [
            name
            for name, place in _declared(self._schema, "")
            if name not in self._came and place in self._came
        ]

    def _report(self, field: str, trouble: str) -> None:
        (self.unknown if trouble == UNKNOWN else self.unfit)[plain(field)] += 1


class Checkup:
    """Reads a little of everything.

    Args:
        tap: Its streams.
        session: Settings and API.
    """

    def __init__(self, tap: Tap, session: Session) -> None:
        self._tap = tap
        self._settings = session.settings
        self._client = session.client
        self._resources: list[Resource] = []
        self._habits: dict[str, str] = {}

    def report(self) -> str:
        """Look at the API, and tell.

        Raises:
            TapError: If a run would fail, too.
        """
        streams = self._tap.streams.values()
        # One request for each opening that is named would be too many.
        most = None if self._settings.job_opening_ids is None else 1
        for stream in streams:
            if isinstance(stream, ListStream):
                self._read(stream, islice(stream.get_records(None), most))
        self._look_at_the_list()
        for stream in streams:
            if isinstance(stream, Candidates):
                few = islice(stream.get_records(None), self._settings.page_size)
                ids = [record["id"] for record in self._read(stream, few)]
                self._look_at_details(ids[:1] + ids[1:][-SAMPLE + 1 :])
        return "\n".join(self._lines()) + "\n"

    def _read(self, stream: TogglHireStream, records: Iterable[Record]) -> list[Record]:
        """Read records, while their stream hands each row to a resource."""
        resource = Resource(stream)
        self._resources.append(resource)
        stream.conform = resource.conform
        return list(records)

    def _look_at_details(self, ids: list[str]) -> None:
        stream = t.cast("CandidateStream", self._tap.streams[DETAILS])
        records = chain.from_iterable(
            stream.get_records({"candidate_id": candidate_id}) for candidate_id in ids
        )
        self._read(stream, t.cast("Iterable[Record]", records))

    def _look_at_the_list(self) -> None:
        settings = self._settings
        query = queries(settings.scope, settings.candidate_filters)[0]
        params = query.params(settings.page_size)
        paginator = self._client.paginator(params)
        page = self._client.candidates_page(params)
        rows, total = page["data"], total_of(page)
        habits = self._habits
        habits["total"] = "there" if total is not None else "missing"
        habits["page_size"] = _page_size(len(rows), settings.page_size, total)
        habits["times"] = _times(rows)
        habits["ids"] = _ids(rows)
        paginator.advance(page)
        if paginator.finished:
            is_more = total is not None and len(rows) < total
            habits["links.next"] = (
                "missing, though there are more" if is_more else "not needed"
            )
        else:
            following = self._client.candidates_page(paginator.current_value)
            is_new = not any(row in rows for row in following["data"])
            habits["links.next"] = (
                "leads on" if is_new else "leads to rows that came before"
            )
        habits["after_id of nobody"] = self._after_nobody(params, rows)

    def _after_nobody(self, params: Params, rows: list[t.Any]) -> str:
        try:
            page = self._client.candidates_page({**params, "after_id": NOBODY})
        except NotFoundError:
            return "404"
        except RefusedError:
            return "400"
        except TapError:
            return "no answer"
        if not page["data"]:
            return "an empty page"
        return "the first page" if page["data"] == rows else "another page"

    def _lines(self) -> Iterator[str]:
        counts = self._client.counts
        yield (
            f"{self._tap.name} {self._tap.plugin_version}, "
            f"API {self._client.version}, {counts.requests} requests"
        )
        for resource in self._resources:
            yield f"{resource.name}: {resource.rows} read"
            yield from _told("unknown", resource.unknown)
            yield from _told("never came", resource.absent)
            yield from _told("did not fit", resource.unfit)
        yield "The list of candidates"
        for habit, answer in self._habits.items():
            yield f"  {habit}: {answer}"


def _told(what: str, names: Iterable[str]) -> Iterator[str]:
    """Tell names, a few of them."""
    found = sorted(names)
    if found:
        more = ["and more"] if len(found) > MOST_NAMES else []
        text = f"{what}: {', '.join([*found[:MOST_NAMES], *more])}"
        yield from textwrap.wrap(
            text, WIDTH, initial_indent="  ", subsequent_indent="    "
        )


def _page_size(rows: int, asked: int, total: int | None) -> str:
    if rows > asked:
        return "more rows came than were asked for"
    if total is not None and rows < min(asked, total):
        return f"{rows} rows came, not {min(asked, total)}"
    return "obeyed"


def _times(rows: Iterable[t.Any]) -> str:
    """Tell whether times have an offset."""
    found = {
        "with an offset"
        if _OFFSET.search(started)
        else "without an offset: read as UTC"
        for row in rows
        if isinstance(row, dict) and isinstance(started := row.get("started_at"), str)
    }
    return " and ".join(sorted(found)) or "none came"


def _ids(rows: Iterable[t.Any]) -> str:
    """Tell what ids are."""
    ids = [row.get("id") for row in rows if isinstance(row, dict)]
    kinds = {
        "numbers"
        if isinstance(one, int)
        else "numbers, as text"
        if isinstance(one, str) and one.isdigit()
        else "text"
        for one in ids
    }
    return " and ".join(sorted(kinds)) or "none came"


def _paths(value: t.Any, schema: Schema, path: str) -> Iterator[str]:
    """Yield the declared fields that came, and with a dot each object that did."""
    yield path
    if isinstance(value, dict) and "properties" in schema:
        yield f"{path}."
        for name, field in schema["properties"].items():
            if name in value:
                yield from _paths(value[name], field, _join(path, name))
    elif isinstance(value, list) and "items" in schema:
        for item in value:
            yield from _paths(item, schema["items"], f"{path}[]")


def _declared(schema: Schema, path: str) -> Iterator[tuple[str, str]]:
    """Yield the declared fields that the API is to send, each with its object."""
    for name, field in schema.get("properties", {}).items():
        if name != EXTRA and not name.startswith("_sdc"):
            full = _join(path, name)
            yield full, f"{path}."
            yield from _declared(field, full)
            yield from _declared(field.get("items", {}), f"{full}[]")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
