"""ARCHITECTURE.md and the structure of the package: modules and imports."""

from __future__ import annotations

import ast
import re
import tomllib

from tools.documents import tables

PACKAGE = "tap_toggl_hire"
MODULES = {
    ".".join(path.relative_to(tables.ROOT / PACKAGE).with_suffix("").parts): path
    for path in sorted((tables.ROOT / PACKAGE).rglob("*.py"))
    if path.name != "__init__.py"
}


def imports(name: str) -> set[str]:
    """Return what a module imports; its own package without the prefix."""
    imported = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            parts = {f"{module}.{alias.name}" for alias in node.names}
            imported |= {part for part in parts if _plain(part) in MODULES} or {module}
    return {_plain(module) for module in imported}


def _plain(module: str) -> str:
    return module.removeprefix(f"{PACKAGE}.")


def test_layers_have_every_module() -> None:
    """`lint-imports` knows nothing of a module that they lack: add it there."""
    settings = tomllib.loads((tables.ROOT / "pyproject.toml").read_text("utf-8"))
    layers, *_ = settings["tool"]["importlinter"]["contracts"]
    assert sorted(map(_plain, layers["layers"])) == sorted(MODULES)


def test_plan_is_pure() -> None:
    imported = imports("sync.plan")
    assert imported <= {"__future__", "dataclasses", "enum", "typing"}


def test_page_has_every_module() -> None:
    text = tables.ARCHITECTURE.read_text("utf-8")
    named = set(re.findall(r"\b(\w+\.py)\b", text))
    assert {path.name for path in MODULES.values()} <= named
