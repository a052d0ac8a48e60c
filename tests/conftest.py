"""Fixtures of all tests."""

from __future__ import annotations

import typing as t
from contextlib import ExitStack

import pytest

from sandbox import Account, Sandbox
from tests.support.histories import HISTORIES, SEED
from tests.support.pipeline import Pipeline, start_pipeline

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def pytest_report_header() -> str:
    """Say which random histories `make test-slow` plays."""
    return f"random histories: {HISTORIES} from seed {SEED} on (SEED={SEED})"


@pytest.fixture
def sandbox() -> Iterator[Callable[..., Sandbox]]:
    """Start sandboxes, which stop with the test."""
    with ExitStack() as started:

        def start(account: Account | None = None, **options: t.Any) -> Sandbox:
            account = account or Account.example(candidates=40)
            return started.enter_context(Sandbox(account, **options))

        yield start


@pytest.fixture
def make_pipeline() -> Iterator[Callable[..., Pipeline]]:
    """Start pipelines, which stop with the test; see `start_pipeline`."""
    with ExitStack() as started:
        yield lambda *source, **config: started.enter_context(
            start_pipeline(*source, **config)
        )


@pytest.fixture
def pipeline(make_pipeline: Callable[..., Pipeline]) -> Pipeline:
    """A pipeline with twelve candidates that has not run yet."""
    return make_pipeline()
