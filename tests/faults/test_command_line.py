"""What the user and an orchestrator read of a failure, on the command line."""

from __future__ import annotations

import json
import re
import typing as t

import pytest

from sandbox import Fault
from tests.faults.trials import account, assert_true, attempt, small
from tests.streams.checks import loaded
from tests.support.streams import FAMILY, SYNC_RUNS

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.streams.checks import Start
    from tests.support import Run

LINE = re.compile(r"[-\d]{10} [:,\d]{12} \| (\w+) +\| [\w.-]+ +\| (.*)")
"""A line of the log."""

FAILURES: dict[str, tuple[Fault, bool, tuple[str, ...]]] = {
    "500": (Fault("status", match="candidate", after=10), True, ("HTTP 500",)),
    "401": (Fault("status", status=401), False, ("api_key",)),
    "400": (
        Fault("status", status=400, error_type="FilterError", match="candidates"),
        False,
        ("FilterError", "candidate_filters.min_rating"),
    ),
    "a foreign link": (
        Fault("next", next="https://elsewhere.example/", match="candidates"),
        False,
        ("another origin",),
    ),
}


@pytest.mark.parametrize("what", FAILURES)
def test_a_failure_is_the_last_line_and_the_next_run_goes_on(
    sandbox: Start, command_line: Callable[..., Run], what: str
) -> None:
    fault, _, words = FAILURES[what]
    box = sandbox(account())
    box.faults = [fault]
    config = small(box, candidate_filters={"min_rating": 0})
    run = command_line(config)
    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    lines = [LINE.fullmatch(line) for line in run.stderr.splitlines()]
    assert all(lines), run.stderr
    found = [(line[1], line[2]) for line in lines if line]
    assert [level for level, _ in found].count("ERROR") == 1
    level, sentence = found[-1]
    assert level == "ERROR"
    assert re.fullmatch(r"[A-Z].+ .+\.", sentence)
    for word in words:
        assert word in sentence
    box.faults = []
    healed = attempt(config, state=loaded(run.messages).state).good()
    assert_true(run.messages + healed.messages, box.account)
    assert not {m.get("stream") for m in run.messages[-1:]} & {*FAMILY}


LOG_CONFIG = """
version: 1
formatters: {structured: {(): singer_sdk.logging.StructuredFormatter}}
handlers: {console: {class: logging.StreamHandler, formatter: structured}}
root: {level: INFO, handlers: [console]}
"""


@pytest.mark.parametrize("what", ["500", "401"])
def test_the_last_log_record_says_whether_it_is_transient(
    sandbox: Start, command_line: Callable[..., Run], what: str, tmp_path: Path
) -> None:
    """As Meltano reads it, with the SDK's structured log."""
    fault, is_transient, _ = FAILURES[what]
    path = tmp_path / "log.yaml"
    path.write_text(LOG_CONFIG)
    box = sandbox(account())
    box.faults = [fault]
    environment = {"SINGER_SDK_LOG_CONFIG": str(path)}
    run = command_line(small(box), environment=environment)
    records = [
        json.loads(line) for line in run.stderr.splitlines() if line.startswith("{")
    ]
    assert records[-1]["level"] == "error"
    assert records[-1]["extra"] == {"is_transient": is_transient}
    (row,) = run.records(SYNC_RUNS)
    assert row["is_transient"] is is_transient
    assert row["message"] == records[-1]["message"]
