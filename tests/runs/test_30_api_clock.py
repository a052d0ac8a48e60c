"""Times in records follow the API's clock, which its Date header shows."""

from __future__ import annotations

import typing as t
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.streams import (
    ALL_STREAMS,
    CANDIDATES,
    DELETED_AT,
    HISTORY,
    STATE_KEY,
    SYNC_RUNS,
)

if t.TYPE_CHECKING:
    from tests.support.pipeline import Pipeline


@pytest.mark.parametrize(
    ("ahead", "followed", "is_logged"),
    [
        (timedelta(hours=2), timedelta(hours=2), False),
        (timedelta(hours=-2), timedelta(hours=-2), False),
        (timedelta(seconds=3), timedelta(), False),
        (timedelta(days=3), timedelta(days=3), True),
    ],
    ids=str,
)
def test_times_in_records_follow_the_api(
    pipeline: Pipeline,
    caplog: pytest.LogCaptureFixture,
    ahead: timedelta,
    followed: timedelta,
    is_logged: bool,
) -> None:
    pipeline.config["reverify_days"] = 30
    pipeline.sandbox.now = lambda: datetime.now(UTC) + ahead
    pipeline.run(select=ALL_STREAMS)
    pipeline.account.delete(pipeline.ids[0])
    caplog.clear()
    begins = pipeline.now
    run = pipeline.run(select=ALL_STREAMS)
    [summary], [event] = run.records(SYNC_RUNS), run.records(HISTORY)
    times = [
        summary["started_at"],
        summary["finished_at"],
        event["observed_at"],
        run.records(CANDIDATES)[0][DELETED_AT],
        run.states[-1][STATE_KEY]["reverified_until"],
    ]
    for time in map(datetime.fromisoformat, times):
        assert abs(time - begins - followed) < timedelta(seconds=30)
    assert ("clock of this machine" in caplog.text) is is_logged
    # What the SDK writes stays on the machine's clock.
    extracted = run.of_type("RECORD")[0]["time_extracted"]
    extracted_at = datetime.fromisoformat(extracted)
    assert abs(extracted_at - begins) < timedelta(seconds=30)


def test_events_of_runs_within_a_second_are_in_order(pipeline: Pipeline) -> None:
    """A Date header has whole seconds: the corrected clock may go back by one."""
    pipeline.interval = timedelta(milliseconds=300)
    pipeline.sandbox.now = lambda: pipeline.clock.utcnow() + timedelta(hours=2)
    times = []
    for _ in range(5):
        pipeline.change_rating(pipeline.ids[0])
        event, *_ = pipeline.run().records(HISTORY)
        times.append(event["observed_at"])
    assert times == sorted(set(times))
    assert len(pipeline.target.alive(HISTORY)) == 12 + 4
