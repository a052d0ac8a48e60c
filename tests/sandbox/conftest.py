"""A client for the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox import Account, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]


class Client:
    """Sends requests to a sandbox."""

    def __init__(self, sandbox: Sandbox, version: str = "v2.1") -> None:
        self.sandbox = sandbox
        self.version = version
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {sandbox.api_key}"

    def get(self, path: str, **query: object) -> requests.Response:
        """GET a path below the version, or a URL."""
        url = path if "://" in path else f"{self.sandbox.url}/{self.version}{path}"
        return self.session.get(
            url,
            params={name: str(value) for name, value in query.items()},
            timeout=5,
            allow_redirects=False,
        )

    def page(self, path: str, **query: object) -> Json:
        """Return the body of a response with status 200."""
        response = self.get(path, **query)
        response.raise_for_status()
        page: Json = response.json()
        return page

    def pages(self, path: str, **query: object) -> list[Json]:
        """Follow the absolute links of a list."""
        pages = [self.page(path, **query)]
        while link := pages[-1].get("links", {}).get("next"):
            pages.append(self.page(link))
        return pages

    def ids(self, path: str, **query: object) -> list[str]:
        """Return the IDs in all pages of a list."""
        return [row["id"] for page in self.pages(path, **query) for row in page["data"]]

    def objects(self) -> dict[str, list[Json]]:
        """Return the objects of each kind, as they are served."""
        rows = self.page("/candidates")["data"]
        details = [self.page(f"/candidates/{row['id']}") for row in rows]
        questions = [question for detail in details for question in detail["questions"]]
        return {
            "openings": self.page("/openings")["data"],
            "categories": self.page("/categories")["data"],
            "tags": self.page("/tags")["data"],
            "rows": rows,
            "details": details,
            "contact_info": [d["contact_info"] for d in details if d["contact_info"]],
            "questions": questions,
            "options": [option for q in questions for option in q.get("options") or ()],
            "answers": [answer for detail in details for answer in detail["answers"]],
        }


@pytest.fixture
def account() -> Account:
    """Forty candidates, and five who have not submitted the test."""
    return Account.example(candidates=40, in_progress=5)


@pytest.fixture
def sandbox(account: Account) -> Iterator[Sandbox]:
    """A running sandbox."""
    with Sandbox(account) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    """A client with the key."""
    client = Client(sandbox)
    with client.session:
        yield client
