"""A run that is killed at any moment loses nothing: the next one goes on from the last
STATE that the target confirmed (guarantee 7)."""

from __future__ import annotations

import copy
import random
import typing as t
from contextlib import suppress

import pytest

from sandbox import Sandbox, random_change
from sandbox.changes import CANDIDATE
from tests.support.api_rows import api_rows
from tests.support.messages import candidate_of
from tests.support.pipeline import DAY, HOUR, assert_same_rows, make_account
from tests.support.process import TapProcess
from tests.support.streams import (
    ANSWERS,
    CANDIDATE_STREAMS,
    DETAILS,
    FROM_DETAILS,
    HISTORY,
    STREAMS,
    UPSERTED,
)
from tests.support.target import Target

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from tests.support.pipeline import MakePipeline, Pipeline, Run
    from tests.support.target import Message


def places_of(messages: Sequence[Message], kind: str = "STATE") -> list[int]:
    return [place for place, m in enumerate(messages) if m["type"] == kind]


def candidates_in(messages: Iterable[Message], streams: Iterable[str]) -> set[str]:
    """Return the candidates with records of some streams."""
    return {
        candidate_of(message["record"])
        for message in messages
        if message["type"] == "RECORD" and message["stream"] in streams
    }


def change_much(pipeline: Pipeline, seed: int) -> None:
    """Change, submit and delete candidates, most of them."""
    rng = random.Random(seed)
    for kind in [*CANDIDATE] * 2:
        with suppress(ValueError):  # there is nothing to change
            random_change(pipeline.account, rng, [kind])


def kill_after_each_message(
    pipeline: Pipeline, run: Run, select: tuple[str, ...]
) -> None:
    """Cut a run after each of its messages, resume, and compare with the API.

    The target has confirmed the last STATE that it got, or the first one of the run.
    What the next run does depends on the state alone: one run per state is enough.
    """
    before_any = -1
    states = {place: run.messages[place]["value"] for place in places_of(run.messages)}
    resumed = {
        place: pipeline.extract(state=state, select=select)
        for place, state in {before_any: pipeline.target.state, **states}.items()
    }
    rows = api_rows(pipeline.account)
    for length in range(len(run.messages) + 1):
        received = [place for place in states if place < length] or [before_any]
        for confirmed in {received[0], received[-1]}:
            target = copy.deepcopy(pipeline.target)
            target.load(run.messages[:length])
            target.load(resumed[confirmed].messages)
            for stream in {*UPSERTED} & {*select}:
                where = f"{stream} after {length} messages, {confirmed} confirmed,"
                assert_same_rows(target.alive(stream), rows[stream], where)
    from_details = {*FROM_DETAILS} & {*select}
    for place in states:
        done = candidates_in(run.messages[:place], from_details)
        assert not done & set(resumed[place].details_requested)
    assert done  # of the last state


@pytest.mark.parametrize("select", [STREAMS, (ANSWERS, HISTORY)], ids=["all", "two"])
def test_run_killed_after_any_message_loses_nothing(
    make_pipeline: MakePipeline, select: tuple[str, ...]
) -> None:
    pipeline = make_pipeline(12, page_size=5)
    for seed in range(2):  # a first run, and one with changes
        run = pipeline.extract(select=select, lookahead=1_000)
        assert len(run.states) > 5
        kill_after_each_message(pipeline, run, select)
        pipeline.target.load(run.messages)
        change_much(pipeline, seed)


def test_rows_beyond_the_confirmed_state_are_corrected(pipeline: Pipeline) -> None:
    """They were changed back, or deleted, before the next run."""
    pipeline.run()
    ratings = {key: pipeline.account.row(key)["rating"] for key in pipeline.ids}
    for candidate_id in pipeline.ids:
        pipeline.change_rating(candidate_id)
    new = pipeline.account.add_candidate()
    killed = pipeline.extract(lookahead=1_000)
    pipeline.target.load(killed.messages[:-2])
    pipeline.target.state = killed.states[0]
    assert new in pipeline.target.alive(DETAILS)
    pipeline.account.delete(new)
    for candidate_id, stars in ratings.items():
        pipeline.account.rate(candidate_id, stars)
    pipeline.run()
    pipeline.assert_target_matches_api()
    assert set(pipeline.target.deleted(DETAILS)) == {new}
    assert not pipeline.run().candidate_records


def test_batch_files_are_complete_before_their_state(
    make_pipeline: MakePipeline, tmp_path: Path
) -> None:
    batch_config = {
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "storage": {"root": tmp_path.as_uri()},
        "batch_size": 7,
    }
    pipeline = make_pipeline(12, page_size=5, batch_config=batch_config)
    killed = pipeline.extract(lookahead=3)
    assert killed.of_type("BATCH")
    assert not killed.activated & {*CANDIDATE_STREAMS}
    for place in places_of(killed.messages)[::4]:
        pipeline.target = Target()
        pipeline.target.load(killed.messages[: place + 1])
        pipeline.run()
        pipeline.assert_target_matches_api(UPSERTED)


def test_process_that_is_killed_loses_nothing(make_pipeline: MakePipeline) -> None:
    account = make_account(100, questions=1)
    pipeline = make_pipeline(Sandbox(account, latency=0.02), page_size=20)
    for lines in (200, 20):  # of a first run, and of one with changes
        with TapProcess(pipeline.config, pipeline.target.state) as process:
            process.wait_until(lambda: process.written.count(b"\n") >= lines)  # noqa: B023
            process.kill()
            pipeline.target.load(process.messages)
        pipeline.run()
        pipeline.assert_target_matches_api()
        assert not pipeline.run().candidate_records
        change_much(pipeline, lines)


# What a STATE announces


def test_rows_that_never_were_get_no_tombstones(make_pipeline: MakePipeline) -> None:
    """A killed run announces each new candidate as if it had the longest test."""
    pipeline = make_pipeline(20)
    long, short, gone, *_ = pipeline.ids
    pipeline.account.set_questions(long, 40)
    killed = pipeline.extract()
    place = places_of(killed.messages)[0]
    pipeline.target.load(killed.messages[: place + 1])
    pipeline.account.delete(gone)
    pipeline.account.set_questions(short, 1)
    run = pipeline.run()
    tombstones = run.tombstones(ANSWERS)
    assert {row["candidate_id"] for row in tombstones} == {gone}
    assert len(tombstones) == 40
    pipeline.assert_target_matches_api()


def test_candidates_that_were_archived_at_once_are_announced_by_one_state(
    make_pipeline: MakePipeline,
) -> None:
    pipeline = make_pipeline(60)
    pipeline.run()
    for candidate_id in pipeline.ids[:40]:
        pipeline.change_rating(candidate_id)
        pipeline.account.archive(candidate_id)
    run = pipeline.run()
    assert len({*run.emitted(DETAILS)}) == 40
    announcement, _ = places_of(run.messages)
    rows = [n for n, m in enumerate(run.messages) if m.get("stream") in UPSERTED]
    records = [n for n in rows if run.messages[n]["type"] == "RECORD"]
    assert announcement < min(records)


def test_value_that_flips_while_re_verification_reads_it_is_read_again(
    make_pipeline: MakePipeline,
) -> None:
    """Details of another moment than the list row are not kept for a whole period."""
    pipeline = make_pipeline(4, reverify_days=1)
    pipeline.run()
    candidate_id = pipeline.ids[0]
    pipeline.account.show(candidate_id, in_details={"rating": 2, "points": 99})
    pipeline.now += 2 * DAY
    assert candidate_id in pipeline.run().emitted(DETAILS)
    pipeline.account.show(candidate_id, in_details=pipeline.account.row(candidate_id))
    pipeline.interval = HOUR
    assert pipeline.run().emitted(DETAILS) == [candidate_id]
    held = pipeline.target.alive(DETAILS)[candidate_id]
    assert held["points"] == pipeline.account.row(candidate_id)["points"]
