"""A client for the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox import Account, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator


class Client:
    """Asks a sandbox, as simply as can be."""

    def __init__(self, sandbox: Sandbox, version: str = "v2.1") -> None:
        self.sandbox = sandbox
        self.version = version
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {sandbox.api_key}"

    def get(self, path: str, **query: object) -> requests.Response:
        """GET a path under the version, or a URL as it is."""
        url = path if "://" in path else f"{self.sandbox.url}/{self.version}{path}"
        return self.session.get(
            url,
            params={name: str(value) for name, value in query.items()},
            timeout=5,
            allow_redirects=False,
        )

    def ids(self, path: str, **query: object) -> list[str]:
        """The ids of a list, as far as its absolute links lead."""
        return [row["id"] for page in self.pages(path, **query) for row in page["data"]]

    def pages(self, path: str, **query: object) -> list[dict[str, Any]]:
        """The pages of a list, as far as its absolute links lead."""
        pages = [self.page(path, **query)]
        while link := pages[-1].get("links", {}).get("next"):
            pages.append(self.page(link))
        return pages

    def page(self, path: str, **query: object) -> dict[str, Any]:
        """One page that must be there."""
        response = self.get(path, **query)
        response.raise_for_status()
        page: dict[str, Any] = response.json()
        return page


@pytest.fixture
def account() -> Account:
    """Forty candidates and five that have not submitted."""
    return Account.example(candidates=40, in_progress=5)


@pytest.fixture
def sandbox(account: Account) -> Iterator[Sandbox]:
    """A sandbox that runs."""
    with Sandbox(account) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[Client]:
    """A client that has the key."""
    made = Client(sandbox)
    with made.session:
        yield made
