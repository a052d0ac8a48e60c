"""What needs attention: `--attention` says it, and its exit code."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import time_machine
from toggl_hire_report.__main__ import main
from toggl_hire_report.sections.waiting import attention

from analytics.tests.dbt.world import at
from analytics.tests.marks import needs_dbt

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from analytics.tests.dbt.world import World
    from analytics.tests.report.conftest import Report


def opening(**values: Any) -> dict[str, Any]:
    """The figures of an opening in which nothing waits too long."""
    return {
        "opening": "Cook",
        "waiting": 3,
        "beyond_usual": 0,
        "longest_days": 4,
        "ungraded": 2,
        "ungraded_oldest_days": 5,
        "ungraded_usual_days": 10.5,
        **values,
    }


def said(*openings: dict[str, Any], **retention: int) -> list[str]:
    """What needs attention."""
    kept = {"rejected": 0, "undecided": 0, "possible_hires": 0, **retention}
    return attention({"openings": list(openings), "retention": kept})


def test_usual_waits_need_no_attention() -> None:
    assert said(opening()) == []


def test_longer_waits_than_usual_need_attention() -> None:
    (sentence,) = said(opening(beyond_usual=2, longest_days=30))
    assert sentence == (
        "Cook: 2 candidates wait longer than usual for a decision, the longest for "
        "30 days."
    )


def test_answers_that_wait_longer_than_usual_for_a_grader_need_attention() -> None:
    (sentence,) = said(opening(beyond_usual=1, ungraded=1, ungraded_oldest_days=11))
    assert sentence == (
        "Cook: 1 candidate waits longer than usual for a decision, the longest for "
        "4 days; 1 answer waits for a grader, the oldest for 11 days."
    )


def test_retention_says_what_to_do_with_which_candidates() -> None:
    assert said(rejected=1) == [
        "Retention has ended for 1 candidate: 1 rejected (delete them in Toggl Hire)."
    ]
    (sentence,) = said(rejected=20, undecided=3, possible_hires=2)
    assert sentence == (
        "Retention has ended for 25 candidates: 20 rejected (delete them in Toggl "
        "Hire), 3 undecided (decide first) and 2 possible hires (keep them only on "
        "another basis)."
    )


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., tuple[object, list[str]]]:
    """Ask what needs attention; return the exit code, and the sentences."""

    def ask(warehouse: Path) -> tuple[object, list[str]]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(
            "sys.argv",
            ["toggl-hire-report", "--attention", "--duckdb", str(warehouse)],
        )
        with pytest.raises(SystemExit) as stopped:
            main()
        assert not (tmp_path / "report.html").exists()
        return stopped.value.code, capsys.readouterr().out.splitlines()

    return ask


@needs_dbt
@pytest.mark.pipeline
def test_exit_code_3_says_that_something_needs_attention(
    world: World, warehouse: Path, for_team: Report, run: Callable[..., Any]
) -> None:
    with time_machine.travel(at(world.last_look).replace(tzinfo=UTC), tick=False):
        assert run(warehouse) == (3, for_team.figures["attention"])


@needs_dbt
@pytest.mark.pipeline
def test_old_run_needs_attention_and_a_quiet_team_none(
    world: World, warehouse: Path, tmp_path: Path, run: Callable[..., Any]
) -> None:
    quiet = tmp_path / "quiet.duckdb"
    quiet.write_bytes(warehouse.read_bytes())
    with duckdb.connect(str(quiet)) as connection:
        connection.execute("delete from toggl_hire_marts.toggl_hire__grading_backlog")
        for model in ("candidates", "retention_due"):
            connection.execute(
                f"delete from toggl_hire_marts_personal.toggl_hire__{model}"
            )
    end = at(world.last_look).replace(tzinfo=UTC)
    with time_machine.travel(end + timedelta(days=1), tick=False):
        assert run(quiet) == (0, [])
    with time_machine.travel(end + timedelta(days=3), tick=False):
        code, (sentence,) = run(quiet)
    assert code == 3
    assert sentence.startswith("The last complete run ended on 2025-10-29 06:05 UTC")
