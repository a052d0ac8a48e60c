"""What needs attention: `--attention` says it, and its exit code."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import time_machine
from toggl_hire_report.__main__ import main
from toggl_hire_report.attention import Attention, attention

from analytics.tests.dbt.world import at
from analytics.tests.marks import needs_dbt
from analytics.tests.report.fields import add_field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from analytics.tests.dbt.world import World
    from analytics.tests.report.conftest import Report


def opening(**values: Any) -> dict[str, Any]:
    """The figures of an opening in which nothing waits too long."""
    return {
        "opening": "Cook",
        "waiting": 3,
        "beyond_usual": 0,
        "beyond_usual_new": 0,
        "beyond_usual_longest_days": None,
        "ungraded": 2,
        "ungraded_oldest_days": 5,
        "is_ungraded_beyond_usual": False,
        "is_ungraded_new": False,
        **values,
    }


def said(
    *openings: dict[str, Any],
    undecided: dict[str, Any] | None = None,
    retention: dict[str, int] | None = None,
    drift: dict[str, Any] | None = None,
) -> Attention:
    """What needs attention."""
    states = ("rejected", "undecided", "possible_hires")
    counts = {f"{state}{kind}": 0 for state in states for kind in ("", "_new")}
    nobody = {"candidates": 0, "of": 90, "longest_days": None, "is_new": False}
    return attention(
        {
            "openings": list(openings),
            "undecided": undecided or nobody,
            "retention": {**counts, **(retention or {})},
        },
        [drift] if drift else [],
    )


def test_usual_waits_need_no_attention() -> None:
    assert said(opening()) == ([], None)


def test_unknown_limits_are_no_sentence() -> None:
    unknown = dict.fromkeys(
        (
            "beyond_usual",
            "beyond_usual_new",
            "is_ungraded_beyond_usual",
            "is_ungraded_new",
        )
    )
    assert said(opening(**unknown)) == ([], None)


def test_what_began_lately_is_a_sentence() -> None:
    found = said(
        opening(beyond_usual=2, beyond_usual_new=2, beyond_usual_longest_days=30)
    )
    assert found.standing is None
    (sentence,) = found.new
    assert sentence == (
        "Cook: 2 candidates have been waiting longer than usual for a decision, the "
        "longest for 30 days."
    )


def test_what_began_earlier_is_one_line() -> None:
    old = opening(
        beyond_usual=5, beyond_usual_longest_days=30, is_ungraded_beyond_usual=True
    )
    found = said(old, old, retention={"rejected": 4})
    assert found.new == []
    assert found.standing == (
        "As before: 10 candidates in 2 openings waiting longer than usual for a "
        "decision, 4 answers waiting for a grader and retention has ended for 4 "
        "rejected (delete them in Toggl Hire)."
    )


def test_new_ones_are_told_from_those_before() -> None:
    found = said(
        opening(
            beyond_usual=3,
            beyond_usual_new=1,
            beyond_usual_longest_days=30,
            ungraded=1,
            ungraded_oldest_days=11,
            is_ungraded_beyond_usual=True,
            is_ungraded_new=True,
        )
    )
    (sentence,) = found.new
    assert sentence == (
        "Cook: 1 candidate has now been waiting longer than usual for a decision (3 "
        "in all, the longest for 30 days); 1 answer has been waiting for a grader, "
        "the oldest for 11 days."
    )
    assert found.standing == (
        "As before: 2 candidates in 1 opening waiting longer than usual for a decision."
    )


def test_team_that_decides_too_little_for_a_median_needs_attention() -> None:
    undecided = {"candidates": 53, "of": 90, "longest_days": 238, "is_new": True}
    sentence = "53 of 90 have no decision; the longest wait is 238 days"
    assert said(undecided=undecided) == ([f"{sentence}."], None)
    undecided["is_new"] = False
    assert said(undecided=undecided) == ([], f"As before: {sentence}.")


def test_retention_says_what_to_do_with_which_candidates() -> None:
    assert said(retention={"rejected": 1, "rejected_new": 1}).new == [
        "Retention has ended for 1 candidate: 1 rejected (delete them in Toggl Hire)."
    ]
    found = said(
        retention={
            "rejected": 20,
            "rejected_new": 20,
            "undecided": 3,
            "undecided_new": 3,
        }
    )
    (sentence,) = found.new
    assert sentence == (
        "Retention has ended for 23 candidates: 20 rejected (delete them in Toggl "
        "Hire) and 3 undecided (decide first)."
    )


def test_possible_hires_past_the_retention_need_no_attention() -> None:
    assert said(retention={"possible_hires": 2}) == ([], None)


def drift(**values: Any) -> dict[str, Any]:
    """A field that drifts since this week."""
    return {
        "workspace": None,
        "problem": "mismatched",
        "since": "2025-10-12",
        "fields": ["score"],
        "occurrences": 214,
        "is_new": True,
        **values,
    }


def test_field_that_drifts_is_a_sentence_and_then_in_the_one_line() -> None:
    (sentence,) = said(drift=drift()).new
    assert sentence == (
        "Since 12 October 2025 the API sends `score` in a form that the tap cannot "
        "read (214 values in the last run that saw it): the column is null there."
    )
    assert said(drift=drift(is_new=False)) == (
        [],
        "As before: `score` in a form that the tap cannot read since 12 October 2025.",
    )


def test_fields_that_are_missing_since_a_day_are_one_sentence() -> None:
    fields = [f"questions[].{letter}" for letter in "abcdefg"]
    found = said(drift=drift(problem="missing", fields=fields, workspace="berlin"))
    (sentence,) = found.new
    assert sentence == (
        "Since 12 October 2025 the API of berlin does not send `questions[].a`, "
        "`questions[].b`, `questions[].c`, `questions[].d`, `questions[].e` and 2 "
        "more: the columns are null."
    )


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., tuple[object, list[str]]]:
    """Ask what needs attention; return the exit code, and the sentences."""

    def ask(warehouse: Path, *arguments: str) -> tuple[object, list[str]]:
        monkeypatch.chdir(tmp_path)
        given = ["--attention", "--duckdb", str(warehouse), *arguments]
        monkeypatch.setattr("sys.argv", ["toggl-hire-report", *given])
        with pytest.raises(SystemExit) as stopped:
            main()
        assert not (tmp_path / "report.html").exists()
        return stopped.value.code, capsys.readouterr().out.splitlines()

    return ask


@pytest.fixture
def at_last_look(world: World) -> Iterator[None]:
    """The clock at the last look."""
    with time_machine.travel(at(world.last_look).replace(tzinfo=UTC), tick=False):
        yield


@needs_dbt
@pytest.mark.pipeline
@pytest.mark.usefixtures("at_last_look")
def test_exit_code_3_says_that_something_is_new(
    warehouse: Path, for_team: Report, run: Callable[..., Any]
) -> None:
    found = for_team.figures["attention"]
    assert run(warehouse) == (3, [*found["new"], found["standing"]])


@needs_dbt
@pytest.mark.pipeline
@pytest.mark.usefixtures("at_last_look")
def test_alarm_ends(warehouse: Path, tmp_path: Path, run: Callable[..., Any]) -> None:
    """Nothing is new once whoever came to wait too long did so long ago."""
    later = tmp_path / "later.duckdb"
    later.write_bytes(warehouse.read_bytes())
    with duckdb.connect(str(later)) as connection:
        connection.execute(
            "update toggl_hire_marts_personal.toggl_hire__candidates "
            "set days_waiting = 300 where is_waiting"
        )
        connection.execute(
            "update toggl_hire_marts_personal.toggl_hire__retention_due "
            "set days_overdue = 100 where days_overdue >= 0"
        )
        connection.execute(
            "update toggl_hire_marts.toggl_hire__grading_backlog set oldest_days = 300"
        )
    code, (standing,) = run(later)
    assert code == 0
    assert standing.startswith("As before: ")
    assert run(later, "--new-days", "300")[0] == 3


@needs_dbt
@pytest.mark.pipeline
@pytest.mark.usefixtures("at_last_look")
def test_possible_hires_past_the_retention_end_no_silence(
    warehouse: Path, tmp_path: Path, run: Callable[..., Any]
) -> None:
    hired = quiet(warehouse, tmp_path)
    with duckdb.connect(str(hired)) as connection:
        connection.execute(f"attach '{warehouse}' as before (read_only)")
        connection.execute(
            "insert into toggl_hire_marts_personal.toggl_hire__retention_due by name "
            "from before.toggl_hire_marts_personal.toggl_hire__retention_due "
            "where hire_state = 'possible-hire' and days_overdue >= 0"
        )
        connection.execute("detach before")
    assert run(hired) == (0, [])


def quiet(warehouse: Path, folder: Path) -> Path:
    """The models of the world, without anybody who waits."""
    path = folder / "quiet.duckdb"
    path.write_bytes(warehouse.read_bytes())
    with duckdb.connect(str(path)) as connection:
        connection.execute("delete from toggl_hire_marts.toggl_hire__grading_backlog")
        for model in ("candidates", "retention_due"):
            connection.execute(
                f"delete from toggl_hire_marts_personal.toggl_hire__{model}"
            )
    return path


@needs_dbt
@pytest.mark.pipeline
def test_old_run_needs_attention_and_a_quiet_team_none(
    world: World, warehouse: Path, tmp_path: Path, run: Callable[..., Any]
) -> None:
    nobody = quiet(warehouse, tmp_path)
    end = at(world.last_look).replace(tzinfo=UTC)
    with time_machine.travel(end + timedelta(days=1), tick=False):
        assert run(nobody) == (0, [])
    with time_machine.travel(end + timedelta(days=3), tick=False):
        code, (sentence,) = run(nobody)
    assert code == 3
    assert sentence.startswith("The last complete run ended on 2025-10-29 06:05 UTC")


@needs_dbt
@pytest.mark.pipeline
@pytest.mark.usefixtures("at_last_look")
def test_failed_run_needs_attention_until_one_succeeds(
    warehouse: Path, tmp_path: Path, run: Callable[..., Any]
) -> None:
    nobody = quiet(warehouse, tmp_path)
    outcome = "update toggl_hire_marts.toggl_hire__runs set outcome = '{}' where {}"
    last = (
        "finished_at = (select max(finished_at) from toggl_hire_marts.toggl_hire__runs)"
    )
    with duckdb.connect(str(nobody)) as connection:
        connection.execute(outcome.format("failed", f"not {last}"))
    assert run(nobody) == (0, [])
    with duckdb.connect(str(nobody)) as connection:
        connection.execute(outcome.format("failed", last))
    assert run(nobody) == (
        3,
        ["The last run failed on 2025-10-29 06:05 UTC: see its log."],
    )


@needs_dbt
@pytest.mark.pipeline
@pytest.mark.usefixtures("at_last_look")
def test_drift_is_new_for_some_days(
    world: World, warehouse: Path, tmp_path: Path, run: Callable[..., Any]
) -> None:
    drifts = quiet(warehouse, tmp_path)
    began = at(world.last_look) - timedelta(days=3)
    with duckdb.connect(str(drifts)) as connection:
        for stream in ("candidates", "candidate_details"):
            add_field(connection, f"{stream}.score", "mismatched", f"{began}")
        add_field(connection, "candidates.points", "unknown", f"{began}")
    code, (sentence,) = run(drifts)
    assert code == 3
    assert sentence == (
        "Since 26 October 2025 the API sends `score` in a form that the tap cannot "
        "read (14 values in the last run that saw it): the column is null there."
    )
    code, (standing,) = run(drifts, "--new-days", "1")
    assert code == 0
    assert standing == (
        "As before: `score` in a form that the tap cannot read since 26 October 2025."
    )
