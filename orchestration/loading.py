"""Load a workspace, with a folder, an API key and a state of its own."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self, TextIO

from orchestration.report import Figures, Report
from orchestration.workspaces import Workspaces, WorkspacesError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestration.workspaces import Workspace

EXTRACTOR, LOADER = "tap-toggl-hire", "target-postgres"
POLL_INTERVAL = 0.1
"""Seconds between two reads of the log of a run."""
GRACE = 10.0
"""Seconds that a run gets to shut down before it is killed."""


class LoadError(Exception):
    """Raised if a load fails, with the tap's own message where it logged one.

    Attributes:
        is_transient: Whether a retry may succeed without a change.
    """

    def __init__(self, message: str, *, is_transient: bool) -> None:
        super().__init__(message)
        self.is_transient = is_transient


@dataclass(frozen=True)
class Project:
    """A Meltano project with the tap and target-postgres, installed.

    Attributes:
        folder: Folder of `meltano.yml`.
        meltano: Path or name of the command.
        file: Path of the list of workspaces.
    """

    folder: Path
    meltano: str
    file: Path

    @classmethod
    def of_environment(cls) -> Self:
        """Return the project that the environment configures.

        `TOGGL_HIRE_PROJECT` is its folder (default: the parent folder of this package),
        `TOGGL_HIRE_WORKSPACES` the list of workspaces (default: its `workspaces.yml`),
        `TOGGL_HIRE_MELTANO` the command (default: that of the project's `.venv`, then
        the one on the path).
        """
        variable = os.environ.get
        beside = Path(__file__).resolve().parent.parent
        folder = Path(variable("TOGGL_HIRE_PROJECT") or beside).resolve()
        own = folder / ".venv" / "bin" / "meltano"
        found = str(own) if own.exists() else shutil.which("meltano")
        return cls(
            folder,
            variable("TOGGL_HIRE_MELTANO") or found or "meltano",
            Path(variable("TOGGL_HIRE_WORKSPACES") or folder / "workspaces.yml"),
        )

    def workspaces(self) -> Workspaces:
        """Read the list of workspaces.

        Raises:
            WorkspacesError: If the file is missing or invalid.
        """
        return Workspaces.read(self.file)

    def load(
        self,
        name: str,
        log: Callable[[str, str], object] = lambda *_: None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> Figures:
        """Load one workspace.

        `meltano el` uses a separate folder per state ID and run, with its own catalog
        and state; `meltano run` does not.

        Args:
            name: Name of the workspace.
            log: Called with the level and the text of each line of the tap.
            is_stopped: Whether the run has to end before it is complete.

        Returns:
            The figures of the run.

        Raises:
            LoadError: If the load failed.
        """
        try:
            workspaces = self.workspaces()
            workspace = workspaces.find(name)
            environment = workspaces.environment(workspace, os.environ)
        except WorkspacesError as error:
            raise LoadError(str(error), is_transient=False) from error
        self._prepare(environment)
        report = Report(log, environment["TAP_TOGGL_HIRE_API_KEY"])
        started = time.monotonic()
        with self._only_run_of(workspace) as lock:
            try:
                code = self._run(workspace, environment, report, lock, is_stopped)
            finally:
                # A killed run leaves its configuration there, including the key.
                runs = self.folder / ".meltano" / "run" / "elt" / workspace.state_id
                shutil.rmtree(runs, ignore_errors=True)
        if code:
            raise LoadError(report.failure(code), is_transient=report.is_transient)
        return Figures(report.counts, time.monotonic() - started)

    def _run(
        self,
        workspace: Workspace,
        environment: dict[str, str],
        report: Report,
        lock: int,
        is_stopped: Callable[[], bool],
    ) -> int:
        command = [self.meltano, "--log-format=json", "el", "--no-install"]
        # --force: the lock guarantees that no other run is active, while Meltano's own
        # table lists a killed run as active for five minutes.
        command += ["--force", f"--state-id={workspace.state_id}"]
        log = self._own() / f"{workspace.state_id}.log"
        # A file rather than a pipe: a run whose orchestrator is killed would block or
        # die on a pipe, but completes with a file, and holds the lock until then.
        with (
            log.open("wb") as file,
            log.open(encoding="utf-8", errors="replace") as tail,
        ):
            try:
                # A session of its own, so that everything Meltano starts can be ended.
                process = subprocess.Popen(  # noqa: S603 - our own command
                    [*command, EXTRACTOR, LOADER],
                    cwd=self.folder,
                    env={**environment, "MELTANO_CLI_DISABLE_VERSION_CHECK": "true"},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=file,
                    start_new_session=True,
                    pass_fds=[lock],
                )
            except OSError as error:
                raise self._no_meltano(error) from error
            try:
                for line in _follow(tail, process, is_stopped):
                    report.read(line)
                return process.wait()
            finally:
                _end(process)

    def _prepare(self, environment: dict[str, str]) -> None:
        """Set up the system database before several runs try to at the same time."""
        done = self._own() / "prepared"
        with self._lock("system-database", wait=True):
            if done.exists():
                return
            try:
                process = subprocess.run(  # noqa: S603 - our own command
                    [self.meltano, "--log-level=warning", "schedule", "list"],
                    cwd=self.folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    check=False,
                )
            except OSError as error:
                raise self._no_meltano(error) from error
            if not process.returncode:
                done.touch()

    def _no_meltano(self, error: OSError) -> LoadError:
        return LoadError(
            f"{self.meltano} cannot be started in {self.folder} ({error.strerror}): "
            "check TOGGL_HIRE_MELTANO and TOGGL_HIRE_PROJECT.",
            is_transient=False,
        )

    @contextmanager
    def _only_run_of(self, workspace: Workspace) -> Iterator[int]:
        try:
            with self._lock(workspace.state_id, wait=False) as lock:
                yield lock
        except BlockingIOError:
            raise LoadError(
                f"Another run of {workspace.name} has not ended.", is_transient=True
            ) from None

    @contextmanager
    def _lock(self, name: str, *, wait: bool) -> Iterator[int]:
        how = fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB
        with (self._own() / f"{name}.lock").open("w") as file:
            fcntl.flock(file, how)
            yield file.fileno()

    def _own(self) -> Path:
        """Return the folder for locks and logs."""
        folder = self.folder / ".meltano" / "run" / "toggl-hire"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder


def _follow(
    tail: TextIO, process: subprocess.Popen[bytes], is_stopped: Callable[[], bool]
) -> Iterator[str]:
    """Yield the lines of a log until the process that writes it has ended."""
    rest, is_running = "", True
    while is_running:
        if is_stopped():
            raise LoadError("It was stopped.", is_transient=True)
        is_running = process.poll() is None  # before reading: nothing follows then
        *lines, rest = (rest + tail.read()).split("\n")
        yield from lines
        if is_running:
            time.sleep(POLL_INTERVAL)
    yield rest


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a run and every process that it left behind."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    if process.returncode != 0:  # its children may still be running
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
