"""Invalid settings and files on the command line: one sentence, and no request.

Which values are invalid is tested in `tests/unit/test_settings.py`.
"""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from tests.support.tap import rejection, run_tap

if t.TYPE_CHECKING:
    from tests.support.pipeline import Pipeline

Json = dict[str, t.Any]

PREFIX = "TAP_TOGGL_HIRE_"


@pytest.fixture
def config(pipeline: Pipeline) -> t.Iterator[Json]:
    """Valid settings; no request may arrive."""
    yield pipeline.config
    assert pipeline.sandbox.stats.requests == 0


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
def test_invalid_setting_is_rejected(
    config: Json, name: str, wrong: Json, tmp_path: Path
) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**config, **wrong}))
    sentence = rejection("--config", str(path))
    assert f"Setting {name} " in sentence
    assert "s3cr3t" not in sentence


@pytest.mark.parametrize(
    ("name", "text"), [("page_size", "s3cr3t"), ("stream_maps", "{s3cr3t")]
)
def test_invalid_variable_is_rejected(
    config: Json,
    name: str,
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    monkeypatch.setenv(PREFIX + name.upper(), text)
    sentence = rejection("--config", str(path), "--config=ENV")
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
def test_file_of_another_kind_is_rejected(
    config: Json, option: str, content: str | None, words: str, tmp_path: Path
) -> None:
    valid, invalid = tmp_path / "valid.json", tmp_path / "invalid.json"
    valid.write_text(json.dumps(config))
    if content is not None:
        invalid.write_text(content)
    sentence = rejection("--config", str(valid), option, str(invalid))
    assert words in sentence
    assert option.strip("-") in sentence
    assert "s3cr3t" not in sentence


def test_config_that_is_not_in_utf_8_is_rejected(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_bytes(b'{"api_key": "s3cr3t\xff"}')
    assert "not valid JSON in UTF-8" in rejection("--config", str(config))


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux")
def test_config_that_cannot_be_read_is_rejected() -> None:
    """A file of another user, for example; here, one that no user can read."""
    sentence = rejection("--config", "/proc/self/mem")
    assert sentence == "--config /proc/self/mem: Input/output error."


def test_setting_without_effect_is_logged(pipeline: Pipeline) -> None:
    run = pipeline.run_command_line(
        config={"start_dat": "2024-01-31"}, environment={PREFIX + "PII": "drop"}
    )
    assert run.returncode == 0, run.stderr
    first, second = (line for line in run.stderr.splitlines() if "| WARNING" in line)
    assert "Did you mean start_date?" in first
    assert f"{PREFIX}PII is in the environment and not read" in second


def test_settings_are_read_from_the_environment(pipeline: Pipeline) -> None:
    sandbox = pipeline.sandbox
    openings = [opening["id"] for opening in pipeline.account.openings()[:1]]
    values = {
        "api_key": sandbox.api_key,
        "api_url": sandbox.url,
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
    requests = [r for r in sandbox.stats.log if r.kind == "candidates"]
    assert {request.query["limit"] for request in requests} == {"7"}
    assert {request.query["min_score"] for request in requests} == {"1"}
    user_agents = {request.headers["user-agent"] for request in requests}
    assert user_agents == {"from the environment"}
    assert [row["id"] for row in run.records("job_openings")] == openings
    assert sandbox.stats.max_in_flight <= 2
