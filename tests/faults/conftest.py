"""Fixtures of the tests in which something fails."""

from __future__ import annotations

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
    from collections.abc import Callable

hypothesis.settings.register_profile(
    "faults",
    deadline=None,  # a busy machine is not a failure
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("faults")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of runs inside the test, whose pauses take no time."""
    clock = Clock()

    class Timed(Throttle):
        def __init__(self, max_concurrency: int, rate: float | None) -> None:
            super().__init__(max_concurrency, rate, clock=clock, sleep=clock.sleep)

    monkeypatch.setattr(TapTogglHire, "retry", Retry(sleep=clock.sleep))
    monkeypatch.setattr(TapTogglHire, "throttle_class", Timed)
    return clock


@pytest.fixture
def command_line(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """Run the command line, whose pauses between attempts take no time."""
    program = Path(__file__).parents[1] / "support" / "quick_tap.py"
    monkeypatch.setattr("tests.support.tap.COMMAND", (sys.executable, str(program)))
    return run_tap
