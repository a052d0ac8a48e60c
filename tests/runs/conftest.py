"""Fixtures of the tests that run the tap many times."""

from __future__ import annotations

import logging
import threading
import typing as t

import pytest

if t.TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True, scope="session")
def _quiet_metrics() -> Iterator[None]:
    """Leave the SDK's metrics out of the report of a failing test."""
    logger = logging.getLogger("singer_sdk.metrics")
    level = logger.level
    logger.setLevel(logging.WARNING)
    yield
    logger.setLevel(level)


@pytest.fixture(autouse=True, scope="session")
def _threads_may_leave() -> None:
    """Take SystemExit in a thread for what it is, as Python does and pytest does not.

    `pipelines` ends the workers of each run with it; the last ones may need a moment
    longer than the tests. pytest itself puts the hook back that was there before.
    """
    hook = threading.excepthook

    def excepthook(arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_type is not SystemExit:
            hook(arguments)

    threading.excepthook = excepthook
