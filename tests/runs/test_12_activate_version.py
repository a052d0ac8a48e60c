"""FULL_TABLE and ACTIVATE_VERSION (docs/guarantees.md, "ACTIVATE_VERSION")."""

from __future__ import annotations

import typing as t
from datetime import timedelta

import pytest

from sandbox import Fault
from tests.support.pipeline import Run, is_page, make_account
from tests.support.streams import (
    ALL_STREAMS,
    CANDIDATE_STREAMS,
    CANDIDATES,
    LISTS,
    UPSERTED,
)

if t.TYPE_CHECKING:
    from tests.support.pipeline import MakePipeline, Pipeline


def assert_activated_after_the_last_record(run: Run, streams: set[str]) -> None:
    assert run.activated == streams
    for stream in streams:
        of_stream = [m for m in run.messages if m.get("stream") == stream]
        assert of_stream[-1]["type"] == "ACTIVATE_VERSION"
        versions = {m["version"] for m in of_stream if m["type"] == "RECORD"}
        assert versions == {of_stream[-1]["version"]}
    assert {m["stream"] for m in run.messages if "version" in m} == streams


def test_first_run_activates_every_stream_with_rows_of_the_api(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = make_pipeline(30, page_size=10)
    run = pipeline.run(lookahead=5)
    assert_activated_after_the_last_record(run, {*LISTS, *UPSERTED})


def test_run_with_a_state_activates_lists_alone(make_pipeline: MakePipeline) -> None:
    pipeline = make_pipeline(30, page_size=10)
    first = pipeline.extract(lookahead=5)
    # A first load that died, and goes on.
    pipeline.target.load(first.messages[: len(first.messages) // 2])
    assert pipeline.run().activated == {*LISTS}
    assert pipeline.run().activated == {*LISTS}


def test_run_whose_state_was_lost_marks_what_is_gone(pipeline: Pipeline) -> None:
    pipeline.run()
    gone = pipeline.ids[0]
    pipeline.account.delete(gone)
    pipeline.target.state = {}
    pipeline.run()
    pipeline.assert_target_matches_api()
    assert set(pipeline.target.deleted(CANDIDATES)) == {gone}


def test_two_runs_within_a_second_have_versions_of_their_own(
    pipeline: Pipeline,
) -> None:
    pipeline.interval = timedelta(milliseconds=300)
    pipeline.run()
    gone = pipeline.account.tags()[0]["id"]
    pipeline.account.delete_tag(gone)
    pipeline.run()
    assert set(pipeline.target.deleted("tags")) == {gone}
    pipeline.assert_target_matches_api()


def test_nothing_is_activated_unless_the_setting_says_so(pipeline: Pipeline) -> None:
    run = pipeline.run(emit_activate_version_messages=False)
    assert not run.activated


@pytest.mark.parametrize(
    ("config", "activated"),
    [
        ({"start_date": "2025-03-01"}, LISTS),
        ({"job_opening_ids": "the first one"}, ("tags",)),
        ({"part": "1/2"}, LISTS),
        ({"part": "2/2"}, ()),
    ],
    ids=str,
)
def test_narrowed_run_activates_no_stream_that_it_narrows(
    make_pipeline: MakePipeline, config: dict[str, t.Any], activated: tuple[str, ...]
) -> None:
    pipeline = make_pipeline(30)
    if "job_opening_ids" in config:
        config = {"job_opening_ids": [pipeline.account.openings()[0]["id"]]}
    assert pipeline.run(**config).activated == {*activated}


@pytest.mark.parametrize("kind", ["candidate", "candidates"])
def test_failed_run_activates_no_stream_of_candidates(
    make_pipeline: MakePipeline, kind: str
) -> None:
    pipeline = make_pipeline(make_account(30), page_size=5)
    pipeline.sandbox.faults = [Fault("status", match=kind, after=5)]
    assert not pipeline.run_failing().activated & {*CANDIDATE_STREAMS}


@pytest.mark.parametrize(
    ("kind", "streams"),
    [
        ("openings", ["job_openings"]),
        ("categories", ["categories"]),
        ("tags", ["tags"]),
        (is_page, UPSERTED),
    ],
    ids=["openings", "categories", "tags", "candidates"],
)
def test_empty_list_activates_nothing(
    make_pipeline: MakePipeline, kind: t.Any, streams: list[str]
) -> None:
    """An API that answers with no rows once must not empty the table."""
    pipeline = make_pipeline(make_account(tagged=0))
    pipeline.run()
    pipeline.sandbox.faults = [
        Fault("wrong_shape", match=kind, value={"data": []}),
    ]
    pipeline.target.state = {}
    run = pipeline.run(select=ALL_STREAMS)
    assert not run.activated & {*streams}
    for stream in streams:
        assert not run.records(stream)
        assert not pipeline.target.deleted(stream)


# FULL_TABLE


@pytest.mark.parametrize("forced", UPSERTED)
def test_full_table_emits_everything_and_activates_nothing(
    pipeline: Pipeline, forced: str
) -> None:
    pipeline.run()
    gone, archived, *_ = ids = sorted(pipeline.ids)
    pipeline.account.archive(archived)
    pipeline.account.delete(gone)
    run = pipeline.run(full_table=[forced])
    for stream in UPSERTED:
        assert sorted(run.emitted(stream)) == (ids[1:] if stream == forced else [])
        assert run.deleted(stream) == [gone]
    assert run.activated == {*LISTS}
    pipeline.assert_target_matches_api([forced], archived=True)
    assert not pipeline.run().details_requested
