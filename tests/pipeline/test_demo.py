from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from sandbox import Account, Sandbox
from tools.local.meltano import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.pipeline, pytest.mark.postgres, pytest.mark.slow]


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    with start(tmp_path) as process:
        yield process
        process.kill()


def start(folder: Path, *arguments: str, **settings: str) -> subprocess.Popen[str]:
    plain = {k: v for k, v in os.environ.items() if not k.startswith("TAP_TOGGL_HIRE_")}
    return subprocess.Popen(
        [sys.executable, "-m", "tools.demo", *arguments],
        cwd=CHECKOUT,
        env={**plain, "TMPDIR": str(folder), **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_demo_plays_eight_months_ends_with_the_report_and_leaves_nothing(
    demo: subprocess.Popen[str], tmp_path: Path
) -> None:
    printed, errors = demo.communicate()

    assert demo.returncode == 0, errors
    assert not errors
    lines = printed.splitlines()
    assert len(lines) <= 56
    assert lines[-1].endswith("report.html")
    assert max(map(len, lines)) <= 88
    read = re.findall(r"(\d+) of them for one candidate \((\d+) due", printed)
    (first, none), (second, due) = (map(int, pair) for pair in read)
    assert first > 80
    assert none == 0
    assert 0 < due < second
    loads = re.findall(r"^   20\d\d-\d\d +(\d+) ", printed, re.MULTILINE)
    assert sum(map(int, loads)) == 186
    page = Path(lines[-1].split()[-1]).read_text("utf-8")
    assert page.count("<svg") > 10
    assert "What does COUNT(column) count?" in page
    assert not list(tmp_path.iterdir())


def test_readme_shows_rows_that_the_demo_prints(tmp_path: Path) -> None:
    text = (CHECKOUT / "README.md").read_text("utf-8")
    (shown,) = re.findall(r"<!-- demo -->\n```text\n(.*?)```", text, re.DOTALL)
    with start(tmp_path, "--today", "2026-06-05T16:00") as demo:
        printed, errors = demo.communicate()
    assert demo.returncode == 0, errors
    lines = printed.splitlines()
    assert not [line for line in filter(None, shown.splitlines()) if line not in lines]


def test_demo_on_an_existing_workspace_sends_only_get(tmp_path: Path) -> None:
    with Sandbox(Account.example(candidates=30)) as workspace:
        version = workspace.account.version
        settings = {
            "TAP_TOGGL_HIRE_API_KEY": workspace.api_key,
            "TAP_TOGGL_HIRE_API_URL": workspace.url,
        }
        with start(tmp_path, **settings) as demo:
            printed, errors = demo.communicate()

    assert demo.returncode == 0, errors
    assert "Your Toggl Hire workspace" in printed
    assert workspace.account.version == version
    assert workspace.stats.count("candidate") == 30


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_demo_leaves_nothing(
    demo: subprocess.Popen[str], tmp_path: Path, number: signal.Signals
) -> None:
    assert demo.stdout
    while "$ meltano run" not in demo.stdout.readline():
        pass
    meltano = next(tmp_path.glob("demo-*")) / ".meltano"
    while not (meltano / "run" / "tap-toggl-hire").exists():
        time.sleep(0.1)
    started = psutil.Process(demo.pid).children(recursive=True)
    servers = [process for process in started if "-k" in process.cmdline()]
    folders = [
        Path(process.cmdline()[process.cmdline().index("-k") + 1])
        for process in servers
    ]
    assert folders

    demo.send_signal(number)

    assert demo.wait(30) == 128 + number
    psutil.wait_procs(started, timeout=5)
    assert not [process for process in started if process.is_running()]
    assert not any(folder.exists() for folder in folders)
    assert not list(tmp_path.iterdir())
