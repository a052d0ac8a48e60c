"""The command line, with one sentence for whatever ends a run early."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import traceback
from pathlib import Path

# Until there is a run to stop in order, an interrupt ends the process, and that is it:
# the imports below take a while.
signal.signal(signal.SIGINT, signal.SIG_DFL)
# What they make stays to the end: looking through it for garbage, while it grows and
# once more at the end, takes a quarter of the time of a short run.
gc.disable()

from singer_sdk.exceptions import ConfigurationError, MappingError  # noqa: E402

from tap_toggl_hire.errors import TapError  # noqa: E402
from tap_toggl_hire.tap import TapTogglHire  # noqa: E402
from tap_toggl_hire.writer import disarm, nobody_reads  # noqa: E402

gc.freeze()
gc.enable()

BUFFER = 1 << 16
"""Bytes of messages that are written at once, unless a state comes."""

logger = logging.getLogger(TapTogglHire.name)


def main(tap_class: type[TapTogglHire] = TapTogglHire) -> None:
    """Run the command line.

    Exit code 0 means that everything selected was read, and written.

    Args:
        tap_class: The tap; another one for tests, which have no time for pauses.
    """
    # Buffered even with PYTHONUNBUFFERED: a raw write that a signal meets is cut short.
    sys.stdout = os.fdopen(
        sys.stdout.fileno(), "w", BUFFER, encoding="utf-8", closefd=False
    )
    try:
        tap_class.cli()
    except TapError as error:
        _fail(str(error))
    except (ConfigurationError, MappingError) as error:  # a stream map, say
        _fail(str(error))
    except SystemExit as stop:
        _finish(stop)
    except Exception as error:  # noqa: BLE001 - the last resort
        # The text of an unknown error may hold candidates' data.
        place = traceback.extract_tb(error.__traceback__)[-1]
        _fail(
            f"Unexpected {type(error).__name__} in {Path(place.filename).name}, "
            f"line {place.lineno}: please report it. With "
            "TAP_TOGGL_HIRE_LOGLEVEL=DEBUG, the log has the traceback."
        )
    finally:
        disarm()


def _finish(stop: SystemExit) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # Python's own exit would die of another
    if isinstance(stop.code, int) and stop.code > 128:  # noqa: PLR2004
        name = signal.Signals(stop.code - 128).name
        logger.error("Stopped by %s; the state of what was emitted is written.", name)
    try:
        sys.stdout.flush()
    except OSError as error:
        _fail(str(nobody_reads(error)))
    raise stop


def _fail(sentence: str) -> None:
    logger.debug("The run failed.", exc_info=sys.exc_info())
    logger.error("%s", sentence)
    try:
        sys.stdout.flush()
    except OSError:  # what is still in the buffer goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(1)


if __name__ == "__main__":
    main()
