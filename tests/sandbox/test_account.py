"""Changes of the account, and where the API shows them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from sandbox import Account, changes, random_change
from tests.support.api_rows import api_rows

if TYPE_CHECKING:
    from tests.sandbox.conftest import Client


def test_changes_of_a_candidate_show_in_list_and_details(
    client: Client, account: Account
) -> None:
    candidate_id = account.add_candidate(name="Nemo Nemosson", rating=0, locked=False)
    opening = account.row(candidate_id)["job_opening_id"]
    category = account.add_category(opening, "Last step")
    tag = account.add_tag("tried")

    def shown() -> dict[str, object]:
        detail = client.page(f"/candidates/{candidate_id}")
        row = client.page("/candidates")["data"][-1]
        assert row == {name: detail[name] for name in row}
        return detail

    account.rate(candidate_id, 3)
    account.set_hire_state(candidate_id, "rejected")
    account.move(candidate_id, category)
    account.set_contact_info(candidate_id, city="Nowhere")
    account.tag(candidate_id, tag)
    detail = shown()
    assert (detail["rating"], detail["hire_state"]) == (3, "rejected")
    assert (detail["category_id"], detail["tag_ids"]) == (category, [tag])
    assert client.ids("/candidates", tag_ids=tag) == [candidate_id]
    account.untag(candidate_id, tag)
    account.delete_category(category)
    detail = shown()
    assert (detail["tag_ids"], detail["category_id"]) == ([], None)
    account.set_field(candidate_id, "started_at", "2000-01-01T00:00:00")
    assert client.ids("/candidates")[0] == candidate_id
    account.delete(candidate_id)
    assert candidate_id not in client.ids("/candidates")
    assert client.get(f"/candidates/{candidate_id}").status_code == 404


def test_late_submission_appears_where_it_started(
    client: Client, account: Account
) -> None:
    late = account.add_candidate(started_at="2025-03-01T00:00:00", submitted=False)
    before = client.ids("/candidates")
    account.submit(late)
    after = client.ids("/candidates")
    assert late in after[1:-1]
    assert [candidate_id for candidate_id in after if candidate_id != late] == before


@pytest.mark.parametrize("kind", changes.EVERY)
def test_random_change_is_as_visible_as_its_kind(kind: str) -> None:
    account = Account.example(candidates=40, in_progress=3)
    rng = random.Random(7)
    for _ in range(3):
        before = api_rows(account)
        done, changed = random_change(account, rng, [kind])
        after = api_rows(account)
        assert (done, bool(changed)) == (kind, True)
        assert before != after
        if kind in changes.CANDIDATE and kind not in {"tag", "untag"}:
            assert before["candidates"] != after["candidates"]
        elif kind in {"unlock", "regrade_equal_sum"}:
            assert before["candidates"] == after["candidates"]
