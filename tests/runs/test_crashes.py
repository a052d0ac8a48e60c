"""Runs that die: started again with the last STATE, nothing is lost or read twice."""

from __future__ import annotations

import copy
import gzip
import itertools
import json
import random
import signal
import subprocess
import sys
import tempfile
import typing as t
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sandbox import Account, Sandbox
from sandbox.changes import VISIBLE
from tests.runs.pipelines import (
    ANSWERS,
    DETAILS,
    FAMILY,
    HISTORY,
    STREAMS,
    UPSERTED,
    Outcome,
    Pipeline,
    pipeline,
    who,
)
from tests.support.tap import clean_environment, command_line
from tests.support.truth import truth

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from types import FrameType

    from tests.support.target import Message

SELECTIONS = [STREAMS, (ANSWERS, HISTORY)]


def account(candidates: int = 24) -> Account:
    return Account.example(
        candidates=candidates, openings=2, tags=2, questions=2, in_progress=4
    )


def last_state(messages: Sequence[Message]) -> t.Any:
    """The last state of some messages; None if there is none."""
    states = [m["value"] for m in messages if m["type"] == "STATE"]
    return states[-1] if states else None


def vouched_for(messages: Sequence[Message], stream: str) -> set[str]:
    """The candidates whose rows of a stream came before the last STATE."""
    ends = [place for place, m in enumerate(messages) if m["type"] == "STATE"]
    return {
        who(m["record"])
        for m in messages[: ends[-1] if ends else 0]
        if m["type"] == "RECORD" and m["stream"] == stream
    }


def unvouched_for(messages: Sequence[Message]) -> set[str]:
    """The candidates of whom something came after the last STATE."""
    ends = [place for place, m in enumerate(messages) if m["type"] == "STATE"]
    return {
        who(m["record"])
        for m in messages[ends[-1] if ends else 0 :]
        if m["type"] == "RECORD" and m["stream"] in FAMILY
    }


def cut_everywhere(
    line: Pipeline, outcome: Outcome, select: Collection[str], **config: t.Any
) -> None:
    """Cut what a run wrote after each message, go on, and look at what is there.

    What a run does depends on the state alone, so one run is made for each state.
    """
    resumed: dict[str, Outcome] = {}
    rows = truth(line.account)
    target = line.target
    read = next((s for s in (DETAILS, ANSWERS) if s in select), None)
    for cut in range(len(outcome.messages) + 1):
        messages = outcome.messages[:cut]
        now = copy.deepcopy(target)
        now.load(messages)
        name = json.dumps(now.state, sort_keys=True)
        if name not in resumed:
            line.target = now
            resumed[name] = line.attempt(select=select, **config).good()
        again = resumed[name]
        if read is not None:
            assert not vouched_for(messages, read) & set(again.details), cut
        now.load(again.messages)
        for stream in set(UPSERTED) & set(select):
            assert now.alive(stream) == rows[stream], (cut, stream)
        line.target = target
    for again in resumed.values():
        quiet = line.attempt(select=select, state=last_state(again.messages), **config)
        quiet.good()
        assert not quiet.details
        assert not any(quiet.records(stream) for stream in FAMILY)


@pytest.mark.parametrize("select", SELECTIONS, ids=",".join)
def test_first_run_cut_after_any_message(select: Collection[str]) -> None:
    with pipeline(account(), page_size=7) as line:
        outcome = line.attempt(select=select, slow=True).good()
        assert len(outcome.states) > 5
        cut_everywhere(line, outcome, select)


@pytest.mark.parametrize("select", SELECTIONS, ids=",".join)
def test_later_run_cut_after_any_message(select: Collection[str]) -> None:
    with pipeline(account(), page_size=7) as line:
        line.run(select=select)
        line.happen(random.Random(5), 25)
        outcome = line.attempt(select=select, slow=True).good()
        assert any(outcome.tombstones(stream) for stream in FAMILY)
        cut_everywhere(line, outcome, select)


def test_run_cut_after_any_message_and_changes_before_the_next() -> None:
    with pipeline(account(), page_size=7) as line:
        line.run()
        line.happen(random.Random(6), 12)
        outcome = line.attempt(slow=True).good()
        target, line.target = line.target, copy.deepcopy(line.target)
        line.load(outcome.messages)
        line.target = target
        for one in line.account.listed_ids():  # what is vouched for changes, too
            line.account.rate(one, (line.account.row(one)["rating"] + 1) % 4)
        line.account.delete(line.account.listed_ids()[0])
        rows = truth(line.account)
        states = {json.dumps(s, sort_keys=True): s for s in outcome.states}
        for name, state in states.items():
            now = copy.deepcopy(target)
            for message in outcome.messages:
                now.load([message])
                if message["type"] == "STATE" and message["value"] == state:
                    break
            line.target = now
            line.run()
            for stream in UPSERTED:
                assert now.alive(stream) == rows[stream], (name, stream)


# A target that takes files


def unpacked(messages: Sequence[Message]) -> list[Message]:
    """Messages with a RECORD for each line of the files that a BATCH names."""
    found: list[Message] = []
    for message in messages:
        if message["type"] != "BATCH":
            found.append(message)
            continue
        for url in message["manifest"]:
            with gzip.open(urlsplit(url).path, "rt", encoding="utf-8") as lines:
                found += [
                    {
                        "type": "RECORD",
                        "stream": message["stream"],
                        "record": json.loads(line),
                    }
                    for line in lines
                ]
    return found


@pytest.mark.parametrize("slow", [False, True])
def test_batch_files_cut_after_any_message(*, slow: bool, tmp_path: Path) -> None:
    config = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": tmp_path.as_uri()},
        "batch_size": 7,
    }
    with pipeline(account(), page_size=7, batch_config=config) as line:
        for _ in range(2):
            outcome = line.attempt(slow=slow).good()
            assert any(m["type"] == "BATCH" for m in outcome.messages)
            resumed: dict[str, list[Message]] = {}
            rows = truth(line.account)
            target = line.target
            for cut in range(len(outcome.messages) + 1):
                now = copy.deepcopy(target)
                now.load(unpacked(outcome.messages[:cut]))
                line.target = now
                name = json.dumps(now.state, sort_keys=True)
                if name not in resumed:
                    resumed[name] = unpacked(line.attempt().good().messages)
                now.load(resumed[name])
                for stream in UPSERTED:
                    assert now.alive(stream) == rows[stream], (cut, stream)
            line.target = target
            line.load(unpacked(outcome.messages))
            line.happen(random.Random(7), 20)


# What happens after a run that died


def test_a_candidate_deleted_after_a_run_that_died() -> None:
    """What came after the last STATE is in the warehouse, too."""
    with pipeline(account(), page_size=7) as line:
        outcome = line.attempt(slow=True).good()
        half = outcome.messages[: _after_a_record(outcome.messages)]
        line.load(half)
        gone = unvouched_for(half)
        assert gone
        for one in gone:
            line.account.delete(one)
        line.run()
        line.assert_true()


@pytest.mark.parametrize("select", [STREAMS, (DETAILS,)], ids=",".join)
def test_a_change_undone_after_a_run_that_died(select: Collection[str]) -> None:
    """The row is as the last STATE knows it, but not as the warehouse does."""
    with pipeline(account(), page_size=7) as line:
        line.run(select=select)
        rows = {key: line.account.row(key) for key in line.account.listed_ids()}
        for key, row in rows.items():
            line.account.rate(key, (row["rating"] + 1) % 4)
        outcome = line.attempt(select=select, slow=True).good()
        half = outcome.messages[: _after_a_record(outcome.messages)]
        line.load(half)
        assert unvouched_for(half)
        for key, row in rows.items():
            line.account.rate(key, row["rating"])
        line.run(select=select)
        line.assert_true(set(UPSERTED) & {*select})


def _after_a_record(messages: Sequence[Message]) -> int:
    """A place in the middle, behind a record of details."""
    places = [n for n, m in enumerate(messages) if m.get("stream") == DETAILS]
    return places[len(places) // 2] + 1


# Between two lines of the tap's own


BOOK_KEEPING = ("sync/engine.py", "sync/gone.py", "tap_toggl_hire/sink.py")


@contextmanager
def stopped_at(line_number: int) -> Iterator[None]:
    """Stop after so many lines of book-keeping, as SIGTERM does wherever it is."""
    left = line_number

    def trace(frame: FrameType, event: str, _: t.Any) -> t.Any:
        nonlocal left
        if not frame.f_code.co_filename.endswith(BOOK_KEEPING):
            return None
        if event == "line":
            left -= 1
            if left == 0:
                sys.exit(128 + signal.SIGTERM)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("start", range(3))
def test_a_run_that_is_stopped_at_any_line(start: int) -> None:
    """The state that it writes at its end vouches for what it wrote, and no more."""
    for number in itertools.count(1 + 20 * start, 61):
        with pipeline(account(6), page_size=4) as line:
            line.run()
            changed, gone, back, *_ = line.account.listed_ids()
            detail = line.account.detail(back)
            line.account.delete(back)
            line.run()
            line.restore(detail)
            line.account.rate(changed, (line.account.row(changed)["rating"] + 1) % 4)
            line.account.delete(gone)
            line.account.add_candidate()
            with stopped_at(number):
                outcome = line.attempt(slow=True)
            if outcome.error is None:
                assert number > 100
                break
            line.load(outcome.messages)
            line.run()
            line.assert_true()
            assert not line.run().details


# The process itself


def kill(line: Pipeline, at: int, how: str) -> list[Message]:
    """Start the command line, and end it once a line of its output is there.

    Args:
        line: What to extract.
        at: The line.
        how: "SIGKILL", "SIGTERM", after which the target reads what there still is,
            or "pipe": the target ends.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = command_line(Path(folder), line.config, state=line.target.state)
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=clean_environment(),
        ) as process:
            assert process.stdout is not None
            lines = list(itertools.islice(process.stdout, at))
            if how == "pipe":
                process.stdout.close()
                assert process.wait(10) == 1
            else:
                process.send_signal(signal.Signals[how])
                if how == "SIGTERM":
                    lines += process.stdout.readlines()
    return [json.loads(text) for text in lines if text.endswith(b"\n")]


KINDS = tuple(kind for kind in VISIBLE if kind != "delete_opening")
"""A state of openings that are all gone is taken for that of another workspace."""


@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM", "pipe"])
def test_a_process_that_is_killed(how: str) -> None:
    rng = random.Random(how)
    made = Account.example(candidates=100, questions=1, in_progress=5)
    with Sandbox(made, latency=0.005) as box:
        line = Pipeline(box, page_size=20)
        deleted: set[str] = set()
        for at in (200, 60):
            killed = kill(line, at, how)
            line.load(killed)
            if how == "SIGTERM":
                vouched = vouched_for(killed, DETAILS)
                assert vouched
                assert not unvouched_for(killed)
            for stream in UPSERTED:
                gone = {who_of(key) for key in line.target.deleted(stream)}
                assert gone <= deleted
            again = line.run()
            line.assert_true()
            if how == "SIGTERM":
                # But for one that it was in the middle of.
                assert len(vouched & set(again.details)) <= 1
            assert not line.run().details
            done = line.happen(rng, 40, KINDS)
            deleted |= {key for what, key in done if what == "delete"}


def who_of(key: t.Any) -> str:
    """The candidate that a key of a table is about."""
    found: str = key[0] if isinstance(key, tuple) else key
    return found


@pytest.mark.slow
def test_a_large_first_run_is_killed_halfway() -> None:
    many = 3_000
    made = Account.example(candidates=many, openings=4, questions=1)
    with Sandbox(made) as box:
        line = Pipeline(box)
        killed = kill(line, 2 * many, "SIGKILL")
        line.load(killed)
        vouched = vouched_for(killed, DETAILS)
        assert vouched
        assert len(unvouched_for(killed)) <= 1000
        again = line.run()
        line.assert_true()
        assert not vouched & set(again.details)
        assert len(again.details) == many - len(vouched)
        sizes = Counter[str]()
        for message in line.attempt(state={}).good().messages:
            sizes[message["type"]] += len(json.dumps(message, ensure_ascii=False))
        assert sizes["STATE"] <= 0.1 * sizes["RECORD"] + 3 * 24 * many
