"""An executable model: whole histories of one candidate, through the real loop.

Between two runs the API changes; each run has a scope, a selection of streams, a fault
or none, and re-verification or not. The target may die after any message, and the next
run starts from the last STATE before that. After each history, a last complete,
unnarrowed run of all streams must leave in the target what the API has; the rows of
`candidate_history` are checked on the way.
"""

from __future__ import annotations

import itertools
import random
import typing as t
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from unittest import mock

import pytest

from tap_toggl_hire.errors import NotFoundError, UnavailableError
from tap_toggl_hire.sync import changes, plan
from tap_toggl_hire.sync.plan import CANDIDATES, DETAILS, HISTORY, Held, Known, Plan
from tap_toggl_hire.sync.scope import Scope
from tap_toggl_hire.sync.state import State
from tests.unit.sync.fakes import ALL, NOW, FakeApi, World, candidate

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.sync.fakes import Json

NARROW = Scope(filters=(("min_score", "40"),))
DIED = "a run died that may have written a row of history, which may come twice"
WAREHOUSE = "the last row is not known, so the next one is `updated` in any case"
TORN, UNKNOWN_TAGS, NOT_FOUND, FAILED = "torn", "unknown tags", "not found", "failed"


class Api(t.NamedTuple):
    """The truth. The list row shows `visible`; only the details show `hidden`."""

    exists: bool = False
    listed: bool = True
    in_scope: bool = True
    visible: int = 1
    tagged: bool = False
    hidden: int = 1  # also the number of questions
    differs: bool = False  # the list row has another name than the details, always

    @property
    def is_listed(self) -> bool:
        return self.exists and self.listed


class Target(t.NamedTuple):
    """What the target holds."""

    row: t.Any = None
    details: t.Any = None
    answers: tuple[t.Any, ...] = ()
    event: str | None = None
    history: t.Any = None


class Choice(t.NamedTuple):
    """What a run is."""

    selected: frozenset[str] = ALL
    narrow: bool = False
    due: bool = False
    most_left: int = plan.FEW_LEFT
    fault: str = ""
    full_table: frozenset[str] = frozenset()
    is_announced: bool = True  # by candidates in front, before its details are known


class Place(t.NamedTuple):
    """Where a history is between two runs."""

    api: Api
    known: Known | None
    scope: str
    target: Target
    was_torn: bool = False
    excused: str = ""
    """Why the next row of history may be odd: DIED or WAREHOUSE."""


Message = tuple[str, t.Any, t.Any]
"""("state", known, scope) or ("record", stream, value)."""


@dataclass
class FixedTags:
    """A stand-in for `TagLists`."""

    tags: tuple[str, ...]
    are_unknown: bool
    version: int = 0

    def of(self, candidate_id: str) -> tuple[str, ...] | None:
        del candidate_id
        return None if self.are_unknown else self.tags

    def learn(self, tag_ids: t.Any) -> None:
        pass

    def __len__(self) -> int:
        return 1


def body(api: Api, visible: int) -> Json:
    name = "Another name" if api.differs else "A name"
    tags = ["7"] if api.tagged else []
    questions = [{"id": api.hidden}] * api.hidden
    return candidate(1, name=name, rating=visible, tag_ids=tags, questions=questions)


FIRST = candidate(0)
"""A new candidate that comes first, so that the others are announced."""
MISSING = candidate(-1)
"""An archived one that is asked for first; its row is due."""


def missing() -> Known:
    world = World(FakeApi([MISSING]), tags=FixedTags((), are_unknown=False))
    world.run()
    known = world.state.inventory.get("-1")
    assert known is not None
    return plan.make_stale(known, CANDIDATES)


MISSING_KNOWN = missing()


def run(
    api: Api, known: Known | None, scope: str, choice: Choice
) -> tuple[tuple[Message, ...], int]:
    """Run once; return the messages and the number of requests for details."""
    listed = api.is_listed and (api.in_scope or not choice.narrow)
    shown = 3 - api.visible if choice.fault == TORN and listed else api.visible
    fake = FakeApi([FIRST, MISSING] if choice.is_announced else [])
    if api.exists:
        fake.candidates["1"] = body(api._replace(differs=False), api.visible)
    fake.hidden = {"-1"} if listed else {"-1", "1"}
    details: t.Any = body(api, shown)
    if not api.exists or (choice.fault == NOT_FOUND and listed):
        details = NotFoundError("gone")
    elif choice.fault == FAILED:
        details = UnavailableError("down")
    fake.answers["1"] = details
    world = World(fake, scope=NARROW if choice.narrow else Scope(), days=30)
    tags = ("7",) if api.tagged else ()
    world.tags = FixedTags(tags, choice.fault == UNKNOWN_TAGS)
    state = world.state
    state.scope, state.tags = scope, 1
    # After a pause longer than a turn, every candidate is due.
    state.reverified_until = NOW - timedelta(days=40 if choice.due else 0)
    if choice.is_announced:
        state.inventory["-1"] = MISSING_KNOWN
    if known is not None:
        state.inventory["1"] = known
    with mock.patch.object(plan, "FEW_LEFT", choice.most_left):
        result = world.run(choice.selected, choice.full_table)
    messages: list[Message] = []
    for kind, what, detail in result.messages:
        if kind == "state":
            messages.append(("state", what.get("1"), scope))
        elif detail.id == "1":
            messages.append(("record", what, value(what, detail)))
    messages.append(("state", messages[-1][1], state.scope))
    return tuple(messages), fake.asked.count("1")


def value(stream: str, change: changes.Change) -> t.Any:
    """Return what a record says."""
    row, details = change.row, change.details
    if stream == CANDIDATES:
        return row and row["rating"]
    if stream == DETAILS:
        return details and (
            details["rating"],
            bool(details["tag_ids"]),
            len(details["questions"]),
        )
    if stream == plan.ANSWERS:
        count = len(details["questions"]) if details else 0
        return (count,) * count, change.answers_held
    return change.event, row and (row["rating"], bool(change.tags))


def write(target: Target, stream: str, value: t.Any) -> Target:
    """Return what the target holds after a record."""
    if stream == CANDIDATES:
        return target._replace(row=value)
    if stream == DETAILS:
        return target._replace(details=value)
    if stream == HISTORY:
        return target._replace(event=value[0], history=value[1])
    rows, held = value
    # A tombstone for each position that may be held; what lies beyond stays.
    answers = [*rows, *target.answers[max(held, len(rows)) :]]
    if held < len(target.answers) and len(rows) <= held:
        answers = [*rows, *[None] * (held - len(rows)), *target.answers[held:]]
    return target._replace(answers=tuple(answers))


def wrong_event(place: Place, target: Target, event: str, history: t.Any) -> str:
    """Return what is wrong with a row of history, if anything."""
    lives = target.event in {"created", "updated"}
    is_same = history == target.history and not place.excused
    wrong = {
        "created": "a second row `created`" if lives else "",
        "updated": "a row `updated` without a change" if is_same else "",
        "deleted": "" if lives else "a second row `deleted`",
    }[event]
    if event == "updated" and not lives:
        wrong = "a row `updated` that does not follow `created`"
    if place.excused == DIED and not (event == "updated" and target.event is None):
        return ""
    return wrong


def is_true(place: Place, target: Target, *, due: bool) -> bool:
    """Return whether the target holds the truth after a last complete run."""
    api, known = place.api, place.known
    answers = (api.hidden,) * api.hidden
    details = api.visible, api.tagged, api.hidden
    truth = Target(api.visible, details, answers, None, details[:2])
    target = target._replace(event=None) if target.event != "deleted" else target
    if api.is_listed:
        if due:
            return target == truth
        # What only details show may be old, but is of one version.
        seen = target.details and target.details[2]
        return bool(seen) and target == truth._replace(
            details=(*details[:2], seen), answers=(seen,) * seen
        )
    if not api.exists:
        waits = (
            known is not None and known.presence is plan.Presence.UNLISTED and not due
        )
        return waits or (
            target.row is target.details is None
            and not any(target.answers)
            and (target.event == "deleted" or target.history is None)
        )
    # Archived: its re-verification finds it, unless it was unknown by then.
    was_known = known is not None and known.presence is not plan.Presence.DELETED
    return not (due and was_known) or target == truth


def following(api: Api) -> Iterator[Api]:
    """Yield what the API may be at the next run."""
    yield api
    if not api.exists:
        yield api._replace(exists=True, listed=True)
        return
    yield api._replace(exists=False)
    yield api._replace(visible=3 - api.visible)
    yield api._replace(tagged=not api.tagged)
    yield api._replace(hidden=3 - api.hidden)
    yield api._replace(listed=not api.listed)
    yield api._replace(in_scope=not api.in_scope)


def starts() -> Iterator[Place]:
    """Yield an empty target, and one that only the warehouse knows."""
    for in_scope in (True, False):
        yield Place(Api(in_scope=in_scope), None, "", Target())
    state = State.load({"format": 3, "held": [["1", 2]]})
    held = Target(1, (1, False, 2), (2, 2), "created", (1, False))
    known = state.inventory.get("1")
    yield Place(Api(exists=True, hidden=2), known, "", held, excused=WAREHOUSE)
    yield Place(Api(differs=True), None, "", Target())


def possible(place: Place, choices: t.Iterable[Choice]) -> list[Choice]:
    """Return what the next run may be.

    Details that are torn twice in the same way count as a permanent difference.
    """
    return [one for one in choices if not (one.fault == TORN and place.was_torn)]


class Explorer:
    """Follows histories, and collects what is wrong with them."""

    def __init__(self) -> None:
        self.wrong: list[tuple[str, Place, Choice]] = []
        self.runs: dict[t.Any, tuple[tuple[Message, ...], int]] = {}
        self.checked: set[t.Any] = set()

    def run(self, place: Place, choice: Choice) -> tuple[tuple[Message, ...], int]:
        key = place.api, place.known, place.scope, choice
        if key not in self.runs:
            self.runs[key] = run(*key)
        return self.runs[key]

    def follow(self, place: Place, choice: Choice) -> Iterator[Place]:
        """Yield where the target may be after a run: it may die after any message."""
        messages, _ = self.run(place, choice)
        has_history = any(message[1] == HISTORY for message in messages)
        is_due = place.known is None or place.known.holds(HISTORY) is not Held.CURRENT
        known, scope, target = place.known, place.scope, place.target
        was_torn = place.was_torn or choice.fault == TORN
        for number, (kind, what, detail) in enumerate(messages, start=1):
            if kind == "state":
                known, scope = what, detail
            else:
                if what == HISTORY:
                    complaint = wrong_event(place, target, *detail)
                    if complaint:
                        self.wrong.append((complaint, place, choice))
                target = write(target, what, detail)
            excused = DIED if has_history or is_due else place.excused
            if number == len(messages):
                excused = "" if has_history else place.excused
            yield Place(place.api, known, scope, target, was_torn, excused)

    def check(self, place: Place) -> None:
        """Check what a last complete run leaves."""
        if (place[:4], place.excused) in self.checked:
            return
        self.checked.add((place[:4], place.excused))
        for due in (False, True):
            choice = Choice(due=due)
            *_, last = self.follow(place, choice)
            if not is_true(place, last.target, due=due):
                self.wrong.append(("not the truth", place, choice))
            if place.api.differs:  # its details are read once more
                *_, last = self.follow(last, Choice())
            messages, requests = self.run(last, Choice())
            if any(kind == "record" for kind, *_ in messages) or requests:
                self.wrong.append(("another run finds something", last, choice))

    def explore(self, begin: t.Iterable[Place], depth: int) -> None:
        """Follow all histories of some runs, until something is wrong."""
        level = set(begin)
        seen = set(level)
        for _ in range(depth):
            ends: set[Place] = set()
            for place in sorted(level, key=repr):
                for api in following(place.api):
                    changed = place._replace(api=api)
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
        """Follow some long histories."""
        chance = random.Random(18)
        begin = list(starts())
        for _ in range(walks):
            place = chance.choice(begin)
            for _ in range(runs):
                api = chance.choice([*following(place.api)])
                changed = place._replace(api=api)
                choice = chance.choice(possible(place, choices))
                ends = [*self.follow(changed, choice)]
                place = ends[-1] if chance.random() < 0.5 else chance.choice(ends)
                self.check(place)
                if self.wrong:
                    return


def selections(*names: str) -> Iterator[frozenset[str]]:
    for size in range(1, len(names) + 1):
        yield from map(frozenset, itertools.combinations(names, size))


ALONE = [frozenset({name}) for name in plan.STREAMS]
FEW = (
    *(Choice(selected, is_announced=False) for selected in ALONE),
    *(Choice(is_announced=is_announced) for is_announced in (False, True)),
    *(Choice(selected, narrow=True) for selected in (ALL, frozenset({CANDIDATES}))),
    Choice(due=True),
    Choice(narrow=True, due=True),
    *(Choice(fault=fault) for fault in (TORN, UNKNOWN_TAGS, NOT_FOUND, FAILED)),
)
MANY = tuple(
    Choice(selected, narrow, due, most_left, fault, full_table & selected, announced)
    for selected in selections(*plan.STREAMS)
    for narrow, due in itertools.product((False, True), repeat=2)
    for most_left in ((plan.FEW_LEFT, -1) if narrow else (plan.FEW_LEFT,))
    for fault in ("", TORN, UNKNOWN_TAGS, NOT_FOUND, FAILED)
    for full_table in (frozenset[str](), plan.UPSERTED)
    for announced in (False, True)
    if not (due and fault == TORN)
)


Patch = t.Callable[[], t.ContextManager[t.Any]]


def patched(name: str, broken: t.Callable[..., t.Any]) -> Patch:
    """Replace a function of `plan` by one that is given it as its first argument."""
    return lambda: mock.patch.object(plan, name, partial(broken, getattr(plan, name)))


def vouch(real: t.Any, known: Known, listed: t.Any, read: t.Any, run: t.Any) -> Plan:
    """Return a plan that vouches for details that were read and not emitted."""
    decided: Plan = real(known, listed, read, run)
    after = decided.after
    if after is None or read is None or DETAILS in decided.emit:
        return decided
    held = (after.held[0], known.holds(DETAILS), *after.held[2:])
    return replace(decided, after=replace(after, held=held))


def stay_torn(
    real: t.Any, known: Known, listed: t.Any, read: t.Any, run: t.Any
) -> Plan:
    """Return a plan by which torn details are read in each run."""
    decided: Plan = real(known, listed, read, run)
    after = decided.after
    if after is not None and read is not None and read.torn:
        for stream in plan.FROM_DETAILS & decided.emit:
            after = plan.make_stale(after, stream)
    return replace(decided, after=after)


def by_held(real: t.Any, known: Known, *args: t.Any) -> Plan:
    """Return a plan whose event follows from what is held, not from the digest."""
    decided: Plan = real(known, *args)
    if decided.event is None:
        return decided
    is_new = known.holds(HISTORY) is Held.ABSENT
    return replace(decided, event="created" if is_new else "updated")


def never_torn(
    real: t.Any, known: Known, listed: t.Any, read: t.Any, run: t.Any
) -> Plan:
    """Return a plan that takes torn details for current ones."""
    decided: Plan = real(known, listed, read and replace(read, torn=False), run)
    return decided


def entry(table: t.Any, key: t.Any, **wrong: t.Any) -> Patch:
    """Replace values in an entry of a table of `plan`."""
    return lambda: mock.patch.dict(table, {key: table[key]._replace(**wrong)})


BROKEN: dict[str, Patch] = {
    "no intent before emission": patched("intent", lambda _, known, *__: known),
    "a missed difference is not noted": entry(
        plan.HELD, Held.CURRENT, missed=Held.CURRENT
    ),
    "a deletion is not emitted in a stream selected later": patched(
        "plan_gone", lambda real, *args: replace(real(*args), after=None)
    ),
    "OUT_OF_SCOPE is never asked for": entry(
        plan.PRESENCE,
        plan.Presence.OUT_OF_SCOPE,
        **{**plan.PRESENCE[plan.Presence.UNLISTED]._asdict(), "reverified": False},
    ),
    "details are vouched for that were not emitted": patched("plan_listed", vouch),
    "deletions are planned from the announcement": patched(
        "plan_gone",
        lambda real, known, run: real(plan.intent(known, run.selected, 0), run),
    ),
    "every selected stream is announced": patched(
        "may_emit", lambda _, *args: args[-1].selected
    ),
    "every selected stream of a missing candidate is announced": patched(
        "may_emit_missing", lambda _, *args: args[-1].selected
    ),
    "torn details count as current": patched("plan_listed", never_torn),
    "torn details are never current": patched("plan_listed", stay_torn),
    "the event follows from what is held": patched("plan_listed", by_held),
    "an unknown value counts as never emitted": lambda: mock.patch.object(
        plan, "NEVER", plan.UNKNOWN_VALUE
    ),
    "the answers in flight are not announced": patched(
        "intent", lambda real, known, streams, _: real(known, streams, 0)
    ),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_found(rule: str) -> None:
    with BROKEN[rule]():
        explorer = Explorer()
        explorer.wander(400, 8, FEW)
    assert explorer.wrong


def test_all_short_histories_end_in_the_truth() -> None:
    explorer = Explorer()
    explorer.explore([next(starts())], 2)
    assert explorer.wrong == []


def test_long_histories_end_in_the_truth() -> None:
    explorer = Explorer()
    explorer.wander(150, 8, MANY)
    assert explorer.wrong == []


@pytest.mark.slow
def test_all_longer_histories_end_in_the_truth() -> None:
    explorer = Explorer()
    explorer.explore(starts(), 3)
    explorer.wander(1000, 10, MANY)
    assert explorer.wrong == []
