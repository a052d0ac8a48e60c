"""Streams are selected, deselected and forced to FULL_TABLE from run to run."""

from __future__ import annotations

import itertools
import random
import typing as t
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sandbox.truth import truth

from sandbox import Account, Fault
from tap_toggl_hire.api.retry import Retry
from tap_toggl_hire.tap import TapTogglHire
from tests.runs.pipelines import (
    ANSWERS,
    CANDIDATES,
    CORE,
    DETAILS,
    FAMILY,
    HISTORY,
    HISTORY_FIELDS,
    LISTS,
    STREAMS,
    UPSERTED,
    Outcome,
    Pipeline,
    pipeline,
    who,
)

if t.TYPE_CHECKING:
    from collections.abc import Collection

SUBSETS = [
    subset
    for count in range(1, len(FAMILY) + 1)
    for subset in itertools.combinations(FAMILY, count)
]
FROM_DETAILS = {DETAILS, ANSWERS}
Owed = tuple[dict[str, set[str]], dict[str, set[str]], set[str]]
"""Who is to be emitted, and who buried, by stream; and who is to be asked for."""


def account(candidates: int = 20) -> Account:
    return Account.example(
        candidates=candidates, openings=2, tags=3, questions=2, in_progress=5
    )


def name(subset: Collection[str]) -> str:
    return "+".join(stream.removeprefix("candidate_") for stream in subset)


class Expectation:
    """What each run owes to each stream.

    A candidate is owed to a stream that does not hold it as the last run saw it:
    because it is new, because it changed, or because it changed while the stream was
    not selected.
    """

    def __init__(self, line: Pipeline) -> None:
        self._line = line
        self._last: dict[str, t.Any] = {}
        self._current: dict[str, set[str]] = {stream: set() for stream in FAMILY}
        self._held: dict[str, set[str]] = {stream: set() for stream in FAMILY}

    def of_a_run(self, select: Collection[str], full_table: Collection[str]) -> Owed:
        """What the next run owes; it is taken for done."""
        now = {
            key: {
                HISTORY: ([row[name] for name in HISTORY_FIELDS], tags),
                "all": (row, tags),
            }
            for key, ((row, tags), _) in self._line.visible_and_details().items()
        }
        for stream in FAMILY:
            what = HISTORY if stream == HISTORY else "all"
            self._current[stream] -= {
                key
                for key, seen in now.items()
                if key in self._last and self._last[key][what] != seen[what]
            }
        probes = self._last.keys() - now.keys()
        self._last = now
        emitted, buried = {}, {}
        for stream in select:
            is_full = stream in full_table and stream != HISTORY
            emitted[stream] = now.keys() - (set() if is_full else self._current[stream])
            buried[stream] = self._held[stream] - now.keys()
            self._held[stream] = set(now)
            self._current[stream] = set(now)
        asked = set().union(*(emitted.get(stream, ()) for stream in FROM_DETAILS))
        return emitted, buried, asked | probes


def assert_run(
    outcome: Outcome,
    expected: tuple[dict[str, set[str]], dict[str, set[str]], set[str]],
) -> None:
    emitted, buried, asked = expected
    for stream in FAMILY:
        if stream not in emitted:
            assert all(m.get("stream") != stream for m in outcome.messages)
        elif stream == HISTORY:
            events = [(row["event"], who(row)) for row in outcome.records(HISTORY)]
            assert sorted(key for event, key in events if event != "deleted") == sorted(
                emitted[HISTORY]
            )
            assert sorted(key for event, key in events if event == "deleted") == sorted(
                buried[HISTORY]
            )
        else:
            assert sorted(outcome.emitted(stream)) == sorted(emitted[stream]), stream
            assert sorted(outcome.buried(stream)) == sorted(buried[stream]), stream
    # One request a candidate, however many of its streams are selected.
    assert sorted(outcome.details) == sorted(asked)


def assert_histories(line: Pipeline) -> None:
    """What the history tells last of each candidate is how it is now."""
    told: dict[str, list[dict[str, t.Any]]] = {}
    for row in line.target.alive(HISTORY).values():
        told.setdefault(who(row), []).append(row)
    now = line.visible_and_details()
    assert now.keys() <= told.keys()
    for key, events in told.items():
        events.sort(key=lambda row: str(row["observed_at"]))
        kinds = [row["event"] for row in events]
        assert kinds[0] == "created"
        if key not in now:
            assert kinds.pop() == "deleted"
        else:
            (row, tags), _ = now[key]
            expected = {**{name: row[name] for name in HISTORY_FIELDS}, "tag_ids": tags}
            assert expected.items() <= events[-1].items()
        assert set(kinds[1:]) <= {"updated"}


def play(
    line: Pipeline,
    steps: list[tuple[set[str], set[str], int]],
    rng: random.Random,
) -> None:
    expectation = Expectation(line)
    for select, full_table, count in steps:
        line.happen(rng, count)
        outcome = line.run(
            select=[*LISTS, *select], full_table=full_table & select - {HISTORY}
        )
        if not select:
            assert not {"candidates", "candidate"} & {r.kind for r in outcome.requests}
        else:
            assert_run(outcome, expectation.of_a_run(select, full_table))
        line.assert_true(select & set(UPSERTED))
        if HISTORY in select:
            assert_histories(line)
    line.run()
    line.assert_true()
    assert_histories(line)


STEPS = given(
    steps=st.lists(
        st.tuples(
            st.sets(st.sampled_from(FAMILY)),
            st.one_of(st.just(set()), st.sets(st.sampled_from(UPSERTED), max_size=2)),
            st.integers(0, 6),
        ),
        min_size=2,
        max_size=7,
    ),
    page_size=st.integers(2, 30),
    concurrency=st.integers(1, 8),
    seed=st.integers(0, 2**32 - 1),
)
TUNED = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


@settings(TUNED, max_examples=12)
@STEPS
def test_streams_that_come_and_go(
    steps: list[tuple[set[str], set[str], int]],
    page_size: int,
    concurrency: int,
    seed: int,
) -> None:
    with pipeline(account(), page_size=page_size, max_concurrency=concurrency) as line:
        play(line, steps, random.Random(seed))


@pytest.mark.slow
@settings(TUNED, max_examples=200)
@STEPS
def test_more_streams_that_come_and_go(
    steps: list[tuple[set[str], set[str], int]],
    page_size: int,
    concurrency: int,
    seed: int,
) -> None:
    with pipeline(account(), page_size=page_size, max_concurrency=concurrency) as line:
        play(line, steps, random.Random(seed))


@pytest.mark.parametrize("subset", SUBSETS, ids=name)
def test_each_subset_first_and_the_rest_later(subset: tuple[str, ...]) -> None:
    rest = [stream for stream in FAMILY if stream not in subset]
    with pipeline(account(12)) as line:
        ids = sorted(line.account.listed_ids())
        first = line.run(select=subset)
        assert sorted(first.details) == (ids if FROM_DETAILS & {*subset} else [])
        line.assert_true(set(UPSERTED) & set(subset))
        second = line.run()
        line.assert_true()
        for stream in UPSERTED:
            assert sorted(second.emitted(stream)) == (ids if stream in rest else [])
        assert sorted(second.details) == (ids if FROM_DETAILS & {*rest} else [])


@pytest.mark.parametrize("subset", SUBSETS[:-1], ids=name)
def test_what_changes_or_dies_while_some_are_not_selected(
    subset: tuple[str, ...],
) -> None:
    rest = [stream for stream in FAMILY if stream not in subset]
    with pipeline(account(12)) as line:
        line.run()
        changed, moved_on, gone, *_ = line.account.listed_ids()
        line.account.rate(changed, (line.account.row(changed)["rating"] + 1) % 4)
        line.account.rate(moved_on, (line.account.row(moved_on)["rating"] + 1) % 4)
        line.account.delete(gone)
        line.run(select=subset)
        line.assert_true(set(UPSERTED) & set(subset))
        line.account.rate(moved_on, (line.account.row(moved_on)["rating"] + 1) % 4)
        back = line.run(select=rest)
        for stream in rest:
            if stream != HISTORY:
                assert sorted(back.emitted(stream)) == sorted([changed, moved_on])
                assert back.buried(stream) == [gone]
        assert len(back.details) == (2 if FROM_DETAILS & {*rest} else 0)
        assert not set(line.run(select=rest).details)
        line.run()
        line.assert_true()
        assert_histories(line)


@pytest.mark.parametrize(
    ("first", "between"),
    [(CANDIDATES, DETAILS), (CANDIDATES, ANSWERS), (HISTORY, DETAILS)],
)
def test_details_read_for_another_stream_are_no_change_of_the_row(
    first: str, between: str
) -> None:
    with pipeline(account(12)) as line:
        line.run(select=[first])
        line.run(select=[between])
        assert not line.run(select=[first]).records(first)
        line.account.regrade_equal_sum(line.account.listed_ids()[0])
        line.clock += timedelta(days=1)
        assert line.run(select=[between], reverify_days=1).records(between)
        assert not line.run(select=[first]).records(first)


def test_a_stream_that_never_held_a_candidate_gets_no_tombstone_of_it() -> None:
    with pipeline(account(12)) as line:
        line.run(select=[CANDIDATES])
        gone = line.account.listed_ids()[0]
        line.account.delete(gone)
        outcome = line.run()
        assert outcome.buried(CANDIDATES) == [gone]
        assert not outcome.tombstones(DETAILS)
        assert not outcome.tombstones(ANSWERS)
        assert gone not in {who(row) for row in outcome.records(HISTORY)}
        line.assert_true()


# FULL_TABLE and ACTIVATE_VERSION


@pytest.mark.parametrize("forced", UPSERTED)
def test_a_stream_forced_to_full_table_emits_everything(forced: str) -> None:
    with pipeline(account(12)) as line:
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
    with pipeline(account(250), page_size=20) as line:
        first = line.run()
        assert_activated_after_the_last_record(first, set(LISTS))
        line.happen(random.Random(3), 10)
        outcome = line.run(full_table=UPSERTED)
        assert_activated_after_the_last_record(outcome, {*LISTS, *UPSERTED})
        line.assert_true()
        third = line.run()
        assert_activated_after_the_last_record(third, set(LISTS))
        line.assert_true()


def test_nothing_is_activated_where_nobody_asks_for_it() -> None:
    with pipeline(account(12), emit_activate_version_messages=False) as line:
        assert not line.run(full_table=UPSERTED).activated


@pytest.mark.parametrize("kind", ["candidate", "candidates"])
def test_a_run_that_fails_activates_no_stream_that_it_did_not_finish(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TapTogglHire, "retry", Retry(pauses=()))
    with pipeline(account(40), page_size=5) as line:
        line.run()
        line.sandbox.faults = [Fault("status", match=kind, after=5)]
        outcome = line.attempt(full_table=UPSERTED)
        assert outcome.error is not None
        assert not set(outcome.activated) & set(FAMILY)
        line.load(outcome.messages)
        line.assert_true(UPSERTED)  # as it was: nobody is taken for deleted


def test_a_short_list_activates_nothing() -> None:
    with pipeline(account(40), page_size=5) as line:
        line.run()
        line.sandbox.faults = [Fault("short_list", keep=2, match="candidates", after=9)]
        outcome = line.attempt(full_table=UPSERTED)
        assert outcome.error is not None
        assert not set(outcome.activated) & set(FAMILY)
        line.load(outcome.messages)
        line.assert_true(UPSERTED)


@pytest.mark.parametrize(
    ("narrowing", "activated"),
    [
        ({"start_date": "2025-03-01"}, LISTS),
        ({"candidate_filters": {"min_rating": 1}}, LISTS),
        ({"job_opening_ids": None}, ("tags",)),
    ],
)
def test_a_narrow_selection_activates_no_stream_that_it_narrows(
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


def test_the_history_is_appended_to_even_as_a_full_table() -> None:
    with pipeline(account(12)) as line:
        line.run(full_table=[HISTORY])
        one = line.account.listed_ids()[0]
        line.account.rate(one, (line.account.row(one)["rating"] + 1) % 4)
        line.run(full_table=[HISTORY])
        assert_histories(line)
        assert len(line.target.alive(HISTORY)) == 13


def test_who_was_not_listed_during_a_full_table_run_comes_back() -> None:
    """ACTIVATE_VERSION marked it as deleted, unlike a tombstone that the tap sent."""
    with pipeline(account(12)) as line:
        line.run()
        one = line.account.listed_ids()[0]
        line.account.archive(one)
        line.run(full_table=UPSERTED)
        line.account.archive(one, listed=True)
        line.run()
        line.assert_true()


def test_deleted_openings_categories_and_tags_are_marked() -> None:
    with pipeline(account(12)) as line:
        line.run()
        line.account.delete_tag(line.account.tags()[0]["id"])
        line.account.delete_category(line.account.categories()[0]["id"])
        line.account.delete_opening(line.account.openings()[0]["id"])
        line.run()
        line.assert_true(CORE)
        assert all(line.target.deleted(stream) for stream in LISTS)


def test_streams_of_lists_alone_ask_for_nothing_else() -> None:
    with pipeline(account(12)) as line:
        line.run()
        for stream, kind in zip(LISTS, ("openings", "categories", "tags"), strict=True):
            outcome = line.run(select=[stream])
            kinds = {request.kind for request in outcome.requests}
            assert kind in kinds
            assert kinds <= {kind, "tags"}  # which tells the version, too
        # The digests are kept meanwhile.
        assert not line.run(select=STREAMS).details
        assert line.target.alive(DETAILS) == truth(line.account)[DETAILS]
