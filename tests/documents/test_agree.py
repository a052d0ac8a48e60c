"""The documents, the plugin definitions and the schemas agree with the code."""

from __future__ import annotations

import json
import re
import typing as t

import pytest
import yaml  # type: ignore[import-untyped]

from tap_toggl_hire.tap import TapTogglHire
from tools.documents import definitions, tables
from tools.documents.generated import FILES

if t.TYPE_CHECKING:
    from pathlib import Path

ROOT = tables.ROOT
SETTINGS = tables.settings()
SCHEMAS = sorted((ROOT / "schemas").glob("*.json"))


def plugin_definition(file: str) -> dict[str, t.Any]:
    """Return the definition of the tap in a Meltano project or in a file of its own."""
    document: dict[str, t.Any] = yaml.safe_load((ROOT / file).read_text("utf-8"))
    plugins = document.get("plugins", {}).get("extractors", [document])
    return next(plugin for plugin in plugins if plugin["name"] == TapTogglHire.name)


def parsed(kind: str | None) -> str | None:
    """Return the kind of a setting if Meltano parses its environment variable.

    Meltano parses decimals too, but cannot pass them on to a tap.
    """
    return kind if kind in {"array", "boolean", "integer", "object"} else None


def properties(schema: dict[str, t.Any]) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    """Yield every property of a schema, at every depth, with its path."""
    for name, field in schema.get("properties", {}).items():
        yield name, field
        for path, nested in properties(field):
            yield f"{name}.{path}", nested
    if "items" in schema:
        for path, nested in properties(schema["items"]):
            yield f"[].{path}", nested


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_generated_file_is_up_to_date(path: Path) -> None:
    assert path.read_text("utf-8") == FILES[path](), "run: make documents"


@pytest.mark.parametrize("file", ["meltano.yml", "examples/meltano.yml"])
def test_project_lists_every_setting(file: str) -> None:
    """Meltano takes only listed settings from the environment."""
    found = plugin_definition(file)
    assert {
        setting["name"]: (parsed(setting.get("kind")), setting.get("sensitive", False))
        for setting in found["settings"]
    } == {
        name: (parsed(tables.kind(setting)), setting.get("secret", False))
        for name, setting in SETTINGS.items()
    }
    assert sorted(found["capabilities"]) == definitions.capabilities()


def test_both_projects_list_the_same_settings_of_a_target() -> None:
    def targets(file: str) -> dict[str, set[str]]:
        document = yaml.safe_load((ROOT / file).read_text("utf-8"))
        return {
            plugin["name"]: {setting["name"] for setting in plugin["settings"]}
            for plugin in document["plugins"]["loaders"]
        }

    ours, example = targets("meltano.yml"), targets("examples/meltano.yml")
    assert example == {name: ours[name] for name in example}


def test_env_example_has_the_settings_of_the_code() -> None:
    text = (ROOT / ".env.example").read_text("utf-8")
    prefix = "TAP_TOGGL_HIRE_"
    found = dict(re.findall(rf"^(?:# ?)?{prefix}([A-Z_]+)=(.*)$", text, re.MULTILINE))
    assert {name.lower() for name in found} == set(SETTINGS)
    for name, setting in SETTINGS.items():
        value = found.get(name.upper())
        if setting.get("secret"):
            assert value == "", name
        elif value is not None and "default" in setting:
            assert yaml.safe_load(value) == setting["default"], name


def test_every_setting_has_a_title_and_a_description() -> None:
    without = [
        name
        for name, setting in SETTINGS.items()
        if not (setting.get("title") and setting.get("description"))
    ]
    assert without == []


def test_every_stream_has_a_schema() -> None:
    assert {path.stem for path in SCHEMAS} == set(tables.catalog())


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_schema_describes_every_property(path: t.Any) -> None:
    schema = json.loads(path.read_text("utf-8"))
    without = [
        name for name, field in properties(schema) if not field.get("description")
    ]
    assert without == []


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_catalog_has_the_schema_unchanged(path: t.Any) -> None:
    entry = tables.catalog()[path.stem]
    schema = json.loads(path.read_text("utf-8"))
    assert entry["schema"] == schema
    for name, field in schema["properties"].items():
        nullable = "null" in field["type"]
        assert nullable == (name not in entry["key_properties"]), name
