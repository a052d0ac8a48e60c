"""The first files of `tests/shapes`: the documented version, and an invented later one.

The tap itself writes them, against the sandbox.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from sandbox import Account, Sandbox
from tests.support.api_shapes import shape_of_sandbox, text_of
from tools.documents.tables import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FOLDER = ROOT / "tests" / "shapes"


def _sandbox(version: str) -> Sandbox:
    text_ids = version != "v2.1"
    account = Account.example(candidates=150, openings=6, text_ids=text_ids)
    return Sandbox(account, versions=(version,))


def shape(version: str) -> str:
    """Return what `--test=shape` writes for a version of the sandbox."""
    with _sandbox(version) as sandbox:
        return json.dumps(shape_of_sandbox(sandbox), indent=1) + "\n"


def text(version: str) -> str:
    """Return what the tap makes of a version of the sandbox."""
    with _sandbox(version) as sandbox:
        return text_of(sandbox)


FILES: dict[Path, Callable[[], str]] = {
    FOLDER / f"{version}{suffix}": partial(make, version)
    for version in ("v2.1", "v2.2")
    for suffix, make in ((".json", shape), (".txt", text))
}
