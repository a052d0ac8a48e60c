"""What is done about one candidate: pure decisions, in two tables.

Theory of operation
===================

The API has no `updated_at` and reports no deletions. So the state keeps an *inventory*:
for each candidate, digests of what was last emitted, and what the target holds of it
in each stream:

    ABSENT   the target has no row
    STALE    the target may have another version of it, or none at all
    CURRENT  the target has what the digests say

A run compares what the API shows with the inventory. A stream that is not CURRENT, or
whose digest differs, is emitted where it is selected. Where it is not selected, a
difference makes a CURRENT stream STALE, so that the run that selects it again emits it.

A run can be killed between any two messages, and the target confirms only some of its
STATEs. Therefore intent comes before emission: the STATE before a record says STALE of
every stream that may be emitted (`intent`), and the STATE after it says CURRENT
(`Plan.after`). The next run starts from whichever of the two the target confirmed, and
re-emits everything that may be missing. Three rules keep that exact:

- A plan is made from what was known *before* the announcement, never from the
  announced value: else an ABSENT stream would get a tombstone.
- Only streams that may be emitted are announced. A run that only re-fetches details
  and dies must not make the history STALE, or the next run would write rows of
  `candidate_history` for changes that never happened.
- An announcement names the largest number of answers that may be emitted, since every
  answer row needs a tombstone of its own.

Where a candidate was last seen is its *presence*. A candidate that the list shows is
never deleted. One that a complete list lacks is deleted if `/candidates/{id}` does not
find it; if it is found, it is archived (UNLISTED) or outside the scope of this run. Not
asked, not found and failed are three different things, and a failure decides nothing.

A worked example: stream `candidate_details` is deselected, the candidate's score
changes, the stream is selected again, and that run dies.

    run 1  selected, emitted                     CURRENT
    run 2  deselected, the row differs           CURRENT -> STALE    (HELD.missed)
    run 3  selected: STALE is due                STATE with intent:   STALE
           dies before the next STATE            STALE
    run 4  selected: STALE is due, emitted       CURRENT

`candidate_history` is append-only, so it has a digest of its own, of the last row
emitted: a change that was undone while the stream was deselected leaves no row.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import NamedTuple

STREAMS = ("candidates", "candidate_details", "candidate_answers", "candidate_history")
CANDIDATES, DETAILS, ANSWERS, HISTORY = STREAMS
Streams = frozenset[str]
UPSERTED = frozenset({CANDIDATES, DETAILS, ANSWERS})
"""One row per thing, replaced by key; `candidate_history` has one per event."""
FROM_DETAILS = frozenset({DETAILS, ANSWERS})  # these cost a request per candidate

NEVER = 0
"""A digest of something that was never emitted; of tags and unknown fields: none."""
UNKNOWN_VALUE = 1
"""A digest of something that the target holds, in an unknown version: it differs from
whatever the API shows. A state from the warehouse has it."""


class Held(enum.IntEnum):
    """What the target holds of a candidate in one stream."""

    ABSENT = 0
    STALE = 1
    CURRENT = 2


class Presence(enum.IntEnum):
    """Where a candidate was last seen."""

    LISTED = 0
    UNLISTED = 1  # missing from an unnarrowed list, but found: archived
    OUT_OF_SCOPE = 2  # left the selection of narrower settings
    DELETED = 3  # not found; kept until every stream that holds it has its tombstone


class Absence(enum.Enum):
    """What is done about a known candidate that a complete list lacks."""

    ASK = "ask"
    ASK_IF_FEW = "ask if few left, else OUT_OF_SCOPE"
    LEAVE = "leave"
    TOMBSTONE = "tombstone, no request"


class HeldRule(NamedTuple):
    """What follows from what the target holds in one stream."""

    due: bool  # emitted where selected, even if nothing differs
    missed: Held  # its value after a difference that was not emitted
    tombstone: bool  # a deletion emits a tombstone


class PresenceRule(NamedTuple):
    """What is done where the lists lack a candidate, by the scope of the run."""

    unnarrowed: Absence
    same: Absence  # narrowed, with the settings of the last complete run
    changed: Absence  # narrowed, with other settings
    reverified: bool  # re-verification asks for it


# fmt: off
HELD = {
    #                      due    missed        tombstone
    Held.ABSENT:  HeldRule(True,  Held.ABSENT,  False),
    Held.STALE:   HeldRule(True,  Held.STALE,   True),
    Held.CURRENT: HeldRule(False, Held.STALE,   True),
}
_ASK, _LEAVE, _TOMBSTONE = Absence.ASK, Absence.LEAVE, Absence.TOMBSTONE
PRESENCE = {
    #                                   unnarrowed   same         changed              reverified
    Presence.LISTED:       PresenceRule(_ASK,        _ASK,        Absence.ASK_IF_FEW,  True),
    Presence.UNLISTED:     PresenceRule(_LEAVE,      _LEAVE,      _LEAVE,              True),
    Presence.OUT_OF_SCOPE: PresenceRule(_ASK,        _LEAVE,      _LEAVE,              True),
    Presence.DELETED:      PresenceRule(_TOMBSTONE,  _TOMBSTONE,  _TOMBSTONE,          False),
}
# fmt: on

FEW_LEFT = 200
"""Candidates that may leave a narrower selection and are asked for, at most."""
FEW_DELETED = 20
"""Deletions that are never suspicious, however few candidates there are."""
SAMPLE = FEW_DELETED + 1
"""Missing candidates that are asked for first, where most of the known are missing."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the inventory says of one candidate."""

    # what the target holds, in the order of STREAMS
    held: tuple[Held, ...] = (Held.ABSENT,) * len(STREAMS)
    presence: Presence = Presence.LISTED  # where it was last seen
    row: int = NEVER  # digest of its list row, unknown fields apart
    tags: int = NEVER  # digest of its tags
    extra: int = NEVER  # digest of the unknown fields of its list row
    details: int = NEVER  # digest of its details
    history: int = NEVER  # digest of its last row of `candidate_history`
    # the largest number of rows of `candidate_answers` that may be held
    answers: int = 0

    def holds(self, stream: str) -> Held:
        """Return what the target holds in a stream."""
        return self.held[STREAMS.index(stream)]

    @property
    def is_held(self) -> bool:
        """Whether the target may have any row of it."""
        return any(self.held)


NEW = Known()  # a candidate that was never seen


@dataclass(frozen=True, slots=True)
class Listed:
    """What the list shows of a candidate, as digests; None is not compared."""

    row: int  # of the list row, unknown fields apart
    tags: int | None  # None where the tags could not be read
    extra: int | None  # None where unknown fields are not emitted
    history: int | None  # of the fields of `candidate_history`; None without tags


@dataclass(frozen=True, slots=True)
class Details:
    """What `/candidates/{id}` shows."""

    digest: int  # of the details
    answers: int  # rows of `candidate_answers`
    # whether they are of another moment than the list row and the tags
    torn: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """What one run selects."""

    selected: Streams  # the selected streams of candidates
    full_table: Streams = frozenset()  # those that emit every candidate they read
    narrowed: bool = False  # whether the settings leave candidates out
    # whether the last complete run had the same narrowing settings
    same_scope: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done about a candidate."""

    # what is known once the records are out; None forgets the candidate
    after: Known | None
    emit: Streams = frozenset()  # the streams that are emitted
    event: str | None = None  # of the row of `candidate_history`, if that is emitted


# Candidates that the list shows. In every plan, `known` is what the inventory said
# before any announcement of this run.


def is_settled(known: Known, listed: Listed, run: Run) -> bool:
    """Return whether there is nothing to do: the short way for nearly all candidates."""
    return (
        known.presence is Presence.LISTED
        and not run.full_table & run.selected
        and not _is_visible(known, listed)
        and listed.extra in {known.extra, None}
        and (HISTORY not in run.selected or listed.history in {known.history, None})
        and not any(HELD[known.holds(stream)].due for stream in run.selected)
    )


def wants_details(known: Known, listed: Listed, run: Run) -> bool:
    """Return whether the details of a listed candidate are fetched.

    Unknown fields of a list row never cost a request.
    """
    wanted = run.selected & FROM_DETAILS
    return bool(wanted) and (
        _is_visible(known, listed)
        or bool(wanted & run.full_table)
        or any(HELD[known.holds(stream)].due for stream in wanted)
    )


def may_emit(known: Known, listed: Listed, run: Run) -> Streams:
    """Return the streams of a listed candidate that may be emitted.

    The details are not read yet, and may differ.
    """
    emit = _emitted(known, listed, None, run)
    fetched = wants_details(known, listed, run)
    return emit | (run.selected & FROM_DETAILS) if fetched else emit


def plan_listed(known: Known, listed: Listed, read: Details | None, run: Run) -> Plan:
    """Plan a listed candidate; `read` is None where `wants_details` is false."""
    return _plan(known, listed, read, run, Presence.LISTED)


def plan_without_details(known: Known, listed: Listed, run: Run) -> Plan:
    """Plan a listed candidate whose details were not found, or failed.

    Its list row is emitted, and its details stay due.
    """
    plan = _plan(known, listed, None, run, Presence.LISTED)
    after = plan.after
    for stream in FROM_DETAILS:
        after = after and make_stale(after, stream)
    return replace(plan, after=after)


def plan_reverified(known: Known, read: Details, run: Run) -> Plan:
    """Plan a listed candidate whose details were re-fetched.

    The list was compared earlier in this run, so only the details may differ.
    """
    details_only = Run(run.selected & FROM_DETAILS)
    return _plan(known, unchanged(known), read, details_only, Presence.LISTED)


def unchanged(known: Known) -> Listed:
    """Return a list row in which nothing differs."""
    return Listed(known.row, None, None, None)


# Candidates that the lists lack


def absence(known: Known, run: Run) -> Absence:
    """Return what is done about a known candidate that the complete lists lack."""
    rule = PRESENCE[known.presence]
    if not run.narrowed:
        return rule.unnarrowed
    return rule.same if run.same_scope else rule.changed


def may_emit_missing(known: Known, run: Run) -> Streams:
    """Return the streams that are announced for a candidate that is asked for.

    A change of its history is announced once its details are there: see the theory.
    """
    return frozenset(
        stream
        for stream in run.selected
        if stream in UPSERTED or HELD[known.holds(stream)].due
    )


def plan_found(known: Known, listed: Listed, read: Details, run: Run) -> Plan:
    """Plan a candidate that was found although the lists lack it.

    `listed` is what its details show of the list row.
    """
    archived = not run.narrowed or known.presence is Presence.UNLISTED
    presence = Presence.UNLISTED if archived else Presence.OUT_OF_SCOPE
    return _plan(known, listed, read, run, presence)


def plan_gone(known: Known, run: Run) -> Plan:
    """Plan a candidate that was not found, or whose deletion is known.

    The selected streams that hold it get tombstones. It is kept as DELETED while
    another stream holds it.
    """
    emit = frozenset(s for s in run.selected if HELD[known.holds(s)].tombstone)
    held = tuple(
        Held.ABSENT if stream in emit else holds
        for stream, holds in zip(STREAMS, known.held, strict=True)
    )
    after = replace(
        known,
        held=held,
        presence=Presence.DELETED,
        history=NEVER if HISTORY in emit else known.history,
        answers=0 if ANSWERS in emit else known.answers,
    )
    event = "deleted" if HISTORY in emit else None
    return Plan(after if after.is_held else None, emit, event)


# Announcements and corrections


def intent(known: Known, streams: Streams, answers: int) -> Known:
    """Return what a STATE says of a candidate before some streams may be emitted.

    `answers` is the largest number of answer rows that may be emitted.
    """
    held = tuple(
        Held.STALE if stream in streams else holds
        for stream, holds in zip(STREAMS, known.held, strict=True)
    )
    most = max(known.answers, answers) if ANSWERS in streams else known.answers
    return replace(known, held=held, answers=most)


def make_stale(known: Known, stream: str) -> Known:
    """Return what is known once a stream would emit something else than it did."""
    index = STREAMS.index(stream)
    missed = HELD[known.held[index]].missed
    return replace(known, held=(*known.held[:index], missed, *known.held[index + 1 :]))


# The limits


def is_most(count: int, total: int) -> bool:
    """Return whether so many of a total look like a fault rather than a change.

    It limits deletions among the known candidates, and details that are not found
    among those requested.
    """
    return count > FEW_DELETED and 2 * count > total


# What the plans share


def _is_visible(known: Known, listed: Listed) -> bool:
    """Return whether the list row or the tags differ."""
    return listed.row != known.row or listed.tags not in {known.tags, None}


def _differs(stream: str, known: Known, listed: Listed, read: Details | None) -> bool:
    """Return whether a stream would emit something else than it did."""
    if stream == HISTORY:
        return listed.history not in {known.history, None}
    if _is_visible(known, listed):
        return True
    if stream == CANDIDATES:
        return listed.extra not in {known.extra, None}
    return read is not None and read.digest != known.details


def _emitted(known: Known, listed: Listed, read: Details | None, run: Run) -> Streams:
    return frozenset(
        stream
        for stream in run.selected
        if (read is not None or stream not in FROM_DETAILS)
        and (listed.history is not None or stream != HISTORY)
        and (
            HELD[known.holds(stream)].due
            or stream in run.full_table
            or _differs(stream, known, listed, read)
        )
    )


def _plan(
    known: Known, listed: Listed, read: Details | None, run: Run, presence: Presence
) -> Plan:
    emit = _emitted(known, listed, read, run)
    # Torn details are fetched again by the next run. If nothing differs then, the list
    # and the details differ permanently, which must not cost a request per run.
    torn = (
        read is not None
        and read.torn
        and (_is_visible(known, listed) or read.digest != known.details)
    )
    held = []
    for stream, holds in zip(STREAMS, known.held, strict=True):
        if stream in emit:
            is_torn = torn and stream in FROM_DETAILS
            held.append(Held.STALE if is_torn else Held.CURRENT)
        elif stream in UPSERTED and _differs(stream, known, listed, read):
            held.append(HELD[holds].missed)
        else:
            held.append(holds)
    history = known.history
    if HISTORY in emit and listed.history is not None:
        history = listed.history
    details = known.details
    if read is not None:
        details = read.digest
    elif _is_visible(known, listed):
        # Else torn details of before this difference would pass for a permanent one.
        details = min(details, UNKNOWN_VALUE)
    after = Known(
        held=tuple(held),
        presence=presence,
        row=listed.row,
        tags=known.tags if listed.tags is None else listed.tags,
        extra=known.extra if listed.extra is None else listed.extra,
        details=details,
        history=history,
        answers=read.answers if read and ANSWERS in emit else known.answers,
    )
    event = "created" if known.history == NEVER else "updated"
    return Plan(
        after if after.is_held else None, emit, event if HISTORY in emit else None
    )
