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

CANDIDATE_STREAMS = (
    "candidates",
    "candidate_details",
    "candidate_answers",
    "candidate_history",
)
CANDIDATES, DETAILS, ANSWERS, HISTORY = CANDIDATE_STREAMS
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

    # what the target holds, in the order of CANDIDATE_STREAMS
    held: tuple[Held, ...] = (Held.ABSENT,) * len(CANDIDATE_STREAMS)
    presence: Presence = Presence.LISTED  # where it was last seen
    row: int = NEVER  # digest of its list row, unknown fields apart
    tags: int = NEVER  # digest of its tags
    extra: int = NEVER  # digest of the unknown fields of its list row
    details: int = NEVER  # digest of its details
    history: int = NEVER  # digest of its last row of `candidate_history`
    # the largest number of rows of `candidate_answers` that may be held: those of the
    # details last read or, where none were, the number that a STATE announced
    answers: int = 0

    def holds(self, stream: str) -> Held:
        """Return what the target holds in a stream."""
        return self.held[CANDIDATE_STREAMS.index(stream)]

    @property
    def is_held(self) -> bool:
        """Whether the target may have any row of it."""
        return any(self.held)

    @property
    def committed_answers(self) -> int:
        """The answer rows that may be held of a candidate that is alive.

        If no details of it were ever committed, `answers` is the guess of a run that
        was killed. What that run loaded is replaced by the rows that the candidate has
        now, since a test does not shrink in between.
        """
        return 0 if self.details == NEVER else self.answers


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
    answers: int | None  # questions, and so rows of `candidate_answers`; None if unread
    is_torn: bool = False  # of another moment than the list row
    # the candidate's tags are others than the lists of tags say
    contradicts_tags: bool = False
    tags: int | None = None  # of the candidate's tags, where the lists are unknown


@dataclass(frozen=True, slots=True)
class Selection:
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


def is_settled(known: Known, listed: Listed, selection: Selection) -> bool:
    """Return whether there is nothing to do: the short way for nearly all candidates."""
    return (
        known.presence is Presence.LISTED
        and not selection.full_table & selection.selected
        and not _list_differs(known, listed)
        and listed.extra in {known.extra, None}
        and (HISTORY not in selection.selected or not _has_event(known, listed))
        and not any(HELD[known.holds(stream)].due for stream in selection.selected)
    )


def wants_details(known: Known, listed: Listed, selection: Selection) -> bool:
    """Return whether the details of a listed candidate are requested.

    There are four reasons for a detail request. The others: a known candidate is
    missing from the lists (`absence`), is due for re-verification (`rotation`), or is
    asked for as a proof (`proofs`). Unknown fields of a list row are no reason.
    """
    wanted = selection.selected & FROM_DETAILS
    return bool(wanted) and (
        _list_differs(known, listed)
        or bool(wanted & selection.full_table)
        or any(HELD[known.holds(stream)].due for stream in wanted)
    )


def may_emit(known: Known, listed: Listed, selection: Selection) -> Streams:
    """Return the streams of a listed candidate that may be emitted.

    The details are not read yet, and may differ.
    """
    emit = _emitted(known, listed, None, selection)
    is_read = wants_details(known, listed, selection)
    return emit | (selection.selected & FROM_DETAILS) if is_read else emit


def plan_listed(
    known: Known, listed: Listed, read: Details | None, selection: Selection
) -> Plan:
    """Plan a listed candidate; `read` is None where `wants_details` is false."""
    return _plan(known, listed, read, selection, Presence.LISTED)


def plan_without_details(known: Known, listed: Listed, selection: Selection) -> Plan:
    """Plan a listed candidate whose details were not found, or failed.

    Its list row is emitted, and its details stay due.
    """
    plan = _plan(known, listed, None, selection, Presence.LISTED)
    return replace(plan, after=plan.after and _due_again(plan.after))


# Listed candidates that are due for re-verification. The list was compared earlier in
# this run, so only the details may differ.


def plan_reverified(known: Known, read: Details, selection: Selection) -> Plan:
    """Plan a listed candidate whose details were re-fetched."""
    details_only = Selection(selection.selected & FROM_DETAILS)
    as_known = Listed(known.row, None, None, None)
    return _plan(known, as_known, read, details_only, Presence.LISTED)


def plan_not_reverified(known: Known) -> Plan:
    """Plan a listed candidate whose details are due, but could not be read.

    Either no stream that needs them is selected, or they were not found, or failed:
    they stay due.
    """
    return Plan(_due_again(known))


# Candidates that the lists lack


def absence(known: Known, selection: Selection) -> Absence:
    """Return what is done about a known candidate that the complete lists lack."""
    rule = PRESENCE[known.presence]
    if not selection.narrowed:
        return rule.unnarrowed
    return rule.same if selection.same_scope else rule.changed


def plan_found(
    known: Known, listed: Listed, read: Details, selection: Selection
) -> Plan:
    """Plan a candidate that was found although the lists lack it.

    `listed` is what its details show of the list row.
    """
    archived = not selection.narrowed or known.presence is Presence.UNLISTED
    presence = Presence.UNLISTED if archived else Presence.OUT_OF_SCOPE
    return _plan(known, listed, read, selection, presence)


def plan_gone(known: Known, selection: Selection) -> Plan:
    """Plan a candidate that was not found, or whose deletion is known.

    The selected streams that hold it get tombstones. It is kept as DELETED while
    another stream holds it.
    """
    emit = frozenset(s for s in selection.selected if HELD[known.holds(s)].tombstone)
    held = tuple(
        Held.ABSENT if stream in emit else holds
        for stream, holds in zip(CANDIDATE_STREAMS, known.held, strict=True)
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
        for stream, holds in zip(CANDIDATE_STREAMS, known.held, strict=True)
    )
    most = max(known.answers, answers) if ANSWERS in streams else known.answers
    return replace(known, held=held, answers=most)


def expected_answers(known: Known, most: int) -> int:
    """Return how many answer rows are announced while the details are not read yet.

    That is its own number or, where no details were ever committed, `most`: the
    largest number of any candidate.
    """
    return most if known.details == NEVER else known.answers


def make_stale(known: Known, stream: str) -> Known:
    """Return what is known once a stream would emit something else than it did."""
    index = CANDIDATE_STREAMS.index(stream)
    missed = HELD[known.held[index]].missed
    return replace(known, held=(*known.held[:index], missed, *known.held[index + 1 :]))


# The limits


def is_most(count: int, total: int) -> bool:
    """Return whether so many of a total look like a fault rather than a change.

    It limits deletions among the known candidates, and details that contradict the
    lists of tags among those that were read.
    """
    return count > FEW_DELETED and 2 * count > total


# What the plans share


def _list_differs(known: Known, listed: Listed) -> bool:
    """Return whether the list row or the tags differ."""
    return listed.row != known.row or listed.tags not in {known.tags, None}


def _has_event(known: Known, listed: Listed) -> bool:
    """Return whether `candidate_history` would have a row."""
    return listed.history not in {known.history, None}


def _differs(stream: str, known: Known, listed: Listed, read: Details | None) -> bool:
    """Return whether a stream would emit something else than it did."""
    if stream == HISTORY:
        return _has_event(known, listed)
    if _list_differs(known, listed):
        return True
    if stream == CANDIDATES:
        return listed.extra not in {known.extra, None}
    return read is not None and read.digest != known.details


def _emitted(
    known: Known, listed: Listed, read: Details | None, selection: Selection
) -> Streams:
    return frozenset(
        stream
        for stream in selection.selected
        if (read is not None or stream not in FROM_DETAILS)
        and (listed.history is not None or stream != HISTORY)
        and (
            HELD[known.holds(stream)].due
            or stream in selection.full_table
            or _differs(stream, known, listed, read)
        )
    )


def _plan(
    known: Known,
    listed: Listed,
    read: Details | None,
    selection: Selection,
    presence: Presence,
) -> Plan:
    emit = _emitted(known, listed, read, selection)
    is_contradicted = _is_contradicted(known, listed, read)
    if is_contradicted and read is not None and read.contradicts_tags:
        emit -= {HISTORY}  # its tags are not known for sure: a later run writes it
    is_event = HISTORY in emit and listed.history is not None
    after = Known(
        held=_held_after(known, listed, read, emit),
        presence=presence,
        row=listed.row,
        tags=_tags_after(known, listed, read),
        extra=known.extra if listed.extra is None else listed.extra,
        details=_details_after(known, listed, read),
        history=listed.history or NEVER if is_event else known.history,
        answers=_answers_after(known, read, is_emitted=ANSWERS in emit),
    )
    if is_contradicted:
        after = _due_again(after)
    event = "created" if known.history == NEVER else "updated"
    return Plan(after if after.is_held else None, emit, event if is_event else None)


def _is_contradicted(known: Known, listed: Listed, read: Details | None) -> bool:
    """Return whether details contradict what the lists show, and are read once more.

    They may be of another moment than the list row or the tags, so the next run
    fetches them again. If nothing differs then, the lists and the details differ
    permanently, which must not cost a request per run: the lists count.
    """
    return (
        read is not None
        and (read.is_torn or read.contradicts_tags)
        and (_list_differs(known, listed) or read.digest != known.details)
    )


def _held_after(
    known: Known, listed: Listed, read: Details | None, emit: Streams
) -> tuple[Held, ...]:
    """Return what the target holds once the records are out."""
    held = []
    for stream, holds in zip(CANDIDATE_STREAMS, known.held, strict=True):
        if stream in emit:
            held.append(Held.CURRENT)
        elif stream in UPSERTED and _differs(stream, known, listed, read):
            held.append(HELD[holds].missed)
        else:
            held.append(holds)
    return tuple(held)


def _due_again(known: Known) -> Known:
    """Return what is known if the next run has to read the details."""
    for stream in FROM_DETAILS:
        known = make_stale(known, stream)
    return known


def _tags_after(known: Known, listed: Listed, read: Details | None) -> int:
    """Return the digest of the tags that were last seen.

    Where the lists of tags are unknown, that is in the details. Otherwise a change that
    is taken back before the next run would leave these details in the target.
    """
    if listed.tags is not None:
        return listed.tags
    return known.tags if read is None or read.tags is None else read.tags


def _details_after(known: Known, listed: Listed, read: Details | None) -> int:
    """Return the digest of the details that were last read.

    Where the list row or the tags differ and no details were read, it is replaced by
    UNKNOWN_VALUE: otherwise details that contradict the lists after this difference
    would pass for a permanent contradiction.
    """
    if read is not None:
        return read.digest
    is_outdated = _list_differs(known, listed)
    return min(known.details, UNKNOWN_VALUE) if is_outdated else known.details


def _answers_after(known: Known, read: Details | None, *, is_emitted: bool) -> int:
    """Return how many answer rows the target may hold.

    Rows that were committed and are not emitted now stay as many as they were; so do
    those of a candidate whose questions could not be read.
    """
    if read is None or read.answers is None:
        return known.answers
    is_held = known.holds(ANSWERS) is not Held.ABSENT and known.details != NEVER
    return known.answers if is_held and not is_emitted else read.answers
