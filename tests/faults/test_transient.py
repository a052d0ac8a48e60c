"""Transient failures: the run succeeds, nothing is lost or emitted twice.

Which failures are transient, and the pauses, are tested in `tests/unit/api`.
"""

from __future__ import annotations

import random
import threading
import time
import typing as t
from collections import Counter
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import settings as rules
from hypothesis import strategies as st

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
from tests.support.streams import DETAILS

if t.TYPE_CHECKING:
    from tests.streams.checks import Start

Options = dict[str, t.Any]

pytestmark = pytest.mark.usefixtures("clock")


def a_date(seconds_ahead: float) -> str:
    return formatdate(time.time() + seconds_ahead, usegmt=True)


TROUBLES: dict[str, tuple[str, Options]] = {
    "429, seconds": ("429", {"retry_after": 7}),
    "429, a date": ("429", {"retry_after": a_date(20)}),
    "429, a past date": ("429", {"retry_after": a_date(-60)}),
    "429 alone": ("429", {}),
    "429, malformed": ("429", {"retry_after": "soon"}),
    "500, JSON": ("status", {"status": 500}),
    "503, HTML": ("status", {"status": 503, "html": True}),
    "408": ("status", {"status": 408}),
    "425": ("status", {"status": 425}),
    "404, HTML": ("status", {"status": 404, "html": True}),
    "410, HTML": ("status", {"status": 410, "html": True}),
    "time-out": ("timeout", {}),
    "closed later": ("timeout", {"seconds": 0.01}),
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


KINDS = [trouble for trouble in TROUBLES.values() if trouble[0] != "timeout"]


@pytest.mark.slow
@given(
    faults=st.lists(
        st.tuples(st.sampled_from(KINDS), st.floats(0.02, 0.3), st.integers(0, 99)),
        min_size=1,
        max_size=4,
    ),
    concurrency=st.integers(1, 5),
    page_size=st.integers(2, 20),
    seed=st.integers(0, 3),
)
@rules(max_examples=40)
def test_any_mix_of_troubles(
    faults: list[tuple[tuple[str, Options], float, int]],
    concurrency: int,
    page_size: int,
    seed: int,
) -> None:
    workspace = account(25, tags=3, seed=seed)
    with Sandbox(workspace) as box:
        mercy: Counter[str] = Counter()
        mix = [
            Strikes(kind, mercy, probability=probability, seed=number, **options)
            for (kind, options), probability, number in faults
        ]
        box.faults = list(mix)
        config = small(box, max_concurrency=concurrency, page_size=page_size)
        trial = attempt(config).good()
        assert_true(trial.messages, workspace)
        assert_emitted_once(trial.messages, workspace)
        ids = workspace.listed_ids()
        assert served_details(box, *mix) == dict.fromkeys(ids, 1)
        assert box.stats.max_in_flight <= concurrency


def test_later_runs_with_troubles_emit_the_changes_and_no_others(
    sandbox: Start,
) -> None:
    box = sandbox(account(40, tags=3))
    rng = random.Random(4)
    trial = attempt(small(box)).good()
    messages, state = trial.messages, trial.state
    for round_ in range(4):
        kinds = ("grade", "rate", "move", "tag", "submit")
        changed = {random_change(box.account, rng, kinds)[1] for _ in range(3)}
        mercy: Counter[str] = Counter()
        box.faults = [
            Strikes(kind, mercy, probability=0.02, seed=round_, **options)
            for kind, options in KINDS
        ]
        trial = attempt(small(box, reverify_days=0), state=state).good()
        messages, state = messages + trial.messages, trial.state
        assert_true(messages, box.account)
        emitted = trial.ids(DETAILS)
        assert len(set(emitted)) == len(emitted)
        assert set(emitted) <= changed


def test_all_workers_wait_as_long_as_the_api_asks(sandbox: Start, clock: Clock) -> None:
    box = sandbox(account(30, tags=0), latency=0.02)
    fault = Strikes("429", match="candidate", after=10, times=1, retry_after=40)
    box.faults = [fault]
    times: dict[int, float] = {}
    box.on_request = lambda request: times.setdefault(request.number, clock())
    attempt(small(box)).good()
    (struck,) = fault.numbers
    after = [at - times[struck] for number, at in times.items() if number > struck]
    # Of the three other workers, each may send two more before the 429 is read.
    assert sum(seconds < 1 for seconds in after) <= 6
    assert min(seconds for seconds in after if seconds >= 1) >= 40


@pytest.mark.slow
@pytest.mark.parametrize("candidates", [2500])
def test_soak(sandbox: Start, candidates: int) -> None:
    """Four runs, each with some hundred changes, and every fault at 2 % together."""
    rng = random.Random(11)
    workspace = Account.example(candidates=candidates, openings=4, tags=5, seed=4)
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
