"""Streams, columns and expressions change from run to run (contract 3.6, 3.12)."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from sandbox import Fault
from tests.runs.pipelines import Outcome, is_list, pipeline
from tests.support.streams import (
    CANDIDATES,
    CORE,
    FAMILY,
    FROM_DETAILS,
    HISTORY,
    LISTS,
    STREAMS,
    SYNC_RUNS,
    UPSERTED,
)
from tests.support.truth import truth

SUBSETS = [
    subset
    for count in range(1, len(FAMILY))
    for subset in itertools.combinations(FAMILY, count)
]


@pytest.mark.parametrize("subset", SUBSETS, ids="+".join)
def test_some_streams_first_and_all_later(subset: tuple[str, ...]) -> None:
    rest = [stream for stream in FAMILY if stream not in subset]
    with pipeline() as line:
        ids = sorted(line.ids)
        first = line.run(select=subset)
        assert set(line.target.tables) == {*subset}
        assert sorted(first.details) == (ids if {*FROM_DETAILS} & {*subset} else [])
        second = line.run()
        for stream in UPSERTED:
            assert sorted(second.emitted(stream)) == (ids if stream in rest else [])
        assert len(second.records(HISTORY)) == (12 if HISTORY in rest else 0)
        assert sorted(second.details) == (ids if {*FROM_DETAILS} & {*rest} else [])
        line.assert_true()

        changed, gone, *_ = ids
        line.rate(changed)
        line.account.delete(gone)
        line.run(select=subset)
        line.assert_true({*UPSERTED} & {*subset})
        back = line.run(select=rest)
        for stream in {*UPSERTED} & {*rest}:
            assert back.emitted(stream) == [changed]
            assert back.deleted(stream) == [gone]
        assert back.details == ([changed] if {*FROM_DETAILS} & {*rest} else [])
        quiet = line.run()
        assert quiet.is_quiet
        assert not quiet.details
        line.assert_true()


def test_the_lists_alone_keep_what_is_known_of_candidates() -> None:
    with pipeline() as line:
        line.run()
        for stream, kind in zip(LISTS, ("openings", "categories", "tags"), strict=True):
            outcome = line.run(select=[stream])
            assert {m.get("stream") for m in outcome.messages} == {stream, None}
            kinds = {request.kind for request in outcome.requests}
            # `tags` finds the version, one candidate proves the workspace.
            assert kinds - {"tags", "candidate"} == {kind} - {"tags"}
            assert len(outcome.details) == 1
        assert line.run().is_quiet


# FULL_TABLE and ACTIVATE_VERSION


@pytest.mark.parametrize("forced", UPSERTED)
def test_full_table_emits_everything_and_activates_nothing(forced: str) -> None:
    with pipeline() as line:
        line.run()
        gone, *ids = sorted(line.ids)
        line.account.archive(ids[0])
        line.account.delete(gone)
        outcome = line.run(full_table=[forced])
        for stream in UPSERTED:
            assert sorted(outcome.emitted(stream)) == (ids if stream == forced else [])
            assert outcome.deleted(stream) == [gone]
        assert outcome.activated == {*LISTS}
        assert line.target.alive(forced) == truth(line.account, archived=True)[forced]
        assert not line.run().details


def assert_activated_after_the_last_record(outcome: Outcome, streams: set[str]) -> None:
    assert outcome.activated == streams
    for stream in streams:
        of_stream = [m for m in outcome.messages if m.get("stream") == stream]
        assert of_stream[-1]["type"] == "ACTIVATE_VERSION"
        versions = {m["version"] for m in of_stream if m["type"] == "RECORD"}
        assert versions == {of_stream[-1]["version"]}
    versioned = {m["stream"] for m in outcome.messages if "version" in m}
    assert versioned == streams


def test_versions_are_activated_by_complete_runs_alone() -> None:
    """Of candidates: by one that began without a state."""
    with pipeline(30, page_size=10) as line:
        first = line.attempt(announced=5).good()
        assert_activated_after_the_last_record(first, {*LISTS, *UPSERTED})
        line.target.load(first.messages[: len(first.messages) // 2])
        assert line.run().activated == {*LISTS}  # a first load that died goes on
        line.account.delete(line.ids[0])
        line.target.state = {}
        line.run()
        line.assert_true()  # what the lost state knew of is marked
        line.config["emit_activate_version_messages"] = False
        assert not line.attempt(state={}).good().activated


@pytest.mark.parametrize(
    ("config", "activated"),
    [
        ({"start_date": "2025-03-01"}, LISTS),
        ({"job_opening_ids": True}, ("tags",)),
        ({"part": "1/2"}, LISTS),
        ({"part": "2/2"}, ()),
    ],
    ids=str,
)
def test_narrowed_runs_activate_no_stream_that_they_narrow(
    config: dict[str, t.Any], activated: tuple[str, ...]
) -> None:
    with pipeline(30) as line:
        if "job_opening_ids" in config:
            config = {"job_opening_ids": [line.account.openings()[0]["id"]]}
        assert line.run(**config).activated == {*activated}


@pytest.mark.parametrize("kind", ["candidate", "candidates"])
def test_a_run_that_fails_activates_no_candidates(kind: str) -> None:
    with pipeline(30, page_size=5) as line:
        line.sandbox.faults = [Fault("status", match=kind, after=5)]
        outcome = line.attempt()
        assert outcome.error is not None
        assert not outcome.activated & {*FAMILY}


@pytest.mark.parametrize("stream", ["openings", "categories", "tags", CANDIDATES])
def test_an_empty_list_activates_nothing(stream: str) -> None:
    with pipeline() as line:
        line.run()
        match = is_list if stream == CANDIDATES else stream
        empty = Fault("wrong_shape", match=match, value={"data": []})
        line.sandbox.faults = [empty]
        outcome = line.attempt(state={}, select=[*STREAMS, SYNC_RUNS])
        line.target.load(outcome.messages)
        line.sandbox.faults = []
        line.target.state = {}
        line.run()
        line.assert_true(CORE)
        assert not any(line.target.deleted(stream) for stream in CORE)
