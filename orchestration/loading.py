"""Runs one load, with a run folder, a key and a state of its own."""

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

    from orchestration.workspaces import Load

EXTRACTOR, LOADER = "tap-toggl-hire", "target-postgres"
BLINK = 0.1
"""Seconds between two looks at the log of a run."""
GRACE = 10.0
"""Seconds that a run has to end in order when it is stopped."""


class LoadError(Exception):
    """A load failed; the text is the tap's own sentence, where it has one.

    Attributes:
        may_pass: Whether to try again later makes sense.
    """

    def __init__(self, sentence: str, *, may_pass: bool) -> None:
        super().__init__(sentence)
        self.may_pass = may_pass


@dataclass(frozen=True)
class Project:
    """A Meltano project with the tap and target-postgres, installed.

    Attributes:
        folder: That of `meltano.yml`.
        meltano: The command.
        file: The workspaces.
    """

    folder: Path
    meltano: str
    file: Path

    @classmethod
    def of_environment(cls) -> Self:
        """Find the project as the environment says, or beside this package.

        `TOGGL_HIRE_PROJECT` is its folder, `TOGGL_HIRE_WORKSPACES` the file of the
        workspaces, `TOGGL_HIRE_MELTANO` the command `meltano`.
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
        """Read the file of the workspaces.

        Raises:
            WorkspacesError: If it cannot be used.
        """
        return Workspaces.read(self.file)

    def load(
        self, name: str, tell: Callable[[str, str], object] = lambda *_: None
    ) -> Figures:
        """Load one workspace, or one part of one.

        `meltano el` works in a folder of its own for each state ID and run, with its
        own catalog and state; `meltano run` does not.

        Args:
            name: Of the load.
            tell: Called with the level and the text of each line of the tap.

        Returns:
            What the run did.

        Raises:
            LoadError: If it failed.
        """
        try:
            workspaces = self.workspaces()
            load = workspaces.find(name)
            environment = workspaces.environment(load, os.environ)
        except WorkspacesError as error:
            raise LoadError(str(error), may_pass=False) from error
        self._prepare(environment)
        report = Report(tell, environment["TAP_TOGGL_HIRE_API_KEY"])
        started = time.monotonic()
        with self._only_run_of(load) as lock:
            try:
                code = self._run(load, environment, report, lock)
            finally:
                # A killed run leaves its configuration there, key included.
                runs = self.folder / ".meltano" / "run" / "elt" / load.state_id
                shutil.rmtree(runs, ignore_errors=True)
        if code:
            raise LoadError(report.failure(code), may_pass=report.may_pass)
        return Figures(report.counts, time.monotonic() - started)

    def _run(
        self, load: Load, environment: dict[str, str], report: Report, lock: int
    ) -> int:
        command = [self.meltano, "--log-format=json", "el", "--no-install"]
        # The lock says that no other run is under way; what Meltano's own table says
        # is five minutes late where a run was killed.
        command += ["--force", f"--state-id={load.state_id}"]
        command += [f"--exclude={stream}" for stream in load.excluded]
        log = self._own() / f"{load.state_id}.log"
        # Into a file: whoever writes into a pipe hangs or dies with its reader, while a
        # run whose engine is killed goes on to its end, and holds the lock until then.
        with (
            log.open("wb") as file,
            log.open(encoding="utf-8", errors="replace") as tail,
        ):
            try:
                # A session of its own, to end everything that Meltano started with it.
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
                for line in _follow(tail, process):
                    report.take(line)
                return process.wait()
            finally:
                _end(process)

    def _prepare(self, environment: dict[str, str]) -> None:
        """Set up the system database, before the first runs do so all at once."""
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
            may_pass=False,
        )

    @contextmanager
    def _only_run_of(self, load: Load) -> Iterator[int]:
        try:
            with self._lock(load.state_id, wait=False) as lock:
                yield lock
        except BlockingIOError:
            raise LoadError(
                f"Another run of {load.name} is under way.", may_pass=True
            ) from None

    @contextmanager
    def _lock(self, name: str, *, wait: bool) -> Iterator[int]:
        how = fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB
        with (self._own() / f"{name}.lock").open("w") as file:
            fcntl.flock(file, how)
            yield file.fileno()

    def _own(self) -> Path:
        """Return the folder of locks and logs."""
        folder = self.folder / ".meltano" / "run" / "toggl-hire"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder


def _follow(tail: TextIO, process: subprocess.Popen[bytes]) -> Iterator[str]:
    """Yield the lines of a log until its process has ended."""
    rest, is_running = "", True
    while is_running:
        is_running = process.poll() is None  # first: then nothing follows what is read
        *lines, rest = (rest + tail.read()).split("\n")
        yield from lines
        if is_running:
            time.sleep(BLINK)
    yield rest


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a run, and whatever of it is left."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    if process.returncode != 0:  # it may have left others behind
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
