"""Fixtures of all tests."""

from __future__ import annotations

import typing as t

import pytest

from sandbox import Account, Sandbox

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def sandbox() -> Iterator[Callable[..., Sandbox]]:
    """Start sandboxes, which stop with the test."""
    started: list[Sandbox] = []

    def start(account: Account | None = None, **options: t.Any) -> Sandbox:
        box = Sandbox(account or Account.example(candidates=40), **options)
        box.start()
        started.append(box)
        return box

    yield start
    for box in started:
        box.stop()
