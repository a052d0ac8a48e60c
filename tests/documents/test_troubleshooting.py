"""docs/troubleshooting.md lists the messages of the package, and no others.

The messages are found in the source, without importing it: arguments of the errors in
errors.py and of logging calls, sentences that are appended to a list, variables named
`message` or `sentence`, and sentences about settings. In both places, … stands for what
varies.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.documents.test_links import MAIN, anchors

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "troubleshooting.md"
ANY = "…"
CALLS = {"info", "warning", "error", "_warn", "append"}
VARIABLES = {"message", "msg", "sentence"}
INTERNAL = {"TransientError", "TooManyRequestsError"}
"""Errors that never reach the user."""
ERRORS = {
    node.name
    for node in ast.parse((ROOT / "tap_toggl_hire/errors.py").read_text("utf-8")).body
    if isinstance(node, ast.ClassDef)
} - INTERNAL
SETTING = re.compile(rf"(Setting \S+ [a-z]|Ignoring an ).*\.{ANY}?$")
PLACEHOLDER = re.compile(r"%[-+ #0]*[\d.]*[sdfr]|\{[^{}]*\}")


def text_of(node: ast.expr, constants: dict[str, ast.expr]) -> str | None:
    """Return the text of an expression; None if it is not a literal."""
    match node:
        case ast.Constant(value=str(text)):
            return PLACEHOLDER.sub(ANY, text).replace("%%", "%").replace("{{", "{")
        case ast.JoinedStr(values=parts):
            return "".join(text_of(part, constants) or ANY for part in parts)
        case ast.Call(func=ast.Attribute(value=value, attr="format")):
            return text_of(value, constants)
        case ast.FormattedValue(value=ast.Name() as name):
            return text_of(name, constants)
        case ast.Name(id=name) if name in constants:
            return text_of(constants[name], constants)
    return None


def messages(source: str) -> Iterator[str]:
    """Yield the messages in the source of a module."""
    tree = ast.parse(source)
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        text = None
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args):
                if args and (name in CALLS | ERRORS or name.endswith("_error")):
                    text = text_of(args[name == "_warn"], constants)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                text = text_of(value, constants) if name in VARIABLES else None
            case ast.keyword(arg="errorMessage", value=value):
                text = f"Setting {ANY} {text_of(value, constants)}."
            case ast.Constant() | ast.JoinedStr():
                text = text_of(node, {}) or ""
                text = text if SETTING.match(text) else None
        if text and re.search("[A-Za-z]{2} ", text):
            yield " ".join(text.split())


def listed() -> list[str]:
    """Return the messages in the tables of the page."""
    sections = re.findall(
        r"^## Messages: .*?(?=^## )", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    table = re.compile(r"^\| (?!message|---)(.+?) \| ", re.MULTILINE)
    rows = table.findall("\n".join(sections))
    return [row.replace("`", "").rstrip(" .:…") for row in rows]


def pattern(row: str) -> re.Pattern[str]:
    """Return the pattern of a row: the beginning of a message."""
    return re.compile(".*".join(map(re.escape, row.split(ANY))))


MESSAGES = {
    message: f"{path.relative_to(ROOT)}"
    for path in sorted(ROOT.glob("tap_toggl_hire/**/*.py"))
    for message in messages(path.read_text("utf-8"))
}


def test_documents_in_messages_are_reachable() -> None:
    """The wheel has no `docs/`: messages have URLs of files and headings."""
    urls = [
        url
        for message in MESSAGES
        for url in re.findall(r"[^\s(]*docs/\w+\.md[\w#-]*", message)
    ]
    assert urls
    for url in urls:
        assert url.startswith(MAIN)
        file, _, anchor = url.removeprefix(MAIN).partition("#")
        assert not anchor or anchor in anchors((ROOT / file).read_text("utf-8"))


def test_messages_are_found_in_source() -> None:
    source = """
CONSTANT = "It is %s and is short."
raise TapError(f"A {kind} error is raised.", is_transient=True)
raise TapError("{a} of {b} are missing.".format(a=1, b=2))
logger.warning(CONSTANT, "long")
self._warn("kind", "Retrying GET %s again.", url)
raise TransientError("not for users at all")
"""
    assert set(messages(source)) == {
        "A … error is raised.",
        "… of … are missing.",
        "It is … and is short.",
        "Retrying GET … again.",
    }


def test_every_message_is_listed() -> None:
    patterns = [pattern(row) for row in listed()]
    missing = [
        f"{path}: {message}"
        for message, path in MESSAGES.items()
        if not any(row.match(message) for row in patterns)
    ]
    assert not missing, "add to docs/troubleshooting.md:\n" + "\n".join(missing)


def test_every_listed_message_exists() -> None:
    extra = [row for row in listed() if not any(map(pattern(row).match, MESSAGES))]
    assert not extra, "remove from docs/troubleshooting.md:\n" + "\n".join(extra)
