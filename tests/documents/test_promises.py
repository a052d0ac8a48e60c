"""docs/privacy.md names a test for each of its promises."""

from __future__ import annotations

import re

from tools.documents.tables import ROOT

PAGE = ROOT / "docs" / "privacy.md"


def test_each_test_exists() -> None:
    table = PAGE.read_text("utf-8").partition("\n| promise | test |\n")[2]
    rows = re.findall(r"^\| (?!---)(.+?) \| (.+?) \|$", table, re.MULTILINE)
    assert rows
    missing = []
    for promise, tests in rows:
        named = re.findall(r"`([\w/.]+)::(\w+)`", tests)
        missing += [] if named else [promise]
        for path, name in named:
            file = ROOT / path
            if not file.is_file() or f"def {name}(" not in file.read_text("utf-8"):
                missing.append(f"{path}::{name}")
    assert not missing, f"edit {PAGE.name}: name existing tests for {missing}"
