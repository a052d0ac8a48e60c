"""A stream that is selected later is filled, and one that gets columns or expressions
is emitted again (guarantee 6)."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from tests.support.messages import candidate_of
from tests.support.streams import (
    CANDIDATE_STREAMS,
    CANDIDATES,
    DETAILS,
    FROM_DETAILS,
    HISTORY,
    LISTS,
    UPSERTED,
)

if t.TYPE_CHECKING:
    from tests.support.pipeline import Pipeline, Run

SUBSETS = [
    subset
    for count in range(1, len(CANDIDATE_STREAMS))
    for subset in itertools.combinations(CANDIDATE_STREAMS, count)
]


@pytest.mark.parametrize("some", SUBSETS, ids="+".join)
def test_streams_that_are_selected_later_are_filled(
    pipeline: Pipeline, some: tuple[str, ...]
) -> None:
    others = {*CANDIDATE_STREAMS} - {*some}
    ids = sorted(pipeline.ids)
    first = pipeline.run(select=some)
    assert set(pipeline.target.tables) == {*some}
    assert sorted(first.details_requested) == (ids if {*FROM_DETAILS} & {*some} else [])
    second = pipeline.run()
    assert second.candidate_streams == others
    for stream in others:
        assert len({candidate_of(row) for row in second.records(stream)}) == len(ids)
    assert sorted(second.details_requested) == (ids if {*FROM_DETAILS} & others else [])
    pipeline.assert_target_matches_api()
    assert not pipeline.run().candidate_records


@pytest.mark.parametrize("some", SUBSETS, ids="+".join)
def test_streams_that_were_left_out_catch_up_with_changes(
    pipeline: Pipeline, some: tuple[str, ...]
) -> None:
    others = [stream for stream in CANDIDATE_STREAMS if stream not in some]
    pipeline.run()
    changed, gone, *_ = pipeline.ids
    pipeline.change_rating(changed)
    pipeline.account.delete(gone)
    pipeline.run(select=some)
    pipeline.assert_target_matches_api({*UPSERTED} & {*some})
    run = pipeline.run(select=others)
    for stream in {*UPSERTED} & {*others}:
        assert run.emitted(stream) == [changed]
        assert run.deleted(stream) == [gone]
    assert run.details_requested == ([changed] if {*FROM_DETAILS} & {*others} else [])
    quiet = pipeline.run()
    assert not quiet.candidate_records
    assert not quiet.details_requested
    pipeline.assert_target_matches_api()


def test_runs_of_lists_alone_keep_what_the_state_knows(pipeline: Pipeline) -> None:
    pipeline.run()
    for stream, kind in zip(LISTS, ("openings", "categories", "tags"), strict=True):
        run = pipeline.run(select=[stream])
        assert {m["stream"] for m in run.messages if "stream" in m} == {stream}
        # `/tags` establishes the version, one candidate proves the workspace.
        assert {r.kind for r in run.requests} == {kind, "tags", "candidate"}
        assert len(run.details_requested) == 1
    assert not pipeline.run().candidate_records


# Columns and expressions


def assert_emitted_again(pipeline: Pipeline, run: Run, stream: str) -> None:
    assert run.candidate_streams == {stream}
    assert {candidate_of(row) for row in run.records(stream)} == {*pipeline.ids}


@pytest.mark.parametrize(
    ("stream", "column", "requests"),
    [
        (CANDIDATES, "contact_info.phone", 0),
        (DETAILS, "answers", 12),
    ],
)
def test_column_that_is_selected_later_emits_the_stream_again(
    pipeline: Pipeline, stream: str, column: str, requests: int
) -> None:
    without = [f"{stream}.{column}"]
    pipeline.run(without=without)
    assert not pipeline.run(without=without).candidate_records
    run = pipeline.run()
    assert_emitted_again(pipeline, run, stream)
    assert len(run.details_requested) == requests
    pipeline.assert_target_matches_api()
    assert not pipeline.run(without=without).candidate_records


def test_new_value_in_stream_map_config_emits_its_streams_again(
    pipeline: Pipeline,
) -> None:
    masked = "sha256(config['seed'] + str(job_opening_id))"
    pipeline.config["stream_maps"] = {
        "copy": {"__source__": CANDIDATES, "masked": masked}
    }
    for seed in ("a", "b"):
        run = pipeline.run(stream_map_config={"seed": seed})
        assert {row["id"] for row in run.records("copy")} == {*pipeline.ids}
        run = pipeline.run(stream_map_config={"seed": seed})
        assert not run.candidate_records
        assert not run.records("copy")


def test_run_that_dies_before_it_has_emitted_a_stream_again_is_repeated(
    pipeline: Pipeline,
) -> None:
    """Whichever of its STATEs the target confirmed: each says what is still due."""
    pipeline.run(without=["candidates.email"])
    died = pipeline.extract(lookahead=5)
    places = [n for n, m in enumerate(died.messages) if m["type"] == "STATE"]
    assert len(places) > 3
    for place in places:
        taken = [
            candidate_of(message["record"])
            for message in died.messages[:place]
            if message.get("stream") == CANDIDATES and message["type"] == "RECORD"
        ]
        resumed = pipeline.extract(state=died.messages[place]["value"])
        assert {*taken, *resumed.emitted(CANDIDATES)} == {*pipeline.ids}
        assert not {*resumed.candidate_streams} - {CANDIDATES, HISTORY}
