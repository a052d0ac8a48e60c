"""Each file of `tests/shapes` is a test: the tap meets an API of that shape.

Beside `NAME.json`, which `--test=shape` has written, stands `NAME.txt`: the check-up,
how a run ends, and which parts of the shape the sandbox does not rebuild.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox.rebuilt import rebuild
from tests.support.api_shapes import comparable, text_of

FOLDER = Path(__file__).parents[1] / "shapes"
FILES = sorted(FOLDER.glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_tap_meets_a_shape_as_before(path: Path) -> None:
    rebuilt = rebuild(json.loads(path.read_text("utf-8")))
    with rebuilt.sandbox() as sandbox:
        text = text_of(sandbox)
    text += "".join(f"not rebuilt: {part}\n" for part in rebuilt.not_rebuilt)
    expected = path.with_suffix(".txt").read_text("utf-8")
    assert comparable(text) == comparable(expected), f"the sandbox gives:\n{text}"
