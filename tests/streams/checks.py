"""What the tests of the streams share: settings for a sandbox, and its truth."""

from __future__ import annotations

import logging
import sys
import typing as t

from click.testing import CliRunner

from tap_toggl_hire.errors import TapError
from tap_toggl_hire.tap import TapTogglHire
from tests.support import Target
from tests.support.truth import truth, unsigned

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox import Account, Sandbox, Shapes

Json = dict[str, t.Any]
Rows = dict[t.Any, Json]

LISTS = ("job_openings", "categories", "tags")
FROM_DETAILS = ("candidate_details", "candidate_answers")
CANDIDATES = ("candidates", *FROM_DETAILS, "candidate_history")
RUNS = "sync_runs"
STREAMS = (*LISTS, *CANDIDATES, RUNS)

HISTORY_FIELDS = (
    *("job_opening_id", "category_id", "hire_state", "rating", "points", "score"),
)


def settings(box: Sandbox, **others: t.Any) -> Json:
    """The settings that read a sandbox."""
    return {"api_key": box.api_key, "api_url": box.url, **others}


def loaded(*runs: Iterable[Json]) -> Target:
    """A target that took the messages of some runs."""
    target = Target()
    for messages in runs:
        target.load(messages)
    return target


def expected(
    account: Account,
    shapes: Shapes | None = None,
    *,
    only: Iterable[str] | None = None,
    version: str = "v2.1",
) -> dict[str, Rows]:
    """The rows that a target should hold, as it holds them.

    Args:
        account: What there is.
        shapes: Of the sandbox, for fields that it drops or nulls.
        only: The ids of the candidates that are selected; all by default.
        version: Of the API.
    """
    wanted = None if only is None else set(only)
    rows = truth(account, shapes, version=version)
    return {
        stream: {
            key: {**row, "_sdc_deleted_at": None}
            for key, row in table.items()
            if stream in LISTS
            or wanted is None
            or (key[0] if isinstance(key, tuple) else key) in wanted
        }
        for stream, table in rows.items()
    }


def assert_holds(
    target: Target,
    rows: dict[str, Rows],
    streams: Iterable[str] = STREAMS,
    *,
    deleted: bool = False,
) -> None:
    """See that tables are equal to what they should hold.

    Args:
        target: The tables.
        rows: What they should hold; nothing is known of a stream that it lacks.
        streams: The tables to compare.
        deleted: Whether rows may be there that are marked as deleted.
    """
    for stream in streams:
        if stream in rows:
            alive = {key: steady(row) for key, row in target.alive(stream).items()}
            assert alive == rows[stream], stream
            assert deleted or not target.deleted(stream), stream


def steady(row: Json) -> Json:
    """A row without the part of column `extra` that changes by itself."""
    return {**row, "extra": unsigned(row["extra"])} if "extra" in row else row


def history(target: Target, event: str) -> dict[str, Json]:
    """The rows of an event by candidate, each of whom must have one at the most."""
    rows = [
        row
        for row in target.alive("candidate_history").values()
        if row["event"] == event
    ]
    by_candidate = {row["candidate_id"]: row for row in rows}
    assert len(by_candidate) == len(rows)
    return by_candidate


def expected_history(account: Account, candidate_id: str) -> Json:
    """What a row of the history says of a candidate as it is now."""
    detail = account.detail(candidate_id)
    return {
        **{name: detail.get(name) for name in HISTORY_FIELDS},
        "tag_ids": sorted(detail["tag_ids"]),
    }


def said(row: Json) -> Json:
    """What a row of the history says of its candidate."""
    return {name: row[name] for name in (*HISTORY_FIELDS, "tag_ids")}


def told_by(tombstone: Json) -> Json:
    """What a tombstone says: its key, for all else but its mark is null."""
    assert tombstone["_sdc_deleted_at"]
    return {
        name: value
        for name, value in tombstone.items()
        if value is not None and name != "_sdc_deleted_at"
    }


def details_asked(box: Sandbox) -> list[str]:
    """The ids whose details were asked for, in order."""
    return [one.route.item_id for one in box.stats.log if one.kind == "candidate"]


def refusal(*arguments: str) -> str:
    """Run the command line inside the test, where many runs count.

    Returns:
        The sentence that it ends with; `__main__` would log it.
    """
    excepthook = sys.excepthook
    try:
        ended = CliRunner().invoke(TapTogglHire.get_singer_command(), arguments)
    finally:  # the SDK changes both for a process of its own
        sys.excepthook = excepthook
        logging.captureWarnings(capture=False)
    assert isinstance(ended.exception, TapError), repr(ended.exception)
    assert ended.stdout == ""
    return str(ended.exception)
