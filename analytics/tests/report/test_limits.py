"""From when a wait is longer than usual."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pytest
from toggl_hire_report.limits import Limits, limit
from toggl_hire_report.survival import Duration

from analytics.tests.marks import needs_dbt

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from analytics.tests.report.conftest import Report

COOK = ("one", "1")


def ended(days: float, number: int = 30) -> list[Duration]:
    """So many durations that ended after some days."""
    return [Duration(days, is_over=True)] * number


def test_limit_is_three_times_the_median() -> None:
    assert limit([*ended(4, 16), *ended(9, 15)]) == 12


def test_limit_is_at_least_five_days() -> None:
    assert limit(ended(0.5)) == 5


def test_fewer_than_thirty_ends_make_no_limit() -> None:
    waiting = [Duration(40, is_over=False)] * 5
    assert limit(ended(4, 29) + waiting) is None
    assert limit(ended(4, 30) + waiting) == 12


def test_where_most_are_never_decided_there_is_no_limit() -> None:
    forgotten = [Duration(240, is_over=False)] * 31
    assert limit(ended(4, 30) + forgotten) is None
    assert limit(ended(4, 30) + forgotten[1:]) == 12


def test_step_without_a_limit_has_that_of_its_opening_or_of_all() -> None:
    known = Limits({"Offer": 9, "Call": None}, {COOK: 15, ("one", "2"): None}, 30, 99)
    assert known.of("Offer", COOK) == 9
    assert known.of("Call", COOK) == 15
    assert known.of("Call", ("one", "2")) == 30
    assert known.of("Trial day", ("two", "1")) == 30
    assert Limits({}, {}, None, 99).of("Call", COOK) is None


def changed(warehouse: Path, folder: Path, *statements: str) -> Path:
    """The models of the world, changed."""
    path = folder / "changed.duckdb"
    path.write_bytes(warehouse.read_bytes())
    with duckdb.connect(str(path)) as connection:
        connection.execute("use toggl_hire_marts_personal")
        for statement in statements:
            connection.execute(statement)
    return path


@needs_dbt
@pytest.mark.pipeline
def test_limits_are_those_of_the_whole_history_and_all_openings(
    for_team: Report, report: Callable[..., Report]
) -> None:
    def usual(found: Report) -> dict[tuple[str, str], float]:
        return {
            (opening["opening"], step["category"]): step["usual_days"]
            for opening in found.figures["waiting"]["openings"]
            for step in opening["steps"]
        }

    whole = usual(for_team)
    assert len(set(whole.values())) > 1
    assert usual(report("--since", "2025-09-01")) == whole
    one = usual(report("--opening", "Opening 1"))
    assert one == {key: days for key, days in whole.items() if key[0] == "Opening 1"}


@needs_dbt
@pytest.mark.pipeline
def test_in_the_first_weeks_nothing_is_counted_as_longer_than_usual(
    warehouse: Path, tmp_path: Path, report: Callable[..., Report]
) -> None:
    few = changed(
        warehouse,
        tmp_path,
        "delete from toggl_hire__candidate_stages",
        "update toggl_hire__waits set is_decided = false where candidate_id not in ("
        "select candidate_id from toggl_hire__waits where is_decided "
        "order by candidate_id limit 29)",
    )
    found = report("--duckdb", str(few))
    assert found.figures["waiting"]["decisions"] == 29
    openings = found.figures["waiting"]["openings"]
    assert {one["beyond_usual"] for one in openings if one["steps"]} == {None}
    assert {one["is_ungraded_beyond_usual"] for one in openings} == {None}
    assert "Too few decisions yet to say what is longer than usual." in found.page
    assert found.figures["waiting"]["undecided"]["candidates"] == 0


@needs_dbt
@pytest.mark.pipeline
def test_team_of_which_most_have_no_decision_is_not_silent(
    warehouse: Path, tmp_path: Path, report: Callable[..., Report]
) -> None:
    forgotten = changed(
        warehouse,
        tmp_path,
        "delete from toggl_hire__candidate_stages",
        "update toggl_hire__waits set days_undecided = 238, is_decided = false "
        "where candidate_id not in (select candidate_id from toggl_hire__waits "
        "where is_decided order by candidate_id limit 40)",
        "update toggl_hire__candidates set decision = 'waiting', days_waiting = 238 "
        "where is_waiting",
        "update toggl_hire__candidates set days_waiting = 8 where candidate_id = ("
        "select max(candidate_id) from toggl_hire__candidates where is_waiting)",
    )
    figures = report("--duckdb", str(forgotten)).figures
    undecided = figures["waiting"]["undecided"]
    waiting = sum(one["waiting"] for one in figures["waiting"]["openings"])
    assert undecided["candidates"] == waiting > 30
    assert figures["attention"]["new"][0] == (
        f"{waiting} of {undecided['of']} have no decision; the longest wait is 238 "
        "days."
    )
    openings = figures["waiting"]["openings"]
    assert {one["beyond_usual"] for one in openings if one["steps"]} == {None}
    standing = report("--duckdb", str(forgotten), "--new-days", "2").figures
    assert f"{waiting} of {undecided['of']}" in standing["attention"]["standing"]
