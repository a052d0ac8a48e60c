"""Progress lines: done, total, rate and time left, at growing intervals."""

from __future__ import annotations

import logging

import pytest

from tap_toggl_hire.progress import INTERVAL, Progress
from tests.support.clock import FakeClock


class Watch:
    """A progress log whose time passes when a test says so."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        self._clock = FakeClock()
        self.progress = Progress(logging.getLogger("progress"), self._clock)
        self._caplog = caplog

    def lines_after(self, seconds: float) -> list[str]:
        self._caplog.clear()
        self._clock.now += seconds
        self.progress.tick()
        return self._caplog.messages


@pytest.fixture
def watch(caplog: pytest.LogCaptureFixture) -> Watch:
    return Watch(caplog)


def test_first_lines_come_every_interval(watch: Watch) -> None:
    for _ in range(3):
        assert watch.lines_after(INTERVAL - 0.001) == []
        assert len(watch.lines_after(0.001)) == 1
    assert watch.lines_after(INTERVAL) == []


def test_day_has_few_lines(watch: Watch) -> None:
    lines = [line for _ in range(24 * 360) for line in watch.lines_after(10)]
    assert 15 <= len(lines) <= 25


def test_long_pause_is_one_line(watch: Watch) -> None:
    assert len(watch.lines_after(10 * INTERVAL)) == 1
    assert watch.lines_after(0) == []


LINES: list[tuple[float, int, int | None, str]] = [
    (
        10,
        500,
        2000,
        "500 of 2,000 candidates done (25 %), 50.0 per second, 0:00:30 left.",
    ),
    (80, 8, 788, "8 of 788 candidates done (1 %), 0.1 per second, 2:10:00 left."),
    (10, 10, 910, "10 of 910 candidates done (1 %), 1.0 per second, 0:15:00 left."),
    (10, 10, 10, "10 of 10 candidates done (100 %), 1.0 per second, 0:00:00 left."),
    (10, 12, 10, "12 candidates done, 1.2 per second."),
    (10, 1234, None, "1,234 candidates done, 123.4 per second."),
    (10, 0, 0, "0 candidates done, 0.0 per second."),
    (10, 0, 2000, "0 candidates done, 0.0 per second."),
]


@pytest.mark.parametrize(("seconds", "done", "total", "expected"), LINES)
def test_line_says_how_far_the_run_is(
    watch: Watch, seconds: float, done: int, total: int | None, expected: str
) -> None:
    watch.progress.done, watch.progress.total = done, total
    assert watch.lines_after(seconds) == [expected]
