"""A workspace, the sandbox that serves it, and a target that the tap fills."""

from __future__ import annotations

import typing as t
from contextlib import ExitStack, contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from unittest import mock

import time_machine

from sandbox import Account, Sandbox
from sandbox.filters import Filters
from tap_toggl_hire.api.client import Retry
from tap_toggl_hire.tap import TapTogglHire
from tests.support import Target, catalog, settings
from tests.support.streams import (
    ANSWERS,
    CANDIDATES,
    CORE,
    DELETED_AT,
    DETAILS,
    FAMILY,
    HISTORY,
    STATE_KEY,
    STREAMS,
)
from tests.support.tap import CollectingWriter, records
from tests.support.truth import truth

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from sandbox.messages import Request
    from tests.support.target import Key, Message, Row

Json = dict[str, t.Any]

LOOP = "tap_toggl_hire.sync.loop"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class ImpatientTap(TapTogglHire):
    """A tap that gives up soon on transient failures."""

    retry = Retry(pauses=(0.0, 0.01))


@dataclass
class Outcome:
    """What one run wrote and asked for, and how it ended."""

    messages: list[Message]
    requests: list[Request]
    error: Exception | None
    asked: list[int]
    """The number of requests before each message."""

    def good(self) -> Outcome:
        """Return this outcome; raise the error of a run that failed."""
        if self.error is not None:
            raise self.error
        return self

    def records(self, stream: str) -> list[Row]:
        """Return all records of a stream, tombstones too, in order."""
        return records(self.messages, stream)

    def emitted(self, stream: str) -> list[str]:
        """Return the candidates whose rows a stream got, each once, in order."""
        rows = [row for row in self.records(stream) if not row.get(DELETED_AT)]
        return list(dict.fromkeys(map(who, rows)))

    def tombstones(self, stream: str) -> list[Row]:
        """Return the tombstones of a stream."""
        return [row for row in self.records(stream) if row.get(DELETED_AT)]

    def deleted(self, stream: str) -> list[str]:
        """Return the candidates that a stream got a tombstone of, each once."""
        return list(dict.fromkeys(map(who, self.tombstones(stream))))

    def events(self) -> list[tuple[str, str]]:
        """Return the events of `candidate_history`, each with its candidate."""
        return [(row["event"], row["candidate_id"]) for row in self.records(HISTORY)]

    @property
    def is_quiet(self) -> bool:
        """Whether no stream of candidates got a record."""
        return not any(self.records(stream) for stream in FAMILY)

    @property
    def details(self) -> list[str]:
        """The candidates whose details were asked for, as often as they were."""
        return [r.route.item_id for r in self.requests if r.kind == "candidate"]

    @property
    def pages(self) -> list[Request]:
        """The pages of the list that were asked for, those of tags aside."""
        return [r for r in self.requests if is_list(r)]

    @property
    def activated(self) -> set[str]:
        """The streams that got an ACTIVATE_VERSION."""
        return {m["stream"] for m in self.messages if m["type"] == "ACTIVATE_VERSION"}

    @property
    def states(self) -> list[Json]:
        """The values of all STATE messages."""
        return [m["value"] for m in self.messages if m["type"] == "STATE"]


class Pipeline:
    """Runs the tap again and again, as an orchestrator does.

    Args:
        sandbox: The API.
        **config: Settings of all runs.

    Attributes:
        target: What the runs have filled.
        config: Settings of all runs; may be changed between them.
        clock: When the next run starts.
        interval: How long after a run the next one starts.
    """

    def __init__(self, sandbox: Sandbox, **config: t.Any) -> None:
        self.sandbox = sandbox
        self.account = sandbox.account
        self.target = Target()
        activates = {"emit_activate_version_messages": True}  # as in meltano.yml
        self.config = settings(sandbox, **{**activates, "reverify_days": 0, **config})
        self.clock = datetime(2026, 3, 1, tzinfo=UTC)
        self.interval = HOUR

    def attempt(
        self,
        *,
        select: Collection[str] = STREAMS,
        full_table: Iterable[str] = (),
        state: Json | None = None,
        announced: int | None = None,
        **config: t.Any,
    ) -> Outcome:
        """Run once, however it ends, and load nothing into the target.

        Args:
            select: The streams to select.
            full_table: Those that are forced to FULL_TABLE.
            state: To start from; by default, that of the target.
            announced: Candidates that each STATE announces; there is a STATE after
                each candidate then, so that a small run has as many as a large one.
            **config: Settings of this run alone.
        """
        log = self.sandbox.stats.log
        before, asked = len(log), list[int]()
        error: Exception | None = None
        writer = CollectingWriter(lambda: asked.append(len(log) - before))
        with ExitStack() as stack:
            stack.enter_context(time_machine.travel(self.clock))
            if announced is not None:
                for name, value in (("SECONDS", 0), ("SHARE", 0)):
                    stack.enter_context(mock.patch(f"{LOOP}.{name}", value))
                stack.enter_context(mock.patch(f"{LOOP}.ANNOUNCED", announced))
            try:
                ImpatientTap(
                    config={**self.config, **config},
                    state=deepcopy(self.target.state if state is None else state),
                    catalog=_catalog(frozenset(select), frozenset(full_table)),
                    message_writer=writer,
                ).sync_all()
            except Exception as raised:  # noqa: BLE001 - the test looks at it
                error = raised
        self.clock += self.interval
        return Outcome(writer.messages, log[before:], error, asked)

    def run(self, **options: t.Any) -> Outcome:
        """Run once, to a good end, and load everything into the target."""
        outcome = self.attempt(**options).good()
        self.target.load(outcome.messages)
        return outcome

    def fail(self, words: str, **options: t.Any) -> Outcome:
        """Run once, which fails with some words, and load what it wrote."""
        outcome = self.attempt(**options)
        assert words in str(outcome.error), repr(outcome.error)
        self.target.load(outcome.messages)
        return outcome

    @property
    def ids(self) -> list[str]:
        """The listed candidates."""
        return self.account.listed_ids()

    def rate(self, candidate_id: str) -> None:
        """Change a candidate's list row."""
        stars = (self.account.row(candidate_id)["rating"] + 1) % 4
        self.account.rate(candidate_id, stars)

    def restore(self, detail: Row) -> str:
        """Let a candidate be there again as its details once were."""
        fields = dict(detail)
        opening, started = fields.pop("job_opening_id"), fields.pop("started_at")
        return self.account.add_candidate(opening, started, **fields)

    def hide(self) -> str:
        """Change something of a candidate that no list shows."""
        for one in self.ids:
            with suppress(ValueError):
                self.account.regrade_equal_sum(one)
                return one
        raise AssertionError

    def assert_true(self, streams: Iterable[str] = CORE) -> None:
        """The target holds what the API holds."""
        rows = truth(self.account)
        for stream in streams:
            assert_same(self.target.alive(stream), rows[stream], stream)


@contextmanager
def pipeline(made: Account | int = 12, **config: t.Any) -> Iterator[Pipeline]:
    """Start a sandbox, by default with a few candidates, and a pipeline from it."""
    made = account(made) if isinstance(made, int) else made
    with Sandbox(made) as box:
        yield Pipeline(box, **config)


def account(candidates: int, **options: t.Any) -> Account:
    """Make a workspace."""
    few = {"openings": 2, "tags": 2, "questions": 2, "in_progress": 9}
    return Account.example(candidates=candidates, **(few | options))


def inventory(state: Json | None) -> Json:
    """Return the part of a state that the tap knows candidates by."""
    return t.cast("Json", state)[STATE_KEY]  # type: ignore[no-any-return]


def from_warehouse(target: Target) -> Json:
    """Make a state of what a target holds, as `state_from_warehouse.sql` does."""
    held: dict[str, int] = {}
    for stream in (CANDIDATES, DETAILS, ANSWERS):
        for row in target.alive(stream).values():
            answers = row["position"] + 1 if stream == ANSWERS else 0
            held[who(row)] = max(held.get(who(row), 0), answers)
    return {STATE_KEY: {"format": 3, "held": [list(item) for item in held.items()]}}


def is_list(request: Request) -> bool:
    """Return whether a request is for a page of all candidates."""
    return request.kind == "candidates" and "tag_ids" not in request.query


def is_details(request: Request) -> bool:
    """Return whether a request is for the details of a candidate."""
    return request.kind == "candidate"


def who(row: Row) -> str:
    """Return the candidate that a record is about."""
    found: str = row["candidate_id"] if "candidate_id" in row else row["id"]
    return found


def key_of(key: Key) -> str:
    """Return the candidate that a key of a table is about."""
    return t.cast("str", key[0] if isinstance(key, tuple) else key)


def wanted(account: Account, scope: Json) -> list[str]:
    """Return the listed candidates of a scope, found without the tap's code."""
    filters = dict(scope.get("candidate_filters") or {})
    filters["tag_ids"] = frozenset(filters.pop("tag_ids", ()))
    openings, start = scope.get("job_opening_ids"), scope.get("start_date")
    found = []
    for key in account.find(Filters(**filters)):
        row = account.row(key.id)
        is_in = openings is None or row["job_opening_id"] in openings
        if is_in and (start is None or _utc(row["started_at"]) >= _utc(start)):
            found.append(key.id)
    return found


def _utc(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def assert_same(held: dict[Key, Row], expected: dict[t.Any, Row], stream: str) -> None:
    """Compare tables, and report no more than what differs."""
    missing = sorted(map(str, expected.keys() - held.keys()))
    surplus = sorted(map(str, held.keys() - expected.keys()))
    assert not missing, f"{stream} lacks {missing}"
    assert not surplus, f"{stream} has {surplus}"
    wrong = {}
    for key, row in expected.items():
        has = {name: held[key].get(name) for name in held[key].keys() | row.keys()}
        has.pop(DELETED_AT)
        if differs := [n for n in has if has[n] != row.get(n)]:
            wrong[key] = {name: (has[name], row.get(name)) for name in differs}
    assert not wrong, f"{stream} is not up to date (held, expected): {wrong}"


@cache
def _catalog(select: frozenset[str], full_table: frozenset[str]) -> Json:
    """Return the catalog of a selection, which no setting changes."""
    methods = dict.fromkeys(full_table, "FULL_TABLE")
    return catalog({"api_key": "any"}, *select, **methods)
