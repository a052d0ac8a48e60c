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


def read(*lines: str) -> tuple[Report, list[tuple[str, str]]]:
    """Read lines; return the report, and the lines that it passed on."""
    logged: list[tuple[str, str]] = []
    parsed = Report(lambda level, text: logged.append((level, text)), KEY)
    for line in lines:
        parsed.read(line + "\n")
    return parsed, logged


def test_lines_of_the_tap_are_passed_on_and_those_of_the_target_are_not() -> None:
    _, logged = read(
        entry("extractor", "warning", "A field is unknown."),
        entry("loader", "info", "Inserting with SQL"),
    )
    assert logged == [("warning", "A field is unknown.")]


def test_counts_come_from_the_record_of_the_run() -> None:
    counts = {"candidates_listed": 1204, "candidates_created": 3, "requests": 1068}
    run = {**counts, "outcome": "complete", "is_transient": None}
    parsed, _ = read(
        entry("extractor", "info", "1 candidates: 2 new", sync_run=run),
        entry("extractor", "info", "Done."),
    )
    assert parsed.counts == counts


def test_metric_has_its_name_and_value() -> None:
    of_stream = {"metric": "record_count", "value": 3, "tags": {"stream": "tags"}}
    of_run = {"metric": "sync_duration", "value": 0.5, "tags": {"pid": 4711}}
    _, logged = read(
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
    parsed, _ = read(
        entry("extractor", "error", "It failed.", is_transient=is_transient),
        entry("", "error", "ELT failed."),
    )
    assert parsed.failure(1) == "It failed."
    assert parsed.is_transient == is_transient


def test_failure_of_anything_else_is_transient() -> None:
    parsed, _ = read(entry("", "error", "Extractor is not installed.\nMore."))
    assert parsed.is_transient
    parsed, _ = read(entry("extractor", "error", "An error of another tap."))
    assert parsed.is_transient


def test_error_of_the_target_quotes_no_row() -> None:
    lines = (
        "Traceback (most recent call last):",
        "sqlalchemy.exc.DataError: (psycopg.errors.X) value too long: 'Ada Example'",
        "DETAIL: Failing row contains (1, Ada Example)",
    )
    parsed, logged = read(*(entry("loader", "info", line) for line in lines))
    assert parsed.failure(1) == "The target failed: DataError"
    assert parsed.is_transient
    assert logged == []


def test_failed_target_is_the_cause_of_a_closed_pipe() -> None:
    refused = "psycopg.OperationalError: connection refused"
    parsed, _ = read(
        entry("loader", "info", refused),
        entry("extractor", "error", "stdout is closed.", is_transient=True),
    )
    assert (
        parsed.failure(1) == "The target failed: OperationalError, connection refused"
    )


def test_permanent_failure_of_the_tap_is_the_cause() -> None:
    parsed, _ = read(
        entry("loader", "info", "EOFError: no messages"),
        entry("extractor", "error", "The key is rejected.", is_transient=False),
    )
    assert parsed.failure(1) == "The key is rejected."


def test_meltano_is_quoted_if_tap_and_target_report_nothing() -> None:
    parsed, _ = read(entry("", "error", "Extractor is not installed.\nMore."))
    assert parsed.failure(1) == "Extractor is not installed."
    parsed.read("Traceback, say\n")
    parsed.read("\n")
    assert parsed.failure(1) == "Traceback, say"
    assert read()[0].failure(137) == "Meltano ended with exit code 137."


def test_api_key_is_replaced() -> None:
    parsed, logged = read(entry("extractor", "error", f"Bearer {KEY}"))
    parsed.read(f"{KEY} in plain text\n")
    assert logged == [("error", "Bearer ***")]
    assert KEY not in parsed.failure(1)
