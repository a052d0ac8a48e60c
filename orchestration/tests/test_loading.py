"""Loads at once, on the real Meltano: nobody sees another's key, rows or state."""

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
from tests.pipeline.warehouse import tombstones
from tools.local.meltano import CHECKOUT

if TYPE_CHECKING:
    from orchestration.report import Figures
    from orchestration.tests.many import Many

TWELVE = [f"w{number}" for number in range(12)]
LOAD = "import sys; from orchestration.loading import Project; "
LOAD += "Project.of_environment().load(sys.argv[1])"


def load(many: Many, names: list[str], gap: float = 0.0) -> dict[str, Figures]:
    """Load all at once, each `gap` seconds after the one before."""

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
    """Meltano, and what it has started."""
    return psutil.Process(running.pid).children(recursive=True)


def wait_for_details(many: Many, name: str, count: int) -> None:
    """Wait until a run has asked for so many candidates."""
    while many.sandboxes[name].stats.count("candidate") < count:
        time.sleep(0.02)


def test_twelve_at_once_on_a_fresh_system_database_and_then_staggered(
    many: Many,
) -> None:
    many.add(*TWELVE)
    # A key in the project's own .env is that of no workspace.
    (many.folder / ".env").write_text("TAP_TOGGL_HIRE_API_KEY=of-nobody\n")

    first = load(many, TWELVE)

    for name in TWELVE:
        many.assert_true(name)
        listed = many.sandboxes[name].account.listed_ids()
        assert first[name].counts["created"] == len(listed)
        many.change(name)
        many.sandboxes[name].stats.reset()

    second = load(many, TWELVE, gap=0.1)

    for name in TWELVE:
        many.assert_true(name)
        # A state of another workspace, or none, would have everybody read again.
        assert many.sandboxes[name].stats.count("candidate") <= 6, name
        created = second[name].counts["created"]
        assert created <= 4
        count = len(many.created(name))
        assert count == first[name].counts["created"] + created
    many.assert_no_key_in()


def test_two_runs_of_one_workspace_at_once(many: Many) -> None:
    many.add("berlin", "lisbon", candidates=60)
    many.sandboxes["berlin"].latency = 0.1
    running = start("berlin")
    wait_for_details(many, "berlin", 1)

    with pytest.raises(LoadError, match="Another run of berlin is under way") as failed:
        many.project.load("berlin")
    many.project.load("lisbon")

    assert failed.value.may_pass
    assert running.wait() == 0
    many.assert_true("berlin")
    assert many.created("berlin") == sorted(
        many.sandboxes["berlin"].account.listed_ids()
    )


@pytest.mark.parametrize("who", ["meltano", "engine"])
def test_a_run_that_is_killed_and_the_next(many: Many, who: str) -> None:
    """The next run loads the rest, once nothing of the killed one is left."""
    many.add("berlin", candidates=80)
    many.sandboxes["berlin"].latency = 0.1
    running = start("berlin")
    wait_for_details(many, "berlin", 20)
    meltano, *others = processes_of(running)
    victim = running if who == "engine" else meltano

    victim.send_signal(signal.SIGKILL)

    assert running.wait() != 0
    many.sandboxes["berlin"].latency = 0
    while any(one.is_running() for one in (meltano, *others)):
        with suppress(LoadError):
            many.project.load("berlin")
        time.sleep(0.2)
    many.project.load("berlin")
    many.assert_true("berlin")
    assert many.created("berlin") == sorted(
        many.sandboxes["berlin"].account.listed_ids()
    )
    many.assert_no_key_in()


def test_a_stopped_run_leaves_nothing_behind(many: Many) -> None:
    many.add("berlin", candidates=80)
    many.sandboxes["berlin"].latency = 0.1
    running = start("berlin")
    wait_for_details(many, "berlin", 5)
    children = processes_of(running)

    running.send_signal(signal.SIGINT)  # as Ctrl-C does

    assert running.wait() != 0
    assert not [one for one in children if one.is_running()]
    many.assert_no_key_in()


def test_what_may_pass_and_what_may_not(
    many: Many, monkeypatch: pytest.MonkeyPatch
) -> None:
    many.add("berlin")
    told: list[str] = []

    def failure() -> LoadError:
        with pytest.raises(LoadError) as failed:
            many.project.load("berlin", lambda level, text: told.append(level + text))
        return failed.value

    many.give_key("berlin", "wrong-key-0815")
    refused = failure()
    assert "check setting api_key" in str(refused)
    assert not refused.may_pass

    many.give_key("berlin", "")
    missing = failure()
    assert "KEY_OF_BERLIN" in str(missing)
    assert not missing.may_pass

    many.give_key("berlin", "secret-berlin-4711")
    address = "postgresql+psycopg://me:hidden-word@127.0.0.1:1/none"
    monkeypatch.setenv("TARGET_POSTGRES_SQLALCHEMY_URL", address)
    unreachable = failure()
    assert "OperationalError" in str(unreachable)
    assert unreachable.may_pass

    everything = "\n".join([*told, str(refused), str(missing), str(unreachable)])
    assert told
    for secret in ("wrong-key-0815", "secret-berlin-4711", "hidden-word"):
        assert secret not in everything
    many.assert_no_key_in()


def test_parts_at_once_equal_the_whole(many: Many) -> None:
    many.add("big", candidates=90, parts=3)
    account = many.sandboxes["big"].account
    parts = list(many.project.workspaces().loads)
    assert parts == ["big-1-of-3", "big-2-of-3", "big-3-of-3"]
    for name in parts[:1]:  # makes the tables, which three at once would make
        many.project.load(name)
    load(many, parts)
    many.assert_true("big")

    opening = account.add_opening("New")
    moved, deleted, *_ = account.listed_ids()
    account.set_field(moved, "job_opening_id", opening)
    account.delete(deleted)
    account.delete_opening(account.openings()[0]["id"])
    many.change("big", 8)
    many.sandboxes["big"].stats.reset()
    load(many, parts)

    many.assert_true("big")
    created = many.created("big")
    assert len(created) == len(set(created))
    assert deleted in tombstones(many.rows("big", "candidates"))
    assert many.sandboxes["big"].stats.count("candidate") < 40


def test_from_two_parts_to_three_with_a_state_from_the_warehouse(many: Many) -> None:
    """Who is deleted between the last load in two parts and the first in three goes."""
    many.add("big", candidates=20, parts=2)
    for name in many.project.workspaces().loads:
        many.project.load(name)
    account = many.sandboxes["big"].account
    deleted = account.listed_ids()[0]
    account.delete(deleted)

    many.parts["big"] = 3
    many.write()
    state = many.folder / "state.json"
    state.write_text(f'{{"singer_state": {many.state_from_warehouse("big")}}}')
    for load in many.project.workspaces().loads.values():
        command = [many.project.meltano, "state", "set", "--force", load.state_id]
        command += ["--input-file", str(state)]
        subprocess.run(command, cwd=many.folder, check=True, capture_output=True)
        many.project.load(load.name)

    many.assert_true("big")
    marked = tombstones(many.rows("big", "candidates"))
    assert marked == {deleted: {"id", "_sdc_deleted_at"}}
