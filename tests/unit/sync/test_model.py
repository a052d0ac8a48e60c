"""An executable model: whole histories of one candidate, through the real run.

Between two runs the API changes. Each run has a scope, a selection of streams, a fault
or none, and re-verification or not. The target may die after any message, and the next
run starts from the last STATE before that. After each history, a last complete run of
all streams must leave in the target what the API has. Some promises are checked on the
way: the rows of `candidate_history`, tombstones of answers, and the time that
re-verification has reached.

Rules of the tap are broken one at a time: the model has to find each of them.
"""

from __future__ import annotations

import itertools
import random
import typing as t
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache, partial
from unittest import mock

import pytest

from sandbox import Fault
from sandbox import details_of as by_id
from tap_toggl_hire.api.client import Client
from tap_toggl_hire.streams import CandidateStream
from tap_toggl_hire.sync import checkpoint, plan
from tap_toggl_hire.sync.candidates import CandidateRun
from tap_toggl_hire.sync.checkpoint import Checkpoint
from tap_toggl_hire.sync.plan import (
    ANSWERS,
    CANDIDATE_STREAMS,
    CANDIDATES,
    DETAILS,
    FROM_DETAILS,
    HISTORY,
    NEVER,
    NEW,
    UPSERTED,
    Held,
    Known,
    Plan,
    Presence,
)
from tap_toggl_hire.sync.rotation import due_time
from tap_toggl_hire.sync.scope import Scope
from tap_toggl_hire.sync.state import State
from tap_toggl_hire.tap import TapTogglHire
from tests.unit.sync.observed import details_of, emitted, question
from tests.unit.sync.world import (
    LOGGER,
    NOW,
    Emitted,
    Saved,
    World,
    client_of,
)

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox import Account
    from tap_toggl_hire.api.body import Body
    from tap_toggl_hire.api.pagination import Params


Json = dict[str, t.Any]

ALL = frozenset(CANDIDATE_STREAMS)
NARROW = Scope(filters=(("min_score", "40"),))
DAYS = 30
LONG_AGO = NOW - timedelta(days=40)
"""More than a turn of re-verification: every candidate is due."""

SUBJECT = "1"
"""The candidate whose history is followed."""
FIRST, LATER = "0", "2"
"""Candidates that a list shows before it, and that are due after it."""
TAG = "300"
SEED = 20
"""The seed of the walks: with this one, 400 of them find every broken rule."""

TORN, NOT_FOUND, FAILED = "torn details", "details not found", "details failed"
UNKNOWN_TAGS, WRONG_TAGS = "unknown tags", "wrong lists of tags"
FAULTS = (TORN, NOT_FOUND, FAILED, UNKNOWN_TAGS, WRONG_TAGS)
ONCE = {TORN, WRONG_TAGS}
"""Faults that count as a permanent difference if they come twice in the same way."""

KILLED = "a run was killed that may have written a row of history: it may come twice"
WAREHOUSE = "the last row is not known, so the next one is `updated` in any case"


class Api(t.NamedTuple):
    """The truth. The list row shows `visible`; only the details show `hidden`."""

    exists: bool = False
    listed: bool = True
    in_scope: bool = True
    visible: int = 1
    tagged: bool = False
    hidden: int = 1  # also the number of questions
    differs: bool = False  # the details have another name than the list row, always


class Target(t.NamedTuple):
    """What the target holds of the candidate."""

    row: t.Any = None
    details: t.Any = None
    answers: tuple[t.Any, ...] = ()  # by position; None for a tombstone
    event: str | None = None
    history: t.Any = None


class Choice(t.NamedTuple):
    """What a run is."""

    selected: frozenset[str] = ALL
    narrow: bool = False
    due: bool = False
    few_left: int = plan.FEW_LEFT
    fault: str = ""
    full_table: frozenset[str] = frozenset()
    is_announced: bool = True  # by a candidate before it, before its details are known


class Place(t.NamedTuple):
    """Where a history is between two runs."""

    api: Api
    known: Known | None
    scope: str
    target: Target
    past_faults: frozenset[str] = frozenset()
    excuse: str = ""
    """Why the next row of history may be unexpected: KILLED or WAREHOUSE."""


class StateMessage(t.NamedTuple):
    """What a STATE says."""

    known: Known | None
    scope: str
    is_passed: bool  # by the time that re-verification has reached


class RecordMessage(t.NamedTuple):
    """What a RECORD says."""

    stream: str
    value: t.Any


Message = StateMessage | RecordMessage


@pytest.fixture(autouse=True)
def _frequent_states_and_no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a STATE after each candidate; log nothing in thousands of runs."""
    monkeypatch.setattr(checkpoint, "MAX_ANSWERED", 1)
    monkeypatch.setattr(LOGGER, "disabled", True)


# One run


class OnceClient(Client):
    """The tap's client, which requests a page, or the details of a candidate, once.

    There are thousands of runs over workspaces that do not change. With all requests,
    they take 1.7 times as long.
    """

    def __init__(self, *args: t.Any, **options: t.Any) -> None:
        super().__init__(*args, **options)
        self.wanted: list[str] = []  # the candidate of each call for details
        self._bodies: dict[str, Body] = {}

    def candidate(self, candidate_id: str) -> Body:
        self.wanted.append(candidate_id)
        if candidate_id not in self._bodies:
            self._bodies[candidate_id] = super().candidate(candidate_id)
        return self._bodies[candidate_id]

    def candidates_page(self, params: Params) -> Body:
        page = str(params)
        if page not in self._bodies:
            self._bodies[page] = super().candidates_page(params)
        return self._bodies[page]


class Truth(World):
    """A workspace that shows a truth, or what a fault makes of it."""

    def __init__(self, api: Api, fault: str, is_announced: bool) -> None:
        super().__init__(days=DAYS)
        self.account.add_tag("A tag", tag_id=TAG)
        self.account.add_candidate(**OTHERS[LATER])
        if is_announced:
            self.account.add_candidate(**OTHERS[FIRST])
        if api.exists:
            add_subject(self.account, api, fault)
        self.transport.faults += FAILURES.get(fault, ())
        once = client_of(self.transport, kind=OnceClient)
        self.once = t.cast("OnceClient", once)

    def client(self) -> Client:
        return self.once


truth = cache(Truth)
FAILURES = {
    NOT_FOUND: [Fault("status", status=404, match=by_id(SUBJECT))],
    FAILED: [Fault("status", status=503, match=by_id(SUBJECT))],
    UNKNOWN_TAGS: [Fault("status", status=503, match=lambda r: "tag_ids" in r.query)],
}


def add_subject(account: Account, api: Api, fault: str) -> None:
    """Add the subject to a workspace, with a fault in what the API shows of it."""
    account.add_candidate(**subject(api))
    # The filter of NARROW compares a score that no response shows.
    shown = {"score": 75}
    account.show(SUBJECT, in_list=shown, in_details=shown)
    if api.differs:
        account.show(SUBJECT, in_details={"name": "Another name"})
    if fault == TORN:
        account.rate(SUBJECT, 3 - api.visible)
        account.hold_details(SUBJECT)
        account.rate(SUBJECT, api.visible)
    if fault == WRONG_TAGS:
        account.show(
            SUBJECT, in_details={"tag_ids": account.detail(SUBJECT)["tag_ids"]}
        )
        change = account.untag if api.tagged else account.tag
        change(SUBJECT, TAG)
    if not api.listed:
        account.archive(SUBJECT)


def subject(api: Api) -> Json:
    """Return the fields of the subject."""
    return details_of(
        SUBJECT,
        started_at="2026-01-05T09:02:00",
        score=75 if api.in_scope else 0,
        rating=api.visible,
        tag_ids=[TAG] if api.tagged else [],
        questions=[question(str(api.hidden))] * api.hidden,
        answers=[],
    )


OTHERS = {
    FIRST: details_of(FIRST, started_at="2026-01-05T09:00:00"),
    LATER: details_of(LATER, started_at="2026-01-05T09:01:00"),
}


@cache
def streams() -> list[CandidateStream]:
    """Return the tap's own streams of candidates."""
    tap = TapTogglHire(config={"api_key": "key-of-the-model"})
    return [s for s in tap.streams.values() if isinstance(s, CandidateStream)]


def messages_of(messages: list[Emitted | Saved], due: datetime) -> Iterator[Message]:
    """Yield the messages about the subject.

    Args:
        messages: What a run wrote.
        due: When the subject is due.
    """
    for message in messages:
        if isinstance(message, Saved):
            reached = message.reverified_until
            is_passed = reached is not None and reached >= due
            known = message.known.get(SUBJECT)
            yield StateMessage(known, message.scope, is_passed)
        elif message.change.id == SUBJECT:
            yield from records_of(message)


def records_of(message: Emitted) -> Iterator[RecordMessage]:
    for stream in streams():
        if stream.name in message.streams:
            for record, is_tombstone in stream.emitted(message.change):
                value = value_of(stream.name, record, is_tombstone=is_tombstone)
                yield RecordMessage(stream.name, value)


def value_of(stream: str, record: Json, *, is_tombstone: bool) -> t.Any:
    """Return what a record says, as far as the model knows it."""
    if stream == ANSWERS:
        question_id = None if is_tombstone else int(record["question_id"])
        return record["position"], question_id
    if stream == HISTORY:
        fields = None if is_tombstone else (record["rating"], bool(record["tag_ids"]))
        return record["event"], fields
    if is_tombstone:
        return None
    if stream == CANDIDATES:
        return record["rating"]
    return record["rating"], bool(record["tag_ids"]), len(record["questions"])


Result = tuple[tuple[Message, ...], int]
"""The messages of a run, and its requests for details of the subject."""


def run(api: Api, known: Known | None, scope: str, choice: Choice) -> Result:
    """Run once."""
    is_listed = api.exists and api.listed and (api.in_scope or not choice.narrow)
    needs_row = choice.fault in {TORN, NOT_FOUND}  # else it is another truth
    fault = choice.fault if is_listed or not needs_row else ""
    world = truth(api if api.exists else Api(), fault, choice.is_announced)
    world.scope = NARROW if choice.narrow else Scope()
    world.state = state = State()
    state.scope, state.tags = scope, {TAG}
    state.reverified_until = LONG_AGO if choice.due else NOW
    state.inventory[LATER] = later_known()
    if known is not None:
        state.inventory[SUBJECT] = known
    world.once.wanted.clear()
    with mock.patch.object(plan, "FEW_LEFT", choice.few_left):
        done = world.run(choice.selected, choice.full_table)
    assert done.error is None or choice.fault in {FAILED, UNKNOWN_TAGS}
    due = due_time(SUBJECT, NOW - timedelta(days=DAYS), NOW, DAYS)
    assert due is not None
    return tuple(messages_of(done.messages, due)), world.once.wanted.count(SUBJECT)


@cache
def later_known() -> Known:
    """Return what is known of LATER, which was emitted and does not change."""
    return emitted(OTHERS[LATER])


# What the target holds, and what is wrong with it


def written(target: Target, stream: str, value: t.Any) -> Target:
    """Return what the target holds after a record."""
    if stream == CANDIDATES:
        return target._replace(row=value)
    if stream == DETAILS:
        return target._replace(details=value)
    if stream == HISTORY:
        return target._replace(event=value[0], history=value[1])
    position, question_id = value
    answers = [*target.answers]
    answers += [None] * (position + 1 - len(answers))
    answers[position] = question_id
    return target._replace(answers=tuple(answers))


def wrong_event(place: Place, target: Target, event: str, history: t.Any) -> str:
    """Return what is wrong with a row of history, if anything."""
    is_alive = target.event in {"created", "updated"}
    is_same = history == target.history and not place.excuse
    wrong = {
        "created": "a second row `created`" if is_alive else "",
        "updated": "a row `updated` without a change" if is_same else "",
        "deleted": "" if is_alive else "a second row `deleted`",
    }[event]
    if event == "updated" and not is_alive:
        wrong = "a row `updated` that does not follow `created`"
    if place.excuse == KILLED and not (event == "updated" and target.event is None):
        return ""
    return wrong


def wrong_record(
    place: Place, choice: Choice, target: Target, record: RecordMessage, requests: int
) -> str:
    """Return what is wrong with a record, if anything."""
    api = place.api
    if record.stream == HISTORY:
        event, fields = record.value
        # A due candidate may be read when its row of history is out already.
        was_read = requests > 0 and not choice.due and event != "deleted"
        is_wrong = choice.fault == WRONG_TAGS and was_read
        if is_wrong and fields[1] is not api.tagged:
            return "a row of history with tags that the details contradict"
        return wrong_event(place, target, event, fields)
    if record.stream == ANSWERS and api.exists:
        position, question_id = record.value
        known = place.known or NEW
        was_committed = known.details != NEVER or known.presence is Presence.DELETED
        is_tombstone = question_id is None
        if is_tombstone and position >= len(target.answers) and not was_committed:
            return "a tombstone of an answer that never was"
    return ""


def is_passed_too_early(
    place: Place, choice: Choice, target: Target, state: StateMessage
) -> bool:
    """Return whether re-verification has passed details that the target lacks.

    Those that are not CURRENT are read by the next run, and a failure is passed over.
    """
    known = state.known
    if not (choice.due and state.is_passed) or choice.fault == FAILED or known is None:
        return False
    if known.presence is Presence.DELETED or known.holds(DETAILS) is not Held.CURRENT:
        return False
    return bool(target.details != true_details(place.api))


def true_details(api: Api) -> t.Any:
    """Return the record of `candidate_details` that is true."""
    return (api.visible, api.tagged, api.hidden) if api.exists else None


def is_true(place: Place, target: Target, *, due: bool) -> bool:
    """Return whether the target holds the truth after a last complete run."""
    api, known = place.api, place.known
    answers = [question_id for question_id in target.answers if question_id is not None]
    if not api.exists:
        was_archived = known is not None and known.presence is Presence.UNLISTED
        return (was_archived and not due) or (
            target.row is target.details is None
            and not answers
            and (target.event == "deleted" or target.history is None)
        )
    if not api.listed:
        # Its re-verification finds it, unless it was unknown by then.
        was_known = known is not None and known.presence is not Presence.DELETED
        if not (due and was_known):
            return True
    # What only details show may be old, but is of one version.
    hidden = api.hidden
    if api.listed and not due and target.details is not None:
        hidden = target.details[2]
    return (
        target.row == api.visible
        and target.details == (api.visible, api.tagged, hidden)
        and answers == [hidden] * hidden
        and target.event != "deleted"
        and target.history == (api.visible, api.tagged)
    )


# Histories


def following(place: Place) -> Iterator[Place]:
    """Yield what the API may be at the next run.

    A test does not lose questions before its details are committed: the contract of
    the tap takes no account of that.
    """
    api = place.api
    yield place
    if not api.exists:
        yield place._replace(api=api._replace(exists=True, listed=True))
        return
    changes: list[Json] = [
        {"exists": False},
        {"visible": 3 - api.visible},
        {"tagged": not api.tagged},
        {"listed": not api.listed},
        {"in_scope": not api.in_scope},
    ]
    was_committed = place.known is not None and place.known.details != NEVER
    if api.hidden == 1 or was_committed or not place.target.answers:
        changes.append({"hidden": 3 - api.hidden})
    for fields in changes:
        yield place._replace(api=api._replace(**fields))


def starts() -> Iterator[Place]:
    """Yield an empty target, and one that only the warehouse knows."""
    for in_scope in (True, False):
        yield Place(Api(in_scope=in_scope), None, "", Target())
    state = State.load({"format": 3, "held": [[SUBJECT, 2]]})
    target = Target(1, (1, False, 2), (2, 2), "created", (1, False))
    known = state.inventory.get(SUBJECT)
    yield Place(Api(exists=True, hidden=2), known, "", target, excuse=WAREHOUSE)
    yield Place(Api(differs=True), None, "", Target())


def possible(place: Place, choices: t.Iterable[Choice]) -> list[Choice]:
    """Return what the next run may be."""
    past = place.past_faults & ONCE
    return [choice for choice in choices if choice.fault not in past]


class Explorer:
    """Follows histories, and collects what is wrong with them."""

    def __init__(self) -> None:
        self.wrong: list[tuple[str, Place, Choice]] = []
        self._results: dict[t.Any, Result] = {}
        self._checked: set[t.Any] = set()

    def run(self, place: Place, choice: Choice) -> Result:
        """Run once; the same run has the same result."""
        key = place.api, place.known, place.scope, choice
        if key not in self._results:
            self._results[key] = run(*key)
        return self._results[key]

    def follow(self, place: Place, choice: Choice) -> Iterator[Place]:
        """Yield where the target may be after a run: it may die after any message."""
        messages, requests = self.run(place, choice)
        has_history = any(
            isinstance(message, RecordMessage) and message.stream == HISTORY
            for message in messages
        )
        may_have_history = (
            has_history
            or choice.fault == WRONG_TAGS  # a row that was announced has to wait
            or place.known is None
            or place.known.holds(HISTORY) is not Held.CURRENT
        )
        known, scope, target = place.known, place.scope, place.target
        faults = place.past_faults | {choice.fault}
        for number, message in enumerate(messages, start=1):
            complaint = ""
            if isinstance(message, StateMessage):
                known, scope, _ = message
                if is_passed_too_early(place, choice, target, message):
                    complaint = "re-verification has passed it too early"
            else:
                complaint = wrong_record(place, choice, target, message, requests)
                target = written(target, *message)
            if complaint:
                self.wrong.append((complaint, place, choice))
            excuse = KILLED if may_have_history else place.excuse
            if number == len(messages):
                excuse = "" if has_history else place.excuse
            yield Place(place.api, known, scope, target, faults, excuse)

    def check(self, place: Place) -> None:
        """Check what a last complete run leaves."""
        key = place.api, place.known, place.scope, place.target, place.excuse
        if key in self._checked:
            return
        self._checked.add(key)
        for due in (False, True):
            choice = Choice(due=due)
            *_, last = self.follow(place, choice)
            if not is_true(place, last.target, due=due):
                self.wrong.append(("not the truth", place, choice))
            if place.api.differs:  # its details are read once more
                *_, last = self.follow(last, Choice())
            messages, requests = self.run(last, Choice())
            has_records = any(isinstance(m, RecordMessage) for m in messages)
            if has_records or requests:
                self.wrong.append(("another run finds something", last, choice))

    def explore(self, begin: t.Iterable[Place], runs: int) -> None:
        """Follow all histories of some runs, until something is wrong."""
        level = set(begin)
        seen = set(level)
        for _ in range(runs):
            ends: set[Place] = set()
            for place in sorted(level, key=repr):
                for changed in following(place):
                    for choice in possible(place, FEW):
                        ends.update(self.follow(changed, choice))
                if self.wrong:
                    return
            level = ends - seen
            seen |= level
            for place in sorted(level, key=repr):
                self.check(place)
                if self.wrong:
                    return

    def wander(self, walks: int, runs: int, choices: t.Sequence[Choice]) -> None:
        """Follow some long histories, until something is wrong."""
        rng = random.Random(SEED)
        begin = list(starts())
        for _ in range(walks):
            place = rng.choice(begin)
            for _ in range(runs):
                changed = rng.choice([*following(place)])
                choice = rng.choice(possible(place, choices))
                ends = [*self.follow(changed, choice)]
                place = ends[-1] if rng.random() < 0.5 else rng.choice(ends)
                self.check(place)
                if self.wrong:
                    return


def selections() -> Iterator[frozenset[str]]:
    """Yield every selection of streams."""
    for size in range(1, len(CANDIDATE_STREAMS) + 1):
        yield from map(frozenset, itertools.combinations(CANDIDATE_STREAMS, size))


ONLY = [frozenset({stream}) for stream in CANDIDATE_STREAMS]
FEW = (
    *(Choice(selected, is_announced=False) for selected in ONLY),
    *(Choice(is_announced=is_announced) for is_announced in (False, True)),
    *(Choice(selected, narrow=True) for selected in (ALL, ONLY[0])),
    *(Choice(selected, due=True) for selected in (ALL, ONLY[0])),
    Choice(narrow=True, due=True),
    *(Choice(fault=fault) for fault in FAULTS),
    Choice(due=True, fault=TORN),
)
MANY = tuple(
    Choice(selected, narrow, due, few_left, fault, full_table & selected, is_announced)
    for selected in selections()
    for narrow, due in itertools.product((False, True), repeat=2)
    for few_left in ((plan.FEW_LEFT, 0) if narrow else (plan.FEW_LEFT,))
    for fault in ("", *FAULTS)
    for full_table in (frozenset[str](), UPSERTED)
    for is_announced in (False, True)
)


def test_all_short_histories_end_in_the_truth() -> None:
    explorer = Explorer()
    explorer.explore([next(starts())], 2)
    assert explorer.wrong == []


def test_long_histories_end_in_the_truth() -> None:
    explorer = Explorer()
    explorer.wander(100, 8, MANY)
    assert explorer.wrong == []


@pytest.mark.slow
def test_more_histories_end_in_the_truth() -> None:
    explorer = Explorer()
    explorer.explore(starts(), 2)
    explorer.wander(1500, 10, MANY)
    assert explorer.wrong == []


def test_later_candidate_is_due_after_the_subject() -> None:
    since = NOW - timedelta(days=DAYS)
    subject, later = (due_time(key, since, NOW, DAYS) for key in (SUBJECT, LATER))
    assert subject is not None
    assert later is not None
    assert subject < later


# Broken rules

Patch = t.Callable[[], t.ContextManager[t.Any]]


def broken(name: str, rule: Callable[..., t.Any], owner: t.Any = plan) -> Patch:
    """Replace a function by a rule that is given it as its first argument."""
    return lambda: mock.patch.object(owner, name, partial(rule, getattr(owner, name)))


def broken_method(owner: type, name: str, rule: t.Any) -> Patch:
    """Replace a method or a property."""
    return lambda: mock.patch.object(owner, name, rule)


def broken_entry(table: t.Any, key: t.Any, **values: t.Any) -> Patch:
    """Replace values in an entry of a table of `plan`."""
    return lambda: mock.patch.dict(table, {key: table[key]._replace(**values)})


def commit_unemitted_details(real: t.Any, known: Known, *args: t.Any) -> Plan:
    """Count details as CURRENT that were read and not emitted."""
    decided: Plan = real(known, *args)
    after, read = decided.after, args[1]
    if after is None or read is None or DETAILS in decided.emit:
        return decided
    held = (after.held[0], known.holds(DETAILS), *after.held[2:])
    return replace(decided, after=replace(after, held=held))


def keep_torn(
    real: t.Any, known: Known, listed: t.Any, read: t.Any, selection: t.Any
) -> Plan:
    """Read torn details in each run."""
    decided: Plan = real(known, listed, read, selection)
    after = decided.after
    if after is not None and read is not None and read.is_torn:
        for stream in FROM_DETAILS & decided.emit:
            after = plan.make_stale(after, stream)
    return replace(decided, after=after)


def ignore_torn(
    real: t.Any, known: Known, listed: t.Any, read: t.Any, selection: t.Any
) -> Plan:
    """Count torn details as CURRENT."""
    decided: Plan = real(
        known, listed, read and replace(read, is_torn=False), selection
    )
    return decided


def ignore_torn_again(real: t.Any, known: Known, read: t.Any, selection: t.Any) -> Plan:
    """Count torn details as CURRENT where they are re-verified."""
    decided: Plan = real(known, replace(read, is_torn=False), selection)
    return decided


def write_contradicted(
    real: t.Any, known: Known, listed: t.Any, read: t.Any, selection: t.Any
) -> Plan:
    """Write history although the details contradict its tags."""
    if read is not None and read.contradicts_tags:
        read = replace(read, contradicts_tags=False, is_torn=True)
    decided: Plan = real(known, listed, read, selection)
    return decided


def forget_tags(
    real: t.Any, known: Known, listed: t.Any, read: t.Any, selection: t.Any
) -> Plan:
    """Note no tags of details while the lists of tags are unknown."""
    decided: Plan = real(known, listed, read and replace(read, tags=None), selection)
    return decided


def event_of_held(real: t.Any, known: Known, *args: t.Any) -> Plan:
    """Let the event follow from what is held, not from the digest."""
    decided: Plan = real(known, *args)
    if decided.event is None:
        return decided
    is_new = known.holds(HISTORY) is Held.ABSENT
    return replace(decided, event="created" if is_new else "updated")


announce = Checkpoint.announce


def announce_all(self: Checkpoint, decisions: t.Any, ahead: t.Any = ()) -> None:
    """Announce every stream of what candidates bring that the lists lack."""
    for decision in decisions:
        self._intend(decision.id, decision.known, ALL, decision.answers)
    announce(self, (), ahead)


def pass_kept(self: CandidateRun) -> None:
    """Let the time reached pass candidates that are kept."""
    self._state.reverified_until = self._reached


BROKEN: dict[str, Patch] = {
    "no intent before emission": broken("intent", lambda _, known, *__: known),
    "a missed difference is not noted": broken_entry(
        plan.HELD, Held.CURRENT, missed=Held.CURRENT
    ),
    "a deletion is not emitted to a stream that is selected later": broken(
        "plan_gone", lambda real, *args: replace(real(*args), after=None)
    ),
    "OUT_OF_SCOPE is never asked for": broken_entry(
        plan.PRESENCE,
        Presence.OUT_OF_SCOPE,
        **{**plan.PRESENCE[Presence.UNLISTED]._asdict(), "reverified": False},
    ),
    "details are CURRENT that were not emitted": broken(
        "plan_listed", commit_unemitted_details
    ),
    "deletions are planned from the announcement": broken(
        "plan_gone",
        lambda real, known, selection: real(
            plan.intent(known, selection.selected, 0), selection
        ),
    ),
    "every selected stream of a listed candidate is announced": broken(
        "may_emit", lambda _, *args: args[-1].selected
    ),
    "every stream of a missing candidate is announced": broken_method(
        Checkpoint, "announce", announce_all
    ),
    "torn details count as CURRENT": broken("plan_listed", ignore_torn),
    "torn details are never CURRENT": broken("plan_listed", keep_torn),
    "re-verified torn details count as CURRENT": broken(
        "plan_reverified", ignore_torn_again
    ),
    "a contradiction of tags writes history": broken("plan_listed", write_contradicted),
    "tags in details are not noted while the lists of tags are unknown": broken(
        "plan_listed", forget_tags
    ),
    "the event follows from what is held": broken("plan_listed", event_of_held),
    "an unknown value counts as never emitted": lambda: mock.patch.object(
        plan, "NEVER", plan.UNKNOWN_VALUE
    ),
    "the answers in flight are not announced": broken(
        "intent", lambda real, known, streams, _: real(known, streams, 0)
    ),
    "answers that were never committed get tombstones": broken_method(
        Known, "committed_answers", property(lambda known: known.answers)
    ),
    "due details that are not selected stay CURRENT": broken(
        "plan_not_reverified", lambda _, known: Plan(known)
    ),
    "candidates that are kept are passed": broken_method(
        CandidateRun, "_note_reached", pass_kept
    ),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_broken_rule_is_found(rule: str) -> None:
    with BROKEN[rule]():
        explorer = Explorer()
        explorer.wander(800, 8, FEW)
    assert explorer.wrong
