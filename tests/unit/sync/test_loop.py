"""One run over the candidates: what is asked for, emitted and committed, and when."""

from __future__ import annotations

import itertools
import typing as t
from datetime import timedelta

import pytest

from tap_toggl_hire import errors
from tap_toggl_hire.sync import loop, plan
from tap_toggl_hire.sync.loop import Checkpoint, Counts
from tap_toggl_hire.sync.plan import FROM_DETAILS, HISTORY, STREAMS, Held, Presence
from tap_toggl_hire.sync.rotation import due_time
from tap_toggl_hire.sync.scope import Scope
from tap_toggl_hire.sync.state import State
from tests.support.http import FakeTime
from tests.unit.sync.fakes import (
    ALL,
    NOW,
    FakeApi,
    FakeWorkers,
    RecordingSink,
    World,
    candidate,
)

if t.TYPE_CHECKING:
    from datetime import datetime

    from tests.unit.sync.fakes import Result

Json = dict[str, t.Any]

CURRENT = (Held.CURRENT,) * 4
NARROW = Scope(filters=(("min_score", "40"),))
GONE = errors.NotFoundError("gone")
FORBIDDEN = errors.ForbiddenError("no")
DOWN = errors.UnavailableError("down")


def world(count: int, **options: t.Any) -> World:
    """Make a workspace whose candidates were never read."""
    return World(FakeApi(candidate(n) for n in range(1, count + 1)), **options)


def synced(count: int, **options: t.Any) -> World:
    """Make a workspace whose candidates were all emitted."""
    made = world(count, **options)
    assert made.run().error is None
    made.restart()
    made.api.asked.clear()
    made.api.pages.clear()
    return made


def numbers(*count: int) -> list[str]:
    return [str(number) for number in range(*count)]


def check_order(result: Result, before: dict[str, plan.Known] | None = None) -> None:
    """Check that intent precedes each record, and each record its STATE."""
    first = before or {}
    last, emitted = first, set[tuple[str, str]]()
    for kind, what, detail in result.messages:
        if kind == "record":
            known = last.get(detail.id, plan.NEW)
            assert known.holds(what) is Held.STALE
            assert known.answers >= len((detail.details or {}).get("questions", ()))
            emitted.add((detail.id, what))
            continue
        last = what
        for candidate_id, known in what.items():
            for stream in STREAMS:
                if known.holds(stream) is Held.CURRENT:
                    was = first.get(candidate_id, plan.NEW).holds(stream)
                    assert was is Held.CURRENT or (candidate_id, stream) in emitted


# Candidates that the list shows


def test_a_first_run_emits_every_candidate_in_the_order_of_the_list() -> None:
    result = world(5, page_size=2, workers=FakeWorkers(1)).run()
    assert result.error is None
    check_order(result)
    assert [candidate_id for _, candidate_id, _ in result.records] == [
        candidate_id for candidate_id in numbers(1, 6) for _ in STREAMS
    ]
    assert {event for _, _, event in result.records} == {"created"}
    assert {known.held for known in result.known.values()} == {CURRENT}
    assert len(result.states) == 2
    assert result.counts == Counts(listed=5, created=5, details_read=5)
    assert (result.progress.done, result.progress.total) == (5, 5)


def test_a_run_without_changes_requests_no_details_and_emits_nothing() -> None:
    made = synced(5, page_size=2)
    result = made.run()
    assert (result.records, made.api.asked) == ([], [])
    assert result.states == [dict(made.state.inventory.items())]
    assert (result.counts, result.progress.done) == (Counts(listed=5), 5)


def test_a_change_is_emitted_in_every_stream_and_no_other_candidate_is() -> None:
    made = synced(5)
    before = dict(made.state.inventory.items())
    made.api.change("3", rating=9)
    result = made.run()
    check_order(result, before)
    assert result.emitted == {"3": ALL}
    assert made.api.asked == ["3"]
    assert (result.counts.created, result.counts.updated) == (0, 1)
    assert {event for _, _, event in result.records} == {"updated"}
    assert result.progress.done == 5
    change = result.messages[1][2]
    assert change.row["rating"] == change.details["rating"] == 9
    assert change.answers_held == 2
    assert not change.is_deleted


# STATE


def test_only_so_many_candidates_are_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "ANNOUNCED", 3)
    result = world(10, page_size=1).run()
    check_order(result)
    assert [len(state) for state in result.states] == [3, 6, 9, 10, 10]
    assert len(result.emitted) == 10


def test_a_killed_run_goes_on_from_what_its_last_state_commits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loop, "FETCHED", 2)
    for committed in (0, 2, 4, 6):
        made = world(6)
        result = made.run()
        check_order(result)
        state = result.states[committed // 2]
        assert [known.held for known in state.values()].count(CURRENT) == committed
        made.restart(state)
        made.api.asked.clear()
        result = made.run()
        left = numbers(committed + 1, 7)
        assert [*result.emitted] == made.api.asked == left
        assert {event for _, _, event in result.records} <= {"created"}


def test_a_state_precedes_a_candidate_with_more_answers_than_announced() -> None:
    made = synced(3)
    made.api.change("1", rating=9)
    made.api.change("2", "3", rating=9, questions=[{"id": 1}] * 7)
    before = dict(made.state.inventory.items())
    result = made.run()
    check_order(result, before)
    answers = [[known.answers for known in state.values()] for state in result.states]
    assert answers == [[2, 2, 2], [2, 7, 7], [2, 7, 7]]


def checkpoint(state_size: int) -> tuple[Checkpoint, RecordingSink, FakeTime]:
    sink, time = RecordingSink(State()), FakeTime()
    one = Checkpoint(sink, time)
    one.begin(state_size)
    return one, sink, time


def test_a_state_is_due_after_thirty_seconds() -> None:
    one, _, time = checkpoint(0)
    for seconds, is_due in ((0, False), (29.9, False), (0.1, True), (1, True)):
        time.now += seconds
        assert one.is_due() is is_due
    one.begin(0)
    assert not one.is_due()


def test_a_state_is_due_after_a_thousand_candidates_with_details() -> None:
    one, _, _ = checkpoint(0)
    for _ in range(999):
        one.add(emitted=True, fetched=True)
    for _ in range(9):
        one.add(emitted=True, fetched=False)
    assert not one.is_due()
    one.add(emitted=False, fetched=True)
    assert one.is_due()
    one.begin(0)
    assert not one.is_due()


def test_a_state_waits_for_records_of_ten_times_its_size() -> None:
    one, sink, time = checkpoint(100)
    for _ in range(2):
        time.now += 60
        sink.written += 999
        assert not one.is_due()
        sink.written += 1
        assert one.is_due()
        one.begin(100)


def test_details_that_were_read_and_did_not_differ_count_as_work() -> None:
    """Else a run that re-verifies many candidates would write no STATE."""
    one, _, time = checkpoint(100)
    time.now += 60
    for _ in range(-(-1000 // loop.UNCHANGED)):
        assert not one.is_due()
        one.add(emitted=False, fetched=True)
    assert one.is_due()


def test_an_announcement_lasts_until_the_next_state_may_be_due() -> None:
    one, sink, _ = checkpoint(0)
    assert one.announced == 10_000
    for _ in range(10):
        one.add(emitted=True, fetched=True)
    sink.written = 1000  # 100 bytes each
    one.begin(1_000_000)
    assert one.announced == 125_000
    one.begin(1_000)
    assert one.announced == 10_000


# Requests


def test_requests_are_sent_ahead_of_the_candidate_in_turn() -> None:
    for size, most in ((8, loop.AHEAD), (200, 400)):
        workers = FakeWorkers(size, is_eager=False)
        made = world(1000, page_size=1000, workers=workers)
        assert made.run().error is None
        assert workers.most_waiting == most
        assert len(made.api.asked) == 1000


# Details that fail


@pytest.mark.parametrize(
    ("is_eager", "served", "count"),
    [(False, False, 8), (False, True, 30), (True, False, 30)],
)
def test_eight_failures_in_a_row_end_the_run_early(
    is_eager: bool, served: bool, count: int
) -> None:
    """Unless the API answers in between. What was read already is emitted."""
    made = world(30, workers=FakeWorkers(is_eager=is_eager))
    made.api.answers = dict.fromkeys(numbers(1, 16), DOWN)
    if served:
        made.api.answers["8"] = GONE
    result = made.run()
    assert result.error is DOWN
    assert len(result.emitted) == count
    assert made.api.asked == numbers(1, count + 1)
    check_order(result)


@pytest.mark.parametrize(
    ("count", "kind", "lasts", "is_transient"),
    [
        (1, errors.UnavailableError, True, False),  # one candidate's, malformed
        (8, errors.UnavailableError, True, True),  # a proxy's page for each
        (1, errors.UnavailableError, False, True),
        (8, errors.RequestError, True, False),
    ],
)
def test_whether_a_failure_is_transient(
    count: int, kind: type[errors.RequestError], lasts: bool, is_transient: bool
) -> None:
    made = world(9, workers=FakeWorkers(is_eager=False))
    failure = kind("failed", is_transient=not lasts)
    made.api.answers = dict.fromkeys(numbers(1, count + 1), failure)
    assert made.run().error is failure
    assert failure.is_transient is is_transient


def test_a_run_that_ends_early_leaves_the_rest_as_it_was() -> None:
    made = reverifying(12, workers=FakeWorkers(1, is_eager=False))
    made.api.change(*made.api.candidates, rating=9)
    made.api.delete("12")
    made.api.answers = dict.fromkeys(numbers(1, 13), DOWN)
    before = dict(made.state.inventory.items())
    reached = made.state.reverified_until
    result = made.run()
    assert result.error is DOWN
    for candidate_id in numbers(9, 13):
        assert result.known[candidate_id] == before[candidate_id]
    assert made.state.reverified_until == reached
    assert made.api.asked == numbers(1, 9)


OTHERS: list[tuple[int, t.Any, bool]] = [
    *((9, FORBIDDEN, True), (9, GONE, True), (9, candidate(9), False)),
    *((9, DOWN, False), (7, FORBIDDEN, False)),
]


@pytest.mark.parametrize(("count", "other", "is_key"), OTHERS)
def test_many_failures_are_about_the_key_if_all_are_403(
    count: int, other: t.Any, is_key: bool
) -> None:
    made = world(count)
    made.api.answers = dict.fromkeys(numbers(1, count), FORBIDDEN)
    made.api.answers[str(count)] = other
    error = made.run().error
    assert isinstance(error, errors.UnauthorizedError) is is_key
    assert ("check api_key" in str(error)) is is_key


def test_an_error_for_all_requests_ends_the_run_at_once() -> None:
    made = world(30, workers=FakeWorkers(1, is_eager=False))
    made.api.answers["3"] = errors.UnauthorizedError("the key")
    result = made.run()
    assert isinstance(result.error, errors.UnauthorizedError)
    assert result.emitted.keys() == {"1", "2"}
    assert result.known.keys() == {"1", "2"}


def test_details_that_most_listed_candidates_lack_fail_the_run() -> None:
    made = world(50)
    made.api.answers = dict.fromkeys(numbers(1, 31), GONE)
    result = made.run()
    assert str(result.error) == loop.NO_DETAILS.format(missing=30, asked=50)
    assert result.counts.without_details == 30
    assert len(result.emitted) == 50


def test_a_short_list_fails_the_run_and_deletes_nothing() -> None:
    made = synced(6, page_size=2, workers=FakeWorkers(1))
    made.api.change("1", rating=9)
    made.api.delete("6")

    def lose_place(params: Json) -> None:
        if "after_id" in params:
            raise GONE

    made.api.before_page = lose_place
    result = made.run()
    assert result.error is not None
    assert (str(result.error), result.error.is_transient) == (loop.SHORT_LIST, True)
    assert result.emitted == {"1": ALL}  # what was listed


# Stopping


def test_a_run_that_is_stopped_takes_back_what_it_announced() -> None:
    made = synced(9)
    made.api.candidates.update({"10": candidate(10), "11": candidate(11)})
    made.api.change(*numbers(5, 10), rating=9)
    before = dict(made.state.inventory.items())
    checks = itertools.count()

    def check() -> None:
        if next(checks) == 2:
            raise errors.StoppedError(15)

    made.check = check
    result = made.run()
    assert isinstance(result.error, errors.StoppedError)
    assert result.emitted.keys() == {"5", "6"}
    assert result.known == {**before, "5": result.known["5"], "6": result.known["6"]}
    assert result.counts.listed == 11


# Candidates that the list lacks


def test_deletions_are_the_last_records_and_found_by_asking() -> None:
    made = synced(10)
    made.api.delete("2", "5")
    made.api.hidden = {"7"}
    made.api.change("9", rating=9)
    made.now += timedelta(days=1)
    before = dict(made.state.inventory.items())
    result = made.run()
    assert result.error is None
    assert made.state.reverified_until == NOW  # no candidate was re-verified
    check_order(result, before)
    assert sorted(made.api.asked) == ["2", "5", "7", "9"]
    assert [i for _, i, _ in result.records] == ["9"] * 4 + ["2"] * 4 + ["5"] * 4
    deleted = [m[2] for m in result.messages if m[0] == "record" and m[2].id == "2"]
    assert all(change.is_deleted for change in deleted)
    assert (deleted[0].event, deleted[0].answers_held) == ("deleted", 2)
    assert result.counts.deleted == 2
    assert result.known.keys() == set(before) - {"2", "5"}
    assert result.known["7"].presence is Presence.UNLISTED
    made.restart()
    made.api.asked.clear()
    assert (made.run().records, made.api.asked) == ([], [])


def test_a_missing_candidate_that_fails_is_not_left_as_announced() -> None:
    made = synced(2)
    made.api.hidden = {"1", "2"}
    made.api.change("1", rating=3)  # it is emitted, so that the second is announced
    made.api.answers["2"] = DOWN
    before = made.state.inventory.get("2")
    assert made.run().error is DOWN
    assert made.state.inventory.get("2") == before


def test_an_archived_candidate_that_changed_is_emitted() -> None:
    made = synced(4)
    made.api.hidden = {"2", "3", "4"}
    made.api.change("2", "3", rating=9)
    # Unknown fields of details are not those of a list row.
    made.api.answers["4"] = candidate(4, only_in_details=5)
    before = dict(made.state.inventory.items())
    result = made.run()
    check_order(result, before)
    assert result.emitted == {"2": ALL, "3": ALL, "4": set(FROM_DETAILS)}
    assert {result.known[key].held for key in ("2", "3")} == {CURRENT}
    assert result.counts.updated == 3
    # The history of both is announced at once, as their details are there already.
    assert len(result.states) == 2


def test_candidates_that_left_a_narrower_selection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    left = numbers(1, 8)
    for few, is_asked in ((7, True), (6, False)):
        made = synced(10)
        made.scope = NARROW
        made.api.hidden = {*left}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(plan, "FEW_LEFT", few)
            result = made.run()
        assert result.error is None
        assert result.records == []
        assert (made.api.asked == left) is is_asked
        assert {result.known[i].presence for i in left} == {Presence.OUT_OF_SCOPE}
        assert ("7 candidates left the selection" in caplog.text) is not is_asked
    made.restart()
    made.api.asked.clear()
    made.run()
    assert made.api.asked == []  # as narrowed as before


def test_new_candidates_do_not_make_deletions_fewer() -> None:
    made = synced(41)
    made.api.candidates = {i: candidate(int(i)) for i in numbers(100, 160)}
    result = made.run()
    assert "41 of 41 known candidates are not found." in str(result.error)
    assert result.counts.deleted == 0


def test_deletions_that_an_earlier_run_proved_are_not_counted_again() -> None:
    made = synced(41, confirmed=True)
    made.api.delete(*numbers(1, 31))
    assert made.run([plan.CANDIDATES]).needed_confirmation is True
    made.restart()
    made.confirmed = False
    result = made.run()
    assert (result.error, result.counts.deleted) == (None, 30)


def test_an_empty_list_of_candidates_that_exist_is_a_mistake(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made = synced(60)
    made.api.hidden = {*made.api.candidates}
    result = made.run()
    assert (result.error, result.records) == (None, [])
    assert len(made.api.asked) == plan.SAMPLE
    assert {known.presence for known in result.known.values()} == {Presence.LISTED}
    assert caplog.messages == [loop.EMPTY_LIST % (plan.SAMPLE, "60")]


@pytest.mark.parametrize("listed", [0, 1])
def test_all_missing_candidates_are_asked_for_if_one_is_gone_or_any_is_listed(
    listed: int,
) -> None:
    made = synced(60)
    made.api.hidden = set(numbers(1, 61 - listed))
    if not listed:
        made.api.candidates.pop("1")
    result = made.run()
    assert result.error is None
    assert sorted(made.api.asked, key=int) == numbers(1, 61 - listed)
    assert result.counts.deleted == 1 - listed
    assert result.known["2"].presence is Presence.UNLISTED


# Re-verification


def reverifying(count: int, days: float = 31, **options: t.Any) -> World:
    """Make a workspace whose candidates are due, after a pause of some days."""
    made = synced(count, days=30, **options)
    made.now += timedelta(days=days)
    return made


def in_turn(made: World) -> list[str]:
    """Return the candidates in the order in which they are due."""
    since = made.state.reverified_until
    assert since is not None
    due = {key: due_time(key, since, made.now, 30) for key in made.api.candidates}
    return sorted(filter(due.get, due), key=due.__getitem__)  # type: ignore[arg-type]


def times_reached(result: Result) -> list[datetime]:
    """Return the time up to which each STATE says that candidates were re-fetched."""
    return [message[2] for message in result.messages if message[0] == "state"]


def test_every_state_has_the_time_that_was_reached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = reverifying(8)
    order = in_turn(made)
    made.api.change(*order, answers=["regraded"])
    monkeypatch.setattr(loop, "FETCHED", 3)
    result = made.run()
    assert result.counts.reverified == 8
    reached = times_reached(result)
    assert reached[0] == NOW
    assert reached == sorted(reached)
    assert reached[-1] == made.now
    done = [
        [key for key in order if not due_time(key, time, made.now, 30)]
        for time in reached
    ]
    # Due times beyond one turn would come round again: none are here.
    assert [len(some) for some in done] == [0, 3, 6, 8]
    assert done[1] == order[:3]


def test_re_verification_waits_for_a_run_that_selects_details() -> None:
    for first, selected, is_due in (
        (STREAMS, [plan.CANDIDATES], False),
        ([plan.CANDIDATES], [plan.CANDIDATES], True),  # the target holds no details
        (STREAMS, STREAMS, True),
    ):
        made = world(5, days=30)
        made.run(first)
        made.restart()
        made.now += timedelta(days=31)
        made.run(selected)
        assert (made.state.reverified_until == made.now) is is_due


def test_a_candidate_that_fails_is_passed_over() -> None:
    made = reverifying(5)
    made.api.answers[in_turn(made)[1]] = DOWN
    result = made.run()
    assert result.error is DOWN
    assert len(made.api.asked) == 5
    assert made.state.reverified_until == made.now


def test_the_time_reached_never_decreases() -> None:
    """It was stored by a machine whose clock is ahead."""
    made = synced(5, days=30)
    ahead = made.state.reverified_until = NOW + timedelta(hours=1)
    made.run()
    assert made.state.reverified_until == ahead


def test_the_time_reached_waits_for_the_deletions_that_it_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Should the run die before the tombstones, the next one finds them again."""
    made = synced(9, days=30)
    made.api.hidden = set(made.api.candidates)
    made.run()
    made.restart()
    made.now += timedelta(days=31)
    order = in_turn(made)
    gone = order[2]
    waits = due_time(gone, NOW, made.now, 30)
    made.api.change(*order, answers=["regraded"])
    made.api.delete(gone)
    monkeypatch.setattr(loop, "FETCHED", 1)
    *reached, last = times_reached(made.run())
    assert last == made.now
    assert max(reached) == waits


# Tags


def tagged(count: int) -> World:
    made = World(FakeApi(candidate(n, tag_ids=["7"]) for n in range(1, count + 1)))
    made.api.tag_rows = [{"id": "7"}]
    assert made.run().error is None
    made.restart()
    made.api.asked.clear()
    return made


def test_a_suspect_answer_of_tags_costs_one_request() -> None:
    made = tagged(9)
    rows, made.api.tag_rows = made.api.tag_rows, []
    made.api.later_tag_rows = rows
    result = made.run()
    assert result.error is None
    assert result.records == []
    assert made.api.asked == ["1"]
    assert made.state.tags == 1


def test_a_tag_that_was_deleted_is_a_change_of_its_candidates() -> None:
    made = tagged(3)
    made.api.tag_rows = []
    made.api.change("1", "2", "3", tag_ids=[])
    assert made.run().emitted == dict.fromkeys(numbers(1, 4), ALL)
    assert made.api.asked == numbers(1, 4)  # the suspect is asked for once
    assert made.state.tags == 0


def test_a_tag_that_details_name_is_looked_up_and_compared() -> None:
    made = synced(4)
    made.api.change("2", "4", rating=9, tag_ids=["8"])
    made.api.later_tag_rows = [{"id": "8"}]  # it came after `/tags` was read
    result = made.run()
    assert result.error is None
    assert {m[2].tags for m in result.messages if m[0] == "record"} == {("8",)}
    made.restart()
    assert made.run().records == []


def test_a_tag_that_does_not_exist_leaves_the_history_to_a_later_run() -> None:
    made = synced(4)
    made.api.change("2", "3", rating=9)
    made.api.change("2", tag_ids=["99"])
    result = made.run()
    assert result.emitted == dict.fromkeys(("2", "3"), ALL - {HISTORY})
    assert result.error is not None
    assert result.error.is_transient
    assert "tags of candidates are unknown" in str(result.error)
    made.api.tag_rows = [{"id": "99"}]
    made.restart()
    later = made.run().records
    assert [key for stream, key, _ in later if stream == HISTORY] == ["2", "3"]


def test_re_verification_looks_tags_up_too() -> None:
    made = reverifying(1)
    made.api.change("1", tag_ids=["99"])
    result = made.run()
    assert made.api.tags_reread == 1
    assert result.error is not None
    assert result.emitted == {"1": set(FROM_DETAILS)}
    assert result.known["1"].held[1:3] == (Held.STALE,) * 2
