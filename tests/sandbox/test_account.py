"""The account: made-up data as documented, and changes that show where they should."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import pytest

from sandbox import Account, changes, random_change
from tests.support.truth import truth

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client


def test_an_example_is_the_same_for_its_seed() -> None:
    one, two, other = (Account.example(30, seed=seed) for seed in (1, 1, 2))
    assert truth(one) == truth(two)
    assert truth(one) != truth(other)


def test_an_example_has_all_that_is_documented() -> None:
    account = Account.example(candidates=300)
    details = [account.detail(one) for one in account.listed_ids()]
    assert len(details) == 300
    assert {len(one["questions"]) for one in details} == {8}
    assert any(len(one["answers"]) < 8 for one in details)
    assert {one["hire_state"] for one in details} == {"", "possible-hire", "rejected"}
    assert {one["rating"] for one in details} == {0, 1, 2, 3}
    assert any(one["name"] == "" for one in details)
    for name in ("profile_url", "contact_info", "category_id"):
        assert {one[name] is None for one in details} == {True, False}
    assert any(len(one["contact_info"] or {}) == 5 for one in details)
    assert 80 < sum(bool(one["tag_ids"]) for one in details) < 160
    starts = [one["started_at"] for one in details]
    assert len(set(starts)) < 300
    assert {len(re.sub(r".*\d\d:\d\d:\d\d\.?", "", one)) for one in starts} == set(
        range(7)
    )
    questions = [question for one in details for question in one["questions"]]
    assert {question["question_type"] for question in questions} == {
        *("single-choice", "multiple-choice", "text", "code")
    }
    assert {type(question["id"]) for question in questions} == {int}
    assert {bool(question.get("options")) for question in questions} == {True, False}
    ids = account.listed_ids()
    assert ids != sorted(ids, key=int)


def test_points_and_score_follow_the_answers(account: Account) -> None:
    for one in account.listed_ids():
        detail = account.detail(one)
        most = sum(question["points"] for question in detail["questions"])
        points = sum(answer["points"] for answer in detail["answers"])
        assert detail["points"] == points
        assert detail["score"] == round(100 * points / most, 6)


def test_a_late_submission_appears_where_it_started(
    client: Client, account: Account
) -> None:
    late = account.add_candidate(started_at="2025-03-01T00:00:00", submitted=False)
    before = client.ids("/candidates")
    assert client.get(f"/candidates/{late}").status_code == 404
    account.submit(late)
    after = client.ids("/candidates")
    assert late in after[1:-1]
    assert [one for one in after if one != late] == before
    detail = client.page(f"/candidates/{late}")
    assert detail["finished_at"] > detail["started_at"]


def test_changes_show_at_once(client: Client, account: Account) -> None:
    one = account.add_candidate(name="Nobody Atall", rating=0, locked=False)
    category = account.add_category(account.row(one)["job_opening_id"], "Last step")
    tag = account.add_tag("tried")

    def shown() -> dict[str, object]:
        detail = client.page(f"/candidates/{one}")
        row = client.page("/candidates")["data"][-1]
        assert row == {name: detail[name] for name in row}
        return detail

    assert shown()["name"] == "Nobody Atall"
    account.rate(one, 3)
    assert shown()["rating"] == 3
    account.set_hire_state(one, "rejected")
    assert shown()["hire_state"] == "rejected"
    account.move(one, category)
    assert shown()["category_id"] == category
    account.tag(one, tag)
    assert shown()["tag_ids"] == [tag]
    assert client.ids("/candidates", tag_ids=tag) == [one]
    account.untag(one, tag)
    assert shown()["tag_ids"] == []
    assert client.ids("/candidates", tag_ids=tag) == []
    account.set_contact_info(one, city="Nowhere")
    assert account.row(one)["contact_info"]["city"] == "Nowhere"
    assert shown()["contact_info"] == account.row(one)["contact_info"]
    account.rename_category(category, "Very last step")
    assert client.page("/categories")["data"][-1]["name"] == "Very last step"
    account.delete_category(category)
    assert shown()["category_id"] is None
    account.set_field(one, "started_at", "2000-01-01T00:00:00")
    assert client.ids("/candidates")[0] == one
    account.delete(one)
    assert one not in client.ids("/candidates")
    assert client.get(f"/candidates/{one}").status_code == 404


def test_grading_moves_points_and_score(account: Account) -> None:
    one = account.listed_ids()[0]
    detail = account.detail(one)
    question = detail["questions"][0]["id"]
    answered = [answer["question_id"] for answer in detail["answers"]]
    place = [str(question["id"]) for question in detail["questions"]].index(answered[0])
    account.grade(one, place, 17.5)
    graded = account.detail(one)
    assert graded["points"] != detail["points"]
    assert graded["score"] != detail["score"]
    assert question == graded["questions"][0]["id"]


def test_a_regrade_of_equal_sum_shows_in_the_details_alone(account: Account) -> None:
    moved = 0
    for one in account.listed_ids():
        row, detail = account.row(one), account.detail(one)
        try:
            account.regrade_equal_sum(one)
        except ValueError:
            continue
        moved += 1
        assert account.row(one) == row
        assert account.detail(one) != detail
        assert all(answer["points"] >= 0 for answer in account.detail(one)["answers"])
    assert moved


def test_unlocking_shows_in_the_details_alone(account: Account) -> None:
    contact = {"full_name": "Nobody", "city": "Nowhere"}
    one = account.add_candidate(locked=True, contact_info=contact)
    row, detail = account.row(one), account.detail(one)
    assert detail["contact_info"] is None
    assert {answer["text_answer"] for answer in detail["answers"]} == {None}
    account.unlock(one)
    assert account.row(one) == row
    assert account.detail(one)["contact_info"] == contact


def test_questions_come_and_go(account: Account) -> None:
    one = account.listed_ids()[0]
    account.set_questions(one, 3)
    detail = account.detail(one)
    assert len(detail["questions"]) == 3
    assert len(detail["answers"]) <= 3
    account.set_questions(one, 5)
    assert len(account.detail(one)["questions"]) == 5


def test_the_archive(client: Client, account: Account) -> None:
    one = account.listed_ids()[3]
    account.archive(one, listed=True)
    assert one in client.ids("/candidates")
    account.archive(one)
    assert one not in client.ids("/candidates")
    assert client.page(f"/candidates/{one}")["id"] == one
    assert one not in truth(account)["candidates"]
    assert one in truth(account, archived=True)["candidates"]


def test_an_opening_goes_and_its_candidates_stay(
    client: Client, account: Account
) -> None:
    opening = account.openings()[0]["id"]
    before = client.ids("/candidates", job_opening_id=opening)
    account.delete_opening(opening)
    assert client.get(f"/openings/{opening}").status_code == 404
    assert client.page("/categories", job_opening_id=opening)["data"] == []
    assert client.ids("/candidates", job_opening_id=opening) == before != []


def test_a_deleted_tag_is_gone_from_everybody(account: Account) -> None:
    tag = account.tags()[0]["id"]
    account.delete_tag(tag)
    for one in account.listed_ids():
        assert tag not in account.detail(one)["tag_ids"]


def test_empty_accounts_fill_themselves() -> None:
    account = Account()
    assert account.list_rows() == account.openings() == account.tags() == []
    one = account.add_candidate()
    assert account.row(one)["job_opening_id"] == account.openings()[0]["id"]


@pytest.mark.parametrize("kind", changes.EVERY)
def test_random_changes_are_real_and_as_visible_as_they_say(kind: str) -> None:
    account = Account.example(candidates=40, in_progress=3)
    rng = random.Random(7)
    for _ in range(3):
        before = truth(account)
        done, changed = random_change(account, rng, [kind])
        after = truth(account)
        assert done == kind
        assert changed
        assert before != after
        rows_differ = before["candidates"] != after["candidates"]
        if kind in {"tag", "untag"}:
            assert (
                account.detail(changed)["tag_ids"]
                != (before["candidate_details"][changed]["tag_ids"])
            )
        elif kind in changes.CANDIDATE:
            assert rows_differ
        elif kind in {"unlock", "regrade_equal_sum"}:
            assert not rows_differ


def test_random_histories_keep_the_list_in_order(client: Client) -> None:
    account, rng = client.sandbox.account, random.Random(3)
    for _ in range(300):
        random_change(account, rng, changes.EVERY)
    served = client.pages("/candidates", limit=9)
    assert [row for page in served for row in page["data"]] == account.list_rows()
    starts = [row["started_at"][:19] for row in account.list_rows()]
    assert starts == sorted(starts)
    with pytest.raises(ValueError, match="nothing to change"):
        random_change(Account(), rng, ["grade"])
