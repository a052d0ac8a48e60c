"""The documents, the plugin definitions and the schemas agree with the code."""

from __future__ import annotations

import json
import re
import typing as t

import pytest
import yaml  # type: ignore[import-untyped]

from tap_toggl_hire.tap import TapTogglHire
from tests.documents import definitions, sample, tables

ROOT = tables.ROOT
SETTINGS = tables.settings()
SCHEMAS = sorted((ROOT / "schemas").glob("*.json"))


def plugin_definition(file: str) -> dict[str, t.Any]:
    """The definition of the tap in a Meltano project, or of the tap alone."""
    document: dict[str, t.Any] = yaml.safe_load((ROOT / file).read_text("utf-8"))
    plugins = document.get("plugins", {}).get("extractors", [document])
    return next(plugin for plugin in plugins if plugin["name"] == TapTogglHire.name)


def parsed(kind: str | None) -> str | None:
    """The kind of a setting where Meltano parses what the environment has.

    A decimal it parses, too, but cannot pass on to a tap.
    """
    return kind if kind in {"array", "boolean", "integer", "object"} else None


def properties(schema: dict[str, t.Any]) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    """Every property of a schema, at every depth, with its path."""
    for name, field in schema.get("properties", {}).items():
        yield name, field
        for path, nested in properties(field):
            yield f"{name}.{path}", nested
    if "items" in schema:
        for path, nested in properties(schema["items"]):
            yield f"[].{path}", nested


def test_the_readme_has_the_tables_of_the_code() -> None:
    text = tables.README.read_text("utf-8")
    assert text == tables.updated(text), "run: make documents"


def test_the_definitions_are_those_of_the_code() -> None:
    for file in definitions.FILES:
        assert file.read_text("utf-8") == definitions.text(), "run: make documents"


@pytest.mark.parametrize("file", ["meltano.yml", "examples/meltano.yml"])
def test_every_project_knows_every_setting(file: str) -> None:
    """Meltano takes from the environment what a project lists, and nothing else."""
    told = plugin_definition(file)
    assert {
        setting["name"]: (parsed(setting.get("kind")), setting.get("sensitive", False))
        for setting in told["settings"]
    } == {
        name: (parsed(tables.kind(setting)), setting.get("secret", False))
        for name, setting in SETTINGS.items()
    }
    assert sorted(told["capabilities"]) == definitions.capabilities()


def test_meltano_yml_has_the_defaults_and_choices_of_the_code() -> None:
    told = plugin_definition("meltano.yml")
    assert {
        setting["name"]: (
            setting["kind"],
            setting.get("value"),
            [option["value"] for option in setting.get("options", [])],
        )
        for setting in told["settings"]
    } == {
        name: (
            tables.kind(setting).replace("decimal", "string"),
            setting.get("default"),
            setting.get("enum", []),
        )
        for name, setting in SETTINGS.items()
    }
    assert all(s["label"] and s["description"] for s in told["settings"])
    assert told["settings_group_validation"] == [definitions.required()]


def test_both_projects_know_the_same_settings_of_a_target() -> None:
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
    told = dict(re.findall(rf"^(?:# ?)?{prefix}([A-Z_]+)=(.*)$", text, re.MULTILINE))
    assert {name.lower() for name in told} == set(SETTINGS)
    for name, setting in SETTINGS.items():
        value = told.get(name.upper())
        if setting.get("secret"):
            assert value == "", name
        elif value is not None and "default" in setting:
            assert yaml.safe_load(value) == setting["default"], name


def test_every_setting_has_a_title_and_a_description() -> None:
    silent = [
        name
        for name, setting in SETTINGS.items()
        if not (setting.get("title") and setting.get("description"))
    ]
    assert silent == []


def test_there_is_a_schema_for_each_stream() -> None:
    assert {path.stem for path in SCHEMAS} == set(tables.catalog())


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_schema_describes_every_property(path: t.Any) -> None:
    schema = json.loads(path.read_text("utf-8"))
    silent = [
        name for name, field in properties(schema) if not field.get("description")
    ]
    assert silent == []


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_schema_reaches_the_catalog_as_it_is(path: t.Any) -> None:
    entry = tables.catalog()[path.stem]
    schema = json.loads(path.read_text("utf-8"))
    assert entry["schema"] == schema
    for name, field in schema["properties"].items():
        nullable = "null" in field["type"]
        assert nullable == (name not in entry["key_properties"]), name


def test_the_check_up_on_the_page_is_what_the_code_says() -> None:
    text = sample.PAGE.read_text()
    assert sample.updated(text) == text, "make documents"
