"""What no list shows arrives within `reverify_days`, at a cost spread over the runs."""

from __future__ import annotations

import random
import typing as t
from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest

from sandbox import Account, Fault
from sandbox.changes import HIDDEN
from tap_toggl_hire.api.retry import Retry
from tap_toggl_hire.tap import TapTogglHire
from tests.runs.pipelines import (
    ANSWERS,
    CANDIDATES,
    DELETED_AT,
    DETAILS,
    FAMILY,
    HISTORY,
    STREAMS,
    UPSERTED,
    Outcome,
    Pipeline,
    pipeline,
)
from tests.support.truth import truth

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def account(candidates: int = 25, questions: int = 2) -> Account:
    return Account.example(
        candidates=candidates, openings=2, tags=0, questions=questions
    )


def regular(step: timedelta) -> Callable[[timedelta], Iterator[timedelta]]:
    """Pauses of one length, for so long altogether."""

    def pauses(whole: timedelta) -> Iterator[timedelta]:
        for _ in range(whole // step):
            yield step

    return pauses


def jittered(step: timedelta, share: float) -> Callable[..., Iterator[timedelta]]:
    """Pauses that are up to so much longer or shorter than planned."""

    def pauses(whole: timedelta) -> Iterator[timedelta]:
        rng = random.Random(1)
        for _ in range(whole // step):
            yield step * rng.uniform(1 - share, 1 + share)

    return pauses


def office_hours(whole: timedelta) -> Iterator[timedelta]:
    """Every other hour from 8 to 18 o'clock, and not on the weekend."""
    for day in range(3 * whole // (2 * DAY)):  # to see more than one weekend
        yield from [2 * HOUR] * 5
        yield 14 * HOUR if day % 7 != 4 else 14 * HOUR + 2 * DAY


def irregular(whole: timedelta) -> Iterator[timedelta]:
    """From minutes to a day and a half."""
    rng = random.Random(2)
    passed = timedelta()
    while passed < whole:
        pause = timedelta(hours=36) * rng.random() ** 3
        passed += pause
        yield pause


SCHEDULES: dict[str, tuple[int, Callable[[timedelta], Iterable[timedelta]]]] = {
    # A name, reverify_days, and the pauses between runs
    "hourly": (1, regular(HOUR)),
    "every seven hours": (5, regular(7 * HOUR)),
    "daily": (14, regular(DAY)),
    "weekly": (30, regular(7 * DAY)),
    "less often than asked for": (3, regular(4 * DAY)),
    "daily, more or less": (14, jittered(DAY, 0.05)),
    "office hours": (5, office_hours),
    "irregular": (10, irregular),
}


def read_times(
    line: Pipeline, pauses: Iterable[timedelta]
) -> tuple[dict[str, list[datetime]], list[datetime], list[Outcome]]:
    """When each candidate's details were read; when there were runs; and these."""
    read: dict[str, list[datetime]] = {key: [] for key in line.account.listed_ids()}
    times, outcomes = [], []
    for pause in [timedelta(), *pauses]:
        line.clock += pause
        times.append(line.clock)
        outcomes.append(line.run())
        for key in outcomes[-1].details:
            read[key].append(times[-1])
    return read, times, outcomes


@pytest.mark.parametrize("name", SCHEDULES)
def test_everybody_is_read_again_in_time(name: str) -> None:
    days, schedule = SCHEDULES[name]
    whole = days * DAY
    with pipeline(account(), reverify_days=days) as line:
        line.interval = timedelta()
        read, times, outcomes = read_times(line, schedule(2 * whole))
        for outcome in outcomes[1:]:
            assert not any(outcome.records(stream) for stream in FAMILY)
        most = max([whole, *(b - a for a, b in pairwise(times))])
        late = {}
        for key, moments in read.items():
            # In the first days nobody can know what pauses there are.
            gaps = [b - a for a, b in pairwise(moments) if a >= times[0] + whole]
            gaps.append(times[-1] - moments[-1])
            if max(gaps) > most:
                late[key] = max(gaps) / DAY
        assert not late, f"read again after more than {most / DAY} days: {late}"


@pytest.mark.parametrize(("days", "pause"), [(2, 3 * HOUR), (30, timedelta(hours=47))])
def test_no_run_reads_much_more_than_its_share(days: int, pause: timedelta) -> None:
    many = 300
    with pipeline(account(many, questions=1), reverify_days=days) as line:
        line.interval = timedelta()
        runs = days * DAY // pause
        _, _, outcomes = read_times(line, [pause] * runs)
        counts = [len(outcome.details) for outcome in outcomes[1:]]
        share = many / runs
        assert max(counts) <= 2.5 * share + 1
        assert sum(counts) >= many
        assert sum(counts) <= 1.1 * many + max(counts)


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
            line.account.random_change(rng, [kind])
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
        assert emitted == Counter(
            f"{stream} {key}"
            for stream in {DETAILS, ANSWERS} & {*select}
            for key in changed & (shown if stream == ANSWERS else changed)
        )


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
        assert all(
            row.keys() == {"candidate_id", "position", DELETED_AT}
            for row in outcome.tombstones(ANSWERS)
        )
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
        events: list[t.Any] = []
        for _ in range(runs):
            outcome = line.run(select=select)
            for stream in FAMILY:
                assert not outcome.emitted(stream) or stream == HISTORY
                buried.update(outcome.buried(stream))
            events += outcome.records(HISTORY)
        assert buried == Counter({archived[0]: len(streams)} if streams else {})
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


@pytest.mark.parametrize("archived", [False, True])
def test_runs_without_details_take_nobody_s_turn(archived: bool) -> None:  # noqa: FBT001
    """Candidates every hour, everything every night."""
    with pipeline(account(60), reverify_days=2) as line:
        line.interval = HOUR
        line.run()
        if archived:
            for one in line.account.listed_ids():
                line.account.archive(one)
        listed = {*line.account.listed_ids(), *line.account.archived_ids()}
        for _ in range(2):
            read: set[str] = set()
            for hour in range(48):
                outcome = line.run(select=STREAMS if hour % 12 == 11 else [CANDIDATES])
                read.update(outcome.details)
            assert read == listed


def test_fewer_days_than_before() -> None:
    """A pause of the old schedule is none of the new one."""
    with pipeline(account(100), reverify_days=30) as line:
        line.interval = 7 * DAY
        for _ in range(4):
            line.run()
        line.config["reverify_days"] = 7
        line.interval = HOUR
        line.run()
        assert sum(len(line.run().details) for _ in range(20)) < 50


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


@pytest.mark.slow
def test_a_state_at_least_every_thousand_candidates_that_are_verified() -> None:
    with pipeline(account(2_500, questions=0), reverify_days=1) as line:
        line.run(select=[CANDIDATES, DETAILS])
        line.interval = 2 * DAY
        line.clock += 2 * DAY
        first = line.account.listed_ids()[0]
        line.account.rate(first, (line.account.row(first)["rating"] + 1) % 4)
        outcome = line.run(select=[CANDIDATES, DETAILS])
        assert len(outcome.details) == 2_500
        counts = [
            sum(r.kind == "candidate" for r in outcome.requests[:asked])
            for message, asked in zip(outcome.messages, outcome.asked, strict=True)
            if message["type"] == "STATE"
        ]
        gaps = [b - a for a, b in zip([0, *counts], [*counts, 2_500], strict=True)]
        assert max(gaps) <= 1_000 + 100


def test_a_reverification_that_dies_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though nothing differs: the state tells whose turn it was."""
    monkeypatch.setattr(changes, "SMALLEST_BATCH", 20)
    with pipeline(account(100, questions=0), reverify_days=1) as line:
        line.run()
        line.clock += 2 * DAY
        outcome = line.attempt().good()
        assert len(outcome.details) == 100
        verified = 0
        for state in outcome.states:
            again = line.attempt(state=state).good()
            assert not any(again.records(stream) for stream in FAMILY)
            assert 100 - len(again.details) >= verified
            verified = 100 - len(again.details)
            if 40 <= verified < 100:
                break
        else:
            pytest.fail("There is no state between.")
        # The turn is over then, for those of the run that died as for the others.
        line.target.load([{"type": "STATE", "value": again.states[-1]}])
        line.clock += 2 * DAY
        assert len(line.run().details) == 100
