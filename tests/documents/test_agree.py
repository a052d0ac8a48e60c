"""The documents, the plugin definitions and the schemas agree with the code."""

from __future__ import annotations

import json
import re
import typing as t

import pytest
import yaml  # type: ignore[import-untyped]

from tap_toggl_hire.tap import TapTogglHire
from tests.documents import tables

ROOT = tables.ROOT
SETTINGS = tables.settings()
OF_THE_SDK = ("batch_", "faker_", "flattening_", "stream_map")
SCHEMAS = sorted((ROOT / "schemas").glob("*.json"))


def plugin_definition(file: str) -> dict[str, t.Any]:
    document = yaml.safe_load((ROOT / file).read_text("utf-8"))
    if file == "plugin.yaml":
        return document  # type: ignore[no-any-return]
    return next(
        plugin
        for plugin in document["plugins"]["extractors"]
        if plugin["name"] == TapTogglHire.name
    )


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
    assert text == tables.updated(text), "run: python -m tests.documents.tables"


def test_every_link_of_the_readme_leads_to_a_file() -> None:
    text = tables.README.read_text("utf-8")
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_every_query_and_example_is_in_the_readme() -> None:
    text = tables.README.read_text("utf-8")
    files = [*ROOT.glob("queries/*.sql"), *ROOT.glob("examples/[!_]*.*")]
    paths = [path.relative_to(ROOT).as_posix() for path in files]
    assert [path for path in paths if f"]({path})" not in text] == []


@pytest.mark.parametrize("file", ["meltano.yml", "plugin.yaml"])
def test_plugin_definition_has_the_settings_of_the_code(file: str) -> None:
    definition = plugin_definition(file)
    told = {
        setting["name"]: (
            setting["kind"],
            setting.get("value"),
            setting.get("sensitive", False),
            [option["value"] for option in setting.get("options", [])],
        )
        for setting in definition["settings"]
    }
    assert told == {
        name: (
            tables.kind(setting),
            setting.get("default"),
            setting.get("secret", False),
            setting.get("enum", []),
        )
        for name, setting in SETTINGS.items()
    }
    assert all(s["label"] and s["description"] for s in definition["settings"])
    assert definition["settings_group_validation"] == [
        [name for name, setting in SETTINGS.items() if "null" not in setting["type"]]
    ]


def test_plugin_yaml_has_the_words_of_the_code() -> None:
    told = plugin_definition("plugin.yaml")["settings"]
    assert {s["name"]: (s["label"], s["description"]) for s in told} == {
        name: (setting["title"], " ".join(setting["description"].split()))
        for name, setting in SETTINGS.items()
    }


@pytest.mark.parametrize("file", ["meltano.yml", "plugin.yaml"])
def test_plugin_definition_has_the_capabilities_of_the_code(file: str) -> None:
    told = plugin_definition(file)["capabilities"]
    # `test` is the option --test, which the SDK does not count as a capability.
    capabilities = {capability.value for capability in TapTogglHire.capabilities}
    assert sorted(told) == sorted(capabilities | {"test"})


def test_env_example_has_the_settings_of_the_code() -> None:
    text = (ROOT / ".env.example").read_text("utf-8")
    prefix = "TAP_TOGGL_HIRE_"
    told = dict(re.findall(rf"^(?:# ?)?{prefix}([A-Z_]+)=(.*)$", text, re.MULTILINE))
    names = {name.lower() for name in told}
    own = {name for name in SETTINGS if not name.startswith(OF_THE_SDK)}
    assert own <= names <= set(SETTINGS)
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
