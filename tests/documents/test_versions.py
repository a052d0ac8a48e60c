"""The version of the package is the same wherever a document or an example has it."""

from __future__ import annotations

import re
import tomllib

import yaml  # type: ignore[import-untyped]

from tools.documents.tables import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
MINOR = PROJECT["version"].rpartition(".")[0]


def test_example_project_pins_the_tap() -> None:
    project = yaml.safe_load((ROOT / "examples/meltano.yml").read_text("utf-8"))
    (tap,) = project["plugins"]["extractors"]
    assert tap["pip_url"] == f"{PROJECT['name']}~={MINOR}.0"


def test_changelog_begins_with_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    (first, *_) = re.findall(r"^## (\S+)", text, re.MULTILINE)
    assert first == PROJECT["version"]
