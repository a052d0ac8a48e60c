"""Fixtures of the tests of `api/`: real servers on this machine, nothing else."""

from __future__ import annotations

import contextlib
import os
import typing as t

import pytest

from tests.support.hostile import Hostile

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.api.asking import Serve

ELSEWHERE = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*ELSEWHERE, *map(str.lower, ELSEWHERE), *CERTIFICATES):
        if name in os.environ:
            monkeypatch.delenv(name)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers, which stop with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda reply, tls=None, **options: stack.enter_context(
            Hostile(reply, tls, **options)
        )
