"""The program while it runs: tests stop and kill it, and close its pipe."""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
import time
import typing as t
from pathlib import Path

from tests.support.messages import Message, Messages
from tests.support.tap import clean_environment, command_line

if t.TYPE_CHECKING:
    import signal
    from collections.abc import Callable

Json = dict[str, t.Any]

SOON = 5.0
"""Seconds within which the tap ends once it is asked to."""
LONG = 60.0
"""Seconds within which a busy machine gets anywhere."""


class TapProcess(Messages):
    """A run of the command line, in a `with` block.

    Args:
        config: The settings.
        state: To start from.
        reads: Whether a target reads what it writes, from the beginning.

    Attributes:
        process: The process.
        written: What the target has read.
    """

    def __init__(
        self, config: Json, state: Json | None = None, *, reads: bool = True
    ) -> None:
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        self._stderr = (folder / "stderr").open("w+b")
        self.process = subprocess.Popen(
            command_line(folder, config, state=state),
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=clean_environment(),
        )
        self.written = b""
        self._reader = threading.Thread(target=self._read)
        if reads:
            self.read()

    def __enter__(self) -> t.Self:
        """Return the run."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill it, if it still runs."""
        self.process.kill()
        self.process.wait()
        self._join()
        if self.process.stdout:
            self.process.stdout.close()
        self._stderr.close()
        self._folder.cleanup()

    @property
    def messages(self) -> list[Message]:  # type: ignore[override]
        """All messages whose line is complete."""
        whole = self.written[: self.written.rfind(b"\n") + 1]
        return [json.loads(line) for line in whole.splitlines()]

    @property
    def stderr(self) -> str:
        """What it has logged."""
        self._stderr.seek(0)
        return self._stderr.read().decode()

    def read(self) -> None:
        """Let the target begin to read."""
        self._reader.start()

    def close_pipe(self, after: int = 0) -> None:
        """Let the target go away once it has read some bytes."""
        assert self.process.stdout
        assert len(self.process.stdout.read(after)) == after
        self.process.stdout.close()
        self.process.stdout = None

    def wait_until(self, condition: Callable[[], object]) -> None:
        """Wait for something that happens while it runs."""
        ends = time.monotonic() + LONG
        while not condition():
            assert self.process.poll() is None, self.stderr
            assert time.monotonic() < ends
            time.sleep(0.01)

    def wait(self, within: float = SOON) -> int:
        """Wait for its end, which comes soon; return the exit code."""
        code = self.process.wait(timeout=within)
        self._join()
        assert "Traceback" not in self.stderr
        assert "Exception ignored" not in self.stderr
        return code

    def stop(self, number: signal.Signals) -> None:
        """Send a signal, which it catches, and wait for its end."""
        self.process.send_signal(number)
        assert self.wait() == 128 + number
        assert not self.written or self.written.endswith(b"\n")
        assert f"Stopped by {number.name}" in self.stderr.splitlines()[-1]

    def kill(self) -> None:
        """Kill it, which it does not notice, while it runs."""
        assert self.process.poll() is None, "it has ended by itself"
        self.process.kill()
        self.process.wait()
        self._join()

    def _join(self) -> None:
        if self._reader.ident is not None:
            self._reader.join()

    def _read(self) -> None:
        assert self.process.stdout
        while part := self.process.stdout.read1(65_536):  # type: ignore[attr-defined]
            self.written += part
