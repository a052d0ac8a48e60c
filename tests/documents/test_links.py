"""The documents are complete, and their links lead somewhere."""

from __future__ import annotations

import re
import typing as t

import pytest
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager

from tools.documents.tables import README, ROOT

if t.TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "tools/hub/*.md", "orchestration/*.md")
    for path in ROOT.glob(pattern)
)
MAIN = "https://github.com/tap-toggl-hire/tap-toggl-hire/blob/main/"
RAW = "https://raw.githubusercontent.com/tap-toggl-hire/tap-toggl-hire/main/"


def links(text: str) -> list[str]:
    """The targets of a document's links and pictures; code has none."""
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
    return re.findall(r"\]\(([^)\s]+)\)", prose)


def anchors(text: str) -> set[str]:
    """The anchors of a document's headings, as they are made on GitHub."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {word.replace(" ", "-") for word in words}


def broken(text: str, base: Path) -> list[str]:
    """The links of a document that lead to no file, or to no heading of one."""
    links_without_target = []
    for link in links(text):
        if link.startswith(("https:", "http:")):
            continue
        path, _, anchor = link.partition("#")
        target = (base / path).resolve()
        if (target.is_relative_to(ROOT) and not target.exists()) or (
            anchor
            and anchor not in anchors(target.read_text("utf-8") if path else text)
        ):
            links_without_target.append(link)
    return links_without_target


@pytest.mark.parametrize(
    "path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_every_link_leads_to_a_file_and_a_heading(path: Path) -> None:
    links = broken(path.read_text("utf-8"), path.parent)
    assert not links, f"edit {path.relative_to(ROOT)}: no such file or heading"


def test_broken_link_is_found() -> None:
    text = "# Here\n[a](#here) [b](#there) [c](README.md#no-such) [d](nothing.md)"
    assert broken(text, ROOT) == ["#there", "README.md#no-such", "nothing.md"]


def test_readme_leads_to_every_document() -> None:
    text = README.read_text("utf-8")
    linked = {link.partition("#")[0] for link in links(text)}
    documents = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/*.md")}
    assert not documents - linked, "edit README.md: link each document of docs/"


@pytest.mark.parametrize(
    "path",
    sorted([*ROOT.glob("examples/queries/*.sql"), *ROOT.glob("examples/[!_]*.*")]),
    ids=lambda path: path.name,
)
def test_every_query_and_example_begins_with_what_it_is(path: Path) -> None:
    begins = re.match(r'-- \w|# \w|"""\w', path.read_text("utf-8"))
    assert begins, f"edit {path.relative_to(ROOT)}: its first line says what it is"


def test_readme_of_the_package_has_no_relative_link() -> None:
    metadata = ProjectMetadata(str(ROOT), PluginManager()).core
    assert metadata.readme_content_type == "text/markdown"
    text = metadata.readme
    relative = [link for link in links(text) if not re.match(r"https://|#", link)]
    assert not relative, "edit README.md, or substitutions in pyproject.toml"
    pictures = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)
    assert pictures
    assert all(picture.startswith(RAW) for picture in pictures), pictures
    assert text.replace(MAIN, "").replace(RAW, "") == README.read_text("utf-8")


def test_image_gets_what_the_container_file_copies_and_no_more() -> None:
    text = (ROOT / "examples" / "Containerfile").read_text("utf-8")
    lines = re.findall(r"^COPY \S+ (.*) \S+$", text, re.MULTILINE)
    copied = {name for line in lines for name in line.split()}
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert ignored[1] == "*"
    kept = {line[1:] for line in ignored if line.startswith("!")}
    assert kept == copied, "edit .dockerignore: ! for what Containerfile copies"
