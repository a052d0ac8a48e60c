"""Concurrent loads with the real Meltano: keys, rows and states stay separate."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from orchestration.loading import LoadError
from tools.local.meltano import CHECKOUT

if TYPE_CHECKING:
    from orchestration.report import Figures
    from orchestration.tests.many import Many

TWELVE = [f"w{number}" for number in range(12)]
LOAD = "import sys; from orchestration.loading import Project; "
LOAD += "Project.of_environment().load(sys.argv[1])"


def load(many: Many, names: list[str], gap: float = 0.0) -> dict[str, Figures]:
    """Load all concurrently, started `gap` seconds apart."""

    def one(number: int, name: str) -> Figures:
        time.sleep(gap * number)
        return many.project.load(name)

    with ThreadPoolExecutor(len(names)) as threads:
        runs = [threads.submit(one, *pair) for pair in enumerate(names)]
    return {name: run.result() for name, run in zip(names, runs, strict=True)}


def start(name: str) -> subprocess.Popen[bytes]:
    """Load a workspace in a process of its own."""
    return subprocess.Popen([sys.executable, "-c", LOAD, name], cwd=CHECKOUT)


def processes_of(running: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return Meltano and the processes it has started."""
    return psutil.Process(running.pid).children(recursive=True)


def wait_for_details(many: Many, name: str, count: int) -> None:
    """Wait until a run has requested the details of some candidates."""
    while many.sandboxes[name].stats.count("candidate") < count:
        time.sleep(0.02)


def test_twelve_runs_share_a_fresh_system_database(
    many: Many,
) -> None:
    many.add(*TWELVE)
    # A key in the project's own .env belongs to no workspace.
    (many.folder / ".env").write_text("TAP_TOGGL_HIRE_API_KEY=unused\n")

    first = load(many, TWELVE)

    for name in TWELVE:
        many.assert_loaded(name)
        listed = many.sandboxes[name].account.listed_ids()
        assert first[name].counts["candidates_created"] == len(listed)
        many.change(name)
        many.sandboxes[name].stats.reset()

    second = load(many, TWELVE, gap=0.1)

    for name in TWELVE:
        many.assert_loaded(name)
        # With the state of another workspace, or none, all would be read again.
        assert many.sandboxes[name].stats.count("candidate") <= 6, name
        created = second[name].counts["candidates_created"]
        assert created <= 4
        count = len(many.created(name))
        assert count == first[name].counts["candidates_created"] + created
    many.assert_no_key_in()


def test_second_run_of_a_workspace_at_once_is_rejected(many: Many) -> None:
    many.add("berlin", "lisbon", candidates=60)
    many.sandboxes["berlin"].latency = 0.1
    running = start("berlin")
    wait_for_details(many, "berlin", 1)

    with pytest.raises(
        LoadError, match="Another run of berlin has not ended"
    ) as failed:
        many.project.load("berlin")
    many.project.load("lisbon")

    assert failed.value.is_transient
    assert running.wait() == 0
    many.assert_loaded("berlin")
    assert many.created("berlin") == sorted(
        many.sandboxes["berlin"].account.listed_ids()
    )


@pytest.mark.parametrize("killed", ["meltano", "orchestrator"])
def test_run_after_a_killed_run_loads_the_rest(many: Many, killed: str) -> None:
    many.add("berlin", candidates=80)
    many.sandboxes["berlin"].latency = 0.1
    running = start("berlin")
    wait_for_details(many, "berlin", 20)
    meltano, *others = processes_of(running)
    victim = running if killed == "orchestrator" else meltano

    victim.send_signal(signal.SIGKILL)

    assert running.wait() != 0
    many.sandboxes["berlin"].latency = 0
    while any(one.is_running() for one in (meltano, *others)):
        with suppress(LoadError):
            many.project.load("berlin")
        time.sleep(0.2)
    many.project.load("berlin")
    many.assert_loaded("berlin")
    assert many.created("berlin") == sorted(
        many.sandboxes["berlin"].account.listed_ids()
    )
    many.assert_no_key_in()


def test_stopped_run_leaves_no_process_behind(many: Many) -> None:
    many.add("berlin", candidates=80)
    many.sandboxes["berlin"].latency = 0.1
    running = start("berlin")
    wait_for_details(many, "berlin", 5)
    children = processes_of(running)

    running.send_signal(signal.SIGINT)  # as Ctrl-C does

    assert running.wait() != 0
    _, left = psutil.wait_procs(children, timeout=5)
    # One that ended is a zombie until its parent asks, and init may not.
    assert not [one for one in left if one.status() != psutil.STATUS_ZOMBIE]
    many.assert_no_key_in()


def test_failures_are_transient_or_permanent(
    many: Many, monkeypatch: pytest.MonkeyPatch
) -> None:
    many.add("berlin")
    logged: list[str] = []

    def failure() -> LoadError:
        with pytest.raises(LoadError) as failed:
            many.project.load("berlin", lambda level, text: logged.append(level + text))
        return failed.value

    many.give_key("berlin", "wrong-key-0815")
    rejected = failure()
    assert "check the setting api_key" in str(rejected)
    assert not rejected.is_transient

    many.give_key("berlin", "")
    missing = failure()
    assert "KEY_OF_BERLIN" in str(missing)
    assert not missing.is_transient

    many.give_key("berlin", "secret-berlin-4711")
    address = "postgresql+psycopg://me:hidden-word@127.0.0.1:1/none"
    monkeypatch.setenv("TARGET_POSTGRES_SQLALCHEMY_URL", address)
    unreachable = failure()
    assert "OperationalError" in str(unreachable)
    assert unreachable.is_transient

    everything = "\n".join([*logged, str(rejected), str(missing), str(unreachable)])
    assert logged
    for secret in ("wrong-key-0815", "secret-berlin-4711", "hidden-word"):
        assert secret not in everything
    many.assert_no_key_in()
