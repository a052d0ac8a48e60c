"""Runs of the tap against an API that fails, and what must hold after them."""

from __future__ import annotations

import threading
import time
import typing as t
from collections import Counter
from dataclasses import dataclass

from sandbox import Fault
from tap_toggl_hire.errors import TapError
from tap_toggl_hire.tap import TapTogglHire
from tests.support import Target
from tests.support.tap import CollectingWriter, records
from tests.support.truth import truth

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandbox import Account, Sandbox, Shapes
    from sandbox.messages import Request

Json = dict[str, t.Any]

LISTS = ("job_openings", "categories", "tags")
CANDIDATES = ("candidates", "candidate_details", "candidate_answers")
FAMILY = (*CANDIDATES, "candidate_history")


class Clock:
    """Time in which pauses pass at once: a pause of all workers as that of one.

    Attributes:
        pauses: How long each pause would have been, in order.
        on_pause: Called with each pause, before it passes.
    """

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.on_pause: Callable[[float], object] = lambda _: None
        self._ahead = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """Tell the time, in seconds that only ever grow."""
        return time.monotonic() + self._ahead

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        wake_up = self() + seconds
        time.sleep(min(seconds, 0))  # refuses what the real one would refuse
        self.pauses.append(seconds)
        self.on_pause(seconds)
        with self._lock:
            self._ahead = max(self._ahead, wake_up - time.monotonic())


class Strikes(Fault):
    """A fault that remembers which requests it struck.

    Args:
        kind: As of any fault.
        mercy: Counts strikes by request, of several faults together: the fourth of
            one request passes. The sixth in a row would be for good.
        options: As of any fault.
    """

    def __init__(
        self, kind: str, mercy: Counter[str] | None = None, **options: t.Any
    ) -> None:
        super().__init__(kind, **options)
        self.numbers: set[int] = set()
        self._mercy = mercy

    def strikes(self, request: Request) -> bool:
        target = f"{request.path} {request.query}"
        if self._mercy is not None and self._mercy[target] > 3:
            return False
        does = super().strikes(request)
        if does:
            self.numbers.add(request.number)
            if self._mercy is not None:
                self._mercy[target] += 1
        return does


@dataclass
class Trial:
    """What a run inside the test wrote, and how it ended."""

    messages: list[Json]
    error: TapError | None

    @property
    def sentence(self) -> str:
        """What the user reads of a run that failed."""
        assert self.error is not None, "the run ended well"
        return str(self.error)

    @property
    def state(self) -> Json | None:
        """The last state."""
        states = [m["value"] for m in self.messages if m["type"] == "STATE"]
        return states[-1] if states else None

    def records(self, stream: str) -> list[Json]:
        """The records of a stream, in order."""
        return records(self.messages, stream)

    def good(self) -> Trial:
        """This trial; raises what ended a run that did not end well."""
        if self.error is not None:
            raise self.error
        return self


def settings(box: Sandbox, **others: t.Any) -> Json:
    """Settings that read a sandbox; small, so that a few candidates make pages."""
    return {
        "api_key": box.api_key,
        "api_url": box.url,
        "page_size": 5,
        "max_concurrency": 4,
        **others,
    }


def attempt(
    config: Json, state: Json | None = None, catalog: Json | None = None
) -> Trial:
    """Run the tap inside the test; what is no sentence is raised."""
    writer = CollectingWriter()
    tap = TapTogglHire(
        config=config, state=state, catalog=catalog, message_writer=writer
    )
    error = None
    try:
        tap.sync_all()
    except TapError as raised:
        error = raised
    finally:
        _end_workers(tap)
    return Trial(writer.messages, error)


def assert_true(
    messages: Iterable[Json],
    account: Account,
    shapes: Shapes | None = None,
    streams: Iterable[str] = (*LISTS, *CANDIDATES),
) -> None:
    """See that a target that takes the messages holds what the API holds."""
    target = Target()
    target.load(messages)
    assert_holds(target, account, shapes, streams)
    assert not any(map(target.deleted, streams))


def assert_holds(
    target: Target,
    account: Account,
    shapes: Shapes | None = None,
    streams: Iterable[str] = (*LISTS, *CANDIDATES),
) -> None:
    """See that what is alive in a target is what the API holds."""
    expected = truth(account, shapes)
    for stream in streams:
        rows = {
            key: {**row, "_sdc_deleted_at": None}
            for key, row in expected[stream].items()
        }
        assert target.alive(stream) == rows, stream


def assert_emitted_once(messages: list[Json], account: Account) -> None:
    """See that each candidate came once in each stream."""
    ids = account.listed_ids()
    for stream in ("candidates", "candidate_details"):
        emitted = [record["id"] for record in records(messages, stream)]
        assert sorted(emitted) == sorted(ids), stream
    created = [row["candidate_id"] for row in records(messages, "candidate_history")]
    assert sorted(created) == sorted(ids)


def answered_details(box: Sandbox, *faults: Strikes) -> Counter[str]:
    """How many good answers each candidate's details took."""
    struck = set[int]().union(*(fault.numbers for fault in faults))
    return Counter(
        one.route.item_id
        for one in box.stats.log
        if one.kind == "candidate" and one.number not in struck
    )


def endpoint(name: str) -> Callable[[Request], bool]:
    """A test of requests: all of one endpoint, or of one of its uses."""
    kinds = {"tag members": "candidates", "categories of an opening": "categories"}
    kind = kinds.get(name, name)

    def is_of_it(request: Request) -> bool:
        if request.kind != kind:
            return False
        if kind == "candidates":
            return ("tag_ids" in request.query) == (name == "tag members")
        return name == kind or "job_opening_id" in request.query

    return is_of_it


def _end_workers(tap: TapTogglHire) -> None:
    """End the workers of a run, as the end of the process does."""
    workers = tap.session.workers
    for _ in workers._threads:
        workers._calls.put(None)
    for thread in workers._threads:  # and no others: those of a test before may stay
        thread.join()
