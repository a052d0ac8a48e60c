"""`candidate_history`: one row per observed change."""

from __future__ import annotations

import typing as t
from datetime import UTC, datetime

import pytest

from sandbox import Account
from tests.streams.checks import Start, Workspace, history, in_history, without_event
from tests.support.streams import CANDIDATES, DETAILS, HISTORY, HISTORY_FIELDS

if t.TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, t.Any]


class Observed(Workspace):
    """A workspace whose changes are observed."""

    def observe(self) -> list[Json]:
        """Run the tap; return the new rows."""
        before = set(self.target.tables.get(HISTORY, {}))
        self.extract()
        rows = self.records(HISTORY)
        keys = {row["event_id"] for row in rows}
        assert len(keys) == len(rows)
        assert not keys & before
        return rows


@pytest.fixture(params=[(HISTORY,), (HISTORY, CANDIDATES, DETAILS)], ids=len)
def workspace(sandbox: Start, request: pytest.FixtureRequest) -> Observed:
    """Alone, and with other streams."""
    made = Observed(sandbox(Account.example(candidates=12)), *request.param)
    made.before = datetime.now(UTC)  # type: ignore[attr-defined]
    made.created = made.observe()  # type: ignore[attr-defined]
    return made


def test_each_candidate_is_created_once(workspace: t.Any) -> None:
    rows = workspace.created
    assert {row["event"] for row in rows} == {"created"}
    ids = [row["candidate_id"] for row in rows]
    assert sorted(ids) == sorted(workspace.account.listed_ids())
    for row in rows:
        of_candidate = in_history(workspace.account, row["candidate_id"])
        assert without_event(row) == of_candidate
        observed = datetime.fromisoformat(row["observed_at"])
        assert workspace.before <= observed <= datetime.now(UTC)
        # Nothing else: no personal data.
        assert set(row) == {
            *("event_id", "candidate_id", "observed_at", "event", "tag_ids"),
            *HISTORY_FIELDS,
        }
    assert workspace.observe() == []


def other_points(account: Account, candidate_id: str) -> tuple[int, float]:
    """A question with an answer, and other points for it."""
    detail = account.detail(candidate_id)
    points = {one["question_id"]: one["points"] for one in detail["answers"]}
    for position, question in enumerate(detail["questions"]):
        if str(question["id"]) in points:
            return position, points[str(question["id"])] + 0.25
    raise LookupError


CHANGES: dict[str, Callable[[Account, str], object]] = {
    "rating": lambda account, one: account.rate(one, 3 - account.row(one)["rating"]),
    "hire_state": lambda account, one: account.set_hire_state(
        one, "rejected" if account.row(one)["hire_state"] != "rejected" else ""
    ),
    "category_id": lambda account, one: account.move(
        one, None if account.row(one)["category_id"] else account.categories()[0]["id"]
    ),
    "points score": lambda account, one: account.grade(
        one, *other_points(account, one)
    ),
    "tag_ids": lambda account, one: account.tag(one, account.add_tag()),
    "job_opening_id": lambda account, one: account.set_field(
        one, "job_opening_id", account.add_opening()
    ),
}


def test_a_change_of_each_field_is_a_row(workspace: Observed) -> None:
    """Each field of another candidate, all in one run."""
    account = workspace.account
    changes = dict(zip(CHANGES, account.listed_ids(), strict=False))
    before = {one: in_history(account, one) for one in account.listed_ids()}
    for fields, one in changes.items():
        CHANGES[fields](account, one)
    rows = {row["candidate_id"]: row for row in workspace.observe()}
    assert rows.keys() == set(changes.values())
    for fields, one in changes.items():
        after = without_event(rows[one])
        assert rows[one]["event"] == "updated"
        assert after == in_history(account, one)
        assert {n for n in after if after[n] != before[one][n]} == set(fields.split())
    assert workspace.observe() == []


def test_a_tag_that_is_removed_or_deleted_is_a_row(workspace: Observed) -> None:
    account = workspace.account
    tags = {one: account.detail(one)["tag_ids"] for one in account.listed_ids()}
    one, held = next((one, held) for one, held in tags.items() if held)
    account.untag(one, held[0])
    (row,) = workspace.observe()
    assert (row["candidate_id"], row["tag_ids"]) == (one, sorted(held[1:]))
    tag = next(tag for other, held in tags.items() if other != one for tag in held)
    had_it = [o for o in account.listed_ids() if tag in account.detail(o)["tag_ids"]]
    account.delete_tag(tag)
    rows = workspace.observe()
    assert {row["candidate_id"] for row in rows} == set(had_it)
    assert all(tag not in row["tag_ids"] for row in rows)


def test_other_fields_and_an_undone_change_make_no_history(
    workspace: Observed,
) -> None:
    one = workspace.account.listed_ids()[4]
    for _ in range(2):
        workspace.rate(one)
    for name, value in (
        ("name", "Another Name"),
        ("email", "another@example.com"),
        ("contact_info", None),
        ("finished_at", "2025-12-31T00:00:00"),
    ):
        workspace.account.set_field(one, name, value)
    assert workspace.observe() == []


def test_a_late_submission_and_a_deletion(workspace: Observed) -> None:
    account = workspace.account
    late = account.add_candidate(started_at="2025-01-06T08:00:00")
    gone = account.listed_ids()[-1]
    account.delete(gone)
    rows = {row["candidate_id"]: row for row in workspace.observe()}
    events = {one: row["event"] for one, row in rows.items()}
    assert events == {late: "created", gone: "deleted"}
    assert set(without_event(rows[gone]).values()) == {None}
    # What was observed before stays.
    assert gone in history(workspace.target, "created")
    assert not workspace.target.deleted(HISTORY)
    assert workspace.observe() == []
