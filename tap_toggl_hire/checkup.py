"""The check-up of `--test`: how this API differs from what the tap knows of it.

One screen without personal data, suitable for an issue. It reads one page of each list
and up to five candidates, at most 12 requests, and fails only where a run would, but at
once: nothing is retried.
"""

from __future__ import annotations

import textwrap
import typing as t
from contextlib import suppress

from tap_toggl_hire import records
from tap_toggl_hire.api.pagination import total_of
from tap_toggl_hire.errors import NotFoundError, UnavailableError
from tap_toggl_hire.records import (
    MISMATCHED,
    UNKNOWN,
    FieldReport,
    conformer,
    id_of,
    loggable,
)
from tap_toggl_hire.streams import ListStream

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_toggl_hire.api.client import Client, Json
    from tap_toggl_hire.api.pagination import Params
    from tap_toggl_hire.api.workers import Workers
    from tap_toggl_hire.records import Schema
    from tap_toggl_hire.session import SessionTap

WIDTH = 88  # characters of a line
MAX_REQUESTS = 12
MAX_DETAILS = 5  # candidates; `shape` names a field that as many objects have
FURTHER_REQUESTS = 2  # of `survey`, which reads the same candidates
MAX_SEARCH = 8.0  # seconds until the API serves a version


def report(tap: SessionTap) -> str:
    """Read a sample of every resource and compare it with its schema."""
    client, settings = tap.session.client, tap.session.settings
    find_version(tap.session.workers, lambda: client.version)
    lists = [
        stream for stream in tap.streams.values() if isinstance(stream, ListStream)
    ]
    rows: dict[str, list[Json]] = {s.name: next(s.pages(), []) for s in lists}
    params = settings.scope.queries()[0].first_page(settings.page_size)
    page = client.candidates_page(params)
    rows["candidates"] = page["data"]
    habits = [*_habits(client, params, page)]
    ids = [key for row in page["data"] if (key := id_of(row)) is not None]
    rows["candidate_details"] = []
    for candidate_id in sampled(ids, client.counts.requests):
        with suppress(NotFoundError):  # deleted since the list was read
            rows["candidate_details"].append(client.candidate(candidate_id))
    count = client.counts.requests
    lines = [f"{tap.name} {tap.plugin_version}, API {client.version}, {count} requests"]
    for name, found in rows.items():
        lines += _compared(name, tap.streams[name].schema, found)
    return "\n".join([*lines, "List of candidates", *habits]) + "\n"


def sampled(ids: list[str], requests: int) -> list[str]:
    """Return the candidates to read, spread over a page: the first and the last, too.

    `requests` is the number of requests that were sent before.
    """
    ids = list(dict.fromkeys(ids))
    left = MAX_REQUESTS - FURTHER_REQUESTS - requests
    count = max(0, min(MAX_DETAILS, len(ids), left))
    return [ids[place * (len(ids) - 1) // max(1, count - 1)] for place in range(count)]


def find_version(workers: Workers, find: Callable[[], object]) -> None:
    """Find the version of the API in a thread: a DNS lookup has no timeout."""
    try:
        workers.submit(find).result(timeout=MAX_SEARCH)
    except TimeoutError:
        raise UnavailableError(
            f"The API served no version within {MAX_SEARCH:.0f} seconds: check api_url."
        ) from None


def _habits(client: Client, params: Params, page: Json) -> Iterator[str]:
    """Yield the behaviour of the list of candidates."""
    rows, total, limit = page["data"], total_of(page), int(params["limit"])
    expected = limit if total is None else min(limit, total)
    paginator = client.paginator(params)
    paginator.advance(page)
    link = "missing, but there are more rows" if len(rows) < (total or 0) else "none"
    if not paginator.finished:
        following = client.candidates_page(paginator.current_value)["data"]
        link = "repeats rows" if any(row in rows for row in following) else "followed"
    yield f"  total: {'missing' if total is None else 'present'}"
    yield f"  page size: {len(rows)} of {expected} rows"
    yield f"  next link: {link}"


def _compared(name: str, schema: Schema, rows: list[t.Any]) -> Iterator[str]:
    """Yield how the objects of a resource differ from its schema."""
    names: dict[str, set[str]] = {UNKNOWN: set(), MISMATCHED: set()}
    fields = FieldReport(lambda field, what: names[what].add(loggable(field)))
    conform = conformer(schema, fields)
    for row in rows:
        conform(row)
    yield f"{name}: {len(rows)} read"
    for title, found in (
        ("unknown fields", names[UNKNOWN]),
        ("missing fields", set(fields.missing)),
        ("type mismatches", names[MISMATCHED]),
    ):
        if shown := sorted(found):
            more = ["and more"] if len(shown) > records.MAX_NAMES else []
            text = f"  {title}: {', '.join([*shown[: records.MAX_NAMES], *more])}"
            yield from textwrap.wrap(text, WIDTH, subsequent_indent="    ")
