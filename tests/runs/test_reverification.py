"""What no list shows arrives within `reverify_days`, at a cost spread over the runs."""

from __future__ import annotations

import random
import typing as t
from collections import Counter
from datetime import timedelta

import pytest

from sandbox import Account, Fault, random_change
from sandbox.changes import HIDDEN
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
    pipeline,
)
from tests.support.truth import truth

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def account(candidates: int = 25, questions: int = 2) -> Account:
    return Account.example(
        candidates=candidates, openings=2, tags=0, questions=questions
    )


@pytest.mark.parametrize(("days", "pause"), [(14, DAY), (2, 7 * HOUR)], ids=str)
def test_everybody_is_read_again_in_time(days: int, pause: timedelta) -> None:
    """Each at least once in so many days, and none much more often."""
    with pipeline(account(40, questions=1), reverify_days=days) as line:
        line.interval = pause
        runs = days * DAY // pause
        line.run()
        read: Counter[str] = Counter()
        for _ in range(runs):
            outcome = line.run()
            assert not any(outcome.records(stream) for stream in FAMILY)
            assert len(outcome.details) <= 2.5 * 40 / runs + 4
            read.update(outcome.details)
        assert set(read) == set(line.account.listed_ids())
        assert max(read.values()) <= 2


def test_never_means_never() -> None:
    with pipeline(account(), reverify_days=0) as line:
        line.interval = 40 * DAY
        line.run()
        line.account.unlock(line.account.locked_ids()[0])
        for _ in range(5):
            outcome = line.run()
            assert not outcome.details
            assert not any(outcome.records(stream) for stream in FAMILY)


@pytest.mark.parametrize("kind", HIDDEN)
@pytest.mark.parametrize("select", [STREAMS, (ANSWERS,)], ids=",".join)
def test_what_no_list_shows_arrives_in_time(kind: str, select: tuple[str, ...]) -> None:
    days = 4
    rng = random.Random(kind)
    with pipeline(account(40), reverify_days=days) as line:
        line.interval = 12 * HOUR
        line.run(select=select)
        before = truth(line.account)
        for _ in range(4):
            random_change(line.account, rng, [kind])
        rows = truth(line.account)
        changed = {
            key for key, row in rows[DETAILS].items() if row != before[DETAILS][key]
        }
        assert changed
        if kind != "set_questions":  # after which the points may differ
            assert rows[CANDIDATES] == before[CANDIDATES]
        emitted: Counter[str] = Counter()
        for _ in range(days * DAY // line.interval):
            outcome = line.run(select=select)
            for stream in {DETAILS, ANSWERS} & {*select}:
                emitted.update(f"{stream} {key}" for key in outcome.emitted(stream))
        line.assert_true(set(UPSERTED) & {*select})
        shown = {key for key, place in rows[ANSWERS]}
        assert emitted.keys() == {
            f"{stream} {key}"
            for stream in {DETAILS, ANSWERS} & {*select}
            for key in changed & (shown if stream == ANSWERS else changed)
        }
        # What was unlocked has a contact_info that its row lacks: it is read once more.
        assert max(emitted.values()) <= (2 if kind == "unlock" else 1)


def test_what_no_list_shows_is_no_event_of_the_history() -> None:
    with pipeline(account(), reverify_days=1) as line:
        line.run()
        one = line.account.locked_ids()[0]
        line.account.unlock(one)
        line.clock += DAY
        outcome = line.run()
        assert outcome.emitted(DETAILS) == [one]
        assert not outcome.records(HISTORY)
        assert not outcome.records(CANDIDATES)


@pytest.mark.parametrize("full_table", [[CANDIDATES], [DETAILS], [CANDIDATES, ANSWERS]])
def test_reverification_beside_streams_that_are_read_in_full(
    full_table: list[str],
) -> None:
    """A candidate that is emitted in one stream may be due in another."""
    with pipeline(account(), reverify_days=2) as line:
        line.interval = 12 * HOUR
        line.run(full_table=full_table)
        line.account.unlock(line.account.locked_ids()[0])
        for _ in range(4):
            line.run(full_table=full_table)
        line.assert_true(UPSERTED)


def test_reverification_beside_a_stream_that_is_selected_later() -> None:
    with pipeline(account(), reverify_days=2) as line:
        line.interval = 2 * DAY
        line.run(select=[DETAILS])
        line.account.unlock(line.account.locked_ids()[0])
        line.run(select=[DETAILS, CANDIDATES])
        line.assert_true([DETAILS, CANDIDATES])


def test_a_hidden_change_reaches_a_stream_that_was_not_selected_then() -> None:
    with pipeline(account(), reverify_days=1) as line:
        line.interval = DAY
        line.run()
        line.account.set_questions(line.account.listed_ids()[0], 4)
        line.account.unlock(line.account.locked_ids()[0])
        line.run(select=[DETAILS])
        line.run(select=[CANDIDATES, ANSWERS])
        line.assert_true(UPSERTED)


@pytest.mark.parametrize(("first", "second"), [(DETAILS, ANSWERS), (ANSWERS, DETAILS)])
def test_a_hidden_change_found_while_another_stream_is_filled(
    first: str, second: str
) -> None:
    """Details that were read for one stream show what another one lacks."""
    with pipeline(account()) as line:
        line.run(select=[first])
        line.account.unlock(line.account.locked_ids()[0])
        line.run(select=[first, second])
        line.assert_true([first, second])


def test_shorter_lists_of_questions_leave_tombstones_by_position() -> None:
    with pipeline(account(questions=5), reverify_days=1) as line:
        line.interval = DAY
        line.run()
        one, none, more = line.account.listed_ids()[:3]
        line.account.set_questions(one, 2)
        line.account.set_questions(none, 0)
        line.account.set_questions(more, 6)
        outcome = line.run()
        tombstones = {
            (row["candidate_id"], row["position"])
            for row in outcome.tombstones(ANSWERS)
        }
        assert tombstones == {
            *((one, position) for position in (2, 3, 4)),
            *((none, position) for position in range(5)),
        }
        assert all(row["question"] is None for row in outcome.tombstones(ANSWERS))
        line.assert_true()
        assert not line.run().tombstones(ANSWERS)
        line.account.set_questions(one, 4)
        line.account.set_questions(more, 5)
        line.run()
        line.assert_true()
        assert len(line.target.deleted(ANSWERS)) == 1 + 5 + 1
        # Who is deleted has tombstones for the rows that are left alone.
        line.account.delete(one)
        outcome = line.run()
        assert [row["position"] for row in outcome.tombstones(ANSWERS)] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "select", [STREAMS, (CANDIDATES,), (HISTORY,), (ANSWERS,)], ids=",".join
)
def test_archived_candidates_and_their_deletion(select: tuple[str, ...]) -> None:
    days = 3
    streams = set(UPSERTED) & {*select}
    with pipeline(account(), reverify_days=days) as line:
        line.interval = 6 * HOUR
        runs = days * DAY // line.interval
        line.run(select=select)
        archived = line.account.listed_ids()[2:5]
        for one in archived:
            line.account.archive(one)
        for _ in range(runs):
            outcome = line.run(select=select)
            assert not any(outcome.records(stream) for stream in FAMILY)
        rows = truth(line.account, archived=True)
        for stream in streams:
            assert line.target.alive(stream) == rows[stream]
        line.account.delete(archived[0])
        line.account.archive(archived[1], listed=True)
        buried: Counter[str] = Counter()
        back: Counter[str] = Counter()
        events: list[t.Any] = []
        for _ in range(runs):
            outcome = line.run(select=select)
            for stream in FAMILY:
                back.update(outcome.emitted(stream) if stream != HISTORY else ())
                buried.update(outcome.buried(stream))
            events += outcome.records(HISTORY)
        assert buried == Counter({archived[0]: len(streams)} if streams else {})
        # Another run, with a state of its own, may have emitted it meanwhile.
        assert back == Counter({archived[1]: len(streams)} if streams else {})
        if HISTORY in select:
            assert [(e["event"], e["candidate_id"]) for e in events] == [
                ("deleted", archived[0])
            ]
        rows = truth(line.account, archived=True)
        for stream in streams:
            assert line.target.alive(stream) == rows[stream]


def test_who_drifted_out_of_a_filter_and_died_arrives_in_the_rotation() -> None:
    filters = {"hire_state": "possible-hire"}
    with pipeline(account(60), reverify_days=3, candidate_filters=filters) as line:
        line.interval = 6 * HOUR
        first = line.run()
        one = first.emitted(CANDIDATES)[0]
        line.account.set_hire_state(one, "rejected")
        for _ in range(3):
            line.run()
        line.account.delete(one)
        buried = [key for _ in range(12) for key in line.run().buried(DETAILS)]
        assert buried == [one]


def test_a_candidate_missed_by_one_list_and_deleted_then() -> None:
    """That a list lacked it once is no reason to look no more."""
    with pipeline(account(), reverify_days=0) as line:
        line.run()
        one = line.account.listed_ids()[3]
        line.account.archive(one)  # as a list that moves while it is read
        line.run()
        line.account.archive(one, listed=True)
        line.account.delete(one)
        assert line.run().buried(CANDIDATES) == [one]


def test_runs_that_fail_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rotation goes on where the last good run left it."""
    monkeypatch.setattr(TapTogglHire, "retry", Retry(pauses=()))
    days = 2
    with pipeline(account(), reverify_days=days, page_size=10) as line:
        line.interval = 6 * HOUR
        line.run()
        read: set[str] = set()
        for number in range(days * DAY // line.interval):
            if number % 2:
                line.sandbox.faults = []
                outcome = line.run()
            else:
                line.sandbox.faults = [Fault("status", match="candidates", after=1)]
                outcome = line.attempt()
                assert outcome.error is not None
                line.load(outcome.messages)
            read.update(outcome.details)
        assert read == set(line.account.listed_ids())


def test_runs_without_details_take_nobody_s_turn() -> None:
    """Candidates by day, everything every night."""
    with pipeline(account(40), reverify_days=2) as line:
        line.interval = 6 * HOUR
        line.run()
        archived = line.account.listed_ids()[:5]
        for one in archived:
            line.account.archive(one)
        read: set[str] = set()
        for number in range(8):
            outcome = line.run(select=STREAMS if number % 4 == 3 else [CANDIDATES])
            read.update(outcome.details if number % 4 == 3 else ())
        assert read == {*line.account.listed_ids(), *archived}


def test_a_clock_that_was_wrong() -> None:
    with pipeline(account(), reverify_days=10) as line:
        line.interval = DAY
        line.clock += 200 * DAY
        line.run()
        line.clock -= 200 * DAY
        line.run()
        read: Counter[str] = Counter()
        for _ in range(11):
            read.update(line.run().details)
        assert set(read) == set(line.account.listed_ids())
        assert max(read.values()) <= 2


def test_a_reverification_that_dies_goes_on() -> None:
    """Though nothing differs: the state tells whose turn it was."""
    with pipeline(account(2_100, questions=0), reverify_days=1) as line:
        line.run(select=[DETAILS])
        line.clock += 2 * DAY
        outcome = line.attempt(select=[DETAILS]).good()
        assert len(outcome.details) == 2_100
        counts = []
        for state in outcome.states:
            again = line.attempt(select=[DETAILS], state=state).good()
            counts.append(len(again.details))
        assert counts == sorted(counts, reverse=True)
        assert len(counts) > 2
        assert counts[-1] < counts[0] / 2
