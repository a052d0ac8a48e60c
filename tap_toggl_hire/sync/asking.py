"""Requests for candidates, under way ahead of the one that is waited for."""

from __future__ import annotations

import typing as t
from collections import deque
from concurrent.futures import Future  # noqa: TC003 - a dataclass names it
from dataclasses import dataclass

import msgspec

from tap_toggl_hire.errors import NotServedError
from tap_toggl_hire.sync.plan import UNKNOWN, Known, Listed

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tap_toggl_hire.api.client import Client
    from tap_toggl_hire.api.workers import Workers
    from tap_toggl_hire.records import Record
    from tap_toggl_hire.sync.tags import Tags

AHEAD = 16
"""Candidates asked for ahead of the one that is waited for, per worker."""
TICK = 1.0
"""Seconds of waiting after which the caller gets a chance to act."""

Answer = dict[str, t.Any] | NotServedError | None
"""What came of a request for a candidate; None: it is not there."""


@dataclass(slots=True, eq=False)
class Task:
    """A candidate that waits to be asked for, emitted, or only noted."""

    id: str
    known: Known
    packed: bytes | None = None
    """A record of `candidates` as JSON, since very many may wait; None for one that
    the list lacks."""
    tags: Tags | None = None
    listed: Listed | None = None
    due: bool = False
    """Whether it is its turn to be re-verified."""
    asked: bool = True
    answer: Future[Answer] | None = None
    is_announced: bool = False
    """Whether the inventory says that it is about to be emitted."""

    @property
    def row(self) -> Record | None:
        """The record of `candidates`."""
        return None if self.packed is None else msgspec.json.decode(self.packed)

    @property
    def previous(self) -> Known | None:
        """What was known of it when it was found; None for one that is new."""
        return None if self.known is UNKNOWN else self.known


class Asker:
    """Asks for candidates in the order in which they come.

    Args:
        client: The API.
        workers: Where requests are made.
        tick: Called after each second of waiting.
    """

    def __init__(
        self, client: Client, workers: Workers, tick: Callable[[], None]
    ) -> None:
        self._client = client
        self._workers = workers
        self._tick = tick
        self._waiting: deque[Task] = deque()
        self._under_way = 0

    def add(self, task: Task) -> None:
        """Ask for a candidate once it is its turn."""
        if task.asked:
            self._waiting.append(task)
            self._send()

    def wait(self, task: Task) -> Answer:
        """Wait for what came of a task, and take it.

        Raises:
            TapError: If the API serves nothing any more.
        """
        future = task.answer
        if future is None:
            return None
        while not future.done():
            try:
                future.exception(timeout=TICK)
            except TimeoutError:
                self._tick()
        task.answer = None
        self._under_way -= 1
        self._send()
        return future.result()

    def _send(self) -> None:
        while self._waiting and self._under_way < AHEAD * self._workers.size:
            task = self._waiting.popleft()
            task.answer = self._workers.submit(self._ask, task.id)
            self._under_way += 1

    def _ask(self, candidate_id: str) -> Answer:
        """Ask for a candidate, in a worker.

        One that the API does not serve, while it serves others, holds up no other: the
        run goes on, and fails at its end.
        """
        try:
            return self._client.candidate(candidate_id)
        except NotServedError as error:
            if self._client.is_serving():
                return error
            raise
