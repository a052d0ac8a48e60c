"""Transient failures: the run succeeds, nothing is lost or emitted twice.

Which failures are transient, and the pauses, are tested in `tests/unit/api`.
"""

from __future__ import annotations

import random
import threading
import time
import typing as t
from email.utils import formatdate

import pytest

from sandbox import Account, Sandbox, random_change
from tests.faults.trials import (
    Clock,
    Strikes,
    account,
    assert_emitted_once,
    assert_true,
    attempt,
    endpoint,
    served_details,
    small,
)

if t.TYPE_CHECKING:
    from tests.streams.checks import Start

Options = dict[str, t.Any]

pytestmark = pytest.mark.usefixtures("clock")


def a_date(seconds_ahead: float) -> str:
    return formatdate(time.time() + seconds_ahead, usegmt=True)


TROUBLES: dict[str, tuple[str, Options]] = {
    "429, seconds": ("429", {"retry_after": 7}),
    "429, a date": ("429", {"retry_after": a_date(20)}),
    "429 alone": ("429", {}),
    "429, malformed": ("429", {"retry_after": "soon"}),
    "500, JSON": ("status", {"status": 500}),
    "503, HTML": ("status", {"status": 503, "html": True}),
    "408": ("status", {"status": 408}),
    "425": ("status", {"status": 425}),
    "404, HTML": ("status", {"status": 404, "html": True}),
    "time-out": ("timeout", {}),
    "reset": ("reset", {}),
    "closed": ("close", {}),
    "truncated": ("cut", {}),
    "HTML": ("not_json", {}),
    "empty": ("empty", {}),
    "not UTF-8": ("body", {"body": b'{"data": [], "name": "\xff"}'}),
    "data is null": ("wrong_shape", {"value": {"data": None}}),
    "an error with status 200": ("wrong_shape", {"value": {"error": {"type": "No"}}}),
    "an array": ("wrong_shape", {"value": []}),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_each_trouble_in_the_middle_of_the_details(
    sandbox: Start, trouble: str
) -> None:
    """Several workers meet it at once, others have requests in flight."""
    kind, options = TROUBLES[trouble]
    box = sandbox(account())
    fault = Strikes(kind, match="candidate", after=11, times=6, **options)
    box.faults = [fault]
    timeout = 0.5 if trouble == "time-out" else 60
    trial = attempt(small(box, request_timeout=timeout)).good()
    assert fault.struck == 6
    assert_true(trial.messages, box.account)
    assert_emitted_once(trial.messages, box.account)
    assert served_details(box, fault) == dict.fromkeys(box.account.listed_ids(), 1)


@pytest.mark.parametrize("kind", ["status", "cut", "429"])
@pytest.mark.parametrize(
    "name",
    [
        *("tags", "openings", "opening", "categories", "categories of an opening"),
        *("candidates", "tag members", "candidate"),
    ],
)
def test_each_endpoint(sandbox: Start, name: str, kind: str) -> None:
    box = sandbox(account(12))
    fault = Strikes(kind, match=endpoint(name), times=3)
    box.faults = [fault]
    openings = [one["id"] for one in box.account.openings()]
    narrowed = {"job_opening_ids": openings} if "opening" in name else {}
    if name == "openings":
        narrowed = {}
    trial = attempt(small(box, **narrowed)).good()
    assert fault.struck == 3
    assert_true(trial.messages, box.account)
    assert_emitted_once(trial.messages, box.account)


@pytest.mark.parametrize("before_the_first", [True, False])
def test_a_server_that_is_away_for_a_while(
    sandbox: Start, clock: Clock, *, before_the_first: bool
) -> None:
    """Requests in flight break off, others are refused, then it is back."""
    workspace = account()
    first = sandbox(workspace)
    port = int(first.url.rsplit(":", 1)[1].split("/")[0])
    first.faults = [Strikes("reset", match="candidate", after=9)]
    if before_the_first:
        first.stop()
    lock = threading.Lock()
    later: list[Sandbox] = []

    def restart(_: float) -> None:
        with lock:
            if len(clock.pauses) == 1 and not before_the_first:
                first.stop()
            elif len(clock.pauses) > 3 and not later:
                later.append(sandbox(workspace, port=port))

    clock.on_pause = restart
    trial = attempt(small(first)).good()
    assert_true(trial.messages, workspace)
    assert_emitted_once(trial.messages, workspace)


@pytest.mark.slow
def test_soak(sandbox: Start) -> None:
    """Four runs, each with some hundred changes, and every fault at 2 % together."""
    rng = random.Random(11)
    workspace = Account.example(candidates=2500, openings=4, tags=5, seed=4)
    box = sandbox(workspace)
    config = small(box, page_size=50, max_concurrency=8, request_timeout=3)
    messages: list[dict[str, t.Any]] = []
    state = None
    for round_ in range(4):
        for _ in range(150 if round_ else 0):
            random_change(workspace, rng, ("grade", "rate", "move", "tag", "submit"))
        share = 0.02 / len(TROUBLES)
        box.faults = [
            Strikes(kind, probability=share, seed=100 * round_ + number, **options)
            for number, (kind, options) in enumerate(TROUBLES.values())
        ]
        trial = attempt(config, state=state).good()
        messages, state = messages + trial.messages, trial.state
        assert_true(messages, workspace)
        assert box.stats.max_in_flight <= 8
        assert box.stats.without_key == 0
    assert sum(fault.struck for fault in box.faults) >= 5
