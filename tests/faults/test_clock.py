"""Times in records follow the API's clock, which its Date header shows."""

from __future__ import annotations

import typing as t
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from sandbox import Account, Fault
from tests.streams.checks import Start, Workspace, of, warnings
from tests.support.streams import CANDIDATES, DELETED_AT, HISTORY, STATE_KEY, SYNC_RUNS

if t.TYPE_CHECKING:
    from sandbox.messages import Answer, Request


class Dated(Fault):
    """Right responses with a Date header that differs from this machine's clock."""

    def __init__(self, ahead: timedelta, **options: t.Any) -> None:
        super().__init__("empty", **options)
        self._ahead = ahead

    def answer(self, request: Request, ordinary: t.Any) -> Answer:  # noqa: ARG002
        answer: Answer = ordinary()
        date = format_datetime(datetime.now(UTC) + self._ahead, usegmt=True)
        answer.headers = (*answer.headers, ("Date", date))
        return answer


def times(workspace: Workspace) -> list[datetime]:
    """The times that the last run wrote into records."""
    (run,) = workspace.records(SYNC_RUNS)
    texts = [run["started_at"], run["finished_at"]]
    texts += [row["observed_at"] for row in workspace.records(HISTORY)]
    texts += [row[DELETED_AT] for row in workspace.records(CANDIDATES)]
    return [datetime.fromisoformat(text) for text in texts if text]


def is_near(time: datetime, ahead: timedelta) -> bool:
    return abs(time - datetime.now(UTC) - ahead) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("ahead", "followed", "is_logged"),
    [
        *((timedelta(hours=hours), timedelta(hours=hours), False) for hours in (2, -2)),
        (timedelta(seconds=3), timedelta(), False),
        (timedelta(days=3), timedelta(days=3), True),
    ],
    ids=str,
)
def test_times_in_records_follow_the_api(
    sandbox: Start,
    caplog: pytest.LogCaptureFixture,
    ahead: timedelta,
    followed: timedelta,
    is_logged: bool,
) -> None:
    workspace = Workspace(sandbox(Account.example(candidates=5)))
    workspace.box.faults = [Dated(ahead)]
    workspace.extract()
    workspace.account.delete(workspace.account.listed_ids()[0])
    caplog.clear()
    workspace.extract()
    state = of(workspace.messages, "STATE")[-1]["value"][STATE_KEY]
    found = [*times(workspace), datetime.fromisoformat(state["reverified_until"])]
    assert len(found) == 5  # two of the run, one of the history, and a tombstone's
    assert all(is_near(time, followed) for time in found)
    lines = [line for line in warnings(caplog) if "clock of this machine" in line]
    assert len(lines) == is_logged
    # What the SDK writes stays on the machine's clock.
    extracted = of(workspace.messages, "RECORD")[0]["time_extracted"]
    assert is_near(datetime.fromisoformat(extracted), timedelta())
