"""Decisions that wait until one STATE announces them."""

from __future__ import annotations

import typing as t

from tap_toggl_hire.sync import kept as kept_module
from tap_toggl_hire.sync.change import Change
from tap_toggl_hire.sync.kept import Kept
from tap_toggl_hire.sync.plan import NEW, Plan
from tap_toggl_hire.sync.tasks import Decision

if t.TYPE_CHECKING:
    import pytest

ROW = {"id": "1", "rating": 2.5, "contact_info": {"city": None}}
DETAILS = {**ROW, "questions": [{"id": "500"}, None]}


def decision(candidate_id: str = "1", **records: t.Any) -> Decision:
    """Return a decision with records."""
    return Decision(candidate_id, NEW, Plan(None), Change(candidate_id, **records))


def test_decisions_are_taken_in_order_with_their_records() -> None:
    kept = Kept()
    kept.add(decision("1", row=ROW, details=DETAILS))
    kept.add(decision("2", details=DETAILS))
    kept.add(decision("3"))
    taken = [kept.take() for _ in range(3)]
    assert [(each.id, each.change.row, each.change.details) for each in taken] == [
        ("1", ROW, DETAILS),
        ("2", None, DETAILS),
        ("3", None, None),
    ]
    assert not kept.decisions


def test_records_are_packed_while_they_wait() -> None:
    kept = Kept()
    kept.add(decision(row=ROW, details=DETAILS))
    (waiting,) = kept.decisions
    assert (waiting.id, waiting.change.row, waiting.change.details) == ("1", None, None)


def test_bytes_of_records_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_module, "MAX_KEPT", 200)
    kept = Kept()
    is_full = []
    for _ in range(3):
        kept.add(decision(row={"id": "x" * 40}, details={"id": "x" * 40}))
        is_full.append(kept.is_full)
    for _ in range(2):
        kept.take()
        is_full.append(kept.is_full)
    assert is_full == [False, True, True, True, False]
