"""ARCHITECTURE.md and the order of imports know every module of the package."""

from __future__ import annotations

import re
import tomllib

from tools.documents import tables

MODULES = {
    ".".join(path.relative_to(tables.ROOT).with_suffix("").parts): path.name
    for path in (tables.ROOT / "tap_toggl_hire").rglob("*.py")
    if path.name != "__init__.py"
}


def test_layers_have_every_module() -> None:
    """`lint-imports` knows nothing of a module that they lack: add it there."""
    settings = tomllib.loads((tables.ROOT / "pyproject.toml").read_text("utf-8"))
    layers, *_ = settings["tool"]["importlinter"]["contracts"]
    assert sorted(layers["layers"]) == sorted(MODULES)


def test_page_has_every_module() -> None:
    text = tables.ARCHITECTURE.read_text("utf-8")
    named = set(re.findall(r"\b(\w+\.py)\b", text))
    assert set(MODULES.values()) <= named
