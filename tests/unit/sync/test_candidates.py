"""One run over the candidates: what is requested, emitted and committed, and when."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from sandbox import Fault, details_of
from tap_toggl_hire import stop
from tap_toggl_hire.errors import (
    RateLimitError,
    RequestError,
    SettingError,
    StoppedError,
    TapError,
    UnauthorizedError,
    UnavailableError,
)
from tap_toggl_hire.sync import candidates, checkpoint, deletions, kept, plan, proofs
from tap_toggl_hire.sync.candidates import RunCounts
from tap_toggl_hire.sync.plan import (
    ANSWERS,
    CANDIDATES,
    DETAILS,
    FROM_DETAILS,
    HISTORY,
    NEW,
    UPSERTED,
    Held,
    Known,
    Presence,
)
from tap_toggl_hire.sync.rotation import due_time
from tap_toggl_hire.sync.scope import Scope
from tests.unit.sync.world import ALL, NOW, Emitted, World, add_candidate, numbers

if t.TYPE_CHECKING:
    from datetime import datetime

    from sandbox.messages import Request
    from tests.unit.sync.world import Run

CURRENT = (Held.CURRENT,) * 4
NARROW = Scope(filters=(("min_rating", "2"),))
DAY = timedelta(days=1)


def known_of(world: World) -> dict[str, Known]:
    return dict(world.state.inventory.items())


def rate(world: World, *candidate_ids: str) -> None:
    """Change the list rows of candidates."""
    for candidate_id in candidate_ids:
        stars = world.account.detail(candidate_id)["rating"]
        world.account.rate(candidate_id, stars % 3 + 1)


def regrade(world: World, *candidate_ids: str) -> None:
    """Change details that the list row does not show."""
    for candidate_id in candidate_ids:
        world.account.show(candidate_id, in_details={"new_field": 1})


def archive(world: World, *candidate_ids: str) -> None:
    for candidate_id in candidate_ids:
        world.account.archive(candidate_id)


def delete(world: World, *candidate_ids: str) -> None:
    for candidate_id in candidate_ids:
        world.account.delete(candidate_id)


def fail(world: World, *candidate_ids: str, status: int = 503) -> Fault:
    """Let requests for details fail."""
    fault = Fault("status", status=status, match=details_of(*candidate_ids))
    world.transport.faults.append(fault)
    return fault


def stop_after(world: World, requests: int) -> None:
    """Send a signal with one request for details more than these."""
    seen: list[Request] = []

    def on_request(request: Request) -> None:
        seen.extend([request] * (request.kind == "candidate"))
        if len(seen) > requests:
            world.stop.signal(15)

    world.transport.on_request = on_request


def limit_at(world: World, candidate_id: str) -> None:
    """Reach the time limit with the request for a candidate."""
    world.stop.limit(1)

    def on_request(request: Request) -> None:
        if details_of(candidate_id)(request):
            world.clock.now += 60

    world.transport.on_request = on_request


def assert_announced_and_committed(run: Run, before: dict[str, Known]) -> None:
    """Check that intent precedes each record, and each record the STATE that has it."""
    last, emitted = before, set[tuple[str, str]]()
    for message in run.messages:
        if isinstance(message, Emitted):
            known = last.get(message.change.id, NEW)
            questions = (message.change.details or {}).get("questions") or ()
            assert {known.holds(stream) for stream in message.streams} == {Held.STALE}
            assert known.answers >= len(questions)
            emitted |= {(message.change.id, stream) for stream in message.streams}
            continue
        last = message.known
        for candidate_id, known in last.items():
            for stream in ALL:
                if known.holds(stream) is Held.CURRENT:
                    was = before.get(candidate_id, NEW).holds(stream)
                    assert was is Held.CURRENT or (candidate_id, stream) in emitted


# Candidates that the lists show


def test_first_run_emits_every_candidate_in_the_order_of_the_list() -> None:
    world = World(5, page_size=2)
    run = world.run()
    assert run.error is None
    assert run.emitted == dict.fromkeys(numbers(5), ALL)
    assert list(run.emitted) == numbers(5)
    assert set(run.events.values()) == {"created"}
    assert {known.held for known in run.known.values()} == {CURRENT}
    assert run.counts == RunCounts(listed=5, created=5, details_read=5)
    assert [run.progress.done, run.progress.total] == [5, 5]
    assert_announced_and_committed(run, {})


def test_run_without_changes_requests_no_details_and_emits_nothing() -> None:
    world = World.synced(5, page_size=2)
    before = known_of(world)
    run = world.run()
    assert (run.emitted, run.details_requested) == ({}, [])
    assert [state.known for state in run.states] == [before]
    assert run.counts == RunCounts(listed=5)
    assert run.progress.done == 5


def test_changed_candidate_is_emitted_in_every_stream_and_no_other_one_is() -> None:
    world = World.synced(5)
    before = known_of(world)
    rate(world, "3")
    run = world.run()
    assert run.emitted == {"3": ALL}
    assert run.events == {"3": "updated"}
    assert run.details_requested == ["3"]
    assert run.counts == RunCounts(listed=5, updated=1, details_read=1)
    (change,) = run.changes
    assert change.answers_held == 2
    assert change.row is not None
    assert change.row["rating"] == 1
    assert_announced_and_committed(run, before)


def test_state_has_the_scope_of_a_complete_run_only() -> None:
    world = World(3)
    fault = fail(world, "2")
    assert world.run().error is not None
    assert world.state.scope == ""
    world.transport.faults.remove(fault)
    world.run()
    assert world.state.scope == "all"


def test_full_table_streams_are_emitted_without_a_change() -> None:
    world = World.synced(2)
    run = world.run(full_table=UPSERTED)
    assert run.emitted == dict.fromkeys("12", UPSERTED)


# STATE


def test_only_so_many_candidates_are_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.synced(1)  # so that the number of answers is known
    for number in range(2, 12):
        add_candidate(world.account, number)
    monkeypatch.setattr(checkpoint, "MIN_ANNOUNCED", 3)
    run = world.run()
    # The candidate that was not announced yet, and three after it.
    assert [len(state.known) for state in run.states] == [5, 9, 11, 11]
    assert len(run.emitted) == 10


@pytest.mark.parametrize(("number", "committed"), [(0, 0), (1, 3), (2, 5), (3, 6)])
def test_killed_run_continues_from_what_its_last_state_commits(
    monkeypatch: pytest.MonkeyPatch, number: int, committed: int
) -> None:
    monkeypatch.setattr(checkpoint, "MAX_ANSWERED", 2)
    world = World(6)
    state = world.run().states[number].known
    assert held(state).count(CURRENT) == committed
    world.restart(state)
    run = world.run()
    left = numbers(committed + 1, 7)
    assert list(run.emitted) == run.details_requested == left
    assert set(run.events.values()) <= {"created"}


def held(known: dict[str, Known]) -> list[tuple[Held, ...]]:
    return [value.held for value in known.values()]


def test_candidate_with_more_answers_than_announced_waits_for_a_state() -> None:
    world = World.synced(3)
    before = known_of(world)
    rate(world, *numbers(3))
    for key in "23":
        world.account.set_questions(key, 7)
    run = world.run()
    assert_announced_and_committed(run, before)
    answers = [[known.answers for known in s.known.values()] for s in run.states]
    assert answers == [[2, 2, 2], [2, 7, 7], [2, 7, 7]]


def test_candidates_that_need_more_than_was_announced_cost_no_state_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As after a state from the warehouse without `candidate_answers`."""
    monkeypatch.setattr(checkpoint, "MAX_ANSWERED", 100)
    world = World.synced(300)
    for key, known in known_of(world).items():
        world.state.inventory[key] = replace(known, answers=0)
    rate(world, *numbers(300))
    before = known_of(world)
    run = world.run()
    assert run.emitted == dict.fromkeys(numbers(300), ALL)
    assert len(run.states) == 1 + 3 + 1
    assert_announced_and_committed(run, before)


# Details that are not found, or fail


def test_row_of_a_candidate_whose_details_are_not_found_is_emitted() -> None:
    world = World(9)
    fail(world, "3", status=404)
    run = world.run()
    assert run.error is None
    assert run.emitted["3"] == {CANDIDATES, HISTORY}
    assert run.deleted == []
    assert run.counts.without_details == 1
    world.transport.faults.clear()
    run = world.run()
    assert run.emitted == {"3": FROM_DETAILS}


@pytest.mark.parametrize("missing", [20, 21])
def test_many_listed_candidates_that_are_not_found_question_the_endpoint(
    missing: int,
) -> None:
    world = World(missing)
    fail(world, *numbers(missing), status=404)
    run = world.run()
    assert run.counts.without_details == missing
    assert len(run.emitted) == missing
    is_questioned = missing > plan.FEW_DELETED
    assert len(run.details_requested) == missing + 3 * is_questioned
    assert (str(run.error) == candidates.NO_DETAILS) is is_questioned


def test_run_is_complete_if_many_are_not_found_and_the_endpoint_works() -> None:
    world = World(60)
    fail(world, *numbers(2, 60), status=404)
    run = world.run()
    assert run.error is None
    assert run.counts.without_details == 58
    assert run.details_requested[-1] == "60"  # which was served


def test_failure_is_raised_after_all_other_candidates_were_emitted() -> None:
    world = World(5)
    fail(world, "2", "4")
    run = world.run()
    assert isinstance(run.error, UnavailableError)
    assert "GET /candidates/2" in str(run.error)
    assert list(run.emitted) == numbers(5)
    assert run.emitted["2"] == {CANDIDATES, HISTORY}
    assert run.emitted["5"] == ALL
    # An incomplete run still finds deletions.
    delete(world, "5")
    run = world.run()
    assert run.deleted == ["5"]
    assert isinstance(run.error, UnavailableError)


def test_lists_are_read_to_their_end_if_the_endpoint_does_not_work() -> None:
    world = World.synced(400, days=30)
    world.now += 40 * DAY
    delete(world, "400")
    rate(world, *numbers(300))
    before = known_of(world)
    reached = world.state.reverified_until
    fail(world, *numbers(400))
    run = world.run()
    assert isinstance(run.error, UnavailableError)
    rows = frozenset({CANDIDATES, HISTORY})
    assert run.emitted == dict.fromkeys(numbers(300), rows)
    assert {known.holds(DETAILS) for known in run.known.values()} == {
        Held.STALE,
        Held.CURRENT,
    }
    assert run.known["400"] == before["400"]
    assert len(run.details_requested) == 8 + proofs.MAX_ASKED
    assert world.state.reverified_until == reached


@pytest.mark.parametrize("body", [b"{}", b"<h1>Something</h1>"])
def test_malformed_details_of_one_candidate_are_no_transient_failure(
    body: bytes,
) -> None:
    world = World(9)
    world.transport.faults.append(Fault("body", body=body, match=details_of("3")))
    error = world.run().error
    assert isinstance(error, UnavailableError)
    assert not error.is_transient


def test_malformed_details_of_every_candidate_are_a_transient_failure() -> None:
    world = World(9)
    world.transport.faults.append(Fault("body", body=b"<h1>", match="candidate"))
    error = world.run().error
    assert isinstance(error, UnavailableError)
    assert error.is_transient


def test_status_that_is_permanent_is_no_transient_failure() -> None:
    world = World(9)
    fail(world, *numbers(9), status=418)
    error = world.run().error
    assert type(error) is RequestError
    assert not error.is_transient


@pytest.mark.parametrize(
    ("count", "other", "is_about_key"),
    [(9, 403, True), (9, 503, False), (9, 200, False), (7, 403, False)],
)
def test_key_is_at_fault_if_all_details_are_forbidden(
    count: int, other: int, *, is_about_key: bool
) -> None:
    world = World(count)
    fail(world, *numbers(2, count + 1), status=403)
    if other != 200:
        fail(world, "1", status=other)
    error = world.run().error
    assert isinstance(error, UnauthorizedError) is is_about_key
    assert ("check api_key" in str(error)) is is_about_key


def test_rejected_key_ends_the_run_at_once() -> None:
    world = World(9)
    fail(world, "3", status=401)
    run = world.run()
    assert isinstance(run.error, UnauthorizedError)
    assert list(run.emitted) == ["1", "2"]
    assert list(run.known) == ["1", "2"]
    assert run.counts.listed == 9


def test_quota_ends_the_run_with_what_was_read() -> None:
    world = World(9, size=1)
    quota = Fault("429", match=details_of(*numbers(4, 10)), retry_after=3600)
    world.transport.faults.append(quota)
    run = world.run()
    assert isinstance(run.error, RateLimitError)
    assert list(run.emitted) == ["1", "2", "3"]
    assert {known.held for known in run.known.values()} == {CURRENT}


def test_first_of_several_failures_is_raised_and_the_quota_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World(9, size=1)
    fail(world, "2", status=418)
    quota = Fault("429", match=details_of(*numbers(4, 10)), retry_after=3600)
    world.transport.faults.append(quota)
    error = world.run().error
    assert "candidates/2 failed" in str(error)
    assert any("HTTP 429" in message for message in caplog.messages)


def test_candidate_whose_expression_fails_midway_stays_as_announced() -> None:
    """Rows that were written before the expression failed are corrected later."""
    world = World(4)
    world.broken = {"2"}
    run = world.run()
    assert isinstance(run.error, SettingError)
    assert list(run.emitted) == ["1", "3"]  # which was in flight
    assert set(run.known["2"].held) == {Held.STALE}
    world.broken = set()
    assert list(world.run().emitted) == ["2", "4"]


# Lists that are not complete


def test_short_list_fails_the_run_and_nothing_is_deleted() -> None:
    world = World.synced(9, page_size=3)
    rate(world, "1", "9")
    delete(world, "5")
    world.transport.faults.append(
        Fault("status", status=404, match=lambda r: "after_id" in r.query)
    )
    run = world.run()
    assert str(run.error) == candidates.SHORT_LIST
    assert run.error is not None
    assert run.error.is_transient
    assert run.emitted == {"1": ALL}  # what was listed
    assert run.details_requested == ["1"]


def test_list_that_a_stop_cuts_short_is_not_taken_for_a_short_list() -> None:
    world = World(9, page_size=3)

    def on_request(request: Request) -> None:
        if request.query.get("after_id") == "3":
            world.stop.signal(15)

    world.transport.on_request = on_request
    assert isinstance(world.run().error, StoppedError)


def test_page_that_fails_fails_the_run_and_what_was_listed_is_emitted() -> None:
    world = World(9, page_size=3)
    world.transport.faults.append(
        Fault("status", match=lambda r: r.query.get("after_id") == "6")
    )
    run = world.run()
    assert isinstance(run.error, UnavailableError)
    assert list(run.emitted) == numbers(6)


# Stopping


def test_signal_takes_back_what_was_announced_and_not_emitted() -> None:
    world = World.synced(9)
    rate(world, *numbers(5, 10))
    before = known_of(world)
    stop_after(world, 2)
    run = world.run()
    assert isinstance(run.error, StoppedError)
    assert set(run.emitted) <= {"5", "6", "7"}
    assert {"5", "6"} <= set(run.emitted)
    assert run.known == {**before, **{key: run.known[key] for key in run.emitted}}
    assert world.state.scope == "all"
    assert run.counts.listed == 9
    world.transport.on_request = lambda _: None
    assert list(world.run().emitted) == [
        key for key in numbers(5, 10) if key not in run.emitted
    ]


def test_run_that_is_stopped_among_missing_candidates_emits_their_changes() -> None:
    world = World.synced(9)
    rate(world, *numbers(1, 7))
    archive(world, *numbers(1, 7))
    stop_after(world, 3)
    run = world.run()
    assert isinstance(run.error, StoppedError)
    assert set(run.emitted) < set(numbers(1, 7))
    assert run.emitted
    for key in run.emitted:
        assert run.known[key].presence is Presence.UNLISTED


def test_run_that_is_stopped_deletes_nothing_if_too_many_may_be_gone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World.synced(60)
    delete(world, *numbers(20, 51))
    limit_at(world, "30")
    run = world.run()
    assert isinstance(run.error, StoppedError)
    gone = len(run.details_requested) - 1  # the last one asks whether that is so
    assert 0 < gone < 20  # of 31 that are missing
    assert run.deleted == []
    assert candidates.WITHHELD % (gone, 31 - gone, 60) in caplog.messages


def test_deletions_are_proved_and_emitted_after_the_time_limit() -> None:
    world = World.synced(9)
    delete(world, "1")
    archive(world, *numbers(2, 8))
    limit_at(world, "3")
    run = world.run()
    assert isinstance(run.error, StoppedError)
    assert run.deleted == ["1"]


def test_empty_list_is_no_mistake_if_a_stop_leaves_its_candidates_unread(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World.synced(60)
    archive(world, *numbers(60))
    stop_after(world, 3)
    assert isinstance(world.run().error, StoppedError)
    assert caplog.messages == []


def test_stopped_run_forgets_no_distrust_of_the_lists_of_tags() -> None:
    world = tagged_world(3)
    world.state.distrusts_tags = True
    stop_after(world, 0)
    assert isinstance(world.run().error, StoppedError)
    assert world.state.distrusts_tags


# Candidates that the lists lack


def test_deletions_are_the_last_records_and_proved_by_requests() -> None:
    world = World.synced(10, days=30)
    world.now += DAY / 100  # none is due
    delete(world, "2", "5")
    archive(world, "7")
    rate(world, "9")
    before = known_of(world)
    run = world.run()
    assert run.error is None
    assert_announced_and_committed(run, before)
    # The candidate that was served is asked for once more: the endpoint works.
    assert run.details_requested == ["9", "2", "5", "7", "7"]
    assert [change.id for change in run.changes] == ["9", "2", "5"]
    assert run.deleted == ["2", "5"]
    assert [run.changes[1].event, run.changes[1].answers_held] == ["deleted", 2]
    assert run.counts.deleted == 2
    assert run.known.keys() == before.keys() - {"2", "5"}
    assert run.known["7"].presence is Presence.UNLISTED
    run = world.run()
    assert (run.changes, run.details_requested) == ([], [])


def test_nothing_is_deleted_if_the_endpoint_does_not_work_after_the_last_404() -> None:
    world = World.synced(9)
    delete(world, "2")
    fail(world, *numbers(9), status=404)
    run = world.run()
    assert str(run.error) == candidates.NO_DETAILS
    assert run.deleted == []
    assert run.known["2"].held == CURRENT
    world.transport.faults.clear()
    assert world.run().deleted == ["2"]


def test_endpoint_that_was_found_dead_is_not_asked_again_for_deletions() -> None:
    world = World.synced(60)
    delete(world, "1", "2", "3")
    archive(world, *numbers(4, 21))
    fail(world, *numbers(4, 61))
    run = world.run()
    assert isinstance(run.error, UnavailableError)
    assert run.deleted == []
    # Three that are gone, eight failures, and the question.
    assert len(run.details_requested) == 3 + 8 + proofs.MAX_ASKED


def test_deletions_are_proved_after_twenty_answers() -> None:
    """A quota costs the last twenty at most; nothing is requested while they wait."""
    world = World.synced(100)
    delete(world, *numbers(40))
    world.account.archive("41")
    quota = Fault("429", match="candidate", after=22, retry_after=3600)
    world.transport.faults.append(quota)
    run = world.run()
    assert isinstance(run.error, RateLimitError)
    assert run.deleted == numbers(21)


def test_deletions_are_withheld_until_most_of_the_missing_were_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checkpoint, "MAX_ANSWERED", 1)
    world = World.synced(100)
    delete(world, *numbers(45))
    archive(world, *numbers(46, 81))
    run = world.run()
    assert run.error is None
    assert len(run.deleted) == 45
    first = next(m for m in run.messages if isinstance(m, Emitted))
    committed = run.messages.index(first)
    assert committed > 3  # portions that had no tombstones


def test_confirmed_run_asks_for_archived_candidates_too() -> None:
    world = World.synced(60)
    archive(world, *numbers(1, 31))
    world.run()
    delete(world, *numbers(1, 31))
    assert world.run().deleted == []
    world.confirmed = True
    assert len(world.run().deleted) == 30


def test_confirmed_deletions_are_emitted_without_the_proof() -> None:
    world = World.synced(60)
    delete(world, *numbers(1, 41))
    world.confirmed = True
    run = world.run()
    assert run.error is None
    assert len(run.deleted) == 40
    assert len(run.details_requested) == 40


def test_missing_candidate_that_fails_stays_as_it_was() -> None:
    world = World.synced(5)
    archive(world, "1", "2")
    rate(world, "1")  # so that a STATE is written
    fail(world, "2")
    before = known_of(world)
    run = world.run()
    assert isinstance(run.error, UnavailableError)
    assert run.known["2"] == before["2"]
    assert run.emitted == {"1": ALL}


def test_archived_candidates_that_changed_are_announced_by_one_state() -> None:
    world = World.synced(6)
    archive(world, "2", "3", "4")
    rate(world, "2", "3")
    regrade(world, "4")
    before = known_of(world)
    run = world.run()
    assert_announced_and_committed(run, before)
    assert run.emitted == {"2": ALL, "3": ALL, "4": FROM_DETAILS}
    assert run.counts.updated == 3
    assert len(run.states) == 2
    assert {run.known[key].held for key in "234"} == {CURRENT}
    # Only what is emitted is announced: a run that dies writes no row of history twice.
    assert run.states[0].known["4"].holds(HISTORY) is Held.CURRENT


def test_what_is_kept_is_emitted_before_it_takes_too_much_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World.synced(6)
    rate(world, *numbers(4))
    archive(world, *numbers(4))
    monkeypatch.setattr(kept, "MAX_KEPT", 1)
    run = world.run()
    assert list(run.emitted) == numbers(4)
    assert len(run.states) == 4 * 2 + 1  # announced, and closed


# The limit on deletions


@pytest.mark.parametrize(("gone", "is_most"), [(20, False), (21, True), (41, True)])
def test_no_tombstone_is_emitted_if_most_candidates_seem_deleted(
    gone: int, *, is_most: bool
) -> None:
    world = World.synced(41)
    delete(world, *numbers(gone))
    run = world.run()
    assert (run.error is not None) is is_most
    if is_most:
        message = deletions.MASS_DELETION.format(gone=plan.SAMPLE, known=41)
        assert str(run.error) == message
        assert not t.cast("TapError", run.error).is_transient
    assert len(run.deleted) == (0 if is_most else gone)


def test_half_of_the_candidates_may_be_deleted() -> None:
    world = World.synced(60)
    delete(world, *numbers(30))
    run = world.run()
    assert run.error is None
    assert len(run.deleted) == 30


def test_new_candidates_do_not_make_deletions_fewer() -> None:
    world = World.synced(41)
    delete(world, *numbers(41))
    for number in range(100, 160):
        add_candidate(world.account, number)
    run = world.run()
    message = deletions.MASS_DELETION.format(gone=plan.SAMPLE, known=41)
    assert str(run.error) == message
    assert len(run.emitted) == 60
    assert run.deleted == []


def test_changes_are_emitted_although_deletions_are_not() -> None:
    world = World.synced(60)
    delete(world, *numbers(1, 41))
    archive(world, "50", "51")
    rate(world, "50")
    run = world.run()
    assert run.error is not None
    assert run.emitted == {"50": ALL}


def test_deletions_of_missing_and_re_verified_candidates_count_together() -> None:
    world = World.synced(60, days=30)
    archive(world, *numbers(1, 21))
    world.run()
    world.now += 31 * DAY
    delete(world, *numbers(1, 41))  # half of them archived before
    run = world.run()
    assert str(run.error) == deletions.MASS_DELETION.format(gone=31, known=60)
    # Those of the first phase were few enough.
    assert run.deleted == numbers(21, 41)
    assert {run.known[key].held for key in numbers(1, 21)} == {CURRENT}


def test_deletions_that_an_earlier_run_proved_are_not_counted_again() -> None:
    world = World.synced(41)
    delete(world, *numbers(30))
    world.confirmed = True
    assert len(world.run([CANDIDATES]).deleted) == 30
    world.confirmed = False
    run = world.run()
    assert run.error is None
    assert len(run.deleted) == 30
    assert run.details_requested == []
    assert CANDIDATES not in {
        stream
        for message in run.messages
        if isinstance(message, Emitted)
        for stream in message.streams
    }
    assert len(run.known) == 11


def test_empty_list_of_candidates_that_exist_archives_a_few_in_each_run(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World.synced(60, days=30)
    archive(world, *numbers(60))
    run = world.run()
    assert (run.error, run.changes) == (None, [])
    assert len(run.details_requested) == plan.SAMPLE
    presences = [known.presence for known in run.known.values()]
    assert presences.count(Presence.UNLISTED) == plan.SAMPLE
    assert presences.count(Presence.LISTED) == 39
    assert caplog.messages == [candidates.EMPTY_LIST % (plan.SAMPLE, "60")]
    asked = {*run.details_requested}
    run = world.run()
    assert len(run.details_requested) == plan.SAMPLE
    assert not asked & {*run.details_requested}


@pytest.mark.parametrize("is_listed", [True, False])
def test_all_missing_candidates_are_asked_for_if_one_is_listed_or_gone(
    *, is_listed: bool
) -> None:
    world = World.synced(60)
    archive(world, *numbers(59))
    if not is_listed:
        delete(world, "1")
        archive(world, "60")
    run = world.run()
    assert run.error is None
    assert set(run.details_requested) >= set(numbers(59))
    assert run.counts.deleted == (not is_listed)
    assert run.known["2"].presence is Presence.UNLISTED


# Narrower settings


def narrowed(candidates: int, left: list[str]) -> World:
    """Return a synced workspace whose next run is narrowed, and who leaves it."""
    world = World(candidates)
    for key in numbers(candidates):
        world.account.rate(key, 0 if key in left else 3)
    assert world.run().error is None
    world.scope = NARROW
    return world


@pytest.mark.parametrize(("few", "is_asked"), [(7, True), (6, False)])
def test_candidates_that_left_the_scope_are_asked_for_if_they_are_few(
    few: int,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_asked: bool,
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(plan, "FEW_LEFT", few)
    world = narrowed(10, numbers(7))
    run = world.run()
    assert (run.error, run.changes) == (None, [])
    assert run.details_requested == (numbers(7) if is_asked else [])
    assert {run.known[key].presence for key in numbers(7)} == {Presence.OUT_OF_SCOPE}
    assert (candidates.LEFT_SCOPE % 7 in caplog.messages) is not is_asked
    assert world.run().details_requested == []  # as narrowed as before


def test_candidate_that_left_the_scope_and_is_gone_is_deleted() -> None:
    world = narrowed(10, ["1", "2"])
    delete(world, "1")
    run = world.run()
    assert run.deleted == ["1"]


# Re-verification


def due_in_order(world: World) -> list[str]:
    """Return the candidates in the order in which they are due."""
    since = world.state.reverified_until
    assert since is not None
    since = max(since, world.now - 30 * DAY)
    due = {key: due_time(key, since, world.now, 30) for key in known_of(world)}
    times = {key: time for key, time in due.items() if time is not None}
    return sorted(times, key=times.__getitem__)


def reverifying(candidates: int, days: float = 31, **options: t.Any) -> World:
    """Return a workspace whose candidates are due, after a pause of some days."""
    world = World.synced(candidates, days=30, **options)
    world.now += days * DAY
    return world


def times_reached(run: Run) -> list[datetime]:
    return [state.reverified_until for state in run.states if state.reverified_until]


def test_due_candidates_are_read_in_order_and_emitted_if_they_differ() -> None:
    world = reverifying(9, days=15)
    order = due_in_order(world)
    assert 1 < len(order) < 9
    regrade(world, order[1])
    before = known_of(world)
    run = world.run()
    assert_announced_and_committed(run, before)
    assert run.details_requested == order
    assert run.emitted == {order[1]: FROM_DETAILS}
    assert run.counts.reverified == run.counts.details_read == len(order)
    assert run.counts.updated == 1
    assert run.progress.done == 9 + len(order)
    assert world.state.reverified_until == world.now
    assert world.run().details_requested == []


def test_details_that_this_run_has_read_are_not_read_again() -> None:
    world = reverifying(5)
    rate(world, "2")
    run = world.run()
    assert sorted(run.details_requested) == numbers(5)
    assert run.counts.reverified == 4


def test_re_verification_is_off_with_0_days() -> None:
    world = World.synced(5)
    world.now += 400 * DAY
    run = world.run()
    assert run.details_requested == []
    assert world.state.reverified_until == NOW


@pytest.mark.parametrize("days", [31, 100])
def test_every_state_has_the_time_that_was_reached(
    monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    world = reverifying(8, days)
    order = due_in_order(world)
    due = partial(due_time, since=world.now - 30 * DAY, until=world.now, days=30)
    monkeypatch.setattr(checkpoint, "MAX_ANSWERED", 3)
    run = world.run()
    reached = times_reached(run)
    assert reached == [due(order[2]), due(order[5]), world.now]
    world.state.reverified_until = reached[0]
    assert world.run().details_requested == order[3:]


def test_time_reached_waits_for_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should the run die before the records are out, the next one reads it again."""
    world = reverifying(9)
    order = due_in_order(world)
    due = partial(due_time, since=world.now - 30 * DAY, until=world.now, days=30)
    regrade(world, order[1])
    monkeypatch.setattr(checkpoint, "MAX_ANSWERED", 3)
    run = world.run()
    assert run.emitted == {order[1]: FROM_DETAILS}
    announced, *closed = times_reached(run)
    assert due(order[1]) == announced + candidates.MOMENT
    assert closed[:2] == [due(order[2]), due(order[5])]
    assert world.state.reverified_until == world.now


def test_deletions_that_re_verification_finds_are_its_last_records() -> None:
    world = World.synced(9, days=30)
    archive(world, *numbers(9))
    world.run()
    world.now += 31 * DAY
    gone, *others = due_in_order(world)
    delete(world, gone)
    regrade(world, *others)
    run = world.run()
    assert run.error is None
    assert [change.id for change in run.changes] == [*others, gone]
    assert run.deleted == [gone]
    assert run.counts.without_details == 0  # which is about listed candidates


def test_candidate_that_fails_is_passed_over() -> None:
    world = reverifying(5)
    fail(world, due_in_order(world)[1])
    run = world.run()
    assert isinstance(run.error, UnavailableError)
    assert len(run.details_requested) == 5
    assert run.counts.reverified == 4
    assert world.state.reverified_until == world.now


def test_details_of_a_listed_candidate_that_are_not_found_stay_due() -> None:
    world = reverifying(5)
    first = due_in_order(world)[0]
    fail(world, first, status=404)
    run = world.run()
    assert run.error is None
    assert run.deleted == []
    assert run.counts.without_details == 1
    assert run.known[first].holds(DETAILS) is Held.STALE
    assert world.run().details_requested == [first]


def test_without_streams_that_need_details_due_candidates_become_stale() -> None:
    world = reverifying(5)
    run = world.run([CANDIDATES, HISTORY])
    assert run.details_requested == []
    assert run.counts.reverified == 0
    for stream, value in {
        CANDIDATES: Held.CURRENT,
        DETAILS: Held.STALE,
        ANSWERS: Held.STALE,
    }.items():
        assert {known.holds(stream) for known in run.known.values()} == {value}
    assert world.state.reverified_until == world.now
    assert world.run().emitted == dict.fromkeys(numbers(5), FROM_DETAILS)


def test_archived_candidates_are_asked_for_whatever_is_selected() -> None:
    world = World.synced(3, days=30)
    archive(world, "1")
    world.run()
    world.now += 31 * DAY
    delete(world, "1")
    run = world.run([CANDIDATES])
    assert run.deleted == ["1"]


def test_after_a_long_pause_all_are_due_once() -> None:
    world = reverifying(9, days=100)
    assert sorted(world.run().details_requested) == numbers(9)


def test_due_candidates_are_looked_for_in_every_chunk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(candidates, "CHUNK", 4)
    world = reverifying(9, days=100)
    assert sorted(world.run().details_requested) == numbers(9)


def test_due_candidates_that_are_not_found_are_counted() -> None:
    world = reverifying(5)
    world.transport.faults.append(
        Fault("status", status=404, match=details_of("2", "4"))
    )
    assert world.run().counts.without_details == 2


def test_time_reached_never_decreases_and_far_in_the_future_counts_as_now() -> None:
    world = World.synced(5, days=30)
    ahead = world.state.reverified_until = NOW + timedelta(hours=1)
    world.run()
    assert world.state.reverified_until == ahead
    world.state.reverified_until = NOW + 2 * DAY
    world.run()
    assert world.state.reverified_until == NOW


@pytest.mark.parametrize("requests", range(1, 8))
def test_time_reached_does_not_pass_candidates_that_a_stop_left_out(
    requests: int,
) -> None:
    """Others that are due later may have been read already."""
    world = reverifying(9, size=4)
    order = due_in_order(world)
    stop_after(world, requests)
    run = world.run()
    assert isinstance(run.error, StoppedError)
    left = [key for key in order if key not in run.details_requested]
    assert left
    world.transport.on_request = lambda _: None
    assert set(left) <= set(world.run().details_requested)


def test_time_reached_does_not_pass_changes_that_a_signal_leaves_unwritten() -> None:
    world = reverifying(9)
    order = due_in_order(world)
    regrade(world, *order[2:])

    def on_request(request: Request) -> None:
        if details_of(order[5])(request):
            world.stop.signal(15)
            world.clock.sleep(stop.HASTE)

    world.transport.on_request = on_request
    run = world.run()
    assert isinstance(run.error, StoppedError)
    assert run.emitted == {}
    world.transport.on_request = lambda _: None
    assert world.run().details_requested == order[2:]


def test_time_reached_does_not_pass_deletions_that_are_not_proved() -> None:
    world = World.synced(9, days=30)
    archive(world, *numbers(9))
    world.run()
    world.now += 31 * DAY
    order = due_in_order(world)
    delete(world, *order[2:])
    fail(world, *order[:2]).after = 2  # they are read; the proof then fails
    run = world.run()
    assert run.deleted == []
    assert set(order[2:]) <= set(world.run().details_requested)


# Tags

TAG = "77"


def tagged_world(candidates: int, **options: t.Any) -> World:
    """Return a synced workspace whose candidates have a tag, the last one aside."""
    world = World(candidates, **options)
    world.transport.faults.append(
        Fault("body", body={"data": [{"id": TAG}]}, match="tags")
    )
    for key in numbers(candidates - 1):
        world.account.tag(key, TAG)
    assert world.run().error is None
    return world


def test_change_of_a_tag_is_a_change_of_its_candidate() -> None:
    world = tagged_world(5)
    world.account.untag("2", TAG)
    run = world.run()
    assert run.emitted == {"2": ALL}
    (change,) = run.changes
    assert change.tags == ()
    assert world.state.tags == {TAG}


def test_incomplete_answer_of_tags_changes_nothing() -> None:
    world = tagged_world(5)
    world.transport.faults.clear()  # without it, the workspace shows no tag
    run = world.run()
    assert (run.error, run.changes, run.details_requested) == (None, [], [])


def test_deleted_tag_is_a_change_once() -> None:
    world = tagged_world(5)
    world.transport.faults.clear()
    for key in numbers(4):
        world.account.untag(key, TAG)
    assert world.run().emitted == dict.fromkeys(numbers(4), ALL)
    assert world.state.tags == set()
    assert world.run().changes == []


def test_tag_that_only_details_name_is_learned() -> None:
    world = World.synced(5)
    for key in "24":
        world.account.tag(key, TAG)
        rate(world, key)
    run = world.run()
    assert run.error is None
    assert run.emitted == dict.fromkeys("24", ALL)
    assert {change.tags for change in run.changes} == {(TAG,)}
    assert world.state.tags == {TAG}
    assert world.run().changes == []


def test_candidate_whose_details_contradict_the_lists_is_read_again() -> None:
    world = tagged_world(30)
    rate(world, "3")
    world.account.show("3", in_details={"tag_ids": []})
    run = world.run()
    assert run.error is None
    assert run.emitted == {"3": UPSERTED}
    run = world.run()
    assert run.details_requested == ["3"]
    assert run.emitted == {"3": FROM_DETAILS | {HISTORY}}  # then the lists count
    assert world.run().changes == []


@pytest.mark.parametrize("selected", [ALL, UPSERTED])
def test_lists_of_tags_that_fail_leave_tags_unknown(
    selected: frozenset[str], caplog: pytest.LogCaptureFixture
) -> None:
    world = tagged_world(5)
    world.account.untag("1", TAG)
    rate(world, "2")
    world.transport.faults.append(Fault("status", match=lambda r: "tag_ids" in r.query))
    run = world.run(selected)
    assert run.emitted == {"2": UPSERTED}
    if HISTORY in selected:
        assert str(run.error) == candidates.UNKNOWN_TAGS
        assert t.cast("TapError", run.error).is_transient
    else:
        assert run.error is None
        assert candidates.UNKNOWN_TAGS in caplog.messages


def ignore_tag_filter(world: World) -> None:
    world.transport.on_request = lambda request: request.query.pop("tag_ids", None)


def test_api_that_ignores_the_filter_by_tags_is_distrusted_from_then_on() -> None:
    world = World.synced(60)
    world.transport.faults.append(
        Fault("body", body={"data": [{"id": TAG}]}, match="tags")
    )
    ignore_tag_filter(world)
    run = world.run()
    assert str(run.error) == candidates.UNKNOWN_TAGS
    assert world.state.distrusts_tags
    run = world.run()
    # Some candidates show that it still ignores the filter: the others are not read.
    assert len(run.details_requested) <= proofs.MAX_TAGGED + 60
    assert world.state.distrusts_tags
    run = world.run()
    assert len(run.details_requested) <= proofs.MAX_TAGGED
    world.transport.on_request = lambda _: None
    world.account.tag("1", TAG)
    run = world.run()
    assert run.error is None
    assert not world.state.distrusts_tags


def test_lists_are_trusted_again_if_no_candidate_has_a_tag() -> None:
    world = World.synced(5)
    world.state.distrusts_tags = True
    assert world.run().error is None
    assert not world.state.distrusts_tags


def test_lists_stay_distrusted_if_no_sample_can_be_read() -> None:
    world = tagged_world(9)
    world.state.distrusts_tags = True
    fail(world, *numbers(9))
    run = world.run()
    assert str(run.error) == candidates.UNKNOWN_TAGS
    assert world.state.distrusts_tags


def test_lists_are_trusted_again_if_samples_agree_with_them() -> None:
    world = tagged_world(9)
    world.state.distrusts_tags = True
    fail(world, "1")
    run = world.run()
    assert run.error is None
    assert run.details_requested == ["1", "4", "7"]
    assert not world.state.distrusts_tags


# What the run reports


def test_row_without_an_id_is_left_out() -> None:
    world = World(3)
    world.account.show("2", in_list={"id": None})
    run = world.run()
    assert list(run.emitted) == ["1", "3"]
    assert run.counts.listed == 2
