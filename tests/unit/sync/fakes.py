"""Stand-ins for what `sync/` reads from and writes to, and one run over them."""

from __future__ import annotations

import json
import logging
import typing as t
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tap_toggl_hire.api.pagination import LinksPaginator
from tap_toggl_hire.errors import NotFoundError, TapError
from tap_toggl_hire.progress import Progress
from tap_toggl_hire.sync import loop
from tap_toggl_hire.sync.changes import HISTORY_FIELDS, Change, Changes, Observer
from tap_toggl_hire.sync.inventory import Inventory
from tap_toggl_hire.sync.lists import ScopeLists, Source
from tap_toggl_hire.sync.plan import STREAMS, Known, Run, Streams
from tap_toggl_hire.sync.scope import ALL_PARTS, Part, Scope
from tap_toggl_hire.sync.state import State
from tap_toggl_hire.sync.tags import TagLists

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Json = dict[str, t.Any]

ROOT = "https://example.com/api"
LOGGER = logging.getLogger("tap-toggl-hire")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALL = frozenset(STREAMS)

ROW_FIELDS = ("id", "name", "started_at", *HISTORY_FIELDS)
ONLY_IN_DETAILS = ("tag_ids", "questions", "answers")


def candidate(number: int, **changes: t.Any) -> Json:
    """Make a candidate as its details show it; the number says when it started."""
    return {
        "id": number,
        "name": f"Candidate {number}",
        "started_at": f"2026-01-{number // 1440 % 28 + 1:02}"
        f"T{number // 60 % 24:02}:{number % 60:02}:00",
        **dict.fromkeys(HISTORY_FIELDS, 1),
        "job_opening_id": "100",
        "tag_ids": [],
        "questions": [{"id": 1}, {"id": 2}],
        "answers": [{"question_id": 1}],
        **changes,
    }


def to_row(data: Json) -> Json:
    """Make a record of `candidates`, as the conformer does."""
    return _conformed(data, ROW_FIELDS)


def to_details(data: Json) -> Json:
    """Make a record of `candidate_details`, as the conformer does."""
    return _conformed(data, (*ROW_FIELDS, *ONLY_IN_DETAILS))


def _conformed(data: Json, names: tuple[str, ...]) -> Json:
    rest = {name: value for name, value in data.items() if name not in names}
    record = {name: data.get(name) for name in names}
    return {
        **record,
        "id": str(data.get("id")),
        "extra": json.dumps(rest) if rest else None,
    }


def observer(*, compares_extra: bool = True) -> Observer:
    """Make an observer of the records above."""
    return Observer(to_row, to_details, compares_extra=compares_extra)


class FakeApi:
    """A workspace in memory; a stand-in for `Client`."""

    def __init__(self, candidates: Iterable[Json] = ()) -> None:
        self.candidates = {str(one["id"]): one for one in candidates}
        """By ID, as their details show them."""
        self.tag_rows: list[Json] = []
        self.later_tag_rows: list[Json] | None = None
        """What `/tags` has when it is read again."""
        self.hidden: set[str] = set()
        """IDs that no list shows although they exist: archived."""
        self.answers: dict[str, t.Any] = {}
        """What the details of an ID are instead: an object, or an error."""
        self.miscounted = 0
        """How many more candidates `total` counts than the list shows."""
        self.has_total = True
        self.largest_page = 1000
        self.knows_order = True
        self.rejection: Exception | None = None
        """What `order=desc` raises."""
        self.dead_anchor: str | Exception = NotFoundError("gone")
        """What follows an `after_id` that is gone: an error, an "empty" page, or the
        list from its "start"."""
        self.before_page: Callable[[Json], None] = lambda _: None
        self.pages: list[Json] = []
        """The queries of all pages."""
        self.asked: list[str] = []
        """The IDs of all candidates whose details were requested."""
        self.tags_reread = 0

    def listed(self, params: Mapping[str, str]) -> list[Json]:
        """Return all candidates that a list shows, in its order."""
        wanted = set(filter(None, params.get("tag_ids", "").split(",")))
        opening = params.get("job_opening_id")
        rows = [
            one
            for key, one in self.candidates.items()
            if key not in self.hidden
            and opening in {None, one["job_opening_id"]}
            and wanted <= set(one["tag_ids"] or ())
        ]
        descending = params["order"] == "desc" and self.knows_order
        rows.sort(key=_place, reverse=descending)
        return rows

    def change(self, *ids: str, **fields: t.Any) -> None:
        """Change some candidates."""
        for candidate_id in ids:
            self.candidates[candidate_id].update(fields)

    def delete(self, *ids: str) -> None:
        """Delete some candidates."""
        for candidate_id in ids:
            del self.candidates[candidate_id]

    # The interface of `Client`

    def candidates_page(self, params: Mapping[str, str]) -> Json:
        self.pages.append(dict(params))
        self.before_page(dict(params))
        if params["order"] == "desc" and self.rejection:
            raise self.rejection
        rows = self.listed(params)
        total = len(rows) + self.miscounted
        anchor = params.get("after_id")
        if anchor is not None:
            ids = [str(one["id"]) for one in rows]
            if anchor in ids:
                rows = rows[ids.index(anchor) + 1 :]
            elif isinstance(self.dead_anchor, Exception):
                raise self.dead_anchor
            elif self.dead_anchor == "empty":
                rows = []
        size = min(int(params["limit"]), self.largest_page)
        link = f"/candidates?after_id={rows[size - 1]['id']}" if rows[size:] else ""
        page: Json = {
            "data": [row_of(one) for one in rows[:size]],
            "links": {"next": link},
        }
        return {**page, "total": total} if self.has_total else page

    def candidate(self, candidate_id: str) -> Json:
        self.asked.append(candidate_id)
        known: dict[str, t.Any] = {**self.candidates, **self.answers}
        answer = known.get(candidate_id, NotFoundError(f"candidate {candidate_id}"))
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    @property
    def tags(self) -> list[Json]:
        return list(self.tag_rows)

    def reread_tags(self) -> list[Json]:
        self.tags_reread += 1
        if self.later_tag_rows is not None:
            self.tag_rows = self.later_tag_rows
        return self.tags

    def paginator(self, params: dict[str, str]) -> LinksPaginator:
        return LinksPaginator(ROOT, params)


def _place(one: Json) -> tuple[str, str]:
    return str(one["started_at"]), str(one["id"])


def row_of(one: Json) -> Json:
    """Return what a list shows of a candidate."""
    return {name: one[name] for name in one.keys() - set(ONLY_IN_DETAILS)}


class FakeWorkers:
    """Makes requests without threads; a stand-in for `Workers`.

    Args:
        size: The number of threads that it claims to have.
        is_eager: Whether a call is made when it is submitted. Else it is made when
            someone waits for it or for a later one.
    """

    def __init__(self, size: int = 8, *, is_eager: bool = True) -> None:
        self.size = size
        self.most_waiting = 0
        self._is_eager = is_eager
        self._calls: deque[tuple[Future[t.Any], t.Any, tuple[t.Any, ...]]] = deque()

    def submit(self, function: t.Any, *args: t.Any, urgent: bool = False) -> t.Any:
        future: Future[t.Any] = Future()
        call = future, function, args
        (self._calls.appendleft if urgent else self._calls.append)(call)
        self.most_waiting = max(self.most_waiting, len(self._calls))
        if self._is_eager:
            self._work()
        return future

    def wait(self, future: Future[t.Any]) -> t.Any:
        while not future.done():
            self._work()
        return future.result()

    def _work(self) -> None:
        future, function, args = self._calls.popleft()
        try:
            future.set_result(function(*args))
        except Exception as error:  # noqa: BLE001 - raised where the result is read
            future.set_exception(error)


def source(api: t.Any, workers: t.Any = None, check: t.Any = None) -> Source:
    """Make the source of lists and details."""
    workers = workers or FakeWorkers()
    return Source(api, workers, workers.wait, check or (lambda: None))


class RecordingSink:
    """Keeps what a run writes; a stand-in for `CandidateSink`.

    Attributes:
        messages: ("record", stream, change) and ("state", entries), in their order.
        state_size: Bytes that a STATE is said to have; a record has 100.
    """

    def __init__(self, state: State) -> None:
        self.messages: list[tuple[t.Any, ...]] = []
        self.state_size = 0
        self.written = 0
        self._state = state

    def emit(self, change: Change, streams: Streams) -> None:
        for stream in STREAMS:
            if stream in streams:
                self.messages.append(("record", stream, change))
                self.written += 100

    def save(self) -> int:
        until = self._state.reverified_until
        self.messages.append(("state", dict(self._state.inventory.items()), until))
        return self.state_size


@dataclass
class Result:
    """What a run did."""

    messages: list[tuple[t.Any, ...]]
    counts: loop.Counts
    needed_confirmation: bool
    error: TapError | None
    progress: Progress

    @property
    def records(self) -> list[tuple[str, str, str | None]]:
        """Stream, candidate and event of each record."""
        return [
            (message[1], message[2].id, message[2].event)
            for message in self.messages
            if message[0] == "record"
        ]

    @property
    def states(self) -> list[dict[str, Known]]:
        """What each STATE says of each candidate."""
        return [message[1] for message in self.messages if message[0] == "state"]

    @property
    def known(self) -> dict[str, Known]:
        """What the last STATE says of each candidate."""
        return self.states[-1]

    @property
    def emitted(self) -> dict[str, set[str]]:
        """The streams of each candidate that were emitted."""
        found: dict[str, set[str]] = {}
        for stream, candidate_id, _ in self.records:
            found.setdefault(candidate_id, set()).add(stream)
        return found


@dataclass
class World:
    """A workspace and a state, and what their runs have in common."""

    api: FakeApi = field(default_factory=FakeApi)
    state: State = field(default_factory=State)
    scope: Scope = field(default_factory=Scope)
    part: Part = ALL_PARTS
    page_size: int = 100
    now: datetime = NOW
    days: int = 0
    confirmed: bool = False
    compares_extra: bool = True
    workers: FakeWorkers = field(default_factory=FakeWorkers)
    tags: t.Any = None
    check: t.Any = None
    state_size: int = 0

    def run(
        self, selected: Iterable[str] = STREAMS, full_table: Iterable[str] = ()
    ) -> Result:
        """Run once over all candidates, as `run.Runner` does."""
        state, api = self.state, source(self.api, self.workers, self.check)
        state.reverified_until = state.reverified_until or self.now
        lists = ScopeLists(
            api, self.scope, self.part, self.page_size, state.inventory.see
        )
        lists.ask()
        tags = self.tags
        if tags is None:
            query, number = self.scope.shared, state.inventory.number
            tags = TagLists(api, query, self.page_size, number, is_dropped=False)
            deque(tags.read(), maxlen=0)
        run = Run(
            frozenset(selected),
            frozenset(full_table),
            narrowed=self.scope.is_narrowed,
            same_scope=state.scope == self.scope.key,
        )
        looks = observer(compares_extra=self.compares_extra)
        sink = RecordingSink(state)
        sink.state_size = self.state_size
        progress = Progress(LOGGER)
        one = loop.Loop(
            source=api,
            state=state,
            lists=lists,
            changes=Changes(state.inventory, run, looks, tags),
            sink=sink,
            progress=progress,
            logger=LOGGER,
            now=self.now,
            reverify_days=self.days,
            confirmed=self.confirmed,
        )
        error: TapError | None = None
        try:
            one.run()
        except TapError as failure:
            error = failure
        else:
            state.scope = self.scope.key
            state.tags = len(tags)
        sink.save()
        return Result(
            sink.messages, one.counts, one.needed_confirmation, error, progress
        )

    def restart(self, inventory: Mapping[str, Known] | None = None) -> None:
        """Begin the next run, from a STATE of this one if it is given."""
        entries = dict(self.state.inventory.items()) if inventory is None else inventory
        self.state.inventory = Inventory()
        for candidate_id, known in entries.items():
            self.state.inventory[candidate_id] = known
