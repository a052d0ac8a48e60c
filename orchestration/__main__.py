"""Load all workspaces of `workspaces.yml` once: `python -m orchestration`."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from orchestration.loading import LoadError, Project
from orchestration.report import as_level
from orchestration.workspaces import WorkspacesError


def main() -> int:
    """Load all workspaces, several at a time, and print the result of each.

    Returns:
        0 if all were loaded, otherwise 1.
    """
    project = Project.of_environment()
    try:
        workspaces = project.workspaces()
    except WorkspacesError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s: %(message)s"
    )
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())

    def load(name: str) -> bool:
        if stopped.is_set():
            _say(f"{name}: not loaded: the command was stopped.")
            return False
        logger = logging.getLogger(name)

        def log(level: str, text: str) -> None:
            getattr(logger, as_level(level))("%s", text)

        try:
            figures = project.load(name, log, stopped.is_set)
        except LoadError as error:
            _say(f"{name}: failed: {error}")
            return False
        changes = ", ".join(
            f"{figures.counts.get(f'candidates_{change}', 0):,} {change}"
            for change in ("created", "updated", "deleted")
        )
        requests = figures.counts.get("requests", 0)
        _say(
            f"{name}: loaded in {figures.seconds:.0f} s: {changes}; "
            f"{requests:,} requests"
        )
        return True

    with ThreadPoolExecutor(workspaces.at_once) as threads:
        runs = [threads.submit(load, name) for name in workspaces.by_name]
    return 0 if all(run.result() for run in runs) else 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")  # one write, so that threads do not mix their lines
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
