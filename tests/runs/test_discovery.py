"""What the command line reports without extracting: catalog, about, version, help."""

from __future__ import annotations

import importlib.metadata
import json
import typing as t
from pathlib import Path

import pytest

from tap_toggl_hire import settings as tap_settings
from tests.support.streams import (
    ALL_STREAMS,
    CANDIDATES,
    DETAILS,
    HISTORY,
    KEYS,
    LISTS,
    SYNC_RUNS,
)
from tests.support.tap import catalog, extract, invoke, rejection, run_tap

if t.TYPE_CHECKING:
    from tests.support.pipeline import Pipeline

Json = dict[str, t.Any]

SCHEMAS = Path(__file__).parents[2] / "schemas"
REPLICATION_KEYS = {
    **dict.fromkeys((CANDIDATES, DETAILS, SYNC_RUNS), "started_at"),
    HISTORY: "observed_at",
}


@pytest.fixture(scope="module")
def discovered() -> Json:
    """A catalog, discovered without network and with invalid settings."""
    wrong = {"api_key": "", "page_size": 0, "pii": "?", "start_date": "x"}
    run = run_tap({"api_url": "http://127.0.0.1:9/api", **wrong}, "--discover")
    assert run.returncode == 0, run.stderr
    assert not run.stderr  # what the SDK logs of itself is for DEBUG
    return t.cast("Json", json.loads(run.stdout))


def test_catalog_has_the_schemas_of_the_repository(discovered: Json) -> None:
    schemas = {
        entry["tap_stream_id"]: entry["schema"] for entry in discovered["streams"]
    }
    assert schemas == {
        path.stem: json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")
    }


@pytest.mark.parametrize("stream", ALL_STREAMS)
def test_catalog_entry_says_how_the_stream_is_replicated(
    discovered: Json, stream: str
) -> None:
    (entry,) = (
        entry for entry in discovered["streams"] if entry["tap_stream_id"] == stream
    )
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


def test_discovered_catalog_selects_everything(
    pipeline: Pipeline, discovered: Json
) -> None:
    messages = extract(pipeline.config, catalog=discovered)
    streams = {m["stream"] for m in messages if m["type"] == "RECORD"}
    assert streams == set(ALL_STREAMS)


@pytest.mark.parametrize("selected", ["no stream", "a stream of another tap"])
def test_catalog_that_selects_nothing_is_an_error(
    pipeline: Pipeline, discovered: Json, tmp_path: Path, selected: str
) -> None:
    """Exit code 0 would look like a success."""
    chosen = catalog(frozenset())
    if selected != "no stream":
        foreign = {"tap_stream_id": "people", "stream": "people"}
        chosen = {"streams": [{**discovered["streams"][0], **foreign}]}
    config_file, catalog_file = tmp_path / "config.json", tmp_path / "catalog.json"
    config_file.write_text(json.dumps(pipeline.config))
    catalog_file.write_text(json.dumps(chosen))
    sentence = rejection("--config", str(config_file), "--catalog", str(catalog_file))
    assert "selects no stream" in sentence
    assert pipeline.sandbox.stats.requests == 0


def test_about_shows_settings_with_their_bounds() -> None:
    about = json.loads(invoke("--about", "--format", "json").stdout)
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


def test_version_names_tap_and_sdk() -> None:
    version = importlib.metadata.version("tap-toggl-hire")
    start = f"tap-toggl-hire v{version}, Meltano SDK v"
    assert invoke("--version").stdout.startswith(start)


def test_test_of_the_schemas_makes_no_requests(pipeline: Pipeline) -> None:
    run = pipeline.run_command_line("--test=schema")
    assert run.returncode == 0, run.stderr
    assert sorted(m["stream"] for m in run.messages) == sorted(ALL_STREAMS)
    assert {m["type"] for m in run.messages} == {"SCHEMA"}
    assert pipeline.sandbox.stats.requests == 0
