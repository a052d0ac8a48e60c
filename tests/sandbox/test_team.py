"""The invented team lives as its model says, up to its last day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from sandbox import Sandbox, Team

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client

TODAY = datetime(2026, 6, 1, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def team() -> Team:
    """The team on its last day."""
    made = Team(TODAY)
    made.advance(TODAY)
    return made


def test_the_calendar_ends_today(team: Team) -> None:
    rows = team.account.list_rows()
    finished = [datetime.fromisoformat(row["finished_at"]) for row in rows]
    assert TODAY - timedelta(days=3) < max(finished).replace(tzinfo=UTC) <= TODAY
    assert min(finished).replace(tzinfo=UTC) < team.start + timedelta(days=5)


def test_small_steps_and_one_large_step_lead_to_the_same_account(team: Team) -> None:
    other = Team(TODAY)
    for day in range(0, 240, 9):
        other.advance(other.start + timedelta(days=day))
    other.advance(TODAY)
    assert other.account.list_rows() == team.account.list_rows()
    assert other.account.openings() == team.account.openings()


def test_some_are_erased_and_an_opening_is_closed(team: Team) -> None:
    assert len(team.account.listed_ids()) < 0.95 * len(team.applicants)
    assert [one["name"] for one in team.account.openings() if one["closed_at"]] == [
        "Customer Support Agent"
    ]


def test_responses_have_the_date_of_the_calendar(
    client: Client, sandbox: Sandbox
) -> None:
    assert "Date" not in client.get("/tags").headers
    sandbox.now = lambda: datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    assert client.get("/tags").headers["Date"] == "Mon, 02 Mar 2026 09:30:00 GMT"
    assert "Date" in client.get("/candidates/unknown").headers
