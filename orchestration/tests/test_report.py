"""The report of a run, from the lines that Meltano logs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from orchestration.report import Report

KEY = "secret-4711"


def entry(kind: str, level: str, text: str, **fields: Any) -> str:
    """A line of Meltano's log."""
    return json.dumps({"cmd_type": kind, "level": level, "event": text, **fields})


def report(*lines: str) -> tuple[Report, list[tuple[str, str]]]:
    """Read lines; return the report, and the lines that it passed on."""
    logged: list[tuple[str, str]] = []
    made = Report(lambda level, text: logged.append((level, text)), KEY)
    for line in lines:
        made.read(line + "\n")
    return made, logged


def test_lines_of_the_tap_are_passed_on_and_those_of_the_target_are_not() -> None:
    _, logged = report(
        entry("extractor", "warning", "A field is unknown."),
        entry("loader", "info", "Inserting with SQL"),
    )
    assert logged == [("warning", "A field is unknown.")]


def test_counts_come_from_the_record_of_the_run() -> None:
    counts = {"candidates_listed": 1204, "candidates_created": 3, "requests": 1068}
    run = {**counts, "outcome": "complete", "is_transient": None}
    made, _ = report(
        entry("extractor", "info", "1 candidates: 2 new", sync_run=run),
        entry("extractor", "info", "Done."),
    )
    assert made.counts == counts


def test_metric_has_its_name_and_value() -> None:
    of_stream = {"metric": "record_count", "value": 3, "tags": {"stream": "tags"}}
    of_run = {"metric": "sync_duration", "value": 0.5, "tags": {"pid": 4711}}
    _, logged = report(
        entry("extractor", "info", "METRIC", metric_info=of_stream),
        entry("extractor", "info", "METRIC", metric_info=of_run),
    )
    assert [text for _, text in logged] == [
        "METRIC record_count=3 (tags)",
        "METRIC sync_duration=0.5 (all)",
    ]


@pytest.mark.parametrize("is_transient", [True, False])
def test_tap_says_whether_its_failure_is_transient(
    is_transient: bool,
) -> None:
    made, _ = report(
        entry("extractor", "error", "It failed.", is_transient=is_transient),
        entry("", "error", "ELT failed."),
    )
    assert made.failure(1) == "It failed."
    assert made.is_transient == is_transient


def test_failure_of_anything_else_is_transient() -> None:
    made, _ = report(entry("", "error", "Extractor is not installed.\nMore."))
    assert made.is_transient
    made, _ = report(entry("extractor", "error", "An error of another tap."))
    assert made.is_transient


def test_error_of_the_target_quotes_no_row() -> None:
    lines = (
        "Traceback (most recent call last):",
        "sqlalchemy.exc.DataError: (psycopg.errors.X) value too long: 'Ada Example'",
        "DETAIL: Failing row contains (1, Ada Example)",
    )
    made, logged = report(*(entry("loader", "info", line) for line in lines))
    assert made.failure(1) == "The target failed: DataError"
    assert made.is_transient
    assert logged == []


def test_failed_target_is_the_cause_of_a_closed_pipe() -> None:
    refused = "psycopg.OperationalError: connection refused"
    made, _ = report(
        entry("loader", "info", refused),
        entry("extractor", "error", "stdout is closed.", is_transient=True),
    )
    assert made.failure(1) == "The target failed: OperationalError, connection refused"


def test_permanent_failure_of_the_tap_is_the_cause() -> None:
    made, _ = report(
        entry("loader", "info", "EOFError: no messages"),
        entry("extractor", "error", "The key is rejected.", is_transient=False),
    )
    assert made.failure(1) == "The key is rejected."


def test_meltano_is_quoted_if_tap_and_target_report_nothing() -> None:
    made, _ = report(entry("", "error", "Extractor is not installed.\nMore."))
    assert made.failure(1) == "Extractor is not installed."
    made.read("Traceback, say\n")
    made.read("\n")
    assert made.failure(1) == "Traceback, say"
    assert report()[0].failure(137) == "Meltano ended with exit code 137."


def test_api_key_is_replaced() -> None:
    made, logged = report(entry("extractor", "error", f"Bearer {KEY}"))
    made.read(f"{KEY} in plain text\n")
    assert logged == [("error", "Bearer ***")]
    assert KEY not in made.failure(1)
