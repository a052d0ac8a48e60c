"""Fixtures of the tests that let things go wrong."""

from __future__ import annotations

import logging
import sys
import typing as t
from pathlib import Path

import hypothesis
import pytest

from tap_toggl_hire.api.client import Client
from tap_toggl_hire.api.throttle import Throttle
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
    monkeypatch.setitem(defaults(Client), "sleep", clock.sleep)
    monkeypatch.setitem(defaults(Throttle), "sleep", clock.sleep)
    monkeypatch.setitem(defaults(Throttle), "clock", clock)
    return clock


def defaults(made: type[Client | Throttle]) -> dict[str, t.Any]:
    """The defaults with which a class is made."""
    found = made.__init__.__kwdefaults__
    assert found
    return found


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
