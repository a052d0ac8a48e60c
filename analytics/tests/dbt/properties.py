"""What the dbt project says of its models, macros and exposures."""

from __future__ import annotations

from itertools import chain
from typing import Any

import yaml  # type: ignore[import-untyped]

from tools.documents.tables import ROOT

PROJECT = ROOT / "analytics" / "dbt"
_FILES = [
    yaml.safe_load(path.read_text("utf-8"))
    for path in sorted(PROJECT.glob("m*s/**/*.yml"))
]


def described(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of everything of a kind, such as models, by name."""
    entries = chain.from_iterable(file.get(kind, ()) for file in _FILES)
    return {entry["name"]: entry for entry in entries}
