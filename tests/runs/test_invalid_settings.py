"""Invalid settings on the command line: one sentence, and no request.

Which values are invalid is tested in `tests/unit/test_settings.py`, files of another
kind in `tests/unit/test_tap.py`.
"""

from __future__ import annotations

import json
import typing as t

import pytest

from tests.support.tap import rejection, run_tap

if t.TYPE_CHECKING:
    from pathlib import Path

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
