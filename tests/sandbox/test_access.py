"""Who gets in, and what is answered to those who do not find the door."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from sandbox import Account, Sandbox
    from tests.sandbox.conftest import Client

NOT_FOUND = {"error": {"type": "NotFoundError"}}


@pytest.mark.parametrize("header", [None, "Bearer wrong", "sandbox-key", "Bearer "])
@pytest.mark.parametrize("path", ["/openings", "/candidates", "/candidates/1", "/x"])
def test_without_the_key(sandbox: Sandbox, header: str | None, path: str) -> None:
    headers = {"Authorization": header} if header is not None else {}
    response = requests.get(f"{sandbox.url}/v2.1{path}", headers=headers, timeout=5)
    assert response.status_code == 401
    assert response.json() == {"error": {"type": "UnauthorizedError"}}
    assert sandbox.stats.without_key == 1


def test_unknown_things(client: Client, account: Account) -> None:
    waiting = account.in_progress_ids()[0]
    for path in ("/candidates/1", f"/candidates/{waiting}", "/openings/1", "/people"):
        response = client.get(path)
        assert response.status_code == 404
        assert response.json() == NOT_FOUND


def test_paths_outside_are_html(client: Client) -> None:
    root = client.sandbox.url.removesuffix("/api")
    for path in ("/", "/candidates", "/api", "/apis/v2.1/tags"):
        response = client.get(root + path)
        assert response.status_code == 404
        assert response.headers["Content-Type"].startswith("text/html")


def test_versions(client: Client, sandbox: Sandbox) -> None:
    sandbox.shapes.versions = ("v2.2", "v2")
    assert client.get("/tags").json() == NOT_FOUND
    assert client.get(f"{sandbox.url}/v2/tags").status_code == 200
    link = client.page(f"{sandbox.url}/v2.2/candidates", limit=1)["links"]["next"]
    assert link.startswith(f"{sandbox.url}/v2.2/candidates?")
    sandbox.shapes.unknown_version = "html"
    response = client.get("/tags")
    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")


def test_reading_alone_is_possible(client: Client, sandbox: Sandbox) -> None:
    response = client.session.post(f"{sandbox.url}/v2.1/tags", json={}, timeout=5)
    assert response.status_code == 405
