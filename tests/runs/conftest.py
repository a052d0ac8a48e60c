"""Fixtures of the tests that run the tap many times."""

from __future__ import annotations

import logging
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
