"""`python -m orchestration`, with the real Meltano."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil

from tools.local.meltano import CHECKOUT

if TYPE_CHECKING:
    import pytest

    from orchestration.tests.many import Many
    from tools.local.postgres import Postgres


def start() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration"],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run() -> tuple[int, list[str], str]:
    """Run the command; return its exit code, its report and its log."""
    process = start()
    report, log = process.communicate()
    return process.returncode, sorted(report.splitlines()), log


def test_all_workspaces_are_loaded_and_failures_are_reported(
    many: Many, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres.connect() as connection:
        connection.execute("drop database if exists other with (force)")
        connection.execute("create database other")
    monkeypatch.setenv("URL_OF_OSLO", postgres.url("other"))
    many.environments["oslo"] = {"TARGET_POSTGRES_SQLALCHEMY_URL": "$URL_OF_OSLO"}
    many.add("berlin", "lisbon", "oslo")
    many.give_key("lisbon", "wrong-key-0815")

    code, report, log = run()

    assert code == 1
    berlin, lisbon, oslo = report
    count = len(many.sandboxes["berlin"].account.listed_ids())
    assert berlin.startswith("berlin: loaded in ")
    assert f": {count} created, 0 updated, 0 deleted; " in berlin
    assert lisbon.startswith("lisbon: failed: The API rejects the API key")
    assert "check the setting api_key" in lisbon
    assert oslo.startswith("oslo: loaded in ")
    assert " berlin INFO: " in log
    assert " lisbon ERROR: The API rejects" in log
    many.assert_loaded("berlin")
    with postgres.connect("other") as connection:
        rows = connection.execute("select id from toggl_hire_oslo.candidates")
        listed = many.sandboxes["oslo"].account.listed_ids()
        assert {name for (name,) in rows} == set(listed)

    many.give_key("lisbon", many.sandboxes["lisbon"].api_key)
    many.sandboxes["berlin"].account.delete(
        many.sandboxes["berlin"].account.listed_ids()[0]
    )
    code, report, again = run()

    assert code == 0, again
    assert "0 created, 0 updated, 1 deleted" in report[0]
    many.assert_loaded("berlin")
    many.assert_loaded("lisbon")
    for secret in ["wrong-key", *(one.api_key for one in many.sandboxes.values())]:
        assert secret not in log + again
    many.assert_no_key_in()


def test_stopped_command_ends_its_runs_and_starts_no_other(many: Many) -> None:
    many.add("berlin", "lisbon", candidates=80)
    many.write(at_once=1)
    many.sandboxes["berlin"].latency = 0.1
    process = start()
    while many.sandboxes["berlin"].stats.count("candidate") < 5:
        time.sleep(0.02)
    children = psutil.Process(process.pid).children(recursive=True)

    process.send_signal(signal.SIGTERM)
    report, log = process.communicate()

    assert process.returncode == 1, log
    assert sorted(report.splitlines()) == [
        "berlin: failed: It was stopped.",
        "lisbon: not loaded: the command was stopped.",
    ]
    assert children
    _, running = psutil.wait_procs(children, timeout=5)
    assert not [one for one in running if one.status() != psutil.STATUS_ZOMBIE]
    assert many.sandboxes["lisbon"].stats.count("candidates") == 0
    many.assert_no_key_in()


def test_invalid_file_is_reported(many: Many) -> None:
    many.file.write_text("workspaces: none")
    code, report, log = run()
    assert (code, report) == (1, [])
    assert "workspaces.yml: workspaces must be a list" in log
    assert "Traceback" not in log
