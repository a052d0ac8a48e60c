"""What the command line tells without extracting: catalog, about, version, test."""

from __future__ import annotations

import importlib.metadata
import json
import typing as t
from pathlib import Path

from sandbox import Account
from tap_toggl_hire import settings as tap_settings
from tests.streams.checks import LISTS, RUNS, STREAMS, settings
from tests.support import KEYS, Run, run_tap

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox

Json = dict[str, t.Any]

SNAPSHOT = Path(__file__).with_name("catalog.json")
REFRESH = "python -m tap_toggl_hire --discover > tests/streams/catalog.json"
"""What to run if it is meant."""


def catalog_of(run: Run) -> Json:
    assert run.returncode == 0, run.stderr
    found: Json = json.loads(run.stdout)
    return found


def test_the_catalog_is_the_one_that_users_know() -> None:
    """A change of it is a change of their tables: it must be seen, and meant."""
    found = catalog_of(run_tap({}, "--discover"))
    assert found == json.loads(SNAPSHOT.read_text()), REFRESH


def test_discovery_needs_neither_network_nor_settings(
    sandbox: Callable[..., Sandbox],
) -> None:
    box = sandbox()
    wrong = {"api_key": "", "page_size": 0, "pii": "?", "start_date": "x"}
    run = run_tap({"api_url": box.url, **wrong}, "--discover")
    assert catalog_of(run) == json.loads(SNAPSHOT.read_text())
    assert "ERROR" not in run.stderr
    assert box.stats.requests == 0


def test_what_the_catalog_says_of_each_stream() -> None:
    streams = {
        entry["tap_stream_id"]: entry
        for entry in json.loads(SNAPSHOT.read_text())["streams"]
    }
    assert set(streams) == set(STREAMS)
    for name, entry in streams.items():
        root = next(m for m in entry["metadata"] if not m["breadcrumb"])["metadata"]
        assert entry["key_properties"] == list(KEYS[name])
        assert root["selected"] is True
        whole = name in LISTS
        assert entry["replication_method"] == (
            "FULL_TABLE" if whole else "INCREMENTAL"
        ), name
        replication_key = {
            "candidates": "started_at",
            "candidate_details": "started_at",
            "candidate_history": "observed_at",
            "sync_runs": "started_at",
        }.get(name)
        assert entry.get("replication_key") == replication_key
        columns = set(entry["schema"]["properties"])
        told = {m["breadcrumb"][-1] for m in entry["metadata"] if m["breadcrumb"]}
        assert columns <= told
        has_tombstones = name not in (*LISTS, "candidate_history", RUNS)
        assert ("_sdc_deleted_at" in columns) is has_tombstones


def test_a_catalog_that_was_discovered_can_be_used(
    sandbox: Callable[..., Sandbox],
) -> None:
    box = sandbox(Account.example(candidates=5))
    run = run_tap(settings(box), catalog=json.loads(SNAPSHOT.read_text()))
    assert run.returncode == 0, run.stderr
    assert {m["stream"] for m in run.messages if m["type"] == "RECORD"} == set(STREAMS)


# About


def test_about_in_json() -> None:
    run = run_tap({}, "--about", "--format", "json")
    assert run.returncode == 0
    about = json.loads(run.stdout)
    assert about["name"] == "tap-toggl-hire"
    properties = about["settings"]["properties"]
    assert set(properties) >= tap_settings.NAMES
    assert about["settings"]["required"] == ["api_key"]
    secret = {name for name, setting in properties.items() if setting.get("secret")}
    assert secret == {"api_key", "pii_hash_key"}
    for name in tap_settings.NAMES:
        assert properties[name]["title"]
        assert properties[name]["description"].endswith(".")
    assert {"catalog", "state", "discover", "batch", "stream-maps"} <= set(
        about["capabilities"]
    )


def test_about_in_markdown() -> None:
    run = run_tap({}, "--about", "--format", "markdown")
    assert run.returncode == 0
    assert run.stdout.startswith("# `tap-toggl-hire`")
    for name in tap_settings.NAMES:
        assert f"| {name} |" in run.stdout


def test_the_version() -> None:
    run = run_tap({}, "--version")
    assert run.returncode == 0
    version = importlib.metadata.version("tap-toggl-hire")
    assert run.stdout.startswith(f"tap-toggl-hire v{version}, Meltano SDK v")


def test_a_test_of_the_schemas_asks_for_nothing(
    sandbox: Callable[..., Sandbox],
) -> None:
    box = sandbox()
    run = run_tap(settings(box), "--test=schema")
    assert run.returncode == 0, run.stderr
    assert sorted(m["stream"] for m in run.messages) == sorted(STREAMS)
    assert {m["type"] for m in run.messages} == {"SCHEMA"}
    assert box.stats.requests == 0
