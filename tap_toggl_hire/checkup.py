"""The check-up of `--test`: how this API differs from what the tap knows of it.

One screen without personal data, suitable for an issue. It reads one page of each list
and two candidates, at most 12 requests, and fails only where a run would.
"""

from __future__ import annotations

import re
import textwrap
import typing as t
from collections import Counter

from tap_toggl_hire.api.pagination import total_of
from tap_toggl_hire.errors import BadRequestError, NotFoundError, RequestError
from tap_toggl_hire.records import (
    EXTRA,
    MOST_NAMES,
    UNKNOWN,
    conformer,
    id_of,
    plain,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk import Tap

    from tap_toggl_hire.api.client import Client, Row
    from tap_toggl_hire.api.pagination import Params
    from tap_toggl_hire.records import Schema
    from tap_toggl_hire.settings import Settings

NO_ID = "0"
"""An ID that no candidate has."""
WIDTH = 88
"""Characters of a line."""
_OFFSET = re.compile(r"([Zz]|[+-]\d\d:?\d\d)$")


class Resource:
    """Compare the rows of one resource with its schema.

    Args:
        name: The stream.
        schema: Its schema.
        rows: Decoded objects of the API.
    """

    def __init__(self, name: str, schema: Schema, rows: list[t.Any]) -> None:
        self.name = name
        self.count = len(rows)
        self.unknown: Counter[str] = Counter()
        self.misfit: Counter[str] = Counter()
        conform = conformer(schema, self._report)
        found: set[str] = set()
        for row in rows:
            conform(row)
            found.update(_paths(row, schema, ""))
        self.missing = [
            name
            for name, parent in _declared(schema, "")
            if name not in found and parent in found
        ]
        """Declared fields that no object of theirs has."""

    def _report(self, field: str, trouble: str) -> None:
        (self.unknown if trouble == UNKNOWN else self.misfit)[plain(field)] += 1


class Checkup:
    """Read a sample of every resource.

    Args:
        tap: The tap, for the schemas of its streams.
        settings: The settings.
        client: The API.
    """

    def __init__(self, tap: Tap, settings: Settings, client: Client) -> None:
        self._tap = tap
        self._settings = settings
        self._client = client

    def report(self) -> str:
        """Read the sample and return the report.

        Raises:
            TapError: If a run would fail, too.
        """
        opening_id = next(iter(self._settings.job_opening_ids or ()), None)
        if opening_id is None:
            openings, of_opening = self._first_page("/openings"), {}
        else:
            openings = [self._client.opening(opening_id)]
            of_opening = {"job_opening_id": opening_id}
        rows = {
            "job_openings": openings,
            "categories": self._first_page("/categories", of_opening),
            "tags": self._first_page("/tags"),
        }
        rows["candidates"], findings = self._list_of_candidates()
        ids = [one for row in rows["candidates"] if (one := id_of(row)) is not None]
        sample = dict.fromkeys([*ids[:1], *ids[-1:]])
        rows["candidate_details"] = list(self._details(sample))
        resources = [
            Resource(name, self._tap.streams[name].schema, found)
            for name, found in rows.items()
        ]
        return "\n".join(self._lines(resources, findings)) + "\n"

    def _first_page(self, path: str, params: Params | None = None) -> list[Row]:
        return next(self._client.pages(path, params or {}), [])

    def _details(self, ids: Iterable[str]) -> Iterator[Row]:
        for candidate_id in ids:
            try:
                yield self._client.candidate(candidate_id)
            except NotFoundError:  # deleted since the list was read
                continue

    def _list_of_candidates(self) -> tuple[list[t.Any], dict[str, str]]:
        """Return the first page of candidates, and how the list behaves."""
        settings = self._settings
        params = settings.scope.queries()[0].first_page(settings.page_size)
        page = self._client.candidates_page(params)
        rows, total = page["data"], total_of(page)
        return rows, {
            "total": "missing" if total is None else "present",
            "page_size": _page_size(len(rows), settings.page_size, total),
            "times": _times(rows),
            "ids": _ids(rows),
            "links.next": self._next_link(params, page),
            "unknown after_id": self._unknown_after_id(params, rows),
        }

    def _next_link(self, params: Params, page: Row) -> str:
        rows, total = page["data"], total_of(page)
        paginator = self._client.paginator(params)
        paginator.advance(page)
        if paginator.finished:
            is_short = total is not None and len(rows) < total
            return "missing, although there are more rows" if is_short else "not needed"
        following = self._client.candidates_page(paginator.current_value)["data"]
        return "repeats rows" if any(row in rows for row in following) else "followed"

    def _unknown_after_id(self, params: Params, rows: list[t.Any]) -> str:
        try:
            page = self._client.candidates_page({**params, "after_id": NO_ID})
        except NotFoundError:
            return "404"
        except BadRequestError:
            return "400"
        except RequestError:
            return "fails"
        if not page["data"]:
            return "an empty page"
        return "the first page" if page["data"] == rows else "another page"

    def _lines(
        self, resources: Iterable[Resource], findings: dict[str, str]
    ) -> Iterator[str]:
        client = self._client
        yield (
            f"{self._tap.name} {self._tap.plugin_version}, "
            f"API {client.version}, {client.counts.requests} requests"
        )
        for resource in resources:
            yield f"{resource.name}: {resource.count} read"
            yield from _names("unknown fields", resource.unknown)
            yield from _names("missing fields", resource.missing)
            yield from _names("misfits", resource.misfit)
        yield "List of candidates"
        for name, finding in findings.items():
            yield f"  {name}: {finding}"


def _names(title: str, names: Iterable[str]) -> Iterator[str]:
    """Yield a list of names, cut short and wrapped; nothing without names."""
    found = sorted(names)
    if found:
        more = ["and more"] if len(found) > MOST_NAMES else []
        text = f"{title}: {', '.join([*found[:MOST_NAMES], *more])}"
        yield from textwrap.wrap(
            text, WIDTH, initial_indent="  ", subsequent_indent="    "
        )


def _page_size(rows: int, requested: int, total: int | None) -> str:
    if rows > requested:
        return "more rows than requested"
    if total is not None and rows < min(requested, total):
        return f"{rows} rows instead of {min(requested, total)}"
    return "as requested"


def _times(rows: Iterable[t.Any]) -> str:
    """Return whether times have an offset."""
    found = {
        "with an offset"
        if _OFFSET.search(started)
        else "without an offset: read as UTC"
        for row in rows
        if isinstance(row, dict) and isinstance(started := row.get("started_at"), str)
    }
    return " and ".join(sorted(found)) or "none found"


def _ids(rows: Iterable[t.Any]) -> str:
    """Return the kinds of IDs."""
    found = {
        "numbers"
        if isinstance(row["id"], int)
        else "numbers as text"
        if row["id"].isdigit()
        else "text"
        for row in rows
        if id_of(row) is not None
    }
    return " and ".join(sorted(found)) or "none found"


def _paths(value: t.Any, schema: Schema, path: str) -> Iterator[str]:
    """Yield the declared fields that a value has, and its objects as "path."."""
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
    """Yield the fields that the API declares, each with its object as "path."."""
    for name, field in schema.get("properties", {}).items():
        if name != EXTRA and not name.startswith("_sdc"):
            full = _join(path, name)
            yield full, f"{path}."
            yield from _declared(field, full)
            yield from _declared(field.get("items", {}), f"{full}[]")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
