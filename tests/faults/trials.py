"""Runs against an API that fails, and what holds after them."""

from __future__ import annotations

import json
import threading
import time
import typing as t
from collections import Counter
from dataclasses import dataclass

from sandbox import Account, Fault
from tap_toggl_hire.errors import TapError
from tap_toggl_hire.tap import TapTogglHire
from tests.streams.checks import assert_holds, expected, loaded, of
from tests.support.streams import CANDIDATES, CORE, DETAILS, HISTORY
from tests.support.tap import CollectingWriter, records, settings

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sandbox import Sandbox, Shapes
    from sandbox.messages import Answer, Request

Json = dict[str, t.Any]


class Clock:
    """A clock whose pauses take no time; a pause of all workers counts once."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.on_pause: Callable[[float], object] = lambda _: None
        self._ahead = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        return time.monotonic() + self._ahead

    def sleep(self, seconds: float) -> None:
        wake_up = self() + seconds
        self.pauses.append(seconds)
        self.on_pause(seconds)
        with self._lock:
            self._ahead = max(self._ahead, wake_up - time.monotonic())


class Strikes(Fault):
    """A fault that knows which requests it struck."""

    def __init__(self, kind: str, **options: t.Any) -> None:
        super().__init__(kind, **options)
        self.numbers: set[int] = set()

    def strikes(self, request: Request) -> bool:
        does = super().strikes(request)
        if does:
            self.numbers.add(request.number)
        return does


class Rewrites(Fault):
    """Change the decoded body of a 200."""

    def __init__(
        self, change: Callable[[Request, t.Any], t.Any], **options: t.Any
    ) -> None:
        super().__init__("empty", **options)
        self._change = change

    def answer(self, request: Request, ordinary: Callable[[], Answer]) -> Answer:
        answer = ordinary()
        if answer.status == 200:
            body = self._change(request, json.loads(answer.body))
            # With escapes: there is no other way to write half a surrogate pair.
            answer.body = json.dumps(body).encode()
        return answer


@dataclass
class Trial:
    """What a run inside the test emitted, and its failure."""

    messages: list[Json]
    error: TapError | None

    @property
    def sentence(self) -> str:
        """The sentence that the user reads of a failure."""
        assert self.error is not None, "the run did not fail"
        return str(self.error)

    @property
    def state(self) -> Json | None:
        return loaded(of(self.messages, "STATE")).state

    def records(self, stream: str) -> list[Json]:
        return records(self.messages, stream)

    def ids(self, stream: str) -> list[str]:
        return [row["id"] for row in self.records(stream)]

    def good(self) -> Trial:
        """Raise the failure, if there is one."""
        if self.error is not None:
            raise self.error
        return self


def small(box: Sandbox, **more: t.Any) -> Json:
    """Settings for small pages."""
    return settings(box, **{"page_size": 5, "max_concurrency": 4, **more})


def account(candidates: int = 30, **options: t.Any) -> Account:
    return Account.example(
        candidates=candidates, **{"openings": 2, "tags": 2, "questions": 2, **options}
    )


def attempt(
    config: Json, state: Json | None = None, catalog: Json | None = None
) -> Trial:
    """Run the tap inside the test."""
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
        _join(tap)
    return Trial(writer.messages, error)


def assert_true(
    messages: Iterable[Json],
    account: Account,
    shapes: Shapes | None = None,
    streams: Iterable[str] = CORE,
) -> None:
    """A target that takes the messages holds what the API holds."""
    assert_holds(loaded(messages), expected(account, shapes), streams)


def assert_emitted_once(messages: list[Json], account: Account) -> None:
    """Each candidate was emitted once in each stream."""
    ids = sorted(account.listed_ids())
    for stream in (CANDIDATES, DETAILS):
        assert sorted(row["id"] for row in records(messages, stream)) == ids, stream
    created = [row["candidate_id"] for row in records(messages, HISTORY)]
    assert sorted(created) == ids


def served_details(box: Sandbox, *faults: Strikes) -> Counter[str]:
    """How often the details of each candidate were served."""
    struck = set[int]().union(*(fault.numbers for fault in faults))
    return Counter(
        one.route.item_id
        for one in box.stats.log
        if one.kind == "candidate" and one.number not in struck
    )


def endpoint(name: str) -> Callable[[Request], bool]:
    """Match the requests of an endpoint, or of one of its uses."""
    uses = {"tag members": "candidates", "categories of an opening": "categories"}
    kind = uses.get(name, name)

    def matches(request: Request) -> bool:
        if request.kind != kind:
            return False
        if kind == "candidates":
            return ("tag_ids" in request.query) == (name == "tag members")
        return name == kind or "job_opening_id" in request.query

    return matches


def _join(tap: TapTogglHire) -> None:
    """End the workers of a run, as the end of the process does."""
    workers = tap.session.workers
    workers.__del__()
    for thread in workers._threads:
        thread.join()
