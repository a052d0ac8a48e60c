"""What a STATE says of the candidates that are being emitted, and when one is due."""

from __future__ import annotations

import typing as t
from dataclasses import replace

import pytest

from tap_toggl_hire.sync import checkpoint as module
from tap_toggl_hire.sync.checkpoint import Checkpoint
from tap_toggl_hire.sync.comparison import Comparison
from tap_toggl_hire.sync.lists import parse_row
from tap_toggl_hire.sync.plan import (
    ANSWERS,
    FROM_DETAILS,
    Held,
    Known,
    Plan,
    Selection,
)
from tap_toggl_hire.sync.state import State
from tap_toggl_hire.sync.tasks import Decision, ListedTask, Terms
from tests.support.clock import FakeClock
from tests.unit.sync.observed import KnownTags, details_of, observer, question, row_of
from tests.unit.sync.world import ALL, RecordingSink

STALE, CURRENT = (Held.STALE,) * 4, (Held.CURRENT,) * 4


class Output:
    """A checkpoint, and what it writes."""

    def __init__(self, state_size: int = 0) -> None:
        self.state = State()
        self.inventory = self.state.inventory
        self.sink = RecordingSink(self.state, state_size)
        self.clock = FakeClock()
        self.checkpoint = self.begin()
        terms = Terms(observer(), t.cast("t.Any", KnownTags()), Selection(ALL))
        self._comparison = Comparison(self.inventory, terms)

    def begin(self) -> Checkpoint:
        """Return the checkpoint of a run that begins now."""
        return Checkpoint(self.inventory, t.cast("t.Any", self.sink), self.clock)

    def task(self, candidate_id: str, **fields: t.Any) -> ListedTask:
        """Return the task of a candidate that is listed."""
        row = parse_row(row_of(details_of(candidate_id, **fields)))
        (task,) = self._comparison.listed([row])
        return task

    def decide(self, candidate_id: str, **fields: t.Any) -> Decision:
        """Return what is done about a candidate whose details were read."""
        details = details_of(candidate_id, **fields)
        return self.task(candidate_id, **fields).decide(details)

    def emit(self, decision: Decision) -> None:
        """Emit and commit a candidate."""
        self.sink.emit(decision.change, decision.plan.emit)
        self.checkpoint.commit(decision)

    @property
    def saved(self) -> dict[str, Known]:
        """What the last STATE says."""
        message = self.sink.messages[-1]
        return message.known  # type: ignore[union-attr]


@pytest.fixture
def output() -> Output:
    return Output()


# Announcements


def test_announced_candidates_are_stale_in_the_state_and_current_once_committed(
    output: Output,
) -> None:
    decisions = [output.decide(key) for key in "12"]
    output.checkpoint.announce(decisions)
    assert [known.held for known in output.saved.values()] == [STALE, STALE]
    assert all(map(output.checkpoint.covers, decisions))
    output.emit(decisions[0])
    output.checkpoint.save()
    assert [known.held for known in output.saved.values()] == [CURRENT, STALE]
    assert output.saved["1"] == decisions[0].plan.after


def test_candidates_are_announced_before_their_details_are_read(output: Output) -> None:
    output.checkpoint.announce((), [output.task("1"), output.task("2")])
    assert [known.held for known in output.saved.values()] == [STALE, STALE]


def test_candidate_that_was_not_announced_is_not_covered(output: Output) -> None:
    decision = output.decide("1")
    assert not output.checkpoint.covers(decision)
    nothing = replace(decision, plan=Plan(None))
    assert output.checkpoint.covers(nothing)


def test_announcement_covers_no_more_streams_than_it_names(output: Output) -> None:
    output.emit(output.decide("1"))
    task = output.task("1", new_field=5)  # which only the list row has
    output.checkpoint.announce((), [task])
    assert output.saved["1"].held == (Held.STALE, *CURRENT[1:])
    assert output.checkpoint.covers(task.decide(None))
    assert not output.checkpoint.covers(output.decide("1", rating=2))


def test_announcement_covers_no_more_answers_than_it_names(output: Output) -> None:
    output.emit(output.decide("1"))  # with two questions
    output.checkpoint.announce((), [output.task("1", rating=1)])
    three = output.decide("1", rating=1, questions=[question("1")] * 3)
    two = output.decide("1", rating=1)
    assert output.checkpoint.covers(two)
    assert not output.checkpoint.covers(three)
    without_answers = replace(three, plan=replace(three.plan, emit=ALL - {ANSWERS}))
    assert output.checkpoint.covers(without_answers)


def test_new_candidates_are_announced_with_the_most_answers_that_any_has(
    output: Output,
) -> None:
    output.emit(output.decide("1", questions=[question("1")] * 5))
    output.emit(output.decide("2"))
    output.checkpoint = output.begin()
    tasks = [output.task("2", rating=1), output.task("3")]
    output.checkpoint.announce((), tasks)
    assert [output.saved[key].answers for key in "23"] == [2, 5]


def test_next_announcement_has_the_answers_that_a_candidate_turned_out_to_have(
    output: Output,
) -> None:
    output.checkpoint.announce((), [output.task("1")])
    decision = output.decide("1", questions=[question("1")] * 7)
    assert not output.checkpoint.covers(decision)
    output.checkpoint.announce([decision], [output.task("2")])
    assert output.checkpoint.covers(decision)
    assert [known.answers for known in output.saved.values()] == [7, 7]


def test_exact_announcement_names_the_streams_that_are_emitted(output: Output) -> None:
    decision = output.decide("1", questions=[question("1")] * 3)
    decision.plan = replace(decision.plan, emit=FROM_DETAILS)
    output.checkpoint.announce([decision])
    known = output.saved["1"]
    assert {name for name in ALL if known.holds(name)} == FROM_DETAILS
    assert known.answers == 3


def test_some_candidates_are_announced_and_more_if_a_state_is_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MIN_ANNOUNCED", 3)
    output = Output(state_size=1000)
    output.checkpoint.announce((), map(output.task, "12345"))
    assert list(output.saved) == ["1", "2", "3"]
    for key in "12":
        output.emit(output.decide(key))
    # A candidate has 400 bytes, so that a STATE of 1,000 is due after 25 of them: ten
    # times its size. A quarter more is announced.
    assert output.checkpoint.has_room(31, 0)
    assert not output.checkpoint.has_room(32, 0)


def test_few_candidates_with_large_rows_are_announced(
    monkeypatch: pytest.MonkeyPatch, output: Output
) -> None:
    tasks = [output.task(key) for key in "12345"]
    monkeypatch.setattr(module, "MAX_ANNOUNCED_BYTES", 2 * tasks[0].size)
    output.checkpoint.announce((), tasks)
    assert list(output.saved) == ["1", "2"]


def test_ten_thousand_candidates_with_small_rows_are_announced(output: Output) -> None:
    assert output.checkpoint.has_room(9_999, 0)
    assert not output.checkpoint.has_room(10_000, 0)


def test_bytes_that_were_written_before_do_not_make_candidates_larger() -> None:
    output = Output(state_size=400 * 1000)
    output.sink.written = 10**9  # by the lists
    output.checkpoint = output.begin()
    output.checkpoint.save()
    output.emit(output.decide("1"))  # 400 bytes
    # A STATE is due after 10,000 of them, and a quarter more is announced.
    assert output.checkpoint.has_room(12_499, 0)
    assert not output.checkpoint.has_room(12_500, 0)


# What is not emitted any more


def test_what_was_announced_and_not_emitted_is_reverted(output: Output) -> None:
    output.emit(output.decide("1"))
    before = output.inventory.get("1")
    output.checkpoint.announce((), [output.task("1", rating=1), output.task("2")])
    output.checkpoint.announce((), [output.task("3")])
    emitted = output.decide("3")
    output.emit(emitted)
    output.checkpoint.revert()
    after = emitted.plan.after
    assert dict(output.inventory.items()) == {"1": before, "3": after}
    output.inventory["2"] = after
    output.checkpoint.revert()  # only once
    assert output.inventory.get("2") == after


def test_deleted_candidate_is_forgotten_once_every_stream_has_its_tombstone(
    output: Output,
) -> None:
    output.emit(output.decide("1"))
    decision = output.decide("1", rating=1)
    output.checkpoint.commit(replace(decision, plan=Plan(None)))
    assert output.inventory.get("1") is None


# When a STATE is due


def test_state_is_due_after_thirty_seconds(output: Output) -> None:
    for seconds, is_due in ((0, False), (29.9, False), (0.1, True), (1, True)):
        output.clock.now += seconds
        assert output.checkpoint.is_due(kept=0) is is_due
    output.checkpoint.save()
    assert not output.checkpoint.is_due(kept=0)


def test_state_is_due_after_a_thousand_answers(output: Output) -> None:
    for _ in range(999):
        output.checkpoint.answered(is_unchanged=False)
    assert not output.checkpoint.is_due(kept=0)
    output.checkpoint.answered(is_unchanged=False)
    assert output.checkpoint.is_due(kept=0)
    output.checkpoint.save()
    assert not output.checkpoint.is_due(kept=0)


def test_state_waits_for_records_of_ten_times_its_size() -> None:
    output = Output(state_size=100)
    output.checkpoint.save()
    for _ in range(2):
        output.clock.now += 60
        output.sink.written += 999
        assert not output.checkpoint.is_due(kept=0)
        assert output.checkpoint.is_due(kept=1)
        output.sink.written += 1
        assert output.checkpoint.is_due(kept=0)
        output.checkpoint.save()


def test_answers_without_a_difference_count_as_records() -> None:
    """Otherwise a killed re-verification that writes nothing would begin again.

    A STATE of 200 bytes is due after 2,000 bytes of records, or two such candidates.
    """
    output = Output(state_size=200)
    output.checkpoint.save()
    output.clock.now += 60  # long enough
    output.checkpoint.answered(is_unchanged=False)
    output.checkpoint.answered(is_unchanged=True)
    assert not output.checkpoint.is_due(kept=0)
    output.checkpoint.answered(is_unchanged=True)
    assert output.checkpoint.is_due(kept=0)
    output.checkpoint.save()
    output.clock.now += 60
    output.checkpoint.answered(is_unchanged=True)
    assert not output.checkpoint.is_due(kept=0)
