"""The documents, the plugin definitions and the schemas agree with the code."""

from __future__ import annotations

import re
import tomllib
import typing as t

import pytest
import yaml  # type: ignore[import-untyped]

from tap_toggl_hire.settings import NAMES, SDK_SETTINGS
from tap_toggl_hire.sync.state import State
from tap_toggl_hire.tap import TapTogglHire
from tools.documents import definitions, tables
from tools.documents.generated import FILES

if t.TYPE_CHECKING:
    from pathlib import Path

ROOT = tables.ROOT
SETTINGS = tables.settings()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
VERSION = PROJECT["version"]


def plugin_definition(file: str) -> dict[str, t.Any]:
    """Return the definition of the tap in a Meltano project or in a file of its own."""
    document: dict[str, t.Any] = yaml.safe_load((ROOT / file).read_text("utf-8"))
    plugins = document.get("plugins", {}).get("extractors", [document])
    return next(plugin for plugin in plugins if plugin["name"] == TapTogglHire.name)


def parsed(kind: str | None) -> str | None:
    """Return the kind of a setting if Meltano parses its environment variable."""
    return kind if kind in {"array", "boolean", "integer", "object"} else None


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_generated_file_is_up_to_date(path: Path) -> None:
    assert path.read_text("utf-8") == FILES[path](), "run: make documents"


@pytest.mark.parametrize("file", ["meltano.yml", "examples/meltano.yml"])
def test_project_lists_every_setting(file: str) -> None:
    """Meltano takes only listed settings from the environment."""
    plugin = plugin_definition(file)
    listed = {
        setting["name"]: (parsed(setting.get("kind")), setting.get("sensitive", False))
        for setting in plugin["settings"]
    }
    assert listed == {
        name: (parsed(tables.kind(setting)), setting.get("secret", False))
        for name, setting in SETTINGS.items()
    }, f"edit the settings of the tap in {file}: name, kind, sensitive"
    capabilities = definitions.capabilities()
    assert sorted(plugin["capabilities"]) == capabilities, f"edit {file}: capabilities"


def test_both_projects_list_the_same_settings_of_a_target() -> None:
    def targets(file: str) -> dict[str, set[str]]:
        document = yaml.safe_load((ROOT / file).read_text("utf-8"))
        return {
            plugin["name"]: {setting["name"] for setting in plugin["settings"]}
            for plugin in document["plugins"]["loaders"]
        }

    ours, example = targets("meltano.yml"), targets("examples/meltano.yml")
    expected = {name: ours[name] for name in example}
    assert example == expected, "edit the loaders of both meltano.yml"


def test_env_example_has_the_settings_of_the_code() -> None:
    text = (ROOT / ".env.example").read_text("utf-8")
    prefix = "TAP_TOGGL_HIRE_"
    lines = dict(re.findall(rf"^(?:# ?)?{prefix}([A-Z_]+)=(.*)$", text, re.MULTILINE))
    names = {name.lower() for name in lines}
    assert names == set(SETTINGS), "edit .env.example: one line per setting"
    for name, setting in SETTINGS.items():
        value = lines.get(name.upper())
        if setting.get("secret"):
            assert value == "", f"edit .env.example: {name} without a value"
        elif value is not None and "default" in setting:
            default = setting["default"]
            assert yaml.safe_load(value) == default, f"edit .env.example: {name}"


def test_every_setting_of_the_sdk_is_described() -> None:
    assert SDK_SETTINGS.keys() == SETTINGS.keys() - NAMES


def test_every_setting_has_a_title_and_a_description() -> None:
    without = [
        name
        for name, setting in SETTINGS.items()
        if not (setting.get("title") and setting.get("description"))
    ]
    assert not without, f"add a title and a description in settings.py: {without}"


def test_example_project_pins_the_tap() -> None:
    project = yaml.safe_load((ROOT / "examples/meltano.yml").read_text("utf-8"))
    (tap,) = project["plugins"]["extractors"]
    pinned = f"{TapTogglHire.name}~={VERSION.rpartition('.')[0]}.0"
    assert tap["pip_url"] == pinned, "edit pip_url in examples/meltano.yml"


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("analytics/dbt/dbt_project.yml", "version: {}"),
        ("analytics/report/pyproject.toml", 'version = "{}"'),
        ("docs/answers.md", "revision: v{}"),
    ],
)
def test_models_and_report_have_the_version_of_the_tap(file: str, line: str) -> None:
    text = (ROOT / file).read_text("utf-8")
    assert line.format(VERSION) in map(str.strip, text.splitlines()), f"edit {file}"


def test_changelog_begins_with_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    (first, *_) = re.findall(r"^## (\S+):", text, re.MULTILINE)
    assert first == VERSION, "edit CHANGELOG.md: its first section, or the version"


def test_page_of_the_state_has_its_keys_and_columns() -> None:
    def first_cells(rows: str) -> set[str]:
        cells = re.findall(r"^\| (`.*?) \| ", rows, re.MULTILINE)
        return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}

    page = (ROOT / "docs" / "state.md").read_text("utf-8")
    keys, columns = page.partition("## Format 3")[2].split("| column |")
    state = State().dump()
    assert first_cells(keys) == set(state)
    assert first_cells(columns) == set(state["candidates"])
