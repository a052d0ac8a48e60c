"""`candidate_history`: one row for each change that the tap observes."""

from __future__ import annotations

import typing as t
from datetime import UTC, datetime

import pytest

from sandbox import Account
from tests.streams.checks import (
    HISTORY_FIELDS,
    expected_history,
    history,
    loaded,
    said,
    settings,
)
from tests.support import Target, catalog, extract

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox

Json = dict[str, t.Any]

HISTORY = "candidate_history"


class Workspace:
    """A workspace whose history is read again and again."""

    def __init__(self, box: Sandbox, *selected: str) -> None:
        self.account = box.account
        self.config = settings(box)
        self.catalog = catalog(self.config, HISTORY, *selected)
        self.target = Target()

    def extract(self) -> list[Json]:
        """Run the tap; give the rows that came, each of which is new."""
        before = set(self.target.tables.get(HISTORY, {}))
        messages = extract(self.config, self.target.state, self.catalog)
        rows = [
            message["record"]
            for message in messages
            if message["type"] == "RECORD" and message["stream"] == HISTORY
        ]
        keys = {row["event_id"] for row in rows}
        assert len(keys) == len(rows)
        assert not keys & before
        self.target.load(messages)
        return rows


@pytest.fixture(params=["alone", "with the other streams"])
def workspace(
    sandbox: Callable[..., Sandbox], request: pytest.FixtureRequest
) -> Workspace:
    others = () if request.param == "alone" else ("candidates", "candidate_details")
    return Workspace(sandbox(Account.example(candidates=12)), *others)


def ungraded(account: Account, candidate_id: str) -> tuple[int, float]:
    """A question, and other points for its answer than it has."""
    detail = account.detail(candidate_id)
    points = {one["question_id"]: one["points"] for one in detail["answers"]}
    for position, question in enumerate(detail["questions"]):
        if str(question["id"]) in points:
            return position, points[str(question["id"])] + 0.25
    raise LookupError


def test_everybody_is_created_once(workspace: Workspace) -> None:
    before = datetime.now(UTC)
    rows = workspace.extract()
    after = datetime.now(UTC)
    assert {row["event"] for row in rows} == {"created"}
    ids = [row["candidate_id"] for row in rows]
    assert ids == workspace.account.listed_ids()
    for row in rows:
        assert said(row) == expected_history(workspace.account, row["candidate_id"])
        assert before <= datetime.fromisoformat(row["observed_at"]) <= after
        # And nothing else: no personal data.
        assert set(row) == {
            *("event_id", "candidate_id", "observed_at", "event", "tag_ids"),
            *HISTORY_FIELDS,
        }
    assert workspace.extract() == []


CHANGES: dict[str, Callable[[Account, str], object]] = {
    "rating": lambda account, one: account.rate(one, 3 - account.row(one)["rating"]),
    "hire_state": lambda account, one: account.set_hire_state(
        one, "rejected" if account.row(one)["hire_state"] != "rejected" else ""
    ),
    "category_id": lambda account, one: account.move(
        one, None if account.row(one)["category_id"] else account.categories()[0]["id"]
    ),
    "points score": lambda account, one: account.grade(one, *ungraded(account, one)),
    "tag_ids": lambda account, one: account.tag(one, account.add_tag()),
    "job_opening_id": lambda account, one: account.set_field(
        one, "job_opening_id", account.add_opening()
    ),
}


@pytest.mark.parametrize("fields", CHANGES)
def test_a_change_of_each_field_is_a_row(workspace: Workspace, fields: str) -> None:
    workspace.extract()
    one = workspace.account.listed_ids()[4]
    before = expected_history(workspace.account, one)
    CHANGES[fields](workspace.account, one)
    rows = workspace.extract()
    assert [(row["candidate_id"], row["event"]) for row in rows] == [(one, "updated")]
    assert said(rows[0]) == expected_history(workspace.account, one)
    differing = {name for name, value in said(rows[0]).items() if value != before[name]}
    assert differing == set(fields.split())
    assert workspace.extract() == []


def test_a_tag_that_is_taken_away_is_a_row(workspace: Workspace) -> None:
    workspace.extract()
    account = workspace.account
    tagged = next(key for key in account.listed_ids() if account.detail(key)["tag_ids"])
    account.untag(tagged, account.detail(tagged)["tag_ids"][0])
    rows = workspace.extract()
    assert [row["candidate_id"] for row in rows] == [tagged]
    assert rows[0]["tag_ids"] == sorted(account.detail(tagged)["tag_ids"])


def test_a_tag_that_is_deleted_is_a_row_for_each_who_had_it(
    workspace: Workspace,
) -> None:
    workspace.extract()
    account = workspace.account
    tags = {key: account.detail(key)["tag_ids"] for key in account.listed_ids()}
    tag = next(tag for held in tags.values() for tag in held)
    had_it = [key for key, held in tags.items() if tag in held]
    account.delete_tag(tag)
    rows = workspace.extract()
    assert [row["candidate_id"] for row in rows] == had_it
    assert all(tag not in row["tag_ids"] for row in rows)


def test_several_changes_between_two_runs_are_one_row(workspace: Workspace) -> None:
    workspace.extract()
    one = workspace.account.listed_ids()[4]
    for change in CHANGES.values():
        change(workspace.account, one)
    rows = workspace.extract()
    assert len(rows) == 1
    assert said(rows[0]) == expected_history(workspace.account, one)


def test_a_change_and_back_is_no_row(workspace: Workspace) -> None:
    workspace.extract()
    one = workspace.account.listed_ids()[4]
    rating = workspace.account.row(one)["rating"]
    workspace.account.rate(one, 3 - rating)
    workspace.account.rate(one, rating)
    assert workspace.extract() == []


@pytest.mark.parametrize(
    "change",
    [
        lambda account, one: account.set_field(one, "name", "Somebody Else"),
        lambda account, one: account.set_field(one, "email", "else@example.com"),
        lambda account, one: account.set_field(one, "contact_info", None),
        lambda account, one: account.set_field(
            one, "finished_at", "2025-12-31T00:00:00"
        ),
        lambda account, one: account.set_questions(one, 1),
    ],
    ids=["name", "email", "contact_info", "finished_at", "questions"],
)
def test_other_fields_make_no_history(
    workspace: Workspace, change: Callable[[Account, str], object]
) -> None:
    workspace.extract()
    account, one = workspace.account, workspace.account.listed_ids()[4]
    before = expected_history(account, one)
    change(account, one)
    rows = workspace.extract()
    assert bool(rows) is (expected_history(account, one) != before)


def test_a_late_submission_is_created_and_a_deletion_deleted(
    workspace: Workspace,
) -> None:
    workspace.extract()
    account = workspace.account
    late = account.add_candidate(started_at="2025-01-06T08:00:00")
    gone = account.listed_ids()[-1]
    account.delete(gone)
    rows = workspace.extract()
    assert {row["candidate_id"]: row["event"] for row in rows} == {
        late: "created",
        gone: "deleted",
    }
    deleted = next(row for row in rows if row["event"] == "deleted")
    assert set(said(deleted).values()) == {None}
    # What was observed of somebody who is gone stays.
    assert gone in history(workspace.target, "created")
    assert not workspace.target.deleted(HISTORY)
    assert workspace.extract() == []


def test_rows_of_many_runs_tell_what_each_run_saw(
    sandbox: Callable[..., Sandbox],
) -> None:
    workspace = Workspace(sandbox(Account.example(candidates=5)))
    one = workspace.account.listed_ids()[2]
    ratings = [3, 1, 2, 0, 3]
    workspace.account.rate(one, 0)
    workspace.extract()
    for rating in ratings:
        workspace.account.rate(one, rating)
        workspace.extract()
    rows = workspace.target.alive(HISTORY).values()
    mine = sorted(
        (row["observed_at"], row["event"], row["rating"])
        for row in rows
        if row["candidate_id"] == one
    )
    assert [(event, rating) for _, event, rating in mine] == [
        ("created", 0),
        *(("updated", rating) for rating in ratings),
    ]


def test_it_is_appended_to_whatever_the_catalog_says(
    sandbox: Callable[..., Sandbox],
) -> None:
    """Set to FULL_TABLE, nothing marks its earlier rows as deleted."""
    box = sandbox(Account.example(candidates=5))
    config = settings(box, emit_activate_version_messages=True)
    whole = catalog(config, HISTORY, "candidates", candidate_history="FULL_TABLE")
    target = loaded(extract(config, catalog=whole))
    first = set(target.alive(HISTORY))
    assert len(first) == 5
    box.account.rate(box.account.listed_ids()[0], 3)
    box.account.rate(box.account.listed_ids()[0], 1)
    target.load(extract(config, state=target.state, catalog=whole))
    assert first <= set(target.alive(HISTORY))
    assert not target.deleted(HISTORY)
