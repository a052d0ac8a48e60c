"""What is told of a run, from the lines that Meltano logs."""

from __future__ import annotations

import json

import pytest

from orchestration.report import Report

KEY = "secret-4711"


def report(*entries: tuple[str, str, str]) -> tuple[Report, list[tuple[str, str]]]:
    """Take lines of a kind, a level and a text; return what was told, too."""
    told: list[tuple[str, str]] = []
    made = Report(lambda level, text: told.append((level, text)), KEY)
    for kind, level, text in entries:
        made.take(json.dumps({"cmd_type": kind, "level": level, "event": text}) + "\n")
    return made, told


def test_the_tap_is_told_line_by_line_and_the_target_is_not() -> None:
    summary = (
        "1,204 candidates: 3 new, 7 changed, 1 deleted, 40 re-verified; "
        "1,068 requests, 2 refused, in 6 s."
    )
    made, told = report(
        ("extractor", "warning", "A field is unknown."),
        ("loader", "info", "Inserting with SQL"),
        ("extractor", "info", summary),
    )
    assert told == [("warning", "A field is unknown."), ("info", summary)]
    assert made.counts == {
        "candidates": 1204,
        "created": 3,
        "updated": 7,
        "deleted": 1,
        "reverified": 40,
        "requests": 1068,
        "refused": 2,
    }


@pytest.mark.parametrize(
    ("sentence", "may_pass"),
    [
        ("The API refuses the key (401): check setting api_key.", False),
        ("Setting part must be a part such as 2/4.", False),
        ("The state is of another workspace: ... Check api_key, or ...", False),
        ("The state was written by a newer version of the tap.", False),
        ("The API answers 404 for /openings: check api_url and api_version.", False),
        ("The API does not serve /tags: it answers 503, 6 times in a row.", True),
        ("The API's list of candidates is short: run again later.", True),
        ("Stopped by SIGTERM; the state of what was emitted is written.", True),
    ],
)
def test_what_asks_for_a_change_is_not_tried_again(
    sentence: str,
    may_pass: bool,  # noqa: FBT001
) -> None:
    made, _ = report(("extractor", "error", sentence), ("", "error", "ELT failed."))
    assert made.failure(1) == sentence
    assert made.may_pass == may_pass


def test_an_error_of_the_target_quotes_no_row() -> None:
    lines = (
        "Traceback (most recent call last):",
        "sqlalchemy.exc.DataError: (psycopg.errors.X) value too long: 'Ada Example'",
        "DETAIL: Failing row contains (1, Ada Example)",
    )
    made, told = report(*(("loader", "info", line) for line in lines))
    assert made.failure(1) == "The target failed: DataError"
    assert made.may_pass
    assert told == []


def test_the_target_is_the_reason_where_it_reads_no_more() -> None:
    made, _ = report(
        ("loader", "info", "psycopg.OperationalError: connection refused"),
        ("extractor", "error", "The target closed the pipe: see its log."),
    )
    assert made.failure(1) == "The target failed: OperationalError, connection refused"


def test_without_a_word_of_either_meltano_is_quoted() -> None:
    made, _ = report(("", "error", "Extractor is not installed.\nMore."))
    assert made.failure(1) == "Extractor is not installed."
    made.take("Traceback, say\n")
    made.take("\n")
    assert made.failure(1) == "Traceback, say"
    assert report()[0].failure(137) == "Meltano ended with exit code 137."


def test_a_key_is_struck_out_wherever_it_comes_up() -> None:
    made, told = report(("extractor", "error", f"Bearer {KEY}"))
    made.take(f"{KEY} in plain text\n")
    assert told == [("error", "Bearer ***")]
    assert KEY not in made.failure(1)
