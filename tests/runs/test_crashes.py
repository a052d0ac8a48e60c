"""Runs that die: started again with the last STATE, nothing is lost or read twice."""

from __future__ import annotations

import copy
import gzip
import json
import random
import signal
import subprocess
import tempfile
import typing as t
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.support.truth import truth

from sandbox import Account, Fault, Sandbox
from tap_toggl_hire.api.retry import Retry
from tap_toggl_hire.tap import TapTogglHire
from tests.runs.pipelines import (
    ANSWERS,
    CANDIDATES,
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

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from tests.support.target import Message

SELECTIONS = [
    STREAMS,
    (DETAILS,),
    (ANSWERS, HISTORY),
    (CANDIDATES,),
]


@pytest.fixture
def many_states(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let small runs write as many states as large ones do."""
    monkeypatch.setattr(changes, "SMALLEST_BATCH", 5)


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


@pytest.mark.usefixtures("many_states")
@pytest.mark.parametrize("select", SELECTIONS, ids=",".join)
def test_first_run_cut_after_any_message(select: Collection[str]) -> None:
    with pipeline(account(), page_size=7) as line:
        outcome = line.attempt(select=select).good()
        assert len(outcome.states) > 2 or select == (CANDIDATES,)
        cut_everywhere(line, outcome, select)


@pytest.mark.usefixtures("many_states")
@pytest.mark.parametrize("select", SELECTIONS, ids=",".join)
def test_later_run_cut_after_any_message(select: Collection[str]) -> None:
    with pipeline(account(), page_size=7) as line:
        line.run(select=select)
        line.happen(random.Random(5), 25)
        outcome = line.attempt(select=select).good()
        assert any(outcome.tombstones(stream) for stream in FAMILY)
        cut_everywhere(line, outcome, select)


@pytest.mark.usefixtures("many_states")
def test_run_cut_after_any_message_and_changes_before_the_next() -> None:
    with pipeline(account(), page_size=7) as line:
        line.run()
        line.happen(random.Random(6), 12)
        outcome = line.attempt().good()
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


def files(folder: Path, size: int) -> dict[str, t.Any]:
    return {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": folder.as_uri()},
        "batch_size": size,
    }


@pytest.mark.usefixtures("many_states")
@pytest.mark.parametrize(
    ("select", "size"), [(STREAMS, 3), (STREAMS, 10_000), ((CANDIDATES, DETAILS), 7)]
)
def test_batch_files_cut_after_any_message(
    select: Collection[str], size: int, tmp_path: Path
) -> None:
    with pipeline(account(), page_size=7, batch_config=files(tmp_path, size)) as line:
        for _ in range(2):
            outcome = line.attempt(select=select).good()
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
                    again = line.attempt(select=select).good()
                    resumed[name] = unpacked(again.messages)
                now.load(resumed[name])
                for stream in set(UPSERTED) & set(select):
                    assert now.alive(stream) == rows[stream], (cut, stream)
            line.target = target
            line.load(unpacked(outcome.messages))
            line.happen(random.Random(7), 20)


@pytest.mark.usefixtures("many_states")
@pytest.mark.parametrize("select", [STREAMS, (DETAILS,)], ids=",".join)
def test_a_first_run_into_batch_files_does_not_start_over(
    select: Collection[str], tmp_path: Path
) -> None:
    """Files of the usual size hold more candidates than may be read twice."""
    many = 60
    config = files(tmp_path, 10_000)
    with pipeline(account(many), page_size=20, batch_config=config) as line:
        outcome = line.attempt(select=select).good()
        line.load(unpacked(outcome.messages[: len(outcome.messages) // 2]))
        again = line.attempt(select=select).good()
        assert len(again.details) < many


@pytest.mark.usefixtures("many_states")
@pytest.mark.parametrize("size", [3, 5, 10_000])
def test_batch_files_of_a_run_that_died_and_deletions(
    size: int, tmp_path: Path
) -> None:
    """Each file comes after a state that names its candidates."""
    for cut in range(2, 40, 3):
        config = files(tmp_path, size)
        with pipeline(account(), page_size=20, batch_config=config) as line:
            outcome = line.attempt().good()
            line.load(unpacked(outcome.messages[:cut]))
            loaded = {
                _candidate(key)
                for table in line.target.tables.values()
                for key in table
            }
            for one in loaded & {*line.account.listed_ids()}:
                line.account.delete(one)
            line.load(unpacked(line.attempt(full_table=[CANDIDATES]).good().messages))
            assert not line.target.alive(CANDIDATES).keys() - line.account.listed_ids()
            line.assert_true(UPSERTED)


@pytest.mark.usefixtures("many_states")
def test_a_stream_that_is_filled_later_beside_batch_files(tmp_path: Path) -> None:
    """Batches without a record of `candidates` are vouched for as they come."""
    two = (CANDIDATES, DETAILS)
    config = files(tmp_path, 10_000)
    with pipeline(account(60), page_size=20, batch_config=config) as line:
        outcome = line.attempt(select=[CANDIDATES]).good()
        line.load(unpacked(outcome.messages))
        first = line.account.listed_ids()[0]
        line.account.rate(first, (line.account.row(first)["rating"] + 1) % 4)
        outcome = line.attempt(select=two).good()
        half = outcome.messages[: len(outcome.messages) // 2]
        line.load(unpacked(half))
        gone = _candidate(list(line.target.alive(DETAILS))[10])
        line.account.delete(gone)
        outcome = line.attempt(select=two).good()
        assert len(outcome.details) < 50
        line.load(unpacked(outcome.messages))
        line.assert_true(two)


@pytest.mark.usefixtures("many_states")
def test_a_run_into_batch_files_that_fails_vouches_for_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(TapTogglHire, "retry", Retry(pauses=()))
    config = files(tmp_path, 10_000)
    with pipeline(account(), max_concurrency=1, batch_config=config) as line:
        line.sandbox.faults = [Fault("status", match="candidate", after=12)]
        outcome = line.attempt()
        assert outcome.error is not None
        line.load(unpacked(outcome.messages))
        line.sandbox.faults = []
        again = line.attempt().good()
        assert len(again.details) == 24 - 12
        line.load(unpacked(again.messages))
        line.assert_true()
        assert len(line.target.tables[HISTORY]) == 24


# Again and again


@settings(
    deadline=None,
    derandomize=True,
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(
    cuts=st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 6)), min_size=1, max_size=6
    ),
    page_size=st.integers(1, 30),
    concurrency=st.integers(1, 8),
    seed=st.integers(0, 2**32 - 1),
)
@pytest.mark.usefixtures("many_states")
def test_one_run_after_the_other_dies(
    cuts: list[tuple[float, int]], page_size: int, concurrency: int, seed: int
) -> None:
    rng = random.Random(seed)
    with pipeline(account(), page_size=page_size, max_concurrency=concurrency) as line:
        ever_deleted: set[str] = set()
        for share, count in cuts:
            outcome = line.attempt().good()
            messages = outcome.messages[: int(share * len(outcome.messages))]
            line.load(messages)
            done = line.happen(rng, count)
            deleted = {key for kind, key in done if kind == "delete"}
            ever_deleted |= deleted
            for stream in UPSERTED:
                gone = set(map(_candidate, line.target.deleted(stream)))
                assert gone <= ever_deleted
        line.run()
        line.assert_true()


def _candidate(key: t.Any) -> str:
    found: str = key[0] if isinstance(key, tuple) else key
    return found


@pytest.mark.usefixtures("many_states")
def test_a_candidate_deleted_after_a_run_that_died() -> None:
    """What came after the last STATE is in the warehouse, too."""
    with pipeline(account(), page_size=7) as line:
        outcome = line.attempt().good()
        half = outcome.messages[: len(outcome.messages) // 2]
        line.load(half)
        gone = unvouched_for(half)
        assert gone
        for one in gone:
            line.account.delete(one)
        line.run()
        line.assert_true()


@pytest.mark.usefixtures("many_states")
@pytest.mark.parametrize("select", [STREAMS, (DETAILS,)], ids=",".join)
def test_a_change_undone_after_a_run_that_died(select: Collection[str]) -> None:
    """The row is as the last STATE knows it, but not as the warehouse does."""
    with pipeline(account(), page_size=7) as line:
        line.run(select=select)
        rows = {key: line.account.row(key) for key in line.account.listed_ids()}
        for key, row in rows.items():
            line.account.rate(key, (row["rating"] + 1) % 4)
        outcome = line.attempt(select=select).good()
        half = outcome.messages[: len(outcome.messages) // 2]
        line.load(half)
        assert unvouched_for(half)
        for key, row in rows.items():
            line.account.rate(key, row["rating"])
        line.run(select=select)
        line.assert_true(set(UPSERTED) & {*select})


# Large first runs


MANY = 3_000


@pytest.fixture(scope="module")
def large() -> Iterator[tuple[Pipeline, Outcome]]:
    """A first run over many candidates."""
    made = Account.example(candidates=MANY, openings=4, questions=1)
    with pipeline(made) as line:
        yield line, line.attempt().good()


def test_a_state_at_least_every_thousand_candidates(
    large: tuple[Pipeline, Outcome],
) -> None:
    _, outcome = large
    since = most = 0
    for message in outcome.messages:
        if message["type"] == "STATE":
            since = 0
        elif message["type"] == "RECORD" and message["stream"] == DETAILS:
            since += 1
            most = max(most, since)
    assert 100 < most <= 1_000
    assert since == 0


def test_a_first_run_that_dies_does_not_start_over(
    large: tuple[Pipeline, Outcome],
) -> None:
    line, outcome = large
    target = line.target
    line.target = copy.deepcopy(target)
    line.load(outcome.messages[: len(outcome.messages) // 2])
    held = len(line.target.alive(DETAILS))
    again = line.run()
    line.assert_true()
    assert len(again.details) == len(set(again.details))
    assert held + len(again.details) <= MANY + 1_000
    line.target = target


def test_states_are_a_small_part_of_a_first_run(
    large: tuple[Pipeline, Outcome],
) -> None:
    _, outcome = large
    size = {"STATE": 0, "RECORD": 0}
    for message in outcome.messages:
        if message["type"] in size:
            size[message["type"]] += len(json.dumps(message, ensure_ascii=False))
    assert 0 < size["STATE"] <= 0.2 * size["RECORD"]


# The process itself


def kill(
    line: Pipeline, at: int, with_signal: signal.Signals, *, drained: bool
) -> list[Message]:
    """Start the command line, and kill it once a line of its output is there.

    Args:
        line: What to extract.
        at: The line.
        with_signal: SIGKILL, or one that asks more kindly.
        drained: Whether the target reads what the pipe still holds.
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
            lines = []
            for text in process.stdout:
                lines.append(text)
                if len(lines) == at:
                    break
            process.send_signal(with_signal)
            if drained:
                lines += process.stdout.readlines()
    return [json.loads(text) for text in lines if text.endswith(b"\n")]


def play_kills(kinds: Sequence[signal.Signals], seed: int) -> None:
    rng = random.Random(seed)
    made = Account.example(candidates=100, questions=1, in_progress=5)
    with Sandbox(made, latency=0.005) as box:
        line = Pipeline(box, page_size=20)
        deleted: set[str] = set()
        for kind in kinds:
            before = bool(line.target.alive(DETAILS))
            at = rng.randrange(5, 150 if before else 400)
            drained = kind == signal.SIGTERM or rng.random() < 0.5
            killed = kill(line, at, kind, drained=drained)
            line.load(killed)
            if kind == signal.SIGTERM:
                assert last_state(killed) is not None
            for stream in UPSERTED:
                gone = set(map(_candidate, line.target.deleted(stream)))
                assert gone <= deleted
            line.run()
            line.assert_true()
            assert not line.run().details
            done = line.happen(rng, 40)
            deleted |= {key for what, key in done if what == "delete"}


def test_a_process_is_killed_at_random_lines() -> None:
    play_kills([signal.SIGKILL, signal.SIGTERM, signal.SIGKILL], seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_a_process_is_killed_at_more_lines(seed: int) -> None:
    play_kills([signal.SIGKILL] * 4, seed=seed + 10)


@pytest.mark.slow
def test_a_large_first_run_is_killed_halfway() -> None:
    made = Account.example(candidates=MANY, openings=4, questions=1)
    with Sandbox(made) as box:
        line = Pipeline(box)
        killed = kill(line, 2 * MANY, signal.SIGKILL, drained=False)
        line.load(killed)
        vouched = vouched_for(killed, DETAILS)
        assert len(vouched) >= 900
        again = line.run()
        line.assert_true()
        assert not vouched & set(again.details)
        assert len(again.details) == MANY - len(vouched)
