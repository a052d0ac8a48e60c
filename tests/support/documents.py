"""Commands of the documents, as a reader would copy them."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]


def shell_blocks(document: str) -> list[str]:
    """Return the blocks of shell commands in a document."""
    text = (ROOT / document).read_text("utf-8")
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(block) for block in blocks]


def shell_block(document: str, *words: str) -> str:
    """Return the only block of a document that has all of the words."""
    (block,) = (
        block
        for block in shell_blocks(document)
        if all(word in block for word in words)
    )
    return block
