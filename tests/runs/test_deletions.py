"""Deletions, and what must not be taken for one (contract 3.4)."""

from __future__ import annotations

import typing as t

import pytest

from sandbox import Fault, Sandbox, details_of
from tests.runs.pipelines import DAY, account, inventory, is_list, pipeline
from tests.support.streams import (
    ANSWERS,
    CANDIDATES,
    DETAILS,
    FAMILY,
    HISTORY,
    LISTS,
    STREAMS,
    SYNC_RUNS,
    UPSERTED,
)
from tests.support.truth import truth

EMPTY = Fault("short_list", match=is_list, total="short")
"""An empty list that says that it is empty."""
CONFIRM = "confirm_mass_deletion"
NARROWED = {"candidate_filters": {"min_rating": 1}}


def warned(caplog: pytest.LogCaptureFixture, words: str) -> bool:
    return any(
        words in record.getMessage() and record.levelname == "WARNING"
        for record in caplog.records
    )


def test_a_deletion_leaves_a_tombstone_per_row() -> None:
    with pipeline(reverify_days=1) as line:
        line.account.set_questions(line.ids[0], 5)
        line.run()
        gone = line.ids[0]
        columns = {s: set(line.target.alive(s).popitem()[1]) for s in UPSERTED}
        line.account.set_questions(gone, 2)
        line.clock += 2 * DAY
        fewer = line.run()
        assert [row["position"] for row in fewer.tombstones(ANSWERS)] == [2, 3, 4]
        line.account.delete(gone)
        outcome = line.run()
        assert outcome.details == [gone]
        assert [row["position"] for row in outcome.tombstones(ANSWERS)] == [0, 1]
        for stream in UPSERTED:
            assert outcome.deleted(stream) == [gone]
            for row in outcome.tombstones(stream):
                assert set(row) == columns[stream]
                filled = {name for name, value in row.items() if value is not None}
                assert filled <= {"id", "candidate_id", "position", "_sdc_deleted_at"}
        assert outcome.events() == [("deleted", gone)]
        line.assert_true()
        assert line.run().is_quiet


def test_an_archived_candidate_stays_and_is_re_verified() -> None:
    with pipeline(40, reverify_days=3) as line:
        line.run()
        archived = line.ids[:30]  # more than the limit on deletions
        for one in archived:
            line.account.archive(one)
        outcome = line.run()
        assert sorted(outcome.details) == sorted(archived)
        assert outcome.is_quiet
        assert line.run().is_quiet
        gone, changed, *_ = archived
        line.account.delete(gone)
        line.rate(changed)
        line.clock += 4 * DAY
        outcome = line.run()
        assert outcome.events() == [("updated", changed), ("deleted", gone)]
        rows = truth(line.account, archived=True)
        for stream in UPSERTED:
            assert line.target.alive(stream) == rows[stream]


# A listed candidate is never deleted


@pytest.mark.parametrize("reverified", [False, True])
def test_details_that_are_not_found_delete_no_listed_candidate(
    *, reverified: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with pipeline(reverify_days=int(reverified)) as line:
        line.run()
        bad = line.ids[3]
        if not reverified:
            line.rate(bad)
        line.clock += 2 * DAY
        line.sandbox.faults = [Fault("status", status=404, match=details_of(bad))]
        outcome = line.run(select=[*STREAMS, SYNC_RUNS])
        assert outcome.details.count(bad) == 1
        assert outcome.emitted(CANDIDATES) == ([] if reverified else [bad])
        assert not any(outcome.tombstones(stream) for stream in FAMILY)
        [summary] = outcome.records(SYNC_RUNS)
        assert summary["candidates_without_details"] == 1
        assert summary["outcome"] == "complete"
        assert warned(caplog, "details of 1 listed candidates were not found")
        assert line.run().details == [bad]  # they stay due
        line.sandbox.faults = []
        assert line.run().details == [bad]
        line.assert_true()


# Many


def test_a_mass_deletion_is_confirmed(caplog: pytest.LogCaptureFixture) -> None:
    with pipeline(60) as line:
        line.run()
        gone = line.ids[1:40]
        for one in gone:
            line.account.delete(one)
        line.rate(line.ids[0])
        outcome = line.fail(CONFIRM)
        assert "another workspace" in str(outcome.error)
        assert not any(outcome.tombstones(stream) for stream in FAMILY)
        assert outcome.emitted(DETAILS) == [line.ids[0]]
        outcome = line.run(confirm_mass_deletion=True)
        assert sorted(outcome.deleted(CANDIDATES)) == sorted(gone)
        line.assert_true()
        assert not warned(caplog, "did not need it")
        line.run(confirm_mass_deletion=True)
        assert warned(caplog, "did not need it")


@pytest.mark.parametrize("candidates", [15, 300])
def test_an_empty_list_by_mistake(
    candidates: int, caplog: pytest.LogCaptureFixture
) -> None:
    with pipeline(candidates) as line:
        line.run()
        line.sandbox.faults = [EMPTY]
        outcome = line.run(full_table=UPSERTED)
        most = 21 if candidates > 20 else candidates
        # One of them proves the workspace.
        assert most <= len(outcome.details) <= most + 1
        assert not any(outcome.tombstones(stream) for stream in FAMILY)
        assert outcome.activated == set(LISTS)
        assert warned(caplog, "empty") is (candidates > 20)
        line.sandbox.faults = []
        assert line.run().details == []
        line.assert_true()


# Proof of the workspace


@pytest.mark.parametrize(
    ("select", "config"),
    [
        ([*STREAMS, SYNC_RUNS], {}),
        (LISTS, {}),
        ([*STREAMS, SYNC_RUNS], NARROWED),
        ([HISTORY], {"start_date": "2099-01-01"}),
    ],
    ids=["all streams", "lists", "narrowed", "an empty list"],
)
def test_a_key_of_another_workspace_writes_nothing(
    select: t.Any, config: dict[str, t.Any]
) -> None:
    other = account(30, seed=7)
    with pipeline(50) as line, Sandbox(other) as box:
        line.run()
        line.sandbox = box
        config = {"api_key": box.api_key, "api_url": box.url, **config}
        outcome = line.fail(CONFIRM, select=select, **config)
        assert "api_key" in str(outcome.error)
        assert outcome.messages == []
        assert len(outcome.details) == 20
        assert len(set(outcome.details)) == 20


def test_a_small_workspace_whose_candidates_are_all_deleted() -> None:
    with pipeline(5) as line:
        line.run()
        gone = line.ids
        for one in gone:
            line.account.delete(one)
        outcome = line.fail(CONFIRM)
        assert outcome.messages == []
        outcome = line.run(confirm_mass_deletion=True)
        assert sorted(outcome.deleted(DETAILS)) == sorted(gone)
        assert inventory(line.target.state)["candidates"]
        assert line.run().is_quiet  # an inventory without candidates needs no proof
        line.account.add_candidate()
        line.run()
        line.assert_true()
