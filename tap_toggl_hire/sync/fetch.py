"""Details, requested ahead of the candidate in turn and given back in order."""

from __future__ import annotations

import typing as t
from collections import deque

from tap_toggl_hire.errors import (
    NotFoundError,
    PaymentRequiredError,
    RequestError,
    TapError,
)
from tap_toggl_hire.sync import plan

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from tap_toggl_hire.api.body import Body
    from tap_toggl_hire.sync.checkpoint import Checkpoint
    from tap_toggl_hire.sync.ids import Ids
    from tap_toggl_hire.sync.lists import Source
    from tap_toggl_hire.sync.proofs import Endpoint
    from tap_toggl_hire.sync.tasks import DetailsResponse, Task

T_Task = t.TypeVar("T_Task", bound="Task")

MIN_SENT = 256
"""Requests that are sent ahead of the candidate in turn, at least."""
MAX_FAILURES = 8
"""Failures in a row after which the run asks whether the endpoint works."""
MAX_NOT_FOUND = plan.FEW_DELETED + 1
"""Listed candidates in a row that are not found, after which it asks the same.

They may be deleted meanwhile, or be what the API does not serve."""
UNREQUESTED = RequestError("")
"""What a task gets whose details are wanted, and not requested any more."""


class Fetch:
    """Requests the details that tasks want.

    It ends early, with what was read by then, if the run is to stop, or if nothing more
    can be read (a quota, a loop of the list). If the endpoint does not work, no further
    request is sent, and tasks get UNREQUESTED.
    """

    def __init__(
        self, source: Source, ids: Ids, checkpoint: Checkpoint, endpoint: Endpoint
    ) -> None:
        self.ahead: deque[t.Any] = deque()  # the tasks that wait for their turn
        self.failures: list[RequestError] = []  # all but those that were not found
        self.has_ended_early = False
        self.holds_back = False  # no request is sent before its task is in turn
        self._source = source
        self._ids = ids
        self._checkpoint = checkpoint
        self._endpoint = endpoint
        self._size = 0  # bytes of the rows of the tasks ahead
        self._window = MIN_SENT
        self._unsent: deque[Task] = deque()  # tasks ahead that were not looked at yet
        self._sent: dict[str, Future[Body]] = {}  # by the ID of the candidate
        self._failures_in_a_row = 0
        self._not_found_in_a_row = 0  # listed candidates

    @property
    def in_flight(self) -> int:
        """The number of requests that were sent, and not given back yet."""
        return len(self._sent)

    def in_order(
        self, batches: Iterable[Sequence[T_Task]], window: int | None = None
    ) -> Iterator[tuple[T_Task, DetailsResponse]]:
        """Yield tasks in their order, each with what the API answered.

        As many tasks are ahead as a STATE is to announce.

        Args:
            batches: The tasks.
            window: Requests that are sent ahead; None for as many as are useful.
        """
        self.ahead.clear()
        self._unsent.clear()
        self._size = 0
        self._window = window or max(MIN_SENT, 2 * self._source.workers.size)
        if self.has_ended_early:
            return
        source = iter(batches)
        try:
            while self._fill(source):
                task = self.ahead[0]
                response = self._wait(task)
                self.ahead.popleft()
                self._size -= task.size
                yield task, response
                self._look_at_failures()
        except TapError as error:
            self._source.workers.stop.fail(error)
            yield from self._rest()

    def _fill(self, source: Iterator[Sequence[Task]]) -> bool:
        """Take tasks until enough are ahead; return whether there is any."""
        while self._checkpoint.has_room(len(self.ahead), self._size):
            self._source.workers.stop.check()
            batch = next(source, None)
            if batch is None:
                break
            self.ahead += batch
            self._unsent += batch
            self._size += sum(task.size for task in batch)
            self._send_ahead()
        return bool(self.ahead)

    def _send_ahead(self) -> None:
        if self.holds_back or self._endpoint.is_dead:
            return
        while self._unsent and len(self._sent) < self._window:
            task = self._unsent.popleft()
            if task.wants_details():
                self._sent[task.id] = self._send(task)

    def _send(self, task: Task) -> Future[Body]:
        client, workers = self._source.client, self._source.workers
        return workers.submit(client.candidate, task.id)

    def _wait(self, task: Task) -> DetailsResponse:
        self._source.workers.stop.check()
        self._send_ahead()
        request = self._sent.get(task.id)
        if request is None:
            if not task.wants_details():
                return None
            if self._endpoint.is_dead:
                return UNREQUESTED
            # Something that was learned meanwhile made it differ.
            request = self._send(task)
        response = self._take(task, request)
        self._send_ahead()
        return response

    def _take(self, task: Task, request: Future[Body]) -> DetailsResponse:
        """Wait for the details of a candidate, and count what the API answered."""
        response: DetailsResponse
        try:
            response = self._source.workers.result(request)
        except RequestError as error:
            response = error
        self._sent.pop(task.id, None)
        self._ids.mark_requested(task.id)
        self._count(task, response)
        return response

    def _count(self, task: Task, response: DetailsResponse) -> None:
        if isinstance(response, NotFoundError):
            self._not_found_in_a_row += self._ids.is_listed(task.id)
            self._failures_in_a_row = 0
        elif isinstance(response, RequestError):
            self.failures.append(response)
            self._failures_in_a_row += 1
        else:
            self._not_found_in_a_row = self._failures_in_a_row = 0
            self._endpoint.served(task.id)

    def _look_at_failures(self) -> None:
        """Ask whether the endpoint works, if it served none of many in a row."""
        fails = self._failures_in_a_row >= MAX_FAILURES
        if not fails and self._not_found_in_a_row < MAX_NOT_FOUND:
            return
        self._not_found_in_a_row = self._failures_in_a_row = 0
        if fails and isinstance(self.failures[-1], PaymentRequiredError):
            self._source.workers.stop.fail(self.failures[-1])
        elif not self._endpoint.is_dead and not self._endpoint.works():
            self._drop_unsent()

    def _drop_unsent(self) -> None:
        """Drop the requests that have not started; pages of the list are still read."""
        for candidate_id, request in [*self._sent.items()]:
            if request.cancel():
                del self._sent[candidate_id]

    def _rest(self) -> Iterator[tuple[t.Any, DetailsResponse]]:
        """Yield the tasks whose details were read, or are not wanted.

        Requests that have not started are dropped. Those in flight are awaited as long
        as the stop allows.
        """
        self.has_ended_early = True
        workers = self._source.workers
        workers.drop()
        while self.ahead:
            task = self.ahead.popleft()
            request = self._sent.get(task.id)
            if request is None:
                if not task.wants_details():
                    yield task, None
            elif not request.cancelled() and (request.done() or workers.stop.is_due):
                try:
                    response = self._take(task, request)
                except TapError as error:
                    workers.stop.fail(error)
                else:
                    yield task, response
