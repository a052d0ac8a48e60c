"""The invented team lives as its model says, up to its last day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from statistics import correlation, mean, median
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


def test_decisions_take_days(team: Team) -> None:
    waits = [
        (one.decided - one.finished) / timedelta(days=1)
        for one in team.applicants.values()
        if one.decided
    ]
    assert len(waits) > 400
    assert 4 < median(waits) < 8
    assert min(waits) >= 0


def test_steps_are_entered_in_order_and_few_reach_the_last(team: Team) -> None:
    reached = [
        sum(one.step >= step for one in team.applicants.values()) for step in range(4)
    ]
    assert reached[0] > 1.8 * reached[1] > 2 * reached[2] > 3 * reached[3] > 90


def test_the_grading_backlog_has_grown_lately(team: Team) -> None:
    details = map(team.account.detail, team.account.listed_ids())
    waiting = [
        team.today - datetime.fromisoformat(detail["finished_at"]).replace(tzinfo=UTC)
        for detail in details
        for answer in detail["answers"]
        if answer["points"] is None
    ]
    assert len(waiting) > 20
    assert max(waiting) > timedelta(days=5)


def test_the_wrong_key_separates_the_wrong_way(team: Team) -> None:
    pairs = []
    for candidate_id in team.account.listed_ids():
        detail = team.account.detail(candidate_id)
        points = {one["question_id"]: one["points"] or 0 for one in detail["answers"]}
        for question in detail["questions"]:
            if question["content"].startswith("What does `COUNT(column)`"):
                own = points.get(str(question["id"]), 0)
                pairs.append((own, detail["points"] - own))
    assert len(pairs) > 150
    assert correlation(*zip(*pairs, strict=True)) < -0.1
    assert mean(own for own, _ in pairs) < 0.8


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
