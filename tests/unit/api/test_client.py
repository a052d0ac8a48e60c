"""What the API has, and in which version."""

from __future__ import annotations

import typing as t

import pytest

from tap_toggl_hire.api.pagination import LOOP
from tap_toggl_hire.api.version import VERSIONS
from tap_toggl_hire.errors import (
    NotFoundError,
    NotServedError,
    RefusedError,
    TapError,
)
from tests.support.hostile import answer
from tests.unit.api.asking import HTML, client, error, page, routes

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_toggl_hire.api.client import Client
    from tests.support.hostile import Asked, Hostile
    from tests.unit.api.asking import Serve

TAGS = {"/v2.1/tags": page({"id": "1", "name": "a"})}


def start(
    serve: Serve, answers: Mapping[str, t.Any], version: str | None = None
) -> tuple[Client, Hostile]:
    """Serve answers by target, and make a client of them."""
    server = serve(routes({**TAGS, **answers}))
    return client(server.url, version), server


def asked(server: Hostile) -> list[str]:
    return [one.target.removeprefix("/api") for one in server.asked]


# Versions


def test_the_documented_version_is_found_by_reading_the_tags(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    api, server = start(serve, {})
    assert (api.found_version, api.version) == (None, "v2.1")
    assert api.found_version == "v2.1"
    assert api.tags == [{"id": "1", "name": "a"}]
    assert asked(server) == ["/v2.1/tags"]
    assert api.counts.requests == 1
    assert not caplog.records


@pytest.mark.parametrize("version", VERSIONS[1:])
@pytest.mark.parametrize("gone", [error(404), error(410), HTML])
def test_a_later_version_is_taken_where_the_api_knows_no_other(
    serve: Serve, caplog: pytest.LogCaptureFixture, version: str, gone: bytes
) -> None:
    answers = {f"/{one}/tags": gone for one in VERSIONS}
    api, server = start(serve, {**answers, f"/{version}/tags": page({"id": "9"})})
    assert api.version == version
    assert api.tags == [{"id": "9"}]
    assert len(server.asked) == VERSIONS.index(version) + 1
    (warning,) = caplog.records
    assert warning.getMessage() == (
        f"The API no longer knows version v2.1; {version} was taken. To pin it and to "
        f"be rid of this warning, set api_version to {version}."
    )


def test_no_version_is_known(serve: Serve) -> None:
    api, server = start(serve, {"/v2.1/tags": error(404)})
    with pytest.raises(TapError) as raised:
        api.version  # noqa: B018
    assert str(raised.value) == (
        "The API answers 404 or 410 for each known version (v2.1, v2.2, v2): check "
        "api_url."
    )
    assert len(server.asked) == 3
    assert api.found_version is None
    with pytest.raises(TapError):  # as another thread does, that waited for it
        api.categories()
    assert len(server.asked) == 3


def test_a_version_that_is_set_is_used_and_no_other(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    api, server = start(serve, {"/v9/tags": page()}, "v9")
    assert api.version == "v9"
    assert api.tags == []
    assert asked(server) == ["/v9/tags"]
    assert not caplog.records
    api, server = start(serve, {}, "v8")
    with pytest.raises(TapError) as raised:
        api.version  # noqa: B018
    assert str(raised.value) == (
        "The API answers 404 for version v8: set api_version to one that it knows, or "
        "unset it."
    )
    assert asked(server) == ["/v8/tags"]


@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_another_error_says_nothing_of_the_version(serve: Serve, status: int) -> None:
    api, server = start(serve, {"/v2.1/tags": error(status)})
    with pytest.raises(TapError, match=str(status)):
        api.version  # noqa: B018
    assert set(asked(server)) == {"/v2.1/tags"}


def test_a_key_in_the_clear_is_told_once(
    monkeypatch: pytest.MonkeyPatch, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """Of an API behind a proxy of this machine, in a word that is no address of it."""
    proxy = serve(lambda _: [answer(page())])
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
    api = client("http://api.example/api")
    assert api.version == "v2.1"
    api.rows("/openings")
    (warning,) = caplog.records
    assert warning.levelname == "WARNING"
    assert warning.getMessage() == (
        "The API key crosses the network without encryption, since api_url begins "
        "with http://: set it to an address with https://."
    )


# Lists and items


def test_tags_are_read_again_when_asked_for(serve: Serve) -> None:
    tags = [{"id": "1"}]
    server = serve(lambda _: [answer(page(*tags))])
    api = client(server.url)
    assert api.tags == [{"id": "1"}]
    tags.append({"id": "2"})
    assert api.tags == [{"id": "1"}]
    assert api.reread_tags() == api.tags == [{"id": "1"}, {"id": "2"}]
    assert asked(server) == ["/v2.1/tags", "/v2.1/tags"]


def test_openings_are_read_once(serve: Serve) -> None:
    api, server = start(serve, {"/v2.1/openings": page({"id": "5"})})
    assert api.openings == [{"id": "5"}]
    assert api.openings == [{"id": "5"}]
    assert asked(server) == ["/v2.1/tags", "/v2.1/openings"]


def test_an_opening_is_read_once(serve: Serve) -> None:
    opening = {"id": "5", "name": "Pilot"}
    api, server = start(serve, {"/v2.1/openings/5": opening})
    assert api.opening("5") == opening
    assert api.opening("5") == opening
    assert asked(server) == ["/v2.1/tags", "/v2.1/openings/5"]


def test_an_opening_that_is_not_there_names_the_setting(serve: Serve) -> None:
    api, _ = start(serve, {})
    with pytest.raises(TapError) as raised:
        api.opening("5")
    assert str(raised.value) == (
        "The workspace has no job opening 5, which setting job_opening_ids names: "
        "remove it there, or check the API key's workspace."
    )
    assert not isinstance(raised.value, NotFoundError)


def test_categories_of_all_and_of_one(serve: Serve) -> None:
    api, _ = start(
        serve,
        {
            "/v2.1/categories": page({"id": "1"}, {"id": "2"}),
            "/v2.1/categories?job_opening_id=5": page({"id": "2"}),
        },
    )
    assert api.categories() == [{"id": "1"}, {"id": "2"}]
    assert api.categories("5") == [{"id": "2"}]


def test_a_candidate(serve: Serve) -> None:
    detail = {"id": "100", "questions": []}
    api, _ = start(
        serve,
        {
            "/v2.1/candidates/100": detail,
            "/v2.1/candidates/102": HTML,
            "/v2.1/candidates/103": error(410),
        },
    )
    assert api.candidate("100") == detail
    assert api.candidate("101") is None
    for not_served in ("102", "..", ""):
        with pytest.raises(NotServedError):
            api.candidate(not_served)
    with pytest.raises(TapError, match="410"):
        api.candidate("103")


def test_a_page_of_candidates_and_its_errors(serve: Serve) -> None:
    whole = {**page({"id": "1"}), "total": 1}
    api, _ = start(
        serve,
        {
            "/v2.1/candidates?limit=5": whole,
            "/v2.1/candidates?limit=6": error(400),
        },
    )
    assert api.candidates_page({"limit": "5"}) == whole
    with pytest.raises(RefusedError):
        api.candidates_page({"limit": "6"})
    with pytest.raises(NotFoundError):
        api.candidates_page({"limit": "7"})


def test_a_list_is_read_to_its_end(serve: Serve) -> None:
    api, server = start(
        serve,
        {
            "/v2.1/openings?limit=1": page({"id": "1"}, after="1"),
            "/v2.1/openings?limit=1&after_id=1": page({"id": "2"}, after="2"),
            "/v2.1/openings?limit=1&after_id=2": page(),
        },
    )
    assert api.rows("/openings", {"limit": "1"}) == [{"id": "1"}, {"id": "2"}]
    assert len(server.asked) == 4
    assert [*api.pages("/openings", {"limit": "1"})] == [
        [{"id": "1"}],
        [{"id": "2"}],
        [],
    ]


def test_a_list_without_an_end_is_a_loop(serve: Serve) -> None:
    """Each link is new, but after some pages no row is; the last of them stale."""
    numbers = iter(range(1000))

    def reply(_: Asked) -> list[bytes]:
        number = next(numbers)
        rows = [{"id": str(min(number, 4))}] if number % 2 else []
        return [answer(page(*rows, after=str(number)))]

    server = serve(reply)
    with pytest.raises(TapError) as raised:
        client(server.url).version  # noqa: B018
    assert str(raised.value) == LOOP
    assert len(server.asked) < 12


def test_a_page_that_comes_again_and_again_is_a_loop(serve: Serve) -> None:
    numbers = iter(range(1000))
    server = serve(lambda _: [answer(page({"id": "1"}, after=str(next(numbers))))])
    with pytest.raises(TapError, match="form a loop"):
        client(server.url).version  # noqa: B018
    assert len(server.asked) == 4


def test_links_lead_nowhere_else(serve: Serve) -> None:
    there = {"data": [], "links": {"next": "http://elsewhere.example/tags?after_id=1"}}
    api, _ = start(serve, {"/v2.1/openings": there})
    with pytest.raises(TapError, match="another origin"):
        api.rows("/openings")


def test_a_paginator_begins_where_it_is_told(serve: Serve) -> None:
    api, server = start(serve, {})
    pages = api.paginator({"limit": "5"})
    assert pages.current_value == {"limit": "5"}
    pages.advance({"links": {"next": f"http://localhost:{server.port}/x?after_id=1"}})
    assert pages.current_value == {"limit": "5", "after_id": "1"}


# Whether it serves


def test_whether_the_api_serves_is_asked_once(serve: Serve) -> None:
    answers = [answer(page()), answer(page()), error(500), error(429)]
    server = serve(lambda _: [answers.pop(0)])
    api = client(server.url)
    assert api.version == "v2.1"
    assert api.is_serving()
    assert not api.is_serving()
    assert not api.is_serving()
    assert asked(server) == ["/v2.1/tags"] * 4
