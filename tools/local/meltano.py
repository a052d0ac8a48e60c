"""Run Meltano with a copy of this checkout's `meltano.yml`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PROGRAMS = CHECKOUT / ".venv" / "bin"
_OURS = ("MELTANO_", "TAP_TOGGL_HIRE_", "TARGET_")


class PipelineError(Exception):
    """Raised if Meltano fails; the message is the end of its log."""


class Project:
    """A Meltano project with the plugins of the checkout and its own state.

    It neither reads nor writes `.env` and `.meltano` of the checkout, passes on no
    environment variable that configures a plugin, and installs nothing: `make plugins`
    and `make dbt` do.
    """

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        """Create the project in an empty folder, with `settings` as environment."""
        self.folder = folder
        self.log = folder / "meltano.log"
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}
        self._environment = {
            **inherited,
            "MELTANO_CLI_DISABLE_VERSION_CHECK": "true",
            "NO_COLOR": "1",
            **settings,
        }
        shutil.copy(CHECKOUT / "meltano.yml", folder)
        (folder / "analytics").symlink_to(CHECKOUT / "analytics")
        for kind in ("extractors", "loaders", "utilities"):
            link = folder / ".meltano" / kind
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(CHECKOUT / ".meltano" / kind)

    def run(self, *plugins: str, **settings: str) -> str:
        """Run the plugins with `meltano run`, and return its log.

        Raises:
            PipelineError: If it fails.
        """
        return self.meltano("run", "--no-install", *plugins, **settings)

    def meltano(self, *arguments: str, **settings: str) -> str:
        """Run a Meltano command, and return its output and log.

        Raises:
            PipelineError: If it fails.
        """
        return self._execute([str(PROGRAMS / "meltano"), *arguments], settings)

    def shell(self, script: str, **settings: str) -> str:
        """Run shell commands of a document.

        Raises:
            PipelineError: If one of them fails.
        """
        path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
        typed = {"PATH": path, "MELTANO_AUTO_INSTALL": "false", **settings}
        return self._execute(["/bin/sh", "-euc", script], typed)

    def _execute(self, command: list[str], settings: dict[str, str]) -> str:
        with self.log.open("a+b") as log:
            start = log.seek(0, os.SEEK_END)
            # A session of its own: Ctrl-C in the terminal reaches this process only,
            # which then ends Meltano and everything that Meltano started.
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self._environment | settings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                code = process.wait()
            finally:
                _end(process)
            log.seek(start)
            printed = log.read().decode()
        if code:
            end = "\n".join(printed.splitlines()[-40:])
            name = " ".join((Path(command[0]).name, *command[1:]))
            raise PipelineError(f"`{name}` ended with {code}:\n{end}")
        return printed


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a running process and everything that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, number)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                continue
