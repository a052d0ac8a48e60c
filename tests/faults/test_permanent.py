"""What fails for good: the run stops, says why, and the next one goes on from there."""

from __future__ import annotations

import itertools
import re
import socket
import typing as t
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import settings as rules
from hypothesis import strategies as st

from sandbox import Account, Fault, Sandbox, Shapes
from tests.faults.trials import (
    FAMILY,
    Clock,
    Strikes,
    answered_details,
    assert_emitted_once,
    assert_holds,
    assert_true,
    attempt,
    endpoint,
    settings,
)
from tests.support import Run, Target, run_tap

if t.TYPE_CHECKING:
    from collections.abc import Callable

    Start = Callable[..., Sandbox]
    CommandLine = Callable[..., Run]
    Options = dict[str, t.Any]

pytestmark = pytest.mark.usefixtures("clock")

LINE = re.compile(r"[-\d]{10} [:,\d]{12} \| (\w+) +\| [\w.-]+ +\| (.*)")
"""A line of the log."""

FOR_GOOD: dict[str, tuple[str, Options, str]] = {
    # what happens: how the sandbox does it, and what the sentence says of it
    "500": ("status", {"status": 500}, "it answers 500"),
    "502, HTML": ("status", {"status": 502, "html": True}, "it answers 502"),
    "503": ("status", {"status": 503}, "it answers 503"),
    "504, HTML": ("status", {"status": 504, "html": True}, "it answers 504"),
    "408": ("status", {"status": 408}, "it answers 408"),
    "time-out": ("timeout", {}, "request_timeout"),
    "reset": ("reset", {}, "connection"),
    "hangs up": ("close", {}, "connection"),
    "body cut short": ("cut", {}, "breaks off"),
    "HTML": ("not_json", {}, "no JSON"),
    "empty body": ("empty", {}, "no JSON"),
    "wrong shape": ("wrong_shape", {}, "documentation"),
}

ENDPOINTS = (
    *("tags", "openings", "categories", "candidates", "tag members", "candidate"),
)


def small_account(candidates: int = 30) -> Account:
    return Account.example(candidates, openings=2, tags=3, questions=2)


def assert_sentence(run: Run, *words: str) -> None:
    """The run failed, as a user should read it."""
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    lines = [LINE.fullmatch(line) for line in run.stderr.splitlines()]
    assert all(lines), run.stderr
    levels = [line[1] for line in lines if line]
    assert levels.count("ERROR") == 1
    assert levels[-1] == "ERROR"
    last = lines[-1]
    assert last
    assert re.fullmatch(r"[A-Z].+ .+\.", last[2])
    for word in words:
        assert word in last[2]


# Stop, and heal


@pytest.mark.parametrize("what", FOR_GOOD)
def test_the_run_stops_and_the_next_one_heals(sandbox: Start, what: str) -> None:
    kind, options, words = FOR_GOOD[what]
    box = sandbox(small_account())
    fault = Strikes(kind, match="candidate", after=17, **options)
    box.faults = [fault]
    timeout = 0.1 if kind == "timeout" else 60
    first = attempt(settings(box, request_timeout=timeout))
    assert words in first.sentence
    assert "/candidates/{id}" in first.sentence
    assert first.messages[-1]["type"] == "STATE"
    done = {row["id"] for row in first.records("candidate_details")}
    assert 0 < len(done) <= 17
    per_request = Counter(
        one.route.item_id for one in box.stats.log if one.number in fault.numbers
    )
    assert max(per_request.values()) == 6

    box.faults = []
    box.stats.reset()
    second = attempt(settings(box), state=first.state).good()
    messages = first.messages + second.messages
    assert_true(messages, box.account)
    assert_emitted_once(messages, box.account)
    rest = set(box.account.listed_ids()) - done
    assert answered_details(box) == dict.fromkeys(rest, 1)


@given(
    name=st.sampled_from(ENDPOINTS),
    after=st.integers(0, 45),
    kind=st.sampled_from(
        ["500", "reset", "body cut short", "HTML", "wrong shape", "401", "400"]
    ),
    concurrency=st.integers(1, 5),
    second_run=st.booleans(),
)
@rules(max_examples=40)
def test_wherever_it_fails_nothing_is_lost_and_nothing_comes_twice(
    name: str,
    after: int,
    kind: str,
    concurrency: int,
    second_run: bool,  # noqa: FBT001
) -> None:
    """In a first run, or in one that finds changes."""
    account = small_account()
    with Sandbox(account) as box:
        config = settings(box, max_concurrency=concurrency, reverify_days=0)
        messages, state = [], None
        if second_run:
            before = attempt(config).good()
            messages, state = before.messages, before.state
            for key in account.listed_ids()[::2]:
                account.rate(key, 3 - account.row(key)["rating"])
            for _ in range(3):
                account.add_candidate()
            box.stats.reset()
        if kind in {"400", "401"}:
            fault = Fault("status", status=int(kind), match=endpoint(name), after=after)
        else:
            how, options, _ = FOR_GOOD[kind]
            fault = Fault(how, match=endpoint(name), after=after, **options)
        box.faults = [fault]
        failed = attempt(config, state=state)
        if fault.struck == 0:
            failed.good()
        else:
            assert failed.error is not None
        messages = messages + failed.messages
        state = failed.state or state

        box.faults = []
        box.stats.reset()
        healed = attempt(config, state=state).good()
        assert_true(messages + healed.messages, account)
        emitted = {row["id"] for row in failed.records("candidate_details")}
        again = {row["id"] for row in healed.records("candidate_details")}
        assert not emitted & again
        assert set(answered_details(box)) == again
        history = [
            (row["candidate_id"], row["event"])
            for row in [
                *failed.records("candidate_history"),
                *healed.records("candidate_history"),
            ]
        ]
        assert len(set(history)) == len(history)


@pytest.mark.parametrize("what", ["500", "hangs up", "wrong shape"])
def test_one_who_is_not_served_holds_up_nobody(sandbox: Start, what: str) -> None:
    kind, options, words = FOR_GOOD[what]
    box = sandbox(small_account())
    first = attempt(settings(box)).good()
    account = box.account
    gone, poisoned, *others = account.listed_ids()
    for key in (poisoned, *others[::5]):
        account.rate(key, 3 - account.row(key)["rating"])
    account.delete(gone)
    fault = Fault(kind, match=lambda one: one.route.item_id == poisoned, **options)
    box.faults = [fault]
    messages, state = first.messages, first.state
    for emitted in ({gone, *others[::5]}, set()):  # once, and no more by the next run
        failed = attempt(settings(box, reverify_days=0), state=state)
        assert words in failed.sentence
        assert "/candidates/{id}" in failed.sentence
        assert {row["id"] for row in failed.records("candidate_details")} == emitted
        messages, state = messages + failed.messages, failed.state
    assert fault.struck == 2 * 6

    box.faults = []
    box.stats.reset()
    healed = attempt(settings(box, reverify_days=0), state=state).good()
    assert answered_details(box) == {poisoned: 1}
    target = Target()
    target.load(messages + healed.messages)
    assert_holds(target, account)


# How often, and how long


@pytest.mark.parametrize("what", FOR_GOOD)
def test_six_tries_over_twenty_seconds(sandbox: Start, clock: Clock, what: str) -> None:
    kind, options, words = FOR_GOOD[what]
    box = sandbox(small_account())
    box.faults = [Fault(kind, match="tags", **options)]
    times: list[float] = []
    box.on_request = lambda one: times.append(clock()) if one.kind == "tags" else None
    timeout = 0.1 if kind == "timeout" else 60
    trial = attempt(settings(box, request_timeout=timeout))
    assert words in trial.sentence
    assert len(times) == 6
    assert times[-1] - times[0] >= 20
    pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert pauses == sorted(pauses)


def test_nothing_listens(clock: Clock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    config = {"api_key": "key", "api_url": f"http://127.0.0.1:{port}/api"}
    trial = attempt(config)
    assert "the connection is refused" in trial.sentence
    assert len(clock.pauses) == 5
    assert sum(clock.pauses) >= 20


def test_no_such_host(clock: Clock) -> None:
    trial = attempt({"api_key": "key", "api_url": "http://nowhere.invalid/api"})
    assert "connection" in trial.sentence
    assert sum(clock.pauses) >= 20


def test_429_for_hours_never_fails(sandbox: Start, clock: Clock) -> None:
    box = sandbox(small_account(10))
    box.faults = [
        Fault("429", match="tags", times=40, retry_after=300),
        Fault("429", match="candidate", after=3, times=150, retry_after=90),
        Fault("429", match="candidates", times=60),
    ]
    started = clock()
    trial = attempt(settings(box)).good()
    assert_true(trial.messages, box.account)
    assert clock() - started >= 40 * 300


def test_429_between_failures_is_no_failure(sandbox: Start, clock: Clock) -> None:
    """Nor does it begin the count anew: five failures pass, six do not."""
    box = sandbox(small_account(5))
    asked: list[int] = []

    def alternates(request: t.Any) -> bool:
        if request.kind != "tags":
            return False
        asked.append(1)
        return len(asked) % 2 == 0

    box.faults = [
        Fault("429", match=alternates, times=5, retry_after=1),
        Fault("status", match="tags", times=5, status=503),
    ]
    assert_true(attempt(settings(box)).good().messages, box.account)
    assert len(clock.pauses) >= 10


# At once


@pytest.mark.parametrize("html", [False, True])
@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_key_stops_at_once(
    sandbox: Start, clock: Clock, status: int, *, html: bool
) -> None:
    box = sandbox(small_account())
    box.faults = [Fault("status", status=status, html=html)]
    trial = attempt(settings(box))
    assert "api_key" in trial.sentence
    assert str(status) in trial.sentence
    assert box.stats.requests == 1
    assert not clock.pauses
    assert trial.records("candidates") == []


def test_a_key_of_another_workspace(sandbox: Start) -> None:
    box = sandbox(small_account())
    trial = attempt(settings(box, api_key="another"))
    assert "api_key" in trial.sentence
    assert "UnauthorizedError" in trial.sentence
    assert "another" not in trial.sentence
    assert box.stats.requests == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_revoked_in_the_middle(
    sandbox: Start, clock: Clock, status: int
) -> None:
    box = sandbox(small_account(200))
    fault = Fault("status", status=status, match="candidate", after=50)
    box.faults = [fault]
    first = attempt(settings(box, max_concurrency=2))
    assert "api_key" in first.sentence
    assert not clock.pauses
    assert fault.struck <= 2, "it goes on with a key that was refused"
    done = {row["id"] for row in first.records("candidate_details")}
    assert 0 < len(done) <= 50

    box.faults = []
    box.stats.reset()
    second = attempt(settings(box), state=first.state).good()
    assert_true(first.messages + second.messages, box.account)
    assert not done & set(answered_details(box))


@pytest.mark.parametrize(
    ("filters", "name"),
    [
        ({"min_score": 55}, "candidate_filters.min_score"),
        ({"hire_state": "rejected"}, "candidate_filters.hire_state"),
        ({"category_id": "no number"}, "candidate_filters.category_id"),
        ({"tag_ids": ["1", "2"]}, "candidate_filters.tag_ids"),
        ({"email": "somebody@example.com"}, "candidate_filters.email"),
    ],
)
def test_a_filter_that_the_api_refuses(
    sandbox: Start, clock: Clock, filters: Options, name: str
) -> None:
    box = sandbox(small_account())
    (parameter,) = filters
    box.faults = [
        Fault(
            "status",
            status=400,
            error_type="FilterError",
            match=lambda one: parameter in one.query,
        )
    ]
    trial = attempt(settings(box, candidate_filters=filters))
    assert name in trial.sentence
    assert "FilterError" in trial.sentence
    for value in filters.values():
        assert str(value) not in trial.sentence
    assert not clock.pauses


def test_a_page_size_that_the_api_refuses(sandbox: Start) -> None:
    shapes = Shapes(max_limit=50, over_limit="refuse")
    box = sandbox(small_account(), shapes=shapes)
    trial = attempt(settings(box, page_size=100))
    assert "page_size" in trial.sentence
    assert "ValidationError" in trial.sentence


def test_a_tag_that_the_api_refuses_is_nobodys_filter(sandbox: Start) -> None:
    """The tap asks by tag whatever the settings are: they are not to blame."""
    box = sandbox(small_account())
    box.faults = [Fault("status", status=400, match=lambda one: "tag_ids" in one.query)]
    trial = attempt(settings(box))
    assert "BadRequestError" in trial.sentence
    assert "candidate_filters.tag_ids" not in trial.sentence


@pytest.mark.parametrize(
    ("name", "status"),
    [
        (name, status)
        for name in ENDPOINTS[:4]
        for status in (204, 304, 400, 402, 404, 405, 410, 418, 451)
        # Of the tags, it tells that the version is gone, as 404 does.
        if (name, status) != ("tags", 410)
    ],
)
def test_what_no_try_mends_is_not_tried_again(
    sandbox: Start, clock: Clock, name: str, status: int
) -> None:
    box = sandbox(small_account(3))
    fault = Fault("status", status=status, match=endpoint(name))
    box.faults = [fault]
    trial = attempt(settings(box))
    assert str(status) in trial.sentence
    assert not clock.pauses
    # Of the tags, the tap asks in each version that it knows; of candidates, several
    # workers ask.
    assert fault.struck <= (3 if name == "tags" else 5)


def test_no_version_is_known(sandbox: Start) -> None:
    box = sandbox(small_account(), shapes=Shapes(versions=()))
    assert "api_url" in attempt(settings(box)).sentence
    assert "api_version" in attempt(settings(box, api_version="v3")).sentence


@pytest.mark.parametrize("status", [410, 400, 403])
def test_nothing_but_a_404_is_taken_for_a_deletion(sandbox: Start, status: int) -> None:
    box = sandbox(small_account())
    config = settings(box)
    before = attempt(config).good()
    lost = box.account.listed_ids()[7]
    box.account.rate(lost, 3 - box.account.row(lost)["rating"])
    box.faults = [
        Fault("status", status=status, match=lambda one: one.route.item_id == lost)
    ]
    trial = attempt(config, state=before.state)
    assert str(status) in trial.sentence
    assert not any(row["_sdc_deleted_at"] for row in trial.records("candidates"))


# On the command line


COMMAND_LINE: dict[str, tuple[Fault, tuple[str, ...]]] = {
    "500": (Fault("status", match="candidate", after=10), ("500", "run again")),
    "HTML": (Fault("not_json"), ("no JSON",)),
    "hangs up": (Fault("close", match="candidates"), ("connection",)),
    "401": (Fault("status", status=401), ("api_key",)),
    "403 later": (
        Fault("status", status=403, match="candidate", after=10, html=True),
        ("api_key",),
    ),
    "400": (
        Fault("status", status=400, error_type="FilterError", match="candidates"),
        ("FilterError", "candidate_filters.min_rating"),
    ),
    "404": (Fault("status", status=404, match="openings"), ("404", "api_url")),
    "foreign link": (
        Fault("next", next="https://elsewhere.example/", match="candidates"),
        ("another origin",),
    ),
    "foreign redirect": (
        Fault("redirect", location="https://elsewhere.example/"),
        ("another origin",),
    ),
    "loop": (Fault("redirect", location="/api/v2.1/tags"), ("circles",)),
}


@pytest.mark.parametrize("what", COMMAND_LINE)
def test_what_the_user_reads(
    sandbox: Start, command_line: CommandLine, what: str
) -> None:
    fault, words = COMMAND_LINE[what]
    box = sandbox(small_account())
    box.faults = [fault]
    run = command_line(settings(box, candidate_filters={"min_rating": 0}))
    assert_sentence(run, *words)
    types = [
        message["type"]
        for message in run.messages
        if message["type"] == "STATE" or message.get("stream") in FAMILY
    ]
    assert not types or types[-1] == "STATE"
    box.faults = []
    states = [m["value"] for m in run.messages if m["type"] == "STATE"]
    state = states[-1] if states else None
    config = settings(box, candidate_filters={"min_rating": 0})
    healed = attempt(config, state=state).good()
    assert_true(run.messages + healed.messages, box.account)
    emitted = [row["id"] for row in run.records("candidate_details")]
    again = [row["id"] for row in healed.records("candidate_details")]
    assert sorted(emitted + again) == sorted(box.account.listed_ids())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("status", status=502, html=True, match="candidate", after=9), "502"),
        (Fault("reset", match="tags"), "connection"),
        (Fault("cut", match="candidates"), "breaks off"),
    ],
)
def test_in_real_time(sandbox: Start, fault: Fault, words: str) -> None:
    """With its own pauses: at least twenty seconds, and the state at the end."""
    box = sandbox(small_account())
    box.faults = [fault]
    run = run_tap(settings(box))
    assert_sentence(run, words)
    struck = [one.at for one in box.stats.log if fault.match == one.kind]
    assert struck[-1] - struck[0] >= 20
    box.faults = []
    state = [m["value"] for m in run.messages if m["type"] == "STATE"]
    healed = run_tap(settings(box), state=state[-1] if state else None)
    assert healed.returncode == 0
    assert_true(run.messages + healed.messages, box.account)


@pytest.mark.slow
def test_an_api_that_is_away_for_good(sandbox: Start) -> None:
    box = sandbox(small_account(3))
    box.stop()
    assert_sentence(run_tap(settings(box)), "refused", "run again later")
