"""`candidate_history`: one row per observed change, which stays.

Which changes are rows is tested with guarantee 2.
"""

from __future__ import annotations

import typing as t
from datetime import datetime

import pytest

from tests.support.streams import (
    CANDIDATE_STREAMS,
    HISTORY,
    HISTORY_FIELDS,
)

if t.TYPE_CHECKING:
    from tests.support.pipeline import Pipeline


@pytest.mark.parametrize("select", [CANDIDATE_STREAMS, (HISTORY,)], ids=len)
def test_first_run_creates_each_candidate_without_personal_data(
    pipeline: Pipeline, select: tuple[str, ...]
) -> None:
    begins = pipeline.now
    rows = pipeline.run(select=select).records(HISTORY)
    assert sorted(row["candidate_id"] for row in rows) == sorted(pipeline.ids)
    for row in rows:
        observed_at = datetime.fromisoformat(row.pop("observed_at"))
        assert begins <= observed_at < pipeline.now
        assert row.pop("event_id")
        details = pipeline.account.detail(row["candidate_id"])
        assert row == {
            "candidate_id": details["id"],
            "event": "created",
            **{name: details[name] for name in HISTORY_FIELDS},
            "finished_at": details["finished_at"] + "+00:00",
            "tag_ids": sorted(details["tag_ids"]),
        }


def test_rows_of_a_deleted_candidate_stay(pipeline: Pipeline) -> None:
    pipeline.run()
    gone = pipeline.ids[-1]
    pipeline.account.delete(gone)
    [row] = pipeline.run().records(HISTORY)
    assert (row["event"], row["candidate_id"]) == ("deleted", gone)
    assert {row[name] for name in (*HISTORY_FIELDS, "finished_at", "tag_ids")} == {None}
    rows = pipeline.target.alive(HISTORY).values()
    events = [row["event"] for row in rows if row["candidate_id"] == gone]
    assert events == ["created", "deleted"]
    assert not pipeline.target.deleted(HISTORY)


def test_events_have_ids_of_their_own(pipeline: Pipeline) -> None:
    pipeline.run()
    for _ in range(3):
        pipeline.change_rating(pipeline.ids[0])
        pipeline.run()
    assert len(pipeline.target.alive(HISTORY)) == 12 + 3
