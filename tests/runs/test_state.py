"""States: what is accepted, lost, merged, or made from the warehouse (3.9 to 3.12)."""

from __future__ import annotations

import json
import typing as t
from copy import deepcopy
from datetime import datetime

import pytest

from tap_toggl_hire.tap import TapTogglHire
from tests.runs.pipelines import (
    Json,
    Pipeline,
    account,
    from_warehouse,
    inventory,
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


def size(value: t.Any) -> int:
    return len(json.dumps(value, separators=(",", ":")).encode())


@pytest.mark.parametrize(("text_ids", "most"), [(False, 24), (True, 45)])
def test_it_is_small_and_has_no_float_and_no_null(*, text_ids: bool, most: int) -> None:
    with pipeline(account(2_000, questions=0, text_ids=text_ids)) as line:
        line.run(select=FAMILY)
        state = t.cast("Json", line.target.state)
        assert size(inventory(state)["candidates"]) <= most * 2_000
        assert size(state) - size(inventory(state)["candidates"]) <= 2_000
        text = json.dumps(state, separators=(",", ":"))
        json.loads(text, parse_float=pytest.fail)
        assert ":null" not in text


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


def rejected(state: Json) -> dict[str, tuple[str, str]]:
    """Return the text of a file, and words of the message, by case."""
    text = json.dumps(state)

    def put(name: str, value: t.Any) -> str:
        return json.dumps(merged(state, {STATE_KEY: {name: value}}))

    damaged = deepcopy(state)
    columns = damaged[STATE_KEY]["candidates"]
    columns["row"] = columns["row"][:-9] + columns["row"][-8:]
    bookmarks = {"bookmarks": state["bookmarks"]}
    old = {"bookmarks": {CANDIDATES: {"digests": {"format": 2, "inventory": []}}}}
    return {
        "an empty file": ("", "empty"),
        "not JSON": (text[:-40], "not valid JSON"),
        "a list": (json.dumps([]), "not a JSON object"),
        "another object": ('{"value": 1}', STATE_KEY),
        "a STATE message": (json.dumps({"type": "STATE", "value": state}), "STATE"),
        "bookmarks alone": (json.dumps(bookmarks), STATE_KEY),
        "no bookmarks": ('{"bookmarks": []}', "bookmarks"),
        "an older format": (json.dumps(old), "a version before 0.3"),
        "a newer format": (put("format", 4), "newer"),
        "another part": (put("part", "1/2"), "part"),
        "a damaged column": (json.dumps(damaged), "damaged"),
        "a wrong checksum": (put("checksum", "00000000"), "damaged"),
        "a wrong type": (put("tags", "3"), "damaged"),
        "null": (json.dumps({STATE_KEY: None, "bookmarks": {}}), ""),
    }


@pytest.mark.parametrize(
    "case",
    rejected({"bookmarks": {}, STATE_KEY: {"candidates": {"row": "0123456789"}}}),
)
def test_a_file_that_is_no_state_is_rejected(
    line: Pipeline, case: str, tmp_path: Path, capfdbinary: t.Any
) -> None:
    text, words = rejected(t.cast("Json", line.target.state))[case]
    paths = {name: tmp_path / f"{name}.json" for name in ("config", "state")}
    paths["config"].write_text(json.dumps(line.config))
    paths["state"].write_text(text)
    before = line.sandbox.stats.requests
    arguments = [part for n, path in paths.items() for part in (f"--{n}", str(path))]
    with pytest.raises(Exception) as raised:  # noqa: PT011 - of whatever kind
        TapTogglHire.cli.main(arguments, standalone_mode=False)
    assert words in str(raised.value)
    assert "state" in str(raised.value).lower()
    assert capfdbinary.readouterr().out == b""
    assert line.sandbox.stats.requests == before


@pytest.mark.parametrize(
    "state", [{}, {"bookmarks": {}}, {"bookmarks": {"tags": {}}}], ids=json.dumps
)
def test_a_first_run_may_have_a_state_of_lists(line: Pipeline, state: Json) -> None:
    outcome = line.attempt(state=state).good()
    assert sorted(outcome.emitted(DETAILS)) == sorted(line.ids)


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


def test_a_state_from_the_warehouse_beside_a_narrowed_selection() -> None:
    with pipeline(60) as line:
        line.run()
        line.target.state = from_warehouse(line.target)
        line.run(candidate_filters={"min_rating": 2})
        line.run()
        line.assert_true()


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
