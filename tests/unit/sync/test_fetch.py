"""Details, requested ahead of the candidate in turn and given back in order."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from itertools import islice

import pytest

from sandbox import Fault, details_of
from tap_toggl_hire.errors import (
    ForbiddenError,
    NotFoundError,
    PaymentRequiredError,
    RequestError,
    TapError,
    UnauthorizedError,
    UnavailableError,
)
from tap_toggl_hire.stop import Stop
from tap_toggl_hire.sync import checkpoint, fetch, proofs
from tap_toggl_hire.sync.checkpoint import Checkpoint
from tap_toggl_hire.sync.fetch import MIN_SENT, UNREQUESTED, Fetch
from tap_toggl_hire.sync.lists import Source
from tap_toggl_hire.sync.proofs import Endpoint
from tap_toggl_hire.sync.state import State
from tests.support.http import SandboxTransport
from tests.support.scheduler import Scheduler
from tests.unit.sync.world import RecordingSink, client_of, numbers, workspace

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_toggl_hire.sync.tasks import DetailsResponse


@dataclass
class Detailed:
    """A task that wants the details of a candidate, or does not."""

    id: str
    wants: bool = True
    size: int = 100

    def wants_details(self) -> bool:
        return self.wants


class Requests:
    """A workspace, and what requests the details of its candidates."""

    def __init__(
        self,
        candidates: int,
        size: int = 1,
        seed: object = 0,
        *,
        are_listed: bool = True,
    ) -> None:
        self.transport = SandboxTransport(workspace(candidates))
        self.clock = self.transport.clock
        self.stop = Stop(self.clock)
        self.workers = Scheduler(size, self.stop, seed)
        self.state = State()
        source = Source(client_of(self.transport, self.stop), self.workers)
        ids = self.state.inventory.ids
        for candidate_id in numbers(candidates) if are_listed else ():
            ids.see(candidate_id)
        sink = t.cast("t.Any", RecordingSink(self.state))
        self.endpoint = Endpoint(source, self.state.inventory)
        self.fetch = Fetch(
            source,
            ids,
            Checkpoint(self.state.inventory, sink, self.clock),
            self.endpoint,
        )

    def in_order(
        self, tasks: list[Detailed], batch: int = 10
    ) -> Iterator[tuple[t.Any, DetailsResponse]]:
        """Fetch tasks, which come in batches."""
        batches: t.Any = (
            tasks[start : start + batch] for start in range(0, len(tasks), batch)
        )
        return self.fetch.in_order(batches)

    def fail(self, *candidate_ids: str, status: int = 503) -> None:
        """Let requests for details fail."""
        match = details_of(*candidate_ids)
        self.transport.faults.append(Fault("status", status=status, match=match))

    @property
    def requested(self) -> list[str]:
        """The candidates whose details were requested, in order."""
        requests = self.transport.requests
        return [r.route.item_id for r in requests if r.kind == "candidate"]


def tasks(count: int) -> list[Detailed]:
    return [Detailed(candidate_id) for candidate_id in numbers(count)]


def answer(response: DetailsResponse) -> t.Any:
    """Return the ID in a body, or the kind of an error."""
    return response["id"] if isinstance(response, dict) else type(response)


# Order


def test_responses_come_in_the_order_of_the_tasks() -> None:
    for seed in range(5):  # in which they overtake each other
        requests = Requests(30, size=4, seed=seed)
        responses = [
            (task.id, answer(response))
            for task, response in requests.in_order(tasks(30))
        ]
        assert responses == [(key, key) for key in numbers(30)]
        assert sorted(requests.requested, key=int) == numbers(30)
        assert requests.requested != numbers(30)
        assert not requests.fetch.has_ended_early


def test_details_that_are_not_wanted_are_not_requested() -> None:
    requests = Requests(3)
    given = tasks(3)
    given[1].wants = False
    responses = [answer(response) for _, response in requests.in_order(given)]
    assert responses == ["1", type(None), "3"]
    assert requests.requested == ["1", "3"]
    ids = requests.state.inventory.ids
    assert [ids.is_requested(key) for key in numbers(3)] == [True, False, True]


def test_details_that_became_wanted_are_requested_in_turn() -> None:
    """A tag was learned meanwhile, and the candidate has it."""
    requests, given = Requests(3), tasks(3)
    given[1].wants = False
    responses = requests.in_order(given)
    assert answer(next(responses)[1]) == "1"
    given[1].wants = True
    assert [answer(response) for _, response in responses] == ["2", "3"]
    assert sorted(requests.requested) == numbers(3)


def test_second_phase_begins_with_no_task_ahead() -> None:
    requests = Requests(4)
    next(requests.in_order(tasks(2)))
    responses = [task.id for task, _ in requests.in_order(tasks(4)[2:])]
    assert responses == ["3", "4"]


# Ahead


@pytest.mark.parametrize(("size", "most"), [(8, MIN_SENT), (200, 400)])
def test_so_many_requests_are_sent_ahead(size: int, most: int) -> None:
    requests = Requests(500, size=size)
    assert len([*requests.in_order(tasks(500), batch=500)]) == 500
    assert requests.workers.most_waiting == most


def test_requests_are_sent_ahead_until_the_last_task() -> None:
    requests = Requests(900)
    responses = requests.in_order(tasks(900))
    for _ in islice(responses, 600):
        pass
    requests.workers.most_waiting = 0
    next(responses)
    assert requests.workers.most_waiting >= MIN_SENT - 1


def test_as_many_tasks_are_ahead_as_a_state_announces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checkpoint, "MIN_ANNOUNCED", 3)
    requests = Requests(9)
    ahead = [len(requests.fetch.ahead) for _ in requests.in_order(tasks(9), batch=1)]
    assert ahead == [2, 2, 2, 2, 2, 2, 2, 1, 0]


def test_fewer_tasks_are_ahead_if_their_rows_are_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checkpoint, "MAX_ANNOUNCED_BYTES", 400)
    requests = Requests(9)
    ahead = [len(requests.fetch.ahead) for _ in requests.in_order(tasks(9), batch=1)]
    assert ahead == [3, 3, 3, 3, 3, 3, 2, 1, 0]


# Failures


def test_failure_is_given_back_and_noted_and_what_is_not_found_is_no_failure() -> None:
    requests = Requests(5)
    requests.fail("2")
    requests.fail("3", status=403)
    requests.fail("4", status=404)
    responses = [answer(response) for _, response in requests.in_order(tasks(5))]
    assert responses == ["1", UnavailableError, ForbiddenError, NotFoundError, "5"]
    assert [type(f) for f in requests.fetch.failures] == [
        UnavailableError,
        ForbiddenError,
    ]
    ids = requests.state.inventory.ids
    assert all(map(ids.is_requested, numbers(5)))


def test_nothing_is_requested_once_the_endpoint_does_not_work() -> None:
    requests = Requests(400)
    requests.fail(*numbers(400))
    given = [response for _, response in requests.in_order(tasks(400), batch=400)]
    assert {type(response) for response in given[:8]} == {UnavailableError}
    assert given[8:] == [UNREQUESTED] * 392
    assert requests.endpoint.is_dead
    assert not requests.fetch.has_ended_early  # the lists are read on
    assert len(requests.fetch.failures) == fetch.MAX_FAILURES == 8
    assert len(requests.requested) == 8 + proofs.MAX_ASKED


def test_details_that_were_read_are_given_back_from_a_dead_endpoint() -> None:
    """So are tasks that want no details."""
    requests, given = Requests(60, size=4), tasks(60)
    given[50].wants = False
    requests.fail(*numbers(9), *numbers(20, 61))
    responses = [(task.id, answer(body)) for task, body in requests.in_order(given)]
    assert [key for key, _ in responses] == numbers(60)
    read = dict(responses[8:])
    assert read.pop("51") is type(None)
    served = set(numbers(10, 20)) & set(requests.requested)
    assert served
    assert {read[key] for key in served} == served
    assert RequestError in read.values()


def test_twenty_one_listed_candidates_that_are_not_found_are_a_dead_endpoint() -> None:
    requests = Requests(60)
    requests.fail(*numbers(60), status=404)
    given = [answer(response) for _, response in requests.in_order(tasks(60))]
    assert given == [NotFoundError] * 21 + [RequestError] * 39
    assert requests.endpoint.is_dead


def test_endpoint_is_asked_again_after_twenty_one_more_that_are_not_found() -> None:
    requests = Requests(60)
    requests.fail(*numbers(2, 60), status=404)
    given = [answer(response) for _, response in requests.in_order(tasks(60))]
    assert given == ["1", *[NotFoundError] * 58, "60"]
    assert requests.requested.count("1") == 1 + 2


def test_missing_candidates_that_are_not_found_question_nothing() -> None:
    requests = Requests(60, are_listed=False)
    requests.fail(*numbers(60), status=404)
    assert len([*requests.in_order(tasks(60))]) == 60
    assert len(requests.requested) == 60


@pytest.mark.parametrize("interruption", [200, 404])
def test_seven_failures_in_a_row_end_nothing(interruption: int) -> None:
    requests = Requests(16)
    requests.fail(*numbers(7), *numbers(9, 16))
    if interruption == 404:
        requests.fail("8", status=404)
    assert len([*requests.in_order(tasks(16))]) == 16
    assert not requests.fetch.has_ended_early
    assert len(requests.requested) == 16  # the endpoint was not asked for


def test_phase_goes_on_after_eight_failures_if_the_endpoint_works() -> None:
    requests = Requests(30)
    requests.fail(*numbers(2, 25))
    responses = [task.id for task, _ in requests.in_order(tasks(30))]
    assert responses == numbers(30)
    assert not requests.endpoint.is_dead
    # The candidate that was served is asked for after 8 and after 16 failures.
    assert requests.requested.count("1") == 3


def test_failure_of_all_requests_ends_a_phase_with_what_was_read() -> None:
    requests = Requests(20, size=4)
    requests.fail("2", status=401)
    given = {task.id: answer(r) for task, r in requests.in_order(tasks(20))}
    assert isinstance(requests.stop.failure, UnauthorizedError)
    # Those in flight are awaited, and no other request is sent.
    assert given == {key: key for key in requests.requested if key != "2"}
    assert len(requests.requested) <= 1 + 2 * 4
    assert requests.fetch.has_ended_early
    assert requests.fetch.failures == []


def test_failure_of_the_list_ends_a_phase_with_what_was_read() -> None:
    requests = Requests(5)

    def batches() -> Iterator[t.Any]:
        yield tasks(5)
        raise TapError("The pages are a loop.")

    given = [task.id for task, _ in requests.fetch.in_order(batches())]
    assert str(requests.stop.failure) == "The pages are a loop."
    assert given == requests.requested


def test_eight_times_payment_required_end_a_phase_as_a_quota_does() -> None:
    requests = Requests(30)
    requests.fail(*numbers(2, 30), status=402)
    given = [answer(response) for _, response in requests.in_order(tasks(30))]
    assert given[:9] == ["1", *[PaymentRequiredError] * 8]
    assert isinstance(requests.stop.failure, PaymentRequiredError)
    assert not requests.endpoint.is_dead  # nor asked for
    assert requests.requested.count("1") == 1


# A stop


def test_signal_ends_a_phase_with_what_was_read() -> None:
    requests = Requests(40, size=4)
    responses = requests.in_order(tasks(40))
    given = [next(responses)[0].id for _ in range(3)]
    read = sorted(requests.requested, key=int)
    requests.stop.signal(15)
    given += [task.id for task, _ in responses]
    assert given == read
    assert len(given) > 3
    assert requests.fetch.has_ended_early
    assert sorted(requests.requested, key=int) == read  # no request is sent any more
    assert requests.fetch.failures == []


def test_requests_in_flight_are_awaited_for_five_seconds_after_the_time_limit() -> None:
    requests = Requests(20, size=4)
    requests.stop.limit(1)
    responses = requests.in_order(tasks(20))
    given = [next(responses)[0].id]
    answered = len(requests.requested)

    def take_two_seconds(_: object) -> None:
        requests.clock.now += 2

    requests.clock.now += 60
    requests.transport.on_request = take_two_seconds
    given += [task.id for task, _ in responses]
    # Three more were answered, at 2, 4 and 6 seconds.
    assert len(requests.requested) == answered + 3
    assert given == sorted(requests.requested, key=int)


def test_failure_of_a_request_in_flight_is_noted_after_the_time_limit() -> None:
    requests = Requests(20, size=4)
    requests.stop.limit(1)
    responses = requests.in_order(tasks(20))
    given = [next(responses)[0].id]
    requests.fail("2", status=401)
    requests.clock.now += 60
    given += [task.id for task, _ in responses]
    assert "2" not in given
    assert isinstance(requests.stop.failure, UnauthorizedError)


def test_requests_that_have_not_started_are_dropped_at_the_time_limit() -> None:
    requests = Requests(20, size=4)
    requests.stop.limit(1)
    responses = requests.in_order(tasks(20))
    next(responses)
    answered = len(requests.requested)
    requests.clock.now += 60
    assert len([*responses]) == len(requests.requested) - 1
    assert len(requests.requested) <= answered + 4  # in flight


def test_tasks_that_want_no_details_are_given_back_after_a_stop() -> None:
    requests, given = Requests(5), tasks(5)
    for task in given[3:]:
        task.wants = False
    responses = requests.in_order(given)
    next(responses)
    requests.stop.signal(15)
    assert [task.id for task, _ in responses] == ["4", "5"]


def test_stop_before_the_first_task_reads_nothing() -> None:
    requests = Requests(5)
    requests.stop.signal(15)
    assert [*islice(requests.in_order(tasks(5)), 9)] == []
    assert requests.requested == []
    assert requests.fetch.has_ended_early
