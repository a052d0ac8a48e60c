"""The invented team of `make demo` lives as its model says, up to its last day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tools.demo.team import Team

TODAY = datetime(2026, 6, 1, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def team() -> Team:
    """The team on its last day."""
    team = Team(TODAY)
    team.advance(TODAY)
    return team


def test_calendar_ends_today(team: Team) -> None:
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
    assert [
        opening["name"] for opening in team.account.openings() if opening["closed_at"]
    ] == ["Customer Support Agent"]
