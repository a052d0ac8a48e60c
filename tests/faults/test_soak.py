"""Thousands of requests, two in a hundred of which go wrong."""

from __future__ import annotations

import random
import typing as t

import pytest

from sandbox import Account, Sandbox, Shapes, random_change
from sandbox.changes import VISIBLE
from tests.faults.test_transient import TROUBLES
from tests.faults.trials import (
    CANDIDATES,
    Strikes,
    answered_details,
    assert_emitted_once,
    assert_holds,
    assert_true,
    attempt,
    settings,
)
from tests.support import Target, run_tap

if t.TYPE_CHECKING:
    from collections.abc import Callable

    Start = Callable[..., Sandbox]

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("clock")]

SHARE = 0.02
KINDS = [kind for kind in VISIBLE if kind != "delete_opening"]
"""Of changes; whose openings are all replaced is another workspace to the tap."""


def troubles(seed: int, *, without: tuple[str, ...] = ()) -> list[Strikes]:
    """Every kind of fault, all of them together at two in a hundred requests."""
    kinds = {name: how for name, how in TROUBLES.items() if name not in without}
    return [
        Strikes(kind, probability=SHARE / len(kinds), seed=seed + number, **options)
        for number, (kind, options) in enumerate(kinds.values())
    ]


def test_first_and_later_runs(sandbox: Start) -> None:
    """Some hundred changes between any two of them, hidden ones aside."""
    rng = random.Random(11)
    account = Account.example(
        candidates=2500, openings=4, tags=5, questions=3, in_progress=60, seed=4
    )
    shapes = Shapes(
        next_link="bare", last_page="no_links", trailing_link=True, extra_fields=True
    )
    box = sandbox(account, shapes=shapes)
    config = settings(
        box, page_size=50, max_concurrency=8, request_timeout=3, reverify_days=0
    )
    target = Target()
    struck = 0
    for round_ in range(4):
        before = {key: account.revision(key) for key in account.listed_ids() if round_}
        if round_:
            for _ in range(150):
                random_change(account, rng, KINDS)
        box.stats.reset()
        faults = troubles(100 * round_)
        box.faults = list(faults)
        trial = attempt(config, state=target.state).good()
        target.load(trial.messages)
        struck += sum(fault.struck for fault in faults)
        changed = {
            key
            for key in account.listed_ids()
            if account.revision(key) != before.get(key)
        }
        if not round_:
            assert_emitted_once(trial.messages, account)
        asked = answered_details(box, *faults)
        assert all(count == 1 for count in asked.values())
        emitted = [
            row["id"]
            for row in trial.records("candidate_details")
            if not row["_sdc_deleted_at"]
        ]
        assert len(set(emitted)) == len(emitted)
        assert set(emitted) <= changed
        assert_holds(target, account, shapes, CANDIDATES)
        assert box.stats.max_in_flight <= 8
        assert box.stats.without_key == 0
    assert struck >= 40


def test_the_command_line_in_real_time(sandbox: Start) -> None:
    account = Account.example(candidates=1500, openings=4, tags=5, questions=3, seed=9)
    box = sandbox(account)
    # What waits for long tells no more than what waits for a second.
    long = tuple(name for name in TROUBLES if name.startswith("429"))
    faults = [
        *troubles(7, without=long),
        Strikes("429", probability=0.002, retry_after=1),
    ]
    box.faults = list(faults)
    run = run_tap(
        settings(box, page_size=100, max_concurrency=8, request_timeout=3), timeout=280
    )
    assert run.returncode == 0, run.stderr
    assert_true(run.messages, account)
    assert_emitted_once(run.messages, account)
    assert answered_details(box, *faults) == dict.fromkeys(account.listed_ids(), 1)
    assert sum(fault.struck for fault in faults) >= 20
    assert len(run.stderr.splitlines()) <= 60
    assert "Traceback" not in run.stderr
    assert box.stats.max_in_flight <= 8
