"""What is done about one candidate: decisions as values, made by pure functions.

`Known` is what the state says that the target holds of a candidate, `Listed` and
`Details` are what the API shows of it, `Run` is what this run selects. A `Plan` comes
of these. The engine carries it out: `inventory[id] = before(...)`, STATE, the records,
`inventory[id] = plan.after`. The rules are in two tables, which ARCHITECTURE.md shows.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import NamedTuple

STREAMS = ("candidates", "candidate_details", "candidate_answers", "candidate_history")
"""The streams of candidates, in the order of `Known.held`."""
CANDIDATES, DETAILS, ANSWERS, HISTORY = STREAMS
UPSERTED = frozenset({CANDIDATES, DETAILS, ANSWERS})
"""Streams that hold one row per thing, not per event."""
FROM_DETAILS = frozenset({DETAILS, ANSWERS})
"""Streams that take a request for each candidate."""


class Held(enum.IntEnum):
    """What the target holds of a candidate in one stream."""

    NOTHING = 0
    STALE = 1  # perhaps another version: deselected when it changed, or a run died
    CURRENT = 2
    PENDING = 3  # perhaps nothing: a run died while it was emitted for the first time


class Presence(enum.IntEnum):
    """Where a candidate was last seen, in the scope of the last complete run."""

    LISTED = 0
    UNLISTED = 1  # missing from the list twice, though it answers 200: archived, say
    OUT_OF_SCOPE = 2  # listed by a run of another scope, by no complete one since
    DELETED = 3  # proved gone; kept until each stream that holds it had its tombstone
    MISSED_ONCE = 4  # missing for the first time: the list may have moved
    UNREADABLE = 5  # listed, though it answers 404 for good


class Relation(enum.Enum):
    """How the scope of a run stands to that of the last complete run."""

    SAME = "same"
    WIDER = "wider"  # takes in all of the last one, as a first run does
    OTHER = "other"  # leaves something out; the lists of both scopes are read


class Absence(enum.Enum):
    """What is done about a known candidate that the lists lack."""

    ASK = "ask"
    ASK_IF_ALL = "ask, if the run covers all scopes"
    LEAVE = "leave"


class HeldRule(NamedTuple):
    """What follows from what the target holds of a candidate in a stream."""

    owed: bool  # emitted, where selected, though nothing differs
    missed: Held  # what it is once a difference was not emitted
    before: Held  # what the state says while it is emitted
    buried: bool  # a deletion is told with a tombstone


class PresenceRule(NamedTuple):
    """What follows from where a candidate was last seen."""

    returns: bool  # listed again, it is back: another row may have replaced the last
    same: Absence  # the list of the same scope lacks it
    wider: Absence  # the list of a wider scope lacks it
    other: Absence  # the lists of both scopes lack it
    found: Presence  # missing, and it answers 200
    unreadable: bool  # listed, a 404 says that it cannot be read, not that it is gone


# fmt: off
HELD = {
    #                      owed   missed        before        buried
    Held.NOTHING: HeldRule(True,  Held.NOTHING, Held.PENDING, False),
    Held.PENDING: HeldRule(True,  Held.PENDING, Held.PENDING, True),
    Held.STALE:   HeldRule(True,  Held.STALE,   Held.STALE,   True),
    Held.CURRENT: HeldRule(False, Held.STALE,   Held.STALE,   True),
}
_ASK, _IF_ALL, _LEAVE = Absence.ASK, Absence.ASK_IF_ALL, Absence.LEAVE
_ONCE, _UNLISTED, _DELETED = Presence.MISSED_ONCE, Presence.UNLISTED, Presence.DELETED
PRESENCE = {
    #                                   returns same     wider    other   found  unreadable
    Presence.LISTED:       PresenceRule(False, _ASK,    _ASK,    _ASK,   _ONCE,     False),
    Presence.MISSED_ONCE:  PresenceRule(True,  _ASK,    _ASK,    _ASK,   _UNLISTED, False),
    Presence.UNLISTED:     PresenceRule(True,  _LEAVE,  _ASK,    _LEAVE, _UNLISTED, False),
    Presence.OUT_OF_SCOPE: PresenceRule(False, _IF_ALL, _IF_ALL, _LEAVE, _UNLISTED, False),
    Presence.DELETED:      PresenceRule(True,  _LEAVE,  _LEAVE,  _LEAVE, _DELETED,  True),
    Presence.UNREADABLE:   PresenceRule(False, _ASK,    _ASK,    _ASK,   _ONCE,     True),
}
# fmt: on


@dataclass(frozen=True, slots=True)
class Known:
    """What the state knows of a candidate; digests are of what was last emitted."""

    held: tuple[Held, ...] = (Held.NOTHING,) * len(STREAMS)
    presence: Presence = Presence.OUT_OF_SCOPE
    history: int = 0  # digest of the fields of candidate_history
    row: int = 0  # digest of the list row, its unknown fields apart
    extra: int = 0  # digest of its unknown fields; 0 for none
    details: int = 0
    answers: int = 0  # the most rows of candidate_answers that the target may hold
    verified: bool = False  # it had its turn in the rotation, in a run that died

    def holds(self, stream: str) -> Held:
        """Return what the target holds in a stream."""
        return self.held[STREAMS.index(stream)]


UNKNOWN = Known()
"""A candidate that was never seen."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What a row of the list shows, as digests."""

    history: int | None  # None: the tags could not be read
    row: int
    extra: int | None = None  # None: unknown fields are not compared


@dataclass(frozen=True, slots=True)
class Details:
    """What `/candidates/{id}` shows."""

    digest: int
    answers: int  # rows of candidate_answers
    torn: bool = False  # it is of another moment than the row and the tags


@dataclass(frozen=True, slots=True)
class Run:
    """What one run selects."""

    selected: frozenset[str]
    full_table: frozenset[str] = frozenset()  # they emit every candidate
    relation: Relation = Relation.SAME
    covers_all: bool = True  # its scope takes in every scope that there was
    volatile: bool = False  # unknown fields change by themselves


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done about a candidate."""

    after: Known | None  # what is known once the records are out; None: forget it
    emit: frozenset[str] = frozenset()
    event: str | None = None  # of candidate_history, where that is emitted


def wants_details(known: Known, listed: Listed, run: Run, *, due: bool = False) -> bool:
    """Return whether a listed candidate is asked for; due: to be re-verified."""
    wanted = run.selected & FROM_DETAILS
    return bool(wanted) and (
        due
        or bool(wanted & run.full_table)
        or _differs(DETAILS, known, listed, None, run, is_back=returns(known))
        or (
            known.presence is not Presence.UNREADABLE
            and any(HELD[known.holds(stream)].owed for stream in wanted)
        )
    )


def settled(known: Known, listed: Listed, run: Run) -> bool:
    """Return whether a plan would change nothing: the short way for nearly all."""
    return (
        listed.row == known.row
        and listed.history in {known.history, None}
        and listed.extra in {known.extra, None}
        and _listed_presence(known, run, is_read=False) is known.presence
        and not returns(known)
        and not run.full_table
        and not any(HELD[known.holds(stream)].owed for stream in run.selected)
    )


def before(
    known: Known, listed: Listed, run: Run, *, due: bool = False, answers: int = 0
) -> Known:
    """Return what the state says of a listed candidate while it is being emitted.

    Should the run die, the next one emits it again, whatever it is by then. `answers`
    is the most rows of candidate_answers that it may turn out to have.
    """
    asked = wants_details(known, listed, run, due=due)
    details = Details(~known.details, answers) if asked else None  # it may differ
    emit = emitted(known, listed, details, run, is_back=returns(known))
    presence = _listed_presence(known, run, is_read=asked)
    lost = UPSERTED - run.selected if returns(known) else frozenset()
    return in_flight(known, emit, lost, presence, answers)


def plan(
    known: Known,
    listed: Listed,
    details: Details | None,
    run: Run,
    *,
    due: bool = False,
) -> Plan:
    """Plan a listed candidate; details are given where it `wants_details`."""
    emit = emitted(known, listed, details, run, is_back=returns(known))
    presence = _listed_presence(known, run, is_read=details is not None)
    after = carried(known, listed, details, run, emit, is_back=returns(known))
    verified = known.verified or (due and details is not None)
    return planned(known, replace(after, presence=presence, verified=verified), emit)


def is_unreadable(known: Known) -> bool:
    """Return whether a listed candidate that answers 404 cannot be read for good.

    Else it is deleted: it was listed and read before.
    """
    return known is UNKNOWN or PRESENCE[known.presence].unreadable


def unreadable(known: Known, listed: Listed, run: Run) -> Plan:
    """Plan a candidate that cannot be read: what needs no details is emitted."""
    emit = emitted(known, listed, None, run, is_back=returns(known))
    after = carried(known, listed, None, run, emit, is_back=returns(known))
    return planned(known, replace(after, presence=Presence.UNREADABLE), emit)


def not_served(known: Known) -> Known:
    """Return what is known of one that the API fails to serve: it is asked again."""
    return make_stale(make_stale(known, DETAILS), ANSWERS)


def make_stale(known: Known, stream: str) -> Known:
    """Return what is known once a stream's rows are not what it would emit now."""
    index = STREAMS.index(stream)
    missed = HELD[known.held[index]].missed
    return replace(known, held=(*known.held[:index], missed, *known.held[index + 1 :]))


def returns(known: Known) -> bool:
    return PRESENCE[known.presence].returns


def _differs(  # noqa: PLR0913 - all that may differ
    stream: str,
    known: Known,
    listed: Listed,
    details: Details | None,
    run: Run,
    *,
    is_back: bool,
) -> bool:
    """Return whether what the API shows differs from what was last emitted."""
    history = listed.history not in {known.history, None}
    if stream == HISTORY:
        return history
    if history or is_back or listed.row != known.row:
        return True
    extra = listed.extra not in {known.extra, None}
    if stream == CANDIDATES:
        return extra
    is_read = details is not None and details.digest != known.details
    return is_read or (extra and not run.volatile)


def emitted(
    known: Known, listed: Listed, details: Details | None, run: Run, *, is_back: bool
) -> frozenset[str]:
    return frozenset(
        stream
        for stream in run.selected
        if (details is not None or stream not in FROM_DETAILS)
        and (listed.history is not None or stream != HISTORY)  # it tells of the tags
        and (
            HELD[known.holds(stream)].owed
            or stream in run.full_table
            or _differs(stream, known, listed, details, run, is_back=is_back)
        )
    )


def in_flight(
    known: Known,
    emit: frozenset[str],
    lost: frozenset[str],
    presence: Presence,
    answers: int,
) -> Known:
    """Return what is known while some streams are emitted, and some would be."""
    held = tuple(
        HELD[holds].before
        if stream in emit
        else HELD[holds].missed
        if stream in lost
        else holds
        for stream, holds in zip(STREAMS, known.held, strict=True)
    )
    most = max(known.answers, answers) if ANSWERS in emit else known.answers
    return replace(known, held=held, presence=presence, answers=most)


def carried(  # noqa: PLR0913 - what was known, seen and emitted
    known: Known,
    listed: Listed,
    details: Details | None,
    run: Run,
    emit: frozenset[str],
    *,
    is_back: bool,
) -> Known:
    """Return what is known once some streams are emitted."""
    stale: frozenset[str] = frozenset()
    if details is not None and details.torn and not _is_as_read(known, listed, details):
        stale = FROM_DETAILS  # they are read again by the next run
    held = []
    for stream, holds in zip(STREAMS, known.held, strict=True):
        if stream in emit:
            held.append(Held.STALE if stream in stale else Held.CURRENT)
        elif stream not in run.selected and _differs(
            stream, known, listed, details, run, is_back=is_back
        ):
            held.append(HELD[holds].missed)
        else:
            held.append(holds)
    return replace(
        known,
        held=tuple(held),
        history=known.history if listed.history is None else listed.history,
        row=listed.row,
        extra=known.extra if listed.extra is None else listed.extra,
        details=known.details if details is None else details.digest,
        answers=details.answers if details and ANSWERS in emit else known.answers,
    )


def _is_as_read(known: Known, listed: Listed, details: Details) -> bool:
    """Return whether row and details were read so before: then they differ for good."""
    return (
        details.digest == known.details
        and listed.row == known.row
        and listed.history in {known.history, None}
    )


def planned(known: Known, after: Known, emit: frozenset[str]) -> Plan:
    event = None
    if HISTORY in emit:
        is_new = known.holds(HISTORY) in {Held.NOTHING, Held.PENDING}
        event = "created" if is_new else "updated"
    return Plan(after, emit, event)


def _listed_presence(known: Known, run: Run, *, is_read: bool) -> Presence:
    """Return where a listed candidate is; a scope counts once a run is complete."""
    if known.presence is Presence.UNREADABLE and not is_read:
        return Presence.UNREADABLE
    if run.relation is Relation.SAME or known.presence is Presence.LISTED:
        return Presence.LISTED
    return Presence.OUT_OF_SCOPE
