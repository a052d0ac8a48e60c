"""The state: small, readable, without personal data, and never the cause of a loss."""

from __future__ import annotations

import itertools
import json
import random
import typing as t
from copy import deepcopy
from datetime import datetime

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sandbox import Account
from tap_toggl_hire.errors import StateError
from tap_toggl_hire.sync.codec import decode_block
from tests.runs.pipelines import (
    CANDIDATES,
    DETAILS,
    FAMILY,
    STREAMS,
    UPSERTED,
    Outcome,
    Pipeline,
    copied,
    pipeline,
)
from tests.support import run_tap
from tests.support.truth import truth

if t.TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, t.Any]

BYTES_A_CANDIDATE = 24


def size(value: t.Any) -> int:
    """Bytes of a JSON value as it is written."""
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def account(candidates: int = 15) -> Account:
    return Account.example(
        candidates=candidates, openings=2, tags=2, questions=2, in_progress=2
    )


# Small


def test_as_many_as_a_real_run_leaves() -> None:
    with pipeline(account(400)) as line:
        line.run()
        line.happen(random.Random(1), 40)
        line.run()
        state = t.cast("Json", line.target.state)
        digests = state["bookmarks"][CANDIDATES]["digests"]
        assert size(digests["inventory"]) <= BYTES_A_CANDIDATE * 400
        # The larger it is, the less the rest of it counts.
        assert size(state) - size(digests["inventory"]) <= 2_500


# Readable


def test_a_person_sees_how_far_it_is() -> None:
    with pipeline(account()) as line:
        line.run()
        bookmarks = t.cast("Json", line.target.state)["bookmarks"]
        newest = max(
            datetime.fromisoformat(row["started_at"])
            for row in truth(line.account)[CANDIDATES].values()
        )
        for stream in (CANDIDATES, DETAILS):
            bookmark = bookmarks[stream]
            assert bookmark["replication_key"] == "started_at"
            value = bookmark["replication_key_value"]
            assert datetime.fromisoformat(value) == newest
        later = line.account.add_candidate(started_at="2027-01-01T00:00:00")
        line.run()
        line.account.delete(later)
        line.account.add_candidate(started_at="2025-01-01T00:00:00")
        line.run()
        bookmarks = t.cast("Json", line.target.state)["bookmarks"]
        value = bookmarks[CANDIDATES]["replication_key_value"]
        assert value == "2027-01-01T00:00:00+00:00"


@pytest.mark.parametrize("pii", ["keep", "hash", "drop"])
def test_nobody_is_in_the_state(pii: str) -> None:
    with pipeline(account(), pii=pii, pii_hash_key="secret-of-the-hashes") as line:
        one = next(row for row in line.account.list_rows() if row["name"])
        line.run(candidate_filters={"email": one["email"]})
        line.run()
        state = t.cast("Json", line.target.state)
        told = json.dumps(state, ensure_ascii=False)
        told += "".join(
            repr(entry)
            for block in state["bookmarks"][CANDIDATES]["digests"]["inventory"]
            for entry in decode_block(block)
        )
        for row in truth(line.account)[DETAILS].values():
            contact = (row["contact_info"] or {}).values()
            for value in (row["name"], row["email"], row["profile_url"], *contact):
                assert not value or value not in told
        assert line.config["api_key"] not in told
        assert "secret-of-the-hashes" not in told


# Damaged


@pytest.fixture(scope="module")
def line() -> Iterator[Pipeline]:
    """A pipeline after a run and then changes, to be looked at by `read_with` alone."""
    with pipeline(account(), reverify_days=30) as made:
        made.run()
        changed, gone, *_ = made.account.listed_ids()
        made.account.rate(changed, (made.account.row(changed)["rating"] + 1) % 4)
        made.account.delete(gone)
        made.account.add_candidate()
        yield made


def read_with(line: Pipeline, state: t.Any) -> Outcome:
    """Run with a state that may be bad.

    It is refused in a sentence, before the first request. Or it leads to a target
    that holds what the API holds; only if everything was read, as without any
    digests, a deletion may go unseen.
    """
    target, line.target = line.target, deepcopy(line.target)
    try:
        outcome = line.attempt(state=state)
        if outcome.error is not None:
            assert isinstance(outcome.error, StateError), repr(outcome.error)
            assert str(outcome.error).endswith(".")
            assert not outcome.requests
            assert not outcome.messages
            return outcome
        line.target.load(outcome.messages)
        rows = truth(line.account)
        is_full = len(outcome.emitted(DETAILS)) == len(rows[DETAILS])
        for stream in UPSERTED:
            alive = line.target.alive(stream)
            assert {key: alive.get(key) for key in rows[stream]} == rows[stream]
            assert is_full or len(alive) == len(rows[stream])
    finally:
        line.target = target
    return outcome


TUNED = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


def texts(value: t.Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def flipped(text: str, place: float, bit: int) -> str:
    """A text in which one bit of an ASCII character has another value."""
    at = min(int(place * len(text)), len(text) - 1)
    return text[:at] + chr(ord(text[at]) ^ 1 << bit) + text[at + 1 :]


@settings(TUNED, max_examples=50)
@given(place=st.floats(0, 1), bit=st.integers(0, 6))
def test_a_bit_that_flips_anywhere(line: Pipeline, place: float, bit: int) -> None:
    try:
        state = json.loads(flipped(texts(line.target.state), place, bit))
    except ValueError:  # which the command line refuses; see below
        return
    read_with(line, state)


BOGUS: list[t.Any] = [
    *(None, True, 1e300, "x", [], {}),
]


def places(value: t.Any, path: tuple[t.Any, ...] = ()) -> Iterator[tuple[t.Any, ...]]:
    """The paths of everything in a JSON value, in lists of the first item."""
    yield path
    if isinstance(value, (dict, list)):
        items = value.items() if isinstance(value, dict) else enumerate(value[:1])
        for name, item in items:
            yield from places(item, (*path, name))


def put(value: t.Any, path: tuple[t.Any, ...], bogus: t.Any) -> t.Any:
    """A copy of a JSON value with something else at a path."""
    if not path:
        return bogus
    made = value.copy()
    made[path[0]] = put(value[path[0]], path[1:], bogus)
    return made


def without(value: t.Any, path: tuple[t.Any, ...]) -> t.Any:
    """A copy of a JSON value that lacks what is at a path."""
    made = value.copy()
    if len(path) == 1:
        del made[path[0]]
    else:
        made[path[0]] = without(value[path[0]], path[1:])
    return made


def test_anything_in_the_place_of_anything(line: Pipeline) -> None:
    failures = []
    state = line.target.state
    for path, bogus in itertools.product(places(state), BOGUS):
        if path:  # the file as a whole is the command line's
            try:
                read_with(line, put(state, path, bogus))
            except AssertionError as error:
                failures.append(f"{bogus!r} at {path}: {str(error).splitlines()[0]}")
    assert not failures, "\n".join(failures)


def test_anything_that_is_missing(line: Pipeline) -> None:
    failures = []
    state = line.target.state
    for path in places(state):
        if path:
            try:
                read_with(line, without(state, path))
            except AssertionError as error:
                failures.append(f"{path}: {str(error).splitlines()[0]}")
    assert not failures, "\n".join(failures)


def newer_format(state: Json) -> Json:
    state["bookmarks"]["candidates"]["digests"]["format"] = 3
    return state


def test_a_newer_format_is_refused_with_what_to_do(line: Pipeline) -> None:
    state = newer_format(t.cast("Json", copied(line.target.state)))
    outcome = read_with(line, state)
    assert "newer" in str(outcome.error)
    assert "Upgrade" in str(outcome.error)
    state["bookmarks"]["candidates"]["digests"] = {"format": 4, "other": ["things"]}
    assert "newer" in str(read_with(line, state).error)


FOREIGN: dict[str, Json] = {
    "empty": {},
    "no bookmarks": {"bookmarks": {}},
    "a tap without digests": {
        "bookmarks": {
            "candidates": {
                "replication_key": "started_at",
                "replication_key_value": "2026-01-01T00:00:00+00:00",
            },
            "candidate_details": {"partitions": []},
        }
    },
    "a tap that had a partition for each candidate": {
        "bookmarks": {
            "candidates": {
                "partitions": [
                    {"context": {"candidate_id": "1"}, "replication_key_value": "x"}
                ]
            }
        }
    },
    "another tap": {
        "bookmarks": {"issues": {"since": "2024-01-01"}},
        "currently_syncing": "issues",
    },
    "a message of it": {"type": "STATE", "value": {"bookmarks": {}}},
    "as Meltano keeps it": {"singer_state": {"bookmarks": {}}},
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_state_without_digests_leads_to_a_full_read(
    line: Pipeline, name: str
) -> None:
    outcome = read_with(line, FOREIGN[name])
    assert outcome.error is None
    for stream in UPSERTED:
        assert set(outcome.emitted(stream)) == set(line.account.listed_ids())
    quiet = line.attempt(state=outcome.states[-1]).good()
    assert not any(quiet.records(stream) for stream in FAMILY)


def test_what_is_not_the_tap_s_stays_in_the_state() -> None:
    with pipeline(account()) as line:
        line.run(state={"bookmarks": {"elsewhere": {"kept": 1}}})
        state = t.cast("Json", line.target.state)
        assert state["bookmarks"]["elsewhere"] == {"kept": 1}


def command_line_cases(state: Json) -> dict[str, str]:
    """What may be in the file that `--state` names."""
    damaged = deepcopy(state)
    blocks = damaged["bookmarks"]["candidates"]["digests"]["inventory"]
    blocks[0] = blocks[0][:-9]
    return {
        "damaged": json.dumps(damaged),
        "newer": json.dumps(newer_format(deepcopy(state))),
        "cut short": json.dumps(state)[:-40],
        "a list": json.dumps([state]),
        "a text": '"bookmarks"',
        "nothing": "",
        "no UTF-8": "\udcff\udcfe",
    }


@pytest.mark.parametrize(
    "case",
    ["damaged", "newer", "cut short", "a list", "a text", "nothing", "no UTF-8"],
)
def test_the_command_line_refuses_in_one_sentence(
    line: Pipeline, case: str, tmp_path: t.Any
) -> None:
    text = command_line_cases(t.cast("Json", copied(line.target.state)))[case]
    path = tmp_path / "state.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    before = line.sandbox.stats.requests
    run = run_tap(line.config, "--state", str(path))
    if case == "nothing" and run.returncode == 0:
        assert set(line.account.listed_ids()) <= {
            row["id"] for row in run.records(CANDIDATES)
        }
        return
    assert run.returncode == 1
    assert not run.messages
    assert "Traceback" not in run.stderr
    assert "state" in run.stderr.splitlines()[-1].lower()
    assert line.sandbox.stats.requests == before


def test_states_do_not_repeat_while_nothing_changes() -> None:
    with pipeline(account()) as line:
        line.run()
        outcome = line.run(select=STREAMS)
        assert all(a != b for a, b in itertools.pairwise(outcome.states))
