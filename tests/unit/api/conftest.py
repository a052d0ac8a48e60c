"""Fixtures of the tests of `api/`: servers on this machine."""

from __future__ import annotations

import contextlib
import os
import typing as t

import pytest

from tests.support.raw_server import RawServer

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROXIES, *map(str.lower, PROXIES), *CERTIFICATES):
        if name in os.environ:
            monkeypatch.delenv(name)


@pytest.fixture
def serve() -> Iterator[Callable[..., RawServer]]:
    """Start servers, which stop with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda reply, tls=None, **options: stack.enter_context(
            RawServer(reply, tls, **options)
        )
