"""Random histories: the target equals the API, whatever happens between and in runs.

A history has some runs; before each, candidates are changed, deleted and restored, the
state is lost, or settings change; in it, details fail, or the target is killed. One
seed replays a history with its runs: a failure prints it among the arguments of `play`.
"""

from __future__ import annotations

import json
import math
import random
import typing as t
from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from sandbox import Account, Fault, Shapes, details_of, random_change
from sandbox.changes import EVERY
from sandbox.filters import Filters
from tests.support.api_rows import api_rows
from tests.support.histories import HISTORIES, PER_TEST, SEED, WHOLE_RUNS
from tests.support.messages import candidate_of
from tests.support.pipeline import (
    DAY,
    Pipeline,
    Run,
    assert_same_rows,
    make_account,
    start_pipeline,
    state_from_warehouse,
)
from tests.support.streams import (
    ANSWERS,
    CANDIDATE_STREAMS,
    CANDIDATES,
    DETAILS,
    HISTORY,
    HISTORY_FIELDS,
    LISTS,
    SYNC_RUNS,
    UPSERTED,
)
from tests.support.target import candidate_of_key

if t.TYPE_CHECKING:
    from tests.support.messages import Message, Row

Json = dict[str, t.Any]

KINDS = [kind for kind in EVERY if kind != "delete_opening"]
"""Kinds of changes; a setting may name an opening."""
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
    """One run, and what happens before it and in it.

    Attributes:
        changes: Kinds of changes, one after the other.
        undoes_ratings: Whether ratings become again what they were before the last run.
        restores: Whether a deleted and an archived candidate are listed again.
        state: "kept", "lost", or "from the warehouse".
        select: The streams of candidates.
        scope: An index of `History.scopes`.
        pii: The setting.
        failure: Status of the details of one candidate; 0 for none.
        lookahead: Candidates that each STATE announces; None for a normal run.
        received: Share of the messages that the target receives before it is killed;
            1 for a whole run.
        unconfirmed: STATEs that the target received then, and has not confirmed.
    """

    changes: list[str]
    undoes_ratings: bool = False
    restores: bool = False
    state: str = "kept"
    select: frozenset[str] = frozenset(CANDIDATE_STREAMS)
    scope: int = 0
    pii: str = "keep"
    failure: int = 0
    lookahead: int | None = None
    received: float = 1.0
    unconfirmed: int = 0


STEPS = st.builds(
    Step,
    changes=st.lists(st.sampled_from(KINDS), max_size=8),
    undoes_ratings=st.booleans(),
    restores=st.booleans(),
    state=st.sampled_from([*["kept"] * 6, "lost", "from the warehouse"]),
    select=st.one_of(
        st.just(frozenset(CANDIDATE_STREAMS)),
        st.frozensets(st.sampled_from(CANDIDATE_STREAMS), min_size=1),
    ),
    scope=st.sampled_from([0, 0, 0, 1, 2, 3]),
    pii=st.sampled_from(["keep", "keep", "keep", "drop", "hash"]),
    failure=st.sampled_from([0, 0, 0, 404, 500]),
    lookahead=st.sampled_from([None, 1, 3, 10_000]),
    received=st.sampled_from([1.0, 1.0, 0.2, 0.5, 0.8, 0.95]),
    unconfirmed=st.sampled_from([0, 0, 1, 5]),
)
ENDPOINT_PROOFS = 9
"""Candidates that are asked for again, to see whether the endpoint works: three at most
in each phase of a run."""
WITHOUT_CHANGES = Step([])


class Moment:
    """What the API shows at one moment.

    Attributes:
        rows: Of each stream, archived candidates among them.
        listed: IDs of the listed candidates.
        alive: IDs of the archived ones, too.
        details: As the API shows them.
        history: What a row of `candidate_history` would have, by candidate.
    """

    def __init__(self, account: Account) -> None:
        self.rows = api_rows(account, archived=True)
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


class History:
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

    def __init__(self, pipeline: Pipeline, seed: int) -> None:
        self.pipeline = pipeline
        self.account = pipeline.account
        self.rng = random.Random(seed)
        opening = self.account.openings()[0]["id"]
        self.scopes: list[Json] = [
            {},
            {"start_date": "2025-03-01"},
            # The sandbox takes numbers alone for the ID of an opening.
            {"job_opening_ids": [opening]} if opening.isdigit() else {},
            {"candidate_filters": {"min_rating": 1}},
        ]
        self.dead: Json = {}
        self.deleted: set[str] = set()
        self.touched: set[str] = set()
        self.has_all = True
        self.ever_listed: set[str] = set()
        self.ratings: dict[str, int] = {}
        self.before = Moment(self.account)
        self.last_event: dict[str, Row] = {}

    def play(self, steps: list[Step]) -> None:
        """Play steps, and then a run in which every candidate is re-verified."""
        for step in [WITHOUT_CHANGES, *steps]:
            self._change_the_workspace(step)
            self._run(step)
        self.pipeline.now += 3 * DAY
        self._change_the_workspace(WITHOUT_CHANGES)
        self._run(WITHOUT_CHANGES, reverify_days=1)
        self._assert_target_matches_api()
        # Details that differ from their list row are fetched again.
        self._run(WITHOUT_CHANGES)
        self._assert_next_run_has_nothing_to_do()

    def _assert_target_matches_api(self) -> None:
        now, target = Moment(self.account), self.pipeline.target
        for stream in UPSERTED:
            held = target.alive(stream)
            # An archived candidate may never have been listed.
            known = now.listed | set(map(candidate_of_key, held))
            rows = now.rows[stream].items()
            expected = {key: row for key, row in rows if candidate_of_key(key) in known}
            assert_same_rows(held, expected, stream)
        for key in now.listed:
            assert _history_of(self.last_event[key]) == now.history[key], key
        if self.has_all:
            gone = self.last_event.keys() - now.alive
            assert {self.last_event[key]["event"] for key in gone} <= {"deleted"}

    def _assert_next_run_has_nothing_to_do(self) -> None:
        run = self.pipeline.run()
        assert not run.candidate_records
        assert not _asked_after_proof(run)
        proof = len(run.details_requested)  # more than none, if all are archived
        assert len(run.requests) <= self.pipeline.most_requests() + proof

    def _change_the_workspace(self, step: Step) -> None:
        account, before = self.account, self.before
        if step.undoes_ratings:
            for key in self.ratings.keys() & {*account.listed_ids()}:
                account.rate(key, self.ratings[key])
        self.ratings = {key: account.row(key)["rating"] for key in account.listed_ids()}
        for kind in step.changes:
            with suppress(ValueError):  # there is nothing to change
                random_change(account, self.rng, [kind])
        if step.restores:
            self._restore()
        self.before = now = Moment(account)
        for key in sorted(before.alive - now.alive):
            self.deleted.add(key)
            self.dead[key] = before.details[key]
        self.touched.update(
            key
            for key in now.history.keys() | before.history.keys()
            if now.history.get(key) != before.history.get(key)
        )
        if step.state != "kept":
            self._lose_state(step.state)

    def _restore(self) -> None:
        if self.dead:
            detail = self.dead.pop(self.rng.choice(sorted(self.dead)))
            tags = {tag["id"] for tag in self.account.tags()}
            detail["tag_ids"] = [tag for tag in detail["tag_ids"] if tag in tags]
            self.pipeline.restore(detail)
        if archived := self.account.archived_ids():
            self.account.archive(self.rng.choice(sorted(archived)), listed=True)

    def _lose_state(self, how: str) -> None:
        self.touched.update(self.before.alive | self.deleted)
        if how == "from the warehouse":
            self.pipeline.target.state = state_from_warehouse(self.pipeline.target)
        elif self.before.listed:
            self.pipeline.target.state = {}
            self.has_all = False
            self._run(WITHOUT_CHANGES)

    def _run(self, step: Step, **config: t.Any) -> None:
        pipeline, scope, now = self.pipeline, self.scopes[step.scope], self.before
        state = pipeline.target.state
        self.ever_listed |= now.listed
        failing, status = None, step.failure
        if step.failure and now.listed:
            failing = self.rng.choice(sorted(now.listed))
            # A narrowed list lacks it, and then a 404 is a deletion.
            status = 500 if scope else step.failure
            faults = [Fault("status", status=status, match=details_of(failing))]
            pipeline.sandbox.faults = faults
        options = {
            "select": [*LISTS, *step.select, SYNC_RUNS],
            "lookahead": step.lookahead,
            "pii": step.pii,
            **scope,
            **config,
        }
        run = pipeline.extract(check=False, **options)
        if "confirm_mass_deletion" in str(run.error):
            self._assert_many_deleted(run)
            run = pipeline.extract(check=False, confirm_mass_deletion=True, **options)
        pipeline.sandbox.faults = []
        if run.error is not None:
            assert (status, str(failing) in str(run.error)) == (500, True), run.error
        if not run.messages:
            return  # the candidate that fails was to prove the workspace
        self._assert_no_false_tombstone_and_no_needless_request(run, failing)
        messages, state = self._received(run, step, state)
        self._assert_each_event_is_a_change(messages)
        pipeline.target.load(messages)
        pipeline.target.state = state
        if step.received == 1:
            inside = set(listed_in_scope(self.account, scope))
            self._assert_lists_have_arrived(step, inside - {failing}, now)
            if HISTORY in step.select:
                self.touched -= inside
                if not step.scope:
                    self.touched &= now.alive
        text = json.dumps(state)
        assert ": null" not in text
        json.loads(text, parse_float=pytest.fail)

    def _received(
        self, run: Run, step: Step, before: t.Any
    ) -> tuple[list[Message], t.Any]:
        """Return the messages that the target gets, and the state that it confirms."""
        cut = math.ceil(step.received * len(run.messages))
        messages = run.messages[:cut]
        places = [n for n, m in enumerate(messages) if m["type"] == "STATE"]
        rows = [n for n, m in enumerate(messages) if _is_row(m)]
        first = min(rows, default=cut)
        assert not places or places[0] < first, "a row before the first STATE"
        # What the list lacks may be announced by the STATE right before it, no earlier.
        inside = set(listed_in_scope(self.account, self.scopes[step.scope]))
        lacks = [n for n in rows if candidate_of(messages[n]["record"]) not in inside]
        if lacks:
            places = places[sum(n < lacks[-1] for n in places) - 1 :]
        # A killed target may have confirmed an earlier STATE than it received, but none
        # that more candidates follow than a STATE announces.
        lag = 0 if step.received == 1 else step.unconfirmed
        most = step.lookahead or 10_000
        while places:
            place = places[max(0, len(places) - 1 - lag)]
            beyond = {candidate_of(m["record"]) for m in messages[place:] if _is_row(m)}
            if len(beyond) <= most or not lag:
                return messages, messages[place]["value"]
            lag -= 1
        assert first == cut
        return messages, before

    def _assert_no_false_tombstone_and_no_needless_request(
        self, run: Run, failing: str | None
    ) -> None:
        for stream in UPSERTED:
            for row in run.tombstones(stream):
                key = (
                    (row["candidate_id"], row["position"])
                    if stream == ANSWERS
                    else row["id"]
                )
                is_gone = key not in self.before.rows[stream]
                assert is_gone or candidate_of(row) in self.deleted, (stream, row)
        asked = [key for key in _asked_after_proof(run) if key != failing]
        asked_again = len(asked) - len(set(asked))
        assert len(run.details_requested) <= len(_asked_after_proof(run)) + 20
        assert asked_again <= ENDPOINT_PROOFS
        assert set(asked) <= self.ever_listed
        assert len(run.records(SYNC_RUNS)) == 1

    def _assert_each_event_is_a_change(self, messages: list[Message]) -> None:
        for message in messages:
            if message.get("stream") != HISTORY or message["type"] != "RECORD":
                continue
            row = message["record"]
            key, last = row["candidate_id"], self.last_event.get(row["candidate_id"])
            is_same = last is not None and _history_of(last) == _history_of(row)
            assert not is_same or key in self.touched, row
            assert (row["event"] == "deleted") == (row["points"] is None), row
            self.last_event[key] = row

    def _assert_lists_have_arrived(
        self, step: Step, inside: set[str], now: Moment
    ) -> None:
        for stream in step.select & {CANDIDATES, DETAILS}:
            held = self.pipeline.target.alive(stream)
            for key in inside:
                row, shown = now.rows[CANDIDATES][key], held[key]
                if step.pii == "keep":
                    # After `unlock`, only the details have contact_info.
                    hidden = {"extra", "contact_info"} if stream == DETAILS else set()
                    shows = {name: shown[name] for name in row.keys() - hidden}
                    assert shows == {name: row[name] for name in shows}, (stream, key)
                else:
                    assert not row["email"] or shown["email"] != row["email"]

    def _assert_many_deleted(self, run: Run) -> None:
        """More than half of the known are gone, or all that prove the workspace."""
        tables = self.pipeline.target.tables
        held = {
            candidate_of_key(key)
            for stream in UPSERTED
            for key in tables.get(stream, {})
        }
        gone = held - self.before.alive
        assert len(gone) >= min(20, len(held & self.before.alive)), run.error
        assert not any(run.tombstones(stream) for stream in CANDIDATE_STREAMS)


def _asked_after_proof(run: Run) -> list[str]:
    """Return the details that were asked for after the proof of the workspace."""
    requests = run.requests[run.requests_before[0] :]
    return [
        request.route.item_id for request in requests if request.kind == "candidate"
    ]


def _is_row(message: Message) -> bool:
    return message["type"] == "RECORD" and message["stream"] in CANDIDATE_STREAMS


def _history_of(row: Row) -> list[t.Any]:
    return [*(row[name] for name in HISTORY_FIELDS), row["tag_ids"]]


def listed_in_scope(account: Account, scope: Json) -> list[str]:
    """Return the listed candidates that settings select, found by the sandbox."""
    filters = Filters(tag_ids=frozenset(), **scope.get("candidate_filters", {}))
    rows = [account.row(key.id) for key in account.find(filters)]
    return [
        row["id"]
        for row in rows
        if row["job_opening_id"]
        in scope.get("job_opening_ids", [row["job_opening_id"]])
        and row["started_at"] >= scope.get("start_date", "")
    ]


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
    """Play one history."""
    account = make_account(
        candidates, tags=3, in_progress=5, seed=seed, text_ids=text_ids
    )
    with start_pipeline(
        account,
        page_size=page_size,
        max_concurrency=concurrency,
        pii_hash_key="a key of the hashes",
    ) as pipeline:
        pipeline.sandbox.shapes = shapes
        pipeline.seed = seed
        History(pipeline, seed).play(steps)


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
def test_target_equals_the_api_after_random_histories(number: int) -> None:
    seed(number)(settings(WHOLE_RUNS, max_examples=15)(PLAYED(play)))()


@pytest.mark.slow
@pytest.mark.parametrize("number", range(SEED, SEED + HISTORIES // PER_TEST))
def test_target_equals_the_api_after_thousands_of_histories(number: int) -> None:
    seed(number)(settings(WHOLE_RUNS, max_examples=PER_TEST)(PLAYED(play)))()
