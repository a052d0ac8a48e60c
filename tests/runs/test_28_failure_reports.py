"""What the user and an orchestrator read of a failure, on the command line."""

from __future__ import annotations

import json
import re
import typing as t

import pytest

from sandbox import Fault
from tests.support.streams import SYNC_RUNS
from tests.support.tap import QUICK_COMMAND

if t.TYPE_CHECKING:
    from pathlib import Path

    from tests.support.pipeline import Pipeline

LINE = re.compile(r"[-\d]{10} [:,\d]{12} \| (\w+) +\| [\w.-]+ +\| (.*)")
"""A line of the log."""

FAILURES: dict[str, tuple[dict[str, t.Any], bool, tuple[str, ...]]] = {
    # What happens, whether it is transient, and words of the last line.
    "500": ({"kind": "status", "match": "candidate", "after": 3}, True, ("HTTP 500",)),
    "401": ({"kind": "status", "status": 401}, False, ("api_key",)),
    "400": (
        {
            "kind": "status",
            "status": 400,
            "error_type": "FilterError",
            "match": "candidates",
        },
        False,
        ("FilterError", "candidate_filters.min_rating"),
    ),
    "a foreign link": (
        {"kind": "next", "next": "https://elsewhere.example/", "match": "candidates"},
        False,
        ("another origin",),
    ),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_failure_is_one_sentence_in_the_last_line(
    pipeline: Pipeline, failure: str
) -> None:
    fault, _, words = FAILURES[failure]
    pipeline.sandbox.faults = [Fault(**fault)]
    pipeline.config["candidate_filters"] = {"min_rating": 0}
    run = pipeline.run_command_line(command=QUICK_COMMAND)
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    lines = [LINE.fullmatch(line) for line in run.stderr.splitlines()]
    assert all(lines), run.stderr
    levels_and_texts = [(line[1], line[2]) for line in lines if line]
    assert [level for level, _ in levels_and_texts].count("ERROR") == 1
    level, sentence = levels_and_texts[-1]
    assert level == "ERROR"
    assert re.fullmatch(r"[A-Z].+ .+\.", sentence)
    for word in words:
        assert word in sentence
    pipeline.sandbox.faults = []
    pipeline.run()
    pipeline.assert_target_matches_api()


LOG_CONFIG = """
version: 1
formatters: {structured: {(): singer_sdk.logging.StructuredFormatter}}
handlers: {console: {class: logging.StreamHandler, formatter: structured}}
root: {level: INFO, handlers: [console]}
"""


@pytest.mark.parametrize("failure", ["500", "401"])
def test_last_log_record_says_whether_the_failure_is_transient(
    pipeline: Pipeline, failure: str, tmp_path: Path
) -> None:
    """Meltano reads it so, with the SDK's structured log."""
    fault, is_transient, _ = FAILURES[failure]
    path = tmp_path / "log.yaml"
    path.write_text(LOG_CONFIG)
    pipeline.sandbox.faults = [Fault(**fault)]
    run = pipeline.run_command_line(
        command=QUICK_COMMAND, environment={"SINGER_SDK_LOG_CONFIG": str(path)}
    )
    lines = [line for line in run.stderr.splitlines() if line.startswith("{")]
    last = json.loads(lines[-1])
    assert last["level"] == "error"
    assert last["extra"] == {"is_transient": is_transient}
    [summary] = run.records(SYNC_RUNS)
    assert summary["is_transient"] is is_transient
    assert summary["message"] == last["message"]
