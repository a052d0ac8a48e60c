"""Singer messages on stdout, whole even where a signal ends the run."""

from __future__ import annotations

import os
import signal
import sys
import typing as t

from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.singerlib import RecordMessage, StateMessage

from tap_toggl_hire.errors import TapError

if t.TYPE_CHECKING:
    from singer_sdk.singerlib import Message

LONGEST_STOP = 3
"""Seconds that it may take to write what is to be written when a signal comes."""


def nobody_reads(error: OSError) -> TapError:
    """Tell why a message cannot be written."""
    if isinstance(error, BrokenPipeError):
        return TapError("The target closed the pipe: see its log for the reason.")
    return TapError(f"The messages cannot be written: {error.strerror}.")


def disarm() -> None:
    """Let no alarm of `MessageWriter.stop` end a process that has written all.

    While the interpreter ends, nothing handles it any more, and it would be the
    alarm's own exit code that an orchestrator sees.
    """
    if hasattr(signal, "alarm"):
        signal.alarm(0)


class MessageWriter(MsgSpecWriter):
    """Write messages; nothing is lost or torn when the run is told to stop.

    Records go through stdout's buffer. A state is flushed at once, and with it the
    records that it vouches for.
    """

    def __init__(self) -> None:
        super().__init__()
        self.record_bytes = 0
        """Bytes of RECORD messages so far."""
        self._is_writing = False
        self._stopped_by: int | None = None
        self._is_stopped = False

    def write_message(self, message: Message) -> None:
        """Write a message, and flush what comes before a state and the state.

        Raises:
            TapError: If nobody reads.
        """
        self._is_writing = True
        try:
            line = self.format_message(message)
            sys.stdout.buffer.write(line)
            if isinstance(message, RecordMessage):
                self.record_bytes += len(line)
            if isinstance(message, StateMessage):
                sys.stdout.buffer.flush()
        except OSError as error:
            raise nobody_reads(error) from error
        finally:
            self._is_writing = False
        if self._stopped_by is not None:
            self.stop(self._stopped_by)

    def stop(self, signum: int) -> None:
        """Leave the main thread's work, as a signal handler does, between messages.

        Once is enough: another signal does not hold up the last state.

        Raises:
            SystemExit: With the exit code that shells use for the signal.
        """
        if self._is_stopped:
            return
        if hasattr(signal, "alarm"):  # the target may not read on
            signal.signal(signal.SIGALRM, lambda *_: os._exit(128 + signum))
            signal.alarm(LONGEST_STOP)
        if self._is_writing:
            self._stopped_by = signum
            return
        self._is_stopped = True
        raise SystemExit(128 + signum)
