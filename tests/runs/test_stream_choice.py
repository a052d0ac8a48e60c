"""Streams and their columns are selected, deselected, read in full from run to run."""

from __future__ import annotations

import itertools
import random
import typing as t
from collections import Counter

import pytest

from sandbox import Account, Fault
from tests.runs.pipelines import (
    ANSWERS,
    CANDIDATES,
    CORE,
    DETAILS,
    FAMILY,
    HISTORY,
    LISTS,
    STREAMS,
    UPSERTED,
    Outcome,
    Pipeline,
    pipeline,
)
from tests.support.truth import truth

FROM_DETAILS = {DETAILS, ANSWERS}
SUBSETS = [
    subset
    for count in range(1, len(FAMILY))
    for subset in itertools.combinations(FAMILY, count)
]


def account(candidates: int = 12) -> Account:
    return Account.example(
        candidates=candidates, openings=2, tags=3, questions=2, in_progress=5
    )


def rate(account: Account, one: str) -> None:
    account.rate(one, (account.row(one)["rating"] + 1) % 4)


def name(subset: t.Iterable[str]) -> str:
    return "+".join(stream.removeprefix("candidate_") for stream in subset)


@pytest.mark.parametrize("subset", SUBSETS, ids=name)
def test_some_first_and_all_later_and_what_changed_meanwhile(
    subset: tuple[str, ...],
) -> None:
    rest = [stream for stream in FAMILY if stream not in subset]
    with pipeline(account()) as line:
        ids = sorted(line.account.listed_ids())
        first = line.run(select=subset)
        assert sorted(first.details) == (ids if FROM_DETAILS & {*subset} else [])
        line.assert_true(set(UPSERTED) & set(subset))
        second = line.run()
        for stream in UPSERTED:
            assert sorted(second.emitted(stream)) == (ids if stream in rest else [])
        assert sorted(second.details) == (ids if FROM_DETAILS & {*rest} else [])
        line.assert_true()

        changed, gone, *_ = ids
        rate(line.account, changed)
        line.account.delete(gone)
        line.run(select=subset)
        line.assert_true(set(UPSERTED) & set(subset))
        back = line.run(select=rest)
        for stream in set(UPSERTED) & set(rest):
            assert back.emitted(stream) == [changed]
            assert back.buried(stream) == [gone]
        assert back.details == ([changed] if FROM_DETAILS & {*rest} else [])
        quiet = line.run()
        assert not quiet.details
        line.assert_true()


def test_a_stream_that_never_held_a_candidate_gets_no_tombstone_of_it() -> None:
    with pipeline(account()) as line:
        line.run(select=[CANDIDATES])
        gone = line.account.listed_ids()[0]
        line.account.delete(gone)
        outcome = line.run()
        assert outcome.buried(CANDIDATES) == [gone]
        assert not outcome.tombstones(DETAILS)
        assert not outcome.tombstones(ANSWERS)
        assert gone not in outcome.emitted(HISTORY)
        line.assert_true()


def test_who_comes_back_after_a_deletion_that_one_stream_alone_was_told_of() -> None:
    with pipeline(account()) as line:
        line.run()
        one = line.account.listed_ids()[0]
        detail = line.account.detail(one)
        line.account.delete(one)
        line.run(select=[CANDIDATES])
        line.restore(detail)
        line.run(select=[HISTORY])
        assert line.run().emitted(DETAILS) == [one]
        line.assert_true()


# Columns and expressions


def assert_filled_once(line: Pipeline, stream: str, **options: t.Any) -> None:
    """All rows of a stream come once, and those of no other."""
    ids = sorted(line.account.listed_ids())
    outcome = line.run(**options)
    for other in UPSERTED:
        assert sorted(outcome.emitted(other)) == (ids if other == stream else [])
    assert sorted(outcome.details) == (ids if stream in FROM_DETAILS else [])
    assert not outcome.records(HISTORY)
    quiet = line.run(**options)
    assert not any(quiet.records(stream) for stream in FAMILY)
    assert not quiet.details


@pytest.mark.parametrize(
    ("stream", "column"),
    [
        (CANDIDATES, "name"),
        (DETAILS, "questions"),
        (ANSWERS, "text_answer"),
        (CANDIDATES, "extra"),
    ],
)
def test_a_column_that_is_selected_later_is_filled(
    stream: str, column: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pipeline(account()) as line:
        line.run(without={stream: [column]})
        assert all(column not in row for row in line.target.alive(stream).values())
        assert_filled_once(line, stream)
        line.assert_true()
        [told] = [r.getMessage() for r in caplog.records if "emitted again" in r.msg]
        assert stream in told
        assert ("12 requests" in told) is (stream in FROM_DETAILS)
        less = line.run(without={stream: [column]})
        assert not less.records(stream)


@pytest.mark.parametrize("stream", UPSERTED)
def test_an_expression_that_changes_is_applied_to_all(stream: str) -> None:
    maps = [{stream: {"note": f"'{text}'"}} for text in ("one", "two")]
    with pipeline(account()) as line:
        line.run(stream_maps=maps[0])
        assert_filled_once(line, stream, stream_maps=maps[1])
        rows = line.target.alive(stream)
        assert {row["note"] for row in rows.values()} == {"two"}


def test_a_stream_that_a_map_takes_in_again_is_filled() -> None:
    with pipeline(account()) as line:
        line.run(stream_maps={DETAILS: None})
        assert DETAILS not in line.target.tables
        assert_filled_once(line, DETAILS)
        changed, gone, *_ = line.account.listed_ids()
        rate(line.account, changed)
        line.account.delete(gone)
        line.run(stream_maps={DETAILS: None})
        back = line.run()
        assert back.emitted(DETAILS) == [changed]
        assert back.buried(DETAILS) == [gone]
        line.assert_true()


def test_a_catalog_that_selects_what_is_selected_without_one_is_no_change() -> None:
    with pipeline(account()) as line:
        line.run(select=None)
        quiet = line.run()
        assert not quiet.details
        assert not any(quiet.records(stream) for stream in FAMILY)


def test_a_filter_that_is_taken_away() -> None:
    maps = {CANDIDATES: {"__filter__": "rating > 1"}}
    with pipeline(account()) as line:
        line.run(stream_maps=maps)
        assert 0 < len(line.target.alive(CANDIDATES)) < 12
        assert_filled_once(line, CANDIDATES)
        line.assert_true()


# FULL_TABLE and ACTIVATE_VERSION


@pytest.mark.parametrize("forced", UPSERTED)
def test_a_stream_forced_to_full_table_emits_everything(forced: str) -> None:
    with pipeline(account()) as line:
        line.run()
        ids = sorted(line.account.listed_ids())
        gone = ids.pop()
        line.account.delete(gone)
        outcome = line.run(full_table=[forced])
        for stream in UPSERTED:
            assert sorted(outcome.emitted(stream)) == (ids if stream == forced else [])
            assert outcome.buried(stream) == [gone]
        assert len(outcome.details) == 1 + (len(ids) if forced != CANDIDATES else 0)
        assert sorted(outcome.activated) == sorted([*LISTS, forced])
        line.assert_true()
        assert not line.run().details


def assert_activated_after_the_last_record(outcome: Outcome, streams: set[str]) -> None:
    assert Counter(outcome.activated) == Counter(streams)
    for stream in streams:
        of_stream = [m for m in outcome.messages if m.get("stream") == stream]
        assert of_stream[-1]["type"] == "ACTIVATE_VERSION"
        versions = {m["version"] for m in of_stream if m["type"] == "RECORD"}
        assert versions <= {of_stream[-1]["version"]}


def test_a_version_is_activated_once_after_the_last_record() -> None:
    with pipeline(account(100), page_size=20) as line:
        first = line.run()
        assert_activated_after_the_last_record(first, {*LISTS, *UPSERTED})
        line.happen(random.Random(3), 10)
        outcome = line.run(full_table=UPSERTED)
        assert_activated_after_the_last_record(outcome, {*LISTS, *UPSERTED})
        line.assert_true()
        third = line.run()
        assert_activated_after_the_last_record(third, set(LISTS))
        line.assert_true()


def test_nothing_is_activated_where_nobody_asks_for_it() -> None:
    with pipeline(account(), emit_activate_version_messages=False) as line:
        assert not line.run(full_table=UPSERTED).activated


@pytest.mark.parametrize("kind", ["candidate", "candidates"])
def test_a_run_that_fails_activates_no_stream_that_it_did_not_finish(kind: str) -> None:
    with pipeline(account(40), page_size=5) as line:
        line.run()
        line.sandbox.faults = [Fault("status", match=kind, after=5)]
        outcome = line.attempt(full_table=UPSERTED)
        assert outcome.error is not None
        assert not set(outcome.activated) & set(FAMILY)
        line.load(outcome.messages)
        line.assert_true(UPSERTED)  # as it was: nobody is taken for deleted


@pytest.mark.parametrize(
    ("narrowing", "activated"),
    [
        ({"start_date": "2025-03-01"}, LISTS),
        ({"candidate_filters": {"min_rating": 1}}, LISTS),
        ({"job_opening_ids": None}, ("tags",)),
    ],
)
def test_a_narrow_scope_activates_no_stream_that_it_narrows(
    narrowing: dict[str, t.Any], activated: tuple[str, ...]
) -> None:
    with pipeline(account(40)) as line:
        if "job_opening_ids" in narrowing:
            narrowing = {"job_opening_ids": [line.account.openings()[0]["id"]]}
        line.run()
        outcome = line.run(full_table=UPSERTED, **narrowing)
        assert sorted(outcome.activated) == sorted(activated)
        line.assert_true()
        wide = line.run()  # nothing marked them, and nothing changed
        assert not any(wide.records(stream) for stream in FAMILY)
        assert not wide.details


def test_who_was_not_listed_during_a_full_table_run_comes_back() -> None:
    with pipeline(account()) as line:
        line.run()
        one = line.account.listed_ids()[0]
        line.account.archive(one)
        line.run(full_table=UPSERTED)
        line.account.archive(one, listed=True)
        line.run()
        line.assert_true()


def test_deleted_openings_categories_and_tags_are_marked() -> None:
    with pipeline(account()) as line:
        line.run()
        line.account.delete_tag(line.account.tags()[0]["id"])
        line.account.delete_category(line.account.categories()[0]["id"])
        line.account.delete_opening(line.account.openings()[0]["id"])
        line.run()
        line.assert_true(CORE)
        assert all(line.target.deleted(stream) for stream in LISTS)


def test_streams_of_lists_alone_ask_for_nothing_else() -> None:
    with pipeline(account()) as line:
        line.run()
        for stream, kind in zip(LISTS, ("openings", "categories", "tags"), strict=True):
            outcome = line.run(select=[stream])
            kinds = {request.kind for request in outcome.requests}
            assert kind in kinds
            assert kinds <= {kind, "tags"}  # which tells the version, too
        # The digests are kept meanwhile.
        assert not line.run(select=STREAMS).details
        assert line.target.alive(DETAILS) == truth(line.account)[DETAILS]
