"""What must hold of every decision, over all cases that can be told apart.

A case is what is known of a candidate, what its row and its details show, and what a
run selects. Digests only count as the same as the known ones or not, and
`candidate_details` and `candidate_answers` are alike, so that only one of two mirrored
cases is looked at. What the scope, the rotation and a full table change is looked at
apart, as it is independent of the rest.
"""

from __future__ import annotations

import itertools
import typing as t
from dataclasses import FrozenInstanceError, replace
from functools import cache

import pytest

from tap_toggl_hire.sync import absence, plan
from tap_toggl_hire.sync.plan import (
    ANSWERS,
    CANDIDATES,
    DETAILS,
    FROM_DETAILS,
    HISTORY,
    STREAMS,
    UNKNOWN,
    UPSERTED,
    Absence,
    Details,
    Held,
    Known,
    Listed,
    Plan,
    Presence,
    Relation,
    Run,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator

SAME, OTHER = 1, 2
"""Digests: that of what is known, and another."""
AS_KNOWN = Listed(SAME, SAME, SAME)
LISTED = (
    AS_KNOWN,
    Listed(OTHER, SAME, SAME),
    Listed(SAME, OTHER, SAME),
    Listed(SAME, SAME, OTHER),
    Listed(OTHER, OTHER, OTHER),
)
"""Rows in which nothing differs, one thing, or everything."""
DETAILS_READ = (
    Details(SAME, 3),
    Details(OTHER, 3),
    Details(OTHER, 3, torn=True),
    Details(SAME, 3, torn=True),
)
SELECTIONS = tuple(
    frozenset(streams)
    for size in range(1, 5)
    for streams in itertools.combinations(STREAMS, size)
)
RUNS = tuple(map(Run, SELECTIONS))
ALONE = {stream: Run(frozenset({stream})) for stream in STREAMS}
ALL = Run(frozenset(STREAMS))
BACK = {Presence.MISSED_ONCE, Presence.UNLISTED, Presence.DELETED}
"""Listed again, it is back: its rows may be another's by now, or gone."""
NEW = {Held.NOTHING, Held.PENDING}
SCOPES = tuple(
    Run(frozenset(STREAMS), relation=relation, covers_all=covers_all)
    for relation, covers_all in itertools.product(Relation, (True, False))
)

every_presence = pytest.mark.parametrize("presence", Presence)


@cache
def knowns(presence: Presence) -> tuple[Known, ...]:
    """All that may be known of a candidate that was last seen somewhere."""
    return tuple(
        Known(held, presence, SAME, SAME, SAME, SAME, answers=2)
        for held in itertools.product(Held, repeat=len(STREAMS))
        if held[STREAMS.index(DETAILS)] <= held[STREAMS.index(ANSWERS)]
    )


def found(presence: Presence) -> Iterator[tuple[Known, Listed, Run]]:
    """All candidates of a presence that the list has, as a run finds them."""
    return itertools.product(knowns(presence), LISTED, RUNS)


def read(known: Known, listed: Listed, run: Run) -> tuple[Details | None, ...]:
    """What the details may be, if they are asked for."""
    return DETAILS_READ if plan.wants_details(known, listed, run) else (None,)


@cache
def step(known: Known, listed: Listed, run: Run, details: Details | None) -> Plan:
    """Plan once more, with details if they are wanted now."""
    wanted = plan.wants_details(known, listed, run)
    return plan.plan(known, listed, details if wanted else None, run)


def after(decided: Plan) -> Known:
    assert decided.after is not None
    return decided.after


def differs(stream: str, known: Known, listed: Listed, details: Details | None) -> bool:
    """Whether the API shows anything else than what the target holds, if current."""
    if stream == HISTORY:
        return listed.history == OTHER
    return (
        known.presence in BACK
        or OTHER in {listed.history, listed.row, listed.extra}
        or (stream in FROM_DETAILS and details is not None and details.digest == OTHER)
    )


@every_presence
def test_what_differs_is_emitted_and_nothing_else(presence: Presence) -> None:
    for known, listed, run in found(presence):
        wanted = any(
            differs(stream, known, listed, None)
            or (
                known.holds(stream) is not Held.CURRENT
                and presence is not Presence.UNREADABLE
            )
            for stream in run.selected & FROM_DETAILS
        )
        assert plan.wants_details(known, listed, run) is wanted
        for details in DETAILS_READ if wanted else (None,):
            decided = plan.plan(known, listed, details, run)
            assert decided.emit == {
                stream
                for stream in run.selected
                if stream not in FROM_DETAILS or details is not None
                if known.holds(stream) is not Held.CURRENT
                or differs(stream, known, listed, details)
            }
            event = None
            if HISTORY in decided.emit:
                event = "created" if known.holds(HISTORY) in NEW else "updated"
            assert decided.event == event


@every_presence
def test_what_is_noted_is_what_was_seen(presence: Presence) -> None:
    """And what was not emitted, though it differs, is owed."""
    for known, listed, run in found(presence):
        for details in read(known, listed, run):
            decided = step(known, listed, run, details)
            noted = after(decided)
            as_before = details is not None and (
                details.digest == SAME == listed.row == listed.history
            )
            torn = details is not None and details.torn and not as_before
            for stream, held, holds in zip(
                STREAMS, known.held, noted.held, strict=True
            ):
                if stream in decided.emit:
                    late = torn and stream in FROM_DETAILS
                    assert holds is (Held.STALE if late else Held.CURRENT)
                elif held is Held.CURRENT and stream not in run.selected:
                    missed = differs(stream, known, listed, details)
                    assert holds is (Held.STALE if missed else Held.CURRENT)
                else:
                    assert holds is held
            assert (noted.history, noted.row, noted.extra) == (
                *(listed.history, listed.row),
                listed.extra,
            )
            assert noted.details == (SAME if details is None else details.digest)
            assert noted.answers == (3 if ANSWERS in decided.emit else 2)
            assert not noted.verified


@every_presence
def test_crash(presence: Presence) -> None:
    """A run that died emitted something: the next emits it again, changed or not."""
    for known, listed, run in found(presence):
        before = plan.before(known, listed, run, answers=3)
        assert before.presence is not Presence.DELETED
        assert replace(before, held=known.held, presence=presence, answers=2) == known
        might: set[str] = set()
        for details in read(known, listed, run):
            decided = step(known, listed, run, details)
            might |= decided.emit
            again = step(before, listed, run, details or Details(SAME, 3))
            assert again.emit >= decided.emit
            if HISTORY in decided.emit:
                assert again.event == decided.event
            # It was changed back meanwhile.
            assert step(before, AS_KNOWN, run, Details(SAME, 3)).emit >= decided.emit
        assert before.answers == (3 if ANSWERS in might else 2)
        # It was deleted meanwhile.
        assert absence.tombstone(before, ALL).emit >= might
        for stream, held, holds in zip(STREAMS, known.held, before.held, strict=True):
            is_lost = presence in BACK and stream in UPSERTED - run.selected
            if stream not in might and not is_lost:
                assert holds is held


@every_presence
def test_a_crash_forgets_nothing(presence: Presence) -> None:
    """Whatever the next run selects, it emits what it had without the run that died."""
    for known, listed, run in found(presence):
        before = plan.before(known, listed, run, answers=3)
        for stream, alone in ALONE.items():
            if presence is Presence.UNREADABLE and stream in FROM_DETAILS:
                continue  # they cannot be read
            emit = step(known, listed, alone, Details(SAME, 3)).emit
            assert step(before, listed, alone, Details(SAME, 3)).emit >= emit


def test_a_crash_forgets_no_row_of_answers() -> None:
    known = Known((Held.CURRENT,) * 4, Presence.LISTED, answers=5)
    for listed in (Listed(0, 0, 0), Listed(0, OTHER, 0)):
        before = plan.before(known, listed, ALL, answers=3)
        assert before.answers == 5
        assert absence.before_asked(known, ALL, answers=3).answers == 5
        assert absence.before_asked(known, ALL, answers=9).answers == 9
        assert absence.before_asked(known, ALONE[DETAILS], answers=9).answers == 5


@every_presence
def test_convergence(presence: Presence) -> None:
    """What was emitted is not emitted again; torn details are, once."""
    for known, listed, run in found(presence):
        for details in read(known, listed, run):
            shown = details or Details(SAME, 3)
            noted = after(step(known, listed, run, details))
            second = step(noted, listed, run, details)
            assert second.emit <= (FROM_DETAILS if shown.torn else frozenset())
            if details is None or not details.torn:
                assert second.after == noted
                assert not plan.wants_details(noted, listed, run)
            last = after(second)
            assert not plan.wants_details(last, listed, run)
            assert not step(last, listed, run, None).emit


@every_presence
def test_no_silent_staleness(presence: Presence) -> None:
    """What changed while its stream was not selected is emitted once it is."""
    for known, listed, run in found(presence):
        for details in read(known, listed, run):
            noted = after(step(known, listed, run, details))
            for stream in set(STREAMS) - run.selected:
                if noted.presence is Presence.UNREADABLE and stream in FROM_DETAILS:
                    continue  # they cannot be read
                is_stale = known.holds(stream) is not Held.CURRENT or differs(
                    stream, known, listed, details
                )
                shown = Details(noted.details, 3)
                later = step(noted, listed, ALONE[stream], shown)
                assert (stream in later.emit) is is_stale


@every_presence
def test_unknown_tags_leave_the_history_for_another_day(presence: Presence) -> None:
    """All else is as if they were the same."""
    for known, run in itertools.product(knowns(presence), RUNS):
        for row, extra in ((SAME, SAME), (OTHER, SAME), (SAME, OTHER)):
            unknown, same = Listed(None, row, extra), Listed(SAME, row, extra)
            wanted = plan.wants_details(known, same, run)
            assert plan.wants_details(known, unknown, run) is wanted
            for details in DETAILS_READ[1:] if wanted else (None,):
                decided = plan.plan(known, unknown, details, run)
                expected = step(known, same, run, details)
                assert decided.emit == expected.emit - {HISTORY}
                assert decided.event is None
                noted = after(decided)
                assert noted.holds(HISTORY) is known.holds(HISTORY)
                assert noted.history == SAME
                held = (*after(expected).held[:-1], known.held[-1])
                assert noted == replace(after(expected), held=held)


@every_presence
def test_unknown_fields_that_are_not_compared_are_as_known(presence: Presence) -> None:
    for known, run in itertools.product(knowns(presence), RUNS):
        for row in (SAME, OTHER):
            unknown, same = Listed(SAME, row, None), Listed(SAME, row, SAME)
            wanted = plan.wants_details(known, same, run)
            assert plan.wants_details(known, unknown, run) is wanted
            details = Details(OTHER, 3) if wanted else None
            assert plan.plan(known, unknown, details, run) == step(
                known, same, run, details
            )


@every_presence
def test_unknown_fields_that_change_by_themselves_cost_no_details(
    presence: Presence,
) -> None:
    for known, selected in itertools.product(knowns(presence), SELECTIONS):
        run = Run(selected, volatile=True)
        listed = Listed(SAME, SAME, OTHER)
        wanted = plan.wants_details(known, AS_KNOWN, run)
        assert plan.wants_details(known, listed, run) is wanted
        details = Details(SAME, 3) if wanted else None
        decided = plan.plan(known, listed, details, run)
        calm = step(known, AS_KNOWN, run, details)
        assert decided.emit == calm.emit | (selected & {CANDIDATES})
        noted = after(decided)
        assert noted.extra == OTHER
        assert not plan.settled(known, listed, run)
        for stream in FROM_DETAILS:
            assert noted.holds(stream) is after(calm).holds(stream)
        if CANDIDATES not in selected and known.holds(CANDIDATES) is Held.CURRENT:
            assert noted.holds(CANDIDATES) is Held.STALE


@every_presence
def test_a_full_table_emits_every_candidate(presence: Presence) -> None:
    for known, selected in itertools.product(knowns(presence), SELECTIONS):
        for full in map(frozenset, itertools.combinations(selected & UPSERTED, 1)):
            run = Run(selected, full_table=full)
            wanted = plan.wants_details(known, AS_KNOWN, run)
            assert wanted is bool(
                full & FROM_DETAILS
                or plan.wants_details(known, AS_KNOWN, Run(selected))
            )
            assert not plan.settled(known, AS_KNOWN, run)
            details = Details(SAME, 3) if wanted else None
            emit = plan.plan(known, AS_KNOWN, details, run).emit
            assert emit >= full
            before = plan.before(known, AS_KNOWN, run, answers=3)
            assert before.holds(*full) is not Held.CURRENT


@every_presence
def test_a_full_table_that_is_not_selected_changes_nothing(presence: Presence) -> None:
    for known, run in itertools.product(knowns(presence), RUNS):
        other = replace(run, full_table=UPSERTED - run.selected)
        for listed in LISTED[:2]:
            wanted = plan.wants_details(known, listed, run)
            assert plan.wants_details(known, listed, other) is wanted
            is_settled = plan.settled(known, listed, run)
            assert plan.settled(known, listed, other) is is_settled
            details = Details(SAME, 3) if wanted else None
            decided = plan.plan(known, listed, details, other)
            assert decided == step(known, listed, run, details)


@every_presence
def test_settled(presence: Presence) -> None:
    """The short way is taken where a plan would change nothing."""
    variants = (*LISTED, Listed(SAME, SAME), Listed(None, SAME, SAME))
    for known, listed, run in itertools.product(knowns(presence), variants, RUNS):
        if plan.settled(known, listed, run):
            assert not plan.wants_details(known, listed, run)
            assert plan.plan(known, listed, None, run) == Plan(known)
        elif OTHER not in {listed.history, listed.row, listed.extra}:
            owed = any(known.holds(s) is not Held.CURRENT for s in run.selected)
            assert owed or known.presence not in {Presence.LISTED, Presence.UNREADABLE}


@every_presence
def test_whose_turn_it_is_is_read_and_noted(presence: Presence) -> None:
    for known, run in itertools.product(knowns(presence), RUNS):
        wanted = bool(run.selected & FROM_DETAILS)
        assert plan.wants_details(known, AS_KNOWN, run, due=True) is wanted
        details = Details(OTHER, 3) if wanted else None
        decided = plan.plan(known, AS_KNOWN, details, run, due=True)
        assert after(decided).verified is wanted
        before = plan.before(known, AS_KNOWN, run, due=True, answers=3)
        assert not before.verified
        for stream in decided.emit & FROM_DETAILS:
            assert before.holds(stream) is not Held.CURRENT
            assert before.answers == (3 if ANSWERS in run.selected else 2)
        kept = plan.plan(replace(known, verified=True), AS_KNOWN, None, run)
        assert after(kept).verified


# Where a candidate is


@every_presence
@pytest.mark.parametrize("relation", Relation)
def test_a_scope_counts_once_a_run_is_complete(
    presence: Presence, relation: Relation
) -> None:
    """A run that dies leaves nothing for the last scope to miss (20.17)."""
    known = Known((Held.CURRENT,) * 4, presence, SAME, SAME, SAME, SAME)
    counts = relation is Relation.SAME or presence is Presence.LISTED
    for due in (False, True):
        run = Run(frozenset(STREAMS), relation=relation)
        details = Details(SAME, 3) if due or presence in BACK else None
        listed_at = Presence.LISTED if counts else Presence.OUT_OF_SCOPE
        if presence is Presence.UNREADABLE and not due:
            listed_at = Presence.UNREADABLE
        decided = plan.plan(known, AS_KNOWN, details, run, due=due)
        assert after(decided).presence is listed_at
        before = plan.before(known, AS_KNOWN, run, due=due, answers=3)
        assert before.presence is listed_at
        is_settled = plan.settled(known, AS_KNOWN, run)
        assert is_settled is (listed_at is presence) or due or details is not None


@every_presence
def test_a_complete_run_settles_where_candidates_are(presence: Presence) -> None:
    known = Known((Held.CURRENT,) * 4, presence)
    for run in SCOPES:
        seen = absence.settle_scope(known, run, seen=True).presence
        unseen = absence.settle_scope(known, run, seen=False).presence
        if presence is Presence.DELETED:
            assert seen is unseen is presence
            continue
        is_read = presence is not Presence.UNREADABLE
        assert seen is (Presence.LISTED if is_read else presence)
        is_outside = run.relation is Relation.OTHER
        assert unseen is (Presence.OUT_OF_SCOPE if is_outside else presence)


# Missing ones

ASKED: dict[Presence, str] = {
    # The relation of the scopes in which it is asked for, where the lists lack it.
    Presence.LISTED: "same wider other",
    Presence.MISSED_ONCE: "same wider other",
    Presence.UNREADABLE: "same wider other",
    Presence.UNLISTED: "wider",
    Presence.OUT_OF_SCOPE: "",
    Presence.DELETED: "",
}
ASKED_BY_ALL = {**ASKED, Presence.OUT_OF_SCOPE: "same wider"}
"""The same, of a run that covers all scopes that there were."""


@every_presence
def test_who_is_missing_is_asked_for_once_there_is_a_reason(
    presence: Presence,
) -> None:
    for run, elsewhere in itertools.product(SCOPES, (True, False)):
        table = ASKED_BY_ALL if run.covers_all else ASKED
        is_asked = run.relation.value in table[presence].split()
        if run.relation is Relation.OTHER and elsewhere:
            is_asked = False
        known = Known(presence=presence)
        asked = absence.absent(known, run, due=False, elsewhere=elsewhere)
        assert asked is is_asked
        due = absence.absent(known, run, due=True, elsewhere=elsewhere)
        assert due is (presence is not Presence.DELETED)


def test_one_that_no_list_shows_is_asked_for_twice() -> None:
    """The list may have moved the first time; then it is archived, say."""
    known, asked = Known(presence=Presence.LISTED), []
    for _ in range(4):
        asked.append(absence.absent(known, ALL, due=False, elsewhere=False))
        known = absence.found(known, ALL) if asked[-1] else known
    assert asked == [True, True, False, False]
    assert known.presence is Presence.UNLISTED


@every_presence
def test_one_that_is_found_is_where_a_scope_may_miss_it(presence: Presence) -> None:
    expected = {
        Presence.LISTED: Presence.MISSED_ONCE,
        Presence.UNREADABLE: Presence.MISSED_ONCE,
        Presence.DELETED: Presence.DELETED,
    }.get(presence, Presence.UNLISTED)
    for run in SCOPES:
        known = Known((Held.STALE,) * 4, presence, SAME, SAME, SAME, SAME, 2)
        is_outside = run.relation is Relation.OTHER or (
            presence is Presence.OUT_OF_SCOPE and not run.covers_all
        )
        there = absence.found(known, run)
        assert there.presence is (Presence.OUT_OF_SCOPE if is_outside else expected)
        assert replace(there, presence=presence) == known


@every_presence
def test_tombstones(presence: Presence) -> None:
    """No row stays alive after a proof, nor is one told of twice."""
    for known, run in itertools.product(knowns(presence), RUNS):
        first = absence.tombstone(known, run)
        held = {s for s in STREAMS if known.holds(s) is not Held.NOTHING}
        assert first.emit == held & run.selected
        assert first.event == ("deleted" if HISTORY in first.emit else None)
        rest = held - run.selected
        assert (first.after is None) == (not rest)
        if first.after is not None:
            assert first.after.presence is Presence.DELETED
            assert {s for s in STREAMS if first.after.holds(s)} == rest
            assert all(first.after.holds(s) is known.holds(s) for s in rest)
            assert first.after.answers == known.answers
            second = absence.tombstone(first.after, ALL)
            assert second.emit == rest
            assert second.after is None


@every_presence
def test_a_crash_before_a_tombstone(presence: Presence) -> None:
    """It is told of again; one that comes back instead is emitted."""
    for known, run in itertools.product(knowns(presence), RUNS):
        before = absence.before_asked(known, run, answers=3)
        assert before.presence is presence
        decided = absence.tombstone(known, run)
        assert absence.tombstone(before, run) == replace(
            decided,
            after=decided.after and replace(decided.after, answers=before.answers),
        )
        held = {s for s in STREAMS if known.holds(s) is not Held.NOTHING}
        assert before.answers == (3 if ANSWERS in held & run.selected else 2)
        for stream in STREAMS:
            if stream in held & run.selected:
                is_new = known.holds(stream) is Held.PENDING
                assert before.holds(stream) is (Held.PENDING if is_new else Held.STALE)
            else:
                assert before.holds(stream) is known.holds(stream)
        if presence is not Presence.UNREADABLE:
            back = step(before, AS_KNOWN, run, Details(SAME, 3))
            assert back.emit >= decided.emit


def test_return() -> None:
    """Whoever comes back after a deletion is emitted whole, sooner or later.

    A run that dies in between changes nothing about it.
    """
    deleted = {
        absence.tombstone(known, run).after or UNKNOWN
        for known, run in itertools.product(knowns(Presence.LISTED), RUNS)
    }
    back = (AS_KNOWN, Listed(OTHER, SAME))
    for gone, listed, run in itertools.product(deleted, back, RUNS):
        emit = step(gone, listed, run, Details(SAME, 3))
        assert emit.emit >= run.selected & UPSERTED
        died = plan.before(gone, listed, run, answers=3)
        for stream in UPSERTED:
            for left in {died} if stream in run.selected else {died, after(emit)}:
                shown = Details(left.details, 3)
                assert stream in step(left, listed, ALONE[stream], shown).emit


def test_what_re_verification_finds_of_the_missing_is_emitted_once() -> None:
    """Missing, and there: what differs is emitted, and no stream is begun."""
    for known, run in itertools.product(knowns(Presence.LISTED), RUNS):
        held = {s for s in STREAMS if known.holds(s) is not Held.NOTHING}
        reads = bool(run.selected & FROM_DETAILS)
        before = absence.before_asked(known, run, answers=3)
        for listed, details in itertools.product(LISTED, DETAILS_READ[:2]):
            decided = absence.reverified(known, listed, details, run)
            assert decided.emit == {
                stream
                for stream in held & run.selected
                if known.holds(stream) is not Held.CURRENT
                or differs(stream, known, listed, details)
            }
            noted = after(decided)
            assert noted.verified
            assert noted.details == (details.digest if reads else SAME)
            assert {s for s in STREAMS if noted.holds(s)} == held
            for stream in held - run.selected:
                seen = details if reads else None
                is_stale = known.holds(stream) is not Held.CURRENT or differs(
                    stream, known, listed, seen
                )
                assert (noted.holds(stream) is not Held.CURRENT) is is_stale
            assert not absence.reverified(noted, listed, details, run).emit
            redone = absence.reverified(before, listed, details, run)
            assert redone.emit >= decided.emit


@every_presence
def test_wherever_a_missing_one_was_re_verification_finds_the_same(
    presence: Presence,
) -> None:
    for held in Held:
        known = Known((held,) * 4, Presence.LISTED, SAME, SAME, SAME, SAME, 2)
        there = replace(known, presence=presence)
        for listed, details in itertools.product(LISTED, DETAILS_READ):
            decided = absence.reverified(there, listed, details, ALL)
            expected = absence.reverified(known, listed, details, ALL)
            assert decided.emit == expected.emit
            found_at = absence.found(there, ALL).presence
            assert decided.after == replace(after(expected), presence=found_at)


def test_re_verification_of_the_missing_is_no_full_table() -> None:
    known = Known((Held.CURRENT,) * 4, Presence.UNLISTED, SAME, SAME, SAME, SAME)
    run = Run(frozenset(STREAMS), full_table=UPSERTED)
    decided = absence.reverified(known, AS_KNOWN, Details(SAME, 3), run)
    assert not decided.emit


# Those that cannot be read


def test_which_candidates_cannot_be_read() -> None:
    """One that was listed and read before, and answers 404, is deleted."""
    assert absence.is_unreadable(UNKNOWN)
    for presence in Presence:
        known = Known((Held.CURRENT,) * 4, presence)
        expected = presence in {Presence.DELETED, Presence.UNREADABLE}
        assert absence.is_unreadable(known) is expected


@pytest.mark.parametrize("presence", [None, Presence.DELETED, Presence.UNREADABLE])
def test_of_what_cannot_be_read_the_row_is_emitted_once(
    presence: Presence | None,
) -> None:
    cases = [UNKNOWN] if presence is None else knowns(presence)
    for known, listed, run in itertools.product(cases, LISTED, RUNS):
        decided = absence.unreadable(known, listed, run)
        assert decided.emit == {
            stream
            for stream in run.selected - FROM_DETAILS
            if known.holds(stream) is not Held.CURRENT
            or differs(stream, known, listed, None)
            or (known is UNKNOWN and stream not in FROM_DETAILS)
        }
        if HISTORY in decided.emit:
            is_new = known.holds(HISTORY) in NEW
            assert decided.event == ("created" if is_new else "updated")
        noted = after(decided)
        assert noted.presence is Presence.UNREADABLE
        assert not plan.wants_details(noted, listed, run)
        assert not absence.unreadable(noted, listed, run).emit
        for stream in FROM_DETAILS & run.selected:
            assert noted.holds(stream) is known.holds(stream)
        changed = replace(listed, row=3)
        assert plan.wants_details(noted, changed, run) is bool(
            run.selected & FROM_DETAILS
        )


@every_presence
def test_what_the_api_fails_to_serve_is_asked_for_again(presence: Presence) -> None:
    for known in knowns(presence):
        left = absence.not_served(known)
        for stream in STREAMS:
            is_missed = stream in FROM_DETAILS and known.holds(stream) is Held.CURRENT
            assert left.holds(stream) is (
                Held.STALE if is_missed else known.holds(stream)
            )
        assert replace(left, held=known.held) == known
        for stream in FROM_DETAILS if presence is not Presence.UNREADABLE else ():
            assert plan.wants_details(left, AS_KNOWN, ALONE[stream])


@pytest.mark.parametrize("stream", STREAMS)
def test_a_stream_that_is_made_stale_is_owed(stream: str) -> None:
    for known in knowns(Presence.LISTED):
        left = plan.make_stale(known, stream)
        assert left.holds(stream) is not Held.CURRENT
        assert bool(left.holds(stream)) is bool(known.holds(stream))
        place = STREAMS.index(stream)
        held = (*left.held[:place], known.held[place], *left.held[place + 1 :])
        assert replace(left, held=held) == known
        assert stream in step(left, AS_KNOWN, ALONE[stream], Details(SAME, 3)).emit


def test_streams_keep_their_places() -> None:
    """The state has what is held in this order."""
    assert (
        *("candidates", "candidate_details"),
        *("candidate_answers", "candidate_history"),
    ) == STREAMS
    known = Known((Held.NOTHING, Held.STALE, Held.CURRENT, Held.PENDING))
    assert [known.holds(stream) for stream in STREAMS] == list(Held)


def test_what_is_held_in_a_stream_that_there_is_not_is_a_mistake() -> None:
    known = Known((Held.CURRENT,) * (len(STREAMS) + 1), Presence.LISTED)
    for decide in (
        lambda: plan.plan(known, AS_KNOWN, None, ALONE[CANDIDATES]),
        lambda: plan.in_flight(known, frozenset({CANDIDATES}), 0),
        lambda: absence.tombstone(known, ALONE[CANDIDATES]),
    ):
        with pytest.raises(ValueError, match="longer"):
            decide()


def test_one_that_was_never_seen_is_in_no_scope() -> None:
    assert Known((Held.NOTHING,) * 4, Presence.OUT_OF_SCOPE) == UNKNOWN


def test_every_member_has_a_rule() -> None:
    assert plan.HELD.keys() == set(Held)
    assert plan.PRESENCE.keys() == set(Presence)
    # Where the lists of both scopes are read, nothing depends on what a run covers.
    assert {rule.other for rule in plan.PRESENCE.values()} == {
        Absence.ASK,
        Absence.LEAVE,
    }


@pytest.mark.parametrize(
    "value", [UNKNOWN, AS_KNOWN, DETAILS_READ[0], ALL, Plan(UNKNOWN)], ids=type
)
def test_a_decision_is_a_value_that_does_not_change(value: t.Any) -> None:
    for name in value.__slots__:
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, None)
