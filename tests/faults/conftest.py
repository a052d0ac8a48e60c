"""Fixtures of the tests that let things go wrong."""

from __future__ import annotations

import logging
import sys
import typing as t
from pathlib import Path

import hypothesis
import pytest

from tap_toggl_hire.api.client import Retry
from tap_toggl_hire.api.throttle import Throttle
from tap_toggl_hire.tap import TapTogglHire
from tests.faults.trials import Clock
from tests.support import Run, run_tap

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

hypothesis.settings.register_profile(
    "faults",
    deadline=None,  # a busy machine is no failure
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("faults")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the runs inside the test, whose pauses pass in no time."""
    clock = Clock()

    class Timed(Throttle):
        def __init__(self, max_concurrency: int, ceiling: float | None) -> None:
            super().__init__(max_concurrency, ceiling, clock=clock, sleep=clock.sleep)

    monkeypatch.setattr(TapTogglHire, "retry", Retry(sleep=clock.sleep))
    monkeypatch.setattr(TapTogglHire, "throttle_class", Timed)
    return clock


@pytest.fixture
def command_line(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """Run the command line, whose pauses between tries take no time."""
    program = Path(__file__).with_name("quick_tap.py")
    monkeypatch.setattr("tests.support.tap.COMMAND", (sys.executable, str(program)))
    return run_tap


@pytest.fixture(autouse=True, scope="session")
def _quiet_metrics() -> Iterator[None]:
    """Leave the SDK's metrics out of the report of a failing test."""
    logger = logging.getLogger("singer_sdk.metrics")
    level = logger.level
    logger.setLevel(logging.WARNING)
    yield
    logger.setLevel(level)
