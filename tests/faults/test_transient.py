"""What fails for a moment: the run ends well, nothing is lost, nothing done twice."""

from __future__ import annotations

import contextlib
import random
import threading
import time
import typing as t
from collections import Counter
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from hypothesis import given
from hypothesis import settings as rules
from hypothesis import strategies as st

from sandbox import Account, Sandbox, Shapes, random_change
from tests.faults.trials import (
    Clock,
    Strikes,
    answered_details,
    assert_emitted_once,
    assert_true,
    attempt,
    endpoint,
    settings,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable

    Start = Callable[..., Sandbox]
    Options = dict[str, t.Any]

pytestmark = pytest.mark.usefixtures("clock")

TIMEOUT = 1.0
"""Seconds after which the tests that need it give a request up."""


def a_date(seconds_ahead: float) -> str:
    return formatdate(time.time() + seconds_ahead, usegmt=True)


TROUBLES: dict[str, tuple[str, Options]] = {
    "429, seconds": ("429", {"retry_after": 7}),
    "429, a fraction of a second": ("429", {"retry_after": 0.5}),
    "429, zero seconds": ("429", {"retry_after": 0}),
    "429, a date": ("429", {"retry_after": a_date(20)}),
    "429, a date that has passed": ("429", {"retry_after": a_date(-60)}),
    "429, nothing said": ("429", {}),
    "429, something odd said": ("429", {"retry_after": "soon"}),
    **{
        f"{status}, {form}": ("status", {"status": status, "html": form == "HTML"})
        for status in (500, 502, 503, 504)
        for form in ("JSON", "HTML")
    },
    "408": ("status", {"status": 408}),
    "time-out": ("timeout", {}),
    "hangs up after a while": ("timeout", {"seconds": 0.01}),
    "reset": ("reset", {}),
    "hangs up": ("close", {}),
    "body cut short": ("cut", {}),
    "HTML": ("not_json", {}),
    "empty body": ("empty", {}),
    "half of a JSON": ("body", {"body": b'{"data": [{"id"'}),
    "no UTF-8": ("body", {"body": b'{"data": [], "name": "\xff"}'}),
    "data is null": ("wrong_shape", {"value": {"data": None}}),
    "data is an object": ("wrong_shape", {"value": {"data": {}}}),
    "an error with status 200": ("wrong_shape", {"value": {"error": {"type": "No"}}}),
    "an array": ("wrong_shape", {"value": []}),
    "a text": ("wrong_shape", {"value": "OK"}),
    "null": ("body", {"body": b"null"}),
}

ENDPOINTS = (
    *("tags", "openings", "opening", "categories", "categories of an opening"),
    *("candidates", "tag members", "candidate"),
)


def small_account() -> Account:
    return Account.example(candidates=12, openings=2, tags=2, questions=2, seed=3)


def settings_for(name: str, box: Sandbox) -> dict[str, t.Any]:
    """Settings of a run that makes requests to an endpoint."""
    if name in {"opening", "categories of an opening"}:
        openings = [one["id"] for one in box.account.openings()]
        return settings(box, job_opening_ids=openings)
    return settings(box)


EACH_ROW = (
    *("429, seconds", "429, a date", "429, nothing said", "500, JSON", "503, HTML"),
    *("408", "reset", "hangs up", "body cut short", "HTML", "empty body"),
    *("data is null", "an error with status 200", "an array"),
)
"""Troubles of each row of the contract's table, in their main forms."""


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize("trouble", EACH_ROW)
def test_each_trouble_at_each_endpoint(sandbox: Start, trouble: str, name: str) -> None:
    kind, options = TROUBLES[trouble]
    box = sandbox(small_account())
    fault = Strikes(kind, match=endpoint(name), times=3, **options)
    box.faults = [fault]
    trial = attempt(settings_for(name, box)).good()
    assert fault.struck == 3
    assert_true(trial.messages, box.account)
    assert_emitted_once(trial.messages, box.account)
    answers = answered_details(box, fault)
    assert answers == dict.fromkeys(box.account.listed_ids(), 1)


@pytest.mark.parametrize("name", ["tags", "candidates", "openings"])
def test_no_answer_in_time(sandbox: Start, name: str) -> None:
    box = sandbox(small_account())
    fault = Strikes("timeout", match=endpoint(name), times=1)
    box.faults = [fault]
    trial = attempt(settings(box, request_timeout=TIMEOUT)).good()
    assert fault.struck == 1
    assert_true(trial.messages, box.account)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_troubles_in_the_middle_of_the_details(sandbox: Start, trouble: str) -> None:
    """Several workers are struck at once, others have answers under way."""
    kind, options = TROUBLES[trouble]
    box = sandbox(Account.example(candidates=30, tags=2, questions=2))
    fault = Strikes(kind, match="candidate", after=11, times=6, **options)
    box.faults = [fault]
    trial = attempt(settings(box, request_timeout=TIMEOUT if kind == "timeout" else 60))
    assert_true(trial.good().messages, box.account)
    assert_emitted_once(trial.messages, box.account)
    answers = answered_details(box, fault)
    assert answers == dict.fromkeys(box.account.listed_ids(), 1)


def test_refused_before_the_first_answer(sandbox: Start, clock: Clock) -> None:
    account = small_account()
    box = Sandbox(account)
    port = int(box.url.rsplit(":", 1)[1].split("/")[0])
    box.stop()  # it never ran; nothing listens on its port now
    started: list[Sandbox] = []

    def start(_: float) -> None:
        if len(clock.pauses) == 3:
            started.append(sandbox(account, port=port))

    clock.on_pause = start
    trial = attempt(settings(box)).good()
    assert_true(trial.messages, account)
    assert answered_details(started[0]) == dict.fromkeys(account.listed_ids(), 1)


def test_the_server_restarts_in_the_middle(sandbox: Start, clock: Clock) -> None:
    """What was under way breaks off, what comes is refused, then it is back."""
    account = Account.example(candidates=30, tags=2, questions=2)
    first = sandbox(account)
    port = int(first.url.rsplit(":", 1)[1].split("/")[0])
    first.faults = [Strikes("reset", match="candidate", after=9)]
    lock = threading.Lock()
    later: list[Sandbox] = []

    def restart(_: float) -> None:
        with lock:
            if len(clock.pauses) == 1:
                first.stop()
            elif len(clock.pauses) > 3 and not later:
                later.append(sandbox(account, port=port))

    clock.on_pause = restart
    trial = attempt(settings(first)).good()
    assert_true(trial.messages, account)
    assert_emitted_once(trial.messages, account)
    answers = answered_details(first, *t.cast("list[Strikes]", first.faults))
    answers += answered_details(later[0])
    assert answers == dict.fromkeys(account.listed_ids(), 1)


KINDS = st.sampled_from(
    [trouble for trouble in TROUBLES.values() if trouble[0] != "timeout"]
)


@given(
    faults=st.lists(
        st.tuples(KINDS, st.floats(0.02, 0.3), st.integers(0, 99)),
        min_size=1,
        max_size=4,
    ),
    concurrency=st.integers(1, 5),
    page_size=st.integers(2, 20),
    seed=st.integers(0, 3),
)
@rules(max_examples=40)
def test_any_mix_of_troubles_over_a_whole_run(
    faults: list[tuple[tuple[str, Options], float, int]],
    concurrency: int,
    page_size: int,
    seed: int,
) -> None:
    account = Account.example(candidates=25, tags=3, questions=2, seed=seed)
    with Sandbox(account) as box:
        mercy: Counter[str] = Counter()
        mix = [
            Strikes(kind, mercy, probability=probability, seed=number, **options)
            for (kind, options), probability, number in faults
        ]
        box.faults = list(mix)
        config = settings(box, max_concurrency=concurrency, page_size=page_size)
        trial = attempt(config).good()
        assert_true(trial.messages, account)
        assert_emitted_once(trial.messages, account)
        answers = answered_details(box, *mix)
        assert answers == dict.fromkeys(account.listed_ids(), 1)
        assert box.stats.max_in_flight <= concurrency
        assert box.stats.without_key == 0


def test_later_runs_with_troubles_find_the_changes_and_no_others(
    sandbox: Start,
) -> None:
    box = sandbox(Account.example(candidates=40, tags=3, questions=2))
    account, rng = box.account, random.Random(4)
    trial = attempt(settings(box)).good()
    messages = trial.messages
    for round_ in range(6):
        changed = {
            random_change(account, rng, ("grade", "rate", "move", "tag", "submit"))[1]
            for _ in range(3)
        }
        mercy: Counter[str] = Counter()
        box.faults = [
            Strikes(kind, mercy, probability=0.01, seed=round_, **options)
            for kind, options in TROUBLES.values()
            if kind != "timeout"
        ]
        trial = attempt(settings(box, reverify_days=0), state=trial.state).good()
        messages = messages + trial.messages
        assert_true(messages, account)
        emitted = [row["id"] for row in trial.records("candidate_details")]
        assert len(set(emitted)) == len(emitted)
        assert set(emitted) <= changed


# The pauses


def test_all_workers_wait_as_long_as_the_api_asks(sandbox: Start, clock: Clock) -> None:
    """By the clock of the run, no request starts before the time is over."""
    account = Account.example(candidates=30, tags=0, questions=2)
    box = sandbox(account, latency=0.02)
    fault = Strikes("429", match="candidate", after=10, times=1, retry_after=40)
    box.faults = [fault]
    times: dict[int, float] = {}
    box.on_request = lambda request: times.setdefault(request.number, clock())
    attempt(settings(box)).good()
    (struck,) = fault.numbers
    pause_began = times[struck]
    after = [at - pause_began for number, at in times.items() if number > struck]
    before_the_refusal_was_read = [seconds for seconds in after if seconds < 1]
    assert len(before_the_refusal_was_read) <= 6  # two of each other worker
    the_rest = [seconds for seconds in after if seconds >= 1]
    assert the_rest
    assert min(the_rest) >= 40


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_pause_is_not_cut_short_by_a_shorter_one(
    sandbox: Start, clock: Clock, form: str
) -> None:
    box = sandbox(small_account())
    asked = [30, 4, 2]

    def give(seconds: int) -> str:
        return str(seconds) if form == "seconds" else a_date(seconds)

    box.faults = [
        Strikes("429", match="candidate", times=1, retry_after=give(seconds))
        for seconds in asked
    ]
    started = clock()
    attempt(settings(box)).good()
    assert clock() - started >= 29


def test_pauses_grow_and_differ(sandbox: Start, clock: Clock) -> None:
    box = sandbox(small_account())
    sequences = []
    for _ in range(8):
        clock.pauses.clear()
        box.faults = [Strikes("status", status=503, match="tags", times=5)]
        attempt(settings(box)).good()
        sequences.append(clock.pauses[:5])
    for sequence in sequences:
        assert sequence == sorted(sequence)
        assert sequence[-1] >= 4 * sequence[0]
        assert sum(sequence) >= 20
    assert len({sequence[0] for sequence in sequences}) > 1, "no jitter"


def test_an_endless_retry_after_is_no_crash(sandbox: Start) -> None:
    box = sandbox(small_account())
    box.faults = [Strikes("429", match="candidate", times=1, retry_after="9" * 30)]
    assert_true(attempt(settings(box)).good().messages, box.account)


class Trickle(BaseHTTPRequestHandler):
    """Passes requests on to a sandbox; the first answer comes bit by bit."""

    seconds = 6.0
    parts = 30

    def do_GET(self) -> None:
        server = t.cast("TrickleServer", self.server)
        first, server.is_first = server.is_first, False
        answer = requests.get(
            server.url_behind + self.path,
            headers={"Authorization": self.headers["Authorization"]},
            timeout=10,
        )
        self.send_response(answer.status_code)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        size = -(-len(answer.content) // self.parts) if first else len(answer.content)
        with contextlib.suppress(OSError):  # the client had enough
            for start in range(0, len(answer.content), size):
                self.wfile.write(answer.content[start : start + size])
                if first:
                    time.sleep(self.seconds / self.parts)

    def log_message(self, format: str, *args: t.Any) -> None:  # noqa: A002
        """Say nothing."""


class TrickleServer(ThreadingHTTPServer):
    daemon_threads = True
    is_first = True

    def __init__(self, box: Sandbox) -> None:
        super().__init__(("127.0.0.1", 0), Trickle)
        self.url_behind = box.url.removesuffix("/api")


def test_the_timeout_is_of_the_whole_request(sandbox: Start) -> None:
    """An answer that trickles, each bit in time, does not hold up the run."""
    box = sandbox(small_account(), shapes=Shapes(next_link="path"))
    with TrickleServer(box) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        config = settings(
            box,
            api_url=f"http://127.0.0.1:{server.server_address[1]}/api",
            request_timeout=TIMEOUT,
        )
        started = time.monotonic()
        trial = attempt(config).good()
        took = time.monotonic() - started
        server.shutdown()
    assert_true(trial.messages, box.account)
    assert took < Trickle.seconds / 2
