"""A property, an expression or another treatment that is new fills every candidate."""

from __future__ import annotations

import typing as t

import pytest

from sandbox import Account
from tests.streams.checks import (
    Start,
    Workspace,
    assert_holds,
    candidate_of,
    deselected,
    details_requested,
    expected,
    loaded,
    warnings,
)
from tests.support import catalog, extract, settings
from tests.support.streams import CANDIDATES, FAMILY, FROM_DETAILS, UPSERTED
from tests.support.tap import records

Json = dict[str, t.Any]

COUNT = 15


@pytest.fixture
def workspace(sandbox: Start) -> Workspace:
    return Workspace(sandbox(Account.example(candidates=COUNT)), *FAMILY)


def ids(workspace: Workspace) -> set[str]:
    return set(workspace.account.listed_ids())


def assert_filled(
    workspace: Workspace, stream: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The last run emitted one stream again, and logged it once with its cost."""
    assert workspace.emitted == {stream}
    assert {candidate_of(r) for r in workspace.records(stream)} == ids(workspace)
    (line,) = warnings(caplog)
    assert f"Stream {stream} has columns, expressions or a treatment" in line
    cost = f", which takes {COUNT} requests" if stream in FROM_DETAILS else ""
    assert line.endswith(f"all {COUNT} candidates are emitted again{cost}.")
    requests = COUNT if stream in FROM_DETAILS else 0
    assert len(details_requested(workspace.box)) == requests


@pytest.mark.parametrize(
    "name", ["candidates.contact_info.properties.phone", "candidate_details.answers"]
)
def test_a_property_that_is_selected_later(
    workspace: Workspace, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        workspace.extract(name)
    assert warnings(caplog) == []
    assert workspace.emitted == set()
    workspace.extract()
    assert_filled(workspace, name.split(".", maxsplit=1)[0], caplog)
    assert_holds(workspace.target, expected(workspace.account), UPSERTED)
    for without in ([], [name]):  # fewer columns cost nothing
        workspace.extract(*without)
        assert workspace.emitted == set()


def test_a_setting_of_expressions_that_is_new(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    mask = "sha256(config['seed'] + str(job_opening_id))"
    maps = {"copy": {"__source__": CANDIDATES, "made": mask}}
    for seed in ("a", "b"):
        caplog.clear()
        workspace.extract(stream_maps=maps, stream_map_config={"seed": seed})
        assert {row["id"] for row in workspace.records("copy")} == ids(workspace)
        workspace.extract(stream_maps=maps, stream_map_config={"seed": seed})
        assert workspace.emitted == set()
    assert any(f"Stream {CANDIDATES} has columns" in line for line in warnings(caplog))


def test_rows_of_the_history_are_not_emitted_again(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    workspace.extract("candidate_history.score")
    workspace.extract()
    assert workspace.emitted == set()
    assert warnings(caplog) == []


def test_a_run_that_dies_is_repeated_for_the_rest(sandbox: Start) -> None:
    """From each of its STATEs: the STATE that notes the columns notes the debt, too."""
    box = sandbox(Account.example(candidates=COUNT))
    config = settings(box)
    before = catalog(config, *FAMILY)
    first = loaded(extract(config, catalog=deselected(before, "candidates.email")))
    messages = extract(config, first.state, catalog(config, *FAMILY))
    states = [n for n, one in enumerate(messages) if one["type"] == "STATE"]
    assert states
    for place in states:
        taken = messages[: place + 1]
        later = extract(config, loaded(taken).state, catalog(config, *FAMILY))
        again = records(taken, CANDIDATES) + records(later, CANDIDATES)
        assert {row["id"] for row in again} == set(box.account.listed_ids())
