"""Several sandboxes, one Meltano project, one PostgreSQL."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

from orchestration.loading import Project
from sandbox import Account, Sandbox, random_change
from tests.pipeline.warehouse import assert_living_rows_match_api, keyed
from tools.local import meltano

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    import psycopg
    import pytest

    from tests.pipeline.warehouse import Rows

MELTANO = str(meltano.CHECKOUT / ".venv" / "bin" / "meltano")


class Many:
    """Workspaces with an invented account each, and a project that loads them."""

    def __init__(
        self,
        folder: Path,
        stack: ExitStack,
        connection: psycopg.Connection,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        meltano.Project(folder, {})  # creates its files
        self.folder = folder
        self.file = folder / "workspaces.yml"
        self.project = Project(folder, MELTANO, self.file)
        self.sandboxes: dict[str, Sandbox] = {}
        self.environments: dict[str, dict[str, str]] = {}
        self._stack = stack
        self._connection = connection
        self._monkeypatch = monkeypatch
        for variable, value in (
            ("PROJECT", folder),
            ("MELTANO", MELTANO),
            ("WORKSPACES", self.file),
        ):
            monkeypatch.setenv(f"TOGGL_HIRE_{variable}", str(value))

    def add(self, *names: str, candidates: int = 12) -> None:
        """Start a sandbox for each new workspace, and add it to the file."""
        for name in names:
            seed = len(self.sandboxes) + 1
            account = Account.example(candidates + seed, in_progress=2, seed=seed)
            sandbox = Sandbox(account, f"secret-{name}-4711")
            self.sandboxes[name] = self._stack.enter_context(sandbox)
            self.give_key(name, sandbox.api_key)
        self.write()

    def remove(self, name: str) -> None:
        """Remove a workspace from the file."""
        del self.sandboxes[name]
        self.write()

    def give_key(self, name: str, key: str) -> None:
        """Set the API key of a workspace in the environment."""
        self._monkeypatch.setenv(f"KEY_OF_{name.upper()}", key)

    def write(self, at_once: int = 4) -> None:
        """Write the file."""
        lines = [f"at_once: {at_once}", "workspaces:"]
        for name, sandbox in self.sandboxes.items():
            lines += [
                f"  - name: {name}",
                f"    key_variable: KEY_OF_{name.upper()}",
                f"    settings: {{api_url: '{sandbox.url}'}}",
                f"    environment: {json.dumps(self.environments.get(name, {}))}",
            ]
        self.file.write_text("\n".join(lines))

    def change(self, name: str, times: int = 4) -> None:
        """Change candidates of a workspace in ways that its lists show."""
        account = self.sandboxes[name].account
        rng = random.Random(name)
        for _ in range(times):
            random_change(account, rng)

    def rows(self, name: str, stream: str) -> Rows:
        """Return the rows of a table of a workspace."""
        query = f"select * from toggl_hire_{name}.{stream}"
        cursor = self._connection.execute(query.encode())
        names = [column.name for column in cursor.description or ()]
        dicts = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return keyed(stream, dicts)

    def assert_loaded(self, name: str) -> None:
        """Compare the tables of a workspace with its API."""
        account = self.sandboxes[name].account
        assert_living_rows_match_api(lambda stream: self.rows(name, stream), account)

    def created(self, name: str) -> list[str]:
        """Return the candidates with an event `created` in the history."""
        history = self.rows(name, "candidate_history").values()
        return sorted(
            row["candidate_id"] for row in history if row["event"] == "created"
        )

    def assert_no_key_in(self, *folders: Path) -> None:
        """Search every file for the API keys."""
        keys = [sandbox.api_key.encode() for sandbox in self.sandboxes.values()]
        for folder in (self.folder, *folders):
            for path in folder.rglob("*"):
                if path.is_file() and "venv" not in path.parts:
                    content = path.read_bytes()
                    assert not [key for key in keys if key in content], path
