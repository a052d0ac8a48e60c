"""Column `extra`: whatever no schema declares is kept, and its names are logged."""

from __future__ import annotations

import json
import typing as t

import pytest

from sandbox import Account, Shapes
from sandbox.distortion import PRIVATE
from sandbox.invented import signed_link
from sandbox.shapes import ODD_NAMES
from tests.streams.checks import (
    Start,
    Workspace,
    assert_holds,
    details_requested,
    expected,
    loaded,
    warnings,
)
from tests.support import Run, run_tap, settings
from tests.support.streams import (
    CANDIDATES,
    DETAILS,
    FAMILY,
    LISTS,
    SYNC_RUNS,
    UPSERTED,
)

Json = dict[str, t.Any]


# What is logged


def logged(run: Run) -> list[str]:
    assert run.returncode == 0, run.stderr
    lines = [line for line in run.stderr.splitlines() if "Field" in line]
    assert all("| WARNING" in line for line in lines)
    return [line.rpartition("| ")[2] for line in lines]


def test_odd_names_and_values_are_not_logged(sandbox: Start) -> None:
    box = sandbox(shapes=Shapes(extra_fields=ODD_NAMES))
    run = run_tap(settings(box))
    assert_holds(loaded(run.messages), expected(box.account, box.shapes))
    odd = {name for name in ODD_NAMES if not name.isidentifier() or len(name) > 40}
    (row,) = run.records(SYNC_RUNS)
    for name in odd - {""}:
        assert name not in run.stderr
        assert name not in row["unknown_fields"]
    assert "\x1b" not in run.stderr
    assert PRIVATE not in run.stderr
    lines = logged(run)
    assert len(lines) == len(set(lines))
    for stream in (*LISTS, CANDIDATES, DETAILS):
        assert any(f"Field (unusual name) of {stream} " in line for line in lines)
    counts = json.loads(row["unknown_fields"])
    assert counts["tags.(unusual name)"] == len(odd) * len(box.account.tags())


# What a change in it costs


@pytest.fixture
def workspace(sandbox: Start) -> Workspace:
    box = sandbox(Account.example(candidates=20))
    return Workspace(box, *FAMILY, reverify_days=0)


def test_a_change_in_a_list_row_emits_the_row_alone(workspace: Workspace) -> None:
    ids = workspace.account.listed_ids()
    for one in ids[:10]:
        workspace.account.set_field(one, "portfolio", {"likes": 1})
    workspace.extract()
    for one in (ids[4], ids[14]):  # one that had the field, one that gets it
        workspace.account.set_field(one, "portfolio", {"likes": 2})
    workspace.extract()
    assert details_requested(workspace.box) == []
    assert workspace.emitted == {CANDIDATES}
    assert {row["id"] for row in workspace.records(CANDIDATES)} == {ids[4], ids[14]}
    assert_holds(workspace.target, expected(workspace.account), [CANDIDATES])
    workspace.extract()
    assert workspace.emitted == set()


def test_a_value_that_differs_in_each_response_costs_no_details(sandbox: Start) -> None:
    shapes = Shapes(extra_fields={"photo": signed_link, "shirt": "M"})
    box = sandbox(Account.example(candidates=120), shapes=shapes)
    workspace = Workspace(box, *FAMILY)
    workspace.extract()
    for _ in range(2):
        workspace.extract()
        assert len(workspace.records(CANDIDATES)) == 120
        assert workspace.emitted == {CANDIDATES}
        assert details_requested(box) == []
    for _ in range(2):
        workspace.extract("candidates.extra")
    assert workspace.emitted == set()


@pytest.mark.parametrize("mode", ["hash", "drop"])
def test_extra_is_null_where_personal_data_is_hidden(
    sandbox: Start, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    box = sandbox(shapes=Shapes(extra_fields=True))
    workspace = Workspace(box, pii=mode, pii_hash_key="k" * 16, reverify_days=0)
    workspace.extract()
    for stream in UPSERTED:
        assert {record["extra"] for record in workspace.records(stream)} == {None}
    assert PRIVATE not in json.dumps(workspace.messages)
    assert any("Field new_field of candidates " in line for line in warnings(caplog))
    (row,) = workspace.records(SYNC_RUNS)
    assert json.loads(row["unknown_fields"])["candidates.new_field"] == 40
    workspace.account.set_field(workspace.account.listed_ids()[4], "portfolio", 1)
    workspace.extract()
    assert workspace.emitted == set()
