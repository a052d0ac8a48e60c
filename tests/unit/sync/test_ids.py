"""The positions of candidates, and what a run has seen of them."""

from __future__ import annotations

from tap_toggl_hire.sync.ids import Ids


def test_each_candidate_has_one_position_in_order_of_appearance() -> None:
    ids = Ids(["7", "5"])
    assert [ids.position(key) for key in ("9", "5", "7", "9")] == [2, 1, 0, 2]
    assert list(ids) == ["7", "5", "9"]
    assert len(ids) == 3


def test_finding_a_candidate_gives_it_no_position() -> None:
    ids = Ids(["7"])
    assert ids.find("7") == 0
    assert ids.find("9") is None
    assert not ids.is_listed("9")
    assert not ids.is_requested("9")
    assert list(ids) == ["7"]


def test_candidate_is_new_to_the_list_once() -> None:
    ids = Ids(["7"])
    assert not ids.is_listed("7")
    assert [ids.see(key) for key in ("7", "7", "9", "9")] == [True, False, True, False]
    assert ids.is_listed("7")
    assert ids.is_listed("9")


def test_listed_and_requested_candidates_are_told_apart() -> None:
    ids = Ids(["listed", "requested"])
    ids.see("listed")
    ids.mark_requested("requested")
    ids.mark_requested("new")
    assert [key for key in ids if ids.is_listed(key)] == ["listed"]
    assert [key for key in ids if ids.is_requested(key)] == ["requested", "new"]


def test_requested_candidate_may_be_listed_later() -> None:
    ids = Ids()
    ids.mark_requested("7")
    assert ids.see("7")
    assert ids.is_requested("7")
    assert ids.is_listed("7")
