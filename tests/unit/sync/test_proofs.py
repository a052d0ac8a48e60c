"""Questions that a few candidates answer before something is believed."""

from __future__ import annotations

import typing as t

import pytest

from sandbox import Fault, details_of
from tap_toggl_hire.errors import UnavailableError
from tap_toggl_hire.stop import Stop
from tap_toggl_hire.sync.inventory import Inventory
from tap_toggl_hire.sync.lists import Source
from tap_toggl_hire.sync.plan import Held, Known, Presence
from tap_toggl_hire.sync.proofs import Endpoint, spread, workspace_is_proved
from tests.support.http import SandboxTransport
from tests.support.scheduler import Scheduler
from tests.unit.sync.world import client_of, numbers, workspace

CURRENT = Known((Held.CURRENT,) * 4)


class Workspace:
    """A workspace and an inventory that may be of another one."""

    def __init__(self, candidates: int, known: t.Iterable[str] = ()) -> None:
        self.transport = SandboxTransport(workspace(candidates))
        self.stop = Stop(self.transport.clock)
        client = client_of(self.transport, self.stop)
        self.source = Source(client, Scheduler(4, self.stop))
        self.inventory = Inventory()
        for candidate_id in known:
            self.inventory[candidate_id] = CURRENT

    def fail(self, *candidate_ids: str, status: int = 503) -> None:
        """Let requests for details fail."""
        match = details_of(*candidate_ids)
        self.transport.faults.append(Fault("status", status=status, match=match))

    @property
    def requested(self) -> list[str]:
        """The candidates whose details were requested, by number."""
        requests = self.transport.requests
        ids = [r.route.item_id for r in requests if r.kind == "candidate"]
        return sorted(ids, key=int)


# Does the key belong to the workspace of the state?


def test_known_candidate_on_the_first_page_is_proof_without_a_request() -> None:
    workspace = Workspace(3, known=["2", "90"])
    assert workspace_is_proved(workspace.source, workspace.inventory, ["1", "2"])
    assert workspace.requested == []


def test_known_candidate_that_exists_is_proof() -> None:
    workspace = Workspace(3, known=["90", "91", "2", "92"])
    assert workspace_is_proved(workspace.source, workspace.inventory, ["1", "3"])
    assert workspace.requested == ["2", "90", "91"]


def test_workspace_without_any_known_candidate_is_another_one() -> None:
    workspace = Workspace(3, known=numbers(100, 150))
    proved = workspace_is_proved(workspace.source, workspace.inventory, numbers(3))
    assert not proved
    assert len(set(workspace.requested)) == 20


def test_candidates_that_are_asked_for_are_spread_over_the_inventory() -> None:
    workspace = Workspace(0, known=numbers(100, 160))
    workspace_is_proved(workspace.source, workspace.inventory, [])
    assert workspace.requested == [str(number) for number in range(100, 160, 3)]


def test_there_is_nothing_to_prove_without_known_candidates_that_live() -> None:
    workspace = Workspace(3)
    workspace.inventory["1"] = Known(CURRENT.held, Presence.DELETED)
    assert workspace_is_proved(workspace.source, workspace.inventory, ["1"])
    assert workspace.requested == []


def test_failures_prove_nothing_and_are_raised() -> None:
    workspace = Workspace(3, known=["1", "90"])
    workspace.fail("1")
    with pytest.raises(UnavailableError):
        workspace_is_proved(workspace.source, workspace.inventory, [])
    workspace.inventory["2"] = CURRENT
    assert workspace_is_proved(workspace.source, workspace.inventory, [])


# Does the endpoint work?


def test_candidate_that_was_served_in_this_run_is_asked_for_alone() -> None:
    workspace = Workspace(9)
    for candidate_id in numbers(9):
        workspace.inventory.ids.see(candidate_id)
    endpoint = Endpoint(workspace.source, workspace.inventory)
    endpoint.served("4")
    endpoint.served("5")
    assert endpoint.works()
    assert not endpoint.is_dead
    assert workspace.requested == ["5"]


def test_listed_candidates_are_asked_for_next_then_known_ones() -> None:
    workspace = Workspace(3, known=["90", "91", "3"])
    ids = workspace.inventory.ids
    for candidate_id in ("80", "81"):
        ids.see(candidate_id)  # but deleted meanwhile
    ids.mark_requested("90")  # and not found
    assert not Endpoint(workspace.source, workspace.inventory).works()
    assert workspace.requested == ["80", "81", "91"]
    ids.mark_requested("91")
    assert Endpoint(workspace.source, workspace.inventory).works()
    assert workspace.requested[0] == "3"


def test_listed_candidates_that_were_not_asked_for_go_first() -> None:
    workspace = Workspace(9)
    ids = workspace.inventory.ids
    for candidate_id in numbers(9):
        ids.see(candidate_id)
        if candidate_id != "7":
            ids.mark_requested(candidate_id)
    assert Endpoint(workspace.source, workspace.inventory).works()
    assert workspace.requested == ["7"]
    ids.mark_requested("7")
    assert Endpoint(workspace.source, workspace.inventory).works()
    assert workspace.requested == ["1", "7"]


@pytest.mark.parametrize("status", [404, 503])
def test_endpoint_is_dead_if_none_of_three_candidates_answers(status: int) -> None:
    workspace = Workspace(9)
    for candidate_id in numbers(9):
        workspace.inventory.ids.see(candidate_id)
    workspace.fail(*numbers(9), status=status)
    endpoint = Endpoint(workspace.source, workspace.inventory)
    endpoint.served("1")
    assert not endpoint.works()
    assert endpoint.is_dead
    assert isinstance(endpoint.failure, UnavailableError) is (status == 503)
    assert workspace.requested == ["1", "4", "7"]
    workspace.transport.faults.clear()
    assert endpoint.works()
    assert not endpoint.is_dead


def test_endpoint_works_if_any_of_three_candidates_answers() -> None:
    workspace = Workspace(9)
    for candidate_id in numbers(9):
        workspace.inventory.ids.see(candidate_id)
    workspace.fail(*numbers(6), status=403)
    assert Endpoint(workspace.source, workspace.inventory).works()


def test_endpoint_is_asked_although_the_time_limit_is_reached() -> None:
    """Otherwise no deletion that the run has proved could be emitted."""
    workspace = Workspace(1)
    workspace.inventory.ids.see("1")
    workspace.stop.limit(0)
    assert Endpoint(workspace.source, workspace.inventory).works()
    assert workspace.requested == ["1"]


def test_stop_during_the_question_is_no_verdict() -> None:
    """The next run asks again."""
    workspace = Workspace(9)
    for candidate_id in numbers(9):
        workspace.inventory.ids.see(candidate_id)
    workspace.transport.on_request = lambda _: workspace.stop.signal(15)
    workspace.fail(*numbers(9), status=404)
    endpoint = Endpoint(workspace.source, workspace.inventory)
    assert not endpoint.works()
    assert not endpoint.is_dead


def test_endpoint_without_any_candidate_to_ask_for_does_not_work() -> None:
    workspace = Workspace(0)
    assert not Endpoint(workspace.source, workspace.inventory).works()
    assert workspace.requested == []


# Spread


@pytest.mark.parametrize(
    ("count", "expected"),
    [(3, [0, 3, 6]), (4, [0, 2, 5, 7]), (10, [*range(10)]), (99, [*range(10)])],
)
def test_items_are_spread_evenly(count: int, expected: list[int]) -> None:
    assert spread([*range(10)], count) == expected
    assert spread([], count) == []
