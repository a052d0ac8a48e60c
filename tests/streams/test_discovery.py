"""What the command line reports without extracting: catalog, about, version, help."""

from __future__ import annotations

import importlib.metadata
import json
import typing as t
from pathlib import Path

import pytest

from sandbox import Account
from tap_toggl_hire import settings as tap_settings
from tests.streams.checks import ALL, Start, command, of, rejection
from tests.support import KEYS, catalog, extract, run_tap, settings
from tests.support.streams import CANDIDATES, DETAILS, HISTORY, LISTS, SYNC_RUNS

Json = dict[str, t.Any]

SCHEMAS = Path(__file__).parents[2] / "schemas"
REPLICATION_KEYS = {
    **dict.fromkeys((CANDIDATES, DETAILS, SYNC_RUNS), "started_at"),
    HISTORY: "observed_at",
}


@pytest.fixture(scope="module")
def found() -> Json:
    """A catalog, discovered without network and with invalid settings."""
    wrong = {"api_key": "", "page_size": 0, "pii": "?", "start_date": "x"}
    run = run_tap({"api_url": "http://127.0.0.1:9/api", **wrong}, "--discover")
    assert run.returncode == 0, run.stderr
    assert not run.stderr  # what the SDK logs of itself is for DEBUG
    return t.cast("Json", json.loads(run.stdout))


def test_a_catalog_has_the_schemas_of_the_repository(found: Json) -> None:
    schemas = {one["tap_stream_id"]: one["schema"] for one in found["streams"]}
    assert schemas == {
        path.stem: json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")
    }


@pytest.mark.parametrize("stream", ALL)
def test_a_catalog_entry(found: Json, stream: str) -> None:
    (entry,) = (one for one in found["streams"] if one["tap_stream_id"] == stream)
    metadata = {tuple(m["breadcrumb"]): m["metadata"] for m in entry["metadata"]}
    assert entry["key_properties"] == list(KEYS[stream])
    assert metadata[()]["selected"] is True
    method = "FULL_TABLE" if stream in LISTS else "INCREMENTAL"
    assert entry["replication_method"] == method
    assert entry.get("replication_key") == REPLICATION_KEYS.get(stream)
    properties = entry["schema"]["properties"]
    assert {place[-1] for place in metadata if place} >= set(properties)
    for key in KEYS[stream]:
        assert metadata["properties", key]["inclusion"] == "automatic"
    has_tombstones = stream not in {*LISTS, HISTORY, SYNC_RUNS}
    assert ("_sdc_deleted_at" in properties) is has_tombstones


def test_a_discovered_catalog_can_be_used(sandbox: Start, found: Json) -> None:
    box = sandbox(Account.example(candidates=5))
    messages = extract(settings(box), catalog=found)
    assert {m["stream"] for m in of(messages, "RECORD")} == set(ALL)


def test_a_catalog_that_selects_nothing_is_an_error(
    sandbox: Start, found: Json, tmp_path: Path
) -> None:
    """Exit code 0 would look like a success."""
    box = sandbox()
    config, chosen = tmp_path / "config.json", tmp_path / "catalog.json"
    config.write_text(json.dumps(settings(box)))
    foreign = {**found["streams"][0], "tap_stream_id": "people", "stream": "people"}
    contents: list[Json] = [catalog(settings(box)), {"streams": [foreign]}]
    for content in contents:
        chosen.write_text(json.dumps(content))
        sentence = rejection("--config", str(config), "--catalog", str(chosen))
        assert "selects no stream" in sentence
    assert box.stats.requests == 0


def test_about_in_json() -> None:
    about = json.loads(command("--about", "--format", "json").stdout)
    assert about["name"] == "tap-toggl-hire"
    properties = about["settings"]["properties"]
    assert set(properties) >= tap_settings.NAMES
    assert about["settings"]["required"] == ["api_key"]
    secret = {name for name, setting in properties.items() if setting.get("secret")}
    assert secret == {"api_key", "pii_hash_key"}
    assert properties["max_concurrency"]["maximum"] == 256
    assert properties["pii_hash_key"]["minLength"] == 16
    assert properties["pii"]["enum"] == ["keep", "hash", "drop"]
    capabilities = {"catalog", "state", "discover", "batch", "stream-maps"}
    assert capabilities <= set(about["capabilities"])


def test_the_version() -> None:
    version = importlib.metadata.version("tap-toggl-hire")
    start = f"tap-toggl-hire v{version}, Meltano SDK v"
    assert command("--version").stdout.startswith(start)


def test_a_test_of_the_schemas_makes_no_requests(sandbox: Start) -> None:
    box = sandbox()
    run = run_tap(settings(box), "--test=schema")
    assert run.returncode == 0, run.stderr
    assert sorted(m["stream"] for m in run.messages) == sorted(ALL)
    assert {m["type"] for m in run.messages} == {"SCHEMA"}
    assert box.stats.requests == 0
