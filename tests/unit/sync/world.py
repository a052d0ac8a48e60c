"""A workspace in memory, and runs over its candidates.

    world = World(5)  # candidates "1" to "5", which were never read
    world.run()
    world.account.rate("3", 1)
    assert world.run().emitted == {"3": ALL}

The API is that of the sandbox, without a socket, behind the tap's own client. Threads,
pauses and the output have stand-ins: `Scheduler`, `FakeClock` and `RecordingSink`.
"""

from __future__ import annotations

import logging
import typing as t
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sandbox import Account
from tap_toggl_hire.api.client import Client, Retry
from tap_toggl_hire.clock import Clock
from tap_toggl_hire.errors import SettingError, TapError
from tap_toggl_hire.progress import Progress
from tap_toggl_hire.stop import Stop
from tap_toggl_hire.sync.candidates import CandidateRun, RunCounts
from tap_toggl_hire.sync.inventory import Inventory
from tap_toggl_hire.sync.lists import ScopeLists, Source
from tap_toggl_hire.sync.plan import CANDIDATE_STREAMS, Known, Selection
from tap_toggl_hire.sync.scope import Scope
from tap_toggl_hire.sync.state import State
from tap_toggl_hire.sync.tags import TagLists
from tests.support.http import SandboxTransport
from tests.support.scheduler import Scheduler
from tests.unit.sync.observed import observer

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandbox.messages import Request
    from tap_toggl_hire.sync.change import Change
    from tap_toggl_hire.sync.plan import Streams

LOGGER = logging.getLogger("tap-toggl-hire")
START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALL = frozenset(CANDIDATE_STREAMS)


def numbers(*count: int) -> list[str]:
    """Return IDs of candidates, from 1 or from the first to before the second."""
    first, end = count if len(count) > 1 else (1, count[0] + 1)
    return [str(number) for number in range(first, end)]


def workspace(candidates: int = 0) -> Account:
    """Return an account with one job opening, and candidates "1", "2", ..."""
    account = Account.example(candidates=0, openings=1, tags=0, questions=2)
    for number in range(1, candidates + 1):
        add_candidate(account, number)
    return account


def add_candidate(account: Account, number: int, **fields: t.Any) -> str:
    """Add a candidate that started so many minutes after the others' start."""
    started_at = (START + timedelta(minutes=number)).isoformat()
    given = {"id": str(number), "started_at": started_at, **fields}
    return account.add_candidate(**given)


def client_of(
    transport: SandboxTransport,
    stop: Stop | None = None,
    kind: type[Client] = Client,
) -> Client:
    """Return a client that retries nothing."""
    return kind(
        t.cast("t.Any", transport),
        version="v2.1",
        retry=Retry(pauses=()),
        setting_of={},
        clock=Clock(LOGGER, transport.clock),
        stop=stop or Stop(transport.clock),
        logger=LOGGER,
    )


class Emitted(t.NamedTuple):
    """The records of a candidate."""

    change: Change
    streams: Streams


class Saved(t.NamedTuple):
    """A STATE."""

    known: dict[str, Known]  # by candidate
    reverified_until: datetime | None
    scope: str


BROKEN = "An expression of stream_maps fails."


class RecordingSink:
    """Keeps what a run writes; a stand-in for `CandidateSink`.

    Attributes:
        messages: The records of candidates and the STATEs, in order.
        written: Bytes of records; each is said to have 100.
        state_size: Bytes that a STATE is said to have.
        broken: Candidates on which an expression of `stream_maps` fails.
    """

    def __init__(self, state: State, state_size: int = 0) -> None:
        self.messages: list[Emitted | Saved] = []
        self.written = 0
        self.state_size = state_size
        self.broken: set[str] = set()
        self._state = state

    def emit(self, change: Change, streams: Streams) -> None:
        if change.id in self.broken:
            raise SettingError(BROKEN)
        self.messages.append(Emitted(change, streams))
        self.written += 100 * len(streams)

    def save(self) -> int:
        state = self._state
        known = dict(state.inventory.items())
        self.messages.append(Saved(known, state.reverified_until, state.scope))
        return self.state_size


@dataclass
class Run:
    """What a run did."""

    messages: list[Emitted | Saved]
    requests: list[Request]
    counts: RunCounts
    progress: Progress
    error: TapError | None

    @property
    def states(self) -> list[Saved]:
        """The STATEs."""
        return [message for message in self.messages if isinstance(message, Saved)]

    @property
    def changes(self) -> list[Change]:
        """What was emitted, in order."""
        return [m.change for m in self.messages if isinstance(m, Emitted)]

    @property
    def known(self) -> dict[str, Known]:
        """What the last STATE says of each candidate."""
        return self.states[-1].known

    @property
    def emitted(self) -> dict[str, Streams]:
        """The streams of each living candidate that were emitted, in order."""
        emitted = (m for m in self.messages if isinstance(m, Emitted))
        return {m.change.id: m.streams for m in emitted if not m.change.is_deleted}

    @property
    def deleted(self) -> list[str]:
        """The candidates with tombstones, in order."""
        return [change.id for change in self.changes if change.is_deleted]

    @property
    def events(self) -> dict[str, str | None]:
        """The event of each candidate that was emitted."""
        return {change.id: change.event for change in self.changes}

    @property
    def details_requested(self) -> list[str]:
        """The ID in each request for details, in order."""
        return [r.route.item_id for r in self.requests if r.kind == "candidate"]


class World:
    """A workspace, the state of the runs over it, and what they have in common.

    Args:
        candidates: The number of candidates.
        size: The number of workers.
        page_size: Rows per page.
        days: The period of re-verification.

    Attributes:
        clock: Of the stop; a test lets time pass.
        now: When the next run begins; a test sets it.
        confirmed: Whether any number of candidates may be deleted.
        scope: The candidates that the settings select.
        stop: Of the next run.
        broken: Candidates on which an expression of `stream_maps` fails.
    """

    def __init__(
        self,
        candidates: int = 0,
        *,
        size: int = 1,
        page_size: int = 100,
        days: int = 0,
        state_size: int = 0,
    ) -> None:
        self.account = workspace(candidates)
        self.transport = SandboxTransport(self.account)
        self.state = State()
        self.clock = self.transport.clock
        self.stop = Stop(self.clock)
        self.now = NOW
        self.confirmed = False
        self.scope = Scope()
        self.broken: set[str] = set()
        self.days = days
        self._size = size
        self._page_size = page_size
        self._state_size = state_size

    @classmethod
    def synced(cls, candidates: int, **options: t.Any) -> World:
        """Return a workspace whose candidates were all emitted."""
        world = cls(candidates, **options)
        assert world.run().error is None
        return world

    def run(self, selected: Iterable[str] = ALL, full_table: Iterable[str] = ()) -> Run:
        """Run once over the candidates, from the state of the run before."""
        state, transport = self.state, self.transport
        self.restart(dict(state.inventory.items()))
        before = len(transport.requests)
        self.clock.set(self.now)
        workers = Scheduler(self._size, self.stop)
        source = Source(self.client(), workers)
        ids = state.inventory.ids
        lists = ScopeLists(source, self.scope, self._page_size, ids)
        lists.ask()
        lists.first_ids()
        tags = TagLists(
            source, self.scope.shared, self._page_size, ids, are_dropped=False
        )
        sink, progress = (
            RecordingSink(state, self._state_size),
            Progress(LOGGER, self.clock),
        )
        sink.broken = self.broken
        run = CandidateRun(
            source=source,
            state=state,
            scope=self.scope,
            lists=lists,
            tags=tags,
            observer=observer(),
            selection=Selection(
                frozenset(selected),
                frozenset(full_table),
                narrowed=self.scope.is_narrowed,
                same_scope=state.scope == self.scope.key,
            ),
            sink=t.cast("t.Any", sink),
            progress=progress,
            logger=LOGGER,
            clock=Clock(LOGGER, self.clock),
            reverify_days=self.days,
            confirmed=self.confirmed,
        )
        error: TapError | None = None
        try:
            run.run()
        except TapError as failure:
            error = failure
        sink.save()
        self.stop = Stop(self.clock)
        requests = transport.requests[before:]
        return Run(sink.messages, requests, run.counts, progress, error)

    def client(self) -> Client:
        """Return the client of the next run."""
        return client_of(self.transport, self.stop)

    def restart(self, known: Mapping[str, Known]) -> None:
        """Let the next run begin with this inventory, as if from a STATE."""
        self.state.inventory = Inventory()
        for candidate_id, value in known.items():
            self.state.inventory[candidate_id] = value
