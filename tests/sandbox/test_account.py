"""Changes of the account, and where the API shows them."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest

from sandbox import Account, changes, random_change
from tests.support.truth import truth

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client


def test_changes_of_a_candidate_show_in_list_and_details(
    client: Client, account: Account
) -> None:
    one = account.add_candidate(name="Nemo Nemosson", rating=0, locked=False)
    category = account.add_category(account.row(one)["job_opening_id"], "Last step")
    tag = account.add_tag("tried")

    def shown() -> dict[str, object]:
        detail = client.page(f"/candidates/{one}")
        row = client.page("/candidates")["data"][-1]
        assert row == {name: detail[name] for name in row}
        return detail

    account.rate(one, 3)
    account.set_hire_state(one, "rejected")
    account.move(one, category)
    account.set_contact_info(one, city="Nowhere")
    account.tag(one, tag)
    detail = shown()
    assert (detail["rating"], detail["hire_state"]) == (3, "rejected")
    assert (detail["category_id"], detail["tag_ids"]) == (category, [tag])
    assert client.ids("/candidates", tag_ids=tag) == [one]
    account.untag(one, tag)
    account.delete_category(category)
    detail = shown()
    assert (detail["tag_ids"], detail["category_id"]) == ([], None)
    account.set_field(one, "started_at", "2000-01-01T00:00:00")
    assert client.ids("/candidates")[0] == one
    account.delete(one)
    assert one not in client.ids("/candidates")
    assert client.get(f"/candidates/{one}").status_code == 404


def test_late_submission_appears_where_it_started(
    client: Client, account: Account
) -> None:
    late = account.add_candidate(started_at="2025-03-01T00:00:00", submitted=False)
    before = client.ids("/candidates")
    account.submit(late)
    after = client.ids("/candidates")
    assert late in after[1:-1]
    assert [one for one in after if one != late] == before


def test_archived_candidate_is_in_no_list(client: Client, account: Account) -> None:
    one = account.listed_ids()[3]
    account.archive(one)
    assert one not in client.ids("/candidates")
    assert client.page(f"/candidates/{one}")["id"] == one
    assert one not in truth(account)["candidates"]
    assert one in truth(account, archived=True)["candidates"]


def test_deleted_opening_and_tag(client: Client, account: Account) -> None:
    opening, tag = account.openings()[0]["id"], account.tags()[0]["id"]
    candidates = client.ids("/candidates", job_opening_id=opening)
    account.delete_opening(opening)
    account.delete_tag(tag)
    assert client.get(f"/openings/{opening}").status_code == 404
    assert client.page("/categories", job_opening_id=opening)["data"] == []
    assert client.ids("/candidates", job_opening_id=opening) == candidates != []
    assert not any(tag in account.detail(o)["tag_ids"] for o in account.listed_ids())


@pytest.mark.parametrize("kind", changes.EVERY)
def test_random_change_is_as_visible_as_its_kind(kind: str) -> None:
    account = Account.example(candidates=40, in_progress=3)
    rng = random.Random(7)
    for _ in range(3):
        before = truth(account)
        done, changed = random_change(account, rng, [kind])
        after = truth(account)
        assert (done, bool(changed)) == (kind, True)
        assert before != after
        if kind in changes.CANDIDATE and kind not in {"tag", "untag"}:
            assert before["candidates"] != after["candidates"]
        elif kind in {"unlock", "regrade_equal_sum"}:
            assert before["candidates"] == after["candidates"]


def test_truth_has_the_rows_of_the_streams() -> None:
    """The tests compare the tap with `truth`, which must not err itself."""
    account = Account()
    opening = account.add_opening("Tester")
    options = [{"id": "500", "content": "This", "correct": True, "hint": "x"}]
    question = {"id": 400, "content": "Which?", "points": 3, "options": options}
    answer = {"question_id": "400", "points": 3, "chosen_option_ids": ["500"]}
    one = account.add_candidate(
        opening,
        "2019-03-10T02:39:32.59275",
        contact_info={"city": "Nowhere", "pronouns": None},
        questions=[question],
        answers=[answer],
        finished_at="yesterday",
        hire_state=7,
    )
    rows = truth(account)

    candidate = rows["candidates"][one]
    assert candidate["started_at"] == "2019-03-10T02:39:32.59275+00:00"
    assert (candidate["finished_at"], candidate["hire_state"]) == (None, "7")
    assert (candidate["points"], candidate["score"]) == (3, 100)
    assert candidate["contact_info"]["country"] is None
    assert json.loads(candidate["extra"]) == {
        "contact_info": {"pronouns": None},
        "finished_at": "yesterday",
    }
    assert rows["candidate_details"][one]["questions"][0]["id"] == "400"
    row = rows["candidate_answers"][one, 0]
    assert (row["question_id"], row["answered"], row["correct"]) == ("400", True, True)
    assert row["options"] == [{"id": "500", "content": "This", "correct": True}]
    assert row["extra"] == '{"question":{"options":[{"hint":"x"}]}}'
    assert row["skill"] is row["text_answer"] is row["_sdc_deleted_at"] is None
