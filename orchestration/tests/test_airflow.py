"""The DAG with `airflow dags test` and the real Meltano."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tools.local.meltano import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

    from orchestration.tests.many import Many

AIRFLOW = CHECKOUT / ".venv-airflow" / "bin" / "airflow"
pytestmark = pytest.mark.skipif(
    not AIRFLOW.exists(), reason="make test-orchestration installs it"
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set up AIRFLOW_HOME, with a file that imports the DAG, and a database."""
    folder = tmp_path / "airflow"
    dags = folder / "dags"
    dags.mkdir(parents=True)
    line = "from orchestration.airflow_dag import toggl_hire\n"
    (dags / "toggl_hire.py").write_text(line)
    monkeypatch.setenv("AIRFLOW_HOME", str(folder))
    monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    code, output = airflow("db", "migrate")
    assert code == 0, output
    return folder


def airflow(*arguments: str) -> tuple[int, str]:
    """Run a command of Airflow; return its exit code, and what it printed."""
    ended = subprocess.run(
        [AIRFLOW, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout


def test_mapped_tasks_load_all_workspaces_and_failures_are_reported(
    many: Many, home: Path
) -> None:
    many.add("berlin", "lisbon", "oslo")
    many.give_key("lisbon", "wrong-key-0815")

    code, output = airflow("dags", "test", "toggl_hire")

    assert code != 0
    message = "AirflowFailException: lisbon: The API rejects the API key"
    assert message in output, output
    assert "check the setting api_key" in output
    for name in ("berlin", "oslo"):
        many.assert_loaded(name)
        many.change(name)

    many.give_key("lisbon", many.sandboxes["lisbon"].api_key)
    code, again = airflow("dags", "test", "toggl_hire")

    assert code == 0, again
    for name, sandbox in many.sandboxes.items():
        many.assert_loaded(name)
        created = many.created(name)
        assert len(created) == len(set(created))
        assert sandbox.api_key not in output + again
    assert "wrong-key-0815" not in output + again
    many.assert_no_key_in(home)
