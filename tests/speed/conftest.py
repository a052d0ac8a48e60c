from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

import pytest

from tests.support import Run, Target, catalog, run_tap, settings
from tests.support.streams import CANDIDATES, DETAILS, LISTS

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Account, Sandbox
    from sandbox.messages import Request

SELECTED = (*LISTS, CANDIDATES, DETAILS)


@dataclass
class Runs:
    """Runs of the command line, each from the state of the one before."""

    box: Sandbox
    config: dict[str, t.Any] = field(default_factory=dict)
    target: Target = field(default_factory=Target)

    def run(self, *, loads: bool = True, **config: t.Any) -> Run:
        """Run, and load the messages into the target.

        Args:
            loads: Whether the target takes the messages.
            **config: Settings of this run alone.
        """
        self.box.stats.reset()
        config = settings(self.box, **{**self.config, **config})
        selected = catalog(config, *SELECTED)
        run = run_tap(config, catalog=selected, state=self.target.state)
        assert run.returncode == 0, run.stderr
        if loads:
            self.target.load(run.messages)
        return run

    def requests(self, kind: str) -> list[Request]:
        """Return the requests of the last run for an endpoint."""
        return [request for request in self.box.stats.log if request.kind == kind]

    def steps(self, kind: str) -> int:
        """Return the number of requests that waited for the response before.

        A busy machine takes longer for them, and does not need more.
        """
        count, answered = 0, 0.0
        for request in self.requests(kind):
            if request.at >= answered:
                count, answered = count + 1, request.at + self.box.latency
        return count


@pytest.fixture
def runs(sandbox: Callable[..., Sandbox]) -> Callable[..., Runs]:
    """Make runs over an account."""

    def make(account: Account, latency: float = 0.0, **config: t.Any) -> Runs:
        return Runs(sandbox(account, latency=latency), config)

    return make
