"""The page on the structure, and the structure."""

from __future__ import annotations

import ast
import re
import typing as t

import pytest

from tests.documents import tables

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGE = tables.ROOT / "tap_toggl_hire"
MODULES = {
    ".".join(path.relative_to(tables.ROOT).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.name != "__init__.py"
}
PURE = ("plan", "absence", "scope", "codec", "rotation", "guard", "stretch")
ACTING = ("inventory", "state", "engine", "finder", "asking", "sweep", "whole")


def imports(path: Path) -> Iterator[str]:
    """All modules that a file imports, those for types alone among them."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            for alias in node.names:
                if (name := f"{node.module}.{alias.name}") in MODULES:
                    yield name


def test_the_tables_are_those_of_the_code() -> None:
    text = tables.ARCHITECTURE.read_text()
    assert tables.architecture(text) == text, "make documents"


def test_every_module_is_on_the_page() -> None:
    text = tables.ARCHITECTURE.read_text()
    rooms = text.partition("## Rooms")[2].partition("## The flow")[0]
    told = set(re.findall(r"\b(\w+\.py)\b", rooms))
    assert told == {path.name for path in MODULES.values()}


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {
        name: {one for one in imports(path) if one in MODULES}
        for name, path in MODULES.items()
    }
    while leaves := [name for name, others in graph.items() if not others]:
        for leaf in leaves:
            del graph[leaf]
        for others in graph.values():
            others.difference_update(leaves)
    assert not graph


def test_the_plan_imports_only_the_three() -> None:
    found = set(imports(MODULES["tap_toggl_hire.sync.plan"]))
    assert found == {"__future__", "enum", "dataclasses", "typing"}


@pytest.mark.parametrize("name", PURE)
def test_what_decides_touches_nothing_that_acts(name: str) -> None:
    found = set(imports(MODULES[f"tap_toggl_hire.sync.{name}"]))
    acting = {f"tap_toggl_hire.sync.{one}" for one in ACTING}
    assert not found & (acting | {"requests", "urllib3", "threading", "logging"})
    assert not any(
        one.startswith(("singer_sdk", "tap_toggl_hire.api")) for one in found
    )


def test_the_wing_api_knows_no_other() -> None:
    for name, path in MODULES.items():
        if name.startswith("tap_toggl_hire.api."):
            ours = {one for one in imports(path) if one.startswith("tap_toggl_hire.")}
            assert all(
                one.startswith("tap_toggl_hire.api") or one.endswith(".errors")
                for one in ours
            ), name


def test_the_wing_sync_knows_neither_sdk_nor_settings() -> None:
    for name, path in MODULES.items():
        if name.startswith("tap_toggl_hire.sync."):
            assert not any(
                one.startswith(("singer_sdk", "tap_toggl_hire.settings", "requests"))
                for one in imports(path)
            ), name


def test_one_module_alone_assigns_the_inventory() -> None:
    assigned = re.compile(r"^ *(\w+\.)?_?inventory\[[^]]+\] = ", re.MULTILINE)
    places = {
        name: len(assigned.findall(path.read_text()))
        for name, path in MODULES.items()
        if assigned.search(path.read_text())
    }
    engine = places.pop("tap_toggl_hire.sync.engine")
    assert engine <= 5
    # Which reads what was written.
    assert places.keys() == {"tap_toggl_hire.sync.state"}


def test_rooms_are_small() -> None:
    for name, path in MODULES.items():
        text = path.read_text()
        if not name.endswith(".settings"):
            assert text.count("\n") <= 300, name
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef):
                assert (node.end_lineno or 0) - node.lineno < 200, node.name
