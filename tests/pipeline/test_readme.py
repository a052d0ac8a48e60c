"""The commands of the README work as they stand."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tools.local.meltano import CHECKOUT

if TYPE_CHECKING:
    from sandbox import Sandbox

pytestmark = pytest.mark.pipeline
README = (CHECKOUT / "README.md").read_text("utf-8")


def run_pipe(folder: Path, sandbox: Sandbox, **settings: object) -> int:
    """Run the pipe of the README without Meltano, and return its exit code."""
    (pipe,) = re.findall(r"```sh\n((?:(?!```).)*target-jsonl.*?)```", README, re.DOTALL)
    config = {"api_key": sandbox.api_key, "api_url": sandbox.url, **settings}
    (folder / "config.json").write_text(json.dumps(config))
    target = CHECKOUT / ".meltano" / "loaders" / "target-jsonl" / "venv" / "bin"
    path = f"{Path(sys.executable).parent}:{target}:{os.environ['PATH']}"
    sandbox.stats.reset()
    done = subprocess.run(
        ["bash", "-euc", pipe],  # noqa: S607
        cwd=folder,
        env={**os.environ, "PATH": path},
        check=False,
    )
    return done.returncode


def test_pipe_continues_from_its_last_state(tmp_path: Path, sandbox: Sandbox) -> None:
    account = sandbox.account
    candidates = account.listed_ids()

    assert run_pipe(tmp_path, sandbox, page_size=0) != 0  # before any state
    assert json.loads((tmp_path / "state.json").read_text()) == {}

    assert run_pipe(tmp_path, sandbox) == 0
    assert sandbox.stats.count("candidate") == len(candidates)

    account.rate(candidates[0], 1 + account.row(candidates[0])["rating"] % 3)
    assert run_pipe(tmp_path, sandbox) == 0
    assert sandbox.stats.count("candidate") == 1
