"""A workspace, the sandbox that serves it, and a target that the tap fills."""

from __future__ import annotations

import typing as t
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count

import msgspec
import time_machine

from sandbox import Sandbox, random_change
from sandbox.changes import VISIBLE
from tap_toggl_hire.api.retry import Retry
from tap_toggl_hire.sync.stretch import Stretch
from tap_toggl_hire.tap import TapTogglHire
from tests.support import Target, catalog
from tests.support.tap import CollectingWriter
from tests.support.truth import truth

if t.TYPE_CHECKING:
    import random
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from sandbox import Account
    from sandbox.messages import Request
    from tests.support.target import Key, Message, Row

Json = dict[str, t.Any]

LISTS = ("job_openings", "categories", "tags")
CANDIDATES, DETAILS, ANSWERS, HISTORY = FAMILY = (
    *("candidates", "candidate_details"),
    *("candidate_answers", "candidate_history"),
)
"""The streams of candidates."""
UPSERTED = (CANDIDATES, DETAILS, ANSWERS)
"""Those of them that hold one row per thing, not per event."""
CORE = (*LISTS, *UPSERTED)
STREAMS = (*LISTS, *FAMILY)
DELETED_AT = "_sdc_deleted_at"
HISTORY_FIELDS = (
    *("job_opening_id", "category_id", "hire_state"),
    *("rating", "points", "score"),
)


class ImpatientTap(TapTogglHire):
    """Gives up soon on what fails for a moment."""

    retry = Retry(pauses=(0.0, 0.01))


class SlowStretch(Stretch):
    """Half a minute passes whenever it looks at the clock."""

    def __init__(self) -> None:
        super().__init__(clock=count(step=30).__next__)


class SlowTap(ImpatientTap):
    """Takes half a minute for each candidate, by its own clock."""

    stretch_class: type[Stretch] = SlowStretch


@dataclass
class Outcome:
    """What one run wrote and asked for, and how it ended."""

    messages: list[Message]
    requests: list[Request]
    error: Exception | SystemExit | None
    asked: list[int]
    """How many requests there were before each message."""

    def good(self) -> Outcome:
        """This outcome; raises the error of a run that did not end well."""
        if self.error is not None:
            raise self.error
        return self

    def records(self, stream: str) -> list[Row]:
        """All records of a stream, tombstones too, in order."""
        return records(self.messages, stream)

    def emitted(self, stream: str) -> list[str]:
        """The candidates whose rows a stream got, each once, in order."""
        rows = self.records(stream)
        return unique(who(row) for row in rows if not row.get(DELETED_AT))

    def tombstones(self, stream: str) -> list[Row]:
        """The tombstones of a stream."""
        return [row for row in self.records(stream) if row.get(DELETED_AT)]

    def buried(self, stream: str) -> list[str]:
        """The candidates that a stream got a tombstone of, each once."""
        return unique(who(row) for row in self.tombstones(stream))

    @property
    def details(self) -> list[str]:
        """The candidates whose details were asked for, as often as they were."""
        return [r.route.item_id for r in self.requests if r.kind == "candidate"]

    @property
    def pages(self) -> list[Request]:
        """The pages of the list that were asked for, but those of one tag."""
        return [
            r
            for r in self.requests
            if r.kind == "candidates" and "tag_ids" not in r.query
        ]

    @property
    def activated(self) -> list[str]:
        """The streams that got an ACTIVATE_VERSION, as often as they did."""
        return [m["stream"] for m in self.messages if m["type"] == "ACTIVATE_VERSION"]

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
        view: The candidates that the settings of a run select; None for all.
    """

    def __init__(self, sandbox: Sandbox, **config: t.Any) -> None:
        self.sandbox = sandbox
        self.account = sandbox.account
        self.target = Target()
        self.config: Json = {
            "api_key": sandbox.api_key,
            "api_url": sandbox.url,
            "emit_activate_version_messages": True,  # as in meltano.yml
            # What no list shows has tests of its own.
            "reverify_days": 0,
            **config,
        }
        self.clock = datetime(2026, 3, 1, tzinfo=UTC)
        self.interval = timedelta(hours=1)
        self.view: Collection[str] | None = None
        self._seen: dict[str, tuple[t.Any, Row]] = {}
        self._observed: dict[str, Row] = {}

    def attempt(
        self,
        *,
        select: Collection[str] | None = STREAMS,
        full_table: Iterable[str] = (),
        without: Mapping[str, Iterable[str]] | None = None,
        state: Json | None = None,
        slow: bool = False,
        **config: t.Any,
    ) -> Outcome:
        """Run once, however it ends, and load nothing into the target.

        Args:
            select: The streams to select; None to have no catalog.
            full_table: Those that are forced to FULL_TABLE.
            without: Columns that are deselected, by stream.
            state: To start from; by default, the last that the target saw.
            slow: Each candidate takes the target half a minute, so that a small run
                writes as many states as a large one.
            **config: Settings of this run alone.
        """
        settings = {**self.config, **config}
        selected = None
        if select is not None:
            selected = deepcopy(_catalog(frozenset(select), frozenset(full_table)))
            _deselect(selected, without or {})
        before = len(self.sandbox.stats.log)
        asked: list[int] = []
        error: Exception | SystemExit | None = None
        writer = CollectingWriter(lambda: asked.append(len(self.sandbox.stats.log)))
        with time_machine.travel(self.clock):
            try:
                tap = (SlowTap if slow else ImpatientTap)(
                    config=settings,
                    state=copied(self.target.state if state is None else state),
                    catalog=selected,
                    message_writer=writer,
                )
                tap.sync_all()
            except (Exception, SystemExit) as raised:  # noqa: BLE001 - the test's
                error = raised
        self.clock += self.interval
        return Outcome(
            writer.messages,
            self.sandbox.stats.log[before:],
            error,
            [count - before for count in asked],
        )

    def run(self, **options: t.Any) -> Outcome:
        """Run once, to a good end, and load everything into the target."""
        outcome = self.attempt(**options).good()
        self.load(outcome.messages)
        return outcome

    def load(self, messages: Iterable[Message]) -> None:
        """Load messages into the target, and note what could be seen by now."""
        self.target.load(messages)
        for key, seen in self.visible_and_details().items():
            if self.view is None or key in self.view:
                self._seen[key] = seen

    # What there is to see

    def visible_and_details(self) -> dict[str, tuple[t.Any, Row]]:
        """What the lists tell of each listed candidate, and the details."""
        rows = truth(self.account)
        return {
            key: ((row, tag_ids(rows, key)), rows[DETAILS][key])
            for key, row in rows[CANDIDATES].items()
        }

    def restore(self, detail: Row) -> str:
        """Let a candidate be there again as its details once were."""
        fields = dict(detail)
        opening, started = fields.pop("job_opening_id"), fields.pop("started_at")
        return self.account.add_candidate(opening, started, **fields)

    def happen(
        self, rng: random.Random, count: int, kinds: Sequence[str] = VISIBLE
    ) -> list[tuple[str, str]]:
        """Let changes happen, all of which some list shows.

        Two grades may leave the sum as it was; such a candidate gets other stars
        than it was seen with.
        """
        done = [random_change(self.account, rng, kinds) for _ in range(count)]
        for key, (visible, details) in self.visible_and_details().items():
            was_visible, were_details = self._seen.get(key, (None, None))
            if visible == was_visible and details != were_details:
                self.account.rate(key, (visible[0]["rating"] + 1) % 4)
        return done

    # What must hold

    @property
    def anchors(self) -> list[str]:
        """Where the next run may begin to read the list."""
        state = t.cast("Json", self.target.state)
        return list(state["bookmarks"][CANDIDATES]["digests"]["list_anchors"])

    def assert_true(self, streams: Iterable[str] = CORE) -> None:
        """The target holds what the API holds."""
        rows = truth(self.account)
        for stream in streams:
            assert_same(self.target.alive(stream), rows[stream], stream)

    def expected_history(self) -> list[Row]:
        """The rows of `candidate_history` that a run of now owes, and notes them."""
        now = {
            key: {
                "candidate_id": key,
                **{name: row[name] for name in HISTORY_FIELDS},
                "tag_ids": tags,
            }
            for key, ((row, tags), _) in self.visible_and_details().items()
        }
        before, self._observed = self._observed, now
        gone = dict.fromkeys((*HISTORY_FIELDS, "tag_ids"))
        return [
            *({**row, "event": "created"} for k, row in now.items() if k not in before),
            *(
                {**row, "event": "updated"}
                for k, row in now.items()
                if k in before and before[k] != row
            ),
            *(
                {"candidate_id": k, **gone, "event": "deleted"}
                for k in before.keys() - now.keys()
            ),
        ]


@contextmanager
def pipeline(account: Account, **config: t.Any) -> Iterator[Pipeline]:
    """A pipeline with a sandbox of its own."""
    with Sandbox(account) as box:
        yield Pipeline(box, **config)


@cache
def _catalog(select: frozenset[str], full_table: frozenset[str]) -> Json:
    """The catalog of a selection, which no setting changes."""
    methods = dict.fromkeys(full_table, "FULL_TABLE")
    return catalog({"api_key": "any"}, *select, **methods)


def _deselect(selected: Json, without: Mapping[str, Iterable[str]]) -> None:
    for stream in selected["streams"]:
        for column in without.get(stream["tap_stream_id"], ()):
            for one in stream["metadata"]:
                if one["breadcrumb"] == ["properties", column]:
                    one["metadata"]["selected"] = False


def records(messages: Iterable[Message], stream: str) -> list[Row]:
    """The records of a stream, in order."""
    return [
        message["record"]
        for message in messages
        if message["type"] == "RECORD" and message["stream"] == stream
    ]


def who(row: Row) -> str:
    """The candidate that a record is about."""
    found: str = row["candidate_id"] if "candidate_id" in row else row["id"]
    return found


def unique(values: Iterable[str]) -> list[str]:
    """Each value once, in order."""
    return list(dict.fromkeys(values))


def tag_ids(rows: dict[str, dict[t.Any, Row]], key: str) -> list[str]:
    """A candidate's tags, in one order."""
    return sorted(set(rows[DETAILS][key]["tag_ids"]))


def copied(state: Json | None) -> Json | None:
    """A state as it comes from a file."""
    return None if state is None else msgspec.json.decode(msgspec.json.encode(state))


def assert_same(held: dict[Key, Row], expected: dict[t.Any, Row], stream: str) -> None:
    """Compare tables, telling no more than what differs."""
    missing = sorted(map(str, expected.keys() - held.keys()))
    surplus = sorted(map(str, held.keys() - expected.keys()))
    assert not missing, f"{stream} lacks {missing}"
    assert not surplus, f"{stream} has {surplus}"
    wrong = {}
    for key, row in expected.items():
        has = held[key] if DELETED_AT in row else _without_mark(held[key])
        if has != row:
            wrong[key] = {
                name: (has.get(name), row.get(name))
                for name in has.keys() | row.keys()
                if has.get(name) != row.get(name)
            }
    assert not wrong, f"{stream} is not up to date (held, expected): {wrong}"


def _without_mark(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != DELETED_AT}
