"""States: what is accepted, lost, merged, or made from the warehouse (3.9 to 3.12)."""

from __future__ import annotations

import json
import typing as t
from copy import deepcopy
from datetime import datetime

import pytest

from tap_toggl_hire.errors import StateError
from tap_toggl_hire.tap import TapTogglHire
from tests.runs.pipelines import (
    Json,
    Pipeline,
    from_warehouse,
    pipeline,
)
from tests.support import run_tap
from tests.support.streams import (
    ANSWERS,
    CANDIDATES,
    DETAILS,
    FAMILY,
    STATE_KEY,
    STREAMS,
    UPSERTED,
)
from tests.support.target import merged
from tests.support.truth import truth

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NARROWED: Json = {"candidate_filters": {"max_rating": 3}}


def test_bookmarks_show_how_far_each_stream_is() -> None:
    with pipeline() as line:
        later = line.account.add_candidate(started_at="2027-01-01T00:00:00")
        line.run()
        line.account.delete(later)
        line.account.add_candidate(started_at="2025-01-01T00:00:00")
        outcome = line.run()
        bookmarks = t.cast("Json", line.target.state)["bookmarks"]
        for stream in (CANDIDATES, DETAILS):
            assert bookmarks[stream]["replication_key"] == "started_at"
            value = bookmarks[stream]["replication_key_value"]
            assert datetime.fromisoformat(value).year == 2027
        observed = [r["observed_at"] for r in outcome.records("candidate_history")]
        history = bookmarks["candidate_history"]
        assert history["replication_key"] == "observed_at"
        assert history["replication_key_value"] == max(observed)


# What --state accepts


@pytest.fixture(scope="module")
def line() -> Iterator[Pipeline]:
    """A pipeline after a run."""
    with pipeline() as made:
        made.run()
        yield made


def files(state: Json) -> dict[str, tuple[str, str]]:
    """Return the text of a file, and words of the message."""
    damaged = deepcopy(state)
    columns = damaged[STATE_KEY]["candidates"]
    columns["row"] = columns["row"][:-9] + columns["row"][-8:]
    other_part = merged(state, {STATE_KEY: {"part": "1/2"}})
    return {
        "an empty file": ("", "empty"),
        "not JSON": (json.dumps(state)[:-40], "not valid JSON"),
        "a list": ("[]", "not a JSON object"),
        "a STATE message": (json.dumps({"type": "STATE", "value": state}), "STATE"),
        "bookmarks alone": (json.dumps({"bookmarks": state["bookmarks"]}), STATE_KEY),
        "another part": (json.dumps(other_part), "part"),
        "a damaged column": (json.dumps(damaged), "damaged"),
        "null": (json.dumps({STATE_KEY: None, "bookmarks": {}}), "damaged"),
    }


def test_a_file_that_is_no_state_is_rejected(
    line: Pipeline, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Before the first request and the first message."""
    paths = {name: tmp_path / f"{name}.json" for name in ("config", "state")}
    arguments = [part for n, path in paths.items() for part in (f"--{n}", str(path))]
    paths["config"].write_text(json.dumps(line.config))
    before = line.sandbox.stats.requests
    for text, words in files(t.cast("Json", line.target.state)).values():
        paths["state"].write_text(text)
        with pytest.raises(StateError, match=words):
            TapTogglHire.cli.main(arguments, standalone_mode=False)
    assert capfdbinary.readouterr().out == b""
    assert line.sandbox.stats.requests == before


def test_what_meltano_prints_is_accepted(line: Pipeline) -> None:
    run = run_tap(line.config, state={"singer_state": line.target.state})
    assert run.returncode == 0
    assert not any(run.records(stream) for stream in FAMILY)
    assert run_tap(line.config, "--state", "no-such-file").returncode == 2


# Lost, merged, made from the warehouse


@pytest.mark.parametrize("loads", ["alone", "merged"])
def test_a_state_from_the_warehouse_finds_deletions(loads: str) -> None:
    with pipeline(16) as line:
        line.run()
        archived, gone, shrunk, *_ = line.ids
        line.account.archive(archived)
        line.run()
        line.account.delete(gone)
        line.account.set_questions(shrunk, 1)
        state = from_warehouse(line.target)
        if loads == "merged":
            line.account.delete(archived)
            state = merged(line.target.state, state)
        line.target.state = state
        outcome = line.run()
        assert sorted(outcome.details) == sorted({archived, gone, *line.ids})
        deleted = {gone, archived} if loads == "merged" else {gone}
        assert set(outcome.deleted(DETAILS)) == deleted
        assert {event for event, _ in outcome.events()} == {"updated", "deleted"}
        assert not outcome.activated & {*FAMILY}
        rows = truth(line.account, archived=True)
        for stream in UPSERTED:
            assert line.target.alive(stream) == rows[stream]
        assert line.run().is_quiet


def test_runs_go_on_with_states_that_meltano_merged() -> None:
    """Loads that die, full refreshes, runs."""
    runs = ((False, True), (True, True), (True, False), (False, True), (True, True))
    with pipeline(16) as line:
        for number, (is_refresh, dies) in enumerate(runs):
            outcome = line.attempt(
                state={} if is_refresh else None, announced=1_000
            ).good()
            end = len(outcome.messages) // (2 if dies else 1)
            line.target.load(outcome.messages[:end])
            line.rate(line.ids[number])
        line.account.delete(line.ids[-1])
        line.run()
        line.assert_true()
        assert line.run(select=STREAMS).is_quiet
        assert line.target.alive(ANSWERS) == truth(line.account)[ANSWERS]
