"""Requests for candidates, ahead of the one that is waited for."""

from __future__ import annotations

import typing as t

import msgspec
import pytest

from tap_toggl_hire.errors import NotServedError
from tap_toggl_hire.sync.asking import AHEAD, Asker, Task
from tap_toggl_hire.sync.plan import UNKNOWN, Known
from tests.support.memory import InlineWorkers, MemoryApi, SlowWorkers, candidate

Any = t.Any


def tasks(count: int) -> list[Task]:
    return [Task(str(number), UNKNOWN) for number in range(1, count + 1)]


def api(count: int) -> Any:
    return MemoryApi(candidate(number) for number in range(1, count + 1))


def tick() -> None:
    pytest.fail("nothing is waited for")


def test_each_gets_its_own_answer_in_whatever_order_it_is_waited_for() -> None:
    workers: Any = InlineWorkers()
    asker, some = Asker(api(5), workers, tick), tasks(6)
    for task in some:
        asker.add(task)
    for task in reversed(some):
        answer: Any = asker.wait(task)
        assert (answer and str(answer["id"])) == (task.id if task.id != "6" else None)
        assert asker.wait(task) is None  # it was taken


def test_a_row_that_waits_comes_back() -> None:
    row = {"id": "1", "name": "Zo\u00eb", "score": 85.5, "extra": None}
    assert Task("1", UNKNOWN, msgspec.json.encode(row)).row == row
    assert Task("1", UNKNOWN).row is None


def test_of_a_new_one_nothing_was_known() -> None:
    assert Task("1", UNKNOWN).previous is None
    known = Known(row=5)
    assert Task("1", known).previous is known


def test_one_that_is_not_asked_for_makes_no_request() -> None:
    workers: Any = SlowWorkers()
    asker = Asker(api(1), workers, tick)
    task = Task("1", UNKNOWN, asked=False)
    asker.add(task)
    assert not workers.waiting
    assert asker.wait(task) is None


def test_so_many_are_under_way_and_no_more() -> None:
    workers: Any = SlowWorkers(2)
    asker, some = Asker(api(100), workers, tick), tasks(100)
    for task in some:
        asker.add(task)
    assert len(workers.waiting) == 2 * AHEAD
    for number, task in enumerate(some):
        workers.work()
        asker.wait(task)
        assert len(workers.waiting) == min(2 * AHEAD, 100 - number - 1)
    assert not workers.waiting


def test_the_caller_may_act_while_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tap_toggl_hire.sync.asking.TICK", 0.001)
    workers: Any = SlowWorkers()
    ticks: list[int] = []

    def act() -> None:
        ticks.append(1)
        if len(ticks) == 3:
            workers.work()

    asker, (task,) = Asker(api(1), workers, act), tasks(1)
    asker.add(task)
    assert asker.wait(task) is not None
    assert len(ticks) == 3


@pytest.mark.parametrize(
    ("size", "serves", "is_told"),
    [(8, True, True), (1, True, True), (8, False, False), (1, False, False)],
)
def test_one_that_is_not_served_ends_the_run_only_if_no_other_is(
    size: int, *, serves: bool, is_told: bool
) -> None:
    one = api(2)
    one.not_served, one.serves = {"1"}, serves
    workers: Any = InlineWorkers(size)
    asker, (task, other) = Asker(one, workers, tick), tasks(2)
    asker.add(task)
    asker.add(other)
    if is_told:
        assert isinstance(asker.wait(task), NotServedError)
        assert asker.wait(other) is not None
    else:
        with pytest.raises(NotServedError):
            asker.wait(task)
