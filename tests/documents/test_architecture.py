"""ARCHITECTURE.md and the structure of the package: modules and imports."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from tools.documents import tables

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = "tap_toggl_hire"
ORDER = (
    *("__main__", "tap", "run", "summary"),
    *("sync.candidates", "sync.fetch", "sync.kept", "sync.comparison"),
    *("sync.checkpoint", "sync.tasks", "sink", "reemission", "checkup"),
    *("sync.tags", "sync.proofs", "streams", "sync.observer", "sync.lists"),
    *("session", "redacted", "api.client", "sync.state", "settings", "messages"),
    *("api.workers", "api.http", "sync.scope", "sync.inventory", "sync.change"),
    *("projection", "privacy", "answers", "stop", "api.throttle", "api.pagination"),
    *("sync.ids", "sync.rotation", "sync.plan", "redaction", "progress", "clock"),
    *("api.body", "records", "errors"),
)
"""Each module imports only modules to its right or below."""
MODULES = {
    ".".join(path.relative_to(tables.ROOT / PACKAGE).with_suffix("").parts): path
    for path in sorted((tables.ROOT / PACKAGE).rglob("*.py"))
    if path.name != "__init__.py"
}


def imports(name: str, *, types: bool = False) -> set[str]:
    """Return what a module imports; its own package without the prefix.

    Args:
        name: The module.
        types: Whether to include imports for type checkers only.
    """
    found = set()
    for node in _nodes(ast.parse(MODULES[name].read_text("utf-8")), types=types):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            parts = {f"{module}.{alias.name}" for alias in node.names}
            found |= {one for one in parts if _plain(one) in MODULES} or {module}
    return {_plain(one) for one in found}


def _nodes(tree: ast.AST, *, types: bool) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        is_for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(
            node.test
        )
        if types or not is_for_types:
            yield node
            yield from _nodes(node, types=types)


def _plain(module: str) -> str:
    return module.removeprefix(f"{PACKAGE}.")


def test_order_has_every_module() -> None:
    assert sorted(ORDER) == sorted(MODULES)


@pytest.mark.parametrize("name", ORDER)
def test_module_imports_only_modules_below(name: str) -> None:
    below = set(ORDER[ORDER.index(name) + 1 :])
    assert imports(name) & set(MODULES) <= below


def test_plan_is_pure() -> None:
    found = imports("sync.plan", types=True)
    assert found <= {"__future__", "dataclasses", "enum", "typing"}


def test_sync_knows_neither_sdk_nor_http() -> None:
    for name in MODULES:
        if name.startswith("sync."):
            found = imports(name, types=True)
            assert not found & {"requests", "urllib3", "settings", "streams"}, name
            assert not any(one.startswith("singer_sdk") for one in found), name


def test_page_has_every_module() -> None:
    text = tables.ARCHITECTURE.read_text("utf-8")
    found = set(re.findall(r"\b(\w+\.py)\b", text))
    assert {path.name for path in MODULES.values()} <= found
