"""Random histories: the target equals the API, whatever happens between and in runs."""

from __future__ import annotations

import json
import math
import random
import typing as t
from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from sandbox import Account, Fault, Shapes, details_of, random_change
from sandbox.changes import EVERY
from tests.runs.pipelines import (
    DAY,
    Outcome,
    Pipeline,
    account,
    assert_same,
    from_warehouse,
    is_details,
    key_of,
    pipeline,
    wanted,
    who,
)
from tests.support.streams import (
    CANDIDATES,
    DETAILS,
    FAMILY,
    HISTORY,
    HISTORY_FIELDS,
    LISTS,
    SYNC_RUNS,
    UPSERTED,
)
from tests.support.target import row_key
from tests.support.truth import truth

if t.TYPE_CHECKING:
    from tests.support.target import Message, Row

KINDS = [kind for kind in EVERY if kind != "delete_opening"]
"""Kinds of changes; a setting may name an opening."""
TUNED = settings(
    deadline=None,
    database=None,
    print_blob=True,
    # Runs are too slow to shrink a failing example.
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
SHAPES = st.builds(
    Shapes,
    last_page=st.sampled_from(["null", "empty", "missing", "no_links", "empty_links"]),
    next_link=st.sampled_from(["absolute", "path", "bare"]),
    trailing_link=st.booleans(),
    page_small_lists=st.sampled_from([None, 2]),
    total=st.sampled_from(["present", "present", "missing"]),
    dead_anchor=st.sampled_from(["404", "400", "empty", "restart"]),
).filter(lambda shapes: shapes.total == "present" or not shapes.trailing_link)
"""Without a total, an empty page at the end looks like a fault, and costs a request."""


@dataclass(frozen=True)
class Step:
    """One run, and what happens before it.

    Attributes:
        kinds: Of changes, one after the other.
        is_undone: Whether ratings are as they were before the last run.
        restores: Whether a deleted and an archived candidate are listed again.
        loses: The state is lost before the run: "all" of it, or it is replaced by one
            made "from the warehouse".
        select: The streams of candidates.
        scope: An index of `scopes`.
        pii: The setting.
        fault: Status of the details of one candidate; 0 for none.
        announced: Candidates that each STATE announces; None for a normal run.
        ends: Share of its messages that the target receives; 1 for a whole run.
        lag: STATEs that it received then and has not confirmed.
    """

    kinds: list[str]
    is_undone: bool = False
    restores: bool = False
    loses: str = ""
    select: frozenset[str] = frozenset(FAMILY)
    scope: int = 0
    pii: str = "keep"
    fault: int = 0
    announced: int | None = None
    ends: float = 1.0
    lag: int = 0


STEPS = st.builds(
    Step,
    kinds=st.lists(st.sampled_from(KINDS), max_size=8),
    is_undone=st.booleans(),
    restores=st.booleans(),
    loses=st.sampled_from(["", "", "", "", "", "", "all", "from the warehouse"]),
    select=st.one_of(
        st.just(frozenset(FAMILY)), st.frozensets(st.sampled_from(FAMILY), min_size=1)
    ),
    scope=st.sampled_from([0, 0, 0, 1, 2, 3]),
    pii=st.sampled_from(["keep", "keep", "keep", "drop", "hash"]),
    fault=st.sampled_from([0, 0, 0, 404, 500]),
    announced=st.sampled_from([None, 1, 3, 10_000]),
    ends=st.sampled_from([1.0, 1.0, 0.2, 0.5, 0.8, 0.95]),
    lag=st.sampled_from([0, 0, 1, 5]),
)
LAST = Step([])


class Truth:
    """What the API shows at one moment.

    Attributes:
        rows: Of each stream, archived candidates among them.
        listed: IDs of the listed candidates.
        alive: IDs of the archived ones, too.
        details: As the API shows them.
        history: What a row of `candidate_history` would have, by candidate.
    """

    def __init__(self, account: Account) -> None:
        self.rows = truth(account, archived=True)
        self.listed = set(account.listed_ids())
        self.alive = set(self.rows[CANDIDATES])
        self.details = {key: account.detail(key) for key in self.alive}
        for key in self.alive - self.listed:  # these rows are made from details
            contact = self.rows[DETAILS][key]["contact_info"]
            self.rows[CANDIDATES][key]["contact_info"] = contact
        self.history = {
            key: [
                *(row[name] for name in HISTORY_FIELDS),
                sorted(set(self.rows[DETAILS][key]["tag_ids"])),
            ]
            for key, row in self.rows[CANDIDATES].items()
        }


class Histories:
    """Plays steps, and checks what must hold after each.

    Attributes:
        dead: Details of deleted candidates, to restore them.
        deleted: All that ever were deleted. A restored one may get a tombstone that was
            due, where the scope leaves it out.
        touched: Candidates whose history may be emitted again, though it is the same:
            they changed since the last whole run that selected it.
        ever_listed: All that a run may know.
        has_all: Whether the state never forgot a deletion.
    """

    def __init__(self, line: Pipeline, seed: int) -> None:
        self.line = line
        self.account = line.account
        self.rng = random.Random(seed)
        opening = self.account.openings()[0]["id"]
        self.scopes: list[dict[str, t.Any]] = [
            {},
            {"start_date": "2025-03-01"},
            # The sandbox takes numbers alone for the ID of an opening.
            {"job_opening_ids": [opening]} if opening.isdigit() else {},
            {"candidate_filters": {"min_rating": 1}},
        ]
        self.dead: dict[str, t.Any] = {}
        self.deleted: set[str] = set()
        self.touched: set[str] = set()
        self.has_all = True
        self.ever_listed: set[str] = set()
        self.ratings: dict[str, int] = {}
        self.before = Truth(self.account)
        self.last_event: dict[str, Row] = {}

    def play(self, steps: list[Step]) -> None:
        """Play steps, and then a run in which every candidate is re-verified."""
        for step in [LAST, *steps]:
            self._happen(step)
            self._run(step)
        self.line.clock += 3 * DAY
        self._happen(LAST)
        self._run(LAST, reverify_days=1)
        now, target = Truth(self.account), self.line.target
        for stream in UPSERTED:
            held = target.alive(stream)
            # An archived candidate may never have been listed.
            known = now.listed | set(map(key_of, held))
            rows = {k: row for k, row in now.rows[stream].items() if key_of(k) in known}
            assert_same(held, rows, stream)
        for key in now.listed:
            assert _history_of(self.last_event[key]) == now.history[key], key
        if self.has_all:
            gone = self.last_event.keys() - now.alive
            assert {self.last_event[key]["event"] for key in gone} <= {"deleted"}
        self._run(LAST)  # details that differ from their list row are fetched again
        quiet = self.line.run()
        assert quiet.is_quiet
        assert not _asked(quiet)
        proof = len(quiet.details)  # more than none, if all are archived
        assert len(quiet.requests) <= budget(self.line) + proof

    def _happen(self, step: Step) -> None:
        account, before = self.account, self.before
        if step.is_undone:
            for key in self.ratings.keys() & {*account.listed_ids()}:
                account.rate(key, self.ratings[key])
        self.ratings = {key: account.row(key)["rating"] for key in account.listed_ids()}
        for kind in step.kinds:
            with suppress(ValueError):  # there is nothing to change
                random_change(account, self.rng, [kind])
        if step.restores:
            self._restore()
        self.before = now = Truth(account)
        for key in sorted(before.alive - now.alive):
            self.deleted.add(key)
            self.dead[key] = before.details[key]
        self.touched.update(
            key
            for key in now.history.keys() | before.history.keys()
            if now.history.get(key) != before.history.get(key)
        )
        if step.loses:
            self._lose(step.loses)

    def _restore(self) -> None:
        if self.dead:
            detail = self.dead.pop(self.rng.choice(sorted(self.dead)))
            tags = {tag["id"] for tag in self.account.tags()}
            detail["tag_ids"] = [tag for tag in detail["tag_ids"] if tag in tags]
            self.line.restore(detail)
        if archived := self.account.archived_ids():
            self.account.archive(self.rng.choice(sorted(archived)), listed=True)

    def _lose(self, how: str) -> None:
        self.touched.update(self.before.alive | self.deleted)
        if how == "from the warehouse":
            self.line.target.state = from_warehouse(self.line.target)
        elif self.before.listed:
            self.line.target.state = {}
            self.has_all = False
            self._run(LAST)

    def _run(self, step: Step, **config: t.Any) -> None:
        line, scope, now = self.line, self.scopes[step.scope], self.before
        state = line.target.state
        self.ever_listed |= now.listed
        bad, status = None, step.fault
        if step.fault and now.listed:
            bad = self.rng.choice(sorted(now.listed))
            # A narrowed list lacks it, and then a 404 is a deletion.
            status = 500 if scope else step.fault
            faults = [Fault("status", status=status, match=details_of(bad))]
            line.sandbox.faults = faults
        options = {
            "select": [*LISTS, *step.select, SYNC_RUNS],
            "announced": step.announced,
            "pii": step.pii,
            **scope,
            **config,
        }
        outcome = line.attempt(**options)
        if "confirm_mass_deletion" in str(outcome.error):
            self._assert_many_deleted(outcome)
            outcome = line.attempt(confirm_mass_deletion=True, **options)
        line.sandbox.faults = []
        if outcome.error is not None:
            assert (status, str(bad) in str(outcome.error)) == (500, True), (
                outcome.error
            )
        if not outcome.messages:
            return  # the candidate that fails was to prove the workspace
        self._assert_sound(outcome, bad)
        messages, state = self._received(outcome, step, state)
        self._assert_history(messages)
        line.target.load(messages)
        line.target.state = state
        if step.ends == 1:
            inside = set(wanted(self.account, scope))
            self._assert_holds(step, inside - {bad}, now)
            if HISTORY in step.select:
                self.touched -= inside
                if not step.scope:
                    self.touched &= now.alive
        text = json.dumps(state)
        assert ": null" not in text
        json.loads(text, parse_float=pytest.fail)

    def _received(
        self, outcome: Outcome, step: Step, before: t.Any
    ) -> tuple[list[Message], t.Any]:
        """Return the messages that the target gets, and the state that it confirms."""
        cut = math.ceil(step.ends * len(outcome.messages))
        messages = outcome.messages[:cut]
        places = [n for n, m in enumerate(messages) if m["type"] == "STATE"]
        rows = [n for n, m in enumerate(messages) if _is_row(m)]
        first = min(rows, default=cut)
        assert not places or places[0] < first, "a row before the first STATE"
        # What the list lacks may be announced by the STATE right before it, no earlier.
        inside = set(wanted(self.account, self.scopes[step.scope]))
        lacks = [n for n in rows if who(messages[n]["record"]) not in inside]
        if lacks:
            places = places[sum(n < lacks[-1] for n in places) - 1 :]
        lag = 0 if step.ends == 1 else step.lag
        most = step.announced or 10_000
        while places:
            place = places[max(0, len(places) - 1 - lag)]
            beyond = {who(m["record"]) for m in messages[place:] if _is_row(m)}
            if len(beyond) <= most or not lag:
                return messages, messages[place]["value"]
            lag -= 1
        assert first == cut
        return messages, before

    def _assert_sound(self, outcome: Outcome, bad: str | None) -> None:
        """No false tombstone, no request too many, whatever the run is like."""
        for stream in UPSERTED:
            for row in outcome.tombstones(stream):
                is_gone = row_key(stream, row) not in self.before.rows[stream]
                assert is_gone or who(row) in self.deleted, (stream, row)
        asked = [key for key in _asked(outcome) if key != bad]
        assert len(outcome.details) <= len(_asked(outcome)) + 20
        assert len(asked) == len(set(asked))
        assert set(asked) <= self.ever_listed
        assert len(outcome.records(SYNC_RUNS)) == 1

    def _assert_history(self, messages: list[Message]) -> None:
        """No event without a change."""
        for message in messages:
            if message.get("stream") != HISTORY or message["type"] != "RECORD":
                continue
            row = message["record"]
            key, last = row["candidate_id"], self.last_event.get(row["candidate_id"])
            is_same = last is not None and _history_of(last) == _history_of(row)
            assert not is_same or key in self.touched, row
            assert (row["event"] == "deleted") == (row["points"] is None), row
            self.last_event[key] = row

    def _assert_holds(self, step: Step, inside: set[str], now: Truth) -> None:
        """What the lists show has arrived."""
        for stream in step.select & {CANDIDATES, DETAILS}:
            held = self.line.target.alive(stream)
            for key in inside:
                row, shown = now.rows[CANDIDATES][key], held[key]
                if step.pii == "keep":
                    # After `unlock`, only the details have contact_info.
                    hidden = {"extra", "contact_info"} if stream == DETAILS else set()
                    shows = {name: shown[name] for name in row.keys() - hidden}
                    assert shows == {name: row[name] for name in shows}, (stream, key)
                else:
                    assert not row["email"] or shown["email"] != row["email"]

    def _assert_many_deleted(self, outcome: Outcome) -> None:
        """More than half of the known are gone, or all that prove the workspace."""
        tables = self.line.target.tables
        held = {key_of(key) for stream in UPSERTED for key in tables.get(stream, {})}
        gone = held - self.before.alive
        assert len(gone) >= min(20, len(held & self.before.alive)), outcome.error
        assert not any(outcome.tombstones(stream) for stream in FAMILY)


def _asked(outcome: Outcome) -> list[str]:
    """Return the details that were asked for after the proof of the workspace."""
    requests = outcome.requests[outcome.asked[0] :]
    return [request.route.item_id for request in requests if is_details(request)]


def _is_row(message: Message) -> bool:
    return message["type"] == "RECORD" and message["stream"] in FAMILY


def _history_of(row: Row) -> list[t.Any]:
    return [*(row[name] for name in HISTORY_FIELDS), row["tag_ids"]]


def budget(line: Pipeline) -> int:
    """Return the requests that a run may make if nothing changed (contract 3.1)."""
    account, size = line.account, int(line.config["page_size"])
    rows = [account.detail(key) for key in account.listed_ids()]
    tagged = sum(len(row["tag_ids"]) for row in rows)
    lists = (account.openings(), account.categories(), account.tags())
    small = line.sandbox.shapes.page_small_lists  # other than documented
    return (
        math.ceil(len(rows) / size)
        + math.ceil(tagged / size)
        + sum(map(len, (lists[0], lists[2])))
        + 6
        + (sum(len(items) // small for items in lists) if small else 0)
    )


def play(  # noqa: PLR0913
    *,
    candidates: int,
    shapes: Shapes,
    steps: list[Step],
    page_size: int,
    concurrency: int,
    text_ids: bool,
    seed: int,
) -> None:
    made = account(candidates, tags=3, in_progress=5, seed=seed, text_ids=text_ids)
    options = {"page_size": page_size, "max_concurrency": concurrency}
    with pipeline(made, pii_hash_key="a key of the hashes", **options) as line:
        line.sandbox.shapes = shapes
        Histories(line, seed).play(steps)
        assert line.sandbox.stats.max_in_flight <= concurrency


PLAYED = given(
    candidates=st.integers(0, 40),
    shapes=SHAPES,
    steps=st.lists(STEPS, min_size=1, max_size=7),
    page_size=st.one_of(st.integers(1, 7), st.integers(1, 100)),
    concurrency=st.integers(1, 8),
    text_ids=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)


@pytest.mark.parametrize("number", range(4))
def test_the_target_equals_the_api(number: int) -> None:
    seed(number)(settings(TUNED, max_examples=15)(PLAYED(play)))()


@pytest.mark.slow
@pytest.mark.parametrize("number", range(100, 108))
def test_the_target_equals_the_api_in_thousands_of_histories(number: int) -> None:
    seed(number)(settings(TUNED, max_examples=250)(PLAYED(play)))()
