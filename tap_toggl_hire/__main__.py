"""The process: exit codes, and one last line for whatever ends a run early."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import traceback
from pathlib import Path

# Until a run starts, an interrupt ends the process at once: the imports take a while.
signal.signal(signal.SIGINT, signal.SIG_DFL)
# Imported objects stay until the end. Collecting garbage among them, during the imports
# and at exit, takes a quarter of the time of a short run.
gc.disable()

from singer_sdk.exceptions import ConfigurationError, MappingError  # noqa: E402

from tap_toggl_hire.errors import StoppedError, TapError  # noqa: E402
from tap_toggl_hire.messages import output_error  # noqa: E402
from tap_toggl_hire.tap import TapTogglHire  # noqa: E402

gc.freeze()
gc.enable()

BUFFER = 1 << 16  # bytes of messages that are written at once, unless a STATE comes


def main(tap_class: type[TapTogglHire] = TapTogglHire) -> None:
    """Run the command line and exit.

    Exit code 0 means that the run ended as it should: everything selected was read and
    written, or the time limit stopped it; 128 and the number of the signal, that a
    signal did; 1, that it failed. A failure, and a signal, end with one line on stderr,
    a log record with the field `is_transient`.
    """
    # Buffered even with PYTHONUNBUFFERED: a signal cuts an unbuffered write short.
    sys.stdout = os.fdopen(
        sys.stdout.fileno(), "w", BUFFER, encoding="utf-8", closefd=False
    )
    failure: Exception | None = None
    code: str | int | None = 0
    try:
        tap_class.cli()
    except SystemExit as stop:  # of click, which also reports wrong usage
        code = stop.code
    except StoppedError as error:
        failure, code = error, 1 if error.signum is None else 128 + error.signum
    except Exception as error:  # noqa: BLE001 - any failure ends with one line
        failure, code = error, 1
    # Ignore further signals: the target waits for the rest.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    try:
        sys.stdout.flush()
    except OSError as error:
        # The interpreter would flush what is left once more, and exit with 120.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if failure is None:
            failure, code = output_error(error), 1
    if failure is not None:
        _log(failure)
    sys.exit(code)


def _log(failure: Exception) -> None:
    """Log a failure as the last line, for people and for orchestrators."""
    # Not at import: SINGER_SDK_LOG_CONFIG may disable the loggers that exist by then.
    logger = logging.getLogger(TapTogglHire.name)
    logger.debug("The run failed.", exc_info=failure)
    if isinstance(failure, (TapError, ConfigurationError, MappingError)):
        sentence = str(failure)
    else:
        # The text of an unknown error may hold candidates' data.
        place = traceback.extract_tb(failure.__traceback__)[-1]
        sentence = (
            f"Unexpected {type(failure).__name__} in {Path(place.filename).name}, "
            f"line {place.lineno}: please report it. With "
            "TAP_TOGGL_HIRE_LOGLEVEL=DEBUG, the log has the traceback."
        )
    is_transient = isinstance(failure, TapError) and failure.is_transient
    logger.error("%s", sentence, extra={"is_transient": is_transient})
    logging.disable()  # a worker may still log the response of its request


if __name__ == "__main__":
    main()
