"""Laws of the decisions, over all cases that can be distinguished.

A case is what is known of a candidate, what its list row and its details show, and what
a run selects. A digest is the one that is known, another one, or not compared.
"""

from __future__ import annotations

import itertools
import typing as t
from dataclasses import replace

from tap_toggl_hire.sync import plan
from tap_toggl_hire.sync.plan import (
    ANSWERS,
    CANDIDATE_STREAMS,
    CANDIDATES,
    DETAILS,
    FROM_DETAILS,
    HISTORY,
    NEVER,
    NEW,
    UNKNOWN_VALUE,
    UPSERTED,
    Absence,
    Details,
    Held,
    Known,
    Listed,
    Plan,
    Presence,
    Selection,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator

Case = tuple[Known, Listed, Details | None, Selection]

SAME, OTHER = 7, 8
"""Digests: the known one, and another."""
UNCHANGED = Listed(SAME, SAME, SAME, SAME)
LISTED = (
    UNCHANGED,
    Listed(OTHER, SAME, SAME, SAME),  # a field that the history lacks
    Listed(OTHER, SAME, SAME, OTHER),
    Listed(SAME, OTHER, SAME, OTHER),
    Listed(SAME, SAME, OTHER, SAME),  # an unknown field
    Listed(SAME, SAME, None, OTHER),  # a change that the history missed
    Listed(SAME, None, SAME, None),  # unknown tags
    Listed(OTHER, None, None, None),
)
READ = tuple(
    Details(digest, 3, is_torn=is_torn, contradicts_tags=contradicts_tags)
    for digest in (SAME, OTHER)
    for is_torn, contradicts_tags in ((False, False), (True, False), (False, True))
)
CONSISTENT = Details(SAME, 3)
SELECTED = tuple(
    frozenset(streams)
    for size in range(1, 5)
    for streams in itertools.combinations(CANDIDATE_STREAMS, size)
)
ALL = Selection(frozenset(CANDIDATE_STREAMS))
ONLY = {stream: Selection(frozenset({stream})) for stream in CANDIDATE_STREAMS}
SELECTIONS = (*map(Selection, SELECTED), replace(ALL, full_table=UPSERTED))
KNOWN = tuple(
    Known(held, Presence.LISTED, *(SAME,) * 5, answers=2)
    for held in itertools.product(Held, repeat=len(CANDIDATE_STREAMS))
    if any(held) and held[1] <= held[2]  # details and answers are alike
)
EVERYWHERE = tuple(
    replace(known, presence=presence) for known in KNOWN for presence in Presence
)
CURRENT = Known((Held.CURRENT,) * 4, Presence.LISTED, *(SAME,) * 5, answers=2)
ANNOUNCED = plan.intent(NEW, ALL.selected, 9)
"""What a first run leaves that was killed after its first STATE."""
FROM_WAREHOUSE = Known(
    (Held.STALE,) * 4, Presence.LISTED, *(UNKNOWN_VALUE,) * 5, answers=2
)
LISTABLE = (*KNOWN, NEW, ANNOUNCED, FROM_WAREHOUSE)


def cases() -> Iterator[Case]:
    """Yield all listed candidates, with details where they are requested."""
    for known, listed, selection in itertools.product(LISTABLE, LISTED, SELECTIONS):
        wants_details = plan.wants_details(known, listed, selection)
        for read in READ if wants_details else (None,):
            yield known, listed, read, selection


def plan_again(
    known: Known, listed: Listed, read: Details | None, selection: Selection
) -> Plan:
    """Plan the next run, in which the details are the same if they are requested."""
    wants_details = plan.wants_details(known, listed, selection)
    shown = read or Details(known.details, 3)
    return plan.plan_listed(known, listed, shown if wants_details else None, selection)


def known_after(decided: Plan) -> Known:
    """Return what is known after a plan that does not forget the candidate."""
    assert decided.after is not None
    return decided.after


def differs(stream: str, known: Known, listed: Listed, read: Details | None) -> bool:
    """Return whether the API shows anything that was not emitted last time."""
    if stream == HISTORY:
        return listed.history not in {known.history, None}
    row = listed.row != known.row or listed.tags not in {known.tags, None}
    extra = stream == CANDIDATES and listed.extra not in {known.extra, None}
    details = stream in FROM_DETAILS and read and read.digest != known.details
    return bool(row or extra or details)


def is_first_contradiction(known: Known, listed: Listed, read: Details | None) -> bool:
    """Return whether details contradict the lists, and did not do so before."""
    contradicts = read is not None and (read.is_torn or read.contradicts_tags)
    return contradicts and differs(DETAILS, known, listed, read)


def history_waits(known: Known, listed: Listed, read: Details | None) -> bool:
    """Return whether the row of the history is left to the next run."""
    contradicts_tags = read is not None and read.contradicts_tags
    return contradicts_tags and is_first_contradiction(known, listed, read)


# What is emitted


def test_only_changed_or_stale_streams_are_emitted() -> None:
    for known, listed, read, selection in cases():
        possible = {CANDIDATES}
        if read is not None:
            possible |= FROM_DETAILS
        if listed.history is not None and not history_waits(known, listed, read):
            possible |= {HISTORY}
        assert plan.plan_listed(known, listed, read, selection).emit == {
            stream
            for stream in selection.selected & possible
            if known.holds(stream) is not Held.CURRENT
            or stream in selection.full_table
            or differs(stream, known, listed, read)
        }


def test_details_are_requested_if_one_of_their_streams_needs_them() -> None:
    for known, listed, selection in itertools.product(LISTABLE, LISTED, SELECTIONS):
        needing = {
            stream
            for stream in selection.selected & FROM_DETAILS
            if known.holds(stream) is not Held.CURRENT
            or stream in selection.full_table
            or differs(stream, known, replace(listed, extra=None), None)
        }
        assert plan.wants_details(known, listed, selection) is bool(needing)


def test_unknown_fields_of_a_row_never_cost_a_request() -> None:
    changed = replace(UNCHANGED, extra=OTHER)
    for known, selection in itertools.product(KNOWN, SELECTIONS):
        assert plan.wants_details(known, changed, selection) is plan.wants_details(
            known, UNCHANGED, selection
        )
        emit = plan_again(known, UNCHANGED, CONSISTENT, selection).emit
        expected = emit | (selection.selected & {CANDIDATES})
        assert plan_again(known, changed, CONSISTENT, selection).emit == expected


def test_candidate_is_settled_exactly_if_there_is_nothing_to_do() -> None:
    for known, listed, selection in itertools.product(
        (*EVERYWHERE, NEW), LISTED, SELECTIONS
    ):
        has_nothing_to_do = (
            not plan.wants_details(known, listed, selection)
            and plan.plan_listed(known, listed, None, selection) == Plan(known)
            # Where tags are unknown, a row of the history that is due has to wait.
            and not (
                HISTORY in selection.selected
                and known.holds(HISTORY) is not Held.CURRENT
            )
        )
        assert plan.is_settled(known, listed, selection) is has_nothing_to_do


# What is known afterwards


def test_stream_is_current_only_if_it_was_emitted_or_did_not_differ() -> None:
    for known, listed, read, selection in cases():
        decided = plan.plan_listed(known, listed, read, selection)
        for stream in CANDIDATE_STREAMS:
            before, after = known.holds(stream), (decided.after or NEW).holds(stream)
            if stream in decided.emit:
                assert after is not Held.ABSENT
            elif stream != HISTORY and after is Held.CURRENT:
                assert before is Held.CURRENT
                assert not differs(stream, known, listed, read)
            else:
                is_missed = (before, after) == (Held.CURRENT, Held.STALE)
                assert after is before or is_missed


def test_digests_of_what_was_shown_are_noted() -> None:
    for known, listed, read, selection in cases():
        decided = plan.plan_listed(known, listed, read, selection)
        after = decided.after
        if after is None:
            continue
        assert after.presence is Presence.LISTED
        assert after.row == listed.row
        assert after.tags == (known.tags if listed.tags is None else listed.tags)
        assert after.extra == (known.extra if listed.extra is None else listed.extra)
        emits_history = HISTORY in decided.emit
        assert after.history == (listed.history if emits_history else known.history)
        assert read is None or after.details == read.digest


def test_second_run_emits_nothing_new() -> None:
    """Only details that contradict the lists come twice, and what waits for them."""
    for known, listed, read, selection in cases():
        after = plan.plan_listed(known, listed, read, selection).after or NEW
        second = plan_again(after, listed, read, selection)
        allowed = selection.full_table
        if read is not None and (read.is_torn or read.contradicts_tags):
            allowed |= FROM_DETAILS
        if history_waits(known, listed, read):
            allowed |= {HISTORY}
        assert second.emit <= allowed
        settled = second.after or NEW
        third = plan_again(settled, listed, read, selection)
        assert third.emit <= selection.full_table
        if not selection.full_table:
            assert not plan.wants_details(settled, listed, selection)


def test_selected_streams_are_current_after_consistent_details() -> None:
    for known, listed, read, selection in cases():
        after = plan.plan_listed(known, listed, read, selection).after
        is_consistent = read is None or not (read.is_torn or read.contradicts_tags)
        if after is None or not is_consistent:
            continue
        unreadable = {HISTORY} if listed.history is None else set()
        for stream in selection.selected - unreadable:
            assert after.holds(stream) is Held.CURRENT


def test_stream_that_is_selected_later_is_emitted_if_it_missed_a_difference() -> None:
    for known, listed, read, selection in cases():
        after = plan.plan_listed(known, listed, read, selection).after or NEW
        for stream in UPSERTED - selection.selected:
            has_missed = known.holds(stream) is not Held.CURRENT or differs(
                stream, known, listed, read
            )
            shown = Details(read.digest if read else after.details, 3)
            later = plan_again(after, listed, shown, ONLY[stream])
            assert (stream in later.emit) is has_missed


def test_candidate_without_any_row_in_the_target_is_forgotten() -> None:
    unknown_tags = Listed(SAME, None, SAME, None)
    assert plan.plan_listed(NEW, unknown_tags, None, ONLY[HISTORY]) == Plan(None)


# Details that contradict the lists


def test_contradicting_details_are_stale_until_they_come_twice() -> None:
    for known, listed, read, selection in cases():
        if read is None:
            continue
        decided = plan.plan_listed(known, listed, read, selection)
        is_first = is_first_contradiction(known, listed, read)
        for stream in FROM_DETAILS & decided.emit:
            expected = Held.STALE if is_first else Held.CURRENT
            assert known_after(decided).holds(stream) is expected


def test_history_waits_until_details_agree_with_the_tags() -> None:
    """Its row has the tags, which one of both shows wrongly."""
    for known, listed, read, selection in cases():
        if read is None or not read.contradicts_tags:
            continue
        decided = plan.plan_listed(known, listed, read, selection)
        torn = replace(read, contradicts_tags=False, is_torn=True)
        expected = plan.plan_listed(known, listed, torn, selection)
        if not is_first_contradiction(known, listed, read):
            assert decided == expected
            continue
        assert decided.emit == expected.emit - {HISTORY}
        assert decided.event is None
        after = known_after(decided)
        assert after.holds(HISTORY) is known.holds(HISTORY)
        assert after.history == known.history
        if HISTORY in expected.emit:
            next_run = plan_again(after, listed, read, selection)
            assert next_run.event == expected.event


def test_details_of_before_a_missed_change_are_not_taken_for_permanent() -> None:
    """They are as old as the details that were emitted last."""
    changed = Listed(OTHER, SAME, SAME, OTHER)
    for missed in (
        plan.plan_listed(CURRENT, changed, None, ONLY[CANDIDATES]),
        plan.plan_without_details(CURRENT, changed, ALL),
    ):
        old = Details(SAME, 3, is_torn=True)
        torn = plan_again(known_after(missed), changed, old, ALL)
        assert known_after(torn).holds(DETAILS) is Held.STALE


# Runs that are killed


def test_only_what_may_be_emitted_is_announced() -> None:
    """Otherwise `candidate_history` would repeat its last rows after a killed run."""
    for known, listed, selection in itertools.product(LISTABLE, LISTED, SELECTIONS):
        wants_details = plan.wants_details(known, listed, selection)
        emitted: set[str] = set()
        for read in READ if wants_details else (None,):
            emitted |= plan.plan_listed(known, listed, read, selection).emit
        assert plan.may_emit(known, listed, selection) == emitted


def test_announcement_makes_streams_stale_and_changes_nothing_else() -> None:
    for known, streams in itertools.product((*EVERYWHERE, NEW), SELECTED):
        announced = plan.intent(known, streams, 3)
        for stream in CANDIDATE_STREAMS:
            expected = Held.STALE if stream in streams else known.holds(stream)
            assert announced.holds(stream) is expected
        unchanged = replace(announced, held=known.held, answers=known.answers)
        assert unchanged == known


def test_killed_run_is_repeated() -> None:
    """It is, even if a candidate was changed back meanwhile, or deleted."""
    for known, listed, read, selection in cases():
        decided = plan.plan_listed(known, listed, read, selection)
        may_emit = plan.may_emit(known, listed, selection)
        announced = plan.intent(known, may_emit, 3)
        repeated = plan_again(announced, listed, read, selection)
        assert repeated.emit >= decided.emit
        assert decided.event in {repeated.event, None}
        changed_back = plan_again(announced, UNCHANGED, read, selection)
        waits = {HISTORY} if history_waits(announced, UNCHANGED, read) else set()
        assert changed_back.emit >= decided.emit - waits
        assert plan.plan_gone(announced, ALL).emit >= decided.emit


# Rows of answers


def test_number_of_answers_is_that_of_the_details_that_were_emitted() -> None:
    for known, listed, read, selection in cases():
        decided = plan.plan_listed(known, listed, read, selection)
        after = decided.after
        if after is None:
            continue
        holds_committed = known.holds(ANSWERS) and known.details != NEVER
        if ANSWERS in decided.emit or (read and not holds_committed):
            assert after.answers == 3
        else:
            assert after.answers == known.answers


def test_announcement_has_the_larger_number_of_answers() -> None:
    for known, streams in itertools.product(EVERYWHERE, SELECTED):
        for answers in (1, 3):
            announced = plan.intent(known, streams, answers)
            most = max(answers, known.answers) if ANSWERS in streams else known.answers
            assert announced.answers == most


def test_candidate_without_committed_details_is_expected_to_have_the_most_answers() -> (
    None
):
    for known in (NEW, ANNOUNCED):
        assert plan.expected_answers(known, 20) == 20
    for known in (CURRENT, FROM_WAREHOUSE):
        assert plan.expected_answers(known, 20) == 2
    decided = plan.plan_listed(NEW, UNCHANGED, CONSISTENT, ALL)
    assert plan.expected_answers(known_after(decided), 20) == 3


def test_answers_that_were_only_announced_are_not_committed() -> None:
    """Tombstones of a living candidate are for committed answers alone."""
    assert (ANNOUNCED.answers, ANNOUNCED.committed_answers) == (9, 0)
    for known in (CURRENT, FROM_WAREHOUSE):
        assert known.committed_answers == 2
        announced = plan.intent(known, ALL.selected, 9)
        assert announced.committed_answers == 9
    for known, listed, read, selection in cases():
        decided = plan.plan_listed(known, listed, read, selection)
        if ANSWERS in decided.emit:
            assert known_after(decided).committed_answers == 3


def test_number_of_announced_answers_survives_a_run_without_details() -> None:
    """Should the candidate be deleted, each row needs its tombstone."""
    after = plan.plan_listed(ANNOUNCED, UNCHANGED, None, ONLY[CANDIDATES]).after
    assert after is not None
    assert (after.answers, after.committed_answers) == (9, 0)


# History


def test_event_is_created_until_a_row_of_the_history_is_committed() -> None:
    for known, listed, read, selection in cases():
        decided = plan.plan_listed(known, listed, read, selection)
        event = "created" if known.history == NEVER else "updated"
        assert decided.event == (event if HISTORY in decided.emit else None)
    after_kill = plan.plan_listed(ANNOUNCED, UNCHANGED, CONSISTENT, ALL)
    assert after_kill.event == "created"
    warehouse = plan.plan_listed(FROM_WAREHOUSE, UNCHANGED, CONSISTENT, ALL)
    assert warehouse.event == "updated"


def test_unknown_tags_leave_the_history_as_it_was() -> None:
    for known, selection, row in itertools.product(KNOWN, SELECTIONS, (SAME, OTHER)):
        unknown = Listed(row, None, SAME, None)
        unchanged = Listed(row, SAME, SAME, SAME)
        wants_details = plan.wants_details(known, unchanged, selection)
        assert plan.wants_details(known, unknown, selection) is wants_details
        for read in READ if wants_details else (None,):
            decided = plan.plan_listed(known, unknown, read, selection)
            expected = plan.plan_listed(known, unchanged, read, selection)
            assert decided.emit == expected.emit - {HISTORY}
            assert decided.event is None
            after = known_after(expected)
            held = (*after.held[:-1], known.holds(HISTORY))
            assert known_after(decided) == replace(after, held=held)


def test_tags_in_details_are_noted_while_the_lists_of_tags_are_unknown() -> None:
    """Otherwise a tag that is gone by the next run would stay in the target."""
    unknown, read = Listed(OTHER, None, SAME, None), Details(OTHER, 3, tags=OTHER)
    for known, selection in itertools.product(KNOWN, map(Selection, SELECTED)):
        if not plan.wants_details(known, unknown, selection):
            continue
        after = known_after(plan.plan_listed(known, unknown, read, selection))
        assert after.tags == OTHER
        changed_back = replace(UNCHANGED, row=OTHER)
        assert plan.wants_details(after, changed_back, selection)
    known_tags = replace(UNCHANGED, row=OTHER)
    decided = plan.plan_listed(CURRENT, known_tags, read, ALL)
    assert known_after(decided).tags == SAME


# Details that were not found, or re-fetched


def test_without_its_details_a_row_is_emitted_and_the_details_stay_due() -> None:
    for known, listed, selection in itertools.product(LISTABLE, LISTED, SELECTIONS):
        decided = plan.plan_without_details(known, listed, selection)
        without = plan.plan_listed(known, listed, None, selection)
        assert (decided.emit, decided.event) == (without.emit, without.event)
        if decided.after is None:
            assert without.after is None
            continue
        for stream in FROM_DETAILS:
            is_held = known.holds(stream) is not Held.ABSENT
            expected = Held.STALE if is_held else Held.ABSENT
            assert decided.after.holds(stream) is expected
        assert decided.after.row == listed.row
        assert decided.after.answers == known.answers


def test_reverification_emits_details_that_differ_and_nothing_else() -> None:
    for known, read, selection in itertools.product(KNOWN, READ, SELECTIONS):
        decided = plan.plan_reverified(known, read, selection)
        assert decided.event is None
        after = known_after(decided)
        for stream in CANDIDATE_STREAMS:
            held = known.holds(stream)
            is_due = stream in FROM_DETAILS and (
                held is not Held.CURRENT or read.digest == OTHER
            )
            is_emitted = is_due and stream in selection.selected
            assert (stream in decided.emit) is is_emitted
            if not is_emitted:
                is_missed = is_due and held is Held.CURRENT
                assert after.holds(stream) is (Held.STALE if is_missed else held)
        unchanged = replace(known, held=after.held, details=read.digest)
        assert replace(after, answers=2) == unchanged


def test_reverified_details_that_contradict_the_row_are_read_once_more() -> None:
    for known, read, selection in itertools.product(KNOWN, READ, SELECTIONS):
        decided = plan.plan_reverified(known, read, selection)
        is_first = is_first_contradiction(known, UNCHANGED, read)
        for stream in decided.emit:
            expected = Held.STALE if is_first else Held.CURRENT
            assert known_after(decided).holds(stream) is expected
        again = plan.plan_reverified(known_after(decided), read, selection)
        for stream in selection.selected & FROM_DETAILS:
            assert known_after(again).holds(stream) is Held.CURRENT


def test_details_that_are_due_and_were_not_read_become_stale() -> None:
    for known in EVERYWHERE:
        decided = plan.plan_not_reverified(known)
        assert (decided.emit, decided.event) == (frozenset(), None)
        after = known_after(decided)
        for stream in FROM_DETAILS:
            is_held = known.holds(stream) is not Held.ABSENT
            assert after.holds(stream) is (Held.STALE if is_held else Held.ABSENT)
        for stream in (CANDIDATES, HISTORY):
            assert after.holds(stream) is known.holds(stream)
        assert replace(after, held=known.held) == known


# Candidates that the lists lack

ASK, LEAVE, TOMBSTONE = Absence.ASK, Absence.LEAVE, Absence.TOMBSTONE
ABSENCE = {
    # presence: in an unnarrowed run, in one as narrowed as before, and in another one
    Presence.LISTED: (ASK, ASK, Absence.ASK_IF_FEW),
    Presence.UNLISTED: (LEAVE, LEAVE, LEAVE),
    Presence.OUT_OF_SCOPE: (ASK, LEAVE, LEAVE),
    Presence.DELETED: (TOMBSTONE, TOMBSTONE, TOMBSTONE),
}


def test_absence_follows_from_presence_and_scope() -> None:
    for presence, (unnarrowed, same, changed) in ABSENCE.items():
        known = Known(presence=presence)
        narrowed = replace(ALL, narrowed=True)
        other_scope = replace(narrowed, same_scope=False)
        assert plan.absence(known, ALL) is unnarrowed
        assert plan.absence(known, replace(ALL, same_scope=False)) is unnarrowed
        assert plan.absence(known, narrowed) is same
        assert plan.absence(known, other_scope) is changed


def test_all_but_deleted_candidates_are_reverified() -> None:
    reverified = {
        presence for presence in Presence if plan.PRESENCE[presence].reverified
    }
    assert reverified == {Presence.LISTED, Presence.UNLISTED, Presence.OUT_OF_SCOPE}


def test_missing_candidate_that_is_found_is_planned_like_a_listed_one() -> None:
    for known, listed, read, selection in itertools.product(
        KNOWN, LISTED, READ, SELECTIONS
    ):
        decided = plan.plan_found(known, listed, read, selection)
        after = replace(known_after(decided), presence=Presence.LISTED)
        expected = plan.plan_listed(known, listed, read, selection)
        assert replace(decided, after=after) == expected


def test_only_an_unnarrowed_list_shows_that_a_candidate_is_archived() -> None:
    for presence, narrowed in itertools.product(Presence, (False, True)):
        known = replace(CURRENT, presence=presence)
        selection = replace(ALL, narrowed=narrowed)
        decided = plan.plan_found(known, UNCHANGED, CONSISTENT, selection)
        is_archived = not narrowed or presence is Presence.UNLISTED
        expected = Presence.UNLISTED if is_archived else Presence.OUT_OF_SCOPE
        assert known_after(decided).presence is expected


def test_deletion_emits_tombstones_to_the_selected_streams_that_hold_it() -> None:
    for known, selection in itertools.product(EVERYWHERE, SELECTIONS):
        decided = plan.plan_gone(known, selection)
        holding = {s for s in CANDIDATE_STREAMS if known.holds(s) is not Held.ABSENT}
        assert decided.emit == holding & selection.selected
        assert decided.event == ("deleted" if HISTORY in decided.emit else None)
        if holding <= selection.selected:
            assert decided.after is None
            continue
        after = known_after(decided)
        assert after.presence is Presence.DELETED
        for stream in CANDIDATE_STREAMS:
            is_left = stream not in selection.selected
            expected = known.holds(stream) if is_left else Held.ABSENT
            assert after.holds(stream) is expected
        no_answers = ANSWERS in decided.emit
        assert after.answers == (0 if no_answers else 2)
        # Should it come back, its history begins anew.
        assert after.history == (NEVER if HISTORY in decided.emit else SAME)


def test_each_stream_gets_one_tombstone_whenever_it_is_selected() -> None:
    for known, order in itertools.product(
        KNOWN, itertools.permutations(CANDIDATE_STREAMS)
    ):
        left: Known | None = known
        tombstones: list[str] = []
        for stream in (*order, *order):
            if left is None:
                break
            if tombstones:
                assert plan.absence(left, ONLY[stream]) is Absence.TOMBSTONE
            decided = plan.plan_gone(left, ONLY[stream])
            tombstones += decided.emit
            left = decided.after
        assert left is None
        assert sorted(tombstones) == sorted(filter(known.holds, CANDIDATE_STREAMS))


def test_deleted_candidate_that_is_listed_again_is_emitted_again() -> None:
    for known, selection in itertools.product(KNOWN, map(Selection, SELECTED)):
        gone = plan.plan_gone(known, selection)
        if gone.after is None:
            continue
        assert not plan.is_settled(gone.after, UNCHANGED, selection)
        back = plan_again(gone.after, UNCHANGED, CONSISTENT, selection)
        assert back.emit >= gone.emit
        assert known_after(back).presence is Presence.LISTED
        if HISTORY in gone.emit:
            assert back.event == "created"


# The rest


def test_only_a_current_stream_becomes_stale() -> None:
    for known, stream in itertools.product(EVERYWHERE, CANDIDATE_STREAMS):
        held = dict(zip(CANDIDATE_STREAMS, known.held, strict=True))
        if held[stream] is Held.CURRENT:
            held[stream] = Held.STALE
        expected = replace(known, held=tuple(held.values()))
        assert plan.make_stale(known, stream) == expected


def test_more_than_twenty_and_more_than_half_are_most() -> None:
    assert plan.is_most(21, 41)
    assert plan.is_most(22, 43)
    assert not plan.is_most(20, 20)
    assert not plan.is_most(21, 42)
    assert not plan.is_most(0, 0)
