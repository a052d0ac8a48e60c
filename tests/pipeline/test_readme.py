"""What the README tells a newcomer to type works as it stands."""

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


def test_the_pipe_works_from_its_first_run_on(tmp_path: Path, sandbox: Sandbox) -> None:
    text = (CHECKOUT / "README.md").read_text("utf-8")
    (pipe,) = re.findall(r"```sh\n((?:(?!```).)*target-jsonl.*?)```", text, re.DOTALL)
    config = {"api_key": sandbox.api_key, "api_url": sandbox.url}
    (tmp_path / "config.json").write_text(json.dumps(config))
    target = CHECKOUT / ".meltano" / "loaders" / "target-jsonl" / "venv" / "bin"
    path = f"{Path(sys.executable).parent}:{target}:{os.environ['PATH']}"

    def run() -> int:
        """Run the pipe, and return how many requests for details it took."""
        sandbox.stats.reset()
        subprocess.run(
            ["/bin/sh", "-euc", pipe],
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            check=True,
        )
        return sandbox.stats.count("candidate")

    account = sandbox.account
    candidates = account.listed_ids()
    assert run() == len(candidates)
    account.rate(candidates[0], 1 + account.row(candidates[0])["rating"] % 3)
    assert run() == 1
