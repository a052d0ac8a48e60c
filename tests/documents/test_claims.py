"""claims.md names a test for each claim about personal data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tools.documents.tables import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

CLAIMS = Path(__file__).with_name("claims.md")
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "orchestration" / "README.md",
    *sorted(ROOT.glob("docs/*.md")),
]
HERE = "tests/documents/claims.md"
WORDS = re.compile(r"personal|erased|deleted|hash", re.IGNORECASE)
NAMES = re.compile(r"`[^`]*`|\]\([^)]*\)|(?<=/)\w+(?=\.md)")
SECTION = re.compile(r"^## (\S+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
SECTIONS = dict(SECTION.findall(CLAIMS.read_text("utf-8")))


def claims(document: Path) -> dict[str, list[str]]:
    """Return the tests of each claim of a document, by its words."""
    rows = re.findall(
        r"^\| (?!claim \||---)(.+?) \| (.+?) \|$",
        SECTIONS.get(document.relative_to(ROOT).as_posix(), ""),
        re.MULTILINE,
    )
    return {words: re.findall(r"`([^`]+)`", tests) for words, tests in rows}


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences with one of the words, each row of a table as one.

    Code, headings, the heads of tables and generated tables claim nothing of their own;
    names of columns and links do not count as words.
    """
    prose = re.sub(
        r"```.*?```|<!-- (\w+): generated.*?<!-- /\1 -->", "", text, flags=re.DOTALL
    )
    prose = re.sub(r"^#.*|^\|.*\n(?=\| ---)", "", prose, flags=re.MULTILINE)
    for line in prose.splitlines():
        masked = NAMES.sub(lambda match: "_" * len(match[0]), line)
        pattern = r".+" if line.startswith("|") else r".+?(?:[.:;!?](?=\s)|$)"
        for match in re.finditer(pattern, masked):
            if WORDS.search(match[0]):
                yield line[match.start() : match.end()].strip()


def test_sentence_with_one_of_the_words_is_found() -> None:
    text = "# Deleted\nIt is. Hashed: `by: hash`.\n| deleted |\n| --- |\n| hash |"
    assert list(sentences(text)) == ["Hashed:", "| hash |"]


@pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_each_sentence_about_personal_data_is_claimed_and_tested(
    document: Path,
) -> None:
    claimed = claims(document)
    missing = [
        sentence
        for sentence in sentences(document.read_text("utf-8"))
        if not any(words in sentence for words in claimed)
    ]
    assert not missing, f"add to {HERE} with a test, or -:\n" + "\n".join(missing)


@pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_each_claim_is_in_its_document(document: Path) -> None:
    text = document.read_text("utf-8")
    gone = [words for words in claims(document) if words not in text]
    assert not gone, f"in {HERE}, use words of {document.name} for:\n" + "\n".join(gone)


def test_each_test_exists() -> None:
    named = {
        test
        for document in DOCUMENTS
        for tests in claims(document).values()
        for test in tests
    }
    assert named
    missing = []
    for test in named:
        path, _, name = test.partition("::")
        file = ROOT / path
        if not file.is_file() or f"def {name}(" not in file.read_text("utf-8"):
            missing.append(test)
    assert not missing, f"name existing tests in {HERE} for:\n" + "\n".join(missing)
