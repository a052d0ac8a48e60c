"""The list endpoints: paging, order, filters, and the shapes that they may take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Account, Sandbox
    from tests.sandbox.conftest import Client

    LastPage = Literal["null", "empty", "missing", "no_links", "empty_links"]


@pytest.mark.parametrize("limit", [1, 7, 40, 41, 100])
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_hold_everybody_once_in_order(
    client: Client, account: Account, limit: int, order: str
) -> None:
    expected = account.listed_ids()[:: 1 if order == "asc" else -1]
    assert client.ids("/candidates", limit=limit, order=order) == expected


def test_the_default_is_a_hundred_in_ascending_order(
    client: Client, account: Account
) -> None:
    for _ in range(70):
        account.add_candidate()
    page = client.page("/candidates")
    assert [row["id"] for row in page["data"]] == account.listed_ids()[:100]
    assert page["total"] == 110


def test_order_is_by_start_with_ties_in_no_order_of_ids(
    client: Client, account: Account
) -> None:
    tied = [account.add_candidate(started_at="2025-02-01T10:00:00") for _ in range(30)]
    rows = client.page("/candidates")["data"]
    starts = [row["started_at"].ljust(26, "0") for row in rows]
    assert [s[:19] for s in starts] == sorted(s[:19] for s in starts)
    shown = client.ids("/candidates", limit=4)
    shown_tied = [one for one in shown if one in tied]
    assert set(shown_tied) == set(tied)
    assert shown_tied not in (sorted(tied), sorted(tied, key=int), tied)


def test_a_link_repeats_the_query(client: Client, account: Account) -> None:
    tags = ",".join(tag["id"] for tag in account.tags()[:1])
    page = client.page("/candidates", limit=2, tag_ids=tags, order="desc", min_score=1)
    link = page["links"]["next"]
    last = page["data"][-1]["id"]
    root = client.sandbox.url
    asked = f"limit=2&tag_ids={tags}&order=desc&min_score=1&after_id={last}"
    assert link == f"{root}/v2.1/candidates?{asked}"


@pytest.mark.parametrize(
    ("shape", "start"),
    [
        ("absolute", "http://127.0.0.1:"),
        ("path", "/api/v2.1/candidates?limit=3&after_id="),
        ("bare", "/candidates?limit=3&after_id="),
    ],
)
def test_shapes_of_a_link(
    client: Client,
    sandbox: Sandbox,
    shape: Literal["absolute", "path", "bare"],
    start: str,
) -> None:
    sandbox.shapes.next_link = shape
    assert client.page("/candidates", limit=3)["links"]["next"].startswith(start)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("null", {"links": {"next": None}}),
        ("empty", {"links": {"next": ""}}),
        ("empty_links", {"links": {}}),
        ("no_links", {}),
    ],
)
def test_shapes_of_the_last_page(
    client: Client, sandbox: Sandbox, shape: LastPage, expected: dict[str, Any]
) -> None:
    sandbox.shapes.last_page = shape
    sandbox.shapes.total = "missing"
    page = client.page("/candidates")
    assert len(page.pop("data")) == 40
    assert page == expected


def test_a_last_page_whose_links_lack_next(client: Client, sandbox: Sandbox) -> None:
    sandbox.shapes.last_page = "missing"
    assert list(client.page("/candidates")["links"]) == ["self"]


def test_a_full_last_page_may_have_a_link(client: Client, sandbox: Sandbox) -> None:
    assert len(client.pages("/candidates", limit=20)) == 2
    sandbox.shapes.trailing_link = True
    pages = client.pages("/candidates", limit=20)
    assert [len(page["data"]) for page in pages] == [20, 20, 0]


def test_a_larger_limit_is_cut_or_refused(client: Client, sandbox: Sandbox) -> None:
    sandbox.shapes.max_limit = 10
    assert len(client.page("/candidates", limit=11)["data"]) == 10
    assert len(client.page("/candidates")["data"]) == 10
    sandbox.shapes.over_limit = "refuse"
    assert client.get("/candidates", limit=11).status_code == 400
    assert client.get("/candidates", limit=10).status_code == 200


@pytest.mark.parametrize("path", ["/openings", "/categories", "/tags"])
def test_small_lists_whole_or_in_pages(
    client: Client, sandbox: Sandbox, path: str
) -> None:
    whole = client.page(path)
    assert list(whole) == ["data"]
    ids = [row["id"] for row in whole["data"]]
    sandbox.shapes.page_small_lists = 2
    assert client.ids(path) == ids
    assert client.ids(path, limit=1) == ids
    assert len(client.pages(path)) == -(-len(ids) // 2)


@pytest.mark.parametrize("path", ["/candidates", "/tags"])
def test_dead_anchors(
    client: Client, sandbox: Sandbox, account: Account, path: str
) -> None:
    sandbox.shapes.page_small_lists = 2
    whole = client.ids(path)
    gone = client.page(path, limit=2)["data"][-1]["id"]
    if path == "/tags":
        account.delete_tag(gone)
    else:
        account.delete(gone)
    whole.remove(gone)
    assert client.get(path, after_id=gone).status_code == 404
    sandbox.shapes.dead_anchor = "400"
    assert client.get(path, after_id=gone).status_code == 400
    sandbox.shapes.dead_anchor = "empty"
    assert client.ids(path, after_id=gone) == []
    sandbox.shapes.dead_anchor = "restart"
    assert client.page(path, after_id=gone)["data"][0]["id"] == whole[0]


def test_an_anchor_that_the_filters_leave_out_still_seeks(
    client: Client, account: Account
) -> None:
    opening = account.openings()[0]["id"]
    rows = account.list_rows()
    place = next(i for i, row in enumerate(rows) if row["job_opening_id"] != opening)
    expected = [row["id"] for row in rows[place:] if row["job_opening_id"] == opening]
    anchor = rows[place]["id"]
    assert (
        client.ids("/candidates", job_opening_id=opening, after_id=anchor) == expected
    )


Row = dict[str, Any]
FILTERS: list[tuple[Callable[[Row], dict[str, object]], Callable[[Row, Row], bool]]] = [
    (
        lambda one: {"job_opening_id": one["job_opening_id"]},
        lambda row, one: row["job_opening_id"] == one["job_opening_id"],
    ),
    (
        lambda one: {"category_id": one["category_id"]},
        lambda row, one: row["category_id"] == one["category_id"],
    ),
    (
        lambda one: {"tag_ids": ",".join(one["tag_ids"])},
        lambda row, one: set(row["tag_ids"]) >= set(one["tag_ids"]),
    ),
    (
        lambda one: {"hire_state": one["hire_state"]},
        lambda row, one: row["hire_state"] == one["hire_state"],
    ),
    (
        lambda one: {"min_score": one["score"]},
        lambda row, one: row["score"] >= one["score"],
    ),
    (
        lambda one: {"max_score": one["score"], "min_score": 10},
        lambda row, one: 10 <= row["score"] <= one["score"],
    ),
    (lambda _: {"min_rating": 2}, lambda row, _: row["rating"] >= 2),
    (lambda _: {"max_rating": 1}, lambda row, _: row["rating"] <= 1),
    (
        lambda one: {"email": one["email"]},
        lambda row, one: row["email"] == one["email"],
    ),
    (
        lambda one: {"hire_state": one["hire_state"], "max_rating": one["rating"]},
        lambda row, one: (
            row["hire_state"] == one["hire_state"] and row["rating"] <= one["rating"]
        ),
    ),
]


@pytest.mark.parametrize(("query", "matches"), FILTERS)
def test_filters(
    client: Client,
    account: Account,
    query: Callable[[Row], dict[str, object]],
    matches: Callable[[Row, Row], bool],
) -> None:
    everyone = [account.detail(one) for one in account.listed_ids()]
    some = [
        one
        for one in everyone
        if one["hire_state"] and one["category_id"] and len(one["tag_ids"]) > 1
    ]
    for one in some:
        expected = [row["id"] for row in everyone if matches(row, one)]
        assert one["id"] in expected or len(expected) < 40
        pages = client.pages("/candidates", limit=3, **query(one))
        assert [row["id"] for page in pages for row in page["data"]] == expected
        assert {page["total"] for page in pages} == {len(expected)}
    assert some


def test_filters_by_something_unknown_find_nobody(client: Client) -> None:
    for name in ("job_opening_id", "category_id", "tag_ids", "email"):
        page = client.page("/candidates", **{name: "1"})
        assert page["data"] == []
        assert page["total"] == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hire_state", "maybe"),
        ("min_score", "high"),
        ("max_rating", "nan"),
        ("limit", "0"),
        ("limit", "-1"),
        ("limit", "1.5"),
        ("limit", "many"),
        ("order", "random"),
    ],
)
def test_wrong_parameters(client: Client, name: str, value: str) -> None:
    response = client.get("/candidates", **{name: value})
    assert response.status_code == 400
    assert response.json() == {"error": {"type": "ValidationError"}}


def test_categories_of_an_opening(client: Client, account: Account) -> None:
    opening = account.openings()[1]["id"]
    expected = [c for c in account.categories() if c["job_opening_id"] == opening]
    assert client.page("/categories", job_opening_id=opening)["data"] == expected
    assert client.page("/categories", job_opening_id="")["data"] == account.categories()
    assert client.page("/categories", job_opening_id=1)["data"] == []


def test_what_is_served_is_what_the_account_shows(
    client: Client, account: Account
) -> None:
    assert client.page("/openings")["data"] == account.openings()
    assert client.page("/categories")["data"] == account.categories()
    assert client.page("/tags")["data"] == account.tags()
    assert client.page("/candidates")["data"] == account.list_rows()
    for one in account.openings():
        assert client.page(f"/openings/{one['id']}") == one
    for one_id in account.listed_ids():
        assert client.page(f"/candidates/{one_id}") == account.detail(one_id)


@pytest.mark.parametrize("shape", ["extra_fields", "drop_fields", "null_fields"])
def test_distorted_objects_keep_their_ids_and_are_always_the_same(
    client: Client, sandbox: Sandbox, account: Account, shape: str
) -> None:
    setattr(sandbox.shapes, shape, True)
    rows = client.page("/candidates")["data"]
    assert [row["id"] for row in rows] == account.listed_ids()
    assert rows != account.list_rows()
    assert client.page("/candidates")["data"] == rows
    for row in rows:
        detail = client.page(f"/candidates/{row['id']}")
        shared = row.keys() & account.detail(row["id"]).keys()
        assert shared <= detail.keys()
        assert {name: detail[name] for name in shared if name != "contact_info"} == {
            name: row[name] for name in shared if name != "contact_info"
        }
