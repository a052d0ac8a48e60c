"""A new list stream is a schema, a class and a row of the sandbox: CONTRIBUTING's
recipe, carried out in a copy of the checkout."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import typing as t

import pytest

from tools.documents.tables import ROOT

if t.TYPE_CHECKING:
    from pathlib import Path

COPIED = (
    "tap_toggl_hire",
    "schemas",
    "sandbox",
    "tools",
    "docs",
    "examples",
    "analytics/dbt",
    "README.md",
    "ARCHITECTURE.md",
    "pyproject.toml",
    "meltano.yml",
    "plugin.yaml",
    "tests/shapes",
    "tests/support",
    "CHANGELOG.md",
)
CLASS = '''
class Webhooks(ListStream):
    """Webhooks: `/webhooks`."""

    name = "webhooks"
    path = "/webhooks"


STREAMS: tuple'''
PROGRAM = """
import json
from sandbox import Account, Sandbox
from tests.support.tap import run_tap, settings

with Sandbox(Account.example(candidates=3)) as sandbox:
    state = {"bookmarks": {"webhooks": {}}}
    run = run_tap(settings(sandbox), state=state)
    checkup = run_tap(settings(sandbox), "--test")
    rows = [row["name"] for row in run.records("webhooks")]
    print(json.dumps([rows, checkup.stdout, run.stderr]))
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of the checkout with the stream `webhooks`."""
    for name in COPIED:
        source, copy = ROOT / name, tmp_path / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "target", "logs")
            shutil.copytree(source, copy, ignore=ignored)
        else:
            shutil.copy(source, copy)
    schema = json.loads((ROOT / "schemas" / "tags.json").read_text("utf-8"))
    schema["description"] = "One row per webhook."
    (tmp_path / "schemas" / "webhooks.json").write_text(json.dumps(schema))
    edit(tmp_path / "tap_toggl_hire" / "streams.py", "\nSTREAMS: tuple", CLASS)
    edit(
        tmp_path / "tap_toggl_hire" / "streams.py",
        "    Tags,\n",
        "    Tags, Webhooks,\n",
    )
    edit(
        tmp_path / "sandbox" / "api.py",
        '    "tags": lambda account',
        '    "webhooks": lambda _: [{"id": "1", "name": "New candidate"}],\n'
        '    "tags": lambda account',
    )
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(old) == 1, f"{path} has no {old!r}"
    path.write_text(text.replace(old, new), "utf-8")


def run(checkout: Path, *arguments: str) -> str:
    process = subprocess.run(
        [sys.executable, *arguments],
        cwd=checkout,
        env={"PYTHONPATH": str(checkout), "PATH": ""},
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_new_list_stream_needs_no_other_code(checkout: Path) -> None:
    rows, checkup, log = json.loads(run(checkout, "-c", PROGRAM))
    assert rows == ["New candidate"], log
    assert "webhooks: 1 read" in checkup


def test_documents_follow_from_a_new_class(checkout: Path) -> None:
    run(checkout, "-m", "tools.documents")
    for name in ("README.md", "docs/tables.md"):
        assert "webhooks" in (checkout / name).read_text("utf-8"), name
    sources = (
        checkout / "analytics/dbt/models/staging/toggl_hire/_sources.yml"
    ).read_text("utf-8")
    assert "- name: webhooks" in sources


@pytest.mark.slow
def test_checks_pass_after_every_step_of_the_recipe(checkout: Path) -> None:
    """Lint and unit tests, with what the tests are told of the new stream."""
    for name in ("unit", "documents"):
        shutil.copytree(ROOT / "tests" / name, checkout / "tests" / name)
    support = checkout / "tests" / "support"
    edit(
        support / "streams.py",
        '"categories", "tags")',
        '"categories", "tags", "webhooks")',
    )
    edit(
        support / "api_rows.py",
        "lists = (account.openings(), account.categories(), account.tags())",
        'webhooks = [{"id": "1", "name": "New candidate"}]\n'
        "        own = (account.openings(), account.categories(), account.tags())\n"
        "        lists = (*own, webhooks)",
    )
    run(checkout, "-m", "tools.documents")
    run(checkout, "-m", "ruff", "check", "tap_toggl_hire", "sandbox", "tests")
    run(checkout, "-m", "pytest", "-q", "tests/unit", "-m", "not slow", "-x")
