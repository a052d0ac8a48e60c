"""Invalid settings and files on the command line: one sentence, and no request.

Which values are invalid is tested in `tests/unit/test_settings.py`.
"""

from __future__ import annotations

import json
import typing as t

import pytest

from sandbox import Account
from tests.streams.checks import Start, rejection
from tests.support import run_tap, settings

if t.TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

Json = dict[str, t.Any]

PREFIX = "TAP_TOGGL_HIRE_"


@pytest.fixture
def box(sandbox: Start) -> t.Iterator[Sandbox]:
    """No request may arrive."""
    made = sandbox(Account.example(candidates=1))
    yield made
    assert made.stats.requests == 0


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("api_key", {"api_key": "s3cr3t\nX-Injected: 1"}),
        ("page_size", {"page_size": 0}),
        ("pii_hash_key", {"pii": "hash"}),
        ("pii_hash_key", {"pii": "hash", "pii_hash_key": "s3cr3t"}),
        ("candidate_filters.min_score", {"candidate_filters": {"min_score": "s3cr3t"}}),
        ("flattening_max_depth", {"flattening_max_depth": "s3cr3t"}),  # the SDK's
        ("stream_maps", {"stream_maps": {"candidates": {"name": "not valid +"}}}),
        ("stream_maps", {"stream_maps": {"candidates": {"id": None}}}),
        ("stream_maps", {"stream_maps": {"candidates": {"made": 5}}}),
        ("stream_maps", {"stream_maps": {"candidates": "?"}}),
    ],
    ids=str,
)
def test_an_invalid_setting_is_rejected(
    box: Sandbox, name: str, wrong: Json, tmp_path: Path
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(settings(box, **wrong)))
    sentence = rejection("--config", str(config))
    assert f"Setting {name} " in sentence
    assert "s3cr3t" not in sentence


@pytest.mark.parametrize(
    ("name", "text"), [("page_size", "s3cr3t"), ("stream_maps", "{s3cr3t")]
)
def test_an_invalid_variable_is_rejected(
    box: Sandbox,
    name: str,
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(settings(box)))
    monkeypatch.setenv(PREFIX + name.upper(), text)
    sentence = rejection("--config", str(config), "--config=ENV")
    assert f"Setting {name} " in sentence
    assert "s3cr3t" not in sentence


INVALID_JSON = '{"api_key":\n "s3cr3t'
NO_STATE = "The state is not one of tap-toggl-hire: "


@pytest.mark.parametrize(
    ("option", "content", "words"),
    [
        ("--config", None, "no such file"),
        ("--config", INVALID_JSON, "not valid JSON (line 2, column 2)"),
        ("--config", "[1]", "not a JSON object"),
        ("--config", "", "not valid JSON (line 1"),
        ("--state", "", f"{NO_STATE}the file is empty"),
        ("--state", "[]", f"{NO_STATE}it is not a JSON object"),
        ("--state", INVALID_JSON, f"{NO_STATE}it is not valid JSON"),
        ("--state", '{"s3cr3t": 1}', f"{NO_STATE}it lacks the key"),
        ("--catalog", INVALID_JSON, "not a Singer catalog"),
        ("--catalog", '{"streams": [{}]}', "not a Singer catalog"),
    ],
)
def test_a_file_of_another_kind_is_rejected(
    box: Sandbox, option: str, content: str | None, words: str, tmp_path: Path
) -> None:
    right, wrong = tmp_path / "right.json", tmp_path / "wrong.json"
    right.write_text(json.dumps(settings(box)))
    if content is not None:
        wrong.write_text(content)
    sentence = rejection("--config", str(right), option, str(wrong))
    assert words in sentence
    assert option.strip("-") in sentence
    assert "s3cr3t" not in sentence


def test_settings_without_effect_are_logged(sandbox: Start) -> None:
    config = settings(sandbox(Account.example(candidates=1)), start_dat="2024-01-31")
    run = run_tap(config, environment={PREFIX + "PII": "drop"})
    assert run.returncode == 0, run.stderr
    first, second = (line for line in run.stderr.splitlines() if "| WARNING" in line)
    assert "Did you mean start_date?" in first
    assert f"{PREFIX}PII is in the environment and not read" in second


def test_settings_from_the_environment(sandbox: Start) -> None:
    box = sandbox()
    openings = [row["id"] for row in box.account.openings()[:2]]
    values = {
        "api_key": box.api_key,
        "api_url": box.url,
        "page_size": "7",
        "requests_per_second": "900.5",
        "request_timeout": "9.5",
        "max_concurrency": "2",
        "user_agent": "from the environment",
        "job_opening_ids": json.dumps(openings),
        "candidate_filters": json.dumps({"min_score": 1}),
    }
    environment = {PREFIX + name.upper(): value for name, value in values.items()}
    run = run_tap({}, "--config=ENV", environment=environment)
    assert run.returncode == 0, run.stderr
    requests = [one for one in box.stats.log if one.kind == "candidates"]
    assert {one.query["limit"] for one in requests} == {"7"}
    assert {one.query["min_score"] for one in requests} == {"1"}
    assert {one.headers["user-agent"] for one in requests} == {"from the environment"}
    assert [row["id"] for row in run.records("job_openings")] == openings
    assert box.stats.max_in_flight <= 2
