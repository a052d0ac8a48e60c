"""What list, details and tags may say otherwise than each other, or for good."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import pytest

from sandbox import Account, Fault, details_of
from sandbox.invented import signed_link
from sandbox.shapes import ODD_NAMES, many_names

if TYPE_CHECKING:
    from sandbox import Sandbox
    from sandbox.messages import Request
    from tests.sandbox.conftest import Client

Json = dict[str, Any]


def objects(client: Client) -> dict[str, list[Json]]:
    """An object or more of each level, as they are served."""
    rows = client.page("/candidates")["data"]
    details = [client.page(f"/candidates/{row['id']}") for row in rows]
    questions = [one for detail in details for one in detail["questions"]]
    return {
        "openings": client.page("/openings")["data"],
        "categories": client.page("/categories")["data"],
        "tags": client.page("/tags")["data"],
        "rows": rows,
        "details": details,
        "contact_info": [one["contact_info"] for one in details if one["contact_info"]],
        "questions": questions,
        "options": [o for one in questions for o in one.get("options") or ()],
        "answers": [answer for one in details for answer in one["answers"]],
    }


def test_details_lag_behind_the_list_until_they_are_released(
    client: Client, account: Account, sandbox: Sandbox
) -> None:
    one = account.listed_ids()[3]
    before = account.detail(one)
    account.hold_details(one)
    account.rate(one, 3 if before["rating"] != 3 else 0)
    account.set_contact_info(one, city="Nowhere")
    row = next(r for r in client.page("/candidates")["data"] if r["id"] == one)
    assert row["rating"] != before["rating"]
    assert client.page(f"/candidates/{one}") == before == account.detail(one)

    def release_after_two(_: Request) -> None:
        if sandbox.stats.count("candidate") > 3:
            account.release_details(one)

    sandbox.on_request = release_after_two
    seen = [client.page(f"/candidates/{one}")["rating"] for _ in range(4)]
    assert seen == [before["rating"]] * 2 + [row["rating"]] * 2


def test_list_and_details_differ_for_good(client: Client, account: Account) -> None:
    first, second = account.listed_ids()[:2]
    account.show(first, in_list={"contact_info": None, "score": None})
    account.show(second, in_details={"email": None, "hire_state": "archived"})
    account.rate(first, 2)  # what changes later does not undo it
    shown = {row["id"]: row for row in client.page("/candidates")["data"]}
    assert shown[first]["contact_info"] is shown[first]["score"] is None
    assert client.page(f"/candidates/{first}")["score"] is not None
    detail = client.page(f"/candidates/{second}")
    assert (detail["email"], detail["hire_state"]) == (None, "archived")
    assert shown[second]["email"]


@pytest.mark.parametrize(
    ("how", "body"),
    [({}, '{"error":'), ({"html": True}, "<!doctype"), ({"empty": True}, "")],
)
def test_details_are_a_404_for_good_though_listed(
    client: Client, sandbox: Sandbox, account: Account, how: Json, body: str
) -> None:
    gone, other = account.listed_ids()[:2]
    sandbox.faults = [Fault("status", status=404, match=details_of(gone), **how)]
    for _ in range(3):
        response = client.get(f"/candidates/{gone}")
        assert response.status_code == 404
        assert response.text.startswith(body)
        assert bool(response.text) == bool(body)
    assert client.get(f"/candidates/{other}").status_code == 200
    assert gone in client.ids("/candidates")
    sandbox.faults = [Fault("status", status=404, match="candidate", **how)]
    assert client.get(f"/candidates/{other}").status_code == 404


def test_details_are_a_500_for_good(
    client: Client, sandbox: Sandbox, account: Account
) -> None:
    broken, other = account.listed_ids()[:2]
    sandbox.faults = [Fault("status", status=500, match=details_of(broken))]
    assert {client.get(f"/candidates/{broken}").status_code for _ in "12345"} == {500}
    assert client.get(f"/candidates/{other}").status_code == 200


@pytest.mark.parametrize("shown", [0, 1, 17, 40, 99])
def test_lists_show_the_first_candidates_alone_and_say_that_these_are_all(
    client: Client, sandbox: Sandbox, account: Account, shown: int
) -> None:
    sandbox.shapes.first_candidates = shown
    ids = account.listed_ids()
    pages = client.pages("/candidates", limit=6)
    assert [row["id"] for page in pages for row in page["data"]] == ids[:shown]
    assert {page["total"] for page in pages} == {min(shown, 40)}
    tag = account.tags()[0]["id"]
    tagged = [one for one in ids[:shown] if tag in account.detail(one)["tag_ids"]]
    assert client.ids("/candidates", tag_ids=tag) == tagged
    assert client.get(f"/candidates/{ids[-1]}").status_code == 200


@pytest.mark.parametrize("error", [1, -1])
@pytest.mark.parametrize("where", ["all lists", "tag lists"])
def test_the_total_is_wrong(
    client: Client,
    sandbox: Sandbox,
    account: Account,
    error: int,
    where: Literal["all lists", "tag lists"],
) -> None:
    sandbox.shapes.total_error = error
    sandbox.shapes.total_error_in = where
    expected = 40 + (error if where == "all lists" else 0)
    assert client.page("/candidates", limit=5)["total"] == expected
    page = client.page("/candidates", tag_ids=account.tags()[0]["id"])
    assert page["total"] == len(page["data"]) + error


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_paging_loses_those_that_started_with_the_anchor(
    client: Client, sandbox: Sandbox, order: str
) -> None:
    account = sandbox.account
    tied = [account.add_candidate(started_at="2025-02-01T10:00:00") for _ in range(7)]
    whole = client.ids("/candidates", limit=1, order=order)
    sandbox.shapes.skip_ties = True
    pages = client.pages("/candidates", limit=3, order=order)
    seen = [row["id"] for page in pages for row in page["data"]]
    assert [one for one in whole if one in seen] == seen
    assert 0 < len(set(tied) & set(seen)) < 7
    for before, after in pairwise(pages):
        last, first = before["data"][-1], after["data"][0]
        assert last["started_at"] != first["started_at"]
    assert {page["total"] for page in pages} == {47}


def test_the_list_of_tags_is_empty_once(client: Client, sandbox: Sandbox) -> None:
    whole = client.ids("/tags")
    sandbox.faults = [Fault("short_list", match="tags", times=1)]
    assert client.ids("/tags") == []
    assert client.ids("/tags") == whole


def test_a_tag_that_the_list_of_tags_lacks(client: Client, account: Account) -> None:
    one = account.listed_ids()[0]
    account.tag(one, "777")
    assert "777" in client.page(f"/candidates/{one}")["tag_ids"]
    assert "777" not in client.ids("/tags")
    assert client.ids("/candidates", tag_ids="777") == [one]


def test_unknown_fields_at_every_level(client: Client, sandbox: Sandbox) -> None:
    plain = objects(client)
    odd = {**ODD_NAMES, **many_names(200)}
    sandbox.shapes.extra_fields = odd
    for level, shown in objects(client).items():
        assert len(shown) == len(plain[level]), level
        assert all(one.items() >= odd.items() for one in shown), level


@pytest.mark.parametrize("level", ["openings", "rows", "details", "options"])
def test_unknown_fields_at_one_level(
    client: Client, sandbox: Sandbox, level: str
) -> None:
    sandbox.shapes.extra_fields = {"news": {"deep": [1, {"deeper": None}]}}
    sandbox.shapes.extra_in = (level,)
    for name, shown in objects(client).items():
        assert {"news" in one for one in shown} == {name == level}


def test_an_unknown_field_of_one_object(client: Client, account: Account) -> None:
    one, other = account.listed_ids()[:2]
    account.set_field(one, "portfolio", {"likes": 3})
    account.show(other, in_details={"source": "referral"})
    rows = {row["id"]: row for row in client.page("/candidates")["data"]}
    assert rows[one]["portfolio"] == {"likes": 3}
    assert "portfolio" not in rows[other]
    assert "source" not in rows[other]
    assert client.page(f"/candidates/{one}")["portfolio"] == {"likes": 3}
    assert client.page(f"/candidates/{other}")["source"] == "referral"
    account.change_opening(account.openings()[0]["id"], team="Data")
    account.change_category(account.categories()[0]["id"], order=4)
    account.change_tag(account.tags()[0]["id"], colour={"hex": "#fff"})
    assert client.page("/openings")["data"][0]["team"] == "Data"
    assert client.page("/categories")["data"][0]["order"] == 4
    assert client.page("/tags")["data"][0]["colour"] == {"hex": "#fff"}


def test_a_field_that_changes_by_itself(client: Client, sandbox: Sandbox) -> None:
    sandbox.shapes.extra_fields = {"photo": signed_link}
    sandbox.shapes.extra_in = ("rows", "details")
    first, second = (client.page("/candidates")["data"] for _ in range(2))
    for before, after in zip(first, second, strict=True):
        assert before.pop("photo") != after.pop("photo")
    assert first == second
    path = f"/candidates/{first[0]['id']}"
    assert client.page(path)["photo"] != client.page(path)["photo"]


def test_values_of_another_type(client: Client, sandbox: Sandbox) -> None:
    plain = objects(client)
    sandbox.shapes.other_types = True
    shown = client.page("/candidates")["data"]
    assert client.page("/candidates")["data"] == shown
    assert [one["id"] for one in shown] == [one["id"] for one in plain["rows"]]
    names = {"name", "score", "started_at", "hire_state", "contact_info"}
    for name in names:
        kinds = {type(one[name]) for one in shown if one[name] is not None}
        before = {type(one[name]) for one in plain["rows"] if one[name] is not None}
        assert before < kinds, name
