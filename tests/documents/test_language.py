"""Plain technical English in the package, its schemas, the documents and examples.

CONTRIBUTING.md ("Language") has the style and the glossary. This module imports nothing
of the package, so that it also runs while the package is broken.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
SUFFIXES = {".json", ".md", ".py", ".sql", ".toml", ".yaml", ".yml"}
FILES = [
    path
    for pattern in (
        "*.md",
        "*.yaml",
        "*.yml",
        ".github/ISSUE_TEMPLATE/*",
        "docs/**/*",
        "examples/**/*",
        "orchestration/*",
        "schemas/*",
        "tap_toggl_hire/**/*",
        "tools/hub/*",
    )
    for path in sorted(ROOT.glob(pattern))
    if path.suffix in SUFFIXES
]
PHRASES = (
    r"tells?|telling|told",  # log, return, report, say
    r"whom|nobody|somebody",
    r"(?-i:is none|are none)",  # but Python's `is None`
    r"for good|for a moment",  # permanent, transient
    r"rather an?",
    r"mend|mends|mended|mending",  # fix
    r"dear",  # expensive
)
PATTERN = re.compile(
    rf"(?<![A-Za-z.])(?:{'|'.join(PHRASES)})(?![A-Za-z])".replace(" ", r"\s+(?:#\s*)?"),
    re.IGNORECASE,
)
ALLOWED = {
    ("CONTRIBUTING.md", "never *tell*"),  # the glossary
}


def phrases(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line number and the text of each rejected phrase."""
    for match in PATTERN.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, " ".join(match[0].split())


def is_allowed(path: str, line: str) -> bool:
    """Return whether a line is among the exceptions."""
    return any(path == file and part in line for file, part in ALLOWED)


@pytest.mark.parametrize(
    "text", ["It is told", "tells\n", "is\n# none", "For a  moment", "`mend`", "_tell("]
)
def test_rejected_phrase_is_found(text: str) -> None:
    assert list(phrases(text))


@pytest.mark.parametrize("text", ["recommend", "retelling", "x is None", "who"])
def test_similar_word_is_not_rejected(text: str) -> None:
    assert not list(phrases(text))


@pytest.mark.parametrize(
    "path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_text_has_no_rejected_phrase(path: Path) -> None:
    name, text = path.relative_to(ROOT).as_posix(), path.read_text("utf-8")
    lines = text.splitlines()
    rejected = [
        f"{name}:{number}: {phrase}"
        for number, phrase in phrases(text)
        if not is_allowed(name, lines[number - 1])
    ]
    assert not rejected, "other words, see CONTRIBUTING.md:\n" + "\n".join(rejected)


def test_every_exception_is_needed() -> None:
    for name, part in ALLOWED:
        lines = (ROOT / name).read_text("utf-8").splitlines()
        is_needed = any(part in line and list(phrases(line)) for line in lines)
        assert is_needed, f"remove from ALLOWED in test_language.py: {part}"


def test_words_are_spelled_correctly() -> None:
    """codespell is configured in pyproject.toml; each line names file and line."""
    pytest.importorskip("codespell_lib", reason="in the group lint")
    done = subprocess.run(
        [sys.executable, "-m", "codespell_lib"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stdout, "spell as codespell says, or edit pyproject.toml:\n" + (
        done.stdout
    )
    assert done.returncode == 0, done.stderr
