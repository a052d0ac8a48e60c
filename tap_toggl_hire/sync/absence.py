"""What is done about a candidate that the list lacks, or that answers 404.

It may be deleted, archived, out of the scope of this run, or the list is short. Only
`/candidates/{id}` can tell, at the price of a request. Decisions as values, as in
`plan`.
"""

from __future__ import annotations

from dataclasses import replace

from tap_toggl_hire.sync.plan import (
    ANSWERS,
    DETAILS,
    FROM_DETAILS,
    HELD,
    HISTORY,
    PRESENCE,
    STREAMS,
    UNKNOWN,
    Absence,
    Details,
    Held,
    Known,
    Listed,
    Plan,
    Presence,
    Relation,
    Run,
    carried,
    emitted,
    in_flight,
    make_stale,
    planned,
)


def absent(known: Known, run: Run, *, due: bool, elsewhere: bool) -> bool:
    """Return whether a known candidate that the list lacks is asked for.

    Args:
        known: What is known of it.
        run: What the run selects.
        due: Whether it is its turn to be re-verified.
        elsewhere: Whether the list of the last scope has it, or cannot be read.
    """
    rule = PRESENCE[known.presence]
    if due and known.presence is not Presence.DELETED:
        return True
    if run.relation is Relation.OTHER:
        return rule.other is Absence.ASK and not elsewhere
    what = rule.same if run.relation is Relation.SAME else rule.wider
    return what is Absence.ASK or (what is Absence.ASK_IF_ALL and run.covers_all)


def before_asked(known: Known, run: Run, *, answers: int) -> Known:
    """Return what the state says of a missing candidate while it is asked for.

    It may get a tombstone or new rows; should the run die, it is emitted once listed.
    """
    emit = frozenset(s for s in run.selected if HELD[known.holds(s)].buried)
    return in_flight(known, emit, answers)


def found(known: Known, run: Run) -> Known:
    """Return what is known of a candidate that the list lacks, and that answers 200."""
    presence = PRESENCE[known.presence].found
    is_outside = known.presence is Presence.OUT_OF_SCOPE and not run.covers_all
    if is_outside or run.relation is Relation.OTHER:
        presence = Presence.OUT_OF_SCOPE
    return replace(known, presence=presence)


def reverified(known: Known, listed: Listed, details: Details, run: Run) -> Plan:
    """Plan a candidate that the list lacks, that answers 200, and whose turn it was.

    What was read is emitted where it differs from what the target holds, since no
    list shows it. A stream that holds nothing of it stays so: it is not selected.
    `listed` is made of the details.
    """
    held = frozenset(stream for stream in STREAMS if HELD[known.holds(stream)].buried)
    shown = details if run.selected & FROM_DETAILS else None
    narrow = replace(run, selected=run.selected & held, full_table=frozenset())
    there = replace(known, presence=Presence.LISTED)  # it does not come back by this
    emit = emitted(there, listed, shown, narrow)
    after = carried(there, listed, shown, run, emit)
    presence = found(known, run).presence
    return planned(known, replace(after, presence=presence, verified=True), emit)


def tombstone(known: Known, run: Run) -> Plan:
    """Plan a candidate that is proved gone."""
    emit = frozenset(s for s in run.selected if HELD[known.holds(s)].buried)
    held = tuple(
        Held.NOTHING if stream in emit else holds
        for stream, holds in zip(STREAMS, known.held, strict=True)
    )
    after = replace(known, held=held, presence=Presence.DELETED)
    event = "deleted" if HISTORY in emit else None
    return Plan(after if any(held) else None, emit, event)


def is_unreadable(known: Known) -> bool:
    """Return whether a listed candidate that answers 404 cannot be read for good.

    Else it is deleted: it was listed and read before.
    """
    return known is UNKNOWN or PRESENCE[known.presence].unreadable


def unreadable(known: Known, listed: Listed, run: Run) -> Plan:
    """Plan a candidate that cannot be read: what needs no details is emitted."""
    emit = emitted(known, listed, None, run)
    after = carried(known, listed, None, run, emit)
    return planned(known, replace(after, presence=Presence.UNREADABLE), emit)


def not_served(known: Known) -> Known:
    """Return what is known of one that the API fails to serve: it is asked again."""
    return make_stale(make_stale(known, DETAILS), ANSWERS)


def settle_scope(known: Known, run: Run, *, seen: bool) -> Known:
    """Return what is known once the run is complete, and its scope the last one.

    `seen` is whether the list of the run had the candidate.
    """
    if known.presence in {Presence.DELETED, Presence.UNREADABLE} and (
        seen or known.presence is Presence.DELETED
    ):
        return known
    if seen:
        is_noted = known.presence is Presence.LISTED
        return known if is_noted else replace(known, presence=Presence.LISTED)
    if run.relation is Relation.OTHER:
        return replace(known, presence=Presence.OUT_OF_SCOPE)
    return known
