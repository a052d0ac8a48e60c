"""Runs that die: the next one, from a STATE that was confirmed, loses nothing."""

from __future__ import annotations

import copy
import itertools
import json
import random
import subprocess
import tempfile
import typing as t
from contextlib import suppress
from pathlib import Path

import pytest

from sandbox import Sandbox, random_change
from sandbox.changes import CANDIDATE
from tests.runs.pipelines import Outcome, Pipeline, account, assert_same, pipeline, who
from tests.support import Target
from tests.support.streams import ANSWERS, DETAILS, FAMILY, HISTORY, STREAMS, UPSERTED
from tests.support.tap import clean_environment, command_line
from tests.support.truth import truth

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.support.target import Message


def rows_of(messages: Iterable[Message], stream: str | None = None) -> set[str]:
    """Return the candidates that have a record among some messages."""
    streams = FAMILY if stream is None else (stream,)
    return {
        who(m["record"])
        for m in messages
        if m["type"] == "RECORD" and m["stream"] in streams
    }


def places_of(messages: Sequence[Message], kind: str = "STATE") -> list[int]:
    return [place for place, m in enumerate(messages) if m["type"] == kind]


def change_much(line: Pipeline, seed: int) -> None:
    """Change, submit and delete candidates, most of them."""
    rng = random.Random(seed)
    for kind in [*CANDIDATE] * 2:
        with suppress(ValueError):  # there is nothing to change
            random_change(line.account, rng, [kind])


def go_on_from_every_message(
    line: Pipeline, outcome: Outcome, **options: t.Any
) -> None:
    """Cut a run after each message, go on, and compare.

    What the next run does depends on the state alone, so there is one for each state.
    The target has confirmed the last STATE, or the first one of the run.
    """
    states = places_of(outcome.messages)
    resumed = {-1: line.attempt(**options).good()}
    for place in states:
        state = outcome.messages[place]["value"]
        resumed[place] = line.attempt(state=state, **options).good()
    rows = truth(line.account)
    for cut in range(len(outcome.messages) + 1):
        seen = [place for place in states if place < cut]
        for place in {seen[0], seen[-1]} if seen else {-1}:
            target = copy.deepcopy(line.target)
            target.load(outcome.messages[:cut])
            target.load(resumed[place].messages)
            for stream in {*UPSERTED} & {*options["select"]}:
                assert_same(target.alive(stream), rows[stream], f"{cut} {stream}")
    for place in states:
        before = rows_of(outcome.messages[:place], DETAILS)
        assert not before & set(resumed[place].details)


@pytest.mark.parametrize("select", [STREAMS, (ANSWERS, HISTORY)], ids=["all", "two"])
def test_a_run_cut_after_any_message(select: tuple[str, ...]) -> None:
    with pipeline(12, page_size=5) as line:
        for seed in range(2):
            outcome = line.attempt(select=select, announced=1_000).good()
            assert len(outcome.states) > 5
            go_on_from_every_message(line, outcome, select=select)
            line.target.load(outcome.messages)
            change_much(line, seed)


def test_what_was_committed_beyond_the_confirmed_state_is_corrected() -> None:
    """Deleted, or changed and changed back, before the next run."""
    with pipeline(12) as line:
        line.run()
        ratings = {one: line.account.row(one)["rating"] for one in line.ids}
        for one in line.ids:
            line.rate(one)
        new = line.account.add_candidate()
        outcome = line.attempt(announced=1_000).good()
        place = places_of(outcome.messages)[0]
        line.target.load(outcome.messages[:-2])
        line.target.state = outcome.messages[place]["value"]
        line.account.delete(new)
        for one, stars in ratings.items():
            line.account.rate(one, stars)
        line.run()
        line.assert_true()
        assert new in line.target.deleted(DETAILS)
        assert line.run().is_quiet


# A target that takes files


def test_batch_files_are_complete_before_their_state(tmp_path: Path) -> None:
    config = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": tmp_path.as_uri()},
        "batch_size": 7,
    }
    with pipeline(12, page_size=5, batch_config=config) as line:
        outcome = line.attempt(announced=3).good()
        assert places_of(outcome.messages, "BATCH")
        assert not outcome.activated & {*FAMILY}
        rows = truth(line.account)
        for place in places_of(outcome.messages)[::4]:
            line.target = Target()
            line.target.load(outcome.messages[: place + 1])
            line.run()
            for stream in UPSERTED:
                assert_same(line.target.alive(stream), rows[stream], stream)


# The process itself


def kill(line: Pipeline, at: int) -> list[Message]:
    """Start the command line, and kill it once a line of its output is there."""
    with tempfile.TemporaryDirectory() as folder:
        command = command_line(Path(folder), line.config, state=line.target.state)
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, env=clean_environment()
        ) as process:
            lines = list(itertools.islice(t.cast("t.IO[bytes]", process.stdout), at))
            process.kill()
    return [json.loads(text) for text in lines]


def test_a_process_that_is_killed() -> None:
    with Sandbox(account(100, questions=1), latency=0.005) as box:
        line = Pipeline(box, page_size=20)
        for at in (200, 60):
            line.target.load(kill(line, at))
            line.run()
            line.assert_true()
            assert line.run().is_quiet
            change_much(line, at)


@pytest.mark.slow
def test_the_states_of_a_first_run_are_a_small_share_of_its_output() -> None:
    with pipeline(account(12_000, tags=0, questions=1)) as line:
        outcome = line.attempt().good()
        size = dict.fromkeys(("RECORD", "STATE", "SCHEMA", "ACTIVATE_VERSION"), 0)
        for message in outcome.messages:
            line_of_it = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
            size[message["type"]] += len(line_of_it.encode())
        assert len(outcome.states) > 3
        last = len(json.dumps(outcome.states[-1], separators=(",", ":")))
        assert size["STATE"] <= size["RECORD"] / 10 + 3 * last
        place = places_of(outcome.messages)[-2]
        line.target.load(outcome.messages[: place + 1])
        again = line.run()
        assert not rows_of(outcome.messages[:place], DETAILS) & set(again.details)
        line.assert_true(UPSERTED)
