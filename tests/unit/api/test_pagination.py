"""`links.next` in every shape, within the origin, and never in a loop."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.pagination import BaseAPIPaginator

from tap_toggl_hire.api.pagination import LinksPaginator, total_of
from tap_toggl_hire.errors import TapError

ROOT = "https://example.com/api"
FIRST = {"limit": "3", "order": "asc"}


def page(link: t.Any) -> dict[str, t.Any]:
    return {"data": [{"id": "100"}], "links": {"next": link}, "total": 9}


def paginator(root: str = ROOT, **params: str) -> LinksPaginator:
    return LinksPaginator(root, {**FIRST, **params})


def test_it_begins_with_the_given_query() -> None:
    pages = paginator()
    assert isinstance(pages, BaseAPIPaginator)
    assert pages.current_value == FIRST
    assert not pages.finished
    assert pages.count == 0


LAST: tuple[t.Any, ...] = ({"next": None}, {"next": ""}, {"self": "/"}, {}, None, [])


@pytest.mark.parametrize("body", [*({"links": links} for links in LAST), {}], ids=str)
def test_page_without_a_link_is_the_last_one(body: dict[str, t.Any]) -> None:
    pages = paginator()
    pages.advance({"data": [], **body})
    assert pages.finished
    assert pages.count == 1
    assert pages.current_value == FIRST


@pytest.mark.parametrize(
    ("root", "link"),
    [
        (ROOT, "https://example.com/api/v2.1/candidates?limit=3&order=asc&after_id=1"),
        (ROOT, "https://EXAMPLE.com:443/api/candidates?order=asc&after_id=1"),
        (ROOT, "https://me@example.com/candidates?limit=3&after_id=1"),
        (ROOT, "//example.com/api/v2.1/candidates?after_id=1"),
        (ROOT, "/api/v2.1/candidates?limit=3&order=asc&after_id=1"),
        (ROOT, "/candidates?limit=3&order=asc&after_id=1"),
        (ROOT, "candidates?after_id=1"),
        (ROOT, "?after_id=%31"),
        (ROOT, "/example-endpoint?limit=3&after_id=1#fragment"),
        # The same origin in another spelling
        ("http://e.com/api", "http://e.com:80/candidates?after_id=1"),
        ("http://e.com:80/api", "http://e.com/candidates?after_id=1"),
        ("https://e.com:443/api", "https://e.com/candidates?after_id=1"),
        ("http://127.0.0.1:8080/api", "http://127.0.0.1:8080/x?after_id=1"),
        ("http://[::1]:8080/api", "http://[::1]:8080/x?after_id=1"),
        ("HTTPS://E.com/api", "https://e.COM/x?after_id=1"),
    ],
)
def test_every_shape_of_a_link_is_followed(root: str, link: str) -> None:
    pages = paginator(root)
    pages.advance(page(link))
    assert not pages.finished
    assert pages.current_value == {**FIRST, "after_id": "1"}
    pages.advance(page("?after_id=%C3%BC%26%2B+%2F"))
    assert pages.current_value["after_id"] == "\u00fc&+ /"


@pytest.mark.parametrize(
    "link",
    [
        "http://example.com/api/v2.1/candidates?after_id=1",
        "https://example.com:444/api/v2.1/candidates?after_id=1",
        "https://example.org/api/v2.1/candidates?after_id=1",
        "https://api.example.com/candidates?after_id=1",
        "https://example.com.evil.example/candidates?after_id=1",
        "https://example.com@evil.example/candidates?after_id=1",
        "//evil.example/candidates?after_id=1",
        "ftp://example.com/candidates?after_id=1",
        "https://example.com:port/candidates?after_id=1",
        "https://[::1/candidates?after_id=1",
        "javascript:alert(1)?after_id=1",
    ],
)
def test_another_origin_is_not_followed(link: str) -> None:
    pages = paginator()
    with pytest.raises(TapError) as raised:
        pages.advance(page(link))
    assert str(raised.value) == (
        "The API's link to the next page leads to another origin (scheme, host or "
        "port) than api_url, and was not followed. Set api_url to the API's own origin."
    )
    assert not raised.value.is_transient
    assert pages.current_value == FIRST


def test_parameters_that_a_link_leaves_out_are_kept() -> None:
    pages = paginator(tag_ids="300,301", email="a+b@e.com")
    kept = {"limit": "2", "order": "asc", "tag_ids": "300,301"}
    pages.advance(page("/candidates?after_id=100&limit=2"))
    assert pages.current_value == {**kept, "email": "a+b@e.com", "after_id": "100"}
    pages.advance(page("/candidates?after_id=101&email=&tag_ids=300%2C301"))
    assert pages.current_value == {**kept, "email": "", "after_id": "101"}


@given(length=st.integers(1, 12), start=st.integers(0, 11))
def test_loop_of_any_length_is_an_error(length: int, start: int) -> None:
    """Pages 1, 2 ... `length` lead back to any of them, or to the first page."""
    pages = paginator()
    for number in range(1, length):
        pages.advance(page(f"/candidates?after_id={number}"))
    back = start % length
    link = f"/candidates?after_id={back}" if back else "/candidates?order=asc&limit=3"
    with pytest.raises(TapError) as raised:
        pages.advance(page(link))
    assert str(raised.value) == (
        "The API's links to the next page form a loop: they lead back to rows that "
        "were already read. No deletions were emitted. Run again later."
    )
    assert raised.value.is_transient


def test_loop_is_an_error_whatever_the_order_of_the_query() -> None:
    pages = paginator()
    for number in range(1000):
        pages.advance(page(f"/candidates?limit=3&order=asc&after_id={number}"))
    assert (pages.count, pages.finished) == (1000, False)
    with pytest.raises(TapError, match="loop"):
        pages.advance(page("https://example.com/x?after_id=1&order=asc&limit=3"))


@pytest.mark.parametrize(
    ("total", "expected"), [(9, 9), (9.0, 9), (0, 0), ("9", None), (None, None)]
)
def test_total_is_a_whole_number_or_unknown(
    total: object, expected: int | None
) -> None:
    assert total_of({"data": [], "total": total}) == expected
    assert total_of({"data": []}) is None
