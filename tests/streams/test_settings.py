"""A wrong setting on the command line: one sentence, and no request."""

from __future__ import annotations

import json
import typing as t

import pytest

from tests.support import run_tap

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox

Json = dict[str, t.Any]

PREFIX = "TAP_TOGGL_HIRE_"


def assert_refused(
    box: Sandbox, name: str, config: Json, **variables: str
) -> str:  # the error output
    """Run it, and see that nothing but one sentence comes of it."""
    if variables:
        environment = {PREFIX + key: value for key, value in variables.items()}
        run = run_tap(config, "--config=ENV", environment=environment)
    else:
        run = run_tap(config)
    assert run.returncode == 1
    assert run.stdout == ""
    assert box.stats.requests == 0
    assert "Traceback" not in run.stderr
    errors = [line for line in run.stderr.splitlines() if "| ERROR" in line]
    assert len(errors) == 1, run.stderr
    assert run.stderr.splitlines()[-1] == errors[0]
    assert f"Setting {name} " in errors[0]
    return run.stderr


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("api_key", {"api_key": ""}),
        ("api_key", {"api_key": "s3cr3t\nX-Injected: 1"}),
        ("api_url", {"api_url": "https://me:s3cr3t@example.com/api"}),
        ("api_version", {"api_version": "s3cr3t"}),
        ("start_date", {"start_date": "s3cr3t"}),
        ("page_size", {"page_size": 0}),
        ("max_concurrency", {"max_concurrency": -1}),
        ("pii", {"pii": ["s3cr3t"]}),
        ("pii_hash_key", {"pii": "hash"}),
        ("candidate_filters", {"candidate_filters": {"s3cr3t": 1}}),
        ("candidate_filters.min_score", {"candidate_filters": {"min_score": "s3cr3t"}}),
        # Settings that the SDK adds.
        ("flattening_max_depth", {"flattening_max_depth": "s3cr3t"}),
        ("batch_config", {"batch_config": "s3://me:s3cr3t@bucket"}),
        ("batch_config", {"batch_config": {"encoding": {"format": "jsonl"}}}),
        ("stream_maps", {"stream_maps": {"candidates": {"name": "no expression +"}}}),
    ],
    ids=str,
)
def test_the_command_line_refuses_it(
    sandbox: Callable[..., Sandbox], name: str, wrong: Json
) -> None:
    box = sandbox()
    config = {"api_key": box.api_key, "api_url": box.url, **wrong}
    assert "s3cr3t" not in assert_refused(box, name, config)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("page_size", "s3cr3t"),
        ("requests_per_second", "s3cr3t"),
        ("candidate_filters", "{s3cr3t"),
        ("job_opening_ids", "[s3cr3t"),
        ("emit_activate_version_messages", "s3cr3t"),
        ("flattening_max_depth", "s3cr3t"),
        ("stream_maps", "{s3cr3t"),
    ],
)
def test_the_command_line_refuses_a_variable(
    sandbox: Callable[..., Sandbox], name: str, text: str
) -> None:
    box = sandbox()
    config = {"api_key": box.api_key, "api_url": box.url}
    errors = assert_refused(box, name, config, **{name.upper(): text})
    assert "s3cr3t" not in errors


def test_the_command_line_warns_of_what_it_does_not_use(
    sandbox: Callable[..., Sandbox],
) -> None:
    box = sandbox()
    config = {"api_key": box.api_key, "api_url": box.url, "start_dat": "2024-01-31"}
    run = run_tap(config, environment={PREFIX + "PII": "drop"})
    assert run.returncode == 0, run.stderr
    warnings = [line for line in run.stderr.splitlines() if "| WARNING" in line]
    assert len(warnings) == 2, run.stderr
    assert "Did you mean start_date?" in warnings[0]
    assert f"{PREFIX}PII is in the environment and not read" in warnings[1]


def test_the_command_line_takes_settings_from_the_environment(
    sandbox: Callable[..., Sandbox],
) -> None:
    box = sandbox()
    opening, other = (row["id"] for row in box.account.openings()[:2])
    values = {
        "api_key": box.api_key,
        "api_url": box.url,
        "page_size": "7",
        "requests_per_second": "900.5",
        "request_timeout": "9.5",
        "max_concurrency": "2",
        "job_opening_ids": json.dumps([opening, other]),
        "candidate_filters": json.dumps({"min_score": 1}),
        "user_agent": "from the environment",
    }
    environment = {PREFIX + name.upper(): value for name, value in values.items()}
    run = run_tap({}, "--config=ENV", environment=environment)
    assert run.returncode == 0, run.stderr
    asked = [one for one in box.stats.log if one.kind == "candidates"]
    assert {one.query["limit"] for one in asked} == {"7"}
    assert {one.query["min_score"] for one in asked} == {"1"}
    assert {one.headers["user-agent"] for one in asked} == {"from the environment"}
    assert {row["id"] for row in run.records("job_openings")} == {opening, other}
    assert box.stats.without_key == 0
