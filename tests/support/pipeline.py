"""A pipeline for tests of whole runs: a sandbox of the API, the tap, and a target.

    pipeline.run()  # extract, and load into the target; raises the error of the run
    gone = pipeline.ids[0]
    pipeline.account.delete(gone)
    run = pipeline.run()
    assert run.deleted(CANDIDATES) == [gone]
    assert run.details_requested == [gone]
    pipeline.assert_target_matches_api()

The fixture `pipeline` has a few candidates; `make_pipeline` starts any other one.
Runs are inside the test's process, from a fixed time on, and their pauses between
attempts take no time. `run_command_line` and `start_process` start the real program.
"""

from __future__ import annotations

import math
import typing as t
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from unittest import mock

import time_machine

from sandbox import Account, Sandbox
from tap_toggl_hire.errors import TapError
from tap_toggl_hire.tap import TapTogglHire
from tests.support.api_rows import api_rows
from tests.support.clock import FakeClock
from tests.support.messages import Messages, assert_one_schema_per_stream, candidate_of
from tests.support.scheduler import Scheduler
from tests.support.streams import (
    ANSWERS,
    API_STREAMS,
    CANDIDATES,
    DETAILS,
    STATE_KEY,
    STREAMS,
)
from tests.support.tap import CollectingWriter, catalog, run_tap, settings
from tests.support.target import Target, candidate_of_key

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from sandbox import Fault
    from sandbox.messages import Request
    from tests.support.tap import CommandLineRun
    from tests.support.target import Key, Message, Row

Json = dict[str, t.Any]

MakePipeline = Callable[..., "Pipeline"]
"""The fixture `make_pipeline`, called as `start_pipeline` is."""

CHECKPOINT = "tap_toggl_hire.sync.checkpoint"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass
class Run(Messages):
    """What a run inside the test wrote and requested, and how it ended.

    Attributes:
        messages: The messages that it wrote.
        requests: The requests that it sent.
        error: Why it failed; None if it did not.
        requests_before: The number of requests before each message.
    """

    messages: list[Message]
    requests: list[Request]
    error: Exception | None
    requests_before: list[int]

    @property
    def is_transient_failure(self) -> bool:
        """Whether it failed, and says that it may succeed if it is repeated."""
        return isinstance(self.error, TapError) and self.error.is_transient

    @property
    def details_requested(self) -> list[str]:
        """The ID in each request for details, in order."""
        return [r.route.item_id for r in self.requests if r.kind == "candidate"]

    @property
    def pages_requested(self) -> list[Request]:
        """The requests for pages of the list of candidates, lists of tags aside."""
        return [request for request in self.requests if is_page(request)]

    def details_served(self, *faults: Fault) -> Counter[str]:
        """Return how often the details of each candidate were served.

        Args:
            faults: Those of the sandbox; a request that one of them affected was not.
        """
        affected = {request.number for fault in faults for request in fault.requests}
        return Counter(
            request.route.item_id
            for request in self.requests
            if request.kind == "candidate" and request.number not in affected
        )


class Pipeline:
    """Extracts and loads again and again, as an orchestrator does.

    Args:
        sandbox: The API.
        **config: Settings of all runs.

    Attributes:
        sandbox: The API; its faults and shapes may change between runs.
        account: What it serves; a test changes it between runs.
        target: What the runs have loaded, and the state that it has confirmed.
        config: Settings of all runs; may change between them.
        clock: Of all runs. It stands still in a run but for pauses.
        seed: If it is set, the same one replays a run: time stands still in it, and
            the seed decides in which order requests are answered. Threads do that
            otherwise.
        now: When the next run starts.
        interval: The time from one run to the next.
    """

    def __init__(self, sandbox: Sandbox, **config: t.Any) -> None:
        self.sandbox = sandbox
        self.account = sandbox.account
        self.target = Target()
        activates = {"emit_activate_version_messages": True}  # as in meltano.yml
        self.config = settings(sandbox, **{**activates, "reverify_days": 0, **config})
        self.clock = FakeClock()
        self.seed: int | None = None
        self.now = datetime(2026, 3, 1, tzinfo=UTC)
        self.interval = HOUR

    # Runs

    def run(self, **options: t.Any) -> Run:
        """Extract to the end, and load everything; see `extract`."""
        run = self.extract(**options)
        self.target.load(run.messages)
        return run

    def run_failing(self, words: str = "", **options: t.Any) -> Run:
        """Extract, which has to fail with a message with these words, and load."""
        run = self.extract(check=False, **options)
        assert isinstance(run.error, TapError), repr(run.error)
        assert words in str(run.error)
        self.target.load(run.messages)
        return run

    def extract(  # noqa: PLR0913
        self,
        *,
        select: Collection[str] = STREAMS,
        without: Iterable[str] = (),
        full_table: Iterable[str] = (),
        state: Json | None = None,
        lookahead: int | None = None,
        check: bool = True,
        **config: t.Any,
    ) -> Run:
        """Run the tap; the target gets nothing.

        Args:
            select: The streams to select.
            without: Properties to deselect, such as "candidates.email".
            full_table: The streams that are forced to FULL_TABLE.
            state: To start from; by default, that of the target.
            lookahead: The number of candidates that each STATE announces. There is one
                after each candidate then, so that a small run has as many as a large
                one; None: as usual.
            check: Whether an error of the run is raised.
            **config: Settings of this run alone.
        """
        log = self.sandbox.stats.log
        before, requests_before = len(log), list[int]()
        writer = CollectingWriter(lambda: requests_before.append(len(log) - before))
        error: Exception | None = None
        with ExitStack() as stack:
            stack.enter_context(time_machine.travel(self.now, tick=self.seed is None))
            self.clock.set(self.now)
            if lookahead is not None:
                for name, value in (
                    ("MAX_SECONDS", 0),
                    ("MIN_RATIO", 0),
                    ("MIN_ANNOUNCED", lookahead),
                ):
                    stack.enter_context(mock.patch(f"{CHECKPOINT}.{name}", value))
            tap = self._tap_class()(
                config={**self.config, **config},
                state=deepcopy(self.target.state if state is None else state),
                catalog=catalog(
                    frozenset(select), frozenset(without), frozenset(full_table)
                ),
                message_writer=writer,
            )
            try:
                tap.sync_all()
            except Exception as raised:
                if check:
                    raise
                error = raised
            finally:
                # As the end of its process does: no request comes after the run.
                for thread in tap.session.workers.threads:
                    thread.join()
        self.now += self.interval
        assert_one_schema_per_stream(writer.messages)
        return Run(writer.messages, log[before:], error, requests_before)

    def run_command_line(self, *arguments: str, **options: t.Any) -> CommandLineRun:
        """Run the program to its end, whatever its exit code, and load.

        Args:
            arguments: Of the command line.
            **options: Those of `run_tap`, and `config`: settings of this run alone.
        """
        config = {**self.config, **options.pop("config", {})}
        run = run_tap(config, *arguments, state=self.target.state, **options)
        self.target.load(run.messages)
        return run

    def _tap_class(self) -> type[TapTogglHire]:
        class TimedTap(TapTogglHire):
            machine = self.clock

        if self.seed is not None:
            # Another order in each run of a history.
            seed = self.seed, self.now
            TimedTap.workers_class = partial(Scheduler, seed=seed)  # type: ignore[assignment]
        return TimedTap

    # The workspace

    @property
    def ids(self) -> list[str]:
        """The IDs of the listed candidates, in the order of the list."""
        return self.account.listed_ids()

    def most_requests(self) -> int:
        """Return how many requests a run may send if nothing changed (contract 3.1)."""
        size = int(self.config["page_size"])
        details = [self.account.detail(candidate_id) for candidate_id in self.ids]
        tagged = sum(len(detail["tag_ids"]) for detail in details)
        openings, tags = self.account.openings(), self.account.tags()
        most = math.ceil(len(details) / size) + math.ceil(tagged / size) + 6
        most += len(openings) + len(tags)
        if small := self.sandbox.shapes.page_small_lists:  # not as documented
            lists = (openings, self.account.categories(), tags)
            most += sum(len(items) // small for items in lists)
        return most

    def change_rating(self, candidate_id: str) -> None:
        """Change something that the list shows."""
        stars = (self.account.row(candidate_id)["rating"] + 1) % 4
        self.account.rate(candidate_id, stars)

    def change_hidden(self) -> str:
        """Change something that no list shows; return the ID of the candidate."""
        for candidate_id in self.ids:
            with suppress(ValueError):
                self.account.regrade_equal_sum(candidate_id)
                return candidate_id
        raise AssertionError

    def restore(self, detail: Row) -> str:
        """Add a deleted candidate again, as its details once were."""
        fields = dict(detail)
        opening, started = fields.pop("job_opening_id"), fields.pop("started_at")
        return self.account.add_candidate(opening, started, **fields)

    # The target

    def assert_target_matches_api(
        self,
        streams: Iterable[str] = API_STREAMS,
        *,
        only: Collection[str] | None = None,
        archived: bool = False,
    ) -> None:
        """Compare the target with the API: its living rows, value by value.

        Args:
            streams: The streams to compare.
            only: IDs of the candidates that it should hold; all listed ones by default.
            archived: Whether it should hold archived candidates, too.
        """
        rows = api_rows(self.account, archived=archived)
        for stream in streams:
            expected = rows[stream]
            if only is not None and stream in (CANDIDATES, DETAILS, ANSWERS):
                expected = {
                    k: v for k, v in expected.items() if candidate_of_key(k) in only
                }
            assert_same_rows(self.target.alive(stream), expected, stream)


def assert_same_rows(
    held: dict[Key, Row], expected: dict[t.Any, Row], stream: str
) -> None:
    """Compare rows in the columns that are expected; report no more than differs."""
    missing = sorted(map(str, expected.keys() - held.keys()))
    surplus = sorted(map(str, held.keys() - expected.keys()))
    assert not missing, f"{stream} lacks {missing}"
    assert not surplus, f"{stream} has {surplus}"
    wrong = {
        key: {
            name: (held[key].get(name), value)
            for name, value in row.items()
            if held[key].get(name) != value
        }
        for key, row in expected.items()
        if any(held[key].get(name) != value for name, value in row.items())
    }
    assert not wrong, f"{stream} differs from the API (held, expected): {wrong}"


@contextmanager
def start_pipeline(
    source: Account | Sandbox | int = 12, **config: t.Any
) -> Iterator[Pipeline]:
    """Start a pipeline.

    Args:
        source: What the API has: a number of candidates, an account, or a sandbox that
            was not started.
        **config: Settings of all runs.
    """
    account = make_account(source) if isinstance(source, int) else source
    with account if isinstance(account, Sandbox) else Sandbox(account) as sandbox:
        yield Pipeline(sandbox, **config)


def make_account(candidates: int = 12, **options: t.Any) -> Account:
    """Invent a small account; see `Account.example`."""
    few = {"openings": 2, "tags": 2, "questions": 2, "in_progress": 9}
    return Account.example(candidates=candidates, **(few | options))


def state_from_warehouse(target: Target) -> Json:
    """Return a state of what a target holds, as `state_from_warehouse.sql` does."""
    held: dict[str, int] = {}
    for stream in (CANDIDATES, DETAILS, ANSWERS):
        for row in target.alive(stream).values():
            answers = row["position"] + 1 if stream == ANSWERS else 0
            candidate_id = candidate_of(row)
            held[candidate_id] = max(held.get(candidate_id, 0), answers)
    return {STATE_KEY: {"format": 3, "held": [list(item) for item in held.items()]}}


def is_page(request: Request) -> bool:
    """Return whether a request is for a page of all candidates, not of a tag's."""
    return request.kind == "candidates" and "tag_ids" not in request.query
