"""Dagster's code location, in process and in several processes, on the real Meltano."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from tools.local.meltano import CHECKOUT

dg = pytest.importorskip("dagster", reason="make test-orchestration has it")

from orchestration import dagster_code  # noqa: E402
from orchestration.dagster_code import JOB, WORKSPACES, definitions  # noqa: E402
from orchestration.workspaces import WorkspacesError  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestration.tests.many import Many

pytestmark = pytest.mark.filterwarnings("default")  # Dagster's own
FIVE = ["berlin", "lisbon", "oslo", "riga", "tallinn"]
LOCATION = """
from orchestration.dagster_code import definitions
from orchestration.loading import Project

defs = definitions(Project.of_environment(), pause=1)
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """DAGSTER_HOME, with our own limits."""
    folder = tmp_path / "dagster"
    folder.mkdir()
    text = (CHECKOUT / "orchestration" / "dagster.yaml").read_text()
    (folder / "dagster.yaml").write_text(text)
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    return folder


@pytest.fixture
def instance(home: Path) -> Iterator[Any]:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance


def follow(many: Many, instance: Any) -> list[str]:
    """Evaluate the sensor once, as the daemon does; return the requested partitions."""
    sensor = definitions(many.project).resolve_sensor_def("follow_workspaces")
    result = sensor(dg.build_sensor_context(instance=instance))
    for request in result.dynamic_partitions_requests or ():
        if isinstance(request, dg.AddDynamicPartitionsRequest):
            instance.add_dynamic_partitions(WORKSPACES, request.partition_keys)
        else:
            for key in request.partition_keys:
                instance.delete_dynamic_partition(WORKSPACES, key)
    return [request.partition_key for request in result.run_requests or ()]


def run(many: Many, instance: Any, key: str) -> Any:
    """Run a partition in this process."""
    return (
        definitions(many.project, pause=1)
        .resolve_job_def(JOB)
        .execute_in_process(partition_key=key, instance=instance, raise_on_error=False)
    )


def start(folder: Path, number: int, key: str) -> subprocess.Popen[bytes]:
    """Run a partition in a process of its own, with a log file."""
    location = folder / "location.py"
    location.write_text(LOCATION)
    command = [str(Path(sys.executable).parent / "dagster"), "job", "execute"]
    command += ["--python-file", str(location), "--job", JOB]
    command += ["--tags", json.dumps({dagster_code.PARTITION: key})]
    with (folder / f"{number}.log").open("wb") as log:
        return subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def pipelines(process: subprocess.Popen[bytes]) -> int:
    """Count the unfinished runs of Meltano that a process has started."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
        return sum("el" in one.cmdline() for one in children)
    except psutil.Error:  # ended meanwhile
        return 0


def test_workspace_with_a_wrong_key_is_reported_and_stops_no_other(
    many: Many, instance: Any, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    many.add(*FIVE)
    many.give_key("oslo", "wrong-key-0815")
    assert follow(many, instance) == FIVE

    results = {name: run(many, instance, name) for name in FIVE}

    assert [name for name, one in results.items() if not one.success] == ["oslo"]
    tries = [
        e for e in results["oslo"].all_events if e.event_type_value == "STEP_START"
    ]
    assert len(tries) == 1  # a rejected key is a permanent failure
    for name in FIVE:
        if name != "oslo":
            many.assert_loaded(name)
            (event,) = results[name].get_asset_materialization_events()
            figures = event.step_materialization_data.materialization.metadata
            assert figures["candidates_created"].value == len(many.created(name))
            assert figures["seconds"].value > 0
    freshness = definitions(many.project).resolve_job_def("check_toggl_hire")
    checked = freshness.execute_in_process(instance=instance, raise_on_error=False)
    (check,) = checked.get_asset_check_evaluations()
    assert not check.passed
    assert check.description.startswith("oslo: The API rejects the API key")
    assert "check the setting api_key" in check.description

    many.give_key("oslo", many.sandboxes["oslo"].api_key)
    for name in ("berlin", "oslo"):
        many.change(name)
        assert run(many, instance, name).success
        many.assert_loaded(name)
    (check,) = freshness.execute_in_process(
        instance=instance
    ).get_asset_check_evaluations()
    assert check.passed
    logged = "".join(capfd.readouterr())
    assert "The API rejects the API key" in logged
    for secret in [
        "wrong-key",
        *(sandbox.api_key for sandbox in many.sandboxes.values()),
    ]:
        assert secret not in logged
    many.assert_no_key_in(home)


def test_processes_respect_the_limits(
    many: Many, instance: Any, tmp_path: Path
) -> None:
    """There are two runs of one workspace, one of another, and room for one."""
    many.add("berlin", "lisbon")
    many.write(at_once=1)
    follow(many, instance)
    asked_for = enumerate(("berlin", "berlin", "lisbon"))

    processes = [start(tmp_path, *number_and_name) for number_and_name in asked_for]
    most = 0
    while any(process.poll() is None for process in processes):
        most = max(most, sum(map(pipelines, processes)))
        time.sleep(0.1)

    logs = [path.read_text() for path in sorted(tmp_path.glob("*.log"))]
    assert [process.returncode for process in processes] == [0, 0, 0], "\n".join(logs)
    assert most == 1
    for name in ("berlin", "lisbon"):
        many.assert_loaded(name)
        listed = many.sandboxes[name].account.listed_ids()
        assert many.created(name) == sorted(listed)
    many.assert_no_key_in(tmp_path)


def test_transient_failure_is_retried(many: Many, instance: Any) -> None:
    many.add("berlin")
    follow(many, instance)
    own = many.folder / ".meltano/run/toggl-hire"
    own.mkdir(parents=True)
    with (own / "toggl-hire-berlin.lock").open("w") as lock:

        def release() -> None:
            while not (own / "prepared").exists():  # the first try comes right after
                time.sleep(0.1)
            time.sleep(2)
            fcntl.flock(lock, fcntl.LOCK_UN)

        fcntl.flock(lock, fcntl.LOCK_EX)  # as another run does
        other = threading.Thread(target=release)
        other.start()
        result = run(many, instance, "berlin")
        other.join()

    assert result.success
    retries = [e for e in result.all_events if e.is_step_up_for_retry]
    assert retries
    assert "Another run of berlin" in str(retries[0].step_retry_data.error)
    many.assert_loaded("berlin")


def test_sensor_keeps_partitions_in_step_with_the_file(
    many: Many, instance: Any
) -> None:
    many.add("berlin", "lisbon")
    dg.Definitions.validate_loadable(definitions(many.project))
    assert follow(many, instance) == ["berlin", "lisbon"]
    assert follow(many, instance) == []
    limits = instance.event_log_storage.get_concurrency_info(WORKSPACES)
    assert limits.slot_count == 4

    many.add("oslo")
    many.remove("lisbon")
    assert follow(many, instance) == ["oslo"]
    assert set(instance.get_dynamic_partitions(WORKSPACES)) == {"berlin", "oslo"}

    many.file.write_text("workspaces: none")
    with pytest.raises(WorkspacesError, match="workspaces must be a list"):
        follow(many, instance)
    assert set(instance.get_dynamic_partitions(WORKSPACES)) == {"berlin", "oslo"}


def test_schedule_skips_partitions_with_unfinished_runs(
    many: Many, instance: Any
) -> None:
    many.add("berlin", "lisbon")
    follow(many, instance)
    code = definitions(many.project)
    instance.create_run_for_job(
        code.resolve_job_def(JOB),
        status=dg.DagsterRunStatus.STARTED,
        tags={dagster_code.PARTITION: "berlin"},
    )
    schedule = code.resolve_schedule_def("toggl_hire_every_hour")
    requests = schedule(dg.build_schedule_context(instance=instance))
    assert [request.partition_key for request in requests] == ["lisbon"]
