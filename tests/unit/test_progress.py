"""One line every ten seconds of work: done, of how many, how fast, how long yet."""

from __future__ import annotations

import logging
import typing as t

import pytest

from tap_toggl_hire.progress import INTERVAL, Progress

if t.TYPE_CHECKING:
    from collections.abc import Iterator


class Watch:
    """Time that passes when a test says so, and what was told meanwhile."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.now = 1000.0
        self.progress = Progress(logging.getLogger("progress"), lambda: self.now)
        self._caplog = caplog

    def after(self, seconds: float, done: int, total: int | None) -> list[str]:
        self._caplog.clear()
        self.now += seconds
        self.progress.done, self.progress.total = done, total
        self.progress.tick()
        return self._caplog.messages


@pytest.fixture
def watch(caplog: pytest.LogCaptureFixture) -> Iterator[Watch]:
    with caplog.at_level(logging.INFO):
        yield Watch(caplog)


def test_nothing_is_told_before_it_is_time(watch: Watch) -> None:
    assert watch.after(INTERVAL - 0.001, 5, 10) == []
    assert len(watch.after(0.001, 5, 10)) == 1
    assert watch.after(INTERVAL - 0.001, 6, 10) == []
    assert len(watch.after(0.001, 6, 10)) == 1


def test_a_long_pause_is_told_once(watch: Watch) -> None:
    assert len(watch.after(10 * INTERVAL, 5, 10)) == 1
    assert watch.after(0, 5, 10) == []


@pytest.mark.parametrize(
    ("seconds", "done", "total", "expected"),
    [
        (
            *(10, 500, 2000),
            "500 of 2,000 candidates done (25 %), 50.0 a second, 30 s left.",
        ),
        (
            *(100, 1000, 10_000),
            "1,000 of 10,000 candidates done (10 %), 10.0 a second, 15 min 0 s left.",
        ),
        (
            *(60, 6, 1234),
            "6 of 1,234 candidates done (0 %), 0.1 a second, 3 h 24 min left.",
        ),
        (10, 10, 10, "10 of 10 candidates done (100 %), 1.0 a second, 0 s left."),
        (10, 12, 10, "12 candidates done, 1.2 a second."),
        (10, 1234, None, "1,234 candidates done, 123.4 a second."),
        (10, 0, 0, "0 candidates done, 0.0 a second."),
        (10, 0, 2000, "0 candidates done, 0.0 a second."),
    ],
)
def test_what_is_told(
    watch: Watch, seconds: float, done: int, total: int | None, expected: str
) -> None:
    assert watch.after(seconds, done, total) == [expected]
