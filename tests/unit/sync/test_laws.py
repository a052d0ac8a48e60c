"""What must hold of every decision, over all cases that can be told apart.

A case is what is known of a candidate, what its row shows, what a run selects. Digests
only count as the same as the known ones or not; `candidate_details` and
`candidate_answers` are alike, so only one of two mirrored cases is looked at.
"""

from __future__ import annotations

import itertools
import typing as t
from dataclasses import replace

import pytest

from tap_toggl_hire.sync import absence, plan
from tap_toggl_hire.sync.plan import (
    ANSWERS,
    CANDIDATES,
    DETAILS,
    FROM_DETAILS,
    HISTORY,
    STREAMS,
    UPSERTED,
    Details,
    Held,
    Known,
    Listed,
    Presence,
    Relation,
    Run,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator

SAME, OTHER = 1, 2
"""Digests: that of what is known, and another."""
LISTED = tuple(
    Listed(*digests)
    for digests in (
        (SAME, SAME, SAME),
        (OTHER, SAME, SAME),
        (SAME, OTHER, SAME),
        (SAME, SAME, OTHER),
        (SAME, SAME, None),
        (None, SAME, SAME),
        (None, OTHER, SAME),
    )
)
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
ALL = Run(frozenset(STREAMS))


def knowns(presence: Presence) -> Iterator[Known]:
    """All that may be known of a candidate that was last seen somewhere."""
    for held in itertools.product(Held, repeat=len(STREAMS)):
        if held[STREAMS.index(DETAILS)] <= held[STREAMS.index(ANSWERS)]:
            yield Known(held, presence, SAME, SAME, SAME, SAME, answers=2)


def cases(presence: Presence) -> Iterator[tuple[Known, Listed, Run, Details | None]]:
    """All candidates of a presence that the list has, as a run finds them."""
    for known, selected in itertools.product(knowns(presence), SELECTIONS):
        run = Run(selected)
        for listed in LISTED:
            if not plan.wants_details(known, listed, run):
                yield known, listed, run, None
                continue
            for details in DETAILS_READ:
                yield known, listed, run, details


def again(known: Known, listed: Listed, run: Run, details: Details) -> plan.Plan:
    """Plan once more, with details if they are wanted now."""
    wanted = plan.wants_details(known, listed, run)
    return plan.plan(known, listed, details if wanted else None, run)


every_presence = pytest.mark.parametrize("presence", Presence)


@every_presence
def test_crash(presence: Presence) -> None:
    """A run that died emitted something: the next emits it again, changed or not."""
    for known, listed, run, details in cases(presence):
        emitted = plan.plan(known, listed, details, run).emit
        before = plan.before(known, listed, run, answers=3)
        assert before.presence is not Presence.DELETED
        if ANSWERS in emitted:
            assert before.answers >= 3
        assert again(before, listed, run, details or Details(SAME, 3)).emit >= emitted
        back = Listed(SAME, SAME, SAME)  # it was changed back meanwhile
        assert again(before, back, run, Details(SAME, 3)).emit >= emitted


@every_presence
def test_convergence(presence: Presence) -> None:
    """What was emitted is not emitted again; torn details are, once."""
    for known, listed, run, details in cases(presence):
        decided = plan.plan(known, listed, details, run)
        assert decided.after is not None
        assert (decided.event is not None) == (HISTORY in decided.emit)
        read = details or Details(SAME, 3)
        second = again(decided.after, listed, run, read)
        assert second.after is not None
        allowed = FROM_DETAILS if read.torn else frozenset()
        assert second.emit <= allowed | owed(decided.after, listed, run, details)
        third = again(second.after, listed, run, read)
        assert third.emit <= owed(second.after, listed, run, details)


def owed(
    known: Known, listed: Listed, run: Run, details: Details | None
) -> frozenset[str]:
    """What a plan leaves for another day: the history, while tags are unknown."""
    del known, run
    is_open = listed.history is None
    return frozenset({HISTORY}) if is_open and details is None else frozenset()


@every_presence
def test_no_silent_staleness(presence: Presence) -> None:
    """What changed while its stream was not selected is emitted once it is."""
    for known, listed, run, details in cases(presence):
        after = plan.plan(known, listed, details, run).after
        assert after is not None
        differs = {
            CANDIDATES: listed != Listed(SAME, SAME, SAME)
            and listed not in {Listed(SAME, SAME), Listed(None, SAME, SAME)},
            HISTORY: listed.history == OTHER,
        }
        shown = OTHER in (listed.history, listed.row, listed.extra)
        differs[DETAILS] = differs[ANSWERS] = shown
        for stream in set(STREAMS) - run.selected:
            later = Run(frozenset({stream}))
            if presence is Presence.UNREADABLE and stream in FROM_DETAILS:
                continue  # they cannot be read
            held = known.holds(stream)
            if differs[stream] or held is not Held.CURRENT:
                seen = replace(listed, history=listed.history or SAME)
                assert stream in again(after, seen, later, Details(OTHER, 3)).emit


@every_presence
def test_settled(presence: Presence) -> None:
    """The short way is taken where a plan would change nothing, and only there."""
    for known, listed, run, details in cases(presence):
        is_settled = plan.settled(known, listed, run)
        decided = plan.plan(known, listed, details, run)
        changes = details is not None or decided.emit or decided.after != known
        assert not (is_settled and changes)
        if not changes and presence is not Presence.UNREADABLE:
            assert is_settled or PRESENCE_RETURNS(known)


def PRESENCE_RETURNS(known: Known) -> bool:  # noqa: N802
    return plan.PRESENCE[known.presence].returns


@every_presence
def test_tombstones(presence: Presence) -> None:
    """No row stays alive after a proof, nor is one told of twice."""
    for known, selected in itertools.product(knowns(presence), SELECTIONS):
        first = absence.tombstone(known, Run(selected))
        held = {stream for stream in STREAMS if known.holds(stream)}
        assert first.emit == held & selected
        assert (first.event == "deleted") == (HISTORY in first.emit)
        rest = held - selected
        assert (first.after is None) == (not rest)
        if first.after is not None:
            assert first.after.presence is Presence.DELETED
            second = absence.tombstone(first.after, ALL)
            assert second.emit == rest
            assert second.after is None


@every_presence
def test_return(presence: Presence) -> None:
    """Whoever comes back after a deletion is emitted whole, sooner or later."""
    for known, selected in itertools.product(knowns(presence), SELECTIONS):
        gone = absence.tombstone(known, Run(selected)).after or plan.UNKNOWN
        for listed, chosen in itertools.product(LISTED[:2], SELECTIONS):
            back = again(gone, listed, Run(chosen), Details(SAME, 3))
            assert back.emit >= chosen & UPSERTED
            assert back.after is not None
            rest = frozenset(STREAMS) - chosen
            if rest:
                later = again(back.after, listed, Run(rest), Details(SAME, 3))
                assert later.emit >= rest & UPSERTED


@every_presence
def test_what_re_verification_finds_of_the_missing_is_emitted_once(
    presence: Presence,
) -> None:
    """Missing, and there: what differs is emitted, and no stream is begun."""
    for known, selected in itertools.product(knowns(presence), SELECTIONS):
        run = Run(selected)
        for listed in LISTED[:4]:
            for details in DETAILS_READ[:2]:
                decided = absence.reverified(known, listed, details, run)
                held = {stream for stream in STREAMS if known.holds(stream)}
                assert decided.emit <= held & selected
                assert decided.after is not None
                second = absence.reverified(decided.after, listed, details, run)
                assert not second.emit
                before = absence.before_asked(known, run, answers=3)
                again = absence.reverified(before, listed, details, run)
                assert decided.emit <= again.emit


SCOPES = tuple(itertools.product(Relation, (True, False)))


def test_nobody_is_asked_for_without_a_reason() -> None:
    """Who is asked for where the lists lack a candidate, case by case."""
    asked = {
        (presence, relation, covers_all, elsewhere)
        for presence in Presence
        for (relation, covers_all), elsewhere in itertools.product(
            SCOPES, (True, False)
        )
        if absence.absent(
            Known(presence=presence),
            Run(frozenset(STREAMS), relation=relation, covers_all=covers_all),
            elsewhere=elsewhere,
        )
    }
    for presence, relation, covers_all, elsewhere in asked:
        assert presence is not Presence.DELETED
        assert not (relation is Relation.OTHER and elsewhere)
        if presence is Presence.OUT_OF_SCOPE:
            assert covers_all
            assert relation is not Relation.OTHER
    listed = {Presence.LISTED, Presence.MISSED_ONCE, Presence.UNREADABLE}
    for presence, (relation, covers_all) in itertools.product(listed, SCOPES):
        assert (presence, relation, covers_all, False) in asked


def test_whose_turn_it_is_is_asked_for_unless_deleted() -> None:
    for presence, (relation, covers_all) in itertools.product(Presence, SCOPES):
        run = Run(frozenset(STREAMS), relation=relation, covers_all=covers_all)
        due = absence.absent(Known(presence=presence), run, due=True, elsewhere=True)
        assert due is (presence is not Presence.DELETED)


def test_every_member_has_a_rule() -> None:
    assert plan.HELD.keys() == set(Held)
    assert plan.PRESENCE.keys() == set(Presence)
