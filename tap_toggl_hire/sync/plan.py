"""What is done about one candidate: decisions as values, made by pure functions.

A `Plan` comes of what the state says that the target holds (`Known`), what the API
shows (`Listed`, `Details`), what this run selects (`Run`), and the two tables below.
The engine carries it out: `inventory[id] = before(...)`, STATE, records, `plan.after`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import NamedTuple

STREAMS = ("candidates", "candidate_details", "candidate_answers", "candidate_history")
CANDIDATES, DETAILS, ANSWERS, HISTORY = STREAMS
Streams = frozenset[str]
UPSERTED = frozenset({CANDIDATES, DETAILS, ANSWERS})  # a row per thing, not per event
FROM_DETAILS = frozenset({DETAILS, ANSWERS})  # they take a request per candidate


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

    held: tuple[Held, ...] = (Held.NOTHING,) * len(STREAMS)  # in their order
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

    @property
    def returns(self) -> bool:
        """Return whether a candidate, once listed again, comes back."""
        return PRESENCE[self.presence].returns


UNKNOWN = Known()  # a candidate that was never seen


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

    selected: Streams
    full_table: Streams = frozenset()  # where selected, they emit every candidate
    relation: Relation = Relation.SAME
    covers_all: bool = True  # its scope takes in every scope that there was
    volatile: bool = False  # unknown fields change by themselves


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done about a candidate."""

    after: Known | None  # what is known once the records are out; None: forget it
    emit: Streams = frozenset()
    event: str | None = None  # of candidate_history, where that is emitted


def wants_details(known: Known, listed: Listed, run: Run, *, due: bool = False) -> bool:
    """Return whether a listed candidate is asked for; due: to be re-verified."""
    wanted = run.selected & FROM_DETAILS
    is_owed = any(HELD[known.holds(stream)].owed for stream in wanted)
    return bool(wanted) and (
        due
        or bool(wanted & run.full_table)
        or _differs(DETAILS, known, listed, None, run)
        or (is_owed and known.presence is not Presence.UNREADABLE)
    )


def settled(known: Known, listed: Listed, run: Run) -> bool:
    """Return whether a plan would change nothing: the short way for nearly all."""
    return (
        not _differs(CANDIDATES, known, listed, None, run)
        and not run.full_table & run.selected
        and _listed_presence(known, run, is_read=False) is known.presence
        and not any(HELD[known.holds(stream)].owed for stream in run.selected)
    )


def before(
    known: Known, listed: Listed, run: Run, *, answers: int, due: bool = False
) -> Known:
    """Return what the state says of a listed candidate while it is being emitted.

    Should the run die, the next one emits it again, whatever it is by then. `answers`
    is the most rows of candidate_answers that it may turn out to have.
    """
    asked = wants_details(known, listed, run, due=due)
    read = Details(~known.details, answers) if asked else None  # it may differ
    waiting = in_flight(known, emitted(known, listed, read, run), answers)
    for stream in UPSERTED - run.selected if known.returns else ():
        waiting = make_stale(waiting, stream)
    return replace(waiting, presence=_listed_presence(known, run, is_read=asked))


def plan(
    known: Known, listed: Listed, read: Details | None, run: Run, *, due: bool = False
) -> Plan:
    """Plan a listed candidate, with the details that were read if it `wants_details`."""
    emit = emitted(known, listed, read, run)
    presence = _listed_presence(known, run, is_read=read is not None)
    after = carried(known, listed, read, run, emit)
    verified = known.verified or (due and read is not None)
    return planned(known, replace(after, presence=presence, verified=verified), emit)


def make_stale(known: Known, stream: str) -> Known:
    """Return what is known once a stream's rows are not what it would emit now."""
    index = STREAMS.index(stream)
    missed = HELD[known.held[index]].missed
    return replace(known, held=(*known.held[:index], missed, *known.held[index + 1 :]))


def _differs(
    stream: str, known: Known, listed: Listed, read: Details | None, run: Run
) -> bool:
    """Return whether what the API shows differs from what was last emitted."""
    history = listed.history not in {known.history, None}
    if stream == HISTORY:
        return history
    if history or known.returns or listed.row != known.row:
        return True
    extra = listed.extra not in {known.extra, None}
    if stream == CANDIDATES:
        return extra
    is_read = read is not None and read.digest != known.details
    return is_read or (extra and not run.volatile)


def emitted(known: Known, listed: Listed, read: Details | None, run: Run) -> Streams:
    """Return the streams that are emitted."""
    return frozenset(
        stream
        for stream in run.selected
        if (read is not None or stream not in FROM_DETAILS)
        and (listed.history is not None or stream != HISTORY)  # it tells of the tags
        and (
            HELD[known.holds(stream)].owed
            or stream in run.full_table
            or _differs(stream, known, listed, read, run)
        )
    )


def in_flight(known: Known, emit: Streams, answers: int) -> Known:
    """Return what is known while some streams are emitted."""
    held = tuple(
        HELD[holds].before if stream in emit else holds
        for stream, holds in zip(STREAMS, known.held, strict=True)
    )
    most = max(known.answers, answers) if ANSWERS in emit else known.answers
    return replace(known, held=held, answers=most)


def carried(
    known: Known, listed: Listed, read: Details | None, run: Run, emit: Streams
) -> Known:
    """Return what is known once some streams are emitted."""
    seen = replace(
        known,
        history=known.history if listed.history is None else listed.history,
        row=listed.row,
        extra=known.extra if listed.extra is None else listed.extra,
        details=known.details if read is None else read.digest,
        answers=read.answers if read and ANSWERS in emit else known.answers,
    )
    # Torn details are read again by the next run; if the same, they differ for good.
    torn = read is not None and read.torn
    torn = torn and replace(seen, extra=known.extra, answers=known.answers) != known
    held = []
    for stream, holds in zip(STREAMS, known.held, strict=True):
        if stream in emit:
            held.append(Held.STALE if torn and stream in FROM_DETAILS else Held.CURRENT)
        elif stream not in run.selected and _differs(stream, known, listed, read, run):
            held.append(HELD[holds].missed)
        else:
            held.append(holds)
    return replace(seen, held=tuple(held))


def planned(known: Known, after: Known, emit: Streams) -> Plan:
    """Return a plan, with the event that it is in the history."""
    is_new = known.holds(HISTORY) in {Held.NOTHING, Held.PENDING}
    event = "created" if is_new else "updated"
    return Plan(after, emit, event if HISTORY in emit else None)


def _listed_presence(known: Known, run: Run, *, is_read: bool) -> Presence:
    """Return where a listed candidate is; a scope counts once a run is complete."""
    if known.presence is Presence.UNREADABLE and not is_read:
        return Presence.UNREADABLE
    if run.relation is Relation.SAME or known.presence is Presence.LISTED:
        return Presence.LISTED
    return Presence.OUT_OF_SCOPE
