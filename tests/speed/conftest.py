from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

import pytest

from tests.support import Run, Target, catalog, run_tap

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Account, Sandbox
    from sandbox.messages import Request

CORE = ("job_openings", "categories", "tags", "candidates", "candidate_details")


@dataclass
class Runs:
    """Runs of the tap over the core streams, one after the other, each from the
    state of the one before, and what the last one asked the sandbox."""

    box: Sandbox
    settings: dict[str, t.Any] = field(default_factory=dict)
    target: Target = field(default_factory=Target)

    def go(self, *arguments: str, **settings: t.Any) -> Run:
        run = self.start(*arguments, **settings)
        self.target.load(run.messages)
        return run

    def start(self, *arguments: str, **settings: t.Any) -> Run:
        """Run, and load nothing, as of BATCH files."""
        self.box.stats.reset()
        config = {
            "api_url": self.box.url,
            "api_key": self.box.api_key,
            **self.settings,
            **settings,
        }
        run = run_tap(
            config, *arguments, catalog=catalog(config, *CORE), state=self.target.state
        )
        assert run.returncode == 0, run.stderr
        return run

    def requests(self, kind: str) -> list[Request]:
        return [one for one in self.box.stats.log if one.kind == kind]

    def steps(self, kind: str) -> int:
        """How many requests of a kind there are of which each waits for the one
        before: a busy machine takes longer for them, and does not need more."""
        count, answered = 0, 0.0
        for one in self.requests(kind):
            if one.at >= answered:
                count, answered = count + 1, one.at + self.box.latency
        return count


@pytest.fixture
def runs(sandbox: Callable[..., Sandbox]) -> Callable[..., Runs]:
    """Make runs over an account."""

    def make(account: Account, latency: float = 0.0, **settings: t.Any) -> Runs:
        return Runs(sandbox(account, latency=latency), settings)

    return make
