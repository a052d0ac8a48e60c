"""The sandbox answers as the vendor's documentation of the API says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox import Account

if TYPE_CHECKING:
    from sandbox import Sandbox
    from tests.sandbox.conftest import Client

Row = dict[str, Any]


# Authentication and errors


@pytest.mark.parametrize("header", [None, "Bearer wrong", "sandbox-key", "Bearer "])
def test_requests_need_the_key(sandbox: Sandbox, header: str | None) -> None:
    headers = {"Authorization": header} if header is not None else {}
    for path in ("/openings", "/candidates/1", "/unknown"):
        response = requests.get(f"{sandbox.url}/v2.1{path}", headers=headers, timeout=5)
        assert response.status_code == 401
        assert response.json() == {"error": {"type": "UnauthorizedError"}}
    assert sandbox.stats.without_key == 3


def test_unknown_objects_are_a_404_with_the_error_object(
    client: Client, account: Account
) -> None:
    in_progress = account.in_progress_ids()[0]
    for path in ("/candidates/1", f"/candidates/{in_progress}", "/openings/1", "/x"):
        response = client.get(path)
        assert response.status_code == 404
        assert response.json() == {"error": {"type": "NotFoundError"}}
    root = client.sandbox.url.removesuffix("/api")
    outside = client.get(f"{root}/candidates")
    assert outside.status_code == 404
    assert outside.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hire_state", "maybe"),
        ("min_score", "high"),
        ("max_rating", "nan"),
        ("limit", "0"),
        ("limit", "1.5"),
        ("order", "random"),
    ],
)
def test_invalid_parameters_are_a_400(client: Client, name: str, value: str) -> None:
    response = client.get("/candidates", **{name: value})
    assert response.status_code == 400
    assert response.json() == {"error": {"type": "ValidationError"}}


# Objects


def test_served_objects_are_those_of_the_account(
    client: Client, account: Account
) -> None:
    for path, expected in (
        ("/openings", account.openings()),
        ("/categories", account.categories()),
        ("/tags", account.tags()),
    ):
        assert client.page(path) == {"data": expected}
    assert client.page("/candidates")["data"] == account.list_rows()
    for opening in account.openings():
        assert client.page(f"/openings/{opening['id']}") == opening
        rows = client.page("/categories", job_opening_id=opening["id"])["data"]
        categories = account.categories()
        assert rows == [c for c in categories if c["job_opening_id"] == opening["id"]]
    for candidate_id in account.listed_ids():
        assert client.page(f"/candidates/{candidate_id}") == account.detail(
            candidate_id
        )


def test_example_has_every_documented_value() -> None:
    account = Account.example(candidates=300)
    assert account.list_rows() == Account.example(candidates=300).list_rows()
    details = [account.detail(candidate_id) for candidate_id in account.listed_ids()]
    assert {detail["hire_state"] for detail in details} == {
        "",
        "possible-hire",
        "rejected",
    }
    assert {detail["rating"] for detail in details} == {0, 1, 2, 3}
    assert any(detail["name"] == "" for detail in details)
    for name in ("profile_url", "contact_info", "category_id"):
        assert {detail[name] is None for detail in details} == {True, False}
    starts = [detail["started_at"] for detail in details]
    assert len(set(starts)) < 300
    fractions = {len(re.sub(r".*:\d\d\.?", "", start)) for start in starts}
    assert fractions == set(range(7))
    questions = [question for detail in details for question in detail["questions"]]
    assert {question["question_type"] for question in questions} == {
        "single-choice",
        "multiple-choice",
        "text",
        "code",
    }
    assert {type(question["id"]) for question in questions} == {int}
    assert any(len(detail["answers"]) < len(detail["questions"]) for detail in details)
    for detail in details:
        most = sum(question["points"] for question in detail["questions"])
        assert detail["points"] == sum(answer["points"] for answer in detail["answers"])
        assert detail["score"] == round(100 * detail["points"] / most, 6)


# Pages and their order


@pytest.mark.parametrize("limit", [1, 7, 40, 41])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_have_every_candidate_once_in_order(
    client: Client, account: Account, limit: int, order: str
) -> None:
    expected = account.listed_ids()[:: 1 if order == "asc" else -1]
    assert client.ids("/candidates", limit=limit, order=order) == expected


def test_default_is_100_candidates_by_started_at(
    client: Client, account: Account
) -> None:
    tied = [account.add_candidate(started_at="2025-02-01T10:00:00") for _ in range(70)]
    page = client.page("/candidates")
    assert page["total"] == 110
    assert [row["id"] for row in page["data"]] == account.listed_ids()[:100]
    starts = [row["started_at"][:19] for row in page["data"]]
    assert starts == sorted(starts)
    shown = [key for key in client.ids("/candidates", limit=9) if key in tied]
    assert sorted(shown) == sorted(tied)
    assert shown not in (sorted(tied), tied), "ties are in no order of IDs"


def test_link_repeats_the_query(client: Client, account: Account) -> None:
    tag = account.tags()[0]["id"]
    page = client.page("/candidates", limit=2, tag_ids=tag, order="desc", min_score=1)
    last = page["data"][-1]["id"]
    query = f"limit=2&tag_ids={tag}&order=desc&min_score=1&after_id={last}"
    link = page["links"]["next"]
    assert link == f"{client.sandbox.url}/v2.1/candidates?{query}"
