"""Laws of the decisions, over all cases that can be distinguished.

A case is what is known of a candidate, what its row and its details show, and what a
run selects. Digests are the same as the known ones, others, or unknown.
"""

from __future__ import annotations

import itertools
import re
import typing as t
from dataclasses import replace
from pathlib import Path

from tap_toggl_hire.sync import plan
from tap_toggl_hire.sync.plan import (
    CANDIDATE_STREAMS,
    HISTORY,
    NEW,
    Held,
    Listed,
    Presence,
    Selection,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator

Read = plan.Details | None
Case = tuple[plan.Known, Listed, Read, Selection]

SAME, OTHER = 7, 8
"""Digests: that of what is known, and another."""
AS_KNOWN = Listed(SAME, SAME, SAME, SAME)
ROWS = (
    AS_KNOWN,
    Listed(OTHER, SAME, SAME, SAME),  # a field that the history lacks
    Listed(OTHER, SAME, SAME, OTHER),
    Listed(SAME, OTHER, SAME, OTHER),
    Listed(SAME, SAME, OTHER, SAME),
    Listed(SAME, SAME, None, OTHER),  # a change that was missed by the history
    Listed(SAME, None, SAME, None),
    Listed(OTHER, None, None, None),
)
READ = tuple(
    plan.Details(digest, 3, is_torn=torn, contradicts_tags=contradicts)
    for digest in (SAME, OTHER)
    for torn, contradicts in ((False, False), (True, False), (False, True))
)
SELECTIONS = tuple(
    frozenset(streams)
    for size in range(1, 5)
    for streams in itertools.combinations(CANDIDATE_STREAMS, size)
)
ALL = Selection(frozenset(CANDIDATE_STREAMS))
ALONE = {stream: Selection(frozenset({stream})) for stream in CANDIDATE_STREAMS}
RUNS = (*map(Selection, SELECTIONS), replace(ALL, full_table=plan.UPSERTED))
KNOWN = tuple(
    plan.Known(held, Presence.LISTED, *(SAME,) * 5, answers=2)
    for held in itertools.product(Held, repeat=len(CANDIDATE_STREAMS))
    if any(held) and held[1] <= held[2]  # details and answers are alike
)
EVERYWHERE = tuple(replace(known, presence=p) for known in KNOWN for p in Presence)


def cases() -> Iterator[Case]:
    """Yield all listed candidates; details are read where they are wanted."""
    for known, listed, run in itertools.product((*KNOWN, NEW), ROWS, RUNS):
        is_wanted = plan.wants_details(known, listed, run)
        for read in READ if is_wanted else (None,):
            yield known, listed, read, run


def again(
    known: plan.Known, listed: Listed, read: plan.Details | None, run: Selection
) -> plan.Plan:
    """Plan once more, with details if they are wanted now."""
    is_wanted = plan.wants_details(known, listed, run)
    shown = read or plan.Details(known.details, 3)
    return plan.plan_listed(known, listed, shown if is_wanted else None, run)


def after(decided: plan.Plan) -> plan.Known:
    """Return what is known after a plan that forgets nothing."""
    assert decided.after is not None
    return decided.after


def differs(
    stream: str, known: plan.Known, listed: Listed, read: plan.Details | None
) -> bool:
    """Return whether the API shows anything that the last emission did not."""
    row = listed.row != known.row or listed.tags not in {known.tags, None}
    extra = stream == plan.CANDIDATES and listed.extra not in {known.extra, None}
    details = stream in plan.FROM_DETAILS and read and read.digest != known.details
    if stream == HISTORY:
        return listed.history not in {known.history, None}
    return bool(row or extra or details)


def contradicts_tags(read: Read) -> bool:
    return read is not None and read.contradicts_tags


def is_first_contradiction(known: plan.Known, listed: Listed, read: Read) -> bool:
    """Return whether details contradict the lists otherwise than they did before."""
    contradicts = read is not None and (read.is_torn or read.contradicts_tags)
    return contradicts and differs(plan.DETAILS, known, listed, read)


# What is emitted


def test_what_differs_or_is_not_current_is_emitted_and_nothing_else() -> None:
    for known, listed, read, run in cases():
        readable = {
            plan.CANDIDATES,
            *(plan.FROM_DETAILS if read else ()),
            *({HISTORY} if listed.history is not None else ()),
        }
        emit = plan.plan_listed(known, listed, read, run).emit
        if is_first_contradiction(known, listed, read) and contradicts_tags(read):
            readable -= {HISTORY}  # the next run writes it
        assert emit == {
            stream
            for stream in run.selected & readable
            if known.holds(stream) is not Held.CURRENT
            or stream in run.full_table
            or differs(stream, known, listed, read)
        }


def test_details_are_fetched_where_one_of_their_streams_needs_them() -> None:
    for known, listed, run in itertools.product((*KNOWN, NEW), ROWS, RUNS):
        needing = {
            stream
            for stream in run.selected & plan.FROM_DETAILS
            if known.holds(stream) is not Held.CURRENT
            or stream in run.full_table
            or differs(stream, known, replace(listed, extra=None), None)
        }
        assert plan.wants_details(known, listed, run) is bool(needing)


def test_a_stream_is_vouched_for_only_if_it_was_emitted_or_did_not_differ() -> None:
    for known, listed, read, run in cases():
        decided = plan.plan_listed(known, listed, read, run)
        noted = decided.after or NEW
        for stream in CANDIDATE_STREAMS:
            before, held = known.holds(stream), noted.holds(stream)
            if stream in decided.emit:
                assert held is not Held.ABSENT
            elif stream != HISTORY and held is Held.CURRENT:
                assert before is Held.CURRENT
                assert not differs(stream, known, listed, read)
            else:
                assert held is before or (before, held) == (Held.CURRENT, Held.STALE)


def test_what_was_seen_is_noted() -> None:
    for known, listed, read, run in cases():
        decided = plan.plan_listed(known, listed, read, run)
        noted = decided.after
        if noted is None:
            continue
        assert noted.row == listed.row
        assert noted.tags == (known.tags if listed.tags is None else listed.tags)
        assert noted.extra == (known.extra if listed.extra is None else listed.extra)
        emits_history = HISTORY in decided.emit
        assert noted.history == (listed.history if emits_history else known.history)
        assert read is None or noted.details == read.digest
        is_held = known.holds(plan.ANSWERS) is not Held.ABSENT
        is_counted = plan.ANSWERS in decided.emit or (read and not is_held)
        assert noted.answers == (3 if is_counted else known.answers)
        assert noted.presence is Presence.LISTED


def test_a_second_run_emits_nothing_but_torn_details_once() -> None:
    for known, listed, read, run in cases():
        noted = plan.plan_listed(known, listed, read, run).after or NEW
        second = again(noted, listed, read, run)
        if read is None or not (read.is_torn or read.contradicts_tags):
            unreadable = {HISTORY} if listed.history is None else set()
            assert second.emit <= run.full_table
            assert noted is NEW or all(
                noted.holds(stream) is Held.CURRENT
                for stream in run.selected - unreadable
            )
        else:
            waits = {HISTORY} if read.contradicts_tags else set()
            assert second.emit <= plan.FROM_DETAILS | run.full_table | waits
        last = again(second.after or NEW, listed, read, run)
        assert last.emit <= run.full_table
        if not run.full_table:
            assert not plan.wants_details(second.after or NEW, listed, run)


def test_a_stream_that_is_selected_later_is_emitted_if_it_missed_a_difference() -> None:
    for known, listed, read, run in cases():
        noted = plan.plan_listed(known, listed, read, run).after or NEW
        shown = plan.Details(read.digest if read else noted.details, 3)
        seen = replace(listed, history=SAME if listed.history is None else OTHER)
        for stream in plan.UPSERTED - run.selected:
            is_stale = known.holds(stream) is not Held.CURRENT or differs(
                stream, known, listed, read
            )
            is_emitted = stream in again(noted, seen, shown, ALONE[stream]).emit
            assert is_emitted is is_stale


# Torn details


def test_torn_details_are_stale_until_they_come_twice() -> None:
    for known, listed, read, run in cases():
        if read is not None:
            decided = plan.plan_listed(known, listed, read, run)
            is_due_again = is_first_contradiction(known, listed, read)
            expected = Held.STALE if is_due_again else Held.CURRENT
            for stream in plan.FROM_DETAILS & decided.emit:
                assert after(decided).holds(stream) is expected


def test_torn_details_of_before_a_missed_change_are_not_taken_for_permanent() -> None:
    """They are as old as the details that were emitted last."""
    known = plan.Known((Held.CURRENT,) * 4, Presence.LISTED, *(SAME,) * 5)
    changed = Listed(OTHER, SAME, SAME, OTHER)
    for missed in (
        plan.plan_listed(known, changed, None, ALONE[plan.CANDIDATES]),
        plan.plan_without_details(known, changed, ALL),
    ):
        torn = again(after(missed), changed, plan.Details(SAME, 3, is_torn=True), ALL)
        assert after(torn).holds(plan.DETAILS) is Held.STALE


# Runs that die


def test_only_what_may_be_emitted_is_announced() -> None:
    """Else a run that dies would make `candidate_history` repeat its last rows."""
    for known, listed, run in itertools.product((*KNOWN, NEW), ROWS, RUNS):
        fetched = plan.wants_details(known, listed, run)
        reads = READ if fetched else (None,)
        emitted: set[str] = set()
        for read in reads:
            emitted |= plan.plan_listed(known, listed, read, run).emit
        assert plan.may_emit(known, listed, run) == emitted


def test_an_announcement_changes_what_is_held_and_nothing_else() -> None:
    for known, streams in itertools.product((*EVERYWHERE, NEW), SELECTIONS):
        before = plan.intent(known, streams, 3)
        most = max(3, known.answers) if plan.ANSWERS in streams else known.answers
        assert replace(before, held=known.held, answers=known.answers) == known
        assert before.answers == most
        for stream in CANDIDATE_STREAMS:
            expected = Held.STALE if stream in streams else known.holds(stream)
            assert before.holds(stream) is expected
    assert plan.intent(KNOWN[-1], ALL.selected, 1).answers == 2


def test_after_a_run_that_died_everything_it_had_is_emitted_again() -> None:
    """Also if it was changed back meanwhile."""
    for known, listed, read, run in cases():
        decided = plan.plan_listed(known, listed, read, run)
        before = plan.intent(known, plan.may_emit(known, listed, run), 3)
        once = again(before, listed, read, run)
        assert once.emit >= decided.emit
        assert again(before, AS_KNOWN, read, run).emit >= decided.emit
        if decided.event is not None:
            assert once.event == decided.event
        gone = plan.plan_gone(before, ALL)
        assert gone.emit >= decided.emit
        for stream in plan.UPSERTED - decided.emit - run.selected:
            # Of the others it may have noted nothing.
            assert before.holds(stream) is known.holds(stream)


# History


def test_a_candidate_is_created_while_no_row_of_history_was_vouched_for() -> None:
    for known, listed, read, run in cases():
        decided = plan.plan_listed(known, listed, read, run)
        event = "created" if known.history == plan.NEVER else "updated"
        assert decided.event == (event if HISTORY in decided.emit else None)
    died = plan.intent(NEW, ALL.selected, 3)
    assert plan.plan_listed(died, AS_KNOWN, READ[0], ALL).event == "created"
    held = plan.Known((Held.STALE,) * 4, Presence.LISTED, *(plan.UNKNOWN_VALUE,) * 5)
    assert plan.plan_listed(held, AS_KNOWN, READ[0], ALL).event == "updated"


def test_unknown_tags_leave_the_history_as_it_was() -> None:
    for known, run, row in itertools.product(KNOWN, RUNS, (SAME, OTHER)):
        unknown = Listed(row, None, SAME, None)
        same = Listed(row, SAME, SAME, SAME)
        is_wanted = plan.wants_details(known, same, run)
        assert plan.wants_details(known, unknown, run) is is_wanted
        for read in READ if is_wanted else (None,):
            decided = plan.plan_listed(known, unknown, read, run)
            expected = plan.plan_listed(known, same, read, run)
            assert decided.emit == expected.emit - {HISTORY}
            assert decided.event is None
            held = (*after(expected).held[:-1], known.holds(HISTORY))
            assert after(decided) == replace(after(expected), held=held)


# Unknown fields, full tables, the short way


def test_unknown_fields_of_a_row_never_cost_details() -> None:
    for known, run in itertools.product(KNOWN, RUNS):
        listed = replace(AS_KNOWN, extra=OTHER)
        is_wanted = plan.wants_details(known, AS_KNOWN, run)
        assert plan.wants_details(known, listed, run) is is_wanted
        decided = again(known, listed, plan.Details(SAME, 3), run)
        calm = again(known, AS_KNOWN, plan.Details(SAME, 3), run)
        assert decided.emit == calm.emit | (run.selected & {plan.CANDIDATES})


def test_a_candidate_is_settled_exactly_if_there_is_nothing_to_do() -> None:
    for known, listed, run in itertools.product((*EVERYWHERE, NEW), ROWS, RUNS):
        is_idle = (
            not plan.wants_details(known, listed, run)
            and plan.plan_listed(known, listed, None, run) == plan.Plan(known)
            # Where tags are unknown, a due row of history has to wait.
            and not (HISTORY in run.selected and known.holds(HISTORY) < Held.CURRENT)
        )
        assert plan.is_settled(known, listed, run) is is_idle


def test_a_candidate_of_which_nothing_is_held_is_forgotten() -> None:
    listed = Listed(SAME, None, SAME, None)
    assert plan.plan_listed(NEW, listed, None, ALONE[HISTORY]) == plan.Plan(None)


# plan.Details that were not found, or re-fetched


def test_without_its_details_a_row_is_emitted_and_the_details_stay_due() -> None:
    for known, listed, run in itertools.product((*KNOWN, NEW), ROWS, RUNS):
        decided = plan.plan_without_details(known, listed, run)
        assert decided.emit == plan.plan_listed(known, listed, None, run).emit
        if known is NEW and not decided.emit:
            assert decided.after is None
            continue
        noted = after(decided)
        for stream in plan.FROM_DETAILS:
            was_held = known.holds(stream) is not Held.ABSENT
            assert noted.holds(stream) is (Held.STALE if was_held else Held.ABSENT)
        assert (noted.row, noted.answers) == (listed.row, known.answers)


def test_reverification_emits_details_that_differ_and_nothing_else() -> None:
    for known, read, run in itertools.product(KNOWN, READ, RUNS):
        decided, noted = plan.plan_reverified(known, read, run), {}
        assert decided.event is None
        for stream in CANDIDATE_STREAMS:
            held = known.holds(stream)
            is_seen = stream in plan.FROM_DETAILS
            is_due = is_seen and (held is not Held.CURRENT or read.digest == OTHER)
            is_emitted = is_due and stream in run.selected
            assert (stream in decided.emit) is is_emitted
            is_missed = is_due and not is_emitted and held is Held.CURRENT
            noted[stream] = Held.STALE if is_missed else held
            if is_emitted:
                noted[stream] = after(decided).holds(stream)
        if is_first_contradiction(known, AS_KNOWN, read):
            is_current = noted[plan.DETAILS] is Held.CURRENT
            assert not is_current
        expected = replace(known, held=(*noted.values(),), details=read.digest)
        assert replace(after(decided), answers=2) == expected


# Candidates that the lists lack

ASK, LEAVE, TOMBSTONE = plan.Absence.ASK, plan.Absence.LEAVE, plan.Absence.TOMBSTONE
MISSING = {
    # presence: in an unnarrowed run, in one as narrowed as before, and in another one
    Presence.LISTED: (ASK, ASK, plan.Absence.ASK_IF_FEW),
    Presence.UNLISTED: (LEAVE, LEAVE, LEAVE),
    Presence.OUT_OF_SCOPE: (ASK, LEAVE, LEAVE),
    Presence.DELETED: (TOMBSTONE, TOMBSTONE, TOMBSTONE),
}


def test_what_is_done_about_a_missing_candidate() -> None:
    narrowed = replace(ALL, narrowed=True)
    for presence, expected in MISSING.items():
        known = plan.Known(presence=presence)
        for is_same, found in ((True, expected[1]), (False, expected[2])):
            run = replace(narrowed, same_scope=is_same)
            assert plan.absence(known, run) is found
            assert plan.absence(known, replace(run, narrowed=False)) is expected[0]
        is_reverified = plan.PRESENCE[presence].reverified
        assert is_reverified is (presence is not Presence.DELETED)


def test_a_missing_candidate_that_is_found_is_planned_like_a_listed_one() -> None:
    for known, listed, read, run in itertools.product(KNOWN, ROWS, READ, RUNS):
        decided = plan.plan_found(known, listed, read, run)
        noted = replace(after(decided), presence=Presence.LISTED)
        expected = plan.plan_listed(known, listed, read, run)
        assert replace(decided, after=noted) == expected


def test_only_an_unnarrowed_list_shows_that_a_candidate_is_archived() -> None:
    for presence, narrowed in itertools.product(Presence, (False, True)):
        known = replace(KNOWN[-1], presence=presence)
        run = replace(ALL, narrowed=narrowed)
        archived = not narrowed or presence is Presence.UNLISTED
        expected = Presence.UNLISTED if archived else Presence.OUT_OF_SCOPE
        found = plan.plan_found(known, AS_KNOWN, READ[0], run)
        assert after(found).presence is expected


def test_a_deletion_leaves_tombstones_in_the_selected_streams_that_hold_it() -> None:
    for known, run in itertools.product(EVERYWHERE, RUNS):
        decided = plan.plan_gone(known, run)
        held = {s for s in CANDIDATE_STREAMS if known.holds(s) is not Held.ABSENT}
        assert decided.emit == held & run.selected
        assert decided.event == ("deleted" if HISTORY in decided.emit else None)
        if held <= run.selected:
            assert decided.after is None
            continue
        left = after(decided)
        assert left.presence is Presence.DELETED
        for stream in CANDIDATE_STREAMS:
            expected = Held.ABSENT if stream in run.selected else known.holds(stream)
            assert left.holds(stream) is expected
        assert left.answers == (0 if plan.ANSWERS in decided.emit else 2)
        # Should it come back, its history begins anew.
        assert left.history == (plan.NEVER if HISTORY in decided.emit else SAME)


def test_each_stream_gets_one_tombstone_whenever_it_is_selected() -> None:
    for known, order in itertools.product(
        KNOWN, itertools.permutations(CANDIDATE_STREAMS)
    ):
        left: plan.Known | None = known
        buried: list[str] = []
        for stream in (*order, *order):
            if left is None:
                break
            if buried:
                assert plan.absence(left, ALONE[stream]) is plan.Absence.TOMBSTONE
            decided = plan.plan_gone(left, ALONE[stream])
            buried += decided.emit
            left = decided.after
        assert left is None
        assert sorted(buried) == sorted(s for s in CANDIDATE_STREAMS if known.holds(s))


def test_a_deleted_candidate_that_is_listed_again_is_emitted_where_it_was_gone() -> (
    None
):
    for known, run in itertools.product(KNOWN, map(Selection, SELECTIONS)):
        gone = plan.plan_gone(known, run)
        if gone.after is not None:
            assert not plan.is_settled(gone.after, AS_KNOWN, run)
            back = again(gone.after, AS_KNOWN, plan.Details(SAME, 3), run)
            assert back.emit >= gone.emit
            assert after(back).presence is Presence.LISTED
            assert HISTORY not in gone.emit or back.event == "created"


# The rest


def test_what_misses_a_difference_becomes_stale() -> None:
    for known, stream in itertools.product(EVERYWHERE, CANDIDATE_STREAMS):
        held = dict(zip(CANDIDATE_STREAMS, known.held, strict=True))
        if held[stream] is Held.CURRENT:
            held[stream] = Held.STALE
        expected = replace(known, held=(*held.values(),))
        assert plan.make_stale(known, stream) == expected


def test_more_than_half_and_more_than_twenty_are_most() -> None:
    for count, total in ((21, 41), (22, 43)):
        assert plan.is_most(count, total)
    for count, total in ((0, 0), (20, 20), (21, 42)):
        assert not plan.is_most(count, total)


def test_decisions_depend_on_nothing_else() -> None:
    source = Path(plan.__file__).read_text("utf-8")
    modules = set(
        re.findall(r"^(?:from|import) (\w+)(?: import|$)", source, re.MULTILINE)
    )
    modules -= {"mutmut"}  # under mutation tests
    assert modules == {"__future__", "dataclasses", "enum", "typing"}
